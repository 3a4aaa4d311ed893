"""A run's curve and steps, thinned, and small bar charts of their numbers. Pure functions."""

import dataclasses
import math
from collections.abc import Sequence

from storytime_tui.training import curve
from storytime_tui.training.events import StepDone
from storytime_tui.tui.append_only import AppendOnly

KEPT = 401  # steps; odd, so that thinning keeps the first and the last

Point = tuple[int, float]  # step, loss
Line = AppendOnly[curve.TrainingPoint]  # smoothed; a point whose loss is NaN is a break in it
POINTS = 2_000  # of the curve; above that it is thinned, without losing its shape
BEYOND = 1e6  # nats; only a damaged journal has higher losses

Pace = AppendOnly[StepDone]
_BARS = " ▁▂▃▄▅▆▇█"


def pace_after(pace: Pace, event: StepDone) -> Pace:
    """The steps with one more; every other one is dropped when there are too many. Amortised O(1)."""
    longer = pace.appended(event)
    return longer if len(longer) <= KEPT else AppendOnly(longer[::2])


def curve_after(points: AppendOnly[Point], event: StepDone) -> AppendOnly[Point]:
    """The curve with one more step; losses that are not finite are skipped."""
    if not math.isfinite(event.loss):
        return points
    longer = points.appended((event.step, event.loss))
    return longer if len(longer) <= POINTS else AppendOnly(thinned(longer, POINTS // 2))


def line_after(line: Line, event: StepDone, total: int) -> Line:
    """The smoothed line of a run of `total` steps with one more step. A loss that is no number breaks it."""
    before = line[-1] if line else None
    if before is not None and event.step <= before.step:
        return line  # a damaged journal
    if not abs(event.loss) < BEYOND:  # or it is NaN
        if before is None or math.isnan(before.loss):
            return line
        return line.appended(dataclasses.replace(before, step=event.step, loss=math.nan))
    longer = line.appended(curve.next_point(before, event.step, event.loss, total))
    return longer if len(longer) <= POINTS else AppendOnly(_thinned_line(longer))


def _thinned_line(line: Sequence[curve.TrainingPoint]) -> list[curve.TrainingPoint]:
    """Half of the points, with the first, the last and at least some of the breaks."""
    first, *older, last = line
    breaks = [point for point in older if math.isnan(point.loss)]
    whole = [point for point in older if not math.isnan(point.loss)]
    every = 1 + len(breaks) // (POINTS // 4)
    kept = curve.thinned(whole, POINTS // 2, lambda point: point.step, lambda point: point.smoothed)
    return [first, *sorted([*kept, *breaks[::every]], key=lambda point: point.step), last]


def thinned(points: Sequence[Point], limit: int) -> list[Point]:
    """At most `limit` of the points, evenly over the steps; see `training.curve`."""
    return curve.thinned(points, limit, lambda point: point[0], lambda point: point[1])


def binned(points: Sequence[tuple[int, float]], width: int) -> list[float]:
    """The mean value of each of `width` equal stretches of steps; fewer stretches if there are fewer points.

    A stretch without a point has the value of the one before. Values that are not finite are skipped.
    """
    points = [point for point in points if math.isfinite(point[1])]
    width = min(width, len(points))
    if width < 1:
        return []
    first, last = points[0][0], points[-1][0]
    bins: list[list[float]] = [[] for _ in range(width)]
    for step, value in points:
        place = (step - first) * width // (last - first + 1) if last >= first else 0
        bins[min(max(place, 0), width - 1)].append(value)
    means: list[float] = []
    for each in bins:
        # not by `fmean`, which takes ten times as long for a few numbers
        means.append(sum(each) / len(each) if each else means[-1] if means else points[0][1])
    return means


def bars(values: Sequence[float], height: int) -> list[str]:
    """A bar for each value, as `height` rows of text, the top one first. Bars begin at 0, so that noise stays small."""
    top = max(values, default=0.0)
    levels = [math.ceil(max(0.0, value) / top * 8 * height) if top > 0 else 0 for value in values]
    return [
        "".join(_BARS[min(8, max(0, level - 8 * row))] for level in levels) for row in reversed(range(height))
    ]
