"""The glossary as a dialog: the terms of the screens, each in a sentence or two."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.glossary_list import GlossaryList
from storytime_tui.tui.widgets.key_line import KeyLine


class GlossaryScreen(StyledOnce, ModalScreen[None]):
    """Opens at a term; the first one if the glossary lacks it."""

    CSS_PATH = "glossary.tcss"
    BINDINGS = [
        Binding("escape,g,q", "dismiss(None)", "Close", id="glossary.close", tooltip="Back to the screen"),
    ]

    def __init__(self, term: str = "") -> None:
        super().__init__()
        self._term = term

    def compose(self) -> ComposeResult:
        """A title, the terms, and the keys."""
        with Vertical(id="glossary"):
            yield Static(Content("Terms"), id="glossary-title")
            yield GlossaryList(self._term, id="glossary-list")
            yield KeyLine()
