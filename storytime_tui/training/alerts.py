"""What deserves attention in a run, in plain words: a pure fold of its events. Knows no torch.

Each rule speaks once, and again only after what it found was over. What still holds is in `Watch.standing`.
"""

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from storytime_tui.formatting import size
from storytime_tui.training import events as ev

Level = Literal["note", "warning", "alert"]

RECENT = 64  # steps whose gradient norms and speeds count as usual
_ENOUGH = 16  # steps before anything is usual
JUMP, SETTLED = 8.0, 2.0  # times the usual gradient norm
SLOW, AS_USUAL = 0.5, 0.75  # of the usual speed
PATIENT = 3  # checks without an improvement
FAR = 0.5  # nats that validation is above the training loss; single stories differ by less
LEARNS = 0.01  # nats; a training loss that falls by less hardly falls
COPIES = 0.05  # of the told words; a share that rises by less may be chance
FULL = 0.95  # of the memory

_URGENT = (
    "loss",
    "memory",
    "gradient",
)  # rules whose words stand for as long as they hold, the most urgent first


@dataclass(frozen=True)
class Alert:
    """One thing that deserves attention, as a sentence without a full stop."""

    level: Level
    words: str


@dataclass(frozen=True)
class Watch:
    """What the rules remember of a run. `said`: each rule that found something, and its words; still true."""

    ceiling: int = 0  # bytes that the run may take; 0 if unknown
    norms: tuple[float, ...] = ()  # recent gradient norms and speeds
    speeds: tuple[float, ...] = ()
    losses: tuple[int, float] = (0, 0.0)  # number and sum of the training losses since the last check
    best: float = math.inf  # validation loss
    trained: float = -math.inf  # mean training loss before the best check; a NaN would not equal itself
    since: int = 0  # checks since the best one
    copied: float = math.inf  # the lowest share
    said: tuple[tuple[str, str], ...] = ()

    @property
    def standing(self) -> tuple[str, ...]:
        """The words of what is wrong with the run now, the most urgent first."""
        return tuple(words for rule in _URGENT for known, words in self.said if known == rule)


Found = tuple[Watch, tuple[Alert, ...]]


def watched(watch: Watch, event: ev.Event) -> Found:
    """The watch after this event, and what deserves attention now. O(1), however long the run is."""
    match event:
        case ev.StepDone():
            return _after_step(watch, event)
        case ev.Evaluated():
            return _after_check(watch, event)
        case ev.VoiceMeasured():
            return _after_voice(watch, event)
        case ev.Started():
            return Watch(ceiling=event.memory_available), ()
        case ev.Resumed(
            from_checkpoint=True
        ):  # the steps that were usual are void, what is known of the run is not
            return replace(watch, norms=(), speeds=(), losses=(0, 0.0), said=()), ()
    return watch, ()


def _after_step(watch: Watch, step: ev.StepDone) -> Found:
    number, total = watch.losses
    finite = math.isfinite(step.loss)
    alerts: list[Alert] = []
    said = watch.said
    if not finite or said:
        found = "" if finite else "the loss is not a number: the run needs a lower learning rate"
        said = _say(said, "loss", found, alerts, "alert")
    said = _gradient(watch, step, said, alerts)
    said = _speed(watch, step, said, alerts)
    if watch.ceiling:
        full = step.memory > watch.ceiling * FULL
        found = f"memory is nearly full: {size(step.memory)} of {size(watch.ceiling)}" if full else ""
        said = _say(said, "memory", found, alerts)
    slow = any(rule == "speed" for rule, _ in said)
    after = Watch(  # not `replace`, which takes longer than the rest of a step
        ceiling=watch.ceiling,
        best=watch.best,
        trained=watch.trained,
        since=watch.since,
        copied=watch.copied,
        norms=_recent(watch.norms, step.gradient_norm),
        speeds=watch.speeds if slow else _recent(watch.speeds, step.tokens_per_second),
        losses=(number + 1, total + step.loss) if finite else watch.losses,
        said=said,
    )
    return after, tuple(alerts)


