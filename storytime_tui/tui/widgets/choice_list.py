"""Rows to choose one of: a title and a quiet word on it. Any number of them: only those in view are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.widgets.line_list import LineList, Parts

_TITLE = 30  # cells for the titles, where words on them stand beside


@dataclass(frozen=True)
class Row:
    """One line to choose: what is given back, and what is shown."""

    value: str
    title: str
    note: str = ""


class ChoiceList(LineList):
    """Enter, or a click, chooses the row under the cursor."""

    BINDINGS = [Binding("enter", "choose", "Choose", show=False, id="choice.choose", tooltip="Take this one")]

    class Chosen(Message):
        """A row was chosen."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self, rows: Sequence[Row], chosen: str, *, id: str) -> None:
        super().__init__(id=id)
        self.rows = list(rows)
        self._chosen = chosen  # the value of the row that the cursor begins at

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        self.show(self.rows, self._chosen)

    def show(self, rows: Sequence[Row], chosen: str) -> None:
        """Show other rows, with the cursor at the one of this value."""
        self.rows = list(rows)
        self._wide = min(_TITLE, max((len(row.title) for row in rows if row.note), default=0))
        self.styles.height = max(1, min(len(self.rows), 12))
        self.lines_changed(next((i for i, row in enumerate(self.rows) if row.value == chosen), 0))

    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """A title, and a word on it."""
        shown = self.rows[row]
        title, note = printable_line(shown.title[:400]), printable_line(shown.note[:400])
        if not note:
            return ((fitted(f" {title}", width), ""),)
        wide = max(self._wide, len(title)) if len(title) < width // 2 else self._wide
        return ((fitted(f" {title}", wide + 3), ""), (fitted(note, width - wide - 3), "quiet"))

    def pressed(self, row: int, column: int) -> None:
        """A click chooses."""
        self.action_choose()

    def action_choose(self) -> None:
        """Take the row under the cursor."""
        if self.rows:
            self.post_message(self.Chosen(self.rows[self.cursor]))
