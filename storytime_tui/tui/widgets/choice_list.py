"""A list to choose one row from, each with a title and a quiet note. Only rows in view are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.widgets.line_list import LineList, Parts

_TITLE = 30  # cells for titles that have notes


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
        self.styles.height = max(1, min(len(self.rows), 12))
        self.lines_changed(next((i for i, row in enumerate(self.rows) if row.value == chosen), 0))

    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """A title and its note."""
        shown = self.rows[row]
        title, note = printable_line(shown.title[:400]), printable_line(shown.note[:400])
        if not note:
            return ((fitted(f" {title}", width), ""),)
        wide = max(self._wide, len(title)) if len(title) < width // 2 else self._wide
        return ((fitted(f" {title}", wide + 3), ""), (fitted(note, width - wide - 3), "quiet"))

    def pressed(self, row: int, column: int) -> None:
        """Choose the clicked row."""
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.rows:
            self.post_message(self.Chosen(self.rows[self.cursor]))
