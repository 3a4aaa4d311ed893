"""The list of a story's branches. Only rows in view are drawn."""

from collections.abc import Sequence

from textual.binding import Binding
from textual.message import Message

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.story_map import Stretch
from storytime_tui.tui.widgets.line_list import LineList, Parts

_NARROW = 56  # cells; a list below this has a number without "words"
_WORDS, _WORDS_NARROW = 13, 7  # cells of "123,456 words" and of "123,456"
_BOTH = "you + model"  # in a wide list; "both" in a narrow one


class MapList(LineList):
    """Enter or a click goes to a branch."""

    nothing = "Where a passage is told again (r), the story branches. Its branches stand here."
    BINDINGS = [Binding("enter", "go", "Go there", id="map.go", tooltip="Show the story of this branch")]

    class Went(Message):
        """A branch was taken."""

        def __init__(self, row: Stretch) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Stretch] = ()

    def show(self, rows: Sequence[Stretch], first: int | None) -> None:
        """Show these rows, with the cursor on the one that begins with this passage, else at the end of the text."""
        self.rows = rows
        at = next((at for at, row in enumerate(rows) if row.first == first), None)
        current = [at for at, row in enumerate(rows) if row.current]
        self.lines_changed(at if at is not None else (current[-1] if current else 0))

    @property
    def row(self) -> Stretch | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def parts(self, row: int, width: int) -> Parts:
        """Its place, name or first words, who wrote it, and its length."""
        shown = self.rows[row]
        place = "│ " * shown.depth + ("● " if shown.current else "○ ")
        mark = "◆ " if shown.marked else ""
        number = f"{shown.words:,}"
        if width < _NARROW:
            facts = f" {shown.who:>6} {number:>{_WORDS_NARROW}} "
        else:
            who = _BOTH if shown.who == "both" else shown.who
            words = f"{number} word{' ' if shown.words == 1 else 's'}"
            facts = f" {who:>{len(_BOTH)}} {words:>{_WORDS}} "
        room = max(0, width - len(place) - len(mark) - len(facts) - 1)
        style = "quiet" if shown.pruned else "strong" if shown.name else ""
        label = f"{printable_line(shown.label)} (pruned)" if shown.pruned else printable_line(shown.label)
        return (
            (f" {place}", "mark" if shown.current else "quiet"),
            (mark, "mark"),
            (fitted(label, room), style),
            (facts, "quiet"),
        )

    def pressed(self, row: int, column: int) -> None:
        """Go to the clicked branch."""
        self.action_go()

    def action_go(self) -> None:
        """Go to the branch under the cursor."""
        if self.row is not None:
            self.post_message(self.Went(self.row))
