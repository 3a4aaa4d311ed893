"""A test of learning rates: which rates, when it ends, and what it suggests. Pure functions. Knows no torch.

The method is Smith's learning rate range test ("Cyclical Learning Rates for Training Neural Networks", 2017): the rate
rises exponentially from step to step, and the loss is watched. Too small a rate changes nothing; with larger ones the
loss falls; from some rate on it rises again. The suggestion is a tenth of the rate with the lowest smoothed loss, the
rule of Gugger ("How Do You Find A Good Learning Rate", 2018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = 80
_AROUND = 100.0  # the rates go from a hundredth of the usual one to a hundred times it
_SMOOTH = 0.8  # weight of the earlier losses in the smoothed one
_EXPLODED = 0.5  # nats above the lowest smoothed loss: there the test ends
_BELOW = 10.0  # the suggestion is the rate of the lowest loss divided by this
_FALL = 0.05  # nats; a smaller fall may be chance, and gives no suggestion


@dataclass(frozen=True)
class RateTried:
    """A step of the test: its learning rate, its loss and the smoothed loss, in nats per token."""

    step: int
    steps: int  # at most
    rate: float
    last_rate: float  # of the whole test
    loss: float
    smoothed: float


@dataclass(frozen=True)
class RateFound:
    """The end of the test. `rate`: the suggestion, rounded; None without one. `sentence` says why.

    `lowest`: the rate with the lowest smoothed loss. `exploded`: the rate at which the loss exploded, if it did.
    """

    rate: float | None
    lowest: float | None
    exploded: float | None
    steps: int
    sentence: str


def rates_around(usual: float) -> tuple[float, ...]:
    """The rates of the test, rising by the same factor each time, at most 1."""
    lowest, highest = usual / _AROUND, min(1.0, usual * _AROUND)
    factor = (highest / lowest) ** (1 / (STEPS - 1))
    return tuple(lowest * factor**step for step in range(STEPS))


def with_step(tried: Sequence[RateTried], rates: Sequence[float], loss: float) -> list[RateTried]:
    """The steps so far with one more, at the next of the test's rates."""
    step = len(tried)
    return [*tried, RateTried(step + 1, len(rates), rates[step], rates[-1], loss, _smoothed(tried, loss))]


def _smoothed(tried: Sequence[RateTried], loss: float) -> float:
    """The moving average of the losses with this one, without the bias towards 0 at its start (as in Adam)."""
    before, steps = (tried[-1].smoothed if tried else 0.0), len(tried)
    total = before * (1 - _SMOOTH**steps) * _SMOOTH + loss * (1 - _SMOOTH)
    return total / (1 - _SMOOTH ** (steps + 1))


def has_exploded(tried: Sequence[RateTried]) -> bool:
    """Whether the last loss is not finite, or the smoothed one far above its lowest."""
    last = tried[-1]
    return not math.isfinite(last.loss) or last.smoothed > min(each.smoothed for each in tried) + _EXPLODED


def suggestion(tried: Sequence[RateTried], *, stopped: bool = False) -> RateFound:
    """The suggestion after these steps. `stopped`: the user ended the test early, so there is none."""
    finite = [each for each in tried if math.isfinite(each.smoothed)]
    if stopped and tried and tried[-1].step < tried[-1].steps and not has_exploded(tried):
        lowest_rate = min(finite, key=lambda each: each.smoothed).rate
        sentence = f"The test was stopped at step {len(tried)} of {tried[-1].steps}: no suggestion."
        return RateFound(None, lowest_rate, None, len(tried), sentence)
    if not finite:
        return RateFound(None, None, None, len(tried), "No loss could be measured.")
    lowest = min(finite, key=lambda each: each.smoothed)
    exploded = tried[-1].rate if has_exploded(tried) else None
    fall = max(each.smoothed for each in finite[: finite.index(lowest) + 1]) - lowest.smoothed
    if fall < _FALL:
        sentence = "The loss hardly fell at any rate: no suggestion."
        return RateFound(None, lowest.rate, exploded, len(tried), sentence)
    if exploded is None and lowest is finite[-1]:
        sentence = "The loss still fell when the test ended: no suggestion."
        return RateFound(None, lowest.rate, None, len(tried), sentence)
    rate = float(f"{lowest.rate / _BELOW:.1e}")
    sentence = f"The loss was lowest at a learning rate of {lowest.rate:.1e}; a tenth of that is {rate:.1e}."
    return RateFound(rate, lowest.rate, exploded, len(tried), sentence)
