"""A list of knobs in groups: each with its value and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.message import Message

from storytime_tui.knobs import Knob
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.knob_lines import Line
from storytime_tui.tui.widgets.line_list import LineList, Parts

_VALUE = 16  # cells
_ON, _OFF = "━●", "●━"  # a switch
_WIDE = 90  # cells of a line from which values have more room


class KnobList(LineList):
    """The cursor skips the groups' headings. A click on the knob under the cursor asks for its change."""

    class ChangeRequested(Message):
        """The knob under the cursor is to be changed."""

    def __init__(
        self,
        knobs: Mapping[str, Knob],
        value: Callable[[str], str],
        is_changed: Callable[[str], bool],
        *,
        id: str,
    ) -> None:
        """`value`: a knob's value in words. `is_changed`: whether the user set it. Both are asked for lines in view."""
        super().__init__(id=id)
        self._knobs, self._value, self._is_changed = knobs, value, is_changed
        self._label_width = max(len(knob.label) for knob in knobs.values())
        self._lines: Sequence[Line] = ()
        self._shown = ""  # the knob under the cursor before the last click

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show other lines; the cursor stays on its knob, if that is among them."""
        name, self._lines = self.chosen, lines
        places = [place for place, line in enumerate(lines) if line.name]
        kept = next((place for place in places if lines[place].name == name), None)
        self.lines_changed(kept if kept is not None else places[0] if places else 0)

    def go_to(self, name: str) -> None:
        """Move the cursor to a knob, with its group's heading in view."""
        place = next((place for place, line in enumerate(self._lines) if line.name == name), None)
        if place is not None:
            heading = max(each for each in range(place) if not self._lines[each].name)
            self.move_to(place)
            self.call_after_refresh(lambda: self.jump(heading))

    @property
    def chosen(self) -> str:
        """The name of the knob under the cursor; "" if there is none."""
        return self._lines[self.cursor].name if self.cursor < len(self._lines) else ""

    def move_to(self, row: int) -> None:
        """Move the cursor to a line, or from a heading to the next knob in the same direction."""
        row = max(0, min(row, self.count() - 1))
        step = 1 if row >= self.cursor or row == 0 else -1
        while 0 <= row < self.count() and not self._lines[row].name:
            row += step
        if row == 1 and step == 1:
            self.jump(0)  # the first heading, too
        super().move_to(row)

    def count(self) -> int:
        """The number of lines."""
        return len(self._lines)

    def parts(self, row: int, width: int) -> Parts:
        """A heading, or a knob's mark, label, value and description."""
        line = self._lines[row]
        if not line.name:
            return ((fitted(f" {line.group}", width), "strong"),)
        knob = self._knobs[line.name]
        changed = self._is_changed(line.name)
        value = printable_line(self._value(line.name)[:400])
        if knob.kind is bool:
            value = f"{_ON if value == 'on' else _OFF} {value}"
        room = _VALUE + (8 if width >= _WIDE else 0)
        if knob.written:  # only shown: the description says how to change it, below the list
            return (
                ("   ", ""),
                (fitted(knob.label, self._label_width) + "  ", ""),
                (fitted(value, width - self._label_width - 5), ""),
            )
        return (
            (" ● " if changed else "   ", "mark"),
            (fitted(knob.label, self._label_width) + "  ", ""),
            (fitted(value, room) + "  ", "mark" if changed else ""),
            (fitted(knob.line, width - self._label_width - room - 7), "quiet"),
        )

    def on_click(self, event: object) -> None:
        """Remember where the cursor was before the click."""
        self._shown = self.chosen

    def pressed(self, row: int, column: int) -> None:
        """Ask for a change if the knob was under the cursor before the click."""
        if self.chosen and self.chosen == self._shown:
            self.post_message(self.ChangeRequested())
