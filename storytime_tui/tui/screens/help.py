"""Help: what a screen does, its keys, and what each number means."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from storytime_tui.tui.help_words import EVERYWHERE, HELP
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.help_lines import HelpLines
from storytime_tui.tui.widgets.key_line import KeyLine


class HelpScreen(StyledOnce, ModalScreen[None]):
    """The help of one mode, and the keys of every screen."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help-words"
    BINDINGS = [
        Binding(
            "escape,question_mark,f1,q",
            "dismiss(None)",
            "Close",
            id="help.close",
            tooltip="Back to the screen",
        ),
    ]

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def compose(self) -> ComposeResult:
        """The help text, and its own keys below."""
        with Vertical(id="help"):
            yield HelpLines((*HELP[self._mode], *EVERYWHERE), id="help-words")
            yield KeyLine(words={"scroll_down": "Scroll"}.get)
