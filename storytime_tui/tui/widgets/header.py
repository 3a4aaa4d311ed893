"""The one line at the top: the three modes to click, and on the right what learns and what is loaded."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.wording import clipped

MODES = (("library", "1", "Library"), ("train", "2", "Train"), ("story", "3", "Story"))
_STATES = {
    "preparing": "making ready",
    "learning": "learning",
    "paused": "paused",
    "stopping": "saving",
    "finished": "has learned",
    "failed": "failed",
}


class ModeTab(Static):
    """One mode's name; a click goes there."""

    def __init__(self, mode: str, key: str, title: str, *, here: bool) -> None:
        super().__init__(Content.assemble((key, "$text-muted" if not here else ""), f" {title}"))
        self._mode = mode
        self.set_class(here, "-here")
        self.tooltip = f"Go to {title} ({key})"

    def on_click(self, event: Click) -> None:
        """Go to the mode."""
        event.stop()
        self.post_message(GoTo(self._mode))


class Header(Horizontal):
    """Where you are, and what is loaded or learning."""

    DEFAULT_CSS = """
    Header { height: 1; dock: top; padding: 0 1; }
    Header Static { width: auto; }
    Header #name { text-style: bold; margin-right: 2; }
    Header ModeTab { padding: 0 1; color: $quiet; }
    Header ModeTab:hover { color: $primary; }
    Header ModeTab.-here { color: $primary; text-style: bold underline; }
    Header #state { width: 1fr; text-align: right; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, desk: Desk, mode: str) -> None:
        super().__init__()
        self._desk = desk
        self._mode = mode
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The name, the modes, the state."""
        yield Static(Content("Storytime"), id="name")
        for mode, key, title in MODES:
            yield ModeTab(mode, key, title, here=mode == self._mode)
        yield Static(id="state", markup=False)

    def on_mount(self) -> None:
        """Show the state from now on."""
        self._desk.run_changed.subscribe(self, self._show)
        self._desk.model_changed.subscribe(self, self._show)
        self._show(None)

    def _show(self, _: None) -> None:
        view, desk = self._desk.view, self._desk
        writing = self._mode == "story" and bool(desk.model)
        device = desk.device.split(":")[0]
        parts: list[Content | tuple[str, str]] = []
        # over a story the run is said in one word, and not at all once it is over: the model's name needs the room
        if view.phase != "idle" and (view.busy or not writing):
            dot = "$error" if view.phase == "failed" else "$primary" if view.busy else "$quiet"
            name = "" if writing else clipped(printable_line(view.run), 24)
            parts += [Content(name + " " if name else ""), ("● ", dot), (_STATES[view.phase], "")]
        if writing:
            parts += [(" · ", "$quiet")] if parts else []
            parts.append(Content(clipped(printable_line(desk.model), 22)))
        elif view.phase == "idle" and device:
            parts.append((clipped(printable_line(desk.model), 22), "$quiet"))
        if device and view.phase == "idle":
            parts.append((f" · {device}", "$quiet"))
        state = Content.assemble(*parts)
        if state.markup != self._shown:  # this is called at every step of a run
            self._shown = state.markup
            self.query_one("#state", Static).update(state)
