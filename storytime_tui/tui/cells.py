"""Lays text out in a terminal's cells, where a character takes zero, one or two. Pure functions."""

import re
from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size

from storytime_tui.terminal import printable

# characters that may not be one cell wide: all but Latin ones and the quotes and dashes of English
_UNEVEN = re.compile("[^\x00-\u02ff\u2010-\u2027\u2030-\u205e]")
# letters that are written from right to left
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LEFT_AGAIN = (
    "\u200e"  # takes no cell; without it, terminals that reorder lines move the next column before the text
)


def fitted(text: str, width: int) -> str:
    """Pad a text to one line of exactly `width` cells, or cut it with an ellipsis."""
    if width <= 0:
        return ""
    text = text[: 4 * width + 40]  # the rest cannot be visible
    if text.isascii():
        return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
    length = cell_len(text)
    line = text + " " * (width - length) if length <= width else set_cell_size(text, width - 1) + "…"
    return line + _LEFT_AGAIN if _RIGHT_TO_LEFT.search(line) else line


def shortened(text: str, width: int) -> str:
    """Pad a text to one line of exactly `width` cells, or cut it between words, with an ellipsis."""
    if width <= 1 or (len(text) <= width and cell_len(text) <= width):
        return fitted(text, width)
    head = next(wrapped(text[: 4 * width + 40], width - 1), "").rstrip(" ,;:")
    return fitted(f"{head}…", width)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Break a text into lines of at most `width` cells; control characters become visible signs.

    Lines break between words. They break inside a word only if it is wider than a line or has wide characters.
    A paragraph keeps its leading spaces, for the shape of verse and letters.
    """
    for raw in text.split("\n"):
        paragraph = printable(raw).expandtabs(4).rstrip()
        if not paragraph:
            yield ""
        elif paragraph.isascii() or not _UNEVEN.search(paragraph):
            if len(paragraph) <= width:
                yield paragraph
            else:
                yield from _simple(paragraph, width)
        elif len(paragraph) <= width and cell_len(paragraph) <= width:
            yield paragraph
        else:
            yield from _by_cells(paragraph, width)


@lru_cache(maxsize=8)
def _lines_of(width: int) -> re.Pattern[str]:
    # as many words as fit; a word wider than a line is cut
    return re.compile(rf"(?=\S)(?:(.{{1,{width}}})(?:\s+|$)|(.{{{width}}}))")


def _simple(paragraph: str, width: int) -> Iterator[str]:
    body = paragraph.lstrip()
    indent = " " * min(len(paragraph) - len(body), width // 2)
    first = _lines_of(width - len(indent)).match(body)
    assert first is not None  # the paragraph is not empty and wider than a line
    yield indent + (first[1] or first[2])
    for line in _lines_of(width).finditer(body, first.end()):
        yield line[1] or line[2]


def _by_cells(paragraph: str, width: int) -> Iterator[str]:
    body = paragraph.lstrip()
    line = " " * min(len(paragraph) - len(body), width // 2)
    used, begun = len(line), False
    for word in re.findall(r"\S+", body):
        length = cell_len(word)
        gap = 1 if begun else 0
        if used + gap + length <= width:
            line, used, begun = line + " " * gap + word, used + gap + length, True
            continue
        if length == len(word) <= width:  # a word of narrow characters is not cut
            if begun:
                yield line
            line, used, begun = word, length, True
            continue
        room = width - used - gap
        head = chop_cells(word[: 4 * room], room)[0] if room > 1 else ""
        if head:
            yield line + " " * gap + head
        elif begun:
            yield line
        *full, line = chop_cells(word[len(head) :], width) or [""]
        yield from full
        used, begun = cell_len(line), bool(line)
    if begun:
        yield line
