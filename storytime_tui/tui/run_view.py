"""What there is to show of a run, folded from its events: the screen can be built from it at any time."""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from storytime_tui.training import events as ev
from storytime_tui.tui import wording
from storytime_tui.tui.history import LossCurve

Phase = Literal["idle", "preparing", "learning", "paused", "stopping", "finished", "failed", "interrupted"]
BUSY: tuple[Phase, ...] = ("preparing", "learning", "paused", "stopping")


@dataclass
class RunView:
    """The state of one run as people see it. Changed only by `take` and the few named moments."""

    phase: Phase = "idle"
    words: str = ""  # the sentence under the title: what is being done, or what came of it
    error: str = ""
    note: str = ""  # the last small thing that happened: a checkpoint, a recovery
    learns_from: str = ""
    earlier: bool = False  # a run of an earlier sitting, read from its journal
    prepared: tuple[int, int] = (0, 0)
    started: ev.Started | None = None
    step: ev.StepDone | None = None
    first_step: int = 0  # where this sitting began: the speed is measured from there
    saved_elapsed: dict[int, float] = field(
        default_factory=dict
    )  # training seconds at each checkpoint's step
    first_elapsed: float = 0.0  # of earlier sittings
    evaluations: list[ev.Evaluated] = field(default_factory=list)
    samples: list[ev.Sampled] = field(default_factory=list)
    voice: ev.VoiceMeasured | None = None  # the last measure of it
    saved_step: int | None = None
    finished: ev.Finished | None = None
    resumed_total: int = 0  # steps planned when it went on: more epochs may have been added
    curve: LossCurve = field(default_factory=LossCurve)

    @property
    def busy(self) -> bool:
        """Whether a run is in hand."""
        return self.phase in BUSY

    @property
    def run(self) -> str:
        """The run's name, once it has one."""
        return self.started.run if self.started else ""

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
        return min(
            self.evaluations,
            key=lambda e: (e.validation_loss != e.validation_loss, e.validation_loss),
            default=None,
        )

    @property
    def done(self) -> int:
        """Steps done."""
        return self.finished.step if self.finished else self.step.step if self.step else self.first_step

    @property
    def total(self) -> int:
        """Steps planned; 0 before it is known."""
        return self.resumed_total or (self.started.total_steps if self.started else 0)

    @property
    def seconds_left(self) -> float:
        """Training seconds until the last step at this sitting's speed; NaN while unknown."""
        if self.step is None or self.step.step <= self.first_step:
            return float("nan")
        spent = max(0.0, self.step.elapsed - self.first_elapsed)
        return (self.total - self.step.step) * spent / (self.step.step - self.first_step)

    def take(self, event: ev.Event) -> None:
        """Fold one event in. Step losses are in `curve` already: the bridge puts them there."""
        match event:
            case ev.Preparing():
                self.words = wording.preparing(event)
                self.prepared = (event.done, event.total)
            case ev.Started():
                self.started = event
                self.step, self.saved_step, self.finished, self.resumed_total = None, None, None, 0
                self.first_step, self.first_elapsed, self.saved_elapsed = 0, 0.0, {}
                self.evaluations, self.samples, self.voice, self.error = [], [], None, ""
                self.note = wording.tight(event)
                self._learn()
            case ev.StepDone():
                self.step = event
            case ev.Evaluated():
                self.evaluations.append(event)
            case ev.Sampled():
                self.samples.append(event)
            case ev.VoiceMeasured():
                self.voice = event
            case ev.CheckpointSaved():
                self.saved_step = event.step
                self.saved_elapsed[event.step] = self.step.elapsed if self.step else 0.0
                self.note = f"checkpoint saved at step {event.step:,}"
            case ev.Paused():
                if self.phase != "stopping":
                    self.phase = "paused"
                    self.words = "Paused: everything is kept in memory. p goes on."
            case ev.Resumed():
                self.resumed_total = event.total_steps
                if event.from_checkpoint:
                    self.first_step = event.step
                    self.first_elapsed = self.saved_elapsed.get(event.step, 0.0)
                    self.finished, self.error = None, ""
                    if self.step is not None and self.step.step > event.step:
                        self.step = None  # what was said of later steps is void
                    if self.saved_step is not None:
                        self.saved_step = min(self.saved_step, event.step)
                    self.evaluations = [e for e in self.evaluations if e.step <= event.step]
                    self.samples = [s for s in self.samples if s.step <= event.step]
                    if self.voice is not None and self.voice.step > event.step:
                        self.voice = None
                self._learn()
            case ev.Recovered():
                self.note = event.message
            case ev.Finished():
                first = self.evaluations[0].validation_loss if self.evaluations else None
                self.finished = event
                self.phase = "finished"
                self.words = (
                    f"{wording.outcome(event, self.started, first)} {wording.voice(self.voice)}".rstrip()
                )
            case ev.Failed():
                self.phase = "failed"
                self.error = event.message
                self.words = "The run could not go on; its last checkpoint stays."

    def _learn(self) -> None:
        if self.phase != "stopping":
            self.phase = "learning"
            self.words = ""

    def stop_asked(self) -> None:
        """The user asked to stop: from here on only the end is awaited."""
        self.phase = "stopping"
        self.words = "Saving the checkpoint…" if self.started else "Stopping…"

    def ended(self, refusal: str) -> None:
        """The thread is free: with a refusal, the run never was, or broke in a way that it could not say."""
        if refusal:
            self.phase = "failed"
            self.error, self.words = refusal, ""
        elif self.busy:  # it ended without a last word
            self.phase = "failed"
            self.error = "The run ended without a word; its last checkpoint stays."


def view_of(run: str, said: Iterable[ev.Event]) -> RunView:
    """The run of an earlier sitting as its journal tells it: the events that still hold, in order.

    `run` is the name of its folder, which may be a copy of the folder that the journal was written in.
    """
    view = RunView(earlier=True)
    for event in said:
        view.curve.hear(event)
        view.take(dataclasses.replace(event, run=run) if isinstance(event, ev.Started) else event)
    if view.busy:  # it has no last word
        view.phase = "interrupted"
        view.words = wording.interrupted(view.done, view.total, view.saved_step)
    return view
