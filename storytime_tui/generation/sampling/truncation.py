"""Samplers that decide which tokens may be drawn at all: small pure functions. Know no torch.

Each takes the probabilities of some tokens, a (tokens,) float32 array that sums to 1, and gives the flags of
those it keeps: never none of them. What has no share is impossible, and may be kept or not. None sorts a whole
vocabulary, which would take longer than all else.
"""

import numpy as np
import numpy.typing as npt

from storytime_tui.generation.sampling.vocabulary import Flags

Shares = npt.NDArray[np.float32]

_FEW = 1024  # tokens that are sorted without a thought
_BINS = 4096
_IMPOSSIBLE = np.float32(200)  # the surprise, in nats, of what has no share: the least share has 103


def keep_top_k(shares: Shares, k: int) -> Flags:
    """The k likeliest, and those that tie with the last of them (Fan et al. 2018)."""
    if k >= len(shares):
        return np.ones(len(shares), bool)
    smallest, _ = _edge(shares, None, k)
    kept: Flags = shares >= smallest
    return kept


def keep_top_p(shares: Shares, p: float, sensible: Flags | None = None) -> Flags:
    """The nucleus (Holtzman et al. 2020): the smallest set of the likeliest that holds at least `p`.

    Of equal shares the first come first. `sensible` flags the likeliest down to some share: those outside
    count, but are not kept. All are where rounding keeps even all of them below `p`.
    """
    if sensible is not None and 2 * np.count_nonzero(sensible) < len(shares):
        kept = np.zeros(len(shares), bool)
        places = np.flatnonzero(sensible)
        kept[places[keep_top_p(shares[places], p)]] = True
        return kept
    edge, at_edge = _edge(shares, shares, p)
    kept = shares > edge
    kept[np.flatnonzero(shares == edge)[:at_edge]] = True
    return kept if sensible is None else kept & sensible


def keep_min_p(shares: Shares, p: float) -> Flags:
    """Those with at least `p` times the share of the likeliest (Nguyen et al. 2024)."""
    kept: Flags = shares >= np.float32(p) * shares.max()
    return kept


def keep_typical(shares: Shares, mass: float) -> Flags:
    """Those nearest to the expected surprise that hold at least `mass` (Meister et al. 2022), and their equals."""
    with np.errstate(divide="ignore"):
        surprise = np.minimum(-np.log(shares), _IMPOSSIBLE)  # finite, since 0 · infinity would be no number
    expected = (shares * surprise).sum()  # not `dot`, which may share the work among threads
    nearness = -np.abs(surprise - expected)
    edge, _ = _edge(nearness, shares, mass)
    kept: Flags = nearness >= edge
    return kept


def keep_surprise(shares: Shares, bits: float) -> Flags:
    """Those that surprise by at most so many bits, and always the likeliest (Basu et al. 2021, mirostat 2)."""
    kept: Flags = shares >= np.float32(2.0**-bits)
    kept[shares.argmax()] = True
    return kept


def pass_over_likeliest(shares: Shares, threshold: float, precious: Flags) -> Flags:
    """Exclude Top Choices (p-e-w, text-generation-webui, pull request 6335): all but the least likely good one.

    Good ones have a share of at least `threshold`. With fewer than two nothing is passed over; nor where that
    would take a precious one, lest paragraphs and stories never end.
    """
    over: Flags = shares >= max(np.float32(threshold), np.finfo(np.float32).tiny)
    if np.count_nonzero(over) >= 2:
        over[np.where(over, shares, np.inf).argmin()] = False
        if not (over & precious).any():
            return ~over
    return np.ones(len(shares), bool)


def _edge(keys: Shares, weights: Shares | None, mass: float) -> tuple[np.float32, int]:
    """The key at which the weights (None: 1 each) of the highest keys reach `mass`, and how many with it do it.

    The keys, all finite, are counted into bins, of which only the one where the mass is reached is looked into,
    until it has few.
    """
    held, some, theirs = 0.0, keys, weights
    while len(some) > _FEW:
        sample = np.sort(some[:: len(some) // 64])
        low, high = sample[12], sample[-13]  # bins for most of them, however far the rest lie
        if low == high and (low := some.min()) == (high := some.max()):
            break
        places = some - low
        places *= np.float32(min(_BINS / (float(high) - float(low)), 1e30))
        bins = np.clip(places, 0, _BINS - 1, out=places).astype(np.int64)
        falling = np.bincount(bins, theirs, _BINS)[::-1]
        sums = held + np.cumsum(falling)
        reached = min(int(np.searchsorted(sums, mass)), _BINS - 1)
        inside = np.flatnonzero(bins == _BINS - 1 - reached)
        if len(inside) in (0, len(some)):
            break  # only rounding leads here
        held = float(sums[reached] - falling[reached])
        some, theirs = some[inside], None if theirs is None else theirs[inside]
    order = np.argsort(-some, kind="stable")
    ordered = np.ones(len(some)) if theirs is None else theirs[order]
    sums = held + np.cumsum(ordered, dtype=np.float64)
    last = min(int(np.searchsorted(sums, mass)), len(order) - 1)
    edge: np.float32 = some[order[last]]
    return edge, last + 1 - int(np.count_nonzero(some > edge))
