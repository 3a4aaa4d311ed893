"""Help: what a screen does, its keys, and what each number means."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from storytime_tui.tui.help_parts import Section
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
        Binding("t", "tour", "Tour", id="help.tour", tooltip="Begin the tour: read, train, write"),
    ]

    def __init__(self, mode: str, part: Section | None = None) -> None:
        """`part`: the help of the part of the screen that has the focus."""
        super().__init__()
        self._mode, self._part = mode, part

    def compose(self) -> ComposeResult:
        """The help text, and its own keys below."""
        with Vertical(id="help"):
            yield HelpLines(self._sections(), id="help-words")
            yield KeyLine(words={"scroll_down": "Scroll"}.get)

    async def action_tour(self) -> None:
        """Begin the tour again."""
        self.dismiss(None)
        await self.app.run_action("tour", default_namespace=self.app)

    def _sections(self) -> tuple[Section, ...]:
        here = (self._part,) if self._part else ()
        screen, everywhere = tuple(HELP[self._mode]), EVERYWHERE
        if keymap := dict(self.app._keymap):
            from storytime_tui.tui.help_keys import with_own_keys

            screen = with_own_keys(screen, self._mode, keymap)
            everywhere = with_own_keys(everywhere, "everywhere", keymap)
        return (*here, *screen, *everywhere)
