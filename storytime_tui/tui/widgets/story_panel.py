"""The panel beside the story: how it is told, its memory, the author's note. Other sections may be added below."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Input

from storytime_tui.tui.widgets.copied_section import CopiedSection
from storytime_tui.tui.widgets.memory_fields import MemoryFields, NoteFields
from storytime_tui.tui.widgets.panel_state import PanelState
from storytime_tui.tui.widgets.tells import Tells


class StoryPanel(VerticalScroll, can_focus=False):
    """The sections, one below the other. `show` brings all of them up to date."""

    DEFAULT_CSS = """
    StoryPanel { width: 44; height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    StoryPanel .section { height: auto; border-top: solid $line; border-title-color: $quiet; margin-bottom: 1; }
    StoryPanel .section:focus-within { border-top: solid $primary; border-title-color: $primary; }
    StoryPanel .field { height: 1; }
    StoryPanel .label { width: 10; color: $quiet; }
    StoryPanel .label.wide { width: 12; }
    StoryPanel .field:focus-within .label { color: $foreground; }
    StoryPanel .field Input { width: 1fr; background: $boost; }
    StoryPanel .field Input.-wrong { color: $error; text-style: underline; }
    StoryPanel TextArea { height: auto; min-height: 2; max-height: 6; background: $boost; border: none; padding: 0; }
    StoryPanel TextArea { scrollbar-size-vertical: 1; }
    StoryPanel .note { color: $quiet; height: auto; }
    StoryPanel #preset-line, StoryPanel #banned-line { padding-left: 2; }
    StoryPanel #banned-line.-wrong { color: $error; }
    StoryPanel .warning { color: $error; height: auto; }
    """
    BINDINGS = [
        Binding("escape", "leave", "Back", id="panel.leave", tooltip="Return to where you were before"),
    ]

    def __init__(self, state: PanelState, *, id: str) -> None:
        super().__init__(id=id)
        self._state = state

    def compose(self) -> ComposeResult:
        """The sections."""
        yield Tells(self._state)
        yield MemoryFields(self._state)
        yield NoteFields(self._state)
        yield CopiedSection(id="copied", classes="section")

    def on_mount(self) -> None:
        """Show what holds now."""
        self.show()

    def on_resize(self) -> None:
        """Show as much of the values as fits."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Show what holds now; nothing while the panel is hidden."""
        if self.is_mounted and self.display:
            self.query_one(Tells).show()
            self.query_one(MemoryFields).show()
            self.query_one(NoteFields).show()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    def action_leave(self) -> None:
        """Give the focus back."""
        self._state.leave()
