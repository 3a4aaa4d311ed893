"""The list of what takes room on the disk. Only rows in view are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding

from storytime_tui.formatting import size
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import clipped_inside

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.housekeeping.disk import Part

_SIZE, _NAME, _LEAST_NOTE = 9, 26, 30  # cells


class DiskList(LineList):
    """Shows each part's name, its size, how much of it can go, and what it is, if there is room for that."""

    BINDINGS = [
        Binding("enter", "screen.clear", "Clear", id="disk.enter", show=False, tooltip="Clear this part")
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Part] = ()

    def show(self, rows: Sequence[Part], cursor: int) -> None:
        """Show these parts, with the cursor on this row."""
        self.rows = rows
        self.lines_changed(cursor)

    @property
    def row(self) -> Part | None:
        """The part under the cursor; None in an empty list."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def shows_notes(self) -> bool:
        """Whether the list is wide enough for the notes."""
        return _room_for_notes(self.room) > 0

    def count(self) -> int:
        """The number of parts."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """A part's name, its sizes, and its note in a wide list."""
        part = self.rows[row]
        room = _room_for_notes(width)
        note = f"  {fitted(printable_line(part.note), room)}" if room else ""
        return (
            (fitted(clipped_inside(printable_line(part.what), _NAME), _NAME), ""),
            (size(part.bytes).rjust(_SIZE), ""),
            ((size(part.can_go) if part.can_go else "–").rjust(_SIZE), "mark" if part.can_go else "quiet"),
            (note.ljust(max(0, width - _NAME - 2 * _SIZE)), "quiet"),
        )


def _room_for_notes(width: int) -> int:
    """The cells for a note; 0 in a narrow list."""
    room = width - _NAME - 2 * _SIZE - 2
    return room if room >= _LEAST_NOTE else 0


def titles(width: int) -> str:
    """The line above the list."""
    return f"{'what'.ljust(_NAME)}{'size'.rjust(_SIZE)}{'can go'.rjust(_SIZE)}"[:width]
