"""A choice is made by the samplers in their order, from the given seed alone, and is never no choice."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.presets import PRESETS, with_preset
from storytime_tui.generation.sampling.rules import Rules, rules_for
from storytime_tui.generation.sampling.sampler import (
    Choice,
    SamplerState,
    alternatives,
    apply_changes,
    candidates,
    chances,
    changes,
    choose_token,
    draw,
    log_probabilities,
    mass_after,
    mirostat,
)
from storytime_tui.generation.sampling.settings import SamplerSettings
from tests.generation.fakes import Bytes

VOCABULARY = Bytes()
SIZE, END = Bytes.vocabulary_size, Bytes.end_of_text
OFF = dataclasses.replace(with_preset(SamplerSettings(), "exact"), temperature=1.0)


def generator_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gpt2_like(size: int, seed: int, spread: float = 8) -> torch.Tensor:
    """Logits in the range of GPT-2's: about -35 to -112."""
    return torch.randn(size, generator=generator_of(seed)) * spread - 75


def chosen(
    logits: torch.Tensor,
    settings: SamplerSettings,
    told: tuple[int, ...] = (),
    seed: int = 0,
    forbidden: tuple[int, ...] = (),
    new: int = 0,
) -> Choice:
    rules = rules_for(settings, VOCABULARY)
    return choose_token(logits, told, new, rules, SamplerState(), generator_of(seed), forbidden)


def rules_of(settings: SamplerSettings) -> Rules:
    return rules_for(settings, VOCABULARY)


# ---- what is drawn


ONE_EACH = {
    "temperature": {"temperature": 1.3},
    "top-k": {"top_k": 7},
    "top-p": {"top_p": 0.7},
    "min-p": {"min_p": 0.2},
    "typical": {"typical": 0.6},
    "repetition": {"repetition": 1.5},
    "frequency": {"frequency": 0.4},
    "presence": {"presence": 0.8},
    "no repeat": {"no_repeat": 2},
    "dry": {"dry": 0.8, "dry_allowed": 1},
    "bias": {"bias": (("a", 1.0),)},
    "xtc": {"xtc": 1.0, "xtc_threshold": 0.05},
    "mirostat": {"mirostat": 2.0},
    "minimum length": {"min_tokens": 5},
    "all": {"top_k": 12, "top_p": 0.95, "typical": 0.9, "repetition": 1.1, "frequency": 0.1, "dry": 0.5},
}


def by_the_book(logits: torch.Tensor, settings: SamplerSettings, told: list[int]) -> list[float]:
    """The probabilities that a choice should have, in Python's own floats, token by token."""
    a = VOCABULARY.encode("a")[0]
    total = math.log(math.fsum(map(math.exp, logits.double().tolist())))
    score = [value - total for value in logits.double().tolist()]
    counts = Counter(told)
    for token, count in counts.items():
        if token != END and VOCABULARY.token_bytes(token).decode(errors="ignore").isalnum():
            score[token] = score[token] * settings.repetition - count * settings.frequency - settings.presence
    if settings.dry and told == [a, a + 1, a]:
        score[a + 1] -= settings.dry * settings.dry_base ** (1 - settings.dry_allowed)
    score[a] += dict(settings.bias).get("a", 0.0)
    gone = {a + 1} if settings.no_repeat else set()
    gone |= {END} if settings.min_tokens else set()
    share = {i: math.exp(s) for i, s in enumerate(score) if i not in gone}

    def kept(ids: list[int]) -> dict[int, float]:
        whole = math.fsum(share[i] for i in ids)
        return {i: share[i] / whole for i in ids}

    def first(order: list[int], mass: float) -> list[int]:
        for n in range(1, len(order) + 1):
            if math.fsum(share[i] for i in order[:n]) >= mass:
                return order[:n]
        return order

    share = kept(list(share))
    likeliest = sorted(share, key=lambda i: -share[i])
    if settings.mirostat:
        share = kept([i for i in share if -math.log2(share[i]) <= 2 * settings.mirostat])
    if settings.top_k:
        share = kept(likeliest[: settings.top_k])
    share = kept(first(sorted(share, key=lambda i: -share[i]), settings.top_p))
    share = kept([i for i in share if share[i] >= settings.min_p * max(share.values())])
    if settings.typical < 1:
        entropy = -math.fsum(s * math.log(s) for s in share.values())
        order = sorted(share, key=lambda i: abs(-math.log(share[i]) - entropy))
        share = kept(first(order, settings.typical))
    if settings.xtc:
        good = [i for i in share if share[i] >= settings.xtc_threshold]
        least = min(good, key=lambda i: share[i])
        share = kept([i for i in share if i not in good or i == least])
    share = {i: s ** (1 / settings.temperature) for i, s in share.items()}
    share = kept(list(share))
    return [share.get(i, 0.0) for i in range(len(score))]


