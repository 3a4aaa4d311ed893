"""A row of the story's panel: a label, a value, and the key that changes it from anywhere on the screen."""

from __future__ import annotations

from textual.app import RenderResult
from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Input, Static

from storytime_tui.terminal import cells, printable_line
from storytime_tui.tui.cells import fitted

LABEL = 10  # cells


def say(line: Static, words: str) -> None:
    """Show a line below the rows; without words it takes no room."""
    if line.display != bool(words) or str(line.content) != words:
        line.update(Content(words))
        line.display = bool(words)


class PanelField(Input):
    """A field in which + and - are letters, too: Textual does not know them by the names of their keys."""

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Whether the field takes the key."""
        return key in ("plus", "minus") or super().check_consume_key(key, character)


class PanelRow(Static, can_focus=True):
    """A focusable row. With `turns`, the arrows change the value in place; else enter opens what changes it."""

    DEFAULT_CSS = """
    PanelRow { height: 1; text-wrap: nowrap; }
    PanelRow:focus {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style;
    }
    """
    BINDINGS = [
        Binding("enter", "act", "Change", id="panel.change", tooltip="Change this value"),
        Binding("space", "act", "Change", show=False, id="panel.space", tooltip="Change this value"),
        Binding("right", "turn(1)", "Next", key_display="← →", id="panel.next", tooltip="The next value"),
        Binding("left", "turn(-1)", "Before", show=False, id="panel.before", tooltip="The value before"),
        Binding("down", "app.focus_next", "Down", show=False, id="panel.down", tooltip="The next row"),
        Binding("up", "app.focus_previous", "Up", show=False, id="panel.up", tooltip="The row before"),
    ]

    class Acted(Message):
        """Enter was pressed on the row, or the row was clicked."""

        def __init__(self, row: PanelRow) -> None:
            super().__init__()
            self.row = row

    class Turned(Message):
        """The next value (1), or the one before (-1), was asked for."""

        def __init__(self, row: PanelRow, by: int) -> None:
            super().__init__()
            self.row, self.by = row, by

    def __init__(self, label: str, *, id: str, key: str = "", turns: bool = False) -> None:
        super().__init__(id=id, markup=False)
        self._label, self._key, self._turns = label, key, turns
        self._value = Content("")

    def show(self, value: str | Content) -> None:
        """Show another value."""
        content = value if isinstance(value, Content) else Content(printable_line(value))
        if content != self._value:
            self._value = content
            self.refresh()

    @property
    def room(self) -> int:
        """The cells for the value."""
        return max(8, self.content_size.width - LABEL - (cells(self._key) + 1 if self._key else 0))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the arrows or enter."""
        return {"turn": self._turns, "act": not self._turns}.get(action, True)

    def render(self) -> RenderResult:
        """The label, the value, the key."""
        value = self._value
        if value.cell_length > self.room:
            value = Content(fitted(value.plain, self.room))
        gap = " " * max(1, self.content_size.width - LABEL - value.cell_length - cells(self._key))
        label = (f"{self._label:<{LABEL}}", "" if self.has_focus else "$quiet")
        return Content.assemble(label, value, gap, (self._key, "bold $primary"))

    def on_click(self, event: Click) -> None:
        """A click is enter, or the next value."""
        self.focus()
        self.action_turn(1) if self._turns else self.action_act()

    def action_act(self) -> None:
        """Ask for what changes the value."""
        self.post_message(self.Acted(self))

    def action_turn(self, by: int) -> None:
        """Ask for the next value or the one before."""
        self.post_message(self.Turned(self, by))
