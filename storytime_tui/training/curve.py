"""Thins a curve to as many points as can be told apart on a chart. Knows no torch."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

Point = TypeVar("Point")


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
