"""Draws a run's loss curves as rows of cells: a pure function of the curves, the window and the size.

A line costs no more than its columns are high, however many points it has: of those in one column of dots, the lowest,
the highest, the first and the last are drawn.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.tui.chart_axis import (
    LossAxis,
    Scale,
    Window,
    clipped,
    loss_axis,
    loss_label,
    tick_distance,
    ticks,
)
from storytime_tui.tui.dots import HIGH, WIDE, Grid
from storytime_tui.tui.pace import BEYOND, Point

LEFT, BOTTOM = 6, 2  # cells of the loss axis (its line included), rows of the axis below
NAMES = ("baseline", "raw", "training", "validation", "best")  # of the layers; the last is on top
BASELINE, RAW, TRAINING, VALIDATION, BEST = range(5)
_ROWS_PER_TICK, _CELLS_PER_TICK = 3, 12
_CELLS_PER_MARK = 3  # validation points closer than this have no mark; the line shows them


@dataclass(frozen=True)
class Curves:
    """What a loss chart shows, in steps and nats. A loss that is no number is a break in its line.

    `raw`: the steps' losses; `line`: those smoothed; `checks`: the validation losses; `best`: the best check's step;
    `baseline`: the loss of word frequencies alone; `total`: the planned steps.
    """

    raw: Sequence[Point] = ()
    line: Sequence[Point] = ()
    checks: Sequence[Point] = ()
    best: int | None = None
    baseline: float | None = None
    total: int = 0

    @property
    def last(self) -> int:
        """The last step that is shown or planned, at least 1."""
        shown = [points[-1][0] for points in (self.raw, self.line, self.checks) if points]
        return max([self.total, *shown, 1])

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(_is_loss(loss) for points in (self.raw, self.line, self.checks) for _, loss in points)


@dataclass(frozen=True)
class Picture:
    """A drawn chart. `rows`: cells as sign and the name of their colour; "" for none."""

    rows: Sequence[Sequence[tuple[str, str]]]
    window: Window
    columns: int  # of the plot
    has_baseline: bool

    def column_of(self, place: float) -> int | None:
        """The column of the picture where a place of the x axis is; None if it is outside the window."""
        if not self.window.first <= place <= self.window.last or self.columns < 1:
            return None
        return LEFT + self.window.columns_of([place], self.columns)[0]

    def place_of(self, column: int) -> float:
        """The place of the x axis in the middle of a column of the picture, at most the window's ends."""
        share = (min(max(column - LEFT, 0), self.columns - 1) + 0.5) / max(1, self.columns)
        return self.window.first + share * self.window.width


def whole_window(curves: Curves, scale: Scale) -> Window:
    """The whole axis: from 0 to the last planned step; a time, which is an estimate, is rounded up to stay in place."""
    end = scale.at(curves.last)
    if scale.unit == "time" and end > 0:
        apart = tick_distance(0.0, end, 12, "time")
        end = math.ceil(end / apart - 1e-9) * apart
    return Window(0.0, end if end > 0 and math.isfinite(end) else 1.0)


