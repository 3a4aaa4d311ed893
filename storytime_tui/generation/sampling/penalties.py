"""Samplers that make single tokens less likely or impossible: small pure functions. Know no torch.

`scores` is a (vocabulary,) float32 array of logprobs, which stays unchanged; `history` is an array of ids, the
newest last. Only the distinct ids in it are touched, so each function costs hardly more than a copy. Ids outside
the vocabulary of `size` tokens are ignored. The functions called `for_` return the ids and offsets instead of
applying them, for the GPU's sampler.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from storytime_tui.generation.sampling.rules import Bias, Ids, in_force
from storytime_tui.generation.sampling.vocabulary import Flags

Scores = npt.NDArray[np.float32]
AddedScores = tuple[Ids, Scores]  # (touched,) ids, and the offset to each one's logprob

_LONGEST = 64  # longest repeated sequence that DRY counts; its penalty is beyond all measure long before
_HEAVIEST = 10_000.0  # nats; DRY's largest penalty, so that float32 keeps the score's digits


def latest(history: Ids, window: int) -> Ids:
    """The newest `window` ids; none for 0."""
    return history[max(0, len(history) - window) :]


def distinct(ids: Ids) -> Ids:
    """Each id once, in order. For some hundred ids a sort is faster than `np.unique`, which hashes them."""
    ordered = np.sort(ids)
    first = np.empty(len(ordered), bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def distinct_ids(history: Ids, size: int, exempt: Flags | None = None) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Each distinct id below `size` that is not exempt, and how often it occurs."""
    ids, counts = np.unique(history, return_counts=True)
    valid = (ids >= 0) & (ids < size)
    ids, counts = ids[valid], counts[valid]
    if exempt is None:
        return ids, counts
    keep = ~exempt[ids]
    return ids[keep], counts[keep]


def repetition(scores: Scores, history: Ids, factor: float, exempt: Flags | None = None) -> Scores:
    """Multiply the logprob of each distinct id in the history by `factor`; 1 changes nothing."""
    return multiplied(scores, distinct_ids(history, len(scores), exempt)[0], factor)


def multiplied(scores: Scores, ids: Ids, factor: float) -> Scores:
    """Multiply the logprobs of these ids by `factor`.

    The penalty of CTRL (Keskar et al. 2019); positive scores are divided instead. It was made for raw logits
    around 0, but GPT-2's lie between -35 and -112, so apply it to logprobs (transformers' issue 2302).
    """
    changed = scores.copy()
    multiply(changed, ids, factor)
    return changed


def multiply(scores: Scores, ids: Ids, factor: float) -> None:
    """`multiplied`, in place."""
    old = scores[ids]
    scores[ids] = np.where(old > 0, old / np.float32(factor), old * np.float32(factor))


def added(scores: Scores, offsets: AddedScores) -> Scores:
    """Add an offset to the scores of some ids; an id may occur several times."""
    changed = scores.copy()
    add(changed, offsets)
    return changed


def add(scores: Scores, offsets: AddedScores) -> None:
    """`added`, in place."""
    np.add.at(scores, *offsets)


def frequency(scores: Scores, history: Ids, each: float, once: float, exempt: Flags | None = None) -> Scores:
    """Subtract `each` for every occurrence of an id and `once` if it occurs at all (OpenAI's two penalties)."""
    return added(scores, offsets_of(*distinct_ids(history, len(scores), exempt), each, once))


def offsets_of(ids: Ids, counts: npt.NDArray[np.int64], each: float, once: float) -> AddedScores:
    """The offsets of `frequency` for ids that occur so often."""
    return ids, -(counts * each + once).astype(np.float32)


def dry(
    scores: Scores, history: Ids, multiplier: float, base: float, allowed: int, breaker: Flags | None = None
) -> Scores:
    """Don't Repeat Yourself (p-e-w, text-generation-webui, pull request 5677).

    If the newest L ids occur earlier in the history, the id that followed them there loses multiplier · base^(L -
    allowed), provided L is at least `allowed`. No sequence crosses a breaker, and breakers lose nothing. L is
    counted up to 64.
    """
    return added(scores, for_dry(history, len(scores), multiplier, base, allowed, breaker))


def for_dry(
    history: Ids, size: int, multiplier: float, base: float, allowed: int, breaker: Flags | None = None
) -> AddedScores:
    """The offsets of `dry`."""
    ids, lengths = echoes(history, size, breaker)
    long_enough = lengths >= allowed
    if not long_enough.any():
        return ids[:0], np.zeros(0, np.float32)
    ids, lengths = ids[long_enough], lengths[long_enough]
    penalties = np.minimum(multiplier * float(base) ** (lengths - float(allowed)), _HEAVIEST)
    # the longest counts if an id follows several earlier occurrences
    longest = np.zeros(len(ids), np.float32)
    ids, index = np.unique(ids, return_inverse=True)
    np.maximum.at(longest, index, penalties.astype(np.float32))
    return ids, -longest[: len(ids)]


def echoes(history: Ids, size: int, breaker: Flags | None = None) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Earlier occurrences of the newest ids: the id that followed each one, and the length of the match."""
    empty = np.zeros(0, np.int64)
    if len(history) < 2 or _breaks(history[-1], breaker):
        return empty, empty
    ends = np.flatnonzero(history[:-1] == history[-1])  # the last index of each earlier occurrence
    following = history[ends + 1]
    ends = ends[(following >= 0) & (following < size)]
    if breaker is not None and len(ends):
        ends = ends[~breaker[history[ends + 1]]]
    lengths = np.ones(len(ends), np.int64)
    matching = np.arange(len(ends))
    for length in range(1, min(_LONGEST, len(history) - 1)):
        expected = history[-1 - length]
        if not len(matching) or _breaks(expected, breaker):
            break
        places = ends[matching] - length
        matching = matching[(places >= 0) & (history[places] == expected)]
        lengths[matching] = length + 1
    return history[ends + 1], lengths


def _breaks(token: np.int64, breaker: Flags | None) -> bool:
    return breaker is not None and bool(0 <= token < len(breaker) and breaker[token])


def repeating(history: Ids, n: int) -> Ids:
    """The ids that would complete an n-gram that the history already has (Paulus et al. 2017)."""
    starts = len(history) - n + 1  # number of n-grams
    if starts < 1:
        return np.zeros(0, np.int64)
    matches = np.ones(starts, bool)
    for offset in range(n - 1):
        matches &= history[offset : offset + starts] == history[starts + offset]
    return distinct(history[n - 1 :][matches])


def biased(scores: Scores, history: Sequence[int] | Ids, biases: Iterable[Bias], ends_word: Flags) -> Scores:
    """Add every bias that is in force."""
    return added(scores, for_biases(history, len(scores), biases, ends_word))


def for_biases(
    history: Sequence[int] | Ids, size: int, biases: Iterable[Bias], ends_word: Flags
) -> AddedScores:
    """The offsets of `biased`; a token may occur several times."""
    active = [bias for bias in biases if 0 <= bias.token < size and in_force(bias, history, ends_word)]
    return np.array([b.token for b in active], np.int64), np.array([b.amount for b in active], np.float32)


def without(scores: Scores, ids: Iterable[int] | Ids) -> Scores:
    """Make these ids impossible."""
    excluded = np.fromiter(ids, np.int64)
    changed = scores.copy()
    changed[excluded[(excluded >= 0) & (excluded < len(scores))]] = -np.inf
    return changed
