"""A run's events folded into one frozen view, live or from its journal.

`view_after` is the fold. Besides it, only the transitions below it change a view, and they do nothing else.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Literal

from storytime_tui.training import events as ev
from storytime_tui.training.alerts import Watch, watched
from storytime_tui.tui import wording
from storytime_tui.tui.append_only import AppendOnly
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.pace import Line, Pace, Point, curve_after, line_after, pace_after
from storytime_tui.tui.run_log import Log, log_after, with_alerts
from storytime_tui.tui.time_left import Costs, costs_after, seconds_left

if TYPE_CHECKING:  # see services
    pass

Phase = Literal["idle", "preparing", "training", "paused", "stopping", "finished", "failed", "interrupted"]
BUSY: tuple[Phase, ...] = ("preparing", "training", "paused", "stopping")


# -- the view -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunView:
    """One run as the screens show it. All but the first four fields are derived from the run's events."""

    phase: Phase = "idle"
    subject: str = ""  # base and stories, for the title
    earlier: bool = False  # read from the journal of a run that an earlier program trained
    error: str = ""
    sentence: str = ""  # below the title: the current activity or the outcome
    preparing: ev.Preparing | None = None  # the current preparation
    note: str = ""  # the latest minor event: a checkpoint, a recovery
    asked: str = ""  # what was asked for and is not there yet
    started: ev.Started | None = None
    total: int = 0  # planned steps; 0 while unknown
    step: ev.StepDone | None = None  # the latest
    first_step: int = 0  # where the run started or resumed; the speed is measured from there
    first_elapsed: float = 0.0  # training seconds before `first_step`
    curve: AppendOnly[Point] = dataclasses.field(default_factory=AppendOnly)
    line: Line = dataclasses.field(default_factory=AppendOnly)  # the curve, smoothed
    evaluations: AppendOnly[ev.Evaluated] = dataclasses.field(default_factory=AppendOnly)
    samples: AppendOnly[ev.Sampled] = dataclasses.field(default_factory=AppendOnly)
    voices: AppendOnly[ev.VoiceMeasured] = dataclasses.field(default_factory=AppendOnly)
    saved_step: int | None = None  # of the latest checkpoint
    saved: AppendOnly[ev.StepDone] = dataclasses.field(
        default_factory=AppendOnly
    )  # the step of each checkpoint
    finished: ev.Finished | None = None
    log: Log = ()  # what happened, bounded
    watch: Watch = dataclasses.field(default_factory=Watch)  # what deserves attention
    costs: Costs = dataclasses.field(default_factory=Costs)  # of the work between the steps
    pace: Pace = dataclasses.field(default_factory=AppendOnly)  # some of the steps, bounded

    @property
    def busy(self) -> bool:
        """Whether the run is active."""
        return self.phase in BUSY

    @property
    def run(self) -> str:
        """The run's name; "" until it has one."""
        return self.started.run if self.started else ""

    @property
    def status(self) -> str:
        """The sentence below the title."""
        return wording.progress_of(self.preparing) if self.preparing else self.sentence

    @property
    def can_resume(self) -> bool:
        """Whether it ended before its last step and can be resumed."""
        stopped = self.finished is not None and self.finished.stopped_by == "stopped"
        return bool(self.run) and (stopped or self.phase in ("failed", "interrupted"))

    @property
    def can_extend(self) -> bool:
        """Whether it finished and can be trained for more epochs."""
        return bool(self.run) and self.finished is not None and self.finished.stopped_by != "stopped"

    @property
    def epochs(self) -> int:
        """The number of planned epochs, rounded up; 0 while unknown."""
        each = self.started.steps_per_epoch if self.started else 0
        # the last step of an epoch may reach a little into the next one
        some = 1e-3 <= each < math.inf and self.total > 1  # a damaged journal may contain any number
        return math.ceil((self.total - 1) / each) if some else min(self.total, 1)

    @property
    def best(self) -> ev.Evaluated | None:
        """The best evaluation so far."""

        def loss(evaluated: ev.Evaluated) -> tuple[bool, float]:
            return math.isnan(evaluated.validation_loss), evaluated.validation_loss

        return min(self.evaluations, key=loss, default=None)

    @property
    def voice(self) -> ev.VoiceMeasured | None:
        """The latest measurement of the voice."""
        return self.voices[-1] if self.voices else None

    @property
    def done(self) -> int:
        """Steps done."""
        return self.finished.step if self.finished else self.step.step if self.step else self.first_step

    @property
    def seconds_left(self) -> float:
        """Seconds until the end of the last step and its evaluation, at the present speed; NaN while unknown."""
        if self.step is None:
            return math.nan
        done = [each for each in self.pace if self.first_step < each.step < self.step.step]
        pace = [(each.step, each.elapsed) for each in (*done, self.step)]
        return seconds_left(
            self.started, self.costs, [(self.first_step, self.first_elapsed), *pace], self.total
        )

    @property
    def seconds_spent(self) -> float:
        """Seconds of training, and of the work between the steps, without pauses."""
        return (self.step.elapsed if self.step is not None else self.first_elapsed) + self.costs.seconds