Said = tuple[tuple[str, str], ...]


def _say(said: Said, rule: str, found: str, alerts: list[Alert], level: Level = "warning") -> Said:
    """What was said, after a rule found this or, with "", nothing; what is new is added to `alerts`."""
    known = any(each == rule for each, _ in said)
    if found and not known:
        alerts.append(Alert(level, found))
        return (*said, (rule, found))
    return said if found or not known else tuple(each for each in said if each[0] != rule)


def _recent(values: tuple[float, ...], value: float) -> tuple[float, ...]:
    return (*values, value)[-RECENT:] if math.isfinite(value) and value > 0 else values


def _gradient(watch: Watch, step: ev.StepDone, said: Said, alerts: list[Alert]) -> Said:
    norm = step.gradient_norm
    if not math.isfinite(norm):
        return _say(said, "gradient", "the gradient norm is not a number", alerts)
    known = any(rule == "gradient" for rule, _ in said)
    # the lowest is at most the median, which takes longer to find
    if len(watch.norms) < _ENOUGH or (not known and norm <= JUMP * min(watch.norms)):
        return said
    usual = median(watch.norms)
    if known:
        return said if norm > SETTLED * usual else _say(said, "gradient", "", alerts)
    times = norm / usual
    words = f"the gradient norm jumped to {norm:,.2f}, {times:,.0f} times its usual size"
    return _say(said, "gradient", words if times > JUMP else "", alerts)


def _speed(watch: Watch, step: ev.StepDone, said: Said, alerts: list[Alert]) -> Said:
    speed = step.tokens_per_second
    known = any(rule == "speed" for rule, _ in said)
    if len(watch.speeds) < _ENOUGH or not math.isfinite(speed):
        return said
    if not known and speed >= SLOW * max(watch.speeds):  # the highest is at least the median
        return said
    usual = median(watch.speeds)
    if known:
        if speed <= AS_USUAL * usual:
            return said
        alerts.append(Alert("note", f"the speed is as usual again: {speed:,.0f} tokens/s"))
        return _say(said, "speed", "", alerts)
    if speed >= SLOW * usual:
        return said
    words = f"the speed fell to {speed:,.0f} tokens/s, less than half of {usual:,.0f}"
    return _say(said, "speed", words, alerts)


def _after_check(watch: Watch, check: ev.Evaluated) -> Found:
    alerts: list[Alert] = []
    loss = check.validation_loss
    if not math.isfinite(loss):
        alerts.append(Alert("alert", "the validation loss is not a number"))
        return watch, tuple(alerts)
    number, total = watch.losses
    training = total / number if number else math.nan
    watch = replace(watch, losses=(0, 0.0))
    if loss < watch.best:
        said = _say(watch.said, "overfit", "", alerts)
        return replace(watch, best=loss, trained=training if number else -math.inf, since=0, said=said), ()
    since = watch.since + 1
    if since % PATIENT == 0:
        by_heart = training < watch.trained - LEARNS
        why = "begins to learn by heart" if by_heart else "hardly learns any more"
        alerts.append(Alert("warning", f"validation has not improved for {since} checks: the model {why}"))
    gap = loss - training
    words = f"validation is {gap:.2f} above the training loss: the model learns by heart" if gap > FAR else ""
    said = _say(watch.said, "overfit", words, alerts) if words else watch.said
    return replace(watch, since=since, said=said), tuple(alerts)


def _after_voice(watch: Watch, voice: ev.VoiceMeasured) -> Found:
    alerts: list[Alert] = []
    if not math.isfinite(voice.copied) or not voice.passages:
        return watch, ()
    risen = voice.copied >= watch.copied + COPIES
    words = f"the copied share rose from {watch.copied:.0%} to {voice.copied:.0%}" if risen else ""
    said = _say(watch.said, "copied", words, alerts)
    return replace(watch, copied=min(watch.copied, voice.copied), said=said), tuple(alerts)
