"""What a report says of a run, read from its journal in bounded memory, however long the run was. Loads no torch."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from storytime_tui.training import events as ev
from storytime_tui.training.curve import TrainingPoint, next_point, thinned

_BEYOND = 1e6  # nats: no loss, but what a broken journal says
_POINTS = 1_000  # of a curve; up to twice as many while it is read
_SAMPLES = 40  # likewise
_TEXT, _PROMPT = 2_000, 400  # characters of a sample

Item = TypeVar("Item")


@dataclass(frozen=True)
class RunFigures:
    """A run's figures. Of long curves and of many samples some are left out; the first, last and best ones stay.

    `samples_told` counts all samples. `seconds`: of training. `failure`: the sentence of a run that failed.
    """

    started: ev.Started | None
    total_steps: int
    step: int
    seconds: float
    training: tuple[TrainingPoint, ...]
    evaluations: tuple[ev.Evaluated, ...]
    best: ev.Evaluated | None
    voice: ev.VoiceMeasured | None
    strength: ev.StrengthChosen | None
    samples: tuple[ev.Sampled, ...]
    samples_told: int
    last: ev.Event | None


def figures_of(events: Iterable[ev.Event]) -> RunFigures:
    """Fold the events of a journal, those included that a resume made void."""
    fold = _Fold()
    for event in events:
        if isinstance(event, ev.Started):
            fold = _Fold()  # the run started over, without a checkpoint
        fold.add(event)
    return fold.figures()


class _Fold:
    """The figures so far."""

    def __init__(self) -> None:
        self.started: ev.Started | None = None
        self.total = 0
        self.done: ev.StepDone | None = None
        self.training: list[TrainingPoint] = []
        self.evaluations: list[ev.Evaluated] = []
        self.voice: ev.VoiceMeasured | None = None
        self.strength: ev.StrengthChosen | None = None
        self.samples: list[ev.Sampled] = []
        self.told = 0
        self.last: ev.Event | None = None

    def add(self, event: ev.Event) -> None:
        self.last = event
        match event:
            case ev.Started():
                self.started, self.total = event, event.total_steps
            case ev.Resumed():
                self.total = event.total_steps or self.total
                if event.from_checkpoint:
                    self._go_back(event.step)
            case ev.StepDone():
                self.done = event
                self._add_loss(event)
            case ev.Evaluated():
                self._add_evaluation(event)
            case ev.VoiceMeasured():
                self.voice = event
            case ev.StrengthChosen():
                self.strength = event
            case ev.Sampled():
                self.told += 1
                short = dataclasses.replace(
                    event, prompt=_cut(event.prompt, _PROMPT), text=_cut(event.text, _TEXT)
                )
                self.samples.append(short)
                if len(self.samples) > 2 * _SAMPLES:
                    self.samples = _fewer(self.samples)

    def _add_loss(self, event: ev.StepDone) -> None:
        before = self.training[-1] if self.training else None
        if event.step <= (before.step if before else 0) or not abs(event.loss) < _BEYOND:  # or it is NaN
            return
        self.training.append(next_point(before, event.step, event.loss, self.total))
        if len(self.training) > 2 * _POINTS:  # the last one stays: the average goes on from it
            self.training = [*thin_training(self.training[:-1], _POINTS), self.training[-1]]

    def _add_evaluation(self, event: ev.Evaluated) -> None:
        before = self.evaluations[-1].step if self.evaluations else -1
        if event.step <= before or not abs(event.validation_loss) < _BEYOND:
            return
        self.evaluations.append(event)
        if len(self.evaluations) > 2 * _POINTS:  # the first one stays: it tells the loss before training
            self.evaluations = [self.evaluations[0], *thin_evaluations(self.evaluations[1:], _POINTS)]

    def _go_back(self, step: int) -> None:
        """The run goes on from the checkpoint of a step: what it said of later ones is void."""
        self.training = [each for each in self.training if each.step <= step]
        self.evaluations = _until(self.evaluations, step)
        self.samples = _until(self.samples, step)
        if self.done is not None and self.done.step > step:
            spent = self.done.elapsed * step / self.done.step  # of the steps that count, as far as is known
            self.done = dataclasses.replace(self.done, step=step, elapsed=spent)
        if self.voice is not None and self.voice.step > step:
            self.voice = None
        if self.strength is not None and self.strength.step > step:
            self.strength = None

    def figures(self) -> RunFigures:
        end = self.last if isinstance(self.last, ev.Finished) else None
        seconds = end.seconds if end else self.done.elapsed if self.done else 0.0
        return RunFigures(
            started=self.started,
            total_steps=self.total,
            step=end.step if end else self.done.step if self.done else 0,
            seconds=seconds if math.isfinite(seconds) else 0.0,
            training=tuple(self.training),
            evaluations=tuple(self.evaluations),
            best=min(self.evaluations, key=lambda each: each.validation_loss, default=None),
            voice=self.voice,
            strength=self.strength,
            samples=tuple(self.samples),
            samples_told=self.told,
            last=self.last,
        )


def thin_training(points: Sequence[TrainingPoint], limit: int) -> list[TrainingPoint]:
    """At most `limit` of the points (see `thinned`)."""
    return thinned(points, limit, lambda point: point.step, lambda point: point.loss)


def thin_evaluations(evaluations: Sequence[ev.Evaluated], limit: int) -> list[ev.Evaluated]:
    """At most `limit` of the evaluations (see `thinned`)."""
    return thinned(evaluations, limit, lambda each: each.step, lambda each: each.validation_loss)


def _until(events: Sequence[Item], step: int) -> list[Item]:
    return [event for event in events if getattr(event, "step", 0) <= step]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _fewer(samples: Sequence[ev.Sampled]) -> list[ev.Sampled]:
    """About half of the samples: those of every other step, and the last; of few steps, the first and last samples."""
    steps = sorted({sample.step for sample in samples})
    kept = {*steps[::2], steps[-1]}
    fewer = [sample for sample in samples if sample.step in kept]
    return (
        fewer if len(fewer) <= 3 * _SAMPLES // 2 else [*samples[: _SAMPLES // 2], *samples[-_SAMPLES // 2 :]]
    )
