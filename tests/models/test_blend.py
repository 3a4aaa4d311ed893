"""A run between its base and beyond itself: exact at both ends, and a live model is as it was afterwards."""

import copy
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from storytime_tui.errors import Misused, ModelError
from storytime_tui.models import blend, lora
from storytime_tui.models.voices import check_shares, check_strength
from tests.examples import many
from tests.generation.small_models import ours_of, theirs
from tests.tiny import ours, tiny_gpt2

IDS = torch.randint(0, 64, (2, 16), generator=torch.Generator().manual_seed(0))
BASE, RUN, OTHER = (ours(tiny_gpt2(seed=seed)).eval() for seed in range(3))
NUMBERS = st.floats(-1e4, 1e4, width=32)
PAIRS = st.integers(1, 5).flatmap(lambda n: st.tuples(*[st.lists(NUMBERS, min_size=n, max_size=n)] * 2))
KINDS = st.sampled_from([torch.float32, torch.bfloat16, torch.float16])
STRENGTHS = st.floats(0, 2)


def same(one: blend.State, other: blend.State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def copied(model: Any) -> dict[str, Tensor]:
    return {name: each.clone() for name, each in blend.state_of(model).items()}


def at(strength: float, base: Any = BASE, run: Any = RUN) -> Any:
    return blend.copied_at(run, blend.state_of(base), strength)


@given(PAIRS, KINDS, KINDS, STRENGTHS)
def test_each_number_lies_on_the_line_through_base_and_run(
    pair: tuple[list[float], list[float]], base_kind: torch.dtype, kind: torch.dtype, strength: float
) -> None:
    base, run = torch.tensor(pair[0]).to(base_kind), torch.tensor(pair[1]).to(kind)
    assert torch.equal(blend.blend(base, run, 0.0), base.to(kind))
    assert blend.blend(base, run, 1.0) is run
    found = blend.blend(base, run, strength)
    assert found.dtype == kind
    exact = base.double() + strength * (run.double() - base.double())
    size = base.double().abs() + strength * (run.double() - base.double()).abs()
    room = size * (torch.finfo(kind).eps + 4 * torch.finfo(torch.float32).eps) + torch.finfo(kind).tiny
    within = exact.abs() <= torch.finfo(kind).max
    assert bool(((found.double() - exact).abs() <= room)[within].all())


def test_the_ends_are_the_base_and_the_run_to_the_last_bit() -> None:
    assert same(blend.state_of(at(0.0)), blend.state_of(BASE))
    assert same(blend.state_of(at(1.0)), blend.state_of(RUN))
    assert torch.equal(at(0.0)(IDS), BASE(IDS))
    assert torch.equal(at(1.0)(IDS), RUN(IDS))


@pytest.mark.parametrize("kind", ["llama", "opt"])
def test_any_model_of_transformers_is_blended_and_what_is_tied_stays_tied(kind: str) -> None:
    base, run = (ours_of(theirs(kind), kind) for _ in range(2))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in run.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    there = at(1.5, base, run)
    assert len(list(there.parameters())) == len(list(run.parameters()))
    ends = blend.state_of(base), blend.state_of(run)
    for name, found in blend.state_of(there).items():
        torch.testing.assert_close(found, ends[0][name] + 1.5 * (ends[1][name] - ends[0][name]))
    assert torch.equal(at(0.0, base, run)(IDS), base(IDS))


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=many(10))
def test_other_runs_have_their_shares_and_the_run_the_rest(first: float, second: float) -> None:
    whole = math.fsum((first, second)) or 1.0
    shares = [first / max(whole, 1), second / max(whole, 1)]
    model = copy.deepcopy(RUN)
    blend.mix(model, shares, [blend.state_of(OTHER), blend.state_of(BASE)])
    run, other, base = (blend.state_of(each) for each in (RUN, OTHER, BASE))
    for name, found in blend.state_of(model).items():
        wanted = (1 - sum(shares)) * run[name] + shares[0] * other[name] + shares[1] * base[name]
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(("share", "alone"), [(0.0, RUN), (1.0, OTHER)])
def test_a_share_of_nothing_or_all_is_one_run_alone(share: float, alone: Any) -> None:
    model = copy.deepcopy(RUN)
    blend.mix(model, [share], [blend.state_of(OTHER)])
    assert same(blend.state_of(model), blend.state_of(alone))


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 1.4, 2.0])
def test_a_live_model_is_put_at_a_strength_and_back(strength: float) -> None:
    live, base = copy.deepcopy(RUN), blend.starting_point(BASE)
    before = copied(live)
    with pytest.raises(KeyError), blend.at_strength(live, base, strength):
        assert same(blend.state_of(live), blend.state_of(at(strength)))
        raise KeyError  # whatever happens meanwhile
    assert same(blend.state_of(live), before)


