"""Finds a learning rate: a short test on a copy of the base in memory; nothing on the disk changes.

See `training.rate_range` for the method. Loads torch when it runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from storytime_tui.errors import RunError
from storytime_tui.jobs import active_runs
from storytime_tui.jobs.progress import Stopped, with_progress
from storytime_tui.jobs.train import load, prepare
from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.rate_range import (
    RateFound,
    RateTried,
    has_exploded,
    rates_around,
    suggestion,
    with_step,
)


def find_rate(plan: TrainingPlan, control: Control) -> Iterator[Preparing | RateTried | RateFound]:
    """Test learning rates for a plan, whose own learning rate does not matter. Blocks: iterate it in a thread.

    Stops within a step after `control.stop()`, with a RateFound of what was tried. Raises StorytimeError, also if a
    run trains in this program: the two would slow each other down.
    """
    if active_runs.is_training():
        raise RunError("A run trains now: the learning rate can be tested when it has finished.")
    plan = dataclasses.replace(plan, voices=(), extended_at=(), learning_rate=None, compile="off")
    with active_runs.training():
        prepared = yield from with_progress(lambda report: prepare(plan, report, control), control)
        yield Preparing("loading the model", 0, 0)
        from storytime_tui.training.distributed import Ranks
        from storytime_tui.training.rate_sweep import sweep

        loaded = load(prepared, Ranks())
        if control.stopped:
            raise Stopped
        assert loaded.plan.learning_rate
        rates = rates_around(loaded.plan.learning_rate)
        losses = sweep(
            loaded.model,
            loaded.plan,
            loaded.data,
            rates,
            device=loaded.device,
            precision=loaded.precision,
        )
        tried: list[RateTried] = []
        for loss in losses:
            tried = with_step(tried, rates, loss)
            yield tried[-1]
            if has_exploded(tried) or control.stopped:
                break
        yield suggestion(tried, stopped=control.stopped)
