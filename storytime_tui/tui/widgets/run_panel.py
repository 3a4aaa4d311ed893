"""A run's dashboard: progress, the loss chart, the current numbers, the samples."""

import dataclasses
import math

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from storytime_tui.terminal import printable, printable_line
from storytime_tui.training.alerts import Level, Watch
from storytime_tui.training.voice_report import of_passages, share_of
from storytime_tui.tui import wording
from storytime_tui.tui.append_only import AppendOnly
from storytime_tui.tui.curve_words import curve_words, joined
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.pace import Line, Pace, Point
from storytime_tui.tui.run_log import log_lines
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.steady_time import Steady, steadied
from storytime_tui.tui.widgets.loss_chart import LossChart
from storytime_tui.tui.widgets.machine_panel import MachinePanel
from storytime_tui.tui.widgets.pace_charts import PaceCharts
from storytime_tui.tui.widgets.samples import Samples, SampleText

_NO_CURVE: AppendOnly[Point] = AppendOnly()
_NO_LINE: Line = AppendOnly()
_NO_PACE: Pace = AppendOnly()
_NO_WATCH = Watch()
_COLOURS: dict[Level, str] = {"note": "$quiet", "warning": "$primary", "alert": "bold $error"}
REDRAW = 0.5  # seconds between two drawings; each takes time from the training


class Progress(Static):
    """The run's progress: step, epoch, a bar, time left."""

    _left = Steady()

    def show(self, view: RunView) -> None:
        """Draw the progress."""
        if view.phase == "preparing":
            done, total = (view.preparing.done, view.preparing.total) if view.preparing else (0, 0)
            left, right = printable_line(view.status), ""
        else:
            done, total = view.done, view.total
            left = self._where(view)
            self._left = steadied(self._left, view)
            right = self._left.words if view.phase in ("training", "paused") else ""
        room = self.size.width - len(left) - len(right) - 4
        bar = Content("")
        if total and room >= 6:
            width = min(room, 48)
            full = round(width * min(1.0, done / total))
            bar = Content.assemble(("━" * full, "$primary"), ("━" * (width - full), "$line"))
        self.update(
            Content.assemble(left, "  " if left else "", bar, "  " if right else "", right), layout=False
        )

    @staticmethod
    def _where(view: RunView) -> str:
        if not view.started:
            return ""
        epoch = view.step.epoch if view.step and math.isfinite(view.step.epoch) else 0.0
        place = f"step {view.done:,} of {view.total:,}"
        if view.epochs > 1:
            place += f" · epoch {min(int(epoch) + 1, view.epochs)} of {view.epochs}"
        return place


class Numbers(Static):
    """The current numbers, aligned on the right."""

    _view: RunView | None = None

    def on_resize(self) -> None:
        """Show as many numbers as there are lines."""
        if self._view is not None:
            self.show(self._view)

    def show(self, view: RunView) -> None:
        """Show the numbers."""
        self._view = view
        step, best = view.step, view.best
        latest = view.evaluations[-1].validation_loss if view.evaluations else None
        baseline = view.started.token_frequency_loss if view.started else None
        limit = view.started.memory_available if view.started else 0
        first = [
            ("loss", wording.number(step.loss if step else None)),
            ("validation", wording.number(latest)),
            ("best", wording.number(best.validation_loss if best else None)),
            *self._voice(view),
        ]
        last = [
            ("word frequency", wording.number(baseline)),
            ("tokens/s", wording.number(step.tokens_per_second if step else None, ",.0f")),
            ("learning rate", wording.rate(step.learning_rate) if step else "–"),
            ("memory", wording.part_of(step.memory, limit) if step else "–"),
        ]
        more = self._more(view)
        if len(first + more + last) <= self.size.height:  # if there are lines for it
            first += more
        rows = first + last
        width = max(18, self.content_size.width)
        lines = [
            Content.assemble((name, "$quiet"), " " * max(1, width - len(name) - len(value)), value)
            for name, value in rows
        ]
        self.update(Content("\n").join(lines), layout=False)

    @staticmethod
    def _voice(view: RunView) -> list[tuple[str, str]]:
        """How many told passages sound like the shelf, if measured."""
        share = share_of(view.voice)
        if view.voice is None or share is None:
            return []
        copied = wording.number(view.voice.copied, ".0%")
        return [("voice", of_passages(share, view.voice.passages)), ("copied", copied)]

    @staticmethod
    def _more(view: RunView) -> list[tuple[str, str]]:
        """More numbers for a tall screen."""
        best = view.best
        return [
            ("best at step", f"{best.step:,}" if best else "–"),
            ("perplexity", wording.number(best.perplexity if best else None, ",.1f")),
            ("bits per byte", wording.number(best.bits_per_byte if best else None)),
        ]


