"""Draws dots, lines and signs into a grid of cells; a cell holds two by four dots, as a Braille sign does.

Plain arithmetic, without widgets. A cell shows one layer, the highest that has something there: a thin line stays
legible where others cross it.
"""

from dataclasses import dataclass, field

WIDE, HIGH = 2, 4  # dots in a cell
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a Braille sign, by column and row
_BRAILLE = 0x2800


@dataclass
class Grid:
    """Cells that are drawn into; layers are numbers, and the highest wins. What lies outside is left out."""

    width: int
    height: int
    _layers: dict[tuple[int, int], int] = field(default_factory=dict)
    _bits: dict[tuple[int, int], int] = field(default_factory=dict)
    _signs: dict[tuple[int, int], str] = field(default_factory=dict)

    def dot(self, x: int, y: int, layer: int) -> None:
        """Draw the dot in this column and row of dots, counted from the top left."""
        if not (0 <= x < self.width * WIDE and 0 <= y < self.height * HIGH):
            return
        cell = (x // WIDE, y // HIGH)
        shown = self._layers.get(cell, -1)
        if layer < shown:
            return
        bits = self._bits.get(cell, 0) if layer == shown else 0
        self._layers[cell] = layer
        self._bits[cell] = bits | _BITS[x % WIDE][y % HIGH]
        self._signs.pop(cell, None)

    def line(self, x0: int, y0: int, x1: int, y1: int, layer: int) -> None:
        """Draw a straight line of dots, both ends included."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for at in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * at / steps), round(y0 + (y1 - y0) * at / steps), layer)

    def sign(self, column: int, row: int, sign: str, layer: int) -> None:
        """Put a sign into a cell."""
        cell = (column, row)
        if 0 <= column < self.width and 0 <= row < self.height and layer >= self._layers.get(cell, -1):
            self._layers[cell] = layer
            self._signs[cell] = sign

    def rows(self) -> list[list[tuple[str, int]]]:
        """Each row's cells as sign and layer; an empty one is a space of layer -1."""
        return [[self._cell((column, row)) for column in range(self.width)] for row in range(self.height)]

    def _cell(self, cell: tuple[int, int]) -> tuple[str, int]:
        layer = self._layers.get(cell, -1)
        sign = self._signs.get(cell) or (chr(_BRAILLE | self._bits[cell]) if cell in self._bits else " ")
        return sign, layer