@pytest.mark.parametrize("name", ONE_EACH)
def test_draws_follow_what_each_sampler_says(name: str) -> None:
    """Pearson's chi-squared over letters a..t: beyond the bound once in ten thousand times, and seeds are fixed."""
    settings = dataclasses.replace(OFF, **ONE_EACH[name])
    a = VOCABULARY.encode("a")[0]
    logits = torch.full((SIZE,), -60.0)
    logits[a : a + 20] = torch.linspace(0, -3, 20).roll(2)
    logits[END] = -1.0
    told = [a, a + 1, a]
    expected = by_the_book(logits, settings, told)
    rules, generator, draws = rules_of(settings), generator_of(11), 2000
    counts = Counter(
        choose_token(logits, told, 3, rules, SamplerState(), generator).token for _ in range(draws)
    )
    alive = [i for i in range(SIZE) if expected[i] * draws >= 5]
    assert set(counts) <= {i for i in range(SIZE) if expected[i] > 0}
    freedom = len(alive) - 1
    chi = sum((counts[i] - expected[i] * draws) ** 2 / (expected[i] * draws) for i in alive)
    # Wilson and Hilferty's approximation of the quantile at 3.72 standard deviations
    assert (
        chi
        <= max(1, freedom)
        * (1 - 2 / (9 * max(1, freedom)) + 3.72 * math.sqrt(2 / (9 * max(1, freedom)))) ** 3
    )


@pytest.mark.parametrize("size", [7, SIZE, 50_257])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("top_k", [0, 1, 5, 40])
@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.95, 1.0])
def test_the_warpers_of_transformers_give_the_same_with_the_temperature_last(
    size: int, temperature: float, top_k: int, top_p: float
) -> None:
    logits = gpt2_like(size, seed=size + top_k)
    theirs = logits.double()[None]  # in float32 its rounding alone is more than 1e-6
    if top_k:
        theirs = TopKLogitsWarper(top_k)(None, theirs)
    if top_p < 1:
        theirs = TopPLogitsWarper(top_p)(None, theirs)
    theirs = TemperatureLogitsWarper(temperature)(None, theirs)[0].softmax(0)
    settings = dataclasses.replace(OFF, top_k=top_k, top_p=top_p)
    ids, scores = candidates(
        log_probabilities(logits.numpy()), settings, np.zeros(size, bool), generator_of(0)
    )
    ours = torch.zeros(size, dtype=torch.float64)
    ours[torch.from_numpy(ids)] = torch.from_numpy(scores.astype(float) / temperature).softmax(0)
    assert (ours - theirs).abs().max() <= 1e-6


