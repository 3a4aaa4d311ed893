"""A text field above a list, which filters the list while the user types."""

from textual.binding import Binding
from textual.events import Paste
from textual.widgets import Input

from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.pasted import Sources, read_paste


class FilterField(Input):
    """A filter field. Pasted files and addresses go to the screen."""

    BINDINGS = [  # the screen's actions for these keys while the user types
        Binding("enter", "submit", "List", id="filter.enter", tooltip="Go to the list"),
        Binding("up", "screen.tree(-1)", "Up", show=False, id="filter.up", tooltip="The line above"),
        Binding(
            "down", "screen.tree(1)", "Move", key_display="↑↓", id="filter.down", tooltip="The line below"
        ),
        Binding("escape", "screen.all", "Show all", id="filter.all", tooltip="Leave the filter"),
    ]

    def __init__(self, key: str, words: str) -> None:
        """`key`: the id of the key that leads here, which stands before the `words` in the empty field."""
        super().__init__(id="filter", compact=True)
        self._key, self._words = key, words

    def on_mount(self) -> None:
        """Name the key, also once the user's own keys are read."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._name_key())
        self._name_key()

    def _name_key(self) -> None:
        self.placeholder = f"{own_key(self._key, '/')} {self._words}"

    def on_paste(self, event: Paste) -> None:
        """Leave pasted files and addresses to the screen."""
        if isinstance(read_paste(event.text), Sources):
            event.prevent_default()  # and the event bubbles to the screen
