"""A training session: the events of a run, folded into one frozen view, and the run in hand that says them.

`view_after` is the fold. Besides it only the transitions named below it change a view, and they do nothing else.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Literal

from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import LearningThread, Post, in_thread
from storytime_tui.tui.grown import Grown
from storytime_tui.tui.messages import RunEnded

if TYPE_CHECKING:  # see services
    from storytime_tui.training.plan import TrainingPlan
    from storytime_tui.tui.services import Services

Phase = Literal["idle", "preparing", "learning", "paused", "stopping", "finished", "failed", "interrupted"]
BUSY: tuple[Phase, ...] = ("preparing", "learning", "paused", "stopping")

Point = tuple[int, float]  # step, loss
POINTS = 2_000  # of the curve: beyond these the older half of the detail goes, never the shape


# -- the view -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunView:
    """One run as the screens show it. All but the first four fields come from the run's events alone."""

    phase: Phase = "idle"
    learns_from: str = ""  # base and stories, for the title
    earlier: bool = False  # a run of an earlier sitting, read from its journal
    error: str = ""
    sentence: str = ""  # under the title: what is being done, or the outcome
    preparing: ev.Preparing | None = None  # what is prepared right now
    note: str = ""  # the last small thing that happened: a checkpoint, a recovery
    started: ev.Started | None = None
    total: int = 0  # steps planned; 0 before it is known
    step: ev.StepDone | None = None  # the last one
    first_step: int = 0  # where this sitting began: the speed is measured from there
    first_elapsed: float = 0.0  # training seconds of earlier sittings
    curve: Grown[Point] = dataclasses.field(default_factory=Grown)
    evaluations: Grown[ev.Evaluated] = dataclasses.field(default_factory=Grown)
    samples: Grown[ev.Sampled] = dataclasses.field(default_factory=Grown)
    voices: Grown[ev.VoiceMeasured] = dataclasses.field(default_factory=Grown)
    saved_step: int | None = None  # of the last checkpoint
    saved: Grown[ev.StepDone] = dataclasses.field(
        default_factory=Grown
    )  # the last step before each checkpoint
    finished: ev.Finished | None = None

    @property
    def busy(self) -> bool:
        """Whether a run is in hand."""
        return self.phase in BUSY

    @property
    def run(self) -> str:
        """The run's name, once it has one."""
        return self.started.run if self.started else ""

    @property
    def words(self) -> str:
        """The sentence under the title."""
        return wording.preparing(self.preparing) if self.preparing else self.sentence

    @property
    def can_resume(self) -> bool:
        """Whether it ended before its last step, and can go on from its last checkpoint."""
        stopped = self.finished is not None and self.finished.stopped_by == "stopped"
        return bool(self.run) and (stopped or self.phase in ("failed", "interrupted"))

    @property
    def can_extend(self) -> bool:
        """Whether it did all of its steps, and can be given more epochs."""
        return bool(self.run) and self.finished is not None and self.finished.stopped_by != "stopped"

    @property
    def epochs(self) -> int:
        """How many passes over the training tokens its steps are, the last perhaps not whole; 0 while unknown."""
        each = self.started.steps_per_epoch if self.started else 0
        # the last step of an epoch may reach a little into the next one
        some = 1e-3 <= each < math.inf and self.total > 1  # a journal may say anything
        return math.ceil((self.total - 1) / each) if some else min(self.total, 1)

    @property
    def best(self) -> ev.Evaluated | None:
        """The best evaluation so far."""

        def loss(evaluated: ev.Evaluated) -> tuple[bool, float]:
            return math.isnan(evaluated.validation_loss), evaluated.validation_loss

        return min(self.evaluations, key=loss, default=None)

    @property
    def voice(self) -> ev.VoiceMeasured | None:
        """The last measure of the voice."""
        return self.voices[-1] if self.voices else None

    @property
    def done(self) -> int:
        """Steps done."""
        return self.finished.step if self.finished else self.step.step if self.step else self.first_step

    @property
    def seconds_left(self) -> float:
        """Training seconds until the last step at this sitting's speed; NaN while unknown."""
        if self.step is None or self.step.step <= self.first_step:
            return math.nan
        spent = max(0.0, self.step.elapsed - self.first_elapsed)
        return (self.total - self.step.step) * spent / (self.step.step - self.first_step)


# -- the fold -----------------------------------------------------------------------------------------------