@pytest.mark.parametrize("temperature", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize("top_p", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("min_p", [0.0, 0.05, 0.5])
def test_the_chances_of_a_place_are_what_a_choice_draws_from(
    temperature: float, top_p: float, min_p: float
) -> None:
    settings = dataclasses.replace(OFF, temperature=temperature, top_p=top_p, min_p=min_p)
    for spread in (2.0, 8.0):
        logits = gpt2_like(SIZE, 1, spread)
        ids, shares = chances(logits.numpy(), settings)
        assert shares.sum(dtype=float) == pytest.approx(1.0, abs=1e-5)
        if temperature == 0:
            assert ids.tolist() == [int(logits.argmax())]
            continue
        expected = by_the_book(logits, settings, [])
        possible = {
            i for i, share in enumerate(expected) if share > 1e-7
        }  # rounding may end a top-p of 1 early
        assert possible <= set(ids.tolist())
        assert shares.tolist() == pytest.approx([expected[i] for i in ids], abs=1e-5)


@given(
    seed=st.integers(0, 2**32),
    spread=st.sampled_from([0.1, 2.0, 8.0]),
    told=st.lists(st.integers(0, SIZE - 1), max_size=40),
    min_p=st.sampled_from([0.001, 0.05, 0.5, 1.0]),
    top_p=st.sampled_from([0.3, 0.95, 1.0]),
    others=st.sampled_from([{}, {"typical": 0.6}, {"xtc": 1.0, "xtc_threshold": 0.02}, {"dry": 3.0}]),
)
def test_with_its_mass_known_ahead_the_same_tokens_are_left_with_the_same_scores(
    seed: int, spread: float, told: list[int], min_p: float, top_p: float, others: dict[str, float]
) -> None:
    wished = dataclasses.replace(OFF, min_p=min_p, top_p=top_p, repetition=1.3, presence=0.5, **others)
    rules = rules_of(wished)
    own = log_probabilities(gpt2_like(SIZE, seed, spread).numpy())
    found = changes([*told, *told[:5]], 3, rules, (int(own.argmax()),))
    scores = apply_changes(own, found)
    mass = mass_after(own, scores, found)
    if mass is None:  # the likeliest, which is forbidden, was nearly all
        return
    assert mass == pytest.approx(float(np.exp(scores.astype(float)).sum()), rel=1e-5)
    left = []
    for known in (None, mass):
        ids, kept = candidates(scores, wished, rules.protected, generator_of(0), known)
        left.append(sorted((int(i), float(s)) for i, s in zip(ids, kept, strict=True) if s > -np.inf))
    assert left[0] == left[1]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20).filter(any), st.integers(0, 2**32))
def test_nothing_is_drawn_that_has_no_share(weights: list[float], seed: int) -> None:
    shares = np.array(weights, np.float32)
    assert shares[draw(shares, generator_of(seed))] > 0


