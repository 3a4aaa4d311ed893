"""A book as blocks of lines with the space before each, from which its structure is found."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from storytime_tui.corpus.cleaning.apparatus import (
    GONE,
    TOO_DEEP,
    bracket_end,
    is_row,
    notes_heading,
    opens_bracketed,
)
from storytime_tui.corpus.document import Heading
from storytime_tui.stopping import stoppable

_BLOCK = re.compile(r"[^\n]+(?:\n[^\n]+)*")
_PAGE_COLUMN = re.compile(r"(?:\s{2,}|\. ?)\d{1,4}$")
_WIDE = 99  # blank lines assumed before a book's first block
_WIDE_LINE, _WIDE_PAIR = 50, 60
_NARROW_PROSE = 40  # columns; no book has narrower lines


class Block(NamedTuple):
    """Lines without a blank line between them: a half-open range of characters of the book.

    `gap`: blank lines before it. `skip`: it is not part of the story (an illustration, a row of stars). `level`: 1 to
    6 for a heading marked by the file's format, 0 for other blocks of such a file, None if the format marks nothing.
    """

    start: int
    end: int
    gap: int
    skip: bool = False
    level: int | None = None


def blocks_of(text: str, headings: Sequence[Heading] = (), first_line: int = 0) -> list[Block]:
    """The blocks of a text, in order. Expects no white space at line ends.

    `headings`: those marked by the file's format, with line numbers of the file; `first_line` is the number of this
    text's first line. The gap before a marked heading follows from its level, not from the blank lines.
    """
    blocks: list[Block] = []
    before, skip_to = 0, 0
    for match in stoppable(_BLOCK.finditer(text)):
        first, last = match.span()
        gap = first - before - 1 if blocks else _WIDE
        if blocks and blocks[-1].skip:
            # a heading under an illustration has the gap above the illustration
            gap = max(gap, blocks[-1].gap)
        if first >= skip_to and opens_bracketed(text[first : first + 60].lstrip()):
            skip_to = _skipped(text, first, last)
            if skip_to < last:  # "[Illustration] CHAPTER I"
                blocks.append(Block(first, skip_to, gap, True))
                first = skip_to
        blocks.append(Block(first, last, gap, first < skip_to or _is_empty(match[0])))
        before = last
    return _with_levels(text, blocks, headings, first_line) if headings else blocks


def _is_empty(shown: str) -> bool:
    """Whether a block is a row of stars, or the place of a removed page number."""
    return len(shown) < 90 and (shown == GONE or is_row(shown))


def _with_levels(text: str, blocks: list[Block], headings: Sequence[Heading], first_line: int) -> list[Block]:
    """The blocks, split where a marked heading begins or ends, with the gaps that follow from the levels."""
    levels = {heading.line - first_line: heading.level for heading in headings}
    pieces: list[Block] = []
    line = at = 0
    for block in stoppable(blocks):
        line += text.count("\n", at, block.start)
        at = block.start
        for start, end, level in _pieces(text, block, line, levels):
            pieces.append(Block(start, end, 1, block.skip, level))
    usual = _usual_level(pieces)
    return [
        piece._replace(gap=4 if piece.level == usual else 5 if piece.level < usual else 2)
        if piece.level
        else piece
        for piece in pieces
    ]


def _pieces(text: str, block: Block, line: int, levels: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """A block's lines, grouped by level: start, end, level (0 if not a heading)."""
    start, at, level = block.start, block.start, 0
    for number, content in enumerate(text[block.start : block.end].split("\n"), line):
        new_level = levels.get(number, 0)
        if new_level != level or (new_level and at > start):
            if at > start:
                yield start, at - 1, level
            start, level = at, new_level
        at += len(content) + 1
    yield start, at - 1, level


def _usual_level(pieces: Sequence[Block]) -> int:
    """The level of stories (or chapters): the highest that text follows at least twice."""
    followed = Counter(a.level for a, b in pairwise(pieces) if a.level and not b.level)
    several = sorted(level for level, many in followed.items() if level and many > 1)
    every = sorted({piece.level for piece in pieces if piece.level})
    return several[0] if several else every[0] if every else 1


def _skipped(text: str, start: int, end: int) -> int:
    """The end of the bracket that a block begins with, and of the white space after it."""
    closed = bracket_end(text, text.find("[", start), end)
    if closed is None or closed == TOO_DEEP:
        return start
    after = closed + len(text[closed:end]) - len(text[closed:end].lstrip())
    return after if after < end else max(closed, end)


def lines_in(text: str, block: Block) -> list[str]:
    """A block's lines without indents."""
    return [line.strip() for line in text[block.start : block.end].split("\n")]


def is_prose(text: str, block: Block) -> bool:
    """Whether a block is certainly prose: wrapped lines that begin with small letters, or one long line."""
    if block.skip:
        return False
    if block.end - block.start > 160 and "\n" not in text[block.start : block.end]:
        return True
    if block.end - block.start < 3 * _NARROW_PROSE:
        return False
    lines = text[block.start : block.end].split("\n")
    if len(lines) == 2:
        return len(lines[0]) > _WIDE_PAIR and lines[1][0].islower() and lines[1][-1] in ".!?\"'”’"
    if len(lines) < 3 or min(map(len, lines[1:-1])) < _NARROW_PROSE:
        return False
    if lines[-1][-1].isdigit() and _PAGE_COLUMN.search(lines[-1]):
        return False
    if (
        len(lines) > 3
        and min(map(len, lines[:-1])) > _WIDE_LINE
        and not any(line[-1].isdigit() for line in lines)
    ):
        return True
    flush = [line for line in lines[1:] if line[0] not in " \t"]
    return 2 * len([line for line in flush if line[0].islower()]) >= len(lines) - 1


def is_note(text: str, block: Block) -> bool:
    """Whether a block begins with the heading of a transcriber's note."""
    return notes_heading(text[block.start : block.end])
