"""Draws the app with plain signs, on terminals whose font or character set lacks the others.

Everything that is painted passes through one filter, so that no widget has to know. A sign is replaced by one that
takes the same cells. Only the picture changes: stories, files and what is copied keep their signs.
"""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from storytime_tui.terminal_kind import is_console, is_divided, says_utf8
from storytime_tui.tui.dots import BITS, BRAILLE

Signs = Literal["all", "console", "ascii"]

NO_UTF8 = (
    "The terminal does not say that it takes UTF-8, so plain signs stand for others. `export LANG=C.UTF-8` before "
    "the start mends it, in tmux and screen before they start."
)

# each sign with the one that stands for it: first what a console's font lacks, then what ASCII lacks besides
_LACKED = "╭┌╮┐╰└╯┘━─┄─╌─┈─╸─╺─▔─┃│▕▐▏│▎▌▍▌▋▌▊█▉█▇█▆█▅█▃▄▂▄▁_●•★*○o◆♦▸►▾▼‹<›>↵<⏎<…~“\"”\"„\"‘'’'‚'–-—-―-✓√�?"
_BEYOND_ASCII = '─-│|┌+┐+└+┘+├+┤+┬+┴+┼+═=║|█#▄_▀"▌|▐|░:▒%▓#•*♦*►>▼v▲^◄<→>←<↑^↓v√v·.■#×x÷/‼!'
_LATIN = 0x180  # such a font has the letters before it


def _pairs(text: str) -> dict[str, str]:
    return dict(zip(text[::2], text[1::2], strict=True))


_FOR_CONSOLE, _FOR_ASCII = _pairs(_LACKED), _pairs(_BEYOND_ASCII)


def signs_for(environment: Mapping[str, str], takes_utf8: Callable[[], bool]) -> Signs:
    """The signs that this terminal can show. `takes_utf8` asks the terminal itself, where the locale does not say."""
    # tmux and screen go by the locale, too
    if not says_utf8(environment) and (is_divided(environment) or not takes_utf8()):
        return "ascii"
    return "console" if is_console(environment) else "all"


class PlainSigns(LineFilter):
    """Replaces every sign that the terminal lacks."""

    def __init__(self, signs: Signs) -> None:
        super().__init__()
        self._table = _Table(signs)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line in plain signs, cell by cell."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(self.plain(segment.text), segment.style)
            for segment in segments
        ]

    def plain(self, text: str) -> str:
        """A text in plain signs, as wide as before."""
        shown, width = text.translate(self._table), cell_len(text)
        # signs that are made of several characters may be narrower than these
        return shown if cell_len(shown) == width else set_cell_size(shown, width)


class _Table(dict[int, str]):
    """What is shown for each character; worked out when the character first comes."""

    def __init__(self, signs: Signs) -> None:
        super().__init__()
        self._signs = signs

    def __missing__(self, code: int) -> str:
        self[code] = shown = chr(code) if self._signs == "all" else self._shown(chr(code))
        return shown

    def _shown(self, sign: str) -> str:
        if ord(sign) in BRAILLE:
            return _stroke(ord(sign) - BRAILLE.start)
        plain = _FOR_CONSOLE.get(sign, sign)
        if self._signs == "console" and (plain in _FOR_ASCII or ord(plain) < _LATIN):
            return plain
        plain = _FOR_ASCII.get(plain, plain)
        return plain if plain.isascii() else _letters(plain)


def _letters(sign: str) -> str:
    """The letter without its accents; question marks where there is none."""
    base = "".join(each for each in unicodedata.normalize("NFKD", sign) if each.isascii())
    width = cell_len(sign)
    return base if len(base) == width else "?" * width


def _stroke(dots: int) -> str:
    """A stroke as the dots of a Braille sign lie: two columns of four."""
    left, right = ([row for row in range(4) if dots & column[row]] for column in BITS)
    if not left and not right:
        return " "
    if left and right:
        fall = sum(right) / len(right) - sum(left) / len(left)
        if abs(fall) >= 1:
            return "\\" if fall > 0 else "/"
    rows = sorted({*left, *right})
    if len(rows) > 2:
        return "|"
    return "'--."[rows[0]] if len(left) + len(right) == 1 else '"--_'[rows[len(rows) // 2]]
