"""Titles of which no word is lost: a heading's lines, and those of the headings without text above it, as one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from storytime_tui.corpus.cleaning.apparatus import is_row, opens_bracketed
from storytime_tui.corpus.dividing.blocks import Block, lines_in
from storytime_tui.corpus.dividing.heading_lines import label_of
from storytime_tui.corpus.dividing.headings import Head
from storytime_tui.corpus.dividing.title_page import author_in
from storytime_tui.corpus.dividing.titles import as_title, key_of, one_line

PLACES = ("act", "scene")  # their headings say where they play
_PARTED = ".:;)]-—–\n"
_BLOCK = re.compile(r"\S[^\n]*(?:\n[^\n]+)*")


def titled(text: str, head: Head) -> tuple[str, int]:
    """A heading's whole title, all its lines but a number that stands over or before them; and where it ends.

    A line that begins as one with an author does, and names none, is the story's first.
    """
    pieces: list[str] = []
    end = head.end
    for piece in _BLOCK.finditer(text, head.start, head.end):
        line = one_line(piece[0])
        if pieces and line.lower().startswith("by ") and not author_in(line):
            end = piece.start()
            break
        if not opens_bracketed(line) and not is_row(piece[0]):
            pieces.append(line)
    return _whole(pieces, head.titles[0] if head.titles else ""), end


def shown_title(text: str, block: Block) -> str:
    """The title of a heading that is one block of lines."""
    return _whole([" ".join(lines_in(text, block))], "")


def _whole(pieces: list[str], better: str) -> str:
    """The lines of a heading as one title; `better`: one of them as the contents list writes it."""
    label = label_of(pieces[0]) if pieces else None
    if label is not None and label.noun in PLACES and label.rest:
        pieces = [pieces[0].removesuffix(label.rest).rstrip(" .:"), label.rest, *pieces[1:]]
    elif label is not None:
        parted = pieces[0].removesuffix(label.rest).rstrip()[-1:] in _PARTED
        if not label.rest:
            pieces = pieces[1:] or ([better] if better and len(pieces) == 1 else pieces)
        elif parted:
            pieces = [label.rest, *pieces[1:]]
    return one_title([as_title(better if key_of(better) == key_of(piece) else piece) for piece in pieces])


def one_title(titles: Sequence[str]) -> str:
    """Several titles as one."""
    whole = ""
    for title in filter(None, titles):
        joint = ", " if author_in(title) else " " if whole[-1:] in ":.!?" else ": "
        whole += (joint if whole else "") + title
    return whole
