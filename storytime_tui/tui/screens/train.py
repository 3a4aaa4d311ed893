"""Train: the plan before a run, and the run while it learns. The run belongs to the app, not to this screen."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Input

from storytime_tui.errors import PlanError
from storytime_tui.knobs import parse
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.samplings import samplings
from storytime_tui.tui.screens.dialogs import AskScreen
from storytime_tui.tui.training_session import RunView
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.plan_form import PlanForm

if TYPE_CHECKING:
    from storytime_tui.tui.widgets.run_panel import RunPanel

_RUNNING = ("learning", "paused")


class TrainScreen(Screen[None]):
    """Shows the plan or the run, whichever there is."""

    CSS_PATH = "train.tcss"
    AUTO_FOCUS = "#bases"
    BINDINGS = [
        Binding("s", "start", "Start learning", id="train.start", tooltip="Begin a run with this plan"),
        Binding(
            "escape",
            "leave_field",
            "Leave the field",
            id="train.leave",
            tooltip="Leave the field",
        ),
        Binding("p", "pause", "Pause", id="train.pause", tooltip="Wait, keeping everything; again to go on"),
        Binding("p", "go_on", "Go on", id="train.go_on", tooltip="Go on after the pause"),
        Binding("x", "stop", "Stop", id="train.stop", tooltip="Save a checkpoint and end the run"),
        Binding(
            "c", "checkpoint", "Checkpoint", id="train.checkpoint", tooltip="Save a checkpoint and go on"
        ),
        Binding("s", "sample", "Sample", id="train.sample", tooltip="Tell a sample now"),
        Binding("w", "write", "Write", id="train.write", tooltip="Go to Story with what it has learned"),
        Binding("r", "resume", "Resume", id="train.resume", tooltip="Go on with this run where it stopped"),
        Binding(
            "m",
            "more",
            "More epochs",
            id="train.more",
            tooltip="Give the ended run more epochs over its stories",
        ),
        Binding("n", "new", "New run", id="train.new", tooltip="Back to the plan"),
        Binding("v", "last", "Last run", id="train.last", tooltip="Look at the last run again"),
        Binding(
            "left",
            "earlier",
            "Earlier sample",
            key_display="←",
            show=False,
            id="train.earlier",
            tooltip="The sample before this one",
        ),
        Binding("right", "later", "Samples", key_display="← →", id="train.later", tooltip="The next sample"),
        Binding(
            "b",
            "beginning",
            "Beginning",
            id="train.beginning",
            tooltip="The sample from the other beginning",
        ),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._training = desk, desk.training
        self._message = MessageLine()
        self._panel: RunPanel | None = None
        self._keys: object = None  # what the offered keys depend on

    def compose(self) -> ComposeResult:
        """The plan; the run's panel is mounted with the first run."""
        yield Header(self._desk, "train")
        yield PlanForm(self._desk, self._message)
        yield self._message
        yield KeyLine(("new", "checkpoint", "sample", "last", "more", "later", "beginning"))

    def on_mount(self) -> None:
        """Follow the run."""
        self._desk.run_changed.subscribe(self, self._show)
        self._show()
        self.run_worker(self._look_back())

    async def _look_back(self) -> None:
        with self._message.saying():
            await self._training.look_back()

    def on_screen_resume(self) -> None:
        """What happened meanwhile is shown now."""
        self._show()
        if self._panel is not None:
            self._panel.call_next(self._panel.show, self._training.view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that mean something now."""
        view, last = self._training.view, self._training.last
        running = view.phase in _RUNNING
        ended = view.phase in ("finished", "failed", "interrupted")
        match action:
            case "start":
                return view.phase == "idle"
            case "leave_field":
                return view.phase == "idle" and isinstance(self.focused, Input)
            case "pause":
                return view.phase == "learning"
            case "go_on":
                return view.phase == "paused"
            case "stop":
                return running or view.phase == "preparing"
            case "checkpoint" | "sample":
                return running
            case "write":
                return running or (ended and view.saved_step is not None)
            case "resume":
                return last is not None and last.can_resume if view.phase == "idle" else view.can_resume
            case "more":
                return view.can_extend
            case "new":
                return ended
            case "last":
                return view.phase == "idle" and last is not None
            case "earlier" | "later":
                return len(samplings(view.samples)) > 1
            case "beginning":
                two = self._panel is not None and not self._panel.shows_both
                return two and len(view.samples) > len(samplings(view.samples))
        return True

    def _show(self, _: RunView | None = None) -> None:
        view, form = self._training.view, self.query_one(PlanForm)
        if (
            view.phase == "failed" and view.started is None
        ):  # it never began: the plan, and what is wrong with it
            form.complain(view.error)
            self._training.clear()
            return
        if view.phase != "idle" and self._panel is None:
            from storytime_tui.tui.widgets.run_panel import RunPanel

            self._panel = RunPanel(self._desk)
            self.mount(self._panel, after=form)
        idle = view.phase == "idle"
        form.display = idle
        form.offer(self._training.last)
        if self._panel is not None:
            self._panel.display = not idle
        if not idle:
            self._message.say(view.words if view.phase == "failed" else "", view.error)
        self._keep_focus(form)
        told = min(3, len(view.samples))  # with the third there is a second time
        keys = (view.phase, view.saved_step is None, told, view.finished, view.run, idle)
        if keys != self._keys:  # not at every step: the footer is built anew each time
            self._keys = keys
            self.refresh_bindings()

    def _keep_focus(self, form: PlanForm) -> None:
        """Where the plan gave way to the run, or the run to the plan, the keys go to what is shown."""
        shown = form if form.display else self._panel
        if (
            self.is_current
            and shown is not None
            and (self.focused is None or shown not in self.focused.ancestors_with_self)
        ):
            self.set_focus(self.query_one("#bases") if shown is form else shown)

    # -- the plan -------------------------------------------------------------------------------------

    @on(PlanForm.StartWished)
    def action_start(self) -> None:
        """Begin to learn, where the plan can work."""
        form = self.query_one(PlanForm)
        if self._training.control is not None:
            form.complain("The run before this one is still saving; try again in a moment.")
            return
        planned = form.plan()
        if planned is not None:
            plan, name = planned
            self._training.start(plan, name, f"{plan.base} → {form.lesson()}")

    def action_leave_field(self) -> None:
        """Leave a field, so that the keys work."""
        self.query_one("#bases").focus()

    # -- the run --------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Wait at the next step."""
        if self._training.control is not None:
            self._training.control.pause()

    def action_go_on(self) -> None:
        """Go on after a pause."""
        if self._training.control is not None:
            self._training.control.resume()

    def action_stop(self) -> None:
        """Save and end."""
        self._training.stop()

    def action_checkpoint(self) -> None:
        """Save and go on."""
        if self._training.control is not None:
            self._training.control.checkpoint()

    def action_sample(self) -> None:
        """Tell a sample now."""
        if self._training.control is not None:
            self._training.control.sample()

    def action_resume(self) -> None:
        """Go on with a run that was stopped."""
        if self._training.control is not None:
            return
        if self._training.view.phase == "idle":
            self._training.show_last()
        self._training.resume()

    def action_more(self) -> None:
        """Ask how many epochs more, and go on."""

        def go_on(answer: str | None) -> None:
            if answer is not None and self._training.control is None:
                self._training.resume(_epochs(answer) or 1.0)

        def check(answer: str) -> str:
            try:
                _epochs(answer)
            except PlanError as error:
                return str(error)
            return ""

        ask = AskScreen(
            "How many epochs more?",
            "It goes on from its last checkpoint, learning a little faster again at first.",
            enter="Continue",
            value="1",
            check=check,
        )
        self.app.push_screen(ask, go_on)

    def action_new(self) -> None:
        """Back to the plan."""
        self._message.clear()
        self._training.clear()

    def action_last(self) -> None:
        """Look at the last run again."""
        self._training.show_last()

    def action_earlier(self) -> None:
        """Show the sample before."""
        if self._panel is not None:
            self._panel.move_sample(-1)

    def action_later(self) -> None:
        """Show the sample after."""
        if self._panel is not None:
            self._panel.move_sample(1)

    def action_beginning(self) -> None:
        """Show what was told from the other beginning."""
        if self._panel is not None:
            self._panel.turn_sample()

    def action_write(self) -> None:
        """Go to Story with this run; while it learns, what it knows now is saved first."""
        if self._training.view.busy:
            self._desk.writing.write_with_learner()
        else:
            self._desk.writing.write_with(self._training.view.run)
        self.post_message(GoTo("story"))


def _epochs(answer: str) -> float | None:
    """The number of epochs that was typed. Raises PlanError."""
    epochs: float | None = parse(TrainingPlan, "epochs", answer.strip())
    return epochs
