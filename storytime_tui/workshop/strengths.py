"""How strongly a run is told with, where nobody says: chosen by measurement after it has learned. Loads no torch.

A run's weights, moved a little further the way from its base than learning moved them, sound more like the shelf
(task arithmetic; Ilharco et al. 2022) until they fall apart. Where that begins, the validation loss tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ASKED = (1.0, 1.15, 1.3, 1.45)  # strengths that are tried, as learned first
MOST_WORSE = 0.02  # of the validation loss at 1: a strength that costs more is not chosen
MOST_COPIED = 0.01  # of the runs of eight words; or as much as is copied at 1


@dataclass(frozen=True)
class Tried:
    """One strength: `validation_loss` in nats per token; `voice` the share of told passages that sound like the shelf,
    `copied` the share of their runs of eight words that stand in what was learned from."""

    strength: float
    validation_loss: float
    voice: float
    copied: float


def best_strength(tried: Sequence[Tried]) -> float:
    """The strength with most of the shelf's voice whose loss and copying stay near those at 1; the lowest of equals.

    Among `tried` is 1, the run as it learned. A loss that is no number is worse than any.
    """
    learned = next(each for each in tried if each.strength == 1)
    most_loss = learned.validation_loss * (1 + MOST_WORSE)
    most_copied = max(learned.copied, MOST_COPIED)
    sound = [each for each in tried if each.validation_loss <= most_loss and each.copied <= most_copied]
    return max([learned, *sound], key=lambda each: (each.voice, -each.strength)).strength
