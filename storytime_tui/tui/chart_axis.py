"""The axes of a chart: units, the window that is shown, ticks and their labels. Pure functions."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from storytime_tui.tui.wording import duration

Unit = Literal["step", "tokens", "time"]
UNITS: tuple[Unit, ...] = ("step", "tokens", "time")
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600)
_DAY = 24 * 3600


@dataclass(frozen=True)
class Scale:
    """Where a step is on the x axis. `pace`: (step, seconds of training until then) of some steps, in order."""

    unit: Unit = "step"
    tokens_per_step: float = 1.0
    pace: Sequence[tuple[int, float]] = field(default=())

    def at(self, step: float) -> float:
        """The place of a step: its number, its tokens or its time. Beyond the known times at the mean pace."""
        if self.unit == "step":
            return step
        if self.unit == "tokens":
            return step * self.tokens_per_step
        return _seconds_at(self.pace, step)

    def places(self, steps: Sequence[float]) -> Sequence[float]:
        """The places of many steps."""
        return steps if self.unit == "step" else [self.at(step) for step in steps]

    def step_at(self, place: float) -> float:
        """The step at a place, with its fraction: `at` turned around."""
        if self.unit == "step":
            return place
        if self.unit == "tokens":
            return place / self.tokens_per_step
        return _step_at(self.pace, place)

    def label(self, place: float, apart: float) -> str:
        """A place in words: `1,200`, `1.5M`, `2:30`. `apart`: the distance of two labels."""
        if self.unit == "time":
            return duration(place)
        return count_label(place, apart)


def _seconds_at(pace: Sequence[tuple[int, float]], step: float) -> float:
    if not pace or step <= 0:
        return 0.0
    at = bisect_left(pace, step, key=lambda known: known[0])
    if at == len(pace):
        last, seconds = pace[-1]
        return seconds * step / last if last > 0 else seconds
    last, seconds = pace[at]
    before, earlier = pace[at - 1] if at else (0, 0.0)
    return earlier + (seconds - earlier) * (step - before) / (last - before) if last > before else seconds


def _step_at(pace: Sequence[tuple[int, float]], seconds: float) -> float:
    if not pace or seconds <= 0:
        return 0.0
    at = bisect_left(pace, seconds, key=lambda known: known[1])
    if at == len(pace):
        last, until = pace[-1]
        return last * seconds / until if until > 0 else last
    last, until = pace[at]
    before, earlier = pace[at - 1] if at else (0, 0.0)
    return before + (last - before) * (seconds - earlier) / (until - earlier) if until > earlier else last


# -- the window ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """The part of the x axis that is shown."""

    first: float
    last: float

    @property
    def width(self) -> float:
        """Its width, in units of the axis."""
        return self.last - self.first

    def columns_of(self, places: Iterable[float], columns: int) -> list[int]:
        """In which of `columns` columns each place stands; what lies outside is in the first or the last."""
        first, each, last = self.first, columns / self.width if self.width > 0 else 0.0, columns - 1
        # not by `min` and `max`, which take most of a drawing's time
        return [
            0 if (at := int((place - first) * each)) < 0 else last if at > last else at for place in places
        ]

    def within(self, whole: "Window") -> "Window":
        """The window moved, and if need be shrunk, into the whole axis."""
        if self.width >= whole.width:
            return whole
        first = min(max(self.first, whole.first), whole.last - self.width)
        return Window(first, min(first + self.width, whole.last))

    def zoomed(self, factor: float, around: float, whole: "Window", least: float) -> "Window":
        """The window `factor` times as wide, but at least `least`; the place `around` stays where it is, if it can."""
        width = max(self.width * factor, least)
        left = (around - self.first) / self.width if self.width > 0 else 0.5
        return Window(around - left * width, around + (1 - left) * width).within(whole)

    def moved(self, by: float, whole: "Window") -> "Window":
        """The window moved by a share of its width."""
        return Window(self.first + by * self.width, self.last + by * self.width).within(whole)

    def showing(self, place: float, whole: "Window") -> "Window":
        """The window moved as little as possible to show a place, a tenth of it from its edge."""
        room = self.width / 10
        if place < self.first:
            return self.moved((place - room - self.first) / self.width, whole) if self.width > 0 else whole
        if place > self.last:
            return self.moved((place + room - self.last) / self.width, whole) if self.width > 0 else whole
        return self


# -- ticks --------------------------------------------------------------------------------------------------


def tick_distance(low: float, high: float, most: int, unit: Unit = "step") -> float:
    """The smallest round distance with which at most `most` ticks (at least one) fit between two finite numbers."""
    span = max(high - low, 0.0)
    wanted = span / max(1, most)
    if wanted <= 0:
        return 1.0
    if unit == "time" and wanted >= 1:
        for seconds in _SECONDS:
            if seconds >= wanted:
                return float(seconds)
        return _DAY * _round_up(wanted / _DAY)
    return _round_up(wanted)


def _round_up(number: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(
        (factor * power for factor in (1, 2, 5, 10) if factor * power >= number * (1 - 1e-9)), 10 * power
    )


def ticks(low: float, high: float, apart: float) -> list[float]:
    """The multiples of `apart` from `low` to `high`."""
    first, last = math.ceil(low / apart - 1e-9), math.floor(high / apart + 1e-9)
    return [number * apart for number in range(first, last + 1)]


def count_label(number: float, apart: float) -> str:
    """A tick of steps or tokens: `0`, `1,200`, `12k`, `1.5M`; as many decimals as the distance of the ticks needs."""
    for least, unit, sign in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(number) >= least and apart >= unit / 100:  # else it would need more decimals than digits
            return f"{number / unit:,.{_decimals(apart / unit)}f}{sign}"
    return f"{number:,.{_decimals(apart)}f}"


def loss_label(number: float, apart: float) -> str:
    """A tick of the loss: as many decimals as the distance of the ticks needs, at least one."""
    return f"{number:.{max(1, _decimals(apart))}f}"


def _decimals(apart: float) -> int:
    """How many decimals tell numbers apart that differ by `apart`, 0 to 6."""
    if apart <= 0:
        return 0
    decimals = max(0, -math.floor(math.log10(apart) + 1e-9))
    return min(decimals, 6)


# -- the loss axis ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LossAxis:
    """The loss axis from its lowest to its highest number; `log`: in equal factors instead of equal distances."""

    low: float
    high: float
    log: bool = False

    def rows_of(self, losses: Iterable[float], rows: int) -> list[int]:
        """In which of `rows` rows, counted from the top, each loss stands; -1 for one that cannot be shown."""
        low, high, last = self.low, self.high, rows - 1
        if self.log:
            losses = [math.log(loss) if loss > 0 else math.nan for loss in losses]
            low, high = math.log(low), math.log(high)
        each = rows / (high - low)
        far = math.inf
        return [
            -1 if not abs(loss) < far  # or NaN
            else 0 if (at := int((high - loss) * each)) < 0 else last if at > last else at
            for loss in losses
        ]  # fmt: skip


def loss_axis(losses: Iterable[float], *, log: bool, most_ticks: int) -> LossAxis:
    """The axis that shows all of these losses, rounded outwards so that it seldom changes."""
    least, far = 0.0 if log else -math.inf, math.inf
    shown = [loss for loss in losses if least < loss < far]
    if not shown:
        return LossAxis(1.0, 2.0, log)
    low, high = min(shown), max(shown)
    if high - low < 1e-3:
        low, high = low - 5e-4, high + 5e-4
    apart = tick_distance(low, high, max(2, most_ticks)) / 5
    rounded = LossAxis(math.floor(low / apart) * apart, math.ceil(high / apart) * apart, log)
    if log and rounded.low <= 0:
        least = min(shown)
        return LossAxis(least, max(rounded.high, 2 * least), log)
    return rounded


# -- points -------------------------------------------------------------------------------------------------


def nearest(places: Sequence[float], place: float) -> int:
    """The index of the ascending number that is nearest to `place`; of two the first. There is at least one."""
    at = bisect_left(places, place)
    if at == 0:
        return 0
    if at == len(places) or place - places[at - 1] <= places[at] - place:
        return at - 1
    return at


def clipped(points: Sequence[tuple[float, float]], window: Window) -> list[tuple[float, float]]:
    """The part of a line (ascending x) within the window, with a point where it crosses an edge.

    A y that is NaN is a break, and is kept; nothing is interpolated over it.
    """
    first = bisect_left(points, window.first, key=lambda point: point[0])
    after = bisect_right(points, window.last, lo=first, key=lambda point: point[0])
    entering = _crossing(points[first - 1], points[first], window.first) if 0 < first < len(points) else []
    leaving = _crossing(points[after - 1], points[after], window.last) if 0 < after < len(points) else []
    return [*entering, *points[first:after], *leaving]


def _crossing(one: tuple[float, float], other: tuple[float, float], x: float) -> list[tuple[float, float]]:
    """Where the line between two points is at `x`; nothing at a break or at one of the points."""
    if math.isnan(one[1]) or math.isnan(other[1]) or not one[0] < x < other[0]:
        return []
    return [(x, one[1] + (other[1] - one[1]) * (x - one[0]) / (other[0] - one[0]))]