def picture(curves: Curves, scale: Scale, window: Window, size: tuple[int, int], *, log: bool) -> Picture:
    """Draw the curves within the window into `size` cells (width, height)."""
    columns, lines = size[0] - LEFT, size[1] - BOTTOM
    if columns < 2 or lines < 2:
        return Picture([[(" ", "")] * size[0] for _ in range(size[1])], window, max(columns, 0), False)
    raw = [(x, y) for x, y in _placed(curves.raw, scale, window) if window.first <= x <= window.last]
    line = clipped(_placed(curves.line, scale, window), window)
    checks = clipped(_placed(curves.checks, scale, window), window)
    losses = [loss for points in (raw, line, checks) for _, loss in points if loss == loss]  # not NaN
    most = max(3, lines // _ROWS_PER_TICK)
    baseline = curves.baseline if _is_near(curves.baseline, losses) else None
    axis = loss_axis([*losses, *([] if baseline is None else [baseline])], log=log, most_ticks=most)
    grid = Grid(columns, lines)
    drawing = _Drawing(grid, window, axis)
    if baseline is not None:
        for column in range(columns):
            grid.sign(column, axis.rows_of([baseline], lines)[0], "┄", BASELINE)
    for column, row in set(drawing.places(raw)):
        grid.dot(column, row, RAW)
    drawing.polyline(line, TRAINING)
    drawing.polyline(checks, VALIDATION)
    _mark_checks(curves, scale, window, drawing)
    return Picture(
        [*_with_loss_axis(grid, axis, most), *_step_axis(scale, window, columns)],
        window,
        columns,
        baseline is not None,
    )


@dataclass(frozen=True)
class _Drawing:
    """A grid with its axes."""

    grid: Grid
    window: Window
    axis: LossAxis

    def places(self, points: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
        """The column and row of dots of each point; a row of -1 where its loss cannot be shown."""
        columns = self.window.columns_of([x for x, _ in points], self.grid.width * WIDE)
        rows = self.axis.rows_of([loss for _, loss in points], self.grid.height * HIGH)
        return list(zip(columns, rows, strict=True))

    def polyline(self, points: Sequence[tuple[float, float]], layer: int) -> None:
        """Draw a line through the points, broken where a loss cannot be shown."""
        column, low, high, last = -1, 0, 0, 0  # the column of dots, and the rows of its points
        for at, row in [*self.places(points), (-1, -1)]:
            if at == column and row >= 0:
                # not by `min` and `max`, which take most of a drawing's time
                last, low, high = row, row if row < low else low, row if row > high else high
                continue
            if column >= 0:
                self.grid.line(column, low, column, high, layer)
                if row >= 0:
                    self.grid.line(column, last, at, row, layer)
            column, low, high, last = (at, row, row, row) if row >= 0 else (-1, 0, 0, 0)


def _is_loss(loss: float) -> bool:
    return abs(loss) < BEYOND  # false for NaN too


def _is_near(baseline: float | None, losses: Sequence[float]) -> bool:
    """Whether the baseline can be shown without pressing the curves flat."""
    return bool(losses) and baseline is not None and min(losses) - 0.5 <= baseline <= max(losses) + 0.5


def _placed(points: Sequence[Point], scale: Scale, window: Window) -> list[tuple[float, float]]:
    """The points on the x axis: those of the window, and one on either side."""
    first = bisect_left(points, window.first, key=lambda point: scale.at(point[0]))
    last = bisect_right(points, window.last, key=lambda point: scale.at(point[0]))
    shown = points[max(0, first - 1) : last + 1]
    places = scale.places([step for step, _ in shown])
    # as `_is_loss`, written out: this is most of a drawing's time
    losses = [loss if abs(loss) < BEYOND else math.nan for _, loss in shown]
    return list(zip(places, losses, strict=True))


def _mark_checks(curves: Curves, scale: Scale, window: Window, drawing: _Drawing) -> None:
    """A mark at each validation point, if they stand apart, and the star at the best one."""
    places = zip(scale.places([step for step, _ in curves.checks]), curves.checks, strict=True)
    shown = [
        (x, step, loss)
        for x, (step, loss) in places
        if window.first <= x <= window.last and abs(loss) < BEYOND
    ]
    apart = len(shown) * _CELLS_PER_MARK <= drawing.grid.width or len(shown) == 1
    if not apart:
        shown = [each for each in shown if each[1] == curves.best]
    dots = drawing.places([(x, loss) for x, _, loss in shown])
    for (column, row), (_, step, _) in zip(dots, shown, strict=True):
        if row >= 0:
            best = step == curves.best
            sign, layer = ("★", BEST) if best else ("●", VALIDATION)
            drawing.grid.sign(column // WIDE, row // HIGH, sign, layer)


Row = list[tuple[str, str]]


def _with_loss_axis(grid: Grid, axis: LossAxis, most: int) -> list[Row]:
    """The grid's rows behind the loss axis."""
    apart = tick_distance(axis.low, axis.high, most)
    labels: dict[int, str] = {}
    marked = ticks(axis.low, axis.high, apart)
    places = zip(marked, axis.rows_of(marked, grid.height), strict=True)
    fitted = [(_fitting(loss_label(loss, apart)), loss, row) for loss, row in places]
    # where more decimals have no room there are fewer labels, first those that are exact
    for text, _, row in sorted(fitted, key=lambda each: abs(float(each[0]) - each[1])):
        if text not in labels.values():
            labels.setdefault(row, text)
    rows: list[Row] = []
    for number, cells in enumerate(grid.rows()):
        label = labels.get(number)
        head: Row = [(sign, "tick") for sign in f"{label or '':>{LEFT - 1}}"]
        head.append(("│" if label is None else "┤", "axis"))
        rows.append([*head, *((sign, NAMES[layer] if layer >= 0 else "") for sign, layer in cells)])
    return rows


def _fitting(label: str) -> str:
    """A label of the loss axis with as many of its decimals as there is room for."""
    over = len(label) - (LEFT - 1)
    if over <= 0:
        return label
    return f"{float(label):.{max(0, len(label.partition('.')[2]) - over)}f}"


def _step_axis(scale: Scale, window: Window, columns: int) -> list[Row]:
    """The two rows of the axis below: its line, and its labels."""
    apart = tick_distance(window.first, window.last, max(1, columns // _CELLS_PER_TICK), scale.unit)
    if scale.unit != "time":
        apart = max(1.0, apart)
    line = [" "] * (LEFT - 1) + ["└"] + ["─"] * columns
    labels = [" "] * (LEFT + columns)
    free = 0
    for place in ticks(window.first, window.last, apart):
        at = LEFT + window.columns_of([place], columns)[0]
        text = scale.label(place, apart)
        start = min(max(0, at - len(text) // 2), len(labels) - len(text))
        line[at] = "┬"
        if start >= free:
            labels[start : start + len(text)] = text
            free = start + len(text) + 1
    return [[(sign, "axis") for sign in line], [(sign, "tick") for sign in labels]]
