"""The screen after a crash: an app of its own, so that nothing of the broken one can break it too."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.driver import Driver
from textual.widgets import Static

from storytime_tui import crash_words, watcher
from storytime_tui.tui import faults, theme
from storytime_tui.tui.plain_signs import Signs
from storytime_tui.tui.themed_app import ThemedApp
from storytime_tui.tui.widgets.key_line import KeyLine

LOOKED = 0.2  # seconds between two looks at what is still being saved


class CrashApp(ThemedApp[bool]):
    """Says what happened, what is kept and where the log is. Its result: whether to open the app again."""

    TITLE = "Storytime"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { align: center middle; background: $background; color: $foreground; }
    #crash { width: 76; max-width: 94%; height: auto; max-height: 100%; padding: 1 2; border: round $primary; }
    #title { text-style: bold; margin-bottom: 1; }
    #kept { margin-bottom: 1; }
    #log { margin-bottom: 1; }
    #report { margin-bottom: 1; color: $quiet; }
    """
    BINDINGS = [
        Binding(
            "enter", "again", "Open again", key_display="↵", id="crash.again", tooltip="Open Storytime again"
        ),
        Binding("q,escape", "leave", "Quit", key_display="q", id="crash.quit", tooltip="Back to the shell"),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True, id="crash.leave", tooltip="Quit"),
    ]

    def __init__(
        self,
        chosen_theme: str,
        kind: str,
        place: str,
        saving: Callable[[], str],
        driver_class: type[Driver] | None = None,
        signs: Signs = "all",
    ) -> None:
        """`kind`: the error's type. `place`: the sentence on the log. `saving`: what is not on the disk yet, or ""."""
        super().__init__(driver_class, signs)
        self.theme = chosen_theme if chosen_theme in self.available_themes else theme.THEMES[0].name
        self._kind, self._place, self._saving = kind, place, saving
        self._wants_to_go: bool | None = None

    def compose(self) -> ComposeResult:
        """What happened, what is kept, the log, how to report it, the keys."""
        with Vertical(id="crash"):
            yield Static(Content("Storytime had to close"), id="title")
            yield Static(Content(crash_words.of_error(self._kind)), id="what")
            yield Static(Content(self._kept()), id="kept")
            yield Static(Content(self._place), id="log")
            yield Static(Content(crash_words.report()), id="report")
            yield KeyLine()

    def on_mount(self) -> None:
        """Watch what is still being saved, and leave without a terminal."""
        faults.listen(self, lambda gone: self.exit(False))
        self.set_interval(LOOKED, self._look)

    def terminal_lost(self) -> None:
        """Leave: nobody reads this."""
        self.exit(False)

    def _kept(self) -> str:
        saving = self._saving()
        if not saving:
            return crash_words.KEPT
        closes = (
            "" if self._wants_to_go is None else " Then this closes; the same key once more closes it now."
        )
        return f"Saving {saving}…{closes}"

    def _look(self) -> None:
        self.query_one("#kept", Static).update(Content(self._kept()))
        if self._wants_to_go is not None and not self._saving():
            self.exit(self._wants_to_go)

    def _go(self, again: bool) -> None:
        """Leave when all is saved; the second request leaves at once."""
        if self._wants_to_go == again or not self._saving():
            self.exit(again)
        self._wants_to_go = again
        self._look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a watcher nobody would open the app again."""
        return action != "again" or watcher.parent_lives is not None

    def action_again(self) -> None:
        """Open the app again."""
        self._go(True)

    def action_leave(self) -> None:
        """Quit."""
        self._go(False)
