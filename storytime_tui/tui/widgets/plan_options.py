"""The list of all options of a plan, in groups: each with its value and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.message import Message

from storytime_tui.knobs import table
from storytime_tui.terminal import printable_line
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.plan_draft import Draft, Line, value_in_words
from storytime_tui.tui.widgets.line_list import LineList, Parts

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Preview

_LABEL, _VALUE = 21, 16  # cells
_WIDE = 90  # cells of a line from which values have more room


class PlanOptions(LineList):
    """The cursor skips the groups' headings. Enter, or a click on the option under the cursor, changes it."""

    BINDINGS = [
        Binding("enter", "change", "Change", show=False, id="options.change", tooltip="Change this option"),
    ]

    class ChangeRequested(Message):
        """The option under the cursor is to be changed."""

    def __init__(self, draft: Draft, *, id: str) -> None:
        super().__init__(id=id)
        self._draft = draft
        self._preview: Preview | None = None
        self._lines: Sequence[Line] = ()
        self._shown = ""  # the option under the cursor before the last click

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show other lines; the cursor stays on its option, if that is among them."""
        option, self._lines = self.option, lines
        options = [place for place, line in enumerate(lines) if line.option]
        kept = next((place for place in options if lines[place].option == option), None)
        self.lines_changed(kept if kept is not None else options[0] if options else 0)

    def show_values(self, draft: Draft, preview: Preview | None) -> None:
        """Show other values."""
        self._draft, self._preview = draft, preview
        self.refresh()

    @property
    def option(self) -> str:
        """The option under the cursor; "" if there is none."""
        return self._lines[self.cursor].option if self.cursor < len(self._lines) else ""

    def move_to(self, row: int) -> None:
        """Move the cursor to a line, or from a heading to the next option in the same direction."""
        row = max(0, min(row, self.count() - 1))
        step = 1 if row >= self.cursor or row == 0 else -1
        while 0 <= row < self.count() and not self._lines[row].option:
            row += step
        if row == 1 and step == 1:
            self.jump(0)  # the first heading, too
        super().move_to(row)

    def count(self) -> int:
        """The number of lines."""
        return len(self._lines)

    def parts(self, row: int, width: int) -> Parts:
        """A heading, or an option's mark, label, value and description."""
        line = self._lines[row]
        if not line.option:
            return ((fitted(f" {line.group}", width), "strong"),)
        knob = table(TrainingPlan)[line.option]
        changed = line.option in self._draft.typed
        value = printable_line(value_in_words(line.option, self._draft, self._preview)[:400])
        room = _VALUE + (8 if width >= _WIDE else 0)
        return (
            (" ● " if changed else "   ", "mark"),
            (fitted(knob.label, _LABEL) + " ", ""),
            (fitted(value, room) + "  ", "mark" if changed else ""),
            (fitted(knob.line, width - _LABEL - room - 6), "quiet"),
        )

    def on_click(self, event: object) -> None:
        """Remember where the cursor was before the click."""
        self._shown = self.option

    def pressed(self, row: int, column: int) -> None:
        """Change the option that was under the cursor before the click."""
        if self.option and self.option == self._shown:
            self.action_change()

    def action_change(self) -> None:
        """Ask for a change of the option under the cursor."""
        if self.option:
            self.post_message(self.ChangeRequested())
