"""Backends: the ids that transformers' `generate` finds, whatever was cut, shared or read in parts on the way."""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from storytime_tui.generation.backends.backend import CHUNK, Backend, read_in_chunks
from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.models.transformers_model import TransformersModel
from tests.examples import many
from tests.generation.small_models import OURS, VOCABULARY, WINDOW, greedy_rows_by_generate, ours_of, theirs

KINDS = ["gpt2", "llama", "qwen2", "qwen3", "sliding", "neox", "neo", "opt"]
OUR_KINDS = ["gpt2", *OURS]
PROMPT = [3, 14, 15, 92, 65, 35, 89, 79]
# One kind each that our GPT-2 reads, that our Llama reads, with a window that slides, and that transformers reads,
# with such a window too; the others are computed by the same code.
LONG = ("gpt2", "llama", "sliding", "neox", "neo")
MODELS: dict[str, Any] = {}


def model_of(kind: str) -> Any:
    if kind not in MODELS:
        MODELS[kind] = theirs(kind)
    return MODELS[kind]


def reader_of(kind: str, precision: str = "fp32") -> Backend:
    return make_backend(ours_of(model_of(kind), kind), precision)


def tokens_of(kind: str) -> int:
    """How long a kind tells."""
    return 512 if kind in LONG else 192


@functools.cache
def by_generate(kind: str, *turns: int) -> list[list[int]]:
    """What `generate` tells after the prompt and each of these tokens; without any, after the prompt alone."""
    rows = [[*PROMPT, turn] for turn in turns] or [PROMPT]
    return greedy_rows_by_generate(model_of(kind), rows, tokens_of(kind))


def go_on(backend: Backend, cache: Any, logits: Tensor, tokens: int) -> list[int]:
    told = []
    for _ in range(tokens):
        told.append(int(logits.argmax()))
        logits = backend.read(told[-1:], cache)
    return told


def whole(kind: str, ids: Sequence[int]) -> Tensor:
    """The logits after `ids` by one pass of transformers."""
    with torch.no_grad():
        return model_of(kind)(torch.tensor([list(ids)]), use_cache=False).logits[0, -1]  # type: ignore[no-any-return]


def close(ours: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(ours, right, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("kind", [*KINDS, "mistral"])
def test_greedy_ids_are_those_of_generate_for_a_page(kind: str) -> None:
    backend = reader_of(kind)
    cache = backend.new_cache()
    told = go_on(backend, cache, backend.read(PROMPT, cache), tokens_of(kind))
    assert told == by_generate(kind)[0]
    assert cache.ids == PROMPT + told
    assert cache.length == len(PROMPT) + tokens_of(kind)
    assert len(set(told)) > 10  # a story that says one thing only would agree by chance


def test_gpt2_is_read_the_same_through_transformers() -> None:
    backend = make_backend(TransformersModel(model_of("gpt2")), "fp32")
    cache = backend.new_cache()
    told = go_on(backend, cache, backend.read(PROMPT, cache), 512)
    assert told == by_generate("gpt2")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cut_is_forgotten_for_a_page(kind: str) -> None:
    right = by_generate(kind)[0]
    backend = reader_of(kind)
    cache = backend.new_cache()
    logits = backend.read(PROMPT, cache)
    told: list[int] = []
    while len(told) < tokens_of(kind):
        told += go_on(backend, cache, logits, 64)
        backend.read([7, 8, 9], cache)  # a wrong turn
        backend.cut(cache, len(PROMPT) + len(told) - 1)
        logits = backend.read(told[-1:], cache)
    assert told == right
    assert cache.ids == PROMPT + right


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_share_a_beginning_tell_as_each_alone_for_a_page(kind: str) -> None:
    backend = reader_of(kind)
    turns = [5, 50, 71]
    right = by_generate(kind, *turns)
    first = backend.new_cache()
    backend.read(PROMPT, first)
    cache = backend.share(first, len(turns))
    told: list[list[int]] = [[] for _ in turns]
    logits = backend.read_rows(turns, cache)
    for _ in range(tokens_of(kind)):
        chosen = logits.argmax(1).tolist()
        for row, token in zip(told, chosen, strict=True):
            row.append(token)
        logits = backend.read_rows(chosen, cache)
    assert told == right
    assert first.ids == PROMPT
    assert go_on(backend, first, backend.read([5], first), 20) == right[0][:20]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_stay_go_on_without_the_others(kind: str) -> None:
    backend = reader_of(kind)
    first = backend.new_cache()
    backend.read(PROMPT, first)
    cache = backend.share(first, 4)
    backend.read_rows([1, 2, 3, 4], cache)
    backend.drop(cache, [3, 1])
    close(backend.read_rows([5, 6], cache)[1], whole(kind, [*PROMPT, 2, 6]))
    backend.drop(cache, [0])
    assert cache.ids == [*PROMPT, 4, 5]
    close(backend.read([9, 9, 9], cache), whole(kind, [*PROMPT, 4, 5, 9, 9, 9]))
    again = backend.share(cache, 2)
    close(backend.read_rows([8, 7], again)[0], whole(kind, [*PROMPT, 4, 5, 9, 9, 9, 8]))
    backend.cut(again, 3)
    close(backend.read_rows([8, 7], again)[1], whole(kind, [*PROMPT[:3], 7]))


@pytest.mark.parametrize("kind", KINDS)
def test_in_chunks_is_as_whole(kind: str) -> None:
    backend = reader_of(kind)
    ids = [i * 7 % VOCABULARY for i in range(2 * CHUNK + 50)]
    cache = backend.new_cache()
    close(read_in_chunks(backend, ids, cache), whole(kind, ids))
    assert cache.ids == ids


WALK = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=40)),
        st.tuples(st.just("cut"), st.floats(0, 1)),
        st.tuples(st.just("share"), st.integers(1, 3)),
    ),
    max_size=12,
)


