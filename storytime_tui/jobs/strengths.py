"""Chooses a run's default strength by measurement, when it has finished training. Loads no torch.

Weights moved a little further from the base than training moved them sound more like the shelf (task arithmetic;
Ilharco et al. 2022). Moved too far, the model degrades, and its validation loss rises. The voices of one
run are easier to tell apart when each leans away from the others (`generation.sampling.mixture.contrasted`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storytime_tui.jobs.voice import VoiceScore

CANDIDATES = (1.0, 1.15, 1.3, 1.45)  # strengths to try, in this order
MAX_LOSS_INCREASE = 0.02  # largest allowed rise of the validation loss, as a share of the loss at 1
MAX_COPIED = 0.01  # largest allowed share of copied runs of eight words, unless more is copied at 1
ENOUGH_VOICE = 0.95  # share of passages that sound like the shelf; then no further strength is tried
CONTRASTS = (1.0, 0.5)  # to try beside 0, in this order: each makes a token cost two forward passes


@dataclass(frozen=True)
class Trial:
    """One strength: `validation_loss` in nats per token, `voice` the share of told passages that sound like the shelf,
    `copied` the share of their runs of eight words that occur in the training stories."""

    strength: float
    validation_loss: float
    voice: float
    copied: float


def try_strengths(
    trained: Trial,
    loss_at: Callable[[float], float],
    voice_at: Callable[[float], tuple[float, float] | None],
    out_of_time: Callable[[], bool],
) -> list[Trial]:
    """Try CANDIDATES in order until the loss rises too far, the voice is enough or the time is up.

    `trained` is the trial at strength 1, the first of the result. `voice_at(strength)` returns the shares of voice and
    of copied words, or None if it was stopped.
    """
    trials = [trained]
    for strength in CANDIDATES[1:]:
        if max(each.voice for each in trials) >= ENOUGH_VOICE or out_of_time():
            break
        loss = loss_at(strength)
        if not loss <= trained.validation_loss * (1 + MAX_LOSS_INCREASE):
            break  # larger strengths have a higher loss
        measured = voice_at(strength)
        if measured is None:
            break
        trials.append(Trial(strength, loss, *measured))
    return trials


def best_strength(trials: Sequence[Trial]) -> float:
    """The strength with the largest share of voice among those within both limits; the lowest of equals.

    `trials` includes strength 1, which is always allowed. A loss of NaN exceeds every limit.
    """
    trained = next(each for each in trials if each.strength == 1)
    max_loss = trained.validation_loss * (1 + MAX_LOSS_INCREASE)
    max_copied = max(trained.copied, MAX_COPIED)
    allowed = [each for each in trials if each.validation_loss <= max_loss and each.copied <= max_copied]
    return max([trained, *allowed], key=lambda each: (each.voice, -each.strength)).strength


def choose_contrast(
    plain: VoiceScore, score_at: Callable[[float], VoiceScore | None], out_of_time: Callable[[], bool]
) -> tuple[float, VoiceScore]:
    """The contrast at which the weakest of a run's voices is strongest, and the score there; the first of equals.

    `plain` is the score at contrast 0. A run with one voice has no contrast.
    """
    best, chosen = plain, 0.0
    for contrast in CONTRASTS if len(plain.of_each) > 1 else ():
        if _weakest(best) >= ENOUGH_VOICE or out_of_time():
            break
        score = score_at(contrast)
        if score is not None and _weakest(score) > _weakest(best) and score.copied <= MAX_COPIED:
            best, chosen = score, contrast
    return chosen, best


def _weakest(score: VoiceScore) -> float:
    """The smallest share of right passages among the shelves."""
    return min(right / max(1, told) for right, told in score.of_each.values())