def test_what_did_not_learn_takes_no_memory_and_stays() -> None:
    live = copy.deepcopy(RUN)
    live.transformer.wte.weight.requires_grad_(False)
    base = blend.starting_point(live)
    assert "transformer.wte.weight" not in base and "transformer.wpe.weight" in base
    words = live.transformer.wte.weight.clone()
    with torch.no_grad():
        live.transformer.wpe.weight.add_(1)
    with blend.at_strength(live, base, 0.0):
        assert same(blend.state_of(live), blend.state_of(RUN))
    assert torch.equal(live.transformer.wte.weight, words)


def test_a_lora_run_is_put_at_a_strength_by_its_scale_as_if_it_were_merged() -> None:
    pytest.importorskip("peft")
    live = copy.deepcopy(BASE)
    lora.add_lora(live, 4, None, (), seed=1)
    assert blend.starting_point(live) == {}
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in live.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1, generator=generator)
    as_trained = live(IDS)
    merged = copy.deepcopy(live)
    for module in list(merged.modules()):
        if hasattr(module, "merge") and hasattr(module, "lora_A"):
            module.merge()
    merged_state = {
        name.replace(".base_layer", ""): each
        for name, each in blend.state_of(merged).items()
        if ".lora_" not in name
    }
    run = copy.deepcopy(BASE)
    for strength in (0.0, 0.5, 1.3):
        with torch.no_grad():
            for name, each in blend.state_of(run).items():
                each.copy_(merged_state[name])
        blend.put_at_strength(run, blend.state_of(BASE), strength)
        with blend.at_strength(live, {}, strength):
            torch.testing.assert_close(live(IDS), run(IDS), rtol=1e-4, atol=1e-5)
            if strength == 0:
                assert torch.equal(live(IDS), BASE(IDS))
    assert torch.equal(live(IDS), as_trained)


def test_models_that_do_not_belong_together_are_a_sentence_and_nothing_changes() -> None:
    other = ours(tiny_gpt2(vocabulary=32))
    with pytest.raises(
        ModelError, match=r"^one and two cannot be blended: transformer\.wte\.weight is missing in"
    ):
        blend.check_alike(blend.state_of(other), blend.state_of(BASE), "one", "two")
    live = copy.deepcopy(RUN)
    with pytest.raises(ModelError), blend.at_strength(live, blend.state_of(other), 0.5):
        raise AssertionError("it never begins")
    with pytest.raises(ModelError), blend.at_strength(live, {"nothing": torch.zeros(1)}, 0.5):
        raise AssertionError("it never begins")
    assert same(blend.state_of(live), blend.state_of(RUN))


@pytest.mark.parametrize("strength", [-0.01, 2.01, math.nan, math.inf, -math.inf])
def test_a_strength_that_there_is_not_is_a_sentence(strength: float) -> None:
    with pytest.raises(Misused, match=r"^The strength is .*, but must be from 0"):
        check_strength(strength)


@pytest.mark.parametrize("shares", [[-0.1], [1.1], [math.nan], [math.inf], [0.6, 0.6]])
def test_shares_that_there_cannot_be_are_a_sentence(shares: list[float]) -> None:
    with pytest.raises(Misused, match="share"):
        check_shares([("other", share) for share in shares])
    check_shares([("one", 0.5), ("two", 0.5)])
