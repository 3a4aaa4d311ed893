"""How one token is chosen from a model's logits: the samplers in their order, and the draw.

    1 log-probabilities      logits minus the logarithm of their exponentials' sum: what the model itself says
    2 repetition             multiplies them, so it comes while all of them are below 0
    3 frequency, presence, DRY, bias     add to them; among themselves their order makes no difference
    4 the impossible         no-repeat-n, minimum length, what is forbidden: before the cuts, which then measure
                             what is left and always leave something; a mask behind a cut could leave nothing
    5 top-k, top-p, min-p, typical       each measures what the one before it has left
    6 XTC                    passes over the likeliest of what makes sense, so it must come behind the cuts
    7 temperature            last: however bold, it chooses among what made sense before. Transformers puts it
                             before the cuts: the same numbers keep fewer tokens there when it is below 1, more
                             when it is above
    8 the draw

Mirostat 2 takes the place of 5 and 6, and stands behind the temperature: it steers by the surprise of what is
drawn. At a temperature of 0 the likeliest is taken, and 2, frequency, presence, DRY, 5, 6 and 8 rest.

When nothing at all is possible any more, the story ends: end-of-text is the answer, forbidden or not.

All arithmetic is numpy's on one thread and every random number comes from the generator that is given, so the
choice depends on neither the number of threads nor on anything else that the program does.
"""

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

# Below this, scores of a usual size would overflow float32, and the draw is argmax anyway but for exact ties.
COLDEST = 1e-6
NO_NUMBER = (
    "The model's answer is not a number, so no word can be chosen: its training went astray. "
    "Pick an earlier checkpoint, or train again with a smaller learning rate."
)
_MUCH = 0.05  # of the mass: what rounding adds to more than this is too little to change a choice
_LARGEST = 60.0  # nats: above some 88 an exponential overflows float32
_CLOSE = 1e-3  # nats: whether something so near to min-p's edge is kept is decided by its share
_NEVER = -10_000.0  # said in place of the logarithm of 0, which JSON cannot say


@dataclass(frozen=True)
class SamplerState:
    """What a choice leaves to the next one within a story. A new story begins with a new one."""

    mu: float | None = None  # mirostat's bound on surprise, in bits; None before the first token


@dataclass(frozen=True)
class Choice:
    """A chosen token, how likely (nats) the model itself held it, and what the next choice is to be given."""

    token: int
    logprob: float
    state: SamplerState
    alternatives: tuple[tuple[int, float], ...] = ()


def choose_token(
    logits: torch.Tensor,
    told: Sequence[int],
    new: int,
    rules: Rules,
    state: SamplerState,
    generator: torch.Generator,
    forbidden: Iterable[int] = (),
    alternatives: int = 0,
) -> Choice:
    """Choose the token that comes after `told`.

    `logits` is (vocabulary,), float32, on the CPU; `told` the ids in view, the newest last, of which `new` were
    told since the prompt. `forbidden` ids are not chosen; a caller who rolls back passes those that it tried,
    and comes to an end, because end-of-text is chosen when nothing else is left. With `alternatives` that many
    of the likeliest come along. Raises ModelError where the logits are no numbers.
    """
    settings = rules.settings
    own = log_probabilities(logits.detach().numpy()[: rules.vocabulary_size])
    found = changes(told, new, rules, forbidden)
    scores = judged(own, found)
    if scores.max() == -np.inf:
        token = rules.end_of_text
    elif settings.temperature == 0:
        token = int(scores.argmax())
    elif settings.mirostat > 0:
        token, state = steered(scores / _warmth(settings), settings, state, generator)
    else:
        mass = mass_after(own, scores, found)
        ids, scores = possible(scores, settings, rules.precious, generator, mass)
        token = int(ids[draw(_shares(scores / _warmth(settings)), generator)])
    logprob = float(own[token]) if token < len(own) else _NEVER
    likeliest = _likeliest(own, alternatives) if alternatives > 0 else ()
    return Choice(token, max(logprob, _NEVER), state, likeliest)


def log_probabilities(logits: npt.NDArray[np.float32]) -> Scores:
    """(vocabulary,) logits -> natural logarithms of the probabilities. Raises ModelError for what is no number."""
    highest = logits.max()
    if not np.isfinite(highest):
        raise ModelError(NO_NUMBER)
    scores: Scores = logits - highest
    scores -= np.float32(math.log(np.exp(scores).sum(dtype=np.float64)))
    return scores


class Changes(NamedTuple):
    """Steps 2 to 4, for the few tokens that they touch; all ids are below the vocabulary's size.

    The log-probabilities of `repeated`, each once, are multiplied by `factor`; then `added` are, and `gone` are
    impossible.
    """

    repeated: Ids
    factor: float
    added: tuple[AddedScores, ...]
    gone: Ids


def changes(told: Sequence[int], new: int, rules: Rules, forbidden: Iterable[int] = ()) -> Changes:
    """What is to be done to the log-probabilities of the token after `told`; see `choose_token`."""
    settings, size = rules.settings, rules.vocabulary_size
    view = np.asarray(told, np.int64)
    repeated, added = np.zeros(0, np.int64), []
    if settings.temperature > 0:
        lately = penalties.latest(view, settings.repetition_window)
        if settings.repetition != 1:
            repeated, _ = penalties.distinct_ids(lately, size, rules.spared)
        if settings.frequency or settings.presence:
            each, once = settings.frequency, settings.presence
            added.append(penalties.for_frequency(lately, size, each, once, rules.spared))
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


def judged(scores: Scores, found: Changes) -> Scores:
    """The log-probabilities after steps 2 to 4; not normalised again, -inf for what is impossible."""
    if len(found.repeated):
        scores = penalties.multiplied(scores, found.repeated, found.factor)
    for each in found.added:
        scores = penalties.added(scores, each) if len(each[0]) else scores
    return penalties.without(scores, found.gone) if len(found.gone) else scores


