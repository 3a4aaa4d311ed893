"""Draws dots, lines and signs into a grid of cells; a cell holds two by four dots, as a Braille sign does.

Plain arithmetic, without widgets. A cell shows one layer, the highest that has something there: a thin line stays
legible where others cross it.
"""

from dataclasses import dataclass, field

WIDE, HIGH = 2, 4  # dots in a cell
BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a Braille sign, by column and row
BRAILLE = range(0x2800, 0x2900)


@dataclass
class Grid:
    """Cells that are drawn into; layers are numbers, and the highest wins. What lies outside is left out."""

    width: int
    height: int
    _dots: dict[int, bytearray] = field(
        default_factory=dict
    )  # by layer: the Braille bits of each cell, row by row
    _signs: dict[int, tuple[str, int]] = field(default_factory=dict)  # by cell: sign and layer

    def dot(self, x: int, y: int, layer: int) -> None:
        """Draw the dot in this column and row of dots, counted from the top left."""
        if 0 <= x < self.width * WIDE and 0 <= y < self.height * HIGH:
            self._layer(layer)[y // HIGH * self.width + x // WIDE] |= BITS[x % WIDE][y % HIGH]

    def _layer(self, layer: int) -> bytearray:
        dots = self._dots.get(layer)
        if dots is None:
            dots = self._dots[layer] = bytearray(self.width * self.height)
        return dots

    def line(self, x0: int, y0: int, x1: int, y1: int, layer: int) -> None:
        """Draw a straight line of dots, both ends included."""
        dots = self._layer(layer)
        width, right, bottom = self.width, self.width * WIDE, self.height * HIGH
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for at in range(steps + 1):
            x = x0 + ((x1 - x0) * at * 2 + steps) // (2 * steps)  # rounded
            y = y0 + ((y1 - y0) * at * 2 + steps) // (2 * steps)
            if 0 <= x < right and 0 <= y < bottom:
                dots[y // HIGH * width + x // WIDE] |= BITS[x % WIDE][y % HIGH]

    def sign(self, column: int, row: int, sign: str, layer: int) -> None:
        """Put a sign into a cell; over dots of its own layer, and over a sign of the same or a lower one."""
        cell = row * self.width + column
        inside = 0 <= column < self.width and 0 <= row < self.height
        if inside and layer >= self._signs.get(cell, ("", -1))[1]:
            self._signs[cell] = (sign, layer)

    def rows(self) -> list[list[tuple[str, int]]]:
        """Each row's cells as sign and layer; an empty one is a space of layer -1."""
        cells: list[tuple[str, int]] = [(" ", -1)] * (self.width * self.height)
        for layer in sorted(self._dots):
            for cell, bits in enumerate(self._dots[layer]):
                if bits:
                    cells[cell] = (chr(BRAILLE.start | bits), layer)
        for cell, (sign, layer) in self._signs.items():
            if layer >= cells[cell][1]:
                cells[cell] = (sign, layer)
        return [cells[start : start + self.width] for start in range(0, len(cells), self.width)]