@settings(max_examples=many(40))
@given(WALK, st.sampled_from(["gpt2", "llama", "qwen3", "sliding", "neox"]))
def test_after_any_walk_the_logits_are_those_of_the_ids_alone(walk: list[Any], kind: str) -> None:
    """Cut, share and read in any order: a cache is worth what its ids say, and an older one stays as it was."""
    backend = reader_of(kind)
    cache = backend.new_cache()
    left: list[tuple[Any, list[int]]] = []
    for what, value in walk:
        if what == "read":
            backend.read(value, cache)
        elif what == "cut":
            backend.cut(cache, int(value * cache.length))
        else:
            left.append((cache, list(cache.ids)))
            cache = backend.share(cache, value)
            backend.drop(cache, [value - 1])
    for each, ids in [*left, (cache, list(cache.ids))]:
        assert each.ids == ids
        close(backend.read([1], each), whole(kind, [*ids, 1]))


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox"])
def test_never_a_position_beyond_the_window(kind: str) -> None:
    backend = reader_of(kind)
    cache = backend.new_cache()
    read_in_chunks(backend, [1] * WINDOW, cache)
    with pytest.raises(ValueError, match="window of 640"):
        backend.read([1], cache)
    assert cache.length == WINDOW
    backend.cut(cache, WINDOW - 1)
    close(backend.read([2], cache), whole(kind, [*[1] * (WINDOW - 1), 2]))
    shared = backend.share(cache, 2)
    with pytest.raises(ValueError, match="window of 640"):
        backend.read_rows([1, 1], shared)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox"])
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda r, c: r.read([], c), "nothing to read"),
        (lambda r, c: r.read([VOCABULARY], c), "no token 96"),
        (lambda r, c: r.read([-1], c), "no token -1"),
        (lambda r, c: r.read_rows([1, 2], c), "1 rows, but there are 2"),
        (lambda r, c: r.cut(c, 9), "cannot be cut to 9"),
        (lambda r, c: r.drop(c, []), "at least one row"),
        (lambda r, c: r.share(c, 0), "at least one row"),
        (lambda r, c: r.read([1], r.share(c, 2)), "2 rows, and this is for one"),
        (lambda r, c: r.share(r.share(c, 2), 2), "2 rows, and this is for one"),
    ],
)
def test_a_wrong_call_is_told_and_changes_nothing(kind: str, call: Any, said: str) -> None:
    backend = reader_of(kind)
    cache = backend.new_cache()
    backend.read(PROMPT, cache)
    with pytest.raises(ValueError, match=said):
        call(backend, cache)
    assert cache.ids == PROMPT
    close(backend.read([1], cache), whole(kind, [*PROMPT, 1]))


