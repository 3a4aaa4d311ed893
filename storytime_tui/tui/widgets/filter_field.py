"""The field above a list that narrows it while one types."""

from textual.events import Paste
from textual.widgets import Input

from storytime_tui.tui.pasted import Sources, read_paste


class FilterField(Input):
    """A field for the words of a filter. What is dropped on the window is no word: the screen gets it."""

    def on_paste(self, event: Paste) -> None:
        """Leave files and addresses to the screen."""
        if isinstance(read_paste(event.text), Sources):
            event.prevent_default()  # and let it bubble
