"""The palette's list: commands in groups, one line each."""

from collections.abc import Sequence

from textual.message import Message

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.palette import MODELS, RUNS, Command, Group
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import clipped_inside

_KEY = 7  # cells of a key, and of the space before it
_TITLES = 17, 44  # cells of the titles of a group, at least and at most
_NAMES = (RUNS, MODELS)  # names of runs begin alike and differ at their ends: they get all the room but this
_ABOUT = 12


class CommandList(LineList):
    """Shows commands under headings. The cursor stands on commands only."""

    BINDINGS = []

    class Chosen(Message):
        """A command was clicked."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: list[Command | Group] = []
        self._widths: dict[str, int] = {}  # cells for the titles of each group

    def show(self, groups: Sequence[Group], nothing: str = "", *, stay: bool = False) -> None:
        """Show these groups, or the words `nothing`. The cursor goes to the first command, or stays on its own."""
        here = self.command if stay and self.cursor > 1 else None
        self._rows = []
        for group in groups:
            self._rows += [group, *group.commands]
        least, most = _TITLES
        self._widths = {
            group.name: min(
                400 if group.name in _NAMES else most,
                max([least, *(len(command.title) for command in group.commands)]),
            )
            for group in groups
        }
        if nothing:
            self._rows = [Group(nothing, ())]
        row = next((row for row, line in enumerate(self._rows) if line == here), None)
        if row is None:
            self.jump(0)
        self.lines_changed(min(1, len(self._rows) - 1) if row is None else row)

    @property
    def command(self) -> Command | None:
        """The command under the cursor."""
        row = self._rows[self.cursor] if self._rows else None
        return row if isinstance(row, Command) else None

    def count(self) -> int:
        """The number of lines."""
        return len(self._rows)

    def move_to(self, row: int) -> None:
        """Move to a line; over a heading, to the next command in the same direction."""
        row = max(0, min(row, len(self._rows) - 1))
        if self._rows and isinstance(self._rows[row], Group):
            row += 1 if row >= self.cursor or row == 0 else -1
        super().move_to(row)
        if row == 1:
            self.jump(0)  # with its heading

    def parts(self, row: int, width: int) -> Parts:
        """A heading; or a command's title, what it does, and on the right its key."""
        line = self._rows[row]
        if isinstance(line, Group):
            more = f"  {line.more:,} more: type to find them" if line.more else ""
            return ((f" {line.name}", "mark"), (more, "quiet"))
        key = f"{line.key:>{_KEY}} "
        room = max(0, width - 3 - len(key))
        most = room if room < 40 else room - _ABOUT if line.group in _NAMES else room * 2 // 3
        titles = min(self._widths[line.group], most)
        title = printable_line(line.title) or "(no title)"
        if line.group in _NAMES:
            title = clipped_inside(title, titles)
        return (
            ("   ", ""),
            (fitted(title, titles), ""),
            (fitted(f"  {line.about}", room - titles), "quiet"),
            (key, "mark"),
        )

    def pressed(self, row: int, column: int) -> None:
        """Run the clicked command."""
        if isinstance(self._rows[row], Command):
            self.post_message(self.Chosen())
