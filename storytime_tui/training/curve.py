"""Smooths a training curve, and thins it to as many points as can be told apart on a chart. Knows no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

_WINDOW, _WINDOW_SHARE = 12.0, 1 / 20  # steps that an average is over; of a long run this share of its steps

Point = TypeVar("Point")


@dataclass(frozen=True)
class TrainingPoint:
    """The training loss of a step, in nats per token. `average`: its moving average; `twice`: the average's own."""

    step: int
    loss: float
    average: float
    twice: float

    @property
    def smoothed(self) -> float:
        """The moving average without its lag: an average lies above a falling curve, and its own as much above it."""
        return 2 * self.average - self.twice


def next_point(before: TrainingPoint | None, step: int, loss: float, total: int) -> TrainingPoint:
    """The point after `before` in a run of `total` steps; None before the first one. `loss` is finite.

    A step that follows after others were left out counts as many times.
    """
    if before is None:
        return TrainingPoint(step, loss, loss, loss)
    window = min(max(_WINDOW, total * _WINDOW_SHARE), max(1.0, step / 4))  # short at the start
    share = 1 - (1 - 2 / (1 + window)) ** max(1, step - before.step)
    average = before.average + share * (loss - before.average)
    return TrainingPoint(step, loss, average, before.twice + share * (average - before.twice))


def thinned(
    points: Sequence[Point], limit: int, step: Callable[[Point], int], value: Callable[[Point], float]
) -> list[Point]:
    """At most `limit` of the points, which are in the order of their steps.

    Of each of `limit // 2` stretches of equally many steps the lowest and the highest point stay, so that a spike
    survives, which an average would hide. A curve that is thinned again and again as it grows stays evenly fine:
    stretches of equally many points would halve its beginning each time.
    """
    if len(points) <= max(limit, 2):
        return list(points)
    stretches, first = max(1, limit // 2), step(points[0])
    steps = step(points[-1]) - first + 1
    kept: list[Point] = []
    for _, stretch in groupby(points, lambda point: (step(point) - first) * stretches // steps):
        members = list(stretch)
        values = [value(point) for point in members]
        extremes = {values.index(min(values)), values.index(max(values))}
        kept += [members[place] for place in sorted(extremes)]
    return kept
