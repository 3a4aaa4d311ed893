"""Breaks a paragraph into rows of a width in cells, in any script. Pure functions.

Rows break at spaces; in Chinese and Japanese text also between two signs, but not before closing or after opening
punctuation (the main rules of UAX #14). Thai, Lao and Khmer rows break at spaces and zero-width spaces, as finding
their words needs a dictionary. A mark, a joiner or a half of a flag is never torn from its base.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import split_graphemes

from storytime_tui.terminal import printable

# characters that may not be one cell wide or have rules of their own: all but Latin ones, and the quotes and dashes of
# English; the spaces at which no row breaks are among them
_UNEVEN = re.compile("[^\x20-\x7e\xa1-\u02ff\u2010-\u2027\u2030-\u205e]|\u202f")
_NO_BREAK_SPACES = "\xa0\u2007\u202f"
_SPACE_TO_BREAK = "\u200b"  # of no width
_IDEOGRAPH = re.compile(
    "[\u2e80-\u2fff\u3000-\u30ff\u3100-\u312f\u31a0-\u31ff\u3200-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f"
    "\U00020000-\U0003ffff]"
)
_NOT_FIRST = frozenset(
    "、。，．・：；？！‼⁇⁈⁉ー〜～…‥—–―゛゜ゝゞヽヾ々〻ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
    "）］｝〉》」』】〕〗〙〛〟’”»›)]},.!?:;%％℃°\"'"
)
_NOT_LAST = frozenset("（［｛〈《「『【〔〖〘〚〝‘“«‹([{")
_VIRAMA = 9  # the combining class of signs that join two consonants


class Cluster(NamedTuple):
    """Characters `start` to `end` that are shown as one sign, and their cells."""

    start: int
    end: int
    cells: int


def wrapped_ranges(line: str, width: int) -> Iterator[tuple[int, int]]:
    """Break a line into rows of at most `width` cells: the range of characters of each, without spaces at its end.

    A word breaks only if it is wider than a row. Spaces at the line's start are kept, for the shape of verse, up to
    half a row.
    """
    end = len(line.rstrip())
    indent = len(line) - len(line.lstrip())
    start = max(0, indent - width // 2)
    if not _UNEVEN.search(line):
        if end - start <= width:
            yield start, end
        else:
            yield from _simple(line[:end], start, indent, width)
    else:
        yield from _by_cells(line[:end], start, indent, width)


def clusters(text: str, start: int = 0) -> list[Cluster]:
    """The signs of a line from a character on: letters with their marks, emoji of several characters, flags."""
    found: list[Cluster] = []
    for a, b, cells in split_graphemes(one_line(text[start:]))[0]:
        a, b = a + start, b + start
        if found and (not cells or _joined(text, found[-1], a)):
            found[-1] = Cluster(found[-1].start, b, found[-1].cells + cells)
        else:
            found.append(Cluster(a, b, cells))
    return found


def one_line(text: str) -> str:
    """The text as a row shows it: control characters become visible signs, a tab is a space. The length stays."""
    return printable(text).replace("\t", " ").replace("\n", " ")


def is_right_to_left(paragraph: str) -> bool:
    """Whether the first letter of a paragraph is of a script that is written from right to left."""
    if paragraph.isascii():
        return False
    directions = map(unicodedata.bidirectional, paragraph)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def _joined(text: str, before: Cluster, at: int) -> bool:
    """Whether the sign at this character belongs to the one before it: a conjunct or the second half of a flag."""
    if unicodedata.combining(text[before.end - 1]) == _VIRAMA:
        return unicodedata.category(text[at]) == "Lo"
    return _is_half_flag(text[at]) and before.end - before.start == 1 and _is_half_flag(text[before.start])


def _is_half_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _may_break(text: str, before: Cluster, after: Cluster) -> bool:
    """Whether a row may end between two signs, the second of which is no space."""
    last, first = text[before.start], text[after.start]
    if _is_space(text, before) or text[before.end - 1] == _SPACE_TO_BREAK:
        return True
    if first in _NOT_FIRST or last in _NOT_LAST or {first, last} & set(_NO_BREAK_SPACES):
        return False
    return bool(_IDEOGRAPH.match(last) or _IDEOGRAPH.match(first))


def _is_space(text: str, sign: Cluster) -> bool:
    return text[sign.start] not in _NO_BREAK_SPACES and text[sign.start : sign.end].isspace()


def _by_cells(line: str, start: int, indent: int, width: int) -> Iterator[tuple[int, int]]:
    signs = clusters(line, indent)
    first, used = 0, indent - start  # the row's first sign, and the cells of its signs so far
    begin, end = start, start  # the row's characters, without spaces at its end
    after, cut = 0, start  # the last place to break: the next row's first sign, and this row's end
    for number, sign in enumerate(signs):
        if _is_space(line, sign):
            used += sign.cells
            continue
        if number and _may_break(line, signs[number - 1], sign):
            after, cut = number, end
        while used + sign.cells > width and number > first:
            if after <= first:  # a word wider than a row
                after, cut = number, end
            yield begin, cut
            first, begin = after, signs[after].start
            used = sum(each.cells for each in signs[first:number])
        used += sign.cells
        end = sign.end
    if end > begin:
        yield begin, end


@lru_cache(maxsize=8)
def _rows_of(width: int) -> re.Pattern[str]:
    # as many words as fit; a word wider than a row is cut
    return re.compile(rf"(?=\S)(?:(.{{1,{width}}})(?:\s+|$)|(.{{{width}}}))")


def _simple(line: str, start: int, indent: int, width: int) -> Iterator[tuple[int, int]]:
    first = _rows_of(width - (indent - start)).match(line, indent)
    assert first is not None  # the line is not empty and wider than a row
    yield start, first.end(1) if first[1] else first.end(2)
    for row in _rows_of(width).finditer(line, first.end()):
        yield row.start(), row.end(1) if row[1] else row.end(2)