def view_after(view: RunView, event: ev.Event) -> RunView:
    """The view once the run has said this, too. A step costs O(1), however long the run is."""
    if isinstance(event, ev.Preparing):
        return replace(view, preparing=event)
    if view.preparing is not None:
        view = replace(view, preparing=None)
    match event:
        case ev.StepDone():
            return replace(view, step=event, curve=curve_after(view.curve, event))
        case ev.Evaluated():
            return replace(view, evaluations=view.evaluations.plus(event))
        case ev.Sampled():
            return replace(view, samples=view.samples.plus(event))
        case ev.VoiceMeasured():
            return replace(view, voices=view.voices.plus(event))
        case ev.CheckpointSaved():
            return _after_checkpoint(view, event)
        case ev.Started():  # it begins, perhaps anew: there was no checkpoint to go on from
            return _learning(
                RunView(
                    phase=view.phase,
                    learns_from=view.learns_from,
                    earlier=view.earlier,
                    sentence=view.sentence,
                    note=wording.tight(event),
                    started=event,
                    total=event.total_steps,
                )
            )
        case ev.Paused():
            words = "Paused: everything is kept in memory. p goes on."
            return view if view.phase == "stopping" else replace(view, phase="paused", sentence=words)
        case ev.Resumed():
            total = event.total_steps or (view.started.total_steps if view.started else 0)
            view = _from_checkpoint(view, event.step) if event.from_checkpoint else view
            return _learning(replace(view, total=total))
        case ev.Recovered():
            return replace(view, note=event.message)
        case ev.Finished():
            first = view.evaluations[0].validation_loss if view.evaluations else None
            outcome = f"{wording.outcome(event, view.started, first)} {wording.voice(view.voice)}".rstrip()
            return replace(view, phase="finished", finished=event, sentence=outcome)
        case ev.Failed():
            words = "The run could not go on; its last checkpoint stays."
            return replace(view, phase="failed", error=event.message, sentence=words)
    return view


def _learning(view: RunView) -> RunView:
    """It learns, unless it was asked to stop: then only the end is awaited."""
    return view if view.phase == "stopping" else replace(view, phase="learning", sentence="")


def _after_checkpoint(view: RunView, event: ev.CheckpointSaved) -> RunView:
    step = view.step
    saved = view.saved.plus(step) if step is not None and step.step == event.step else view.saved
    return replace(view, saved=saved, saved_step=event.step, note=_saved_note(event.step))


def _from_checkpoint(view: RunView, step: int) -> RunView:
    """The run goes on from the checkpoint of a step: all that it said of later steps is void."""
    before = next((each for each in reversed(view.saved) if each.step == step), None)
    return replace(
        view,
        error="",
        note=_saved_note(step),
        step=view.step if view.step is not None and view.step.step <= step else None,
        first_step=step,
        first_elapsed=before.elapsed if before else 0.0,
        curve=Grown([point for point in view.curve if point[0] <= step]),
        evaluations=Grown([each for each in view.evaluations if each.step <= step]),
        samples=Grown([each for each in view.samples if each.step <= step]),
        voices=Grown([each for each in view.voices if each.step <= step]),
        saved=Grown([each for each in view.saved if each.step <= step]),
        saved_step=step,
        finished=None,
    )


def _saved_note(step: int) -> str:
    return f"checkpoint saved at step {step:,}"


