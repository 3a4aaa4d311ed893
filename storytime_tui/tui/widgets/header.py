"""The top line: the modes to click, and on the right the run and the model."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from storytime_tui.terminal import printable_line
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.widgets.tour_line import TourLine
from storytime_tui.tui.wording import clipped_inside, run_state

MODES = (
    ("library", "1", "Library"),
    ("train", "2", "Train"),
    ("story", "3", "Story"),
    ("runs", "4", "Runs"),
)
ROOMY = 78  # cells; a narrower header hides the program's name
LEAST = (50, 16)  # cells and lines; in a smaller terminal parts of the screens are out of sight
WHOLE = (60, 20)  # what every screen fits into


class ModeTab(Static):
    """A mode's name; a click shows the mode."""

    _named = ""  # the key that is shown

    def __init__(self, mode: str, key: str, title: str, *, here: bool) -> None:
        super().__init__()
        self._mode, self._key, self._title, self._here = mode, key, title, here
        self.set_class(here, "-here")
        self._name_key()

    def on_mount(self) -> None:
        """Name the key, also once the user's own keys are read."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._name_key())

    def _name_key(self) -> None:
        key = own_key(f"app.{self._mode}", self._key)
        if key != self._named:
            self._named = key
            self.update(Content.assemble((key, "" if self._here else "$text-muted"), f" {self._title}"))
            self.tooltip = f"Go to {self._title} ({key})"

    def on_click(self, event: Click) -> None:
        """Show the mode."""
        event.stop()
        self.post_message(GoTo(self._mode))


class Header(Horizontal):
    """Shows the current mode, the run and the model."""

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
        """The program's name, the modes, the state."""
        yield Static(Content("Storytime"), id="name")
        for mode, key, title in MODES:
            yield ModeTab(mode, key, title, here=mode == self._mode)
        yield Static(id="state", markup=False)

    def on_mount(self) -> None:
        """Subscribe to the run and the writer."""
        self._desk.run_changed.subscribe(self, self._show)
        self._desk.writer_changed.subscribe(self, self._show)
        self._desk.tour.changed.subscribe(self, lambda _: self._show_tour())
        self._show_tour()
        self._show(None)

        for part in ("#name", "#state"):
            self.query_one(
                part
            ).tooltip = f"All commands ({own_key('app.commands', 'ctrl+p')}, or the right button anywhere)"

    def on_click(self, event: Click) -> None:
        """Show all commands, where the line names no mode."""
        self.app.action_command_palette()

    def on_resize(self) -> None:
        """Adapt the line to the width."""
        self.query_one("#name").display = self.size.width >= ROOMY
        for tab in self.query(ModeTab):
            tab.display = not self._is_small
        self.call_after_refresh(self._show, None)

    def _show_tour(self) -> None:
        """Put the tour's line below, if it is needed and not there yet."""
        if self._desk.tour.show and self.is_attached and not self.screen.query(TourLine):
            self.screen.mount(TourLine(self._desk, self._mode), after=self)

    @property
    def _is_small(self) -> bool:
        width, height = self.app.size
        return width < LEAST[0] or height < LEAST[1]

    def _show(self, _: object) -> None:
        if self._is_small:
            width, height = self.app.size
            self._say(Content(f"{width}×{height} is too small: {WHOLE[0]}×{WHOLE[1]} shows all"))
            return
        state, writer = self.query_one("#state", Static), self._desk.writing.now
        room = state.size.width or self.app.size.width // 2  # no width before the first layout
        view = self._desk.training.view
        content = state_words(view, writer.model, writer.device, self._mode, room, writer.voice_label)
        self._say(content)

    def _say(self, content: Content) -> None:
        if content.markup != self._shown:  # called at every step of a run
            self._shown = content.markup
            self.query_one("#state", Static).update(content)


def state_words(view: RunView, model: str, device: str, mode: str, room: int, voice: str = "") -> Content:
    """The run's state; on the Story screen the model and its voice. Names and states are never mixed up.

    The Story screen names a run only while it is active: then the model's name gets the room.
    """
    writing = mode == "story" and bool(model)
    device = device.split(":")[0]
    seen = view.phase != "idle" and (mode == "train" or not view.earlier)
    run: list[Content | tuple[str, str]] = []
    if seen and (view.busy or not writing):
        dot = "$error" if view.phase == "failed" else "$primary" if view.busy else "$quiet"
        run = [("● ", dot), (run_state(view.phase, view.can_resume), "")]
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
    """The model and its voice; the device if it fits."""
    name, dot = printable_line(model), (" · ", "$quiet")
    if device and len(name) + len(voice) + len(device) + 6 <= room:
        return Content.assemble(name, dot, voice, (f" · {device}", "$quiet"))
    half = (room - 3) // 2
    name = _name(model, max(half, room - 3 - len(voice)))
    return Content.assemble(name, dot, _name(voice, room - 3 - len(name)))


def _both(model: str, other_run: str, state: list[Content | tuple[str, str]], room: int) -> Content:
    """The model, and another run that is active; both names are shown whole if possible."""
    gap = " " if other_run else ""  # a run has no name before it starts
    line = Content.assemble(("with ", "$quiet"), (" · ", "$quiet"), gap, *state)
    names = printable_line(model), printable_line(other_run)
    if other_run and len(line) + sum(map(len, names)) > room >= sum(map(len, names)) + len(" ·  ●"):
        return Content.assemble(names[0], (" · ", "$quiet"), names[1] + " ", ("●", "$primary"))
    width = (room - len(line)) // (2 if other_run else 1)
    first, second = Content(_name(model, width)), Content(_name(other_run, width) + gap if other_run else "")
    return Content.assemble(("with ", "$quiet"), first, (" · ", "$quiet"), second, *state)


def _name(name: str, width: int) -> str:
    return clipped_inside(printable_line(name), max(8, width))