# -- the fold -----------------------------------------------------------------------------------------------


def view_after(view: RunView, event: ev.Event, now: float | None = None) -> RunView:
    """The view after this event. O(1) for a step, however long the run is. `now`: its time, if it is known."""
    watch, alerts = watched(view.watch, event)
    if isinstance(event, ev.StepDone) and view.preparing is None and not alerts:
        return _after_step(view, event, watch)
    after, log = _folded(view, event), log_after(view.log, event, now)
    if alerts:
        log = with_alerts(log, alerts, getattr(event, "step", 0), now)
    return replace(after, log=log, watch=watch, costs=costs_after(view.costs, event))


def _folded(view: RunView, event: ev.Event) -> RunView:
    if isinstance(event, ev.Preparing):
        return replace(view, preparing=event)
    if view.preparing is not None:
        view = replace(view, preparing=None)
    match event:
        case ev.StepDone():
            return _after_step(view, event, view.watch)
        case ev.Evaluated():
            return replace(view, evaluations=view.evaluations.appended(event))
        case ev.Sampled():
            asked = "" if view.asked == _ASKED["sample"] else view.asked
            return replace(view, samples=view.samples.appended(event), asked=asked)
        case ev.VoiceMeasured():
            return replace(view, voices=view.voices.appended(event))
        case ev.CheckpointSaved():
            return _after_checkpoint(view, event)
        case ev.Started():  # also when a run without a checkpoint is resumed
            return _training(
                RunView(
                    phase=view.phase,
                    subject=view.subject,
                    earlier=view.earlier,
                    sentence=view.sentence,
                    note=wording.memory_warning(event),
                    started=event,
                    total=event.total_steps,
                )
            )
        case ev.Paused():
            words = f"Paused; the model stays in memory. Press {own_key('train.go_on', 'p')} to continue."
            return view if view.phase == "stopping" else replace(view, phase="paused", sentence=words)
        case ev.Resumed():
            total = event.total_steps or (view.started.total_steps if view.started else 0)
            view = _from_checkpoint(view, event.step) if event.from_checkpoint else view
            return _training(replace(view, total=total))
        case ev.Recovered():
            return replace(view, note=event.message)
        case ev.Finished():
            first = view.evaluations[0].validation_loss if view.evaluations else None
            outcome = (
                f"{wording.outcome(event, view.started, first)} {wording.voice_sentence(view.voice)}".rstrip()
            )
            return replace(view, phase="finished", finished=event, sentence=outcome, asked="")
        case ev.Failed():
            words = "The run failed; its last checkpoint is kept."
            return replace(view, phase="failed", error=event.message, sentence=words, asked="")
    return view


def _after_step(view: RunView, step: ev.StepDone, watch: Watch) -> RunView:
    curve, pace = curve_after(view.curve, step), pace_after(view.pace, step)
    line = line_after(view.line, step, view.total)
    return replace(view, step=step, curve=curve, line=line, pace=pace, watch=watch)


