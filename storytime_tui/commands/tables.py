"""Printed tables: aligned columns, with each field on one line, safe to print and of bounded width."""

from collections.abc import Container, Sequence
from typing import Literal

from storytime_tui.terminal import cells, printable_line

_WIDEST = 60  # terminal columns of a field; a wider one is cut
_SIGNS = 8  # characters read per terminal column; a title may have millions of zero-width marks


def print_table(
    rows: Sequence[Sequence[str]],
    *,
    right: Container[int] = (),
    widest: int | None = _WIDEST,
    keep: Literal["start", "end"] = "start",
) -> None:
    """Print rows of equal length with aligned columns; the first row may be the headings.

    `right`: indices of the right-aligned columns. A field wider than `widest` terminal columns is cut with "…", and its
    start or end is kept. None cuts nothing.
    """
    printed = [
        [printable_line(field) if widest is None else cut(field, widest, keep=keep) for field in row]
        for row in rows
    ]
    widths = [max(map(cells, column)) for column in zip(*printed, strict=True)]
    for row in printed:
        fields = []
        for place, (field, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cells(field))
            fields.append(space + field if place in right else field + space)
        print("  ".join(fields).rstrip())


def cut(text: str, widest: int = _WIDEST, *, keep: Literal["start", "end"] = "start") -> str:
    """`text` on one line, safe to print, cut to at most `widest` terminal columns at its start or end.

    Reads only the part that is kept, however long the text is.
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
