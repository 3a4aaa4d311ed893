"""Benchmark: how fast this machine trains a model of a base's shape, on random tokens."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storytime_tui.jobs.bench.shapes import random_model
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan

_WARM_UP = 3  # first steps, not counted


def measure_training(
    base: str, steps: int, say: Callable[[str], None], *, device: str = "auto"
) -> dict[str, object]:
    """Training tokens per second and memory (bytes) of a model of the base's shape.

    `device`: as in a plan. Raises ModelError for a missing device.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import numpy as np
    import torch

    from storytime_tui.models import loading
    from storytime_tui.training.dataset import Dataset
    from storytime_tui.training.probe import fit_to_memory
    from storytime_tui.training.trainer import Trainer

    where = loading.choose_device(device)
    precision = loading.choose_precision("auto", where)
    total = steps + _WARM_UP
    model = random_model(base, where, TrainingPlan().dropout)
    block = min(model.window, 256 if where.type == "cpu" else 1024)
    plan = TrainingPlan(
        base=base,
        block_size=block,
        stride=block,
        batch_size=4 if where.type == "cpu" else 16,
        accumulation=1,
        epochs=100_000.0,
        max_steps=total,
        learning_rate=1e-4,
        evaluate_every=10 * total,
        sample_every=0,
    )
    say("measuring the memory of a step…")
    plan, memory = fit_to_memory(plan, model, where, precision, may_choose=True)
    ids = np.random.default_rng(0).integers(0, model.vocabulary, 64 * block, dtype=np.uint32)
    data = Dataset(ids, ids[: 2 * block], 8 * block, 1, 1, 0.0, "")
    with tempfile.TemporaryDirectory(prefix="storytime-bench-") as folder:
        trainer = Trainer(
            model,
            plan,
            data,
            Path(folder),
            device=where,
            precision=precision,
            control=Control(),
            sample=lambda *_: "",
            model_files=_NoFiles(),
        )
        spent: list[float] = []
        before = 0.0
        for event in trainer.run():
            if isinstance(event, ev.StepDone):
                spent.append(event.elapsed - before)
                before = event.elapsed
                say(f"step {event.step} of {total}: {event.tokens_per_second:,.0f} tokens/s")
    assert plan.batch_size and plan.accumulation
    second = statistics.median(spent[_WARM_UP:])
    return {
        "base": base,
        "device": str(where),
        "precision": precision,
        "batch": plan.batch_size,
        "block": block,
        "tokens_per_second": plan.batch_size * plan.accumulation * block / second,
        "seconds_per_step": second,
        "memory_estimate": memory.needed if memory else 0,
        "torch": torch.__version__,
    }


class _NoFiles:
    """Saves nothing: a benchmark needs no checkpoints."""

    def weights(self) -> dict[str, Any]:
        return {}

    def write(self, weights: dict[str, Any], folder: Path) -> None:
        return None
