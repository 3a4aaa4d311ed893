"""The story's panel as a dialog, for a terminal too narrow to have it beside the page."""

from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.header import MODES
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.panel_state import PanelState
from storytime_tui.tui.widgets.story_panel import StoryPanel

WIDE = 120  # cells from which on the panel stands beside the page


class StoryPanelScreen(StyledOnce, ModalScreen[None]):
    """Closed with Escape, or by the key that opened it."""

    CSS_PATH = "story_panel_screen.tcss"
    BINDINGS = [
        Binding("m", "act('story.model')", "Model", id="panel.model", tooltip="Choose the model"),
        Binding(
            "s",
            "act('story.strength')",
            "Strength",
            id="panel.strength",
            tooltip="From the base towards the run",
        ),
        Binding(
            "v", "act('story.voice')", "Voice", id="panel.voice", tooltip="Choose the shelf to tell like"
        ),
        Binding(
            "comma",
            "act('story.settings')",
            "Settings",
            key_display=",",
            id="panel.settings",
            tooltip="The settings, at those that say how it tells",
        ),
        # the app's own do not reach through a dialog, and these promise to work while one types
        Binding("f1", "app.help", "Help", show=False, id="panel.help", tooltip="What this screen does"),
        *(
            Binding(
                f"f{number}",
                f"app.mode('{mode}')",
                name,
                show=False,
                id=f"panel.{mode}",
                tooltip=f"Go to {name}",
            )
            for number, (mode, _, name) in enumerate(MODES, start=2)
        ),
        Binding("p", "dismiss(None)", "Close", id="panel.close", tooltip="Close the panel"),
    ]

    def __init__(self, state: PanelState) -> None:
        super().__init__()
        self._state = replace(state, leave=self.dismiss)

    def compose(self) -> ComposeResult:
        """The panel and its keys."""
        with Vertical(id="panel-box"):
            yield StoryPanel(self._state, id="panel")
            yield KeyLine()

    def show(self) -> None:
        """Show what holds now."""
        self.query_one(StoryPanel).show()

    def on_resize(self) -> None:
        """Close where there is room for the panel beside the page."""
        self._close_if_wide()

    def on_screen_resume(self) -> None:
        """The window may have been resized under a dialog."""
        self._close_if_wide()

    def _close_if_wide(self) -> None:
        if self.is_current and self.app.size.width >= WIDE:
            self.dismiss()

    def action_act(self, key: str) -> None:
        """Do what a key of the Story screen does."""
        self._state.act(key)