def test_the_ends_of_the_interval_are_drawn_well(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = np.array([0, 0.25, 0, 0.75, 0], np.float32)
    for uniform, place in ((0.0, 1), (0.2499, 1), (0.25, 3), (1.0, 3)):
        monkeypatch.setattr("storytime_tui.generation.sampling.sampler.uniform", lambda _, u=uniform: u)
        assert draw(shares, generator_of(0)) == place


# ---- whatever happens


wide = st.floats(-1e4, 1e4, width=32)
logits_of_a_vocabulary = st.one_of(
    st.lists(wide, min_size=SIZE, max_size=SIZE),
    st.builds(lambda value: [value] * SIZE, wide),
    st.dictionaries(st.integers(0, SIZE - 1), wide, min_size=1).map(
        lambda some: [some.get(i, -math.inf) for i in range(SIZE)]
    ),
).map(torch.tensor)
texts = st.text("abc .\"'\n“é", min_size=1, max_size=6).filter(str.strip)
any_settings = st.builds(
    SamplerSettings,
    temperature=st.sampled_from([0, 1e-9, 0.5, 1, 5]),
    top_k=st.integers(0, 300),
    top_p=st.floats(0, 1, exclude_min=True),
    min_p=st.floats(0, 1),
    typical=st.floats(0, 1, exclude_min=True),
    xtc=st.floats(0, 1),
    xtc_threshold=st.floats(0, 1),
    mirostat=st.sampled_from([0, 0, 0.01, 5, 20]),
    mirostat_rate=st.floats(0, 1),
    repetition=st.floats(1, 5),
    repetition_window=st.integers(0, 50),
    frequency=st.floats(-10, 10),
    presence=st.floats(-10, 10),
    no_repeat=st.integers(0, 5),
    dry=st.floats(0, 100),
    dry_base=st.floats(1, 10),
    dry_allowed=st.integers(1, 5),
    bias=st.lists(st.tuples(texts, st.floats(-100, 100)), max_size=3).map(tuple),
    min_tokens=st.integers(0, 3),
)
ids = st.one_of(st.integers(0, SIZE - 1), st.sampled_from([5, 6]), st.integers(-3, SIZE + 3))


@given(
    logits_of_a_vocabulary,
    any_settings,
    st.lists(ids, max_size=40),
    st.integers(0, 4),
    st.sets(ids, max_size=5) | st.just(set(range(SIZE))),
    st.integers(0, 2**63 - 1),
)
@pytest.mark.filterwarnings("error")
def test_every_choice_is_a_token_that_is_allowed(
    logits: torch.Tensor,
    settings: SamplerSettings,
    told: list[int],
    new: int,
    forbidden: set[int],
    seed: int,
) -> None:
    rules, generator, state = rules_of(settings), generator_of(seed), SamplerState()
    for _ in range(3):
        choice = choose_token(logits, told, new, rules, state, generator, forbidden)
        state = choice.state
        assert 0 <= choice.token < SIZE
        assert choice.token == END or choice.token not in forbidden
        assert choice.token == END or logits[choice.token] > -math.inf
        assert choice.logprob <= 1e-6
        assert state.mu is None or math.isfinite(state.mu)


@given(logits_of_a_vocabulary, any_settings, st.lists(ids, max_size=40), st.integers(0, 2**63 - 1))
def test_the_same_seed_chooses_the_same_and_nothing_is_changed_on_the_way(
    logits: torch.Tensor, settings: SamplerSettings, told: list[int], seed: int
) -> None:
    before, copy, view = torch.get_rng_state(), logits.clone(), list(told)
    first = chosen(logits, settings, tuple(told), seed)
    torch.rand(3)
    numpy_state = np.random.get_state()[1].copy()
    assert chosen(logits, settings, tuple(told), seed) == first
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    torch.set_rng_state(before)
    assert torch.equal(logits, copy)
    assert told == view


def test_only_the_given_generator_is_drawn_from() -> None:
    before = torch.get_rng_state()
    everything = dataclasses.replace(SamplerSettings(), xtc=0.5, typical=0.9)
    chosen(gpt2_like(SIZE, 0), everything)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", PRESETS)
def test_the_number_of_threads_changes_nothing(name: str) -> None:
    settings = dataclasses.replace(with_preset(SamplerSettings(), name), typical=0.95, xtc=0.5)
    logits = gpt2_like(50_257, 3, spread=2)
    rules = dataclasses.replace(
        rules_of(settings),
        vocabulary_size=50_257,
        protected=np.zeros(50_257, bool),
        exempt=np.zeros(50_257, bool),
        breaker=np.zeros(50_257, bool),
    )
    threads, said = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            generator = generator_of(5)
            said.append(
                [choose_token(logits, range(50), 0, rules, SamplerState(), generator) for _ in range(20)]
            )
    finally:
        torch.set_num_threads(threads)
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("broken", [[1.0, math.nan], [1.0, math.inf], [-math.inf, -math.inf]])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_logits_that_are_no_numbers_are_said_in_a_sentence(broken: list[float], temperature: float) -> None:
    logits = torch.tensor(broken * (SIZE // 2))
    with pytest.raises(ModelError, match="earlier checkpoint"):
        chosen(logits, dataclasses.replace(OFF, temperature=temperature))


# ---- the rules


def test_the_log_probability_is_the_models_own_before_any_setting() -> None:
    logits = gpt2_like(SIZE, 1)
    for seed in range(10):
        choice = chosen(logits, SamplerSettings(bias=(("a", 9.0),)), (97, 98, 97), seed)
        assert choice.logprob == pytest.approx(logits.double().log_softmax(0)[choice.token].item(), abs=1e-5)


def test_a_temperature_of_zero_takes_the_likeliest_and_no_randomness() -> None:
    logits = gpt2_like(SIZE, 0)
    likeliest = int(logits.argmax())
    generator = generator_of(3)
    before = generator.get_state()
    settings = SamplerSettings(temperature=0, repetition=5, dry=100, dry_allowed=1, xtc=1, mirostat=5)
    told = [likeliest, likeliest, likeliest]
    assert choose_token(logits, told, 3, rules_of(settings), SamplerState(), generator).token == likeliest
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_what_is_asked_for_outright_holds_at_every_temperature(temperature: float) -> None:
    logits = torch.full((SIZE,), -40.0)
    logits[END], logits[97], logits[98] = 0.0, -20.0, -30.0
    settings = SamplerSettings(temperature=temperature, min_tokens=2)
    assert chosen(logits, settings, new=1).token == 97
    assert chosen(logits, settings, new=2).token == END
    assert chosen(logits, settings, new=1, forbidden=(97,)).token == 98
    settings = SamplerSettings(temperature=temperature, no_repeat=1)
    assert chosen(logits, settings, (97,), forbidden=(END,)).token == 98
    settings = SamplerSettings(temperature=temperature, bias=(("b", 50.0),))
    assert chosen(logits, settings).token == 98


def test_where_everything_is_forbidden_the_story_ends() -> None:
    everything = tuple(range(SIZE))
    for temperature in (0.0, 1.0):
        settings = SamplerSettings(temperature=temperature, min_tokens=9)
        assert chosen(gpt2_like(SIZE, 0), settings, forbidden=everything).token == END


def test_no_sequence_ban_keeps_quotes_and_stops_from_coming_again() -> None:
    """A curly quote is several tokens: were they counted, no second one could ever open."""
    quote = VOCABULARY.encode("“")
    assert len(quote) > 1
    logits = torch.full((SIZE,), -40.0)
    logits[quote[-1]] = 0.0
    told = (*quote, 97, *quote[:-1])
    assert chosen(logits, dataclasses.replace(OFF, temperature=0, no_repeat=2), told).token == quote[-1]


def test_xtc_never_passes_over_a_line_end_or_the_end() -> None:
    for token in (10, END):
        logits = torch.full((SIZE,), -40.0)
        logits[token], logits[97], logits[98] = 0.0, -0.1, -0.2
        settings = dataclasses.replace(OFF, xtc=1.0)
        assert {chosen(logits, settings, seed=seed).token for seed in range(40)} == {token, 97, 98}
        assert {chosen(logits, settings, seed=seed, forbidden=(token,)).token for seed in range(40)} == {98}


def test_mirostat_steers_to_the_surprise_that_is_aimed_at() -> None:
    logits = gpt2_like(SIZE, 2, spread=1.0)
    for aim in (1.0, 3.0, 5.0):
        settings = dataclasses.replace(OFF, mirostat=aim)
        state, generator, surprises = SamplerState(), generator_of(4), []
        scores = log_probabilities(logits.numpy())
        for _ in range(600):
            before = 2 * aim if state.mu is None else state.mu
            _, state = mirostat(scores, settings, state, generator)
            assert state.mu is not None
            surprises.append((before - state.mu) / settings.mirostat_rate + aim)
        assert sum(surprises[100:]) / 500 == pytest.approx(aim, abs=0.25)


def test_mirostat_does_not_wind_itself_up_where_the_model_is_sure() -> None:
    logits = torch.full((SIZE,), -40.0)
    logits[97] = 0.0
    settings = dataclasses.replace(OFF, mirostat=3.0)
    state, rules, generator = SamplerState(), rules_of(settings), generator_of(0)
    for _ in range(300):
        state = choose_token(logits, (), 0, rules, state, generator).state
    assert state.mu == pytest.approx(math.log2(SIZE))


def test_a_padded_row_stands_for_no_token() -> None:
    logits = torch.cat([gpt2_like(SIZE, 0), torch.tensor([500.0])])
    assert chosen(logits, OFF).token < SIZE


@given(st.integers(0, 400), st.integers(0, 5))
def test_alternatives_are_the_likeliest_with_their_own_probability(n: int, seed: int) -> None:
    logits = gpt2_like(SIZE, seed)
    values, places = logits.double().softmax(0).topk(min(n, SIZE))
    found = alternatives(logits, n)
    assert [token for token, _ in found] == places.tolist()
    assert [share for _, share in found] == pytest.approx(values.tolist(), abs=1e-6)


def test_alternatives_come_with_a_choice_when_asked_for() -> None:
    logits = gpt2_like(SIZE, 0)
    choice = choose_token(logits, (), 0, rules_of(SamplerSettings()), SamplerState(), generator_of(0), (), 3)
    assert choice.alternatives == alternatives(logits, 3)
    assert chosen(logits, SamplerSettings()).alternatives == ()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("bias", [100.0, 60.0, -100.0])
@pytest.mark.parametrize("other", [{}, {"temperature": 1e-6}, {"mirostat": 3.0}, {"min_p": 0.0}])
def test_the_strongest_bias_overflows_nothing(bias: float, other: dict[str, float]) -> None:
    logits = gpt2_like(rules_of(SamplerSettings()).vocabulary_size, seed=3)
    rules = rules_of(SamplerSettings(bias=(("a", bias),), **other))
    token = choose_token(logits, [], 0, rules, SamplerState(), generator_of(0)).token
    assert (chr(token).lower() == "a") == (bias > 0)
