"""The step on fixed memory says what the plain backend says; on a GPU it is recorded, and says it again."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.backends.cuda_graph import (
    ChangesBuffer,
    GraphedSteps,
    _extents,
    choose_tokens,
    has_room,
    knob_tensor,
    needs_sorting,
)
from storytime_tui.generation.backends.own_model import OwnBackend
from storytime_tui.generation.backends.prepare import make_backend
from storytime_tui.generation.backends.quantized_linear import kinds_of_int8
from storytime_tui.generation.sampling import sampler
from storytime_tui.generation.sampling.presets import with_preset
from storytime_tui.generation.sampling.rules import rules_for
from storytime_tui.generation.sampling.sampler import (
    SamplerState,
    apply_changes,
    candidates,
    changes,
    log_probabilities,
    uniform,
)
from storytime_tui.generation.sampling.settings import Knobs, SamplerSettings, knobs_of
from tests.generation.fakes import Bytes
from tests.generation.small_models import VOCABULARY, WINDOW, greedy_by_generate, ours_of, theirs

PROMPT = [3, 14, 15, 92, 65, 35, 89, 79]
MODELS = {kind: theirs(kind) for kind in ("gpt2", "llama", "qwen3", "sliding")}
# the presets, and with all that is asked for outright
WAYS = [with_preset(SamplerSettings(), name) for name in ("steady", "lively", "wild")] + [
    SamplerSettings(bias=(("b", 2.0), ("ab", -3.0)), no_repeat=3, min_tokens=9, top_k=30, frequency=0.2)
]


def name_of(way: SamplerSettings) -> str:
    return f"top-p {way.top_p}, min-p {way.min_p}, no repeat {way.no_repeat}"


DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


def steps_of(
    device: str = "cpu", precision: str = "fp32", rows: int = 1, kind: str = "gpt2"
) -> tuple[OwnBackend, GraphedSteps]:
    backend = make_backend(ours_of(MODELS[kind], kind).to(device), precision)
    assert isinstance(backend, OwnBackend)
    steps = GraphedSteps(backend, rows)
    if device == "cuda":
        steps.record()
    return backend, steps


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("device", DEVICES)
def test_greedy_ids_are_those_of_generate_for_512_tokens(device: str, kind: str) -> None:
    backend, steps = steps_of(device, kind=kind)
    backend.read(PROMPT[:-1], steps.cache)
    telling = steps.tell(PROMPT[-1:], Knobs(temperature=0), drawn())
    told = [next(telling).tokens[0] for _ in range(512)]
    assert told == greedy_by_generate(MODELS[kind], PROMPT, 512)
    assert steps.cache.ids == PROMPT + told[:-1]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["fp32", "bf16", *(["int8"] if kinds_of_int8() else [])])
def test_log_probabilities_are_the_plain_readers(device: str, precision: str) -> None:
    if device == "cuda" and precision == "int8":
        pytest.skip("a GPU has none")
    backend, steps = steps_of(device, precision)
    backend.read(PROMPT[:-1], steps.cache)
    plain = backend.new_cache()
    logits = backend.read(PROMPT, plain)
    telling = steps.tell(PROMPT[-1:], Knobs(0.9, 40, 0.9, 0.02), drawn())
    for _ in range(30):
        (token,), (logprob,) = next(telling)
        exact = 1e-4 if precision == "fp32" else 0.3
        assert logprob == pytest.approx(float(logits.log_softmax(0)[token]), abs=exact)
        logits = backend.read([token], plain)


@pytest.mark.parametrize("device", DEVICES)
def test_after_a_stop_and_a_cut_the_reader_goes_on_in_the_same_cache(device: str) -> None:
    backend, steps = steps_of(device)
    backend.read(PROMPT[:-1], steps.cache)
    telling = steps.tell(PROMPT[-1:], Knobs(), drawn())
    told = [next(telling).tokens[0] for _ in range(20)]
    telling.close()
    backend.cut(steps.cache, len(PROMPT) + 10)
    ids = PROMPT + told[:10] + [7]
    fresh = backend.new_cache()
    torch.testing.assert_close(backend.read([7], steps.cache), backend.read(ids, fresh), rtol=1e-4, atol=2e-3)
    again = steps.tell([8], Knobs(temperature=0), drawn())
    assert next(again).tokens[0] == int(backend.read([8], fresh).argmax())


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("device", DEVICES)
def test_rows_tell_by_themselves(device: str, kind: str) -> None:
    _, steps = steps_of(device, rows=3, kind=kind)
    telling = steps.tell([5, 50, 71], Knobs(temperature=0), drawn())
    told = list(zip(*(next(telling).tokens for _ in range(40)), strict=True))
    assert [list(row) for row in told] == [
        greedy_by_generate(MODELS[kind], [turn], 40) for turn in (5, 50, 71)
    ]


class Letters:
    """As many tokens as the model has rows: a character each."""

    vocabulary_size, end_of_text = VOCABULARY, 0

    def encode(self, text: str) -> list[int]:
        return [byte - 32 for byte in text.encode()]

    def token_bytes(self, token: int, /) -> bytes:
        return bytes([32 + token])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wished", WAYS, ids=name_of)
def test_with_penalties_it_tells_what_sampling_chooses_token_by_token(
    device: str, wished: SamplerSettings
) -> None:
    backend, steps = steps_of(device)
    backend.read(PROMPT[:-1], steps.cache)
    plain, ids, forbidden = backend.new_cache(), list(PROMPT), [7, 8]
    rules, theirs, knobs = rules_for(wished, Letters()), drawn(3), knobs_of(wished)
    assert knobs is not None
    telling = steps.tell(
        PROMPT[-1:], knobs, drawn(3), lambda: changes(ids, len(ids) - len(PROMPT), rules, forbidden)
    )
    logits = backend.read(PROMPT, plain)
    for _ in range(140):
        chosen = sampler.choose_token(
            logits, ids, len(ids) - len(PROMPT), rules, SamplerState(), theirs, forbidden
        )
        (token,), (logprob,) = next(telling)
        assert token == chosen.token
        assert logprob == pytest.approx(chosen.logprob, abs=1e-3)
        ids.append(token)
        forbidden = [token, 7]
        logits = backend.read([token], plain)


@pytest.mark.parametrize("kind", MODELS)
def test_a_window_that_would_take_most_of_the_memory_has_no_graphs(kind: str) -> None:
    backend, steps = steps_of(kind=kind)
    needed = backend.memory(steps.cache)
    assert has_room(backend, 2 * needed)
    assert not has_room(backend, 2 * needed - 1)


@pytest.mark.parametrize("window", [100, 256, 300, 1024, 2049, 5000, 32_768])
def test_each_position_has_a_graph_that_attends_to_it_and_not_to_many_more(window: int) -> None:
    extents = _extents(window)
    assert list(extents) == sorted({*extents}) and extents[-1] == window
    assert len(extents) < 14
    smaller = (0, *extents)
    assert all(
        extent <= max(before + 256, 2 * before + 512) for before, extent in itertools.pairwise(smaller)
    )


def test_it_ends_with_the_window() -> None:
    backend, steps = steps_of()
    backend.read([1] * (WINDOW - 3), steps.cache)
    assert len(list(steps.tell([1], Knobs(), drawn()))) == 3
    assert steps.cache.length == WINDOW
    with pytest.raises(ValueError, match="is full"):
        next(steps.tell([1], Knobs(), drawn()))
    with pytest.raises(ValueError, match="need 1 rows"):
        next(steps.tell([1, 2], Knobs(), drawn()))


def test_the_same_seed_tells_the_same() -> None:
    def told(seed: int) -> list[int]:
        _, steps = steps_of()
        telling = steps.tell([1], Knobs(), drawn(seed))
        return [next(telling).tokens[0] for _ in range(30)]

    state = torch.get_rng_state()
    assert told(1) == told(1) != told(2)
    assert torch.equal(torch.get_rng_state(), state)


def unchanged(size: int) -> torch.Tensor:
    return torch.stack((torch.ones(size), torch.zeros(size)))


def shares_by_choose(logits: torch.Tensor, changes: torch.Tensor, knobs: Knobs, draws: int) -> Any:
    """How many of evenly spread numbers each token is drawn for, and whether its log p is the model's own."""
    uniforms = (torch.arange(draws, dtype=torch.double) + 0.5) / draws
    size = len(logits)
    tokens, logprob = choose_tokens(
        logits.expand(draws, -1), changes, knob_tensor(knobs, size), uniforms, needs_sorting(knobs, size)
    )
    assert torch.allclose(logprob, logits.log_softmax(0)[tokens], atol=1e-5)
    return torch.bincount(tokens, minlength=size).double() / draws