def _training(view: RunView) -> RunView:
    """The run trains, unless it was asked to stop: then only its end counts."""
    return view if view.phase == "stopping" else replace(view, phase="training", sentence="")


def _after_checkpoint(view: RunView, event: ev.CheckpointSaved) -> RunView:
    step = view.step
    saved = view.saved.appended(step) if step is not None and step.step == event.step else view.saved
    asked = "" if view.asked == _ASKED["checkpoint"] else view.asked
    return replace(view, saved=saved, saved_step=event.step, note=_saved_note(event.step), asked=asked)


def _from_checkpoint(view: RunView, step: int) -> RunView:
    """The run resumed from the checkpoint of a step: its later events are void."""
    before = next((each for each in reversed(view.saved) if each.step == step), None)
    return replace(
        view,
        error="",
        note=_saved_note(step),
        step=view.step if view.step is not None and view.step.step <= step else None,
        first_step=step,
        first_elapsed=before.elapsed if before else 0.0,
        curve=AppendOnly([point for point in view.curve if point[0] <= step]),
        line=AppendOnly([point for point in view.line if point.step <= step]),
        evaluations=AppendOnly([each for each in view.evaluations if each.step <= step]),
        samples=AppendOnly([each for each in view.samples if each.step <= step]),
        voices=AppendOnly([each for each in view.voices if each.step <= step]),
        saved=AppendOnly([each for each in view.saved if each.step <= step]),
        pace=AppendOnly([each for each in view.pace if each.step <= step]),
        saved_step=step,
        finished=None,
    )


_ASKED = {"checkpoint": "a checkpoint follows this step", "sample": "a sample follows this step"}


def _saved_note(step: int) -> str:
    return f"checkpoint saved at step {step:,}"


# -- transitions that are not events -----------------------------------------------------------------------


def new_view(subject: str) -> RunView:
    """The view of a requested new run."""
    return RunView(phase="preparing", subject=subject, sentence="Preparing…")


def resumed_view(view: RunView) -> RunView:
    """The view of a run that is being resumed; what it showed stays."""
    return replace(
        view,
        phase="preparing",
        earlier=False,
        error="",
        sentence="Preparing…",
        finished=None,
        first_step=view.done,
    )


def stopping_view(view: RunView) -> RunView:
    """The view of a run that was asked to stop: only its end counts from now on."""
    return replace(
        view,
        phase="stopping",
        sentence="Saving the checkpoint…" if view.started else "Stopping…",
        asked="",
        preparing=None,
    )


def asked_view(view: RunView, asked: str) -> RunView:
    """The view of a run that was asked for a checkpoint or a sample: `asked` says so until it is there."""
    return replace(view, asked=_ASKED[asked])


def ended_view(view: RunView, refusal: str) -> RunView:
    """The view after the thread ended. `refusal`: the run could not start, or crashed."""
    if refusal:
        return replace(view, phase="failed", error=refusal, sentence="", preparing=None)
    if view.busy:  # it ended without a final event
        words = "The run ended unexpectedly; its last checkpoint is kept."
        return replace(view, phase="failed", error=words, preparing=None)
    return view


def subject_of(started: ev.Started, titles: Mapping[str, str]) -> str:
    """A run's base and stories. `titles`: the collections' titles by name."""
    stories = started.stories + started.validation_stories + started.copies
    named = wording.training_text([titles.get(name, name) for name in started.collections], stories)
    return f"{started.base} → {named}"


def view_of(events: Iterable[ev.Event], titles: Mapping[str, str]) -> RunView:
    """The view of an earlier run from its journal's events. `titles`: the collections' titles by name."""
    view = reduce(view_after, events, RunView(earlier=True))
    if view.started is not None:
        view = replace(view, subject=subject_of(view.started, titles))
    if view.busy:  # it has no final event
        words = wording.interrupted(view.done, view.total, view.saved_step)
        view = replace(view, phase="interrupted", sentence=words)
    return view


def _called(view: RunView, old: str, new: str) -> RunView:
    is_it = view.run == old
    return replace(view, started=replace(view.started, run=new)) if view.started and is_it else view