def test_a_model_that_looks_back_a_little_says_that_it_cannot_be_cut() -> None:
    assert [reader_of(kind).can_cut for kind in [*KINDS, "mistral"]] == [*[True] * len(KINDS), False]
    backend = reader_of("mistral")
    cache = backend.new_cache()
    backend.read([1] * 30, cache)
    with pytest.raises(ValueError, match="cannot forget"):
        backend.cut(cache, 20)
    backend.cut(cache, 0)
    close(backend.read(PROMPT, cache), whole("mistral", PROMPT))


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_weights_are_a_copy(kind: str, precision: str) -> None:
    """Training of the same model may go on, and the model may go away."""
    model = ours_of(copy.deepcopy(model_of(kind)), kind)
    backend = make_backend(model, precision)
    before = backend.read(PROMPT, backend.new_cache())
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(float("nan"))
    assert torch.equal(backend.read(PROMPT, backend.new_cache()), before)
    del model
    assert torch.equal(backend.read(PROMPT, backend.new_cache()), before)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox"])
def test_nothing_is_left_behind(kind: str) -> None:
    """Neither modes nor random state; and a model that is being taught goes on being taught."""
    model = ours_of(copy.deepcopy(model_of(kind)), kind).train()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    backend = make_backend(model, "fp32")
    logits = backend.read(PROMPT, backend.new_cache())
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads
    assert all(module.training for module in model.modules())
    assert all(weight.requires_grad for weight in model.parameters())
    assert logits.dtype == torch.float32 and logits.shape == (VOCABULARY,)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox"])
def test_likelihoods_are_those_of_one_pass(kind: str) -> None:
    ids = [i * 7 % VOCABULARY for i in range(CHUNK + 50)]
    with torch.no_grad():
        logits = model_of(kind)(torch.tensor([ids]), use_cache=False).logits[0]
    right = logits.log_softmax(1)[range(len(ids) - 1), ids[1:]]
    close(reader_of(kind).logprobs(ids), right)
    assert len(reader_of(kind).logprobs(ids[:1])) == 0


def test_dropout_is_off() -> None:
    config = model_of("gpt2").config
    from tests.tiny import ours

    model = ours(model_of("gpt2"), dropout=0.9).train()
    backend = make_backend(model, "fp32")
    close(backend.read(PROMPT, backend.new_cache()), whole("gpt2", PROMPT))
    assert config.n_positions == backend.window == WINDOW


@pytest.mark.parametrize("kind", OUR_KINDS)
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_fewer_digits_are_nearly_the_same(precision: str, kind: str) -> None:
    """Chunks, rows and single tokens too: a token's meaning does not depend on who is read beside it."""
    if precision not in precisions_of(ours_of(model_of(kind), kind)):
        pytest.skip("this machine has none")
    backend = reader_of(kind, precision)
    ids = [i * 7 % VOCABULARY for i in range(200)]
    right = whole(kind, ids)
    cache, single = backend.new_cache(), backend.new_cache()
    at_once = backend.read(ids, cache)
    for token in ids:
        one_by_one = backend.read([token], single)
    backend.cut(cache, 150)
    again = read_in_chunks(backend, ids[150:], cache)
    backend.cut(cache, 199)
    rows = backend.read_rows([5, ids[-1], 8], backend.share(cache, 3))
    for found in (at_once, one_by_one, again, rows[1]):
        assert (found - right).norm() < 0.1 * right.norm()
        assert torch.corrcoef(torch.stack([found, right]))[0, 1] > 0.99


def test_a_precision_that_is_not_to_be_had_is_refused() -> None:
    assert precisions_of(ours_of(model_of("neox"), "neox")) == ("fp32", "bf16")
    with pytest.raises(ValueError, match="use one of fp32, bf16"):
        reader_of("neox", "int8")


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox"])
def test_memory_grows_with_what_is_held(kind: str) -> None:
    backend = reader_of(kind)
    cache = backend.new_cache()
    read_in_chunks(backend, [1] * 100, cache)
    little = backend.memory(cache)
    read_in_chunks(backend, [1] * 500, cache)
    per_token = 2 * 2 * 32 * 4 // (2 if kind == "llama" else 1)
    assert little < backend.memory(cache) <= per_token * WINDOW
    assert backend.memory(cache) >= per_token * 600


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_shared_beginning_is_held_once(kind: str) -> None:
    backend = reader_of(kind)
    cache = backend.new_cache()
    read_in_chunks(backend, [1] * 600, cache)
    assert backend.memory(backend.share(cache, 8)) < 2 * backend.memory(cache)
