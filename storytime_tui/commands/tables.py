"""Tables for people: aligned columns, each field safe to print, on one line and of bounded width."""

from collections.abc import Container, Sequence
from typing import Literal

from storytime_tui.terminal import cells, printable_line

_WIDEST = 60  # columns of a field; a longer one is cut there, never in --json
_SIGNS = 8  # at most so many characters for each column: marks that take no room may come by the million


def print_table(
    rows: Sequence[Sequence[str]],
    *,
    right: Container[int] = (),
    widest: int = _WIDEST,
    keep: Literal["start", "end"] = "start",
) -> None:
    """Print rows with aligned columns, all of the same length; the first may be the headings.

    `right`: the places of the columns that are aligned to the right. A field of more than `widest` columns is cut
    with "…"; its start or its end is kept.
    """
    printed = [[cut(field, widest, keep=keep) for field in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*printed, strict=True)]
    for row in printed:
        fields = []
        for place, (field, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cells(field))
            fields.append(space + field if place in right else field + space)
        print("  ".join(fields).rstrip())


def cut(text: str, widest: int = _WIDEST, *, keep: Literal["start", "end"] = "start") -> str:
    """`text` on one line, safe to print, in at most `widest` columns; of a longer one the start or the end.

    Takes the time of what is kept, however long the text is.
    """
    most = widest * _SIGNS
    cut_before = len(text) > most
    part = printable_line((text[:most] if keep == "start" else text[-most:]) if cut_before else text)
    if not cut_before and cells(part) <= widest:
        return part
    kept = ""
    room = widest - 1  # the ellipsis takes one
    for sign in part if keep == "start" else reversed(part):
        room -= cells(sign)
        if room < 0:
            break
        kept += sign
    return kept + "…" if keep == "start" else "…" + kept[::-1]
