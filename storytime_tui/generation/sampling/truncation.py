"""Samplers that decide which tokens may be drawn: small pure functions. Know no torch.

Each takes the probabilities of some tokens, a (tokens,) float32 array that sums to 1, and returns flags of the
tokens it keeps, at least one. Tokens with a share of 0 are impossible, and may be kept or not. None of the
functions sorts a whole vocabulary, which would take longer than everything else.
"""

import numpy as np
import numpy.typing as npt

from storytime_tui.generation.sampling.vocabulary import Flags

Shares = npt.NDArray[np.float32]

_SORT_LIMIT, _ARGSORT_LIMIT = 16_384, 1024  # up to this many tokens are simply sorted
_BINS = 4096
_IMPOSSIBLE = np.float32(200)  # surprise in nats for a share of 0; the smallest float32 share has 103


def keep_top_k(shares: Shares, k: int) -> Flags:
    """The k most likely tokens, and those tied with the last of them (Fan et al. 2018)."""
    if k >= len(shares):
        return np.ones(len(shares), bool)
    smallest = np.partition(shares, len(shares) - k)[len(shares) - k]
    kept: Flags = shares >= smallest
    return kept


def keep_top_p(shares: Shares, p: float, allowed: Flags | None = None) -> Flags:
    """The nucleus (Holtzman et al. 2020): the smallest set of the most likely tokens that holds at least `p`.

    Ties are kept in order of id. `allowed` flags the most likely tokens down to some share: the others count
    towards `p` but are not kept. All of `allowed` is kept if rounding leaves it below `p`.
    """
    if allowed is not None and 2 * np.count_nonzero(allowed) < len(shares):
        kept = np.zeros(len(shares), bool)
        places = np.flatnonzero(allowed)
        kept[places[keep_top_p(shares[places], p)]] = True
        return kept
    edge, at_edge = _edge(shares, shares, p)
    kept = shares > edge
    kept[np.flatnonzero(shares == edge)[:at_edge]] = True
    return kept if allowed is None else kept & allowed


def keep_min_p(shares: Shares, p: float) -> Flags:
    """Tokens with at least `p` times the share of the most likely one (Nguyen et al. 2024)."""
    kept: Flags = shares >= np.float32(p) * shares.max()
    return kept


def keep_typical(shares: Shares, mass: float) -> Flags:
    """Tokens with a surprise nearest to the expected one that hold at least `mass` (Meister et al. 2022), and ties."""
    with np.errstate(divide="ignore"):
        surprise = np.minimum(-np.log(shares), _IMPOSSIBLE)  # finite, since 0 · infinity is NaN
    expected = (shares * surprise).sum()  # not `dot`, which may use several threads
    nearness = -np.abs(surprise - expected)
    edge, _ = _edge(nearness, shares, mass)
    kept: Flags = nearness >= edge
    return kept


def keep_surprise(shares: Shares, bits: float) -> Flags:
    """Tokens with at most this many bits of surprise, and always the most likely one (Basu et al. 2021, mirostat 2)."""
    kept: Flags = shares >= np.float32(2.0**-bits)
    kept[shares.argmax()] = True
    return kept


def exclude_top_choices(shares: Shares, threshold: float, protected: Flags) -> Flags:
    """Exclude Top Choices (p-e-w, text-generation-webui, pull request 6335): drop all good tokens but the least
    likely one.

    Good tokens have a share of at least `threshold`. Nothing is dropped if there are fewer than two, or if that
    would drop a protected one, so that paragraphs and stories can end.
    """
    dropped: Flags = shares >= max(np.float32(threshold), np.finfo(np.float32).tiny)
    if np.count_nonzero(dropped) >= 2:
        dropped[np.where(dropped, shares, np.inf).argmin()] = False
        if not (dropped & protected).any():
            return ~dropped
    return np.ones(len(shares), bool)


def _edge(keys: Shares, weights: Shares, mass: float) -> tuple[np.float32, int]:
    """The key at which the weights of the highest keys reach `mass`, and how many tokens with that key it takes.

    The keys, all finite, are counted into bins; only the bin in which the mass is reached is refined, until it is
    small.
    """
    held, current, current_weights = 0.0, keys, weights
    while len(current) > (_SORT_LIMIT if weights is keys else _ARGSORT_LIMIT):
        sample = np.sort(current[:: len(current) // 64])
        low, high = sample[12], sample[-13]  # bins cover most keys, however far the outliers
        if low == high and (low := current.min()) == (high := current.max()):
            break
        scaled = current - low
        scaled *= np.float32(min(_BINS / (float(high) - float(low)), 1e30))
        bins = np.clip(scaled, 0, _BINS - 1, out=scaled).astype(np.int64)
        bin_weights = np.bincount(bins, current_weights, _BINS)[::-1]
        sums = held + np.cumsum(bin_weights)
        reached = min(int(np.searchsorted(sums, mass)), _BINS - 1)
        inside = np.flatnonzero(bins == _BINS - 1 - reached)
        if len(inside) in (0, len(current)):
            break  # only because of rounding
        held = float(sums[reached] - bin_weights[reached])
        current, current_weights = current[inside], current_weights[inside]
    if weights is keys:  # sorting is several times faster than finding the order
        current = current_weights = np.sort(current)[::-1]
    else:
        order = np.argsort(-current)
        current, current_weights = current[order], current_weights[order]
    sums = held + np.cumsum(current_weights, dtype=np.float64)
    last = min(int(np.searchsorted(sums, mass)), len(current) - 1)
    edge: np.float32 = current[last]
    return edge, last + 1 - int(np.count_nonzero(current > edge))
