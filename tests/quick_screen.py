"""pyte's screen, quicker: what the app writes most, a style and a run of plain signs, takes one step each.

pyte reads sequences sign by sign, makes a new cell for every sign that is drawn, and every row anew for each look.
`test_quick_screen` holds both screens against each other.
"""

import re
from typing import Any

import pyte
from pyte.screens import Char
from wcwidth import wcwidth

# a style, or a place for the cursor
COMMON = re.compile(r"\x1b\[([0-9;]*)([mH])")


class QuickScreen(pyte.Screen):
    """A screen that remembers the cells, styles and rows that it has made."""

    def __init__(self, columns: int, lines: int) -> None:
        self._cells: dict[Char, dict[str, Char]] = {}
        self._styles: dict[tuple[Char, tuple[int, ...]], Char] = {}
        self._rows: dict[int, str] = {}
        super().__init__(columns, lines)

    def draw(self, data: str) -> None:
        """Signs of one column each that stay within the row, at once; all else as pyte does."""
        x, y = self.cursor.x, self.cursor.y
        cells = self._cells.setdefault(self.cursor.attrs, {})
        fits = x + len(data) <= self.columns and pyte.modes.IRM not in self.mode
        if not fits or any(sign not in cells and not self._cell(cells, sign) for sign in data):
            super().draw(data)
            self.dirty.add(max(0, y - 1))  # an accent may belong to the last sign of the row above
            return
        line = self.buffer[y]
        for place, sign in enumerate(data, x):
            line[place] = cells[sign]
        self.cursor.x = x + len(data)
        self.dirty.add(y)

    def _cell(self, cells: dict[str, Char], sign: str) -> bool:
        """Make the cell of a sign, unless it is wide, none at all, or of another set of signs."""
        charset = self.g1_charset if self.charset else self.g0_charset
        if wcwidth(sign) != 1 or sign.translate(charset) != sign:
            return False
        cells[sign] = self.cursor.attrs._replace(data=sign)
        return True

    def select_graphic_rendition(self, *attrs: int) -> None:
        """A style after a style is always the same style."""
        key = (self.cursor.attrs, attrs)
        if key not in self._styles:
            super().select_graphic_rendition(*attrs)
            self._styles[key] = self.cursor.attrs
        self.cursor.attrs = self._styles[key]

    @property
    def display(self) -> list[str]:
        """The rows as text; only those that have changed are read anew."""
        for y in self.dirty:
            self._rows.pop(y, None)
        self.dirty.clear()
        return [self._row(y) for y in range(self.lines)]

    def _row(self, y: int) -> str:
        if y not in self._rows:
            line, signs, x = self.buffer[y], [], 0
            while x < self.columns:
                sign = line[x].data
                signs.append(sign)
                x += 2 if sign and wcwidth(sign[0]) == 2 else 1  # a wide sign has an empty cell behind it
            self._rows[y] = "".join(signs)
        return self._rows[y]

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Another size makes other rows."""
        super().resize(lines, columns)
        self._rows.clear()


class QuickStream(pyte.ByteStream):
    """A stream that reads the most common sequences whole."""

    def feed(self, data: bytes) -> None:  # type: ignore[override]
        """Show these bytes of UTF-8; a sequence may be cut off by their end, and goes on in the next."""
        text, offset, screen = self.utf8_decoder.decode(data), 0, self.listener
        assert screen is not None
        while offset < len(text):
            if not self._taking_plain_text:
                self._taking_plain_text = self._send_to_parser(text[offset])
                offset += 1
            elif plain := self._text_pattern.match(text, offset):
                screen.draw(plain.group())
                offset = plain.end()
            elif common := COMMON.match(text, offset):
                does: Any = (
                    screen.select_graphic_rendition if common.group(2) == "m" else screen.cursor_position
                )
                does(*(min(int(number or 0), 9999) for number in common.group(1).split(";")))
                offset = common.end()
            else:
                self._taking_plain_text = False
