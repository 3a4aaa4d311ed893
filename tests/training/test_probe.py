"""The probe step: it tells what a step takes, and leaves no trace."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from storytime_tui.errors import ModelError
from storytime_tui.models import footprint, gpt2_files
from storytime_tui.models.footprint import estimate_memory, size_in, size_of_shape
from storytime_tui.models.gpt2 import Shape
from storytime_tui.models.shapes import LLAMA_CONFIGS, SCRATCH_SHAPES
from storytime_tui.training import probe as trials
from storytime_tui.training.loss import Objective
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.probe import _bytes_of_step, available_memory, fit_to_memory, probe
from tests.models import small_llamas
from tests.tiny import ours, tiny_gpt2

CPU = torch.device("cpu")


def model(layers: int = 4, width: int = 128) -> Objective:
    shape = Shape(
        vocabulary=500, window=64, width=width, layers=layers, heads=4, inner=4 * width, dropout=0.1
    )
    made = gpt2_files.empty_gpt2(shape, CPU, torch.float32, padded=False)
    made.fill(0)
    return Objective(made.train())


def test_two_trials_tell_what_eight_windows_take() -> None:
    objective = model()
    found = probe(objective, 64, 500, CPU, "fp32", moments=1000)
    kept = _bytes_of_step(objective, 8, 64, 500, CPU, "fp32") - _bytes_of_step(
        objective, 1, 64, 500, CPU, "fp32"
    )
    assert 7 * found.window == pytest.approx(kept, rel=0.1)


def test_it_leaves_no_gradient_and_no_changed_weight() -> None:
    objective = model()
    before = [p.clone() for p in objective.parameters()]
    probe(objective, 32, 500, CPU, "bf16", moments=0)
    assert all(p.grad is None for p in objective.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, objective.parameters(), strict=True))


def test_computing_blocks_twice_keeps_far_less() -> None:
    whole, twice = model(), model()
    twice.model.checkpointing = True
    assert probe(twice, 64, 500, CPU, "fp32", 0).window < 0.6 * probe(whole, 64, 500, CPU, "fp32", 0).window


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_sum_made_beforehand_is_near_what_the_probe_finds(precision: str) -> None:
    size = footprint.Size(1_000_000, 64, 128, 4, 500)
    one, two = (
        estimate_memory(size, batch=batch, block=64, precision=precision, dropout=0.1, checkpointing=False)
        for batch in (1, 2)
    )
    assert probe(model(), 64, 500, CPU, precision, 0).window == pytest.approx(two - one, rel=0.35)


@pytest.mark.parametrize("kind", ["smollm2", "qwen2", "qwen3"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_llamas_too_and_its_parts_are_counted_right(precision: str, kind: str, tmp_path: Path) -> None:
    reference = small_llamas.theirs(
        kind, hidden_size=96, intermediate_size=256, num_attention_heads=6, head_dim=16, num_key_value_heads=2
    )
    reference.save_pretrained(tmp_path)
    size = size_in(tmp_path)
    made = small_llamas.ours(reference, dropout=0.1)
    named = dict(made.named_parameters())
    assert size.parameters == sum(p.numel() for p in named.values())
    assert size.embeddings == sum(
        p.numel() for name, p in named.items() if "layers" not in name and p.dim() == 2
    )
    block = [p for p in made.blocks[0].parameters() if p.dim() == 2]
    assert size.lora == sum(sum(p.shape) for p in block)
    one, two = (
        estimate_memory(
            size, batch=batch, block=64, precision=precision, dropout=0.1, checkpointing=False, on_gpu=True
        )
        for batch in (1, 2)
    )
    found = probe(Objective(made.train()), 64, 301, CPU, precision, 0).window
    assert found == pytest.approx(two - one, rel=0.2)


def test_the_sum_made_beforehand_is_what_a_gpu_was_seen_to_take() -> None:
    """gpt2-xl by LoRA on an H200, four windows twice a step: 5.85 GB, when the loss took half a GB more."""
    width, layers = 1600, 48
    parameters = (50257 + 1024) * width + layers * (12 * width * width + 13 * width) + 2 * width
    size = footprint.Size(parameters, 1024, width, layers, 50257)
    taken = estimate_memory(
        size,
        batch=4,
        block=1024,
        precision="bf16",
        dropout=0.1,
        checkpointing=True,
        lora_rank=16,
        on_gpu=True,
    )
    assert taken == pytest.approx(5.4e9, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "windows", "taken"),
    [("SmolLM2-135M", 4, 1.85e9), ("SmolLM2-135M", 8, 2.93e9), ("distilgpt2", 8, 1.31e9)],
)
def test_the_sum_made_beforehand_is_what_lora_on_a_cpu_was_seen_to_take(
    kind: str, windows: int, taken: float
) -> None:
    """By LoRA in bf16, windows of 256 in two micro-batches a step, on 2 cores of an Intel Xeon."""
    smol = footprint.size_of_llama(LLAMA_CONFIGS["HuggingFaceTB/SmolLM2-135M"])
    size = smol if kind == "SmolLM2-135M" else footprint.Size(81_912_576, 1024, 768, 6, 50257)
    needed = estimate_memory(
        size, batch=windows, block=256, precision="bf16", dropout=0.1, checkpointing=False, lora_rank=16
    )
    assert taken <= needed < 1.2 * taken
    by_transformers = dataclasses.replace(size, ours=False)  # its base stays in 32 bits
    assert needed < estimate_memory(
        by_transformers,
        batch=windows,
        block=256,
        precision="bf16",
        dropout=0.1,
        checkpointing=False,
        lora_rank=16,
    )


def test_gradients_count_beside_what_is_kept_only_where_a_step_reads_several_batches() -> None:
    size = footprint.Size(100_000_000, 1024, 768, 6, 50257)
    one, several = (
        estimate_memory(
            size,
            batch=2,
            block=1024,
            precision="bf16",
            dropout=0.0,
            checkpointing=False,
            accumulates=accumulates,
            on_gpu=True,
        )
        for accumulates in (False, True)
    )
    assert several - one == 4 * size.parameters


# -- what a GPU would say ---------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
def test_a_trial_of_several_micro_batches_finds_the_gradients_of_those_before(
    monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """The height is taken over everything from the first forward pass to the last backward pass."""
    objective = model()
    said: list[str] = []

    def note(module: Any, *_: Any) -> None:
        kept = sum(p.grad.numel() for p in module.parameters() if p.grad is not None)
        said.append(f"read beside {kept} gradients")

    objective.register_forward_pre_hook(note)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: said.append("begun"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: len(said))
    trials._peak_on_gpu(objective, torch.zeros(3, 65, dtype=torch.long), CPU, "fp32", again=again)
    every = sum(p.numel() for p in objective.parameters())
    assert said == ["begun", "read beside 0 gradients", f"read beside {every} gradients"][: 3 if again else 2]


GPU = torch.device("cuda")
FULL = 1000


def fitted(
    monkeypatch: pytest.MonkeyPatch, plan: TrainingPlan, window: int, room: int, *, may_choose: bool = True
) -> tuple[TrainingPlan, trials.Memory | None]:
    """On a GPU with room for 1,000, where a window takes so much, a tenth with blocks computed twice, and what a
    step keeps for its second micro-batch 100; more than `room` is too much even for a trial."""

    def height(objective: Any, ids: torch.Tensor, *_: Any, again: bool) -> int:
        taken = len(ids) * (window // 10 if objective.model.checkpointing else window) + 100 * again
        if taken > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return taken

    learner = model()
    for parameter in learner.parameters():
        parameter.requires_grad_(False)  # so that the optimiser's moments take nothing
    monkeypatch.setattr(trials, "_peak_on_gpu", height)
    monkeypatch.setattr(trials, "_ids", lambda windows, *_: torch.zeros(windows, 9))
    monkeypatch.setattr(trials, "available_memory", lambda device: FULL)
    return fit_to_memory(plan, learner.model, GPU, "bf16", may_choose=may_choose)


@pytest.mark.parametrize(
    ("window", "batch", "checkpointing", "needed"),
    [
        (60, 16, "off", 960),  # all of a step at once
        (100, 8, "off", 900),
        (400, 2, "off", 900),
        (950, 8, "on", 860),  # one would fit, but not beside the gradients of those before it
        (9000, 1, "on", 1000),
        (20000, 1, "on", 2100),  # too little whatever is done
    ],
)
@pytest.mark.parametrize("room", [FULL, 10**6])
def test_on_a_gpu_as_many_windows_at_once_as_fit(
    monkeypatch: pytest.MonkeyPatch, window: int, batch: int, checkpointing: str, needed: int, room: int
) -> None:
    plan = TrainingPlan(batch_size=4, accumulation=4, block_size=8)
    found, memory = fitted(monkeypatch, plan, window, room)
    assert (found.batch_size, found.accumulation, found.checkpointing) == (batch, 16 // batch, checkpointing)
    assert memory == (trials.Memory(needed, FULL) if needed <= room else None)


def test_a_batch_that_was_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = TrainingPlan(batch_size=6, accumulation=1, block_size=8)
    for window, checkpointing in ((300, "off"), (900, "off"), (1500, "on")):
        found, _ = fitted(monkeypatch, plan, window, 10**6, may_choose=False)
        assert (found.batch_size, found.accumulation, found.checkpointing) == (6, 1, checkpointing)


def test_a_step_has_as_many_windows_however_few_are_read_at_once() -> None:
    assert trials._sizes(12, 12) == [12, 6, 3, 1]
    assert trials._sizes(20, 10) == [10, 5, 2, 1]
    assert trials._sizes(7, 7) == [7, 1]


def test_there_is_memory_here() -> None:
    assert available_memory(CPU) > 10**8


def test_a_model_is_measured_without_being_loaded(tmp_path: Path) -> None:
    reference = tiny_gpt2()
    reference.save_pretrained(tmp_path)
    size = size_in(tmp_path)
    count = sum(p.numel() for p in ours(reference).parameters())
    assert size == footprint.Size(count, 32, 32, 2, 64, embeddings=(64 + 32) * 32)
    (tmp_path / "model.safetensors").write_bytes(b"junk" * 9)
    with pytest.raises(ModelError, match="are damaged"):
        size_in(tmp_path)


def test_a_new_model_is_counted_right() -> None:
    shape = SCRATCH_SHAPES["scratch-small"]
    made = gpt2_files.empty_gpt2(
        Shape(1000, 128, shape.width, shape.layers, shape.heads, 4 * shape.width),
        CPU,
        torch.float32,
        padded=False,
    )
    counted = size_of_shape(shape, 1000, 128)
    assert counted.parameters == sum(p.numel() for p in made.parameters())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_a_run_stays_below_what_was_said_of_its_memory(tmp_path: Path) -> None:
    """On a CPU, in a program of its own: the trial, and then steps with as many windows as it judged."""
    code = """
import resource, sys, torch
from storytime_tui.models import gpt2_files
from storytime_tui.models.gpt2 import Shape
from storytime_tui.training.loss import Objective
from storytime_tui.training.optimizers import make_optimizer
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.probe import _forward_backward, _ids, fit_to_memory
cpu = torch.device("cpu")
shape = Shape(vocabulary=8000, window=128, width=192, layers=4, heads=3, inner=768, dropout=0.1)
model = gpt2_files.empty_gpt2(shape, cpu, torch.float32, padded=False)
model.fill(0)
plan = TrainingPlan(batch_size=16, accumulation=2, block_size=128, learning_rate=1e-4)
plan, memory = fit_to_memory(plan, model, cpu, "fp32", may_choose=False)
objective = Objective(model.train())
optimizer = make_optimizer(objective, plan)
for _ in range(2):
    for _ in range(2):
        _forward_backward(objective, _ids(16, 128, 8000, cpu), cpu, "fp32")
    torch.nn.utils.clip_grad_norm_(objective.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
if sys.platform == "linux":  # getrusage would give what the program that started this one had, where that is more
    status = open("/proc/self/status").read()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(memory.needed, peak)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    needed, peak = map(int, done.stdout.split())
    assert peak <= needed < 2 * peak
