"""The time left as it is shown: measured first, then without jumps, in coarse words. Pure functions.

The bare estimate (`time_left`) wanders at the start of a run: the first step and the first evaluation load and compile,
and a kind of work that was not done yet counts as nothing. It is shown once it holds still, and followed slowly then.
"""

import math
from dataclasses import dataclass

from storytime_tui.tui import wording
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.time_left import unsure_seconds

MEASURING = "time left: measuring…"
_LOOKS = 5  # estimates after as many different steps that must agree
_AGREE = 0.15  # by how much they may differ, as a share of the time left
_UNSURE = 0.25  # the share of the time left that may rest on work that was done only once
_AT_LATEST = 0.1  # the share of the steps after which the estimate is shown, though it does not hold still
_LAG = 0.1  # the share of the time left in which a change of the estimate is followed
_MOST = 0.1  # what one update may change besides the time that has passed
_SAME = 0.08  # a change below this keeps the words: at the border of two of them they would flicker


@dataclass(frozen=True)
class Steady:
    """What is shown after some looks. `seconds`: NaN while measuring. `ends`: the newest guesses of the whole time."""

    seconds: float = math.nan
    words: str = MEASURING
    run: tuple[str, int] = ("", 0)  # the run, and the step at which this sitting began
    step: int = -1
    spent: float = 0.0
    ends: tuple[float, ...] = ()


def steadied(before: Steady, view: RunView) -> Steady:
    """What is shown after one more look at the run."""
    run = (view.run, view.first_step)
    if run != before.run:
        before = Steady(run=run)
    left, spent = view.seconds_left, view.seconds_spent
    if view.step is None or not math.isfinite(left):
        return before
    if view.step.step == before.step and spent <= before.spent:
        return before
    ends = before.ends
    if view.step.step != before.step:
        ends = (*ends, spent + left)[-_LOOKS:]
    seconds = _followed(before, left, spent)
    if math.isnan(before.seconds) and not _holds_still(view, left, ends):
        seconds = math.nan
    words = _said(before.words, seconds)
    return Steady(seconds, words, run, view.step.step, spent, ends)


def _holds_still(view: RunView, left: float, ends: tuple[float, ...]) -> bool:
    """Whether the estimate can be shown: the newest ones agree, and rest on work that was done more than once."""
    done, total = view.done - view.first_step, view.total - view.first_step
    if done < _LOOKS:
        return False
    if done >= total * _AT_LATEST:
        return True
    agree = len(ends) == _LOOKS and max(ends) - min(ends) <= _AGREE * left
    return agree and unsure_seconds(view.started, view.costs, view.total) <= _UNSURE * left


def _followed(before: Steady, left: float, spent: float) -> float:
    """The shown time, less what has passed since, and moved a little towards the estimate."""
    if math.isnan(before.seconds):
        return left
    passed = max(0.0, spent - before.spent)
    expected = max(0.0, before.seconds - passed)
    weight = 1 - math.exp(-passed / max(1.0, _LAG * before.seconds))
    change = weight * (left - expected)
    most = _MOST * before.seconds
    return expected + min(most, max(-most, change))


def _said(before: str, seconds: float) -> str:
    if math.isnan(seconds):
        return MEASURING
    near = [f"{wording.about(seconds * share)} left" for share in (1.0, 1 - _SAME, 1 + _SAME)]
    return before if before in near else near[0]
