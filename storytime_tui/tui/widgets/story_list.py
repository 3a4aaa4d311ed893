"""The list of the bookshelf: a line of titles, and a list of any length below it."""

from collections.abc import Callable, Collection, Sequence

from rich.segment import Segment
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.story_rows import GAP, SIGNS, Column, Order, StoryRow, columns_of, place_in, when
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import clipped_inside

TICKED, FAVOURITE = "✓", "★"


class StoryTitles(Static):
    """The titles of the columns; the one that the list is sorted by has an arrow. A click sorts by a column."""

    DEFAULT_CSS = "StoryTitles { height: 1; width: 1fr; color: $quiet; text-wrap: nowrap; }"
    ALLOW_SELECT = False

    class Chosen(Message):
        """A column's title was clicked."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._order, self._found = Order(), False

    def show(self, order: Order, *, found: bool) -> None:
        """Mark the column of this order; `found`: the list shows what was searched for."""
        if (order, found) != (self._order, self._found):
            self._order, self._found = order, found
            self.on_resize()

    def _columns(self) -> tuple[Column, ...]:
        return columns_of(self.size.width - 1, found=self._found)  # the list's scroll bar takes one cell

    def on_resize(self) -> None:
        """Follow the columns' widths."""
        parts: list[str | tuple[str, str]] = [" " * SIGNS]
        for column in self._columns():
            sorted_by = bool(column.field) and column.field == self._order.field
            title = f"{column.title}{self._order.sign}" if sorted_by else column.title
            gap = " " * max(0, column.width - len(title))
            shown = (title, "bold underline $primary" if sorted_by else "")
            parts += [gap, shown] if column.right else [shown, gap]
            parts.append(" " * GAP)
        self.update(Content.assemble(*parts[:-1]), layout=False)

    def on_click(self, event: Click) -> None:
        """Ask for the order by the clicked column."""
        x = event.x - SIGNS
        for column in self._columns():
            if x < column.width + GAP:
                self.post_message(self.Chosen(column.field))
                return
            x -= column.width + GAP


class StoryList(LineList):
    """Shows the stories, one a line: with words, date and model, or with the words around what was searched for."""

    BINDINGS = []

    class Opened(Message):
        """A story was clicked a second time."""

    def __init__(self, now: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._now = now
        self._phrases: Sequence[str] = ()
        self._ticked: Collection[int] = ()
        self._pressed = -1  # the row of the last click
        self.rows: Sequence[StoryRow] = ()
        self.nothing = ""  # what stands in an empty list

    def show(self, rows: Sequence[StoryRow], phrases: Sequence[str], at: int | None) -> None:
        """Show these stories, with the cursor on the one with the id `at`; on the first if it is not there."""
        cursor = next((i for i, row in enumerate(rows) if row.story.id == at), 0)
        same = rows and (rows, phrases, cursor) == (self.rows, self._phrases, self.cursor)
        self.rows, self._phrases, self._pressed = rows, phrases, -1
        if not same:
            self.lines_changed(cursor)

    def tick(self, ticked: Collection[int]) -> None:
        """Show which stories are ticked, by their ids."""
        self._ticked = ticked
        self.refresh()

    @property
    def row(self) -> StoryRow | None:
        """The story under the cursor; None in an empty list."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def count(self) -> int:
        """The number of stories."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """The cells of a story's line."""
        shown = self.rows[row]
        parts: list[tuple[str, str]] = [
            (TICKED if shown.story.id in self._ticked else " ", "mark"),
            (FAVOURITE if shown.story.favourite else " ", "mark"),
            (" ", ""),
        ]
        for column in columns_of(width, found=bool(self._phrases)):
            parts += self._cell(shown, column)
            parts.append((" " * GAP, ""))
        return parts[:-1]

    def _cell(self, shown: StoryRow, column: Column) -> Parts:
        match column.field:
            case "title":
                return ((fitted(printable_line(shown.story.title[:400]) or "(no title)", column.width), ""),)
            case "words":
                return ((f"{shown.words:,}".rjust(column.width), ""),)
            case "changed":
                return ((when(shown.story.changed, self._now()).rjust(column.width), "quiet"),)
            case "context":
                return self._around(shown.context, column.width)
        return (
            (fitted(clipped_inside(printable_line(shown.model[:400]), column.width), column.width), "quiet"),
        )

    def _around(self, context: str, width: int) -> Parts:
        """The line around the place, as far as it fits; the place itself is marked."""
        line = printable_line(context)
        place = place_in(line, self._phrases)
        if place is None:
            return ((fitted(line, width), "quiet"),)
        start, end = place
        before = line[:start]
        if start > width // 2:  # the place must be seen in a narrow list, too
            before = "…" + line[start - width // 3 : start]
        whole = fitted(before + line[start:], width)
        begin, finish = len(before), len(before) + end - start
        return ((whole[:begin], "quiet"), (whole[begin:finish], "mark"), (whole[finish:], "quiet"))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view; an empty list says why it is empty."""
        if self.rows:
            return super().render_line(y)
        if y != 1:
            return Strip.blank(self.room, self.base)
        style = self.base + self.get_component_rich_style("lines--quiet", partial=True)
        line = Segment(" " * SIGNS + fitted(self.nothing, max(0, self.room - SIGNS)), style)
        return Strip([line]).adjust_cell_length(self.room, self.base)

    def pressed(self, row: int, column: int) -> None:
        """Open a story that is clicked twice."""
        if row == self._pressed:
            self.post_message(self.Opened())
        self._pressed = row
