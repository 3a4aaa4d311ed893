"""The table of runs: a line of titles, and a list of any length below it."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.run_rows import GAP, Column, RunRow, cell, columns_of
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import clipped_inside

_QUIET = ("base", "shelves", "date")
_ACTIVE = ("preparing", "training", "paused", "saving")
_TROUBLE = ("failed", "damaged")


class RunTitles(Static):
    """The titles of the columns."""

    DEFAULT_CSS = "RunTitles { height: 1; width: 1fr; color: $quiet; text-wrap: nowrap; }"

    def on_resize(self) -> None:
        """Follow the columns' widths; the list's scroll bar takes one cell."""
        columns = columns_of(self.size.width - 1)
        self.update(Content(" " + (" " * GAP).join(_fit(column, column.title) for column in columns)))


class RunList(LineList):
    """Shows the runs, one a line."""

    BINDINGS = []
    COMPONENT_CLASSES = {"lines--trouble"}
    DEFAULT_CSS = "RunList > .lines--trouble { color: $error; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.rows: Sequence[RunRow] = ()

    def show(self, rows: Sequence[RunRow], at: str = "") -> None:
        """Show these runs, with the cursor on the one called `at`, or where it is if there is none."""
        before, self.rows = self.rows, rows
        cursor = next((i for i, row in enumerate(rows) if row.name == at), self.cursor)
        if cursor != self.cursor or [row.name for row in rows] != [row.name for row in before]:
            self.lines_changed(cursor)
            return
        for i, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:  # a step of the run in training
                self.refresh_line(i)

    @property
    def run(self) -> RunRow | None:
        """The run under the cursor; None in an empty list."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def count(self) -> int:
        """The number of runs."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """The cells of a run's line."""
        run = self.rows[row]
        parts = [(" ", "")]
        for column in columns_of(width):
            text = printable_line(cell(run, column)[:400])
            parts += [(_fit(column, text), _style(run, column)), (" " * GAP, "")]
        return parts[:-1]


def _fit(column: Column, text: str) -> str:
    if column.field == "name":
        text = clipped_inside(text, column.width)  # names differ at their ends
    return text.rjust(column.width) if column.right else fitted(text, column.width)


def _style(run: RunRow, column: Column) -> str:
    if column.field == "state":
        return "mark" if run.state in _ACTIVE else "trouble" if run.state in _TROUBLE else ""
    return "quiet" if column.field in _QUIET else ""
