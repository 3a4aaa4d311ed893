"""The tour's line, below the header: the step and what to do next."""

from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from storytime_tui.tui.desk import Desk
from storytime_tui.tui.keyboard import sign_of
from storytime_tui.tui.tour import STEPS, Scene, sentence
from storytime_tui.tui.writing_session import Stage

READING = "reading"  # the id of the Library's pane


class TourLine(Static):
    """Shows the tour while it goes on. A click ends it, as its key does."""

    DEFAULT_CSS = """
    TourLine { height: auto; max-height: 2; padding: 0 1; background: $panel; }
    """
    ALLOW_SELECT = False

    def __init__(self, desk: Desk, mode: str) -> None:
        super().__init__(markup=False)
        self._desk, self._mode = desk, mode
        self._shown = ""
        self.display = False
        self.tooltip = "Click here to leave the tour; the palette begins it again"

    def on_mount(self) -> None:
        """Follow the tour, the run, the telling and the focus."""
        desk = self._desk
        for signal in (desk.tour.changed, desk.run_changed, desk.writer_changed, desk.shelf_changed):
            signal.subscribe(self, lambda _: self._show())
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._show())
        self._show()

    def _show(self) -> None:
        desk, focused = self._desk, self.screen.focused
        reading = focused is not None and focused.id == READING
        self.display = desk.tour.show
        if not desk.tour.show:
            return
        if reading:
            desk.tour.has_read()
        scene = Scene(
            self._mode,
            reading,
            desk.training.view,
            desk.base,
            bool(desk.ticks.for_plan(desk.collections)[0]),
            desk.writing.now.stage is Stage.TELLING,
            lambda id: sign_of(self.app, id),
        )
        step = desk.tour.step
        number = f"Tour {STEPS.index(step) + 1}/{len(STEPS)}" if step in STEPS else "Tour"
        leave = f"{sign_of(self.app, 'app.leave_tour')}\N{NO-BREAK SPACE}leaves"
        words = sentence(step, scene)
        if words + number + leave != self._shown:  # at every step of a run
            self._shown = words + number + leave
            self.update(Content.assemble((number, "bold $primary"), f"  {words}  ", (leave, "$quiet")))

    def on_click(self, event: Click) -> None:
        """Leave the tour."""
        self._desk.tour.leave()
