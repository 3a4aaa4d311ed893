"""How long a run still takes: its steps, and the evaluations, samples and checkpoints between them. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.training import events as ev


@dataclass(frozen=True)
class Cost:
    """What one kind of work took so far: how often, and the seconds of all together, and of those the first time's.

    `step`: of the newest.
    """

    times: int = 0
    seconds: float = 0.0
    step: int = -1
    first: float = 0.0

    @property
    def each(self) -> float:
        """The mean seconds, without the first time, which loads and compiles; 0 if it was never done."""
        return (self.seconds - self.first) / (self.times - 1) if self.times > 1 else self.first

    def with_one(self, step: int, seconds: float) -> "Cost":
        """One more. Several at one step count as one."""
        spent = seconds if math.isfinite(seconds) and seconds > 0 else 0.0
        times = self.times + (step != self.step)
        return Cost(times, self.seconds + spent, step, self.first + (spent if times == 1 else 0.0))

    def back_at(self, step: int) -> "Cost":
        """The cost in a run that went back to a checkpoint: the later work is done again."""
        return replace(self, step=min(self.step, step))


@dataclass(frozen=True)
class Costs:
    """What the work between the steps of a run took."""

    evaluations: Cost = Cost()
    samples: Cost = Cost()
    checkpoints: Cost = Cost()
    voices: Cost = Cost()

    @property
    def seconds(self) -> float:
        """What all of it took so far."""
        return sum(kind.seconds for kind in (self.evaluations, self.samples, self.checkpoints, self.voices))


def costs_after(costs: Costs, event: ev.Event) -> Costs:
    """The costs after this event; the same object if it is another kind."""
    match event:
        case ev.Started():
            return Costs()
        case ev.Resumed(step=step, from_checkpoint=True):
            kinds = (costs.evaluations, costs.samples, costs.checkpoints, costs.voices)
            return Costs(*(kind.back_at(step) for kind in kinds))
        case ev.Evaluated():
            return replace(costs, evaluations=costs.evaluations.with_one(event.step, event.seconds))
        case ev.Sampled():
            return replace(costs, samples=costs.samples.with_one(event.step, event.seconds))
        case ev.CheckpointSaved():
            return replace(costs, checkpoints=costs.checkpoints.with_one(event.step, event.seconds))
        case ev.VoiceMeasured():
            return replace(costs, voices=costs.voices.with_one(event.step, event.seconds))
    return costs


def seconds_left(
    started: ev.Started | None, costs: Costs, pace: Sequence[tuple[int, float]], total: int
) -> float:
    """Seconds until the last step and what follows it; NaN while unknown.

    `pace`: (step, seconds of training until then) in order, from where this session began to the newest step.
    """
    if len(pace) < 2 or pace[-1][0] <= pace[0][0]:
        return math.nan
    step, spent = pace[-1]
    # the newer half: the first steps load and compile, and a machine's speed changes
    half = (pace[0][0] + step) / 2
    before, earlier = [known for known in pace if known[0] <= half][-1]
    training = (total - step) * max(0.0, spent - earlier) / (step - before)
    return training + (_between(started, costs, total) if started is not None else 0.0)


def unsure_seconds(started: ev.Started | None, costs: Costs, total: int) -> float:
    """Seconds of the estimate that rest on one evaluation or one sample alone: its first time, which loads."""
    if started is None:
        return 0.0
    evaluations = _still(started.evaluate_every, costs.evaluations.step, total)
    samples = _still(started.sample_every, costs.samples.step, total)
    known = ((evaluations, costs.evaluations), (samples, costs.samples))
    return sum(often * cost.each for often, cost in known if cost.times == 1)


def _between(started: ev.Started, costs: Costs, total: int) -> float:
    """Seconds of the work between the steps that is still to come."""
    evaluations = _still(started.evaluate_every, costs.evaluations.step, total)
    samples = _still(started.sample_every, costs.samples.step, total)
    done = max(1, costs.evaluations.times - 1)  # the one before the first step is followed by nothing
    last = 1.0 if costs.checkpoints.step < total else 0.0
    saves = max(last, min(1.0, costs.checkpoints.times / done) * evaluations)
    voices = min(1.0, costs.voices.times / done) * evaluations
    return (
        evaluations * costs.evaluations.each
        + samples * costs.samples.each
        + saves * costs.checkpoints.each
        + voices * costs.voices.each
    )


def _still(every: int, newest: int, total: int) -> int:
    """How often something is still done that is done at every so many steps and at the last one."""
    if every < 1:
        return 0
    newest = max(newest, 0)
    return max(0, total // every - newest // every) + (total % every > 0 and newest < total)
