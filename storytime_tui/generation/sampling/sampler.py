"""Choosing a token from a model's logits: the samplers in order, and the draw.

    1 logprobs               log-softmax of the logits: the model's own probabilities
    2 repetition             multiplies them, so it comes while all are below 0
    3 frequency, presence, DRY, bias     add to them; their order does not matter
    4 exclusions             no-repeat-n, minimum length, forbidden ids (of banned phrases and copied runs): before
                             the cuts, which then always leave a token; an exclusion after a cut could leave none
    5 top-k, top-p, min-p, typical       each measures what the one before it has left
    6 XTC                    excludes the most likely plausible tokens, so it comes after the cuts
    7 temperature            last: it chooses among the plausible tokens. transformers applies it before the cuts;
                             the same settings then keep fewer tokens below 1 and more above 1
    8 the draw

Mirostat 2 replaces 5 and 6 and comes after the temperature, because it controls the surprise of the drawn token.
At a temperature of 0 the most likely token is taken; 2, frequency, presence, DRY, 5, 6 and 8 are skipped.

If no token is possible, the story ends: end-of-text is chosen, even if it is forbidden.

All arithmetic is numpy's on one thread, and every random number comes from the given generator. The choice
therefore depends neither on the number of threads nor on the rest of the program.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling import penalties, truncation
from storytime_tui.generation.sampling.penalties import AddedScores
from storytime_tui.generation.sampling.rules import Ids, Rules
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.sampling.truncation import Shares
from storytime_tui.generation.sampling.vocabulary import Flags

Scores = npt.NDArray[np.float32]

# At lower temperatures, typical scores would overflow float32; the draw is argmax there anyway, except for exact
# ties.
MIN_TEMPERATURE = 1e-6
NO_NUMBER = (
    "The model's logits are not numbers, so no word can be chosen: its training diverged. "
    "Pick an earlier checkpoint, or train again with a smaller learning rate."
)
_MIN_MASS = 0.05  # of the mass; below this, rounding errors might change a choice
_MAX_SCORE = 60.0  # nats; above 88 an exponential overflows float32
_MARGIN = 1e-3  # nats; tokens this close to min-p's threshold are decided by their share
_MIN_LOGPROB = -10_000.0  # replaces the logarithm of 0, which JSON cannot represent


@dataclass(frozen=True)
class SamplerState:
    """State carried from one choice to the next within a story."""

    mu: float | None = None  # mirostat's limit on surprise, in bits; None before the first token


@dataclass(frozen=True)
class Choice:
    """A chosen token, its logprob (nats) by the model itself, and the state for the next choice."""

    token: int
    logprob: float
    state: SamplerState
    alternatives: tuple[tuple[int, float], ...] = ()


def choose_token(
    logits: torch.Tensor,
    history: Sequence[int],
    new: int,
    rules: Rules,
    state: SamplerState,
    generator: torch.Generator,
    forbidden: Iterable[int] = (),
    alternatives: int = 0,
) -> Choice:
    """Choose the token after `history`.

    `logits` is (vocabulary,), float32, on the CPU; `history` are the ids in view, the newest last, of which `new`
    were generated since the prompt. `forbidden` ids are not chosen. A caller that rolls back forbids the ids it
    has tried; this terminates, because end-of-text is chosen once nothing else is left. `alternatives`: how many
    of the most likely tokens to return as well. Raises ModelError if the logits are not numbers.
    """
    settings = rules.settings
    logprobs = log_probabilities(logits.detach().numpy()[: rules.vocabulary_size])
    change = changes(history, new, rules, forbidden)
    scores = apply_changes(logprobs, change)
    if scores.max() == -np.inf:
        token = rules.end_of_text
    elif settings.temperature == 0:
        token = int(scores.argmax())
    elif settings.mirostat > 0:
        token, state = mirostat(scores / _temperature(settings), settings, state, generator)
    else:
        mass = mass_after(logprobs, scores, change)
        ids, scores = candidates(scores, settings, rules.protected, generator, mass)
        token = int(ids[draw(_shares(scores / _temperature(settings)), generator)])
    logprob = float(logprobs[token]) if token < len(logprobs) else _MIN_LOGPROB
    most_likely = _most_likely(logprobs, alternatives) if alternatives > 0 else ()
    return Choice(token, max(logprob, _MIN_LOGPROB), state, most_likely)


def log_probabilities(logits: npt.NDArray[np.float32]) -> Scores:
    """(vocabulary,) logits -> logprobs in nats. Raises ModelError if they are not numbers."""
    highest = logits.max()
    if not np.isfinite(highest):
        raise ModelError(NO_NUMBER)
    scores: Scores = logits - highest
    scores -= np.float32(math.log(np.exp(scores).sum()))  # numpy sums in pairs: exact enough in float32
    return scores


class Changes(NamedTuple):
    """Steps 2 to 4, for the few tokens that they touch; all ids are below the vocabulary's size.

    The logprobs of `repeated`, each listed once, are multiplied by `factor`; then the offsets in `added` are
    added, and the ids in `gone` become impossible.
    """

    repeated: Ids
    factor: float
    added: tuple[AddedScores, ...]
    gone: Ids


def changes(history: Sequence[int], new: int, rules: Rules, forbidden: Iterable[int] = ()) -> Changes:
    """The penalties, biases and exclusions for the token after `history`; see `choose_token`."""
    settings, size = rules.settings, rules.vocabulary_size
    view = np.asarray(history, np.int64)
    repeated, added = np.zeros(0, np.int64), []
    if settings.temperature > 0:
        counts_too = bool(settings.frequency or settings.presence)
        if counts_too or settings.repetition != 1:
            lately = penalties.latest(view, settings.repetition_window)
            if counts_too:
                ids, counts = penalties.distinct_ids(lately, size, rules.exempt)
                added.append(penalties.offsets_of(ids, counts, settings.frequency, settings.presence))
            else:  # not counting them takes half the time
                ids = penalties.distinct(lately)
                ids = ids[(ids >= 0) & (ids < size)]
                ids = ids[~rules.exempt[ids]]
            repeated = ids if settings.repetition != 1 else repeated
        if settings.dry:
            how = settings.dry, settings.dry_base, settings.dry_allowed
            added.append(penalties.for_dry(view, size, *how, rules.breaker))
    if rules.biases:
        added.append(penalties.for_biases(view, size, rules.biases, rules.ends_word))
    gone = impossible(view, new, rules, forbidden)
    gone = gone[(gone >= 0) & (gone < size)]
    if len(gone) >= size and len(np.unique(gone)) == size:
        gone = gone[gone != rules.end_of_text]
    return Changes(repeated, settings.repetition, tuple(added), gone)


def apply_changes(scores: Scores, change: Changes) -> Scores:
    """The logprobs after steps 2 to 4; not normalised again, -inf for impossible ids."""
    scores = scores.copy()  # once: the penalties then change it in place
    penalties.multiply(scores, change.repeated, change.factor)
    for offsets in change.added:
        penalties.add(scores, offsets)
    scores[change.gone] = -np.inf
    return scores


def mass_after(own: Scores, scores: Scores, change: Changes) -> float | None:
    """The sum of exp(`scores`), which `change` made of `own`, whose exponentials sum to 1.

    Only the touched ids are summed. None if the mass is too small to be exact, if too many ids are touched, or if
    a bias would overflow float32.
    """
    touched = np.concatenate([change.repeated, change.gone, *(ids for ids, _ in change.added)])
    if len(touched) > len(own) // 8:
        return None
    ids = penalties.distinct(touched)
    if scores[ids].max(initial=0) > _MAX_SCORE:
        return None
    mass = 1.0 + float((np.exp(scores[ids]) - np.exp(own[ids])).sum(dtype=np.float64))
    return mass if mass > _MIN_MASS else None


def impossible(view: Ids, new: int, rules: Rules, forbidden: Iterable[int] = ()) -> Ids:
    """The ids that must not come next. No-repeat-n exempts tokens without letters, so that a second quote can open."""
    excluded = [rules.suppressed, np.fromiter(forbidden, np.int64)]
    if rules.settings.no_repeat:
        repeats = penalties.repeating(view, rules.settings.no_repeat)
        excluded.append(penalties.distinct_ids(repeats, len(rules.exempt), rules.exempt)[0])
    if new < rules.settings.min_tokens:
        excluded.append(np.array([rules.end_of_text]))
    return np.concatenate(excluded)


def candidates(
    scores: Scores,
    settings: SamplerSettings,
    protected: Flags,
    generator: torch.Generator,
    mass: float | None = None,
) -> tuple[Ids, Scores]:
    """Steps 5 and 6: the ids that may be drawn, and their scores; some may be -inf.

    XTC takes its random number whenever it is on. `mass` is the sum of exp(`scores`) if known.
    """
    uses_top_k = 0 < settings.top_k < len(scores)
    known_mass = mass if settings.min_p > 0 and not uses_top_k else None
    if known_mass is not None:
        # min-p drops most tokens, so their shares are not needed.
        threshold = scores.max() + np.float32(math.log(settings.min_p) - _MARGIN)
        ids: Ids = np.flatnonzero(scores >= threshold)
        scores = scores[ids]
        # relative to all tokens, as top-p needs
        shares: Shares = np.exp(scores - np.float32(math.log(known_mass)))
    else:
        ids, shares = np.arange(len(scores)), _shares(scores)

    def keep(kept: Flags) -> None:
        nonlocal ids, scores, shares
        count = np.count_nonzero(kept)
        if count == len(ids):
            return
        if count > 0.8 * len(ids):  # masking a few is faster than gathering most
            scores = scores.copy()
            scores[~kept] = -np.inf
            shares = shares * kept
        else:
            places = np.flatnonzero(kept)
            ids, scores, shares = ids[places], scores[places], shares[places]
        shares = shares / shares.sum()

    if uses_top_k:
        keep(truncation.keep_top_k(shares, settings.top_k))
    # top-p has to measure before min-p cuts, but only has to sort what min-p keeps.
    above_min_p = truncation.keep_min_p(shares, settings.min_p)
    if settings.top_p < 1:
        keep(truncation.keep_top_p(shares, settings.top_p, above_min_p))
    elif settings.min_p > 0:
        keep(above_min_p)
    if known_mass is not None:
        shares = shares / shares.sum()
    if settings.typical < 1:
        keep(truncation.keep_typical(shares, settings.typical))
    if settings.xtc > 0 and uniform(generator) < settings.xtc:
        keep(truncation.exclude_top_choices(shares, settings.xtc_threshold, protected[ids]))
    return ids, scores


def chances(logits: npt.NDArray[np.float32], settings: SamplerSettings) -> tuple[Ids, Shares]:
    """The tokens that may be drawn after (vocabulary,) `logits`, and the probability of each.

    Steps 1, 5 and 7, without penalties, which need a history, and without XTC and mirostat, which need the draws
    before. At a temperature of 0 the most likely token alone. Raises ModelError if the logits are not numbers.
    """
    logprobs = log_probabilities(logits)
    if settings.temperature == 0:
        return np.array([logprobs.argmax()]), np.ones(1, np.float32)
    plain = dataclasses.replace(settings, xtc=0.0)
    ids, scores = candidates(logprobs, plain, np.zeros(len(logprobs), bool), torch.Generator(), mass=1.0)
    shares = _shares(scores / _temperature(settings))
    possible = shares > 0
    return ids[possible], shares[possible]


def mirostat(
    scores: Scores, settings: SamplerSettings, state: SamplerState, generator: torch.Generator
) -> tuple[int, SamplerState]:
    """Mirostat 2 (Basu et al. 2021): draw among tokens with at most mu bits of surprise, then correct mu by the result.

    mu starts at twice the target. It never rises above that or above the surprise of a uniform choice; otherwise it
    would take long to come down after a predictable passage.
    """
    target = settings.mirostat
    highest = max(2 * target, math.log2(len(scores)))
    mu = 2 * target if state.mu is None else state.mu
    shares = _shares(scores)
    ids = np.flatnonzero(truncation.keep_surprise(shares, mu))
    kept = shares[ids] / shares[ids].sum()
    drawn = draw(kept, generator)
    surprise = -math.log2(kept[drawn])
    mu -= settings.mirostat_rate * (surprise - target)
    return int(ids[drawn]), SamplerState(mu=min(mu, highest))


def draw(shares: Shares, generator: torch.Generator) -> int:
    """An index into `shares`, (tokens,) summing to about 1, drawn with these probabilities; never one whose share is 0.

    Looks up one uniform number in the cumulative sums; `torch.multinomial` is ten times slower.
    """
    sums = np.cumsum(shares, dtype=np.float64)
    index = int(np.searchsorted(sums, uniform(generator) * sums[-1], side="right"))
    return index if index < len(sums) else int(np.searchsorted(sums, sums[-1]))


def alternatives(logits: torch.Tensor, n: int) -> tuple[tuple[int, float], ...]:
    """The `n` most likely tokens of (vocabulary,) logits with the model's own probabilities, the most likely first.

    Fewer if the vocabulary is smaller. Raises ModelError if the logits are not numbers.
    """
    return _most_likely(log_probabilities(logits.detach().numpy()), n)


def _most_likely(logprobs: Scores, n: int) -> tuple[tuple[int, float], ...]:
    n = min(n, len(logprobs))
    if n < 1:
        return ()
    highest = np.flatnonzero(logprobs >= np.partition(logprobs, len(logprobs) - n)[len(logprobs) - n])
    ids = highest[np.argsort(-logprobs[highest], kind="stable")][:n]
    return tuple((int(token), math.exp(logprobs[token])) for token in ids)


def _temperature(settings: SamplerSettings) -> np.float32:
    return np.float32(max(settings.temperature, MIN_TEMPERATURE))


def _shares(scores: Scores) -> Shares:
    """Softmax; at least one score is finite."""
    shares: Shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return shares


def uniform(generator: torch.Generator) -> float:
    """The random number of a draw, in [0, 1)."""
    return float(torch.rand((), dtype=torch.float64, generator=generator))
