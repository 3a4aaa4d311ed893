"""What a run's loss curve means, in plain sentences. Pure functions of the run's view."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from storytime_tui.training.alerts import FAR
from storytime_tui.training.events import Evaluated
from storytime_tui.tui.run_view import RunView

SMALL_FALL = 0.01  # nats; a validation loss that falls by less hardly changes the stories
CLEAR_GAP = 0.05  # nats; single batches differ by less than this on average

JUST_BEGUN = "just begun: the first validation check during training is still to come"
NOT_CHECKED = "the run ended before the first validation check during training"


def curve_words(view: RunView) -> tuple[str, ...]:
    """What the curve means so far: sentences without a full stop, the most important first; () before the first check.

    A check is an evaluation on the validation stories. What is wrong now comes before what the curve means.
    Of a run that has ended, the sentences are in the past tense.
    """
    checks = [each for each in view.evaluations if math.isfinite(each.validation_loss)]
    if view.phase == "finished":
        return _where_best(checks)
    wrong = view.watch.standing
    if not checks:
        return wrong
    if checks[-1].step == 0:
        return (*wrong, JUST_BEGUN if view.busy else NOT_CHECKED)
    return (*wrong, *_trend(view, checks), *_where_best(checks), *_gap(view, checks[-1]))


def joined(sentences: Sequence[str], width: int) -> str:
    """As many of the sentences as fit into `width` characters, in their order; the first one always."""
    line = "".join(sentences[:1])
    for each in sentences[1:]:
        longer = f"{line} · {each}"
        if len(longer) > width:
            break
        line = longer
    return line


def _trend(view: RunView, checks: Sequence[Evaluated]) -> tuple[str, ...]:
    losses = [each.validation_loss for each in checks]
    best = losses.index(min(losses))
    since = len(losses) - 1 - best
    if since == 0:
        gap = losses[-1] - _training_loss(view, view.evaluations[-2:])
        if gap > FAR and len(losses) > 1:  # an alert about this gap may stand beside the line
            falls, is_now = ("still falls", "is") if view.busy else ("still fell", "was")
            return (f"validation {falls}, but {is_now} {gap:.2f} above the training loss",)
        return (_falling(losses, view.busy),)
    if since == 1:
        words = "validation did not fall at the last check"
        return (f"{words}: the next ones will tell" if view.busy else words,)
    has = "has" if view.busy else "had"
    words = f"validation {has} not improved for {since} checks"
    at_best = max(best, 1)  # before the first step nothing was trained
    before, now = _training_loss(view, checks[at_best - 1 : at_best + 1]), _training_loss(view, checks[-2:])
    if now < before - SMALL_FALL:
        return (f"{words}: the model {'begins' if view.busy else 'began'} to learn by heart",)
    return (f"{words}: the model hardly {'learns' if view.busy else 'learned'} any more",)


def _falling(losses: Sequence[float], busy: bool) -> str:
    """What it means that the newest of these losses is the lowest."""
    falls = [before - after for before, after in pairwise(losses)]
    if not falls:
        return (
            "still learning: this is the first validation check" if busy else "there was one validation check"
        )
    if falls[-1] < SMALL_FALL and min(falls) >= 0:
        lead = "nearly level" if busy else "nearly level at the end"
        return f"{lead}: validation fell by less than {SMALL_FALL:g} at the last check"
    if not busy:
        return "validation still fell at the last check"
    if min(falls) > 0:
        return f"still learning: validation fell at {'each check' if len(falls) > 1 else 'the first check'}"
    return "still learning: validation is at its lowest"


def _where_best(checks: Sequence[Evaluated]) -> tuple[str, ...]:
    """Where the best checkpoint is, if later checks were worse. A check before the first step saves none."""
    trained = [each for each in checks if each.step > 0]
    best = min(trained, key=lambda each: each.validation_loss, default=None)
    return (f"the best checkpoint is step {best.step:,}",) if best and best is not trained[-1] else ()


def _gap(view: RunView, check: Evaluated) -> tuple[str, ...]:
    """Why the training loss may lie above the validation loss, which surprises at first."""
    if view.started is None or not view.started.dropout > 0:
        return ()
    training = _training_loss(view, view.evaluations[-2:])
    if not training > check.validation_loss + CLEAR_GAP:
        return ()
    is_now = "is" if view.busy else "was"
    return (f"the training loss {is_now} above validation because dropout {is_now} on",)


def _training_loss(view: RunView, checks: Sequence[Evaluated]) -> float:
    """The mean training loss in the second half of the stretch between two checks; NaN without steps there."""
    first, last = checks[0].step if len(checks) > 1 else 0, checks[-1].step
    losses = [loss for step, loss in view.curve if (first + last) / 2 < step <= last]
    return fmean(losses) if losses else math.nan
