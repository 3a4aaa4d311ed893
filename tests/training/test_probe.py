"""The probe step: it tells what a step takes, and leaves no trace."""

from pathlib import Path

import pytest
import torch

from storytime_tui.errors import ModelError
from storytime_tui.models import footprint, gpt2_files
from storytime_tui.models.catalogue import SCRATCH_SHAPES
from storytime_tui.models.footprint import Footprint, estimate, size_in, size_of_shape
from storytime_tui.models.gpt2 import Shape
from storytime_tui.training.objective import Objective
from storytime_tui.training.probe import _taken, available_memory, probe
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
    kept = _taken(objective, 8, 64, 500, CPU, "fp32") - _taken(objective, 1, 64, 500, CPU, "fp32")
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
    guess = estimate(size, block=64, precision=precision, dropout=0.1, checkpointing=False)
    assert probe(model(), 64, 500, CPU, precision, 0).window == pytest.approx(guess.window, rel=0.35)


@pytest.mark.parametrize("batch", [1, 3, 10])
def test_what_fits_fits_and_one_more_does_not(batch: int) -> None:
    found = Footprint(fixed=1000, window=70)
    assert found.largest_batch(found.total(batch)) == batch
    assert found.largest_batch(found.total(batch) - 1) == batch - 1
    assert found.largest_batch(10) == 0


def test_there_is_memory_here() -> None:
    assert available_memory(CPU) > 10**8


def test_a_model_is_measured_without_being_loaded(tmp_path: Path) -> None:
    reference = tiny_gpt2()
    reference.save_pretrained(tmp_path)
    size = size_in(tmp_path)
    assert size == footprint.Size(sum(p.numel() for p in ours(reference).parameters()), 32, 32, 2, 64)
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
