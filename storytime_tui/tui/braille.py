"""Draws a line through points with braille dots, two by four in a cell. Pure functions."""

from collections.abc import Sequence

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column in a cell


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
            cells[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
        before = dot
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in cells]


def _place(value: float, edges: tuple[float, float], dots: int) -> int:
    low, high = edges
    share = (value - low) / (high - low) if high > low else 0.5
    return max(0, min(dots - 1, int(share * dots)))


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots of a straight line, both ends included."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            round(start[0] + (end[0] - start[0]) * step / steps),
            round(start[1] + (end[1] - start[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]
