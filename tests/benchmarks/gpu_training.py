"""The rows of `gpu.py` on training steps: compared with peers, with limited memory, out of memory, and estimates.

Each job is a generator of (row, figures). It runs in its own process, whose memory it may limit.
"""

import gc
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from storytime_tui.models.footprint import Size, estimate_memory
from storytime_tui.models.gpt2 import GPT2, Shape
from storytime_tui.models.gpt2_files import empty_gpt2
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.plan import TrainingPlan, resolve
from storytime_tui.training.probe import Memory, fit_to_memory
from storytime_tui.training.trainer import Trainer
from tests.benchmarks import training
from tests.benchmarks.peers import best_precision

Figures = dict[str, Any]

CAP = 7.5e9  # bytes that a GPU of 8 GB has for one program
NAMED = {
    "gpt2": Shape(50257, 1024, 768, 12, 12, 3072),
    "gpt2-medium": Shape(50257, 1024, 1024, 24, 16, 4096),
    "gpt2-xl": Shape(50257, 1024, 1600, 48, 25, 6400),
}
TINY = Shape(512, 64, 64, 2, 2, 256)
TOKENS = 2_000_000  # of training text; enough for the default step size


# -- G1, G2, G3 --------------------------------------------------------------------------------------------


def against(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Ours with compiled blocks, a compiled loop like nanoGPT's and the plain Trainer, in turn, in one run."""
    details = {**training.SHAPES["gpt2"], "device": device, "dropout": 0.0, "compile_ours": device == "cuda"}
    if smoke:
        details |= {"layers": 2, "width": 128, "heads": 2, "vocabulary": 2048, "block": 64, "batch": 2}
    peers = ["nanogpt", "trainer"] if device == "cuda" else ["trainer"]  # compiling takes long on a CPU
    found = training.measure(["ours", *peers], details, 2 if smoke else 10, 2 if smoke else 10)
    figures = {**found["figures"], "precision": found["facts"]["precision"], **_plain(details)}
    tokens = figures["tokens_per_second"]["ours"]
    yield "G1", figures if device == "cuda" else {"trouble": "needs a GPU"}
    yield "G2", figures
    if device != "cuda":
        yield "G3", {"trouble": "needs a GPU"}
    else:
        each = flop_per_token(details)
        rate = matrix_rate(1024 if smoke else 8192)
        yield (
            "G3",
            {
                "mfu": tokens * each / rate,
                "tokens_per_second": tokens,
                "flop_per_token": each,
                "matrix_rate": rate,
            },
        )


def _plain(details: dict[str, Any]) -> Figures:
    return {name: details[name] for name in ("layers", "width", "block", "batch", "accumulation")}


def flop_per_token(details: dict[str, Any]) -> float:
    """6 N + 12 L H Q T (Chowdhery et al., "PaLM", 2022); N counts the token embeddings once, no position embeddings."""
    width, layers = details["width"], details["layers"]
    numbers = details["vocabulary"] * width + layers * (12 * width * width + 13 * width) + 2 * width
    return float(6 * numbers + 12 * layers * width * details["block"])


def matrix_rate(size: int) -> float:
    """FLOP/s of a square matrix product in bf16, on random numbers: zeros draw less power and are faster."""
    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    times = []
    for _ in range(13):
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record()
        torch.mm(a, b)
        after.record()
        torch.cuda.synchronize()
        times.append(before.elapsed_time(after) / 1e3)
    return 2 * size**3 / statistics.median(times[3:])


# -- one run of our trainer --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """The results of a run; the peaks are 0 on a CPU."""

    losses: list[float]
    tokens_per_second: float
    allocated: int
    reserved: int
    recovered: list[str]


def random_model(shape: Shape, device: torch.device, dtype: torch.dtype = torch.float32) -> GPT2:
    """A model made on its device, because making 1.5 billion random numbers on the CPU is slow."""
    model = empty_gpt2(shape, device, dtype, padded=device.type == "cuda")
    model.fill(0)
    return model


def plan_for(shape: Shape, device: str, block: int, steps: int, **knobs: Any) -> TrainingPlan:
    """The default plan for a base of this shape, with an evaluation before the first step only."""
    plan = TrainingPlan(
        base="random",
        collections=("random",),
        block_size=block,
        max_steps=steps,
        evaluate_every=1_000_000,
        sample_every=0,
        device=device,
        **knobs,
    )
    return resolve(
        plan,
        window=shape.window,
        from_scratch=False,
        training_tokens=TOKENS,
        parameters=size_of(shape).parameters,
    )


def size_of(shape: Shape) -> Size:
    """The size that `footprint` finds for a model of this shape."""
    width = shape.width
    block = 12 * width * width + 13 * width
    numbers = (shape.vocabulary + shape.window) * width + shape.layers * block + 2 * width
    return Size(numbers, shape.window, width, shape.layers, shape.vocabulary)


def ran(
    model: GPT2,
    plan: TrainingPlan,
    precision: str,
    memory: Memory | None = None,
    on_step: Callable[[int], None] = lambda step: None,
) -> Ran:
    """Run our trainer on random ids. `on_step` is called for each step; on a GPU, for ten at a time."""
    assert plan.block_size and plan.batch_size and plan.accumulation
    ids = np.random.default_rng(0).integers(0, model.vocabulary, TOKENS, dtype=np.uint16)
    lesson = Dataset(ids, ids[: 2 * plan.block_size], 8 * plan.block_size, 1, 1, 0.0, "")
    device = model.head.device
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    losses: list[float] = []
    ends: list[float] = []
    recovered: list[str] = []
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as folder:
        trainer = Trainer(
            model,
            plan,
            lesson,
            Path(folder),
            device=device,
            precision=precision,
            control=Control(),
            sample=lambda *_: "",
            model_files=_NoFiles(),
            memory=memory,
        )
        for event in trainer.run():
            if isinstance(event, ev.Failed):
                raise RuntimeError(event.message)
            if isinstance(event, ev.Recovered):
                recovered.append(event.message)
            if isinstance(event, ev.StepDone):
                losses.append(event.loss)
                ends.append(event.elapsed)
                on_step(event.step)
                if event.step == plan.max_steps:
                    break  # the last checkpoint would take gigabytes
    first = len(ends) // 2 - 1
    tokens = plan.block_size * plan.batch_size * plan.accumulation
    rate = (len(ends) - 1 - first) * tokens / (ends[-1] - ends[first])
    peaks = (0, 0)
    if device.type == "cuda":
        peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return Ran(losses, rate, *peaks, recovered)


class _NoFiles:
    """Saves no weights; the trainer still saves the optimiser's state, which fits on the disk."""

    def weights(self) -> dict[str, Any]:
        return {}

    def write(self, weights: dict[str, Any], folder: Path) -> None:
        return None


# -- G5, G6, G7 --------------------------------------------------------------------------------------------


def memory(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """GPT-2 124M with a batch of 16 windows of 1,024 tokens, without limit and compilation: the estimate's error."""
    yield "G7", _fitted("gpt2", device, smoke, steps=20, batch_size=16, accumulation=1, dropout=0.0)


def medium(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Train all of gpt2-medium on a GPU of 8 GB."""
    cap(device, CAP)
    yield "G5", {"cap": CAP, **_fitted("gpt2-medium", device, smoke, steps=20)}


def large(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Train gpt2-xl by LoRA on a GPU of 8 GB."""
    cap(device, CAP)
    yield "G6", {"cap": CAP, **_fitted("gpt2-xl", device, smoke, steps=20, lora_rank=16)}


def cap(device: str, size: float) -> None:
    """Limit the GPU memory of this process."""
    if device == "cuda":
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, size / total))


def _fitted(name: str, device: str, smoke: bool, steps: int, **knobs: Any) -> Figures:
    """A run fitted to the memory by our program: its plan, its speed, and estimated and measured memory."""
    shape = TINY if smoke else NAMED[name]
    where = torch.device(device)
    precision = best_precision(device)
    plan = plan_for(shape, device, shape.window, 12 if smoke else steps, **knobs)
    model = random_model(replace(shape, dropout=plan.dropout), where, _weights_in(plan, device, precision))
    if plan.lora_rank:
        from storytime_tui.models.lora import add_lora

        add_lora(model, plan.lora_rank, plan.lora_alpha, plan.lora_targets, plan.seed)
    may_choose = "batch_size" not in knobs
    plan, found = fit_to_memory(plan, model, where, precision, may_choose=may_choose)
    assert plan.batch_size and plan.block_size
    before = estimate_memory(
        size_of(shape),
        batch=plan.batch_size,
        block=plan.block_size,
        precision=precision,
        dropout=plan.dropout,
        checkpointing=plan.checkpointing == "on",
        accumulates=plan.accumulation != 1,
        lora_rank=plan.lora_rank,
        on_gpu=device == "cuda",
    )
    done = ran(model, plan, precision, found)
    needed = found.needed if found else 0
    return {
        "shape": name,
        "tokens_per_second": done.tokens_per_second,
        "batch": plan.batch_size,
        "accumulation": plan.accumulation,
        "checkpointing": plan.checkpointing,
        "precision": precision,
        "recovered": done.recovered,
        "largest_allocated": done.allocated,
        "largest_reserved": done.reserved,
        "probe_needed": needed,
        "available": found.available if found else 0,
        "before_load": before,
        **_over("probe_over_peak", needed, done.allocated),
        **_over("before_over_peak", before, done.allocated),
    }


def _weights_in(plan: TrainingPlan, device: str, precision: str) -> torch.dtype:
    """The dtype in which our program loads a base: frozen weights may have 16 bits on a GPU."""
    halves = plan.lora_rank > 0 and device == "cuda" and precision == "bf16"
    return torch.bfloat16 if halves else torch.float32


def _over(name: str, said: int, taken: int) -> Figures:
    return {name: said / taken} if taken else {}


# -- G8 ----------------------------------------------------------------------------------------------------


def shortage(device: str, smoke: bool) -> Iterator[tuple[str, Figures]]:
    """Limit the memory during a run below the plan's need: the run recovers, with the same losses as without."""
    figures: Figures = {}
    for precision in ("bf16", "fp32") if best_precision(device) == "bf16" else ("fp32",):
        figures |= _in_want(device, smoke, precision)
    differences = [value for name, value in figures.items() if name.endswith("difference")]
    recovered = [value for name, value in figures.items() if name.endswith("recovered")]
    if device == "cuda" and not all(recovered):
        figures["trouble"] = "the cap did not make it short of memory"
    yield "G8", {"largest_difference": max(differences), **figures}


def _in_want(device: str, smoke: bool, precision: str) -> Figures:
    shape = TINY if smoke and device == "cpu" else replace(NAMED["gpt2"], layers=6)
    steps, batch = (20, 4 if device == "cpu" else 32) if smoke else (40, 32)
    plan = plan_for(
        shape,
        device,
        min(512, shape.window),
        steps,
        batch_size=batch,
        accumulation=1,
        dropout=0.0,
        precision=precision,
    )
    half = replace(plan, batch_size=batch // 2, accumulation=2)

    def one(plan: TrainingPlan, on_step: Callable[[int], None] = lambda step: None) -> Ran:
        return ran(random_model(shape, torch.device(device)), plan, precision, on_step=on_step)

    least, whole = one(replace(half, max_steps=4)), one(plan)
    ceiling = (max(least.reserved, least.allocated) + whole.allocated) / 2

    def starve(step: int) -> None:
        if step == steps // 2:
            if device == "cuda":
                torch.cuda.empty_cache()
            cap(device, ceiling)

    short = one(plan, starve)
    cap(device, float("inf"))
    pairs = zip(whole.losses, short.losses, strict=True)
    return {
        f"{precision}_difference": max(abs(a - b) for a, b in pairs),
        f"{precision}_recovered": short.recovered,
        f"{precision}_ceiling": ceiling,
        f"{precision}_half_batch_peak": least.allocated,
        f"{precision}_whole_batch_peak": whole.allocated,
    }
