"""The paragraphs of a plain text, and what stands on lines of its own between them: rows of signs and THE END."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from storytime_tui.corpus.dividing.heading_rules import matter_of
from storytime_tui.stopping import stoppable

_BLOCK = re.compile(r"[^\n]+(?:\n[^\n]+)*")
_LONGEST_ROW, _LONGEST_END = 100, 40  # characters
_NO_ROW = frozenset(
    ".,!?…:;\"'“”‘’«»()[]|/\\。、！？「」『』"
)  # a line of these is said, or is a hole in the text
_SENTENCE_ENDS = frozenset(".!?…\"'”’»)。！？」』。؟۔।")
END = "end"


class Piece(NamedTuple):
    """Some lines of a text, as a half-open range of characters.

    `kind`: "" for a paragraph or a heading, `END` for THE END, else the signs of a row: "***" for "* * *".
    """

    start: int
    end: int
    kind: str = ""


def pieces_of(text: str) -> list[Piece]:
    """The pieces of a text, in order. A row of signs ends a paragraph, with or without blank lines around it."""
    pieces: list[Piece] = []
    for match in stoppable(_BLOCK.finditer(text)):
        pieces += _pieces(text, *match.span())
    return pieces


def row_in(line: str) -> str:
    """The signs of a line without letters and digits that parts what is above from what is below; "" if it does not."""
    bare = line.strip()
    if not bare or len(bare) > _LONGEST_ROW or any(sign.isalnum() for sign in bare):
        return ""
    signs = "".join(bare.split())
    return "" if any(sign in _NO_ROW for sign in signs) else signs


def _pieces(text: str, start: int, end: int) -> Iterator[Piece]:
    """The pieces of lines without a blank line between them."""
    lines = text[start:end].split("\n")
    first = at = start
    for n, line in enumerate(lines):
        kind = row_in(line) if not line[:4].strip()[:1].isalnum() else ""
        if not kind and len(line) < _LONGEST_END and n in (0, len(lines) - 1) and matter_of(line) == END:
            kind = END if _stands_out(lines, n) else ""
        if kind:
            if at > first:
                yield Piece(first, at - 1)
            yield Piece(at, at + len(line), kind)
            first = at + len(line) + 1
        at += len(line) + 1
    if first < end:
        yield Piece(first, end)


def _stands_out(lines: list[str], at: int) -> bool:
    """Whether THE END in the first or last of these lines is no part of the sentence beside it."""
    before, line = lines[at - 1].strip() if at else "", lines[at].strip()
    if len(lines) == 1 or line.isupper():
        return not before or before[-1] in _SENTENCE_ENDS
    return bool(before) and before[-1] in _SENTENCE_ENDS and not line[0].islower()
