"""How strongly a run is told with, where nobody says: chosen by measurement after it has learned. Loads no torch.

A run's weights, moved a little further the way from its base than learning moved them, sound more like the shelf
(task arithmetic; Ilharco et al. 2022) until they fall apart. Where that begins, the validation loss tells. The voices
of one run are told apart better when each leans away from the others (`generation.sampling.mixture.contrasted`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storytime_tui.jobs.voice import MeasuredVoice

ASKED = (1.0, 1.15, 1.3, 1.45)  # strengths that are tried, as learned first
MOST_WORSE = 0.02  # of the validation loss at 1: a strength that costs more is not chosen
MOST_COPIED = 0.01  # of the runs of eight words; or as much as is copied at 1
CONTRASTS = (0.5, 1.0)  # that are tried beside 0: each costs a second reading of every token
ENOUGH = 0.95  # of the voice: then no further strength is tried


@dataclass(frozen=True)
class Tried:
    """One strength: `validation_loss` in nats per token; `voice` the share of told passages that sound like the shelf,
    `copied` the share of their runs of eight words that stand in what was learned from."""

    strength: float
    validation_loss: float
    voice: float
    copied: float


def tried_in_turn(
    learned: Tried,
    loss_at: Callable[[float], float],
    voice_at: Callable[[float], tuple[float, float] | None],
    out_of_time: Callable[[], bool],
) -> list[Tried]:
    """`learned`, which is strength 1, and each of ASKED after it, until one costs too much or there is voice enough.

    `voice_at(strength)` gives the shares of voice and of copied words, or None where it was stopped.
    """
    tried = [learned]
    for strength in ASKED[1:]:
        if max(each.voice for each in tried) >= ENOUGH or out_of_time():
            break
        loss = loss_at(strength)
        if not loss <= learned.validation_loss * (1 + MOST_WORSE):
            break  # the further ones cost more
        heard = voice_at(strength)
        if heard is None:
            break
        tried.append(Tried(strength, loss, *heard))
    return tried


def best_strength(tried: Sequence[Tried]) -> float:
    """The strength with most of the shelf's voice whose loss and copying stay near those at 1; the lowest of equals.

    Among `tried` is 1, the run as it learned. A loss that is no number is worse than any.
    """
    learned = next(each for each in tried if each.strength == 1)
    most_loss = learned.validation_loss * (1 + MOST_WORSE)
    most_copied = max(learned.copied, MOST_COPIED)
    sound = [each for each in tried if each.validation_loss <= most_loss and each.copied <= most_copied]
    return max([learned, *sound], key=lambda each: (each.voice, -each.strength)).strength


def contrast_in_turn(
    plain: MeasuredVoice, voice_at: Callable[[float], MeasuredVoice | None], out_of_time: Callable[[], bool]
) -> tuple[float, MeasuredVoice]:
    """How far the voices of a run lean away from each other, and the voice measured so; `plain` is that at 0.

    The contrast at which the worst told of them is told best, the lowest of equals; 0 where there is one voice only.
    """
    best, chosen = plain, 0.0
    for contrast in CONTRASTS if len(plain.of_each) > 1 else ():
        if _of_worst(best) >= ENOUGH or out_of_time():
            break
        heard = voice_at(contrast)
        if heard is not None and _of_worst(heard) > _of_worst(best) and heard.copied <= MOST_COPIED:
            best, chosen = heard, contrast
    return chosen, best


def _of_worst(heard: MeasuredVoice) -> float:
    """The share of its passages that sound like it, of the shelf where that is smallest."""
    return min(right / max(1, told) for right, told in heard.of_each.values())
