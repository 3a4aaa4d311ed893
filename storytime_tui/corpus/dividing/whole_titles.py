"""Complete titles of unpublished texts: all lines of a heading, joined with headings without text above it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from storytime_tui.corpus.cleaning.apparatus import is_row, opens_bracketed
from storytime_tui.corpus.dividing.blocks import Block, lines_in
from storytime_tui.corpus.dividing.heading_rules import label_of
from storytime_tui.corpus.dividing.headings import BookHeading
from storytime_tui.corpus.dividing.title_page import author_in
from storytime_tui.corpus.dividing.titles import as_title, key_of, one_line

PLACES = ("act", "scene")  # their headings describe the setting
_SEPARATORS = ".:;)]-—–\n"
_BLOCK = re.compile(r"\S[^\n]*(?:\n[^\n]+)*")


def titled(text: str, heading: BookHeading) -> tuple[str, int]:
    """A heading's complete title without its number; and where the heading ends.

    A line that begins with "by" but names no author is the story's first line.
    """
    pieces: list[str] = []
    end = heading.end
    for piece in _BLOCK.finditer(text, heading.start, heading.end):
        line = one_line(piece[0])
        if pieces and line.lower().startswith("by ") and not author_in(line):
            end = piece.start()
            break
        if not opens_bracketed(line) and not is_row(piece[0]):
            pieces.append(line)
    return _whole(pieces, heading.titles[0] if heading.titles else ""), end


def shown_title(text: str, block: Block) -> str:
    """The title of a heading of one block."""
    return _whole([" ".join(lines_in(text, block))], "")


def _whole(pieces: list[str], better: str) -> str:
    """The lines of a heading as one title. `better`: a line as the contents list writes it."""
    label = label_of(pieces[0]) if pieces else None
    if label is not None and label.noun in PLACES and label.rest:
        pieces = [pieces[0].removesuffix(label.rest).rstrip(" .:"), label.rest, *pieces[1:]]
    elif label is not None:
        is_separated = pieces[0].removesuffix(label.rest).rstrip()[-1:] in _SEPARATORS
        if not label.rest:
            pieces = pieces[1:] or ([better] if better and len(pieces) == 1 else pieces)
        elif is_separated:
            pieces = [label.rest, *pieces[1:]]
    return one_title([as_title(better if key_of(better) == key_of(piece) else piece) for piece in pieces])


def one_title(titles: Sequence[str]) -> str:
    """Several titles joined to one."""
    whole = ""
    for title in filter(None, titles):
        joint = ", " if author_in(title) else " " if whole[-1:] in ":.!?" else ": "
        whole += (joint if whole else "") + title
    return whole