def curve_after(curve: Grown[Point], event: ev.StepDone) -> Grown[Point]:
    """The curve with one more step; what is not a finite number has no place on a chart."""
    if not math.isfinite(event.loss):
        return curve
    longer = curve.plus((event.step, event.loss))
    return longer if len(longer) <= POINTS else Grown(thinned(longer, POINTS // 2))


def thinned(points: Sequence[Point], limit: int) -> list[Point]:
    """At most `limit` of the points, in order, with every peak and valley that still can be told apart.

    Of each stretch the lowest and the highest point stay, so a spike survives, which an average would hide.
    """
    if len(points) <= max(limit, 2):
        return list(points)
    stretches = max(1, limit // 2)
    kept: list[Point] = []
    for i in range(stretches):
        stretch = points[i * len(points) // stretches : (i + 1) * len(points) // stretches]
        low = min(stretch, key=lambda point: point[1])
        high = max(stretch, key=lambda point: point[1])
        kept += sorted({low, high})
    return kept


# -- the transitions that no event makes --------------------------------------------------------------------


def preparing(learns_from: str) -> RunView:
    """A new run was asked for."""
    return RunView(phase="preparing", learns_from=learns_from, sentence="Making ready…")


def preparing_again(view: RunView) -> RunView:
    """The run was asked to go on; what was seen of it stays."""
    return replace(
        view,
        phase="preparing",
        earlier=False,
        error="",
        sentence="Making ready…",
        finished=None,
        first_step=view.done,
    )


def asked_to_stop(view: RunView) -> RunView:
    """The run was asked to save and end: from here on only the end is awaited."""
    return replace(
        view,
        phase="stopping",
        sentence="Saving the checkpoint…" if view.started else "Stopping…",
        preparing=None,
    )


def ended(view: RunView, refusal: str) -> RunView:
    """The thread is free: with a refusal, the run never was, or broke in a way that it could not say."""
    if refusal:
        return replace(view, phase="failed", error=refusal, sentence="", preparing=None)
    if view.busy:  # it ended without a last word
        words = "The run ended without a word; its last checkpoint stays."
        return replace(view, phase="failed", error=words, preparing=None)
    return view


def view_of(said: Iterable[ev.Event], titles: Mapping[str, str]) -> RunView:
    """The run of an earlier sitting as its journal tells it. `titles`: of the collections, by name."""
    view = reduce(view_after, said, RunView(earlier=True))
    if view.started is not None:
        started = view.started
        stories = started.stories + started.validation_stories + started.copies
        named = wording.lesson([titles.get(name, name) for name in started.collections], stories)
        view = replace(view, learns_from=f"{started.base} → {named}")
    if view.busy:  # it has no last word
        words = wording.interrupted(view.done, view.total, view.saved_step)
        view = replace(view, phase="interrupted", sentence=words)
    return view


# -- the session --------------------------------------------------------------------------------------------


class TrainingSession:
    """The run in hand, or the one looked at, as `view`; `last` is the run to go back to. On the event loop only."""

    def __init__(
        self,
        services: Services,
        post: Post,
        *,
        titles: Callable[[], Mapping[str, str]],
        changed: Callable[[RunView], object],
        checkpoint_came: Callable[[], object],
    ) -> None:
        """`titles`: of the collections, by name. `changed` is told of every new view, `checkpoint_came` that a
        checkpoint was saved, or that none will be any more."""
        self._services, self._titles = services, titles
        self._changed, self._checkpoint_came = changed, checkpoint_came
        self._thread = LearningThread(post, self._hear)
        self._looked_back = False  # whether `last` was sought on the disk
        self.view = RunView()
        self.last: RunView | None = None

    @property
    def control(self) -> Control | None:
        """What pauses, checkpoints and samples the run in hand; None where there is none."""
        return self._thread.control

    def start(self, plan: TrainingPlan, run: str | None, learns_from: str) -> None:
        """Begin to learn; no run may be in hand."""
        self._thread.start(lambda control: self._services.learn(plan, control, run))
        self._become(preparing(learns_from))

    def resume(self, more_epochs: float | None = None) -> None:
        """Go on with the run in view that was stopped, or give an ended one more epochs; no run may be in hand."""
        run = self.view.run
        self._thread.start(lambda control: self._services.resume(run, control, more_epochs))
        self._become(preparing_again(self.view))

    def stop(self) -> None:
        """Ask the run in hand to save and end."""
        if self.control is not None:
            self.control.stop()
            self._become(asked_to_stop(self.view))

    def clear(self) -> None:
        """Back to the plan; no run may be in hand."""
        if self.view.run:
            self.last = self.view
        self._become(RunView())

    def show_last(self) -> None:
        """Look at the last run again; no run may be in hand."""
        if self.last is not None:
            self._become(self.last)

    async def look_back(self) -> None:
        """Show the run of an earlier sitting, where none is in hand yet. Raises what reading it may raise."""
        if self._looked_back:
            return
        self._looked_back = True
        titles = self._titles()
        try:
            earlier = await in_thread(lambda: self._earlier(titles))
        except Exception:
            self._looked_back = False  # whoever asks next is told, too
            raise
        if earlier is None or self.last is not None:
            return
        self.last = earlier
        if self.view.phase == "idle" and not self.view.error:
            self.show_last()

    def _earlier(self, titles: Mapping[str, str]) -> RunView | None:
        """In a thread: the last run's journal, folded."""
        last = self._services.last_run()
        return view_of(last.said, titles) if last is not None else None

    def _hear(self, said: Sequence[ev.Event | RunEnded]) -> None:
        """What the learning thread says, a few times a second or a thousand at once."""
        view = self.view
        for each in said:
            if isinstance(each, RunEnded):
                self._thread.release()
                view = ended(view, each.refusal)
            else:
                view = view_after(view, each)
        self._become(view)
        if any(isinstance(each, ev.CheckpointSaved | RunEnded) for each in said):
            self._checkpoint_came()

    def _become(self, view: RunView) -> None:
        self.view = view
        self._changed(view)
