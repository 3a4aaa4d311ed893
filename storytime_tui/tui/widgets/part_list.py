"""The list of the parts of files that are in no story. Only rows in view are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.widgets.line_list import LineList, Parts

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.left_out import LeftOutPart

_WORDS, _REASON = 7, 18  # cells
_WIDE = 60  # cells; a list below this has no files


class PartList(LineList):
    """Shows the place, the reason and the words of each part; one that is asked about has a sign."""

    BINDINGS = [
        Binding(
            "enter", "screen.put_back", "Put back", id="left_out.enter", show=False, tooltip="Put it back"
        )
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.rows: Sequence[LeftOutPart] = ()

    def show(self, rows: Sequence[LeftOutPart], cursor: int) -> None:
        """Show these parts, with the cursor on this row."""
        self.rows = rows
        self.lines_changed(cursor)

    @property
    def row(self) -> LeftOutPart | None:
        """The part under the cursor; None in an empty list."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def count(self) -> int:
        """The number of parts."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """Its sign, its words, its reason, its place, and its file where several files have parts."""
        part = self.rows[row]
        several = width >= _WIDE and self.rows[0].file != self.rows[-1].file
        place = f"{part.file}, {part.omitted.place}" if several else part.omitted.place
        room = max(1, width - 2 - _WORDS - 2 - _REASON - 2)
        return (
            ("? " if part.asked else "  ", "mark"),
            (f"{part.omitted.words:,}".rjust(_WORDS), ""),
            ("  ", ""),
            (fitted(printable_line(part.omitted.reason), _REASON), "mark" if part.asked else "quiet"),
            ("  ", ""),
            (fitted(printable_line(place), room), ""),
        )