class RunLog(Static):
    """What happened, newest first: as many entries as there are lines."""

    def on_mount(self) -> None:
        """Set the title."""
        self.border_title = "What happened"

    def show(self, view: RunView) -> None:
        """Show the newest entries."""
        width, height = self.content_size
        lines = log_lines(view.log, height, width)
        coloured = [Content.styled(line, _COLOURS[level]) for line, level in lines]
        self.update(Content("\n").join(coloured), layout=False)


class RunPanel(VerticalScroll, can_focus=True, inherit_bindings=False):
    """The current or last run's dashboard; it scrolls in a very low terminal."""

    BINDINGS = [
        Binding("up", "scroll_up", "Up", show=False, id="run.up", tooltip="Scroll up"),
        Binding("down", "scroll_down", "Down", show=False, id="run.down", tooltip="Scroll down"),
        Binding("pageup", "page_up", "Page up", show=False, id="run.pageup", tooltip="Scroll up by a page"),
        Binding(
            "pagedown",
            "page_down",
            "Page down",
            show=False,
            id="run.pagedown",
            tooltip="Scroll down by a page",
        ),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._view: RunView | None = None
        self._drawn: object = None
        self._happened: RunView | None = None
        self._step: object = None  # the step whose numbers are shown
        self._waiting: Timer | None = None  # while it runs, numbers and chart were just drawn

    def compose(self) -> ComposeResult:
        """Title, progress, messages, chart, numbers and samples."""
        yield Static(id="run-title", markup=False)
        yield Progress(id="progress", markup=False)
        yield Static(id="run-words", markup=False)
        with Horizontal(id="run-middle"):
            yield LossChart(id="chart")
            yield Numbers(id="numbers", markup=False)
        yield Static(id="curve-words", markup=False)
        yield Samples(id="samples")
        with Horizontal(id="run-foot"):
            yield PaceCharts(id="pace")
            yield MachinePanel(self._desk.services.machine, id="machine")
            yield RunLog(id="run-log", markup=False)

    def on_mount(self) -> None:
        """Subscribe to the run."""
        self._desk.run_changed.subscribe(self, self.show)
        self.show(self._desk.training.view)

    def action_scroll_down(self) -> None:
        """Scroll down: first the samples, then the panel if it is higher than the terminal."""
        self._scroll(1)

    def action_scroll_up(self) -> None:
        """Scroll up."""
        self._scroll(-1)

    def _scroll(self, by: int) -> None:
        samples = self.query(SampleText)
        there = [one for one in samples if (one.scroll_y < one.max_scroll_y if by > 0 else one.scroll_y > 0)]
        scrolled: list[VerticalScroll] = [*there] or [self]
        for each in scrolled:
            each.scroll_relative(y=by, animate=False)

    def on_resize(self) -> None:
        """Redraw for the new width."""
        if self._view is not None:
            self.call_after_refresh(self.show_now, redraw=True)

    def show_now(self, redraw: bool = False) -> None:
        """Show the run as it is now. A view that is passed to a later call would be old by then."""
        self.show(self._desk.training.view, redraw)

    def show(self, view: RunView, redraw: bool = False) -> None:
        """Show the run: at once after an event, a few times a second for steps. `redraw`: draw everything again."""
        if view.phase == "idle":
            return  # the plan is shown
        self._view = view
        happened = dataclasses.replace(
            view, step=None, curve=_NO_CURVE, line=_NO_LINE, pace=_NO_PACE, watch=_NO_WATCH
        )  # without what each step changes
        if redraw:
            self.query_one(Samples).forget()
            self._drawn = None
        if redraw or happened != self._happened:
            self._happened = happened
            self._show_words(view)
            self._show_figures(view)
        if self._waiting is None or redraw:
            self._turn()

    def _turn(self) -> None:
        self._waiting = None
        if self._view is None or not self.screen.is_current:
            return
        self._show_figures(self._view)
        self._draw(self._view)
        if self._view.busy:
            self._waiting = self.set_timer(REDRAW, self._next_turn)

    def _next_turn(self) -> None:
        self._waiting = None
        view = self._view
        if view is not None and (view.step is not self._step or self._curve_of(view) != self._drawn):
            self._turn()

    def _show_words(self, view: RunView) -> None:
        subject, note = printable_line(view.subject), printable_line(view.asked or view.note)
        room = self.size.width - 4 - len(note) - 3  # the note is what was just asked for: it stays whole
        title = Content(wording.clipped_inside(subject, max(24, room)) if note and room > 0 else subject)
        if note:
            title = Content.assemble(title, (f"   {note}", "$quiet"))
        self.query_one("#run-title", Static).update(title, layout=False)
        self.query_one(Progress).display = view.phase != "finished"  # its outcome says as much
        # the progress shows a preparation, the message line a failure
        outcome = "" if view.phase in ("preparing", "failed") else view.status
        words = self.query_one("#run-words", Static)
        words.display = bool(outcome)
        words.update(Content(printable(outcome)))
        self.set_class(
            not view.busy, "-ended"
        )  # its outcome takes lines, which the chart must not pay for alone
        self.query_one(Samples).show(view)
        self.query_one(RunLog).show(view)

    def _show_figures(self, view: RunView) -> None:
        self._step = view.step
        self.query_one("#numbers").border_title = "Now" if view.busy else "At the end"
        self.query_one(Progress).show(view)
        self.query_one(Numbers).show(view)
        self.query_one(PaceCharts).show(view)
        self.query_one(MachinePanel).show(view)

    def _draw(self, view: RunView) -> None:
        state = self._curve_of(view)
        if state == self._drawn:
            return
        self._drawn = state
        self.query_one(LossChart).show(view)
        meaning, sentences = self.query_one("#curve-words", Static), curve_words(view)
        meaning.display = bool(sentences) or view.busy  # an active run keeps the row, so that nothing jumps
        line = joined(sentences, self.size.width - 4)
        meaning.update(Content.styled(line, "$primary" if view.watch.standing else "$quiet"), layout=False)

    def _curve_of(self, view: RunView) -> tuple[object, ...]:
        """The state that the chart depends on."""
        return (view.curve, len(view.evaluations), len(view.line), self.size, self.app.theme, view.phase)

    def move_sample(self, by: int) -> None:
        """Show an earlier or later sample."""
        if self._view is not None:
            self.query_one(Samples).move(by, self._view)

    def show_beginning(self, prompt: str) -> None:
        """Show the newest sample of this beginning from now on."""
        self.query_one(Samples).show_beginning(prompt)

    @property
    def shows_both(self) -> bool:
        """Whether the samples of both beginnings are shown."""
        return any(samples.has_both for samples in self.query(Samples))  # none before composing

    def read_chart(self) -> None:
        """Give the focus to the loss chart, so that keys read and zoom it."""
        self.query_one(LossChart).focus()

    def turn_sample(self) -> None:
        """Show the sample from the other beginning."""
        if self._view is not None:
            self.query_one(Samples).turn(self._view)