def shares_by_sampling(scores: Any, settings: SamplerSettings) -> Any:
    ids, left = candidates(scores, settings, np.zeros(len(scores), bool), torch.Generator())
    right: Any = torch.zeros(len(scores), dtype=torch.double)
    right[torch.from_numpy(ids)] = (torch.from_numpy(left).double() / settings.temperature).softmax(0)
    return right


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=30, unique=True),
    st.floats(0.2, 2.0),
    st.integers(0, 31),
    st.floats(0.05, 1.0),
    st.sampled_from([0.0, 0.0, 0.03, 0.3]),
)
def test_what_is_drawn_has_the_samplers_probabilities(
    numbers: list[float], temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    """Each token is drawn for a stretch of the uniform numbers as long as `sampling` finds it likely."""
    logits = torch.tensor(numbers)
    wished = SamplerSettings(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    right = shares_by_sampling(log_probabilities(logits.numpy()), wished)
    knobs = Knobs(temperature, top_k, top_p, min_p)
    shares = shares_by_choose(logits, unchanged(len(numbers)), knobs, 1000)
    # at the very edge of the nucleus the two sum in another order, and one token more or less may be kept
    if set(shares.nonzero().flatten().tolist()) <= set(right.nonzero().flatten().tolist()):
        edge = right[right > 0].min() if (shares[right > 0] == 0).any() else 0.0
        assert (shares - right).abs().max() <= 1 / 500 + 2 * edge
    else:
        assert top_p < 1


@pytest.mark.parametrize("wished", WAYS, ids=name_of)
@given(data=st.data())
def test_penalties_and_bans_bear_on_the_draw_as_in_sampling(wished: SamplerSettings, data: Any) -> None:
    size = len(Bytes.pieces)
    seed = data.draw(st.integers(0, 10_000))
    told = data.draw(st.lists(st.sampled_from([97, 98, 99, 32, 258, 257, 10]), max_size=40))
    forbidden = data.draw(st.lists(st.integers(0, size - 1), max_size=5))
    logits = torch.randn(size, generator=drawn(seed)) * 3
    rules = rules_for(wished, Bytes())
    found = changes(told, min(3, len(told)), rules, forbidden)
    right = shares_by_sampling(apply_changes(log_probabilities(logits.numpy()), found), wished)
    held = ChangesBuffer(size, torch.device("cpu"))
    held.set(changes([100, 101, 100, 101, 100], 0, rules, [5]))  # what was there before leaves nothing behind
    held.set(found)
    knobs = knobs_of(wished)
    assert knobs is not None
    shares = shares_by_choose(logits, held.device_tensor, knobs, 1000)
    assert (shares - right).abs().max() <= 1 / 500
    held.set(None)
    assert torch.equal(held.device_tensor, unchanged(size))


@given(st.integers(0, 10_000), st.sampled_from(WAYS))
def test_the_same_number_draws_the_same_token_as_in_sampling(seed: int, wished: SamplerSettings) -> None:
    size = len(Bytes.pieces)
    rules = rules_for(wished, Bytes())
    logits = torch.randn(size, generator=drawn(seed)) * 3
    told = [97, 98, 97, 98, 97, 98, 97, 98]
    theirs = sampler.choose_token(logits, told, 4, rules, SamplerState(), drawn(seed), [3])
    held, knobs = ChangesBuffer(size, torch.device("cpu")), knobs_of(wished)
    assert knobs is not None
    held.set(changes(told, 4, rules, [3]))
    at = torch.tensor([uniform(drawn(seed))], dtype=torch.double)
    tokens, logprob = choose_tokens(
        logits[None], held.device_tensor, knob_tensor(knobs, size), at, needs_sorting(knobs, size)
    )
    assert tokens.tolist() == [theirs.token]
    assert logprob.item() == pytest.approx(theirs.logprob, abs=1e-5)


def test_where_all_is_forbidden_the_story_ends() -> None:
    size, wished = len(Bytes.pieces), SamplerSettings()
    held = ChangesBuffer(size, torch.device("cpu"))
    held.set(changes([97], 1, rules_for(wished, Bytes()), range(size)))
    assert shares_by_choose(torch.zeros(size), held.device_tensor, Knobs(), 10)[Bytes.end_of_text] == 1


def test_changes_are_for_one_row() -> None:
    _, steps = steps_of(rows=2)
    with pytest.raises(ValueError, match="has 2 rows"):
        next(steps.tell([1, 2], Knobs(), drawn(), lambda: changes([1], 0, rules_for(WAYS[0], Bytes()))))


@given(st.integers(0, VOCABULARY - 1), st.floats(0, 1, exclude_max=True, width=32))
def test_the_likeliest_is_always_kept(top: int, uniform: float) -> None:
    logits = torch.zeros(1, VOCABULARY)
    logits[0, top] = 30.0
    drawn_at = torch.tensor([uniform], dtype=torch.double)
    for knobs in (Knobs(1, 1), Knobs(1, 0, 0.01), Knobs(1, 0, 1, 0.99), Knobs(1e-9)):
        numbers, ordered = knob_tensor(knobs, VOCABULARY), needs_sorting(knobs, VOCABULARY)
        assert choose_tokens(logits, unchanged(VOCABULARY), numbers, drawn_at, ordered)[0].tolist() == [top]


def test_without_warmth_the_first_of_the_likeliest_is_taken() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0, 1.9999999]])
    numbers = knob_tensor(Knobs(0), 4)
    tokens, _ = choose_tokens(logits, unchanged(4), numbers, torch.zeros(1, dtype=torch.double), False)
    assert tokens.tolist() == [1]
