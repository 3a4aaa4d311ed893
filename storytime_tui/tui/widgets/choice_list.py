"""A list to choose one row from, each with a title and a quiet note. Only rows in view are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.binding import Binding
from textual.message import Message

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted, shortened
from storytime_tui.tui.widgets.line_list import LineList, Parts

_TITLE = 30  # cells for titles that have notes
_GAP = 2  # cells between a title and its note


@dataclass(frozen=True)
class Row:
    """One row: its value, title and note."""

    value: str
    title: str
    note: str = ""


class ChoiceList(LineList):
    """Enter or a click chooses a row."""

    BINDINGS = [
        Binding("enter", "choose", "Choose", show=False, id="choice.choose", tooltip="Choose this one")
    ]

    class Chosen(Message):
        """A row was chosen."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self, rows: Sequence[Row], chosen: str, *, id: str) -> None:
        super().__init__(id=id)
        self.rows = list(rows)
        self._chosen = chosen  # the value of the row under the cursor at first

    def on_mount(self) -> None:
        """Put the cursor on the chosen row."""
        self.show(self.rows, self._chosen)

    def show(self, rows: Sequence[Row], chosen: str) -> None:
        """Show other rows, with the cursor on the row of this value."""
        self.rows = list(rows)
        self._wide = min(_TITLE, max((len(row.title) for row in rows if row.note), default=0))
        self.lines_changed(next((i for i, row in enumerate(self.rows) if row.value == chosen), 0))

    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """A title and its note."""
        title, note = self._texts(row)
        if not note:
            return ((fitted(f" {title}", width), ""),)
        wide = self._title_room(title, width)
        first = fitted(f" {title}", wide) + " " * _GAP
        return ((first, ""), (shortened(note, width - wide - _GAP), "quiet"))

    def cuts(self, row: int, width: int) -> bool:
        """Whether a line of `width` cells cuts the title or the note of a row."""
        title, note = self._texts(row)
        return self._cuts_title(row, width) or cell_len(note) > width - self._title_room(title, width) - _GAP

    def in_full(self, row: int, width: int) -> str:
        """The note of a row, whole, after its title if a line of `width` cells cuts that."""
        title, note = self._texts(row)
        if self._cuts_title(row, width):
            return f"{title}: {note}" if note else title
        return note

    def _cuts_title(self, row: int, width: int) -> bool:
        title, note = self._texts(row)
        return cell_len(f" {title}") > (self._title_room(title, width) if note else width)

    def _texts(self, row: int) -> tuple[str, str]:
        shown = self.rows[row]
        return printable_line(shown.title[:400]), printable_line(shown.note[:400])

    def _title_room(self, title: str, width: int) -> int:
        """The cells of a title that has a note, with the space before it."""
        return 1 + (max(self._wide, len(title)) if len(title) < width // 2 else self._wide)

    def pressed(self, row: int, column: int) -> None:
        """Choose the clicked row."""
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.rows:
            self.post_message(self.Chosen(self.rows[self.cursor]))
