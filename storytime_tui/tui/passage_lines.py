"""Lays out a passage in lines of tokens, and grades each token by its surprise. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.terminal import cells, printable

# The steps of surprise: the least probability of a token in each, from likely to surprising; the rest is the last step.
STEPS = (0.5, 0.1, 0.01, 0.001)
LEGEND = ("50%+", "10%+", "1%+", "0.1%+", "less likely")
LINE_END = "¶"


@dataclass(frozen=True)
class Piece:
    """A part of a line: a token's place in the passage, and its text there."""

    place: int
    text: str


Line = tuple[Piece, ...]


def step_of(nats: float) -> int:
    """The step of a token's surprise, 0 (likely) to 4; `nats` is its loss."""
    if math.isnan(nats):
        return len(STEPS)
    return next((step for step, least in enumerate(STEPS) if nats <= -math.log(least)), len(STEPS))


def lines_of(texts: Sequence[str], width: int) -> list[Line]:
    """The tokens in lines of at most `width` cells, broken before words. A line end is a sign at the end of its line.

    A token keeps its leading space, except at the start of a line. Control characters become visible signs.
    """
    lines: list[list[Piece]] = [[]]
    used = 0
    for word in _unbroken(texts):
        shown = [(place, _shown(texts[place])) for place in word]
        length = sum(cells(text) for _, text in shown)
        if used and used + length > width:
            lines.append([])
            used = 0
        for place, text in shown:
            text = text.lstrip(" ") if not used else text
            while text:
                room = width - used
                if room <= 0:
                    lines.append([])
                    used, room = 0, width
                part = _head(text, room)
                lines[-1].append(Piece(place, part))
                used += cells(part)
                text = text[len(part) :]
        if texts[word[-1]].endswith("\n"):
            lines.append([])
            used = 0
    return [tuple(line) for line in lines if line]


def _shown(text: str) -> str:
    """A token's text on one line: its line ends are one sign, other white space is spaces."""
    if "\n" in text:
        inside = text.strip("\n")
        before, after = text.startswith("\n") and inside, text.endswith("\n")
        text = (LINE_END if before else "") + inside + (LINE_END if after else "")
        text = text.replace("\n", LINE_END)
    return printable(text.expandtabs(4))


def _unbroken(texts: Sequence[str]) -> list[list[int]]:
    """The places of tokens that stand on one line: a new group begins with white space, and after a line end."""
    groups: list[list[int]] = []
    fresh = False
    for place, text in enumerate(texts):
        more = fresh and text and not text.strip("\n")  # a second line end stays beside the first
        if not groups or (fresh and not more) or text[:1] in (" ", "\t"):
            groups.append([])
        groups[-1].append(place)
        fresh = text.endswith("\n")
    return groups


def _head(text: str, room: int) -> str:
    """As many signs as fit, at least one."""
    used = 0
    for count, sign in enumerate(text):
        used += cells(sign)
        if used > room and count:
            return text[:count]
    return text


def line_at(lines: Sequence[Line], place: int) -> int:
    """The index of the first line with a part of this token; of the last line before it, for a token without text."""
    best = 0
    for number, line in enumerate(lines):
        if any(piece.place == place for piece in line):
            return number
        if line and line[0].place < place:
            best = number
    return best


def place_above(lines: Sequence[Line], place: int, by: int) -> int:
    """The token `by` lines below (or above) this one, at about the same column."""
    if not lines:
        return place
    here = line_at(lines, place)
    column = 0
    for piece in lines[here]:
        if piece.place >= place:
            break
        column += cells(piece.text)
    there = lines[max(0, min(len(lines) - 1, here + by))]
    reached = 0
    for piece in there:
        reached += cells(piece.text)
        if reached > column:
            return piece.place
    return there[-1].place
