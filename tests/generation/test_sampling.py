"""Sampling is transformers' own, to 1e-6, and draws what it says it draws."""

import itertools
import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling import (
    apply_temperature,
    keep_top_k,
    keep_top_p,
    probabilities,
    sample,
)
from storytime_tui.generation.settings import SamplerSettings

TEMPERATURES = (0.3, 0.8, 1.0, 1.7)
TOP_KS = (0, 1, 5, 40, 10_000)
TOP_PS = (0.05, 0.5, 0.9, 0.95, 1.0)

numbers = st.lists(st.floats(-120, 20, width=32), min_size=1, max_size=40).map(torch.tensor)


def gpt2_like(size: int, seed: int) -> torch.Tensor:
    """Logits in the range of GPT-2's: about -35 to -112."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 8 - 75


@pytest.mark.parametrize("size", [7, 2048, 50_257])
@pytest.mark.parametrize(("temperature", "top_k", "top_p"), itertools.product(TEMPERATURES, TOP_KS, TOP_PS))
def test_the_warpers_of_transformers_in_their_order_give_the_same(
    size: int, temperature: float, top_k: int, top_p: float
) -> None:
    logits = gpt2_like(size, seed=size + top_k)
    theirs = TemperatureLogitsWarper(temperature)(None, logits[None])
    if top_k:
        theirs = TopKLogitsWarper(top_k)(None, theirs)
    if top_p < 1:
        theirs = TopPLogitsWarper(top_p)(None, theirs)
    ours = probabilities(logits, SamplerSettings(temperature=temperature, top_k=top_k, top_p=top_p))
    assert torch.equal(ours > 0, theirs[0].softmax(0) > 0)
    assert (ours - theirs[0].softmax(0)).abs().max() <= 1e-6


@given(numbers, st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_of_the_likeliest(logits: torch.Tensor, p: float) -> None:
    kept = keep_top_p(logits, p).isfinite()
    probability = logits.double().softmax(0)
    inside = sorted(probability[kept].tolist())
    outside = probability[~kept].tolist()
    assume(abs(math.fsum(inside) - p) > 1e-5)  # on the border rounding decides
    assume(abs(math.fsum(inside[1:]) - p) > 1e-5)
    assert inside
    assert max(outside, default=0.0) <= inside[0] + 1e-7
    assert math.fsum(inside) >= p
    assert math.fsum(inside[1:]) < p


@given(numbers, st.integers(0, 50))
def test_top_k_keeps_the_k_likeliest_and_their_equals(logits: torch.Tensor, k: int) -> None:
    kept = keep_top_k(logits, k).isfinite()
    ranked = sorted(logits.tolist(), reverse=True)
    lowest = ranked[min(k, len(ranked)) - 1] if k else ranked[-1]
    assert kept.tolist() == [value >= lowest for value in logits.tolist()]


any_settings = st.builds(
    SamplerSettings,
    temperature=st.floats(0, 5),
    top_k=st.integers(0, 50),
    top_p=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 2**63 - 1),
)


@given(numbers, any_settings)
def test_no_settings_break_the_draw(logits: torch.Tensor, settings: SamplerSettings) -> None:
    token, logprob = sample(logits, settings, torch.Generator().manual_seed(settings.seed))
    assert 0 <= token < len(logits)
    assert logprob == pytest.approx(logits.double().log_softmax(0)[token].item(), abs=1e-4)
    if settings.top_k == 1 or settings.temperature == 0:
        assert logits[token] == logits.max()


def test_draws_follow_the_probabilities() -> None:
    """Pearson's chi-squared over 7 tokens (6 degrees of freedom): above 22.46 once in a thousand times."""
    logits = torch.tensor([2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -9.0])
    settings = SamplerSettings(temperature=1.3, top_k=7, top_p=1.0)
    generator = torch.Generator().manual_seed(11)
    draws = 20_000
    counts = [0] * 8
    for _ in range(draws):
        counts[sample(logits, settings, generator)[0]] += 1
    expected = (probabilities(logits, settings) * draws).tolist()
    assert counts[7] == 0
    assert sum((n - e) ** 2 / e for n, e in zip(counts[:7], expected[:7], strict=True)) < 22.46


def test_a_temperature_of_zero_takes_the_likeliest_and_no_randomness() -> None:
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    logits = gpt2_like(100, 0)
    assert sample(logits, SamplerSettings(temperature=0), generator)[0] == int(logits.argmax())
    assert torch.equal(generator.get_state(), before)


def test_only_the_given_generator_is_drawn_from() -> None:
    before = torch.get_rng_state()
    logits = gpt2_like(100, 0)
    first = [sample(logits, SamplerSettings(), torch.Generator().manual_seed(5)) for _ in range(3)]
    assert first[0] == first[1] == first[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_the_functions_leave_their_input_alone() -> None:
    logits = gpt2_like(100, 0)
    copy = logits.clone()
    apply_temperature(logits, 0.5)
    keep_top_k(logits, 3)
    keep_top_p(logits, 0.5)
    assert torch.equal(logits, copy)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_logits_that_are_no_numbers_are_said_in_a_sentence(broken: float, temperature: float) -> None:
    with pytest.raises(ModelError, match="earlier checkpoint"):
        sample(torch.tensor([1.0, broken]), SamplerSettings(temperature=temperature), torch.Generator())


def test_an_impossible_token_is_never_drawn() -> None:
    logits = torch.tensor([-math.inf, 0.0, -math.inf])
    assert sample(logits, SamplerSettings(), torch.Generator()) == (1, 0.0)
