"""A switch for a boolean setting. One line high and readable without colours, unlike Textual's own."""

from textual.app import RenderResult
from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static


class Switch(Static, can_focus=True):
    """Shows `● on` or `○ off`. Space or a click toggles it; Enter is left to the form."""

    DEFAULT_CSS = """
    Switch { width: auto; height: 1; background: $boost; }
    Switch:focus { color: $primary; text-style: bold reverse; }
    """
    BINDINGS = [
        Binding("space", "switch", "Toggle", show=False, id="switch.toggle", tooltip="Switch it on or off")
    ]
    value: reactive[bool] = reactive(False)

    def __init__(self, value: bool, *, name: str) -> None:
        super().__init__(name=name, markup=False)
        self.set_reactive(Switch.value, value)

    def render(self) -> RenderResult:
        """The state as text, always of one width."""
        return Content("● on " if self.value else "○ off")

    def action_switch(self) -> None:
        """Switch it on or off."""
        self.value = not self.value

    def on_click(self) -> None:
        """Toggle on a click."""
        self.action_switch()
