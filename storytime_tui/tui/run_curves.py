"""What the loss chart shows of a run: its curves, its axis, and the losses at a step. Pure functions."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.tui.chart_axis import Scale, Unit, nearest
from storytime_tui.tui.loss_picture import Curves
from storytime_tui.tui.pace import Point
from storytime_tui.tui.run_view import RunView


def curves_of(view: RunView) -> Curves:
    """The curves of a run."""
    trained = [each for each in view.evaluations if each.step > 0 and math.isfinite(each.validation_loss)]
    best = min(trained, key=lambda each: each.validation_loss, default=None)
    baseline = view.started.token_frequency_loss if view.started else math.nan
    return Curves(
        raw=view.curve,
        line=[(each.step, math.nan if math.isnan(each.loss) else each.smoothed) for each in view.line],
        checks=_ascending([(each.step, each.validation_loss) for each in view.evaluations]),
        best=best.step if best else None,
        baseline=baseline if math.isfinite(baseline) else None,
        total=view.total,
    )


def scale_of(view: RunView, unit: Unit) -> Scale:
    """The x axis of a run in a unit."""
    started = view.started
    each = started.training_tokens / started.steps_per_epoch if started and started.steps_per_epoch > 0 else 0
    known = [*view.pace, *([view.step] if view.step else [])]
    pace = _ascending([(step.step, step.elapsed) for step in known])
    return Scale(unit, each if 0 < each < math.inf else 1.0, pace)


def _ascending(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points without those that do not come after the one before: a damaged journal may say anything."""
    kept: list[tuple[int, float]] = []
    for step, value in points:
        if not kept or step > kept[-1][0]:
            kept.append((step, value))
    return kept


@dataclass(frozen=True)
class Reading:
    """The losses at a step: of the step itself, smoothed, and the newest check's until then; None if unknown."""

    step: int
    raw: float | None
    smoothed: float | None
    validation: float | None
    checked_at: int | None


def reading_at(curves: Curves, step: int) -> Reading:
    """Read the curves at a step."""
    raw = dict(curves.raw).get(step)
    line = [point for point in curves.line if not math.isnan(point[1])]
    checks = curves.checks[: bisect_right(curves.checks, step, key=lambda check: check[0])]
    smoothed = line[nearest([at for at, _ in line], step)][1] if line and step > 0 else None
    checked_at, validation = checks[-1] if checks else (None, None)
    return Reading(step, raw, smoothed, validation, checked_at)


def steps_of(curves: Curves) -> list[int]:
    """The steps that can be read, in order."""
    points: Sequence[Sequence[Point]] = (curves.raw, curves.checks)
    return sorted({step for each in points for step, _ in each})
