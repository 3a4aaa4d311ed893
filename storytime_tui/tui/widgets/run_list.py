"""The table of runs: a line of titles, and a list of any length below it."""

from collections.abc import Mapping, Sequence

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.run_comparison import PINNED
from storytime_tui.tui.run_rows import GAP, ORDERS, Column, Order, RunRow, cell, columns_of
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import clipped_inside

_QUIET = ("base", "shelves", "date", "time", "size", "tokens", "note")
_ACTIVE = ("preparing", "training", "paused", "saving")
_TROUBLE = ("failed", "damaged")
_HAS_NOTE = " *"  # behind a name


class RunTitles(Static):
    """The titles of the columns; the one that the table is sorted by has an arrow. A click sorts by a column."""

    DEFAULT_CSS = "RunTitles { height: 1; width: 1fr; color: $quiet; text-wrap: nowrap; }"
    ALLOW_SELECT = False

    class Chosen(Message):
        """A column's title was clicked."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._order = Order()

    def show(self, order: Order) -> None:
        """Mark the column of this order."""
        if order != self._order:
            self._order = order
            self.on_resize()

    def on_resize(self) -> None:
        """Follow the columns' widths; the list's scroll bar takes one cell."""
        parts: list[str | tuple[str, str]] = [" "]
        for column in self._columns():
            sorted_by = column.field == self._order.field
            title = f"{column.title}{self._order.sign}" if sorted_by else column.title
            title = title if len(title) <= column.width else column.title
            text = _fit(column, title)
            bare = text.strip()
            style = "bold underline $primary" if sorted_by else ""
            before, after = text[: text.index(bare)], text[text.index(bare) + len(bare) :]
            parts += [before, (bare, style), after + " " * GAP]
        self.update(Content.assemble(*parts[:-1]), layout=False)

    def _columns(self) -> tuple[Column, ...]:
        return columns_of(self.size.width - 1)

    def on_click(self, event: Click) -> None:
        """Ask for the order by the clicked column."""
        x = event.x - 1
        for column in self._columns():
            if x < column.width + GAP:
                if column.field in ORDERS:
                    self.post_message(self.Chosen(column.field))
                return
            x -= column.width + GAP


class RunList(LineList):
    """Shows the runs, one a line."""

    BINDINGS = []
    COMPONENT_CLASSES = {"lines--trouble", "lines--pinned"}
    DEFAULT_CSS = """
    RunList > .lines--trouble { color: $error; }
    RunList > .lines--pinned { color: $told; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.rows: Sequence[RunRow] = ()
        self._signs: Mapping[str, str] = {}  # by the run's name: the sign of its curve

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

    def mark(self, signs: Mapping[str, str]) -> None:
        """Show these signs before the names of runs."""
        if signs != self._signs:
            self._signs = dict(signs)
            self.refresh()

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
        sign = self._signs.get(run.name, " ")
        parts = [(sign, "pinned" if sign == PINNED else "")]
        for column in columns_of(width):
            if column.field == "name" and run.note:
                short = Column("name", "", column.width - len(_HAS_NOTE))
                parts += [(_fit(short, printable_line(run.name[:400])), ""), (_HAS_NOTE, "quiet")]
            else:
                text = printable_line(cell(run, column)[:400])
                parts.append((_fit(column, text), _style(run, column)))
            parts.append((" " * GAP, ""))
        return parts[:-1]


def _fit(column: Column, text: str) -> str:
    if column.field == "name":
        text = clipped_inside(text, column.width)  # names differ at their ends
    return text.rjust(column.width) if column.right else fitted(text, column.width)


def _style(run: RunRow, column: Column) -> str:
    if column.field == "state":
        return "mark" if run.state in _ACTIVE else "trouble" if run.state in _TROUBLE else ""
    return "quiet" if column.field in _QUIET else ""
