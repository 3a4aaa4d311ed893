"""Curves drawn with braille dots: a cell of the terminal has two dots across and four down. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by the dot's row and column in its cell
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
    canvas = _Canvas(across, down, last, low - room, high + room)
    for line in lines:
        canvas.draw(line)
    for line in lines:
        canvas.sign(line)
    rows = [[(axis, "axis"), *canvas.row(y)] for y, axis in enumerate(_axis(canvas, down))]
    return [*rows, [(" " * (AXIS - 1) + "└" + "─" * across, "axis")], [(_steps(last, across), "axis")]]


def _fits(value: float) -> bool:
    return abs(value) < _BEYOND  # false for NaN


class _Canvas:
    def __init__(self, width: int, height: int, last: int, low: float, high: float) -> None:
        self.width, self.height = width, height
        self.last, self.low, self.high = last, low, high
        self._dots = [[0] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]
        self._signs: dict[tuple[int, int], str] = {}

    def _dot(self, step: int, value: float) -> tuple[int, int]:
        x = round(step / self.last * (2 * self.width - 1))
        y = round((self.high - value) / (self.high - self.low) * (4 * self.height - 1))
        return min(max(x, 0), 2 * self.width - 1), min(max(y, 0), 4 * self.height - 1)

    def draw(self, line: Line) -> None:
        before: tuple[int, int] | None = None
        for step, value in line.points:
            if not _fits(value):
                before = None  # a break in the curve
                continue
            dot = self._dot(step, value)
            for x, y in _between(before or dot, dot):
                self._dots[y // 4][x // 2] |= _BITS[y % 4][x % 2]
                self._styles[y // 4][x // 2] = line.style
            before = dot

    def sign(self, line: Line) -> None:
        end = next((point for point in reversed(line.points) if _fits(point[1])), None)
        if end is not None and line.sign:
            x, y = self._dot(*end)
            self._signs[y // 4, x // 2] = line.sign
            self._styles[y // 4][x // 2] = line.style

    def row(self, y: int) -> Parts:
        parts: Parts = []
        for x in range(self.width):
            dots, style = self._dots[y][x], self._styles[y][x]
            text = self._signs.get((y, x)) or (chr(_BLANK + dots) if dots else " ")
            if parts and parts[-1][1] == style:
                parts[-1] = (parts[-1][0] + text, style)
            else:
                parts.append((text, style))
        return parts


def _between(one: tuple[int, int], other: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line."""
    (x, y), (to_x, to_y) = one, other
    length = max(abs(to_x - x), abs(to_y - y), 1)
    for i in range(length + 1):
        yield x + round((to_x - x) * i / length), y + round((to_y - y) * i / length)


def _axis(canvas: _Canvas, rows: int) -> list[str]:
    """A number at the top, the middle and the bottom of the vertical axis."""
    labelled = {0, rows - 1} | ({rows // 2} if rows >= 5 else set())
    axis = []
    for y in range(rows):
        value = canvas.high - (y + 0.5) / rows * (canvas.high - canvas.low)
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
    cells = [[0] * width for _ in range(height)]
    before: tuple[int, int] | None = None
    for x, y in points:
        dot = (_place(x, across, 2 * width), 4 * height - 1 - _place(y, up, 4 * height))
        for column, row in _between(before or dot, dot):
            cells[row // 4][column // 2] |= _BITS[row % 4][column % 2]
        before = dot
    return ["".join(chr(_BLANK + cell) if cell else " " for cell in row) for row in cells]


def _place(value: float, edges: tuple[float, float], dots: int) -> int:
    low, high = edges
    share = (value - low) / (high - low) if high > low else 0.5
    return max(0, min(dots - 1, int(share * dots)))
