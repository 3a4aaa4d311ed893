"""Curves drawn with braille dots: a cell of the terminal has two dots across and four down. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from storytime_tui.tui.dots import HIGH, WIDE, Grid

_BEYOND = 1e6  # nats; only a damaged journal has higher losses
AXIS = 7  # cells of the vertical axis with its numbers

Parts = list[tuple[str, str]]  # the texts of a line from left to right, each with the name of its style


@dataclass(frozen=True)
class Line:
    """One curve: points of step and value, the name of its style, and a sign at its end."""

    points: Sequence[tuple[int, float]]
    style: str
    sign: str = ""


def drawn(lines: Sequence[Line], width: int, height: int) -> list[Parts]:
    """The curves on two axes, as `height` lines of `width` cells; later curves cover earlier ones. Values that are not
    finite, or beyond every loss, are left out. Empty if there is nothing to draw or no room."""
    points = [point for line in lines for point in line.points if _fits(point[1])]
    across, down = width - AXIS, height - 2
    if not points or across < 8 or down < 2:
        return []
    last = max(1, max(step for step, _ in points))
    low, high = min(value for _, value in points), max(value for _, value in points)
    room = max(0.02, (high - low) * 0.05)
    scale = _Scale(across, down, last, low - room, high + room)
    grid = Grid(across, down)
    for layer, line in enumerate(lines):
        _draw(grid, scale, line, layer)
        _sign(grid, scale, line, len(lines) + layer)  # signs lie over all curves
    axis = _axis(scale, down)
    rows = [[(mark, "axis"), *_parts(cells, lines)] for mark, cells in zip(axis, grid.rows(), strict=True)]
    return [*rows, [(" " * (AXIS - 1) + "└" + "─" * across, "axis")], [(_steps(last, across), "axis")]]


def _fits(value: float) -> bool:
    return abs(value) < _BEYOND  # false for NaN


@dataclass(frozen=True)
class _Scale:
    """Where a step and a value lie on a canvas of `width` by `height` cells."""

    width: int
    height: int
    last: int
    low: float
    high: float

    def dot(self, step: int, value: float) -> tuple[int, int]:
        x = round(step / self.last * (WIDE * self.width - 1))
        y = round((self.high - value) / (self.high - self.low) * (HIGH * self.height - 1))
        return min(max(x, 0), WIDE * self.width - 1), min(max(y, 0), HIGH * self.height - 1)


def _draw(grid: Grid, scale: _Scale, line: Line, layer: int) -> None:
    before: tuple[int, int] | None = None
    for step, value in line.points:
        dot = scale.dot(step, value) if _fits(value) else None
        if dot is not None:
            grid.line(*(before or dot), *dot, layer)
        before = dot  # None is a break in the curve


def _sign(grid: Grid, scale: _Scale, line: Line, layer: int) -> None:
    """The sign at the curve's end."""
    end = next((point for point in reversed(line.points) if _fits(point[1])), None)
    if end is not None and line.sign:
        x, y = scale.dot(*end)
        grid.sign(x // WIDE, y // HIGH, line.sign, layer)


def _parts(cells: Sequence[tuple[str, int]], lines: Sequence[Line]) -> Parts:
    """A row's cells, joined where the style is the same."""
    return [
        ("".join(text for text, _ in run), lines[layer % len(lines)].style if layer >= 0 else "")
        for layer, run in groupby(cells, key=lambda cell: cell[1])
    ]


def _axis(scale: _Scale, rows: int) -> list[str]:
    """A number at the top, the middle and the bottom of the vertical axis."""
    labelled = {0, rows - 1} | ({rows // 2} if rows >= 5 else set())
    axis = []
    for y in range(rows):
        value = scale.high - (y + 0.5) / rows * (scale.high - scale.low)
        number = f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
        axis.append(f"{number:>{AXIS - 2}.{AXIS - 2}} ┤" if y in labelled else " " * (AXIS - 1) + "│")
    return axis


def _steps(last: int, across: int) -> str:
    """The first and the last step below the horizontal axis."""
    end = f"step {last:,}"
    return (
        " " * (AXIS - 1) + "0" + end.rjust(across)[-across:] if len(end) < across else " " * (AXIS + across)
    )


def line_through(
    points: Sequence[tuple[float, float]],
    width: int,
    height: int,
    *,
    across: tuple[float, float],
    up: tuple[float, float],
) -> list[str]:
    """The rows of a drawing of `width` by `height` cells, the top one first.

    `across` and `up`: the values at the left and right edge, and at the bottom and top. Values beyond are drawn at
    the edge.
    """
    grid = Grid(width, height)
    before: tuple[int, int] | None = None
    for x, y in points:
        dot = (_place(x, across, WIDE * width), HIGH * height - 1 - _place(y, up, HIGH * height))
        grid.line(*(before or dot), *dot, 0)
        before = dot
    return ["".join(sign for sign, _ in row) for row in grid.rows()]


def _place(value: float, edges: tuple[float, float], dots: int) -> int:
    low, high = edges
    share = (value - low) / (high - low) if high > low else 0.5
    return max(0, min(dots - 1, int(share * dots)))