def mass_after(own: Scores, scores: Scores, found: Changes) -> float | None:
    """The sum of the exponentials of `scores`, which `found` made of `own`, whose are 1 together.

    Only the few that were touched are looked at. None where little is left, of which rounding would be much, and
    where a bias lifts one so high that its exponential is no float32 any more.
    """
    touched = np.concatenate([found.repeated, found.gone, *(ids for ids, _ in found.added)])
    if len(touched) > len(own) // 8:
        return None
    ids = np.unique(touched)
    if scores[ids].max(initial=0) > _LARGEST:
        return None
    mass = 1.0 + float((np.exp(scores[ids]) - np.exp(own[ids])).sum(dtype=np.float64))
    return mass if mass > _MUCH else None


def impossible(view: Ids, new: int, rules: Rules, forbidden: Iterable[int] = ()) -> Ids:
    """The ids that must not come next. No-repeat-n spares what has no letters, or no second quote could open."""
    gone = [rules.suppressed, np.fromiter(forbidden, np.int64)]
    if rules.settings.no_repeat:
        again = penalties.repeating(view, rules.settings.no_repeat)
        gone.append(penalties.distinct_ids(again, len(rules.spared), rules.spared)[0])
    if new < rules.settings.min_tokens:
        gone.append(np.array([rules.end_of_text]))
    return np.concatenate(gone)


def possible(
    scores: Scores,
    settings: SamplerSettings,
    precious: Flags,
    generator: torch.Generator,
    mass: float | None = None,
) -> tuple[Ids, Scores]:
    """Steps 5 and 6: the ids that may be drawn, and their scores, -inf for those among them that may not.

    XTC's coin is tossed whenever XTC is on. `mass` is the sum of the exponentials of `scores`, where it is known.
    """
    by_count = 0 < settings.top_k < len(scores)
    known = mass if settings.min_p > 0 and not by_count else None
    if known is not None:
        # What min-p passes over is most, and its shares need not be known one by one.
        least = scores.max() + np.float32(math.log(settings.min_p) - _CLOSE)
        ids: Ids = np.flatnonzero(scores >= least)
        scores = scores[ids]
        shares: Shares = np.exp(scores - np.float32(math.log(known)))  # of all, as top-p measures
    else:
        ids, shares = np.arange(len(scores)), _shares(scores)

    def keep(kept: Flags) -> None:
        nonlocal ids, scores, shares
        count = np.count_nonzero(kept)
        if count == len(ids):
            return
        if count > 0.8 * len(ids):  # to pass over some is quicker than to gather most
            scores, shares = np.where(kept, scores, np.float32(-np.inf)), shares * kept
        else:
            places = np.flatnonzero(kept)
            ids, scores, shares = ids[places], scores[places], shares[places]
        shares = shares / shares.sum()

    if by_count:
        keep(truncation.keep_top_k(shares, settings.top_k))
    # Top-p must measure before min-p has cut, but only has to sort what min-p keeps.
    sensible = truncation.keep_min_p(shares, settings.min_p)
    if settings.top_p < 1:
        keep(truncation.keep_top_p(shares, settings.top_p, sensible))
    elif settings.min_p > 0:
        keep(sensible)
    if known is not None:
        shares = shares / shares.sum()
    if settings.typical < 1:
        keep(truncation.keep_typical(shares, settings.typical))
    if settings.xtc > 0 and uniform(generator) < settings.xtc:
        keep(truncation.pass_over_likeliest(shares, settings.xtc_threshold, precious[ids]))
    return ids, scores


def steered(
    scores: Scores, settings: SamplerSettings, state: SamplerState, generator: torch.Generator
) -> tuple[int, SamplerState]:
    """Mirostat 2 (Basu et al. 2021): draw from what surprises by at most mu bits, then correct mu by what came.

    mu begins at twice the surprise that is aimed at. It never rises above that, or above what an even choice
    among all tokens would surprise by: after a passage that the model was sure of it would take as long to
    come down again.
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
    """A place in `shares`, (tokens,) summing to about 1, each as likely as its share; none whose share is 0.

    One uniform number is looked up among the running sums: `torch.multinomial` takes ten times as long.
    """
    sums = np.cumsum(shares, dtype=np.float64)
    place = int(np.searchsorted(sums, uniform(generator) * sums[-1], side="right"))
    return place if place < len(sums) else int(np.searchsorted(sums, sums[-1]))


def alternatives(logits: torch.Tensor, n: int) -> tuple[tuple[int, float], ...]:
    """The `n` likeliest tokens of (vocabulary,) logits, each with the model's own probability, likeliest first.

    Fewer where the vocabulary is smaller. Raises ModelError where the logits are no numbers.
    """
    return _likeliest(log_probabilities(logits.detach().numpy()), n)


def _likeliest(own: Scores, n: int) -> tuple[tuple[int, float], ...]:
    n = min(n, len(own))
    if n < 1:
        return ()
    highest = np.flatnonzero(own >= np.partition(own, len(own) - n)[len(own) - n])
    ids = highest[np.argsort(-own[highest], kind="stable")][:n]
    return tuple((int(token), math.exp(own[token])) for token in ids)


def _warmth(settings: SamplerSettings) -> np.float32:
    return np.float32(max(settings.temperature, COLDEST))


def _shares(scores: Scores) -> Shares:
    """Softmax; at least one score is finite."""
    shares: Shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return shares


def uniform(generator: torch.Generator) -> float:
    """From 0 to below 1: the one random number of a draw."""
    return float(torch.rand((), dtype=torch.float64, generator=generator))
