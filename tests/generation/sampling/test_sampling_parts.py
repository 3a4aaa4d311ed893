"""Each sampler by itself: transformers' own processor where there is one, its inventor's words where not."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from storytime_tui.generation.sampling import penalties, truncation
from storytime_tui.generation.sampling.rules import Bias, rules_for
from storytime_tui.generation.sampling.sampler import impossible, log_probabilities
from storytime_tui.generation.sampling.settings import SamplerSettings
from tests.generation.fakes import Bytes

SIZES = [1, 7, 300, 5000, 50_257]
SPREADS = [0.0, 1e-3, 1.0, 8.0]


def scores_of(size: int, seed: int, spread: float = 8.0) -> np.ndarray:
    generator = torch.Generator().manual_seed(seed)
    return log_probabilities((torch.randn(size, generator=generator) * spread - 75).numpy())


def told_of(size: int, seed: int, length: int = 200) -> np.ndarray:
    """Ids of which some come often, and some sequences twice."""
    half = np.random.default_rng(seed).integers(0, min(size, 40), length // 2)
    return np.concatenate([half, half])


def theirs(processor: LogitsProcessor, scores: np.ndarray, told: np.ndarray | None = None) -> np.ndarray:
    ids = None if told is None else torch.from_numpy(told)[None]
    return processor(ids, torch.from_numpy(scores.copy())[None])[0].numpy()


def shares_of(scores: np.ndarray) -> np.ndarray:
    return torch.from_numpy(scores).softmax(0).numpy()


# ---- cuts


CUTS = {
    "top-k 1": (lambda s: truncation.keep_top_k(s, 1), TopKLogitsWarper(1)),
    "top-k 40": (lambda s: truncation.keep_top_k(s, 40), TopKLogitsWarper(40)),
    "top-k 3000": (lambda s: truncation.keep_top_k(s, 3000), TopKLogitsWarper(3000)),
    "top-p 0.3": (lambda s: truncation.keep_top_p(s, 0.3), TopPLogitsWarper(0.3)),
    "top-p 0.95": (lambda s: truncation.keep_top_p(s, 0.95), TopPLogitsWarper(0.95)),
    "min-p 0.05": (lambda s: truncation.keep_min_p(s, 0.05), MinPLogitsWarper(0.05)),
    "min-p 1": (lambda s: truncation.keep_min_p(s, 1.0), MinPLogitsWarper(1.0)),
    "typical 0.2": (lambda s: truncation.keep_typical(s, 0.2), TypicalLogitsWarper(0.2)),
    "typical 0.95": (lambda s: truncation.keep_typical(s, 0.95), TypicalLogitsWarper(0.95)),
}


@pytest.mark.parametrize(("size", "spread"), itertools.product(SIZES, SPREADS))
@pytest.mark.parametrize("name", CUTS)
def test_a_cut_keeps_what_transformers_keeps(name: str, size: int, spread: float) -> None:
    ours, processor = CUTS[name]
    scores = scores_of(size, seed=size, spread=spread)
    shares = shares_of(scores)
    kept = ours(shares)
    expected = np.isfinite(theirs(processor, scores))
    assert kept.any()
    # Float32 sums of 50,000 numbers are right to about 1e-6, which may move the last token to either side of the cut;
    # with even shares all tie, and which of them stay is nobody's business.
    differ = kept != expected
    last = shares[differ].max(initial=0)
    assert abs(shares[kept].sum(dtype=float) - shares[expected].sum(dtype=float)) <= 3e-6 + 2 * last
    if spread >= 1:
        assert shares[differ].sum(dtype=float) <= 3e-6 + 2 * last * (size > 300)
        assert differ.sum() <= (0 if size <= 300 else 3)


flat_or_not = st.one_of(
    st.lists(st.floats(-120, 20, width=32), min_size=1, max_size=60),
    st.lists(st.sampled_from([-1.0, 0.0, 0.5]), min_size=1, max_size=60),
).map(lambda values: shares_of(np.array(values, np.float32)))


@given(flat_or_not, st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_of_the_likeliest(shares: np.ndarray, p: float) -> None:
    kept = truncation.keep_top_p(shares, p)
    inside, outside = sorted(shares[kept].tolist()), shares[~kept].tolist()
    assume(abs(math.fsum(inside) - p) > 1e-5)  # on the border rounding decides
    assume(abs(math.fsum(inside[1:]) - p) > 1e-5)
    assert max(outside, default=0.0) <= inside[0]
    assert math.fsum(inside) >= p > math.fsum(inside[1:])


@given(flat_or_not, st.integers(1, 70))
def test_top_k_keeps_the_k_likeliest_and_their_equals(shares: np.ndarray, k: int) -> None:
    lowest = sorted(shares.tolist(), reverse=True)[min(k, len(shares)) - 1]
    assert truncation.keep_top_k(shares, k).tolist() == [share >= lowest for share in shares.tolist()]


@given(flat_or_not, st.floats(0.01, 1), st.floats(0.01, 0.99))
def test_top_p_among_the_sensible_is_both_cuts(shares: np.ndarray, m: float, p: float) -> None:
    allowed = truncation.keep_min_p(shares, m)
    both = truncation.keep_top_p(shares, p) & allowed
    assert np.array_equal(truncation.keep_top_p(shares, p, allowed), both)


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1e-3, 0.3, 3.0, 30.0])
@pytest.mark.parametrize("mass", [1e-9, 0.01, 0.5, 0.9, 0.999, 1.0])
def test_counting_into_bins_finds_what_sorting_finds(spread: float, mass: float) -> None:
    for size, outliers in ((1025, 0), (5000, 700), (50_257, 12_000)):
        scores = scores_of(size, 1, spread)
        scores[:outliers] = -np.inf
        shares = shares_of(scores)
        kept = truncation.keep_top_p(shares, mass)
        ordered = np.sort(shares)[::-1]
        count = int(np.searchsorted(np.cumsum(ordered, dtype=float), mass)) + 1
        # sums taken in another order differ in the last places: then a few of the smallest do, too
        slack = 2 + np.count_nonzero(shares < 1e-8) * (mass > 0.99)
        assert abs(int(kept.sum()) - min(count, size)) <= slack
        assert shares[kept].min() >= shares[~kept].max(initial=0)
        k = max(1, int(mass * size * 0.7))
        at_least = truncation.keep_top_k(shares, k)
        assert np.array_equal(at_least, shares >= ordered[k - 1])


@given(flat_or_not, st.floats(0, 1), st.sets(st.integers(0, 59)))
def test_xtc_leaves_the_least_likely_of_the_good(
    shares: np.ndarray, threshold: float, protected: set[int]
) -> None:
    flags = np.array([i in protected for i in range(len(shares))])
    threshold = max(threshold, 1e-37)
    kept = truncation.exclude_top_choices(shares, threshold, flags)
    over, good = shares[~kept], shares[shares >= np.float32(threshold)]
    assert len(over) in (0, len(good) - 1)
    assert not flags[~kept].any()
    if len(over):
        assert over.min() >= good.min() == shares[kept & (shares >= np.float32(threshold))].max()
    elif not protected:
        assert len(good) < 2


@given(flat_or_not, st.floats(-5, 30))
def test_mirostats_cut_keeps_the_likeliest_and_what_surprises_less(shares: np.ndarray, bits: float) -> None:
    kept = truncation.keep_surprise(shares, bits)
    assert kept[shares.argmax()]
    for i, share in enumerate(shares.tolist()):
        surprise = -math.log2(share) if share > 0 else math.inf
        if abs(surprise - bits) > 1e-4 and i != shares.argmax():
            assert kept[i] == (surprise < bits)


# ---- penalties


@pytest.mark.parametrize("size", [40, 300, 50_257])
@pytest.mark.parametrize("factor", [1.0, 1.1, 2.0])
def test_repetition_is_transformers_penalty_on_log_probabilities(size: int, factor: float) -> None:
    scores, told = scores_of(size, 3), told_of(size, 3)
    expected = theirs(RepetitionPenaltyLogitsProcessor(factor), scores, told)
    assert np.abs(penalties.repetition(scores, told, factor) - expected).max() <= 1e-6 * np.abs(scores).max()
    assert np.allclose(shares_of(penalties.repetition(scores, told, factor)), shares_of(expected), atol=1e-6)


def test_repetition_counts_a_token_once_however_often_it_came() -> None:
    scores = scores_of(50, 1)
    once, often = np.array([4]), np.array([4, 4, 4])
    assert np.array_equal(penalties.repetition(scores, once, 1.5), penalties.repetition(scores, often, 1.5))


def test_repetition_above_zero_divides() -> None:
    assert penalties.repetition(np.array([2.0, -2.0], np.float32), np.array([0, 1]), 2.0).tolist() == [1, -4]


@pytest.mark.parametrize("window", [0, 1, 5, 1000])
def test_lately_is_the_newest_of_the_window(window: int) -> None:
    told = list(range(20))
    assert penalties.latest(np.array(told), window).tolist() == told[20 - min(20, window) :]


@given(
    st.lists(st.integers(0, 9), max_size=30), st.floats(-3, 3), st.floats(-3, 3), st.sets(st.integers(0, 9))
)
def test_frequency_is_for_each_time_and_presence_once(
    told: list[int], each: float, once: float, exempt: set[int]
) -> None:
    scores = scores_of(10, 0)
    flags = np.array([i in exempt for i in range(10)])
    changed = penalties.frequency(scores, np.array(told, np.int64), each, once, flags)
    for token in range(10):
        taken = told.count(token) * each + once if token in told and token not in exempt else 0.0
        assert changed[token] == pytest.approx(scores[token] - taken, abs=1e-4)


def dry_in_plain_words(told: list[int], breakers: set[int]) -> dict[int, int]:
    """The longest echo before each id, looked for place by place."""
    lengths: dict[int, int] = {}
    for place in range(1, len(told)):
        length = 0
        while (
            length < place
            and told[place - 1 - length] == told[-1 - length]
            and told[-1 - length] not in breakers
        ):
            length += 1
        if length and told[place] not in breakers:
            lengths[told[place]] = max(lengths.get(told[place], 0), length)
    return lengths


@given(
    st.lists(st.integers(0, 3), max_size=50),
    st.sets(st.integers(0, 3), max_size=2),
    st.floats(0.1, 3),
    st.floats(1, 3),
    st.integers(1, 6),
)
def test_dry_is_as_its_inventor_says(
    told: list[int], breakers: set[int], multiplier: float, base: float, allowed: int
) -> None:
    scores = scores_of(4, 0)
    flags = np.array([i in breakers for i in range(4)])
    changed = penalties.dry(scores, np.array(told, np.int64), multiplier, base, allowed, flags)
    expected = scores.astype(float)
    for token, length in dry_in_plain_words(told, breakers).items():
        if length >= allowed:
            expected[token] -= min(multiplier * base ** (min(length, 64) - allowed), 10_000)
    assert changed.tolist() == pytest.approx(expected.tolist(), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("size", [40, 300])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 80])
def test_no_repeat_bans_what_transformers_bans(size: int, n: int) -> None:
    for length in (0, 2, 6, 60, 200):
        scores, told = scores_of(size, n), told_of(size, length, length)
        expected = theirs(NoRepeatNGramLogitsProcessor(n), scores, told)
        assert np.array_equal(penalties.without(scores, penalties.repeating(told, n)), expected)


def test_biases_are_transformers_sequence_biases() -> None:
    scores = scores_of(50, 0)
    sequences = {(3,): 1.5, (4, 5): -2.0, (5, 4, 3): 0.5, (7, 8, 9): -10.0}
    biases = [Bias(ids[:-1], ids[-1], amount) for ids, amount in sequences.items()]
    for told in ([1], [4], [1, 5, 4], [7, 8], [8, 7]):
        listed = [[list(ids), amount] for ids, amount in sequences.items()]
        expected = theirs(SequenceBiasLogitsProcessor(listed), scores, np.array(told))
        ours = penalties.biased(scores, np.array(told), biases, np.zeros(50, bool))
        assert np.abs(ours - expected).max() <= 1e-6


def test_minimum_length_and_forbidden_ids_are_transformers_own() -> None:
    vocabulary = Bytes()
    scores = scores_of(vocabulary.vocabulary_size, 0)
    rules = rules_for(SamplerSettings(min_tokens=3, no_repeat=0), vocabulary)
    for new in range(5):
        told = np.arange(4 + new)
        length = MinNewTokensLengthLogitsProcessor(4, 3, vocabulary.end_of_text, device="cpu")
        expected = theirs(SuppressTokensLogitsProcessor([7, 9]), theirs(length, scores, told), told)
        gone = impossible(told, new, rules, [7, 9])
        assert np.array_equal(penalties.without(scores, gone), expected)


def test_a_word_is_biased_where_it_begins_and_not_inside_another() -> None:
    vocabulary = Bytes()
    rules = rules_for(SamplerSettings(bias=(("a", 2.0), ("Q", -1.0))), vocabulary)
    scores = np.zeros(vocabulary.vocabulary_size, np.float32)

    def weights(before: str) -> dict[str, float]:
        told = np.array(vocabulary.encode(before), np.int64)
        changed = penalties.biased(scores, told, rules.biases, rules.ends_word)
        return {chr(i): changed[i] for i in np.flatnonzero(changed)}

    assert weights("") == weights('"') == weights("so ") == {"a": 2.0, "A": 2.0, "Q": -1.0}
    assert weights("so") == {}


def test_none_of_them_changes_what_it_was_given() -> None:
    scores, told = scores_of(300, 0), told_of(300, 0)
    before, view = scores.copy(), told.copy()
    shares = shares_of(scores)
    copy = shares.copy()
    for penalise in (
        lambda: penalties.repetition(scores, told, 1.5),
        lambda: penalties.frequency(scores, told, 1, 1),
        lambda: penalties.dry(scores, told, 1, 2, 1),
        lambda: penalties.biased(scores, told, [Bias((), 3, 1.0)], np.zeros(300, bool)),
        lambda: penalties.without(scores, told),
    ):
        assert not np.array_equal(penalise(), before)
        assert np.array_equal(scores, before) and np.array_equal(told, view)
    for ours, _ in CUTS.values():
        ours(shares)
    truncation.exclude_top_choices(shares, 1e-6, np.zeros(300, bool))
    assert np.array_equal(shares, copy)
