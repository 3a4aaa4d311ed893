"""Samplers that make single tokens less likely, or impossible: small pure functions. Know no torch.

`scores` is a (vocabulary,) float32 array of log-probabilities, which is left as it is; `told` an array of ids,
the newest last. Only the distinct ids in it are touched, so none of these costs more than a copy. Ids outside
the vocabulary, which has `size` of them, are passed over. Those that begin with `for_` say only which ids are
touched, and how: what a GPU is told, which has the scores.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from storytime_tui.generation.sampling.rules import Bias, Ids, in_force
from storytime_tui.generation.sampling.vocabulary import Flags

Scores = npt.NDArray[np.float32]
AddedScores = tuple[Ids, Scores]  # (touched,) ids, and what is added to the log-probability of each

_LONGEST = 64  # tokens of a repeated sequence that DRY counts: its weight is beyond all measure long before
_HEAVIEST = 10_000.0  # nats: what DRY takes off at most, lest a float32 forget what it was taken from


def latest(told: Ids, window: int) -> Ids:
    """The newest `window` of the ids; none for 0."""
    return told[max(0, len(told) - window) :]


def distinct_ids(told: Ids, size: int, spared: Flags | None = None) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Each id below `size` that isn't spared, once, and how often it was told."""
    ids, counts = np.unique(told, return_counts=True)
    inside = (ids >= 0) & (ids < size)
    ids, counts = ids[inside], counts[inside]
    if spared is None:
        return ids, counts
    free = ~spared[ids]
    return ids[free], counts[free]


def repetition(scores: Scores, told: Ids, factor: float, spared: Flags | None = None) -> Scores:
    """Multiply the log-probability of each distinct id told by `factor`; 1 changes nothing."""
    return multiplied(scores, distinct_ids(told, len(scores), spared)[0], factor)


def multiplied(scores: Scores, ids: Ids, factor: float) -> Scores:
    """Multiply the log-probabilities of these ids.

    The penalty of CTRL (Keskar et al. 2019), where a score above 0 is divided instead. It was made for raw
    logits around 0; GPT-2's lie at -35 to -112, so give it log-probabilities (transformers' issue 2302).
    """
    changed = scores.copy()
    own = scores[ids]
    changed[ids] = np.where(own > 0, own / np.float32(factor), own * np.float32(factor))
    return changed


def added(scores: Scores, amounts: AddedScores) -> Scores:
    """Add to the scores of some ids, as often as one is named."""
    changed = scores.copy()
    np.add.at(changed, *amounts)
    return changed


def frequency(scores: Scores, told: Ids, each: float, once: float, spared: Flags | None = None) -> Scores:
    """Take off `each` for every time an id was told, and `once` if it was at all (OpenAI's two penalties)."""
    return added(scores, for_frequency(told, len(scores), each, once, spared))


def for_frequency(told: Ids, size: int, each: float, once: float, spared: Flags | None = None) -> AddedScores:
    """What `frequency` adds."""
    ids, counts = distinct_ids(told, size, spared)
    return ids, -(counts * each + once).astype(np.float32)


def dry(
    scores: Scores, told: Ids, multiplier: float, base: float, allowed: int, breaker: Flags | None = None
) -> Scores:
    """Don't Repeat Yourself (p-e-w, text-generation-webui, pull request 5677).

    An id that would go on repeating a sequence of L ids, the newest ones, which stand earlier in `told` with
    that id behind them, loses multiplier · base^(L - allowed), if L is at least `allowed`. No sequence
    reaches over a breaker, and a breaker itself loses nothing. L counts up to 64.
    """
    return added(scores, for_dry(told, len(scores), multiplier, base, allowed, breaker))


def for_dry(
    told: Ids, size: int, multiplier: float, base: float, allowed: int, breaker: Flags | None = None
) -> AddedScores:
    """What `dry` adds."""
    ids, lengths = echoes(told, size, breaker)
    heard = lengths >= allowed
    ids, lengths = ids[heard], lengths[heard]
    taken = np.minimum(multiplier * float(base) ** (lengths - float(allowed)), _HEAVIEST)
    # an id may follow several echoes: the longest counts
    longest = np.zeros(len(ids), np.float32)
    ids, place = np.unique(ids, return_inverse=True)
    np.maximum.at(longest, place, taken.astype(np.float32))
    return ids, -longest[: len(ids)]


def echoes(told: Ids, size: int, breaker: Flags | None = None) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Where the newest ids stand earlier: what followed them there, and for how many ids they are the same."""
    none = np.zeros(0, np.int64)
    if len(told) < 2 or _breaks(told[-1:], breaker)[0]:
        return none, none
    ends = np.flatnonzero(told[:-1] == told[-1])  # the places of the echoes' last ids
    following = told[ends + 1]
    ends = ends[(following >= 0) & (following < size) & ~_breaks(following, breaker)]
    lengths = np.ones(len(ends), np.int64)
    alive = np.arange(len(ends))
    for length in range(1, min(_LONGEST, len(told) - 1)):
        before = told[-1 - length]
        if not len(alive) or _breaks(np.array([before]), breaker)[0]:
            break
        places = ends[alive] - length
        alive = alive[(places >= 0) & (told[places] == before)]
        lengths[alive] = length + 1
    return told[ends + 1], lengths


def _breaks(ids: Ids, breaker: Flags | None) -> Flags:
    if breaker is None:
        return np.zeros(len(ids), bool)
    inside = (ids >= 0) & (ids < len(breaker))
    return inside & breaker[np.where(inside, ids, 0)]


def repeating(told: Ids, n: int) -> Ids:
    """The ids that would complete a sequence of `n` which `told` already has (Paulus et al. 2017)."""
    starts = len(told) - n + 1  # how many sequences of n there are
    if starts < 1:
        return np.zeros(0, np.int64)
    same = np.ones(starts, bool)
    for offset in range(n - 1):
        same &= told[offset : offset + starts] == told[starts + offset]
    return np.unique(told[n - 1 :][same])


def biased(scores: Scores, told: Sequence[int] | Ids, biases: Iterable[Bias], ends_word: Flags) -> Scores:
    """Add every bias that is in force."""
    return added(scores, for_biases(told, len(scores), biases, ends_word))


def for_biases(told: Sequence[int] | Ids, size: int, biases: Iterable[Bias], ends_word: Flags) -> AddedScores:
    """What `biased` adds; a token may be named more than once."""
    held = [bias for bias in biases if 0 <= bias.token < size and in_force(bias, told, ends_word)]
    return np.array([b.token for b in held], np.int64), np.array([b.amount for b in held], np.float32)


def without(scores: Scores, ids: Iterable[int] | Ids) -> Scores:
    """Make these ids impossible."""
    gone = np.fromiter(ids, np.int64)
    changed = scores.copy()
    changed[gone[(gone >= 0) & (gone < len(scores))]] = -np.inf
    return changed
