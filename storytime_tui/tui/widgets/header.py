"""The one line at the top: the three modes to click, and on the right what learns and what is loaded."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.training_session import RunView
from storytime_tui.tui.wording import clipped_inside

MODES = (("library", "1", "Library"), ("train", "2", "Train"), ("story", "3", "Story"))
ROOMY = 70  # cells: with fewer the program's own name gives its room to what is said on the right
_STATES = {
    "preparing": "making ready",
    "learning": "learning",
    "paused": "paused",
    "stopping": "saving",
    "finished": "has learned",
    "failed": "failed",
    "interrupted": "interrupted",
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
        self._desk.writer_changed.subscribe(self, self._show)
        self._show(None)

    def on_resize(self) -> None:
        """More of the names, or less, finds room."""
        self.query_one("#name").display = self.size.width >= ROOMY
        self.call_after_refresh(self._show, None)

    def _show(self, _: object) -> None:
        state, writer = self.query_one("#state", Static), self._desk.writing.now
        room = state.size.width or self.app.size.width // 2  # it has none before the first layout
        view = self._desk.training.view
        content = state_words(view, writer.model, writer.device, self._mode, room, writer.voice_said)
        if content.markup != self._shown:  # this is called at every step of a run
            self._shown = content.markup
            state.update(content)


def state_words(view: RunView, model: str, device: str, mode: str, room: int, voice: str = "") -> Content:
    """What learns, and over a story what it is told with and as: never one's name beside the other's state.

    Over a story a run is named only while it is at work: after that the model's name needs the room.
    """
    writing = mode == "story" and bool(model)
    device = device.split(":")[0]
    seen = view.phase != "idle" and (mode == "train" or not view.earlier)
    run: list[Content | tuple[str, str]] = []
    if seen and (view.busy or not writing):
        dot = "$error" if view.phase == "failed" else "$primary" if view.busy else "$quiet"
        stopped = view.phase == "finished" and view.can_resume
        run = [("● ", dot), ("stopped" if stopped else _STATES[view.phase], "")]
    if writing and run and view.run != model:
        return _both(model, view.run, run, room)
    if run:
        width = room - len(Content.assemble(" ", *run))
        return Content.assemble(Content(_name(view.run, width) + " " if view.run else ""), *run)
    if not (writing or device):
        return Content("")
    kind = ("", "$quiet")[not writing]
    if writing and voice:
        return _with_voice(model, printable_line(voice), device, room)
    where = f" · {device}" if device else ""
    return Content.assemble((_name(model, room - len(where)), kind), (where, "$quiet"))


def _with_voice(model: str, voice: str, device: str, room: int) -> Content:
    """What one tells with and as; where it runs, if there is room for that."""
    name, dot = printable_line(model), (" · ", "$quiet")
    if device and len(name) + len(voice) + len(device) + 6 <= room:
        return Content.assemble(name, dot, voice, (f" · {device}", "$quiet"))
    half = (room - 3) // 2
    name = _name(model, max(half, room - 3 - len(voice)))
    return Content.assemble(name, dot, _name(voice, room - 3 - len(name)))


def _both(model: str, learner: str, state: list[Content | tuple[str, str]], room: int) -> Content:
    """What one tells with, and the other run that is at work: both names whole, if need be without words."""
    gap = " " if learner else ""  # it has no name before it has begun
    said = Content.assemble(("with ", "$quiet"), (" · ", "$quiet"), gap, *state)
    names = printable_line(model), printable_line(learner)
    if learner and len(said) + sum(map(len, names)) > room >= sum(map(len, names)) + len(" ·  ●"):
        return Content.assemble(names[0], (" · ", "$quiet"), names[1] + " ", ("●", "$primary"))
    width = (room - len(said)) // (2 if learner else 1)
    first, second = Content(_name(model, width)), Content(_name(learner, width) + gap if learner else "")
    return Content.assemble(("with ", "$quiet"), first, (" · ", "$quiet"), second, *state)


def _name(name: str, width: int) -> str:
    return clipped_inside(printable_line(name), max(8, width))
