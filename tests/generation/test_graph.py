"""The step on fixed memory says what the plain reader says; on a GPU it is recorded, and says it again."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.gpt2_reader import GPT2Reader
from storytime_tui.generation.graph import Steps, choose, set_knobs
from storytime_tui.generation.matrices import kinds_of_int8
from storytime_tui.generation.sampling import log_probabilities, possible
from storytime_tui.generation.settings import Knobs, SamplerSettings
from tests.generation.small_models import VOCABULARY, WINDOW, greedy_by_generate, ours_of, theirs

PROMPT = [3, 14, 15, 92, 65, 35, 89, 79]
MODEL = theirs("gpt2")
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


def steps_of(device: str = "cpu", precision: str = "fp32", rows: int = 1) -> tuple[GPT2Reader, Steps]:
    reader = GPT2Reader(ours_of(MODEL, "gpt2").to(device), precision)
    steps = Steps(reader, rows)
    if device == "cuda":
        steps.record()
    return reader, steps


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("device", DEVICES)
def test_greedy_ids_are_those_of_generate_for_512_tokens(device: str) -> None:
    reader, steps = steps_of(device)
    reader.read(PROMPT[:-1], steps.cache)
    telling = steps.tell(PROMPT[-1:], Knobs(temperature=0), drawn())
    told = [next(telling).tokens[0] for _ in range(512)]
    assert told == greedy_by_generate(MODEL, PROMPT, 512)
    assert steps.cache.ids == PROMPT + told[:-1]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["fp32", "bf16", *(["int8"] if kinds_of_int8() else [])])
def test_log_probabilities_are_the_plain_readers(device: str, precision: str) -> None:
    if device == "cuda" and precision == "int8":
        pytest.skip("a GPU has none")
    reader, steps = steps_of(device, precision)
    reader.read(PROMPT[:-1], steps.cache)
    plain = reader.new_cache()
    logits = reader.read(PROMPT, plain)
    telling = steps.tell(PROMPT[-1:], Knobs(0.9, 40, 0.9, 0.02), drawn())
    for _ in range(30):
        (token,), (log_p,) = next(telling)
        exact = 1e-4 if precision == "fp32" else 0.3
        assert log_p == pytest.approx(float(logits.log_softmax(0)[token]), abs=exact)
        logits = reader.read([token], plain)


@pytest.mark.parametrize("device", DEVICES)
def test_after_a_stop_and_a_cut_the_reader_goes_on_in_the_same_cache(device: str) -> None:
    reader, steps = steps_of(device)
    reader.read(PROMPT[:-1], steps.cache)
    telling = steps.tell(PROMPT[-1:], Knobs(), drawn())
    told = [next(telling).tokens[0] for _ in range(20)]
    telling.close()
    reader.cut(steps.cache, len(PROMPT) + 10)
    ids = PROMPT + told[:10] + [7]
    fresh = reader.new_cache()
    torch.testing.assert_close(reader.read([7], steps.cache), reader.read(ids, fresh), rtol=1e-4, atol=2e-3)
    again = steps.tell([8], Knobs(temperature=0), drawn())
    assert next(again).tokens[0] == int(reader.read([8], fresh).argmax())


@pytest.mark.parametrize("device", DEVICES)
def test_rows_tell_by_themselves(device: str) -> None:
    _, steps = steps_of(device, rows=3)
    telling = steps.tell([5, 50, 71], Knobs(temperature=0), drawn())
    told = list(zip(*(next(telling).tokens for _ in range(40)), strict=True))
    assert [list(row) for row in told] == [greedy_by_generate(MODEL, [turn], 40) for turn in (5, 50, 71)]


def test_it_ends_with_the_window() -> None:
    reader, steps = steps_of()
    reader.read([1] * (WINDOW - 3), steps.cache)
    assert len(list(steps.tell([1], Knobs(), drawn()))) == 3
    assert steps.cache.length == WINDOW
    with pytest.raises(ValueError, match="is full"):
        next(steps.tell([1], Knobs(), drawn()))
    with pytest.raises(ValueError, match="for 1 rows"):
        next(steps.tell([1, 2], Knobs(), drawn()))


def test_the_same_seed_tells_the_same() -> None:
    def told(seed: int) -> list[int]:
        _, steps = steps_of()
        telling = steps.tell([1], Knobs(), drawn(seed))
        return [next(telling).tokens[0] for _ in range(30)]

    state = torch.get_rng_state()
    assert told(1) == told(1) != told(2)
    assert torch.equal(torch.get_rng_state(), state)


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=30, unique=True),
    st.floats(0.2, 2.0),
    st.integers(0, 31),
    st.floats(0.05, 1.0),
)
def test_what_is_drawn_has_the_samplers_probabilities(
    numbers: list[float], temperature: float, top_k: int, top_p: float
) -> None:
    """Each token is drawn for a stretch of the uniform numbers as long as `sampling` finds it likely."""
    logits = torch.tensor(numbers)
    wished = SamplerSettings(top_k=top_k, top_p=top_p, min_p=0)
    ids, scores = possible(
        log_probabilities(logits.numpy()), wished, np.zeros(len(logits), bool), torch.Generator()
    )
    right: Any = torch.zeros(len(logits), dtype=torch.double)
    right[torch.from_numpy(ids)] = (torch.from_numpy(scores).double() / temperature).softmax(0)
    uniform = (torch.arange(4000) + 0.5) / 4000
    knobs = set_knobs(Knobs(temperature, top_k, top_p), len(numbers))
    tokens, log_p = choose(logits.expand(4000, -1), knobs, uniform)
    shares = torch.bincount(tokens, minlength=len(numbers)).double() / 4000
    # at the very edge of the nucleus the two sum in another order, and one token more or less may be kept
    if set(shares.nonzero().flatten().tolist()) <= set(right.nonzero().flatten().tolist()):
        edge = right[right > 0].min() if (shares[right > 0] == 0).any() else 0.0
        assert (shares - right).abs().max() <= 1 / 2000 + 2 * edge
    else:
        assert top_p < 1
    assert torch.allclose(log_p, logits.log_softmax(0)[tokens], atol=1e-5)


@given(st.integers(0, VOCABULARY - 1), st.floats(0, 1, exclude_max=True, width=32))
def test_the_likeliest_is_always_kept(top: int, uniform: float) -> None:
    logits = torch.zeros(1, VOCABULARY)
    logits[0, top] = 30.0
    drawn_at = torch.tensor([uniform])
    for knobs in (Knobs(0), Knobs(1, 1), Knobs(1, 0, 0.01), Knobs(1, 0, 1, 0.99), Knobs(1e-9)):
        assert choose(logits, set_knobs(knobs, VOCABULARY), drawn_at)[0].tolist() == [top]


def test_min_p_keeps_what_is_near_the_likeliest() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log().expand(1000, -1)
    uniform = (torch.arange(1000) + 0.5) / 1000
    tokens, _ = choose(logits, set_knobs(Knobs(min_p=0.25), 4), uniform)
    assert torch.bincount(tokens, minlength=4).tolist() == pytest.approx([526, 316, 158, 0], abs=1)
