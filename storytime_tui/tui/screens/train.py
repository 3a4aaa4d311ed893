"""Train: the plan before a run, and the run's progress. The run belongs to the app, not to this screen."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from storytime_tui.errors import PlanError
from storytime_tui.knobs import parse
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui import breakpoints
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.sample_groups import group_samples
from storytime_tui.tui.screens.dialogs import AskScreen
from storytime_tui.tui.screens.train_keys import KEYS, RARE
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.plan_form import PlanForm

if TYPE_CHECKING:
    from storytime_tui.tui.widgets.run_panel import RunPanel

_RUNNING = ("training", "paused")


class TrainScreen(StyledOnce, Screen[None]):
    """Shows the plan, or the run if there is one."""

    CSS_PATH = "train.tcss"
    HORIZONTAL_BREAKPOINTS = breakpoints.WIDTHS
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    AUTO_FOCUS = "#bases"
    BINDINGS = KEYS

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._training = desk, desk.training
        self._message = MessageLine()
        self._panel: RunPanel | None = None
        self._keys: object = None  # the state that the offered keys depend on

    def compose(self) -> ComposeResult:
        """The plan. The run's panel is mounted when the first run starts."""
        yield Header(self._desk, "train")
        yield PlanForm(self._desk, self._message)
        yield self._message
        yield KeyLine(("new", "last", "more", "later", "beginning", "how_it_learns", *RARE))

    def on_mount(self) -> None:
        """Subscribe to the run, and load the last one."""
        self._desk.run_changed.subscribe(self, self._show)
        self._desk.run_said.subscribe(self, self._message.complain)
        self._show()
        self.run_worker(self._look_back())

    async def _look_back(self) -> None:
        with self._message.saying():
            await self._training.load_last_run()

    def on_screen_resume(self) -> None:
        """Show what changed while another screen was shown."""
        self._show()
        self.query_one(PlanForm).refresh_preview()  # runs may have been made, renamed or removed meanwhile
        if self._panel is not None:
            self._panel.call_next(self._panel.show_now)

    def on_screen_suspend(self) -> None:
        """Leave the chart, so that the keys are the run's when this screen is shown again."""
        if self._panel is not None and self.focused is not None and self.focused.id == "chart":
            self.set_focus(self._panel)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that do something now."""
        view, last = self._training.view, self._training.last
        running = view.phase in _RUNNING
        ended = view.phase in ("finished", "failed", "interrupted")
        match action:
            case "start":
                return view.phase == "idle"
            case "leave_field":
                return view.phase == "idle" and isinstance(self.focused, Input)
            case "back":
                return view.phase != "idle" and bool(self._desk.back)
            case "pause":
                return view.phase == "training"
            case "go_on":
                return view.phase == "paused"
            case "stop":
                return running or view.phase == "preparing"
            case "checkpoint" | "sample":
                return running
            case "change_beginning":
                return running and self._training.control is not None
            case "write":
                here = running and self._training.control is not None  # from a copy of its weights
                return here or ((ended or bool(self._desk.watching.run)) and view.saved_step is not None)
            case "how_it_learns":
                return bool(view.run)
            case "terms":
                return not isinstance(self.focused, Input)
            case "resume":
                return last is not None and last.can_resume if view.phase == "idle" else view.can_resume
            case "more":
                return view.can_extend
            case "new":
                return ended or bool(self._desk.watching.run)
            case "last":
                return view.phase == "idle" and last is not None
            case "earlier" | "later":
                return len(group_samples(view.samples)) > 1
            case "chart":
                return view.phase != "idle" and view.step is not None
            case "beginning":
                two = self._panel is not None and not self._panel.shows_both
                return two and len(view.samples) > len(group_samples(view.samples))
        return True

    def _show(self, _: RunView | None = None) -> None:
        view, form = self._training.view, self.query_one(PlanForm)
        if (
            view.phase == "failed" and view.started is None
        ):  # it could not start: show the plan and the reason
            form.complain(view.error)
            self._training.clear()
            return
        if view.phase != "idle" and self._panel is None:
            from storytime_tui.tui.widgets.run_panel import RunPanel

            self._panel = RunPanel(self._desk)
            self.mount(self._panel, after=form)
        idle = view.phase == "idle"
        if idle and not form.display:
            form.refresh_preview()  # the run that ended has taken the name
        form.display = idle
        form.show_last_run(self._training.last)
        if self._panel is not None:
            self._panel.display = not idle
        self._keep_focus(form)
        told = min(3, len(view.samples))  # the third sample starts a second group
        keys = (
            view.phase,
            view.saved_step is None,
            view.step is None,
            told,
            view.finished,
            view.run,
            idle,
            self._desk.watching.run,
        )
        watched = bool(
            self._desk.watching.run
        )  # then a refused request stays in sight until the run's state changes
        if not idle and (view.error or not watched or keys != self._keys):
            self._message.say(view.status if view.phase == "failed" else "", view.error)
        if keys != self._keys:  # not at every step: the footer is rebuilt each time
            self._keys = keys
            self.refresh_bindings()

    def _keep_focus(self, form: PlanForm) -> None:
        """Move the focus to the plan or the run when one replaced the other."""
        shown = form if form.display else self._panel
        if (
            self.is_current
            and shown is not None
            and (self.focused is None or shown not in self.focused.ancestors_with_self)
        ):
            self.set_focus(self.query_one("#bases") if shown is form else shown)

    # -- the plan -------------------------------------------------------------------------------------

    @on(PlanForm.StartRequested)
    def action_start(self) -> None:
        """Start a run if the plan is valid."""
        form = self.query_one(PlanForm)
        if self._training.control is not None:
            form.complain("The previous run is still saving. Try again in a moment.")
            return
        planned = form.plan()
        if planned is not None:
            plan, name = planned
            self._training.start(plan, name, f"{plan.base} → {form.training_text()}")

    def action_leave_field(self) -> None:
        """Leave the field, so that the keys work."""
        self.query_one("#bases").focus()

    # -- the run --------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Return to the screen from where the run was opened."""
        self.post_message(GoTo(self._desk.back))

    def action_pause(self) -> None:
        """Pause at the next step."""
        self._desk.steer("pause")

    def action_go_on(self) -> None:
        """Continue after a pause."""
        self._desk.steer("resume")

    def action_stop(self) -> None:
        """Save a checkpoint and stop."""
        self._desk.steer("stop")

    def action_checkpoint(self) -> None:
        """Save a checkpoint and continue."""
        self._desk.steer("checkpoint")

    def action_sample(self) -> None:
        """Tell a sample now."""
        self._desk.steer("sample")

    def action_change_beginning(self) -> None:
        """Ask for the words that the samples begin with from now on, and tell one at once."""

        def change(prompt: str | None) -> None:
            if prompt is not None and self._training.control is not None and self._panel is not None:
                self._training.control.change_prompt(prompt)
                self._panel.show_beginning(prompt)

        own = [sample.prompt for sample in self._training.view.samples if not sample.held_out]
        ask = AskScreen(
            "Begin the samples with",
            "The samples from now on continue these words; the held-out story's stay.",
            enter="Tell one now",
            value=own[-1] if own else "",
        )
        self.app.push_screen(ask, change)

    def action_resume(self) -> None:
        """Resume a stopped run."""
        if self._training.control is not None:
            return
        if self._training.view.phase == "idle":
            self._training.show_last()
        self._training.resume()

    def action_more(self) -> None:
        """Ask for the number of further epochs, and train."""

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
            "Epochs to add",
            "Training continues from the last checkpoint; the learning rate warms up again.",
            enter="Continue",
            value="1",
            check=check,
        )
        self.app.push_screen(ask, go_on)

    def action_new(self) -> None:
        """Return to the plan."""
        self._desk.back = ""
        self._message.clear()
        self._training.clear()

    def action_last(self) -> None:
        """Show the last run."""
        self._training.show_last()

    def action_earlier(self) -> None:
        """Show the previous sample."""
        if self._panel is not None:
            self._panel.move_sample(-1)

    def action_later(self) -> None:
        """Show the next sample."""
        if self._panel is not None:
            self._panel.move_sample(1)

    def action_beginning(self) -> None:
        """Show the sample of the other beginning."""
        if self._panel is not None:
            self._panel.turn_sample()

    def action_chart(self) -> None:
        """Give the focus to the loss chart."""
        if self._panel is not None:
            self._panel.read_chart()

    def action_how_it_learns(self) -> None:
        """Show what the run learned, word by word."""
        from storytime_tui.tui.screens.how_it_learns import HowItLearnsScreen

        self.app.push_screen(HowItLearnsScreen(self._desk, self._training.view.run))

    def action_terms(self) -> None:
        """Open the glossary at the term of the focused field, or at the loss."""
        from storytime_tui.tui.glossary import term_for
        from storytime_tui.tui.screens.glossary import GlossaryScreen

        field = (self.focused.id or "").removeprefix("knob-") if self.focused is not None else ""
        self.app.push_screen(GlossaryScreen(term_for(field) or ("base" if field == "bases" else "loss")))

    def action_write(self) -> None:
        """Write with this run; during training, with its weights of now."""
        run = self._training.view.run
        if self._training.control is not None:
            self._desk.writing.write_with(run)
            self.post_message(GoTo("story"))
        else:
            self.run_worker(self._write_with_checkpoint(run), group="write", exclusive=True)

    async def _write_with_checkpoint(self, run: str) -> None:
        """Write with an ended run, if it still has a checkpoint: another program may have removed it."""
        with self._message.saying():
            names = {
                choice.name.partition("/")[0] for choice in await in_thread(self._desk.services.model_choices)
            }
            if not self.is_current:
                return
            if run in names:
                self._desk.writing.write_with(run)
                self.post_message(GoTo("story"))
            else:
                self._message.complain(f"“{run}” has no checkpoint any more, so it cannot be written with.")


def _epochs(answer: str) -> float | None:
    """Parse the number of epochs. Raises PlanError."""
    epochs: float | None = parse(TrainingPlan, "epochs", answer.strip())
    return epochs
