"""The stream of a story: exact, repeatable, stoppable, inside its window, and without a trace afterwards."""

import dataclasses
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import GPT2LMHeadModel

from storytime_tui.errors import ModelError
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.settings import SamplerSettings
from storytime_tui.generation.storyteller import PREFILL, Storyteller
from storytime_tui.models.foreign import Foreign
from storytime_tui.models.gpt2 import Cache
from tests.generation.fakes import WINDOW, Bytes, Scripted, Watched, tiny_gpt2
from tests.tiny import ours

CPU = torch.device("cpu")
GREEDY = SamplerSettings(temperature=0, max_tokens=40)
BOLD = SamplerSettings(temperature=1.0, top_p=1.0, max_tokens=40, seed=7)
EOT = Bytes.end_of_text


def teller_of(model: nn.Module, **options: object) -> Storyteller:
    """A model by transformers is read through `Foreign`; what is ours, and the fakes, as they are."""
    reading = Foreign(model) if isinstance(model, GPT2LMHeadModel) else model
    return Storyteller(reading, Bytes(), CPU, **options)  # type: ignore[arg-type]


def split(told: Iterable[Piece | Told]) -> tuple[list[Piece], Told]:
    *pieces, last = told
    assert isinstance(last, Told)
    assert all(isinstance(piece, Piece) for piece in pieces)
    return pieces, last  # type: ignore[return-value]


def text_of(told: Iterable[Piece | Told]) -> str:
    return "".join(item.text if isinstance(item, Piece) else item.tail for item in told)


def logits_after(model: nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0, -1, : Bytes.vocabulary_size]


@pytest.mark.parametrize("read_as", [ours, lambda model: model], ids=["ours", "foreign"])
def test_greedy_ids_are_those_of_generate_for_64_tokens(read_as: Callable[[Any], Any]) -> None:
    model = tiny_gpt2(window=256)
    prompt = [EOT, *Bytes().encode("Once upon a time there was an owl")]
    # Forbidden to both: the padding beyond the tokenizer's vocabulary, which generate knows nothing of.
    banned = [[token] for token in range(Bytes.vocabulary_size, model.config.vocab_size)]
    theirs = model.generate(
        torch.tensor([prompt]), max_new_tokens=64, do_sample=False, bad_words_ids=banned, pad_token_id=EOT
    )[0, len(prompt) :].tolist()
    told = teller_of(read_as(model).eval()).tell(
        "Once upon a time there was an owl", dataclasses.replace(GREEDY, max_tokens=64)
    )
    pieces, last = split(told)
    assert [piece.token for piece in pieces] == theirs
    assert (last.tokens, last.stopped_by) == (64, "length")


def test_a_log_probability_is_the_models_own() -> None:
    model = tiny_gpt2()
    ids = [EOT, *Bytes().encode("An owl")]
    for piece in split(teller_of(model).tell("An owl", BOLD))[0]:
        expected = logits_after(model, ids).log_softmax(0)[piece.token].item()
        assert piece.logprob == pytest.approx(expected, abs=1e-4)
        ids.append(piece.token)


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    teller = teller_of(tiny_gpt2())
    first, again = (split(teller.tell("An owl", BOLD))[0] for _ in range(2))
    other = split(teller.tell("An owl", dataclasses.replace(BOLD, seed=8)))[0]
    assert first == again
    assert [piece.token for piece in first] != [piece.token for piece in other]


@pytest.mark.parametrize("after", [0, 1, 5, 39])
def test_a_stop_gives_exactly_a_prefix(after: int) -> None:
    teller = teller_of(tiny_gpt2())
    whole, _ = split(teller.tell("An owl", BOLD))
    stop = threading.Event()
    pieces, last = [], None
    if after == 0:
        stop.set()
    for item in teller.tell("An owl", BOLD, stop):
        if isinstance(item, Told):
            last = item
            break
        pieces.append(item)
        if len(pieces) == after:
            stop.set()
    assert pieces == whole[:after]
    assert last is not None
    assert (last.tokens, last.stopped_by) == (after, "you")


def test_a_stop_ends_the_reading_of_a_long_prompt() -> None:
    model = Watched(tiny_gpt2(window=1000))
    stop = threading.Event()
    read = model.read

    def stop_while_reading(ids: torch.Tensor, cache: Cache) -> torch.Tensor:
        stop.set()
        return read(ids, cache)

    model.read = stop_while_reading  # type: ignore[method-assign]
    pieces, last = split(Storyteller(model, Bytes(), CPU).tell("z" * 900, BOLD, stop))
    assert (pieces, last.stopped_by, last.tokens) == ([], "you", 0)
    assert len(model.calls) == 1


def test_a_long_prompt_is_read_in_parts_and_gives_what_one_reading_gives() -> None:
    inner = tiny_gpt2(window=1000)
    model = Watched(inner)
    prompt = "The owl and the cat. " * 20
    piece = split(teller_of(model).tell(prompt, dataclasses.replace(GREEDY, max_tokens=1)))[0][0]
    ids = [EOT, *Bytes().encode(prompt.rstrip())]
    assert [token for call in model.calls for token in call] == ids
    assert [len(call) for call in model.calls[:-1]] == [PREFILL] * (len(ids) // PREFILL)
    assert piece.token == int(logits_after(inner, ids).argmax())


@pytest.mark.parametrize(
    "prompt", ["", "An owl\n\n", "word " * 200, "\n" * 500], ids=["none", "short", "long", "all breaks"]
)
def test_many_times_the_window_is_told_without_a_position_outside_of_it(prompt: str) -> None:
    model = Watched(tiny_gpt2())  # which asserts every position
    pieces, last = split(teller_of(model).tell(prompt, dataclasses.replace(BOLD, max_tokens=5 * WINDOW)))
    assert last.stopped_by in ("length", "end")
    assert last.stopped_by == "end" or len(pieces) == 5 * WINDOW
    assert len(pieces) > 2 * WINDOW, "the seed's story ended too early to show anything: take another seed"


def test_a_full_view_is_cut_to_its_newest_part_and_goes_on_from_there() -> None:
    model = Watched(tiny_gpt2())
    pieces, _ = split(teller_of(model).tell("An owl", dataclasses.replace(GREEDY, max_tokens=3 * WINDOW)))
    told = [EOT, *Bytes().encode("An owl"), *(piece.token for piece in pieces)]
    seen = 0  # tokens of `told` that the model has been shown
    for position, call in zip(model.positions, model.calls, strict=True):
        if position == 0 and seen:
            assert WINDOW // 2 <= len(call) <= WINDOW - WINDOW // 4
            seen += 1
            assert call == told[seen - len(call) : seen]
        else:
            assert call == told[seen : seen + len(call)]
            seen += len(call)
    assert model.positions.count(0) >= 4


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_even_an_absurd_window_tells(window: int) -> None:
    pieces, _ = split(teller_of(Watched(tiny_gpt2(window))).tell("An owl", GREEDY))
    assert len(pieces) == GREEDY.max_tokens


def test_a_smaller_window_may_be_asked_for() -> None:
    model = Watched(tiny_gpt2(window=256))
    teller = teller_of(model, window=32)
    assert teller.window == 32
    split(teller.tell("", dataclasses.replace(GREEDY, max_tokens=100)))
    lengths = (p + len(call) for p, call in zip(model.positions, model.calls, strict=True))
    assert max(lengths) == 32
    assert teller_of(tiny_gpt2(window=256)).window == 256


def test_a_story_begins_behind_an_end_of_text_and_ends_at_one() -> None:
    model = Scripted([ord("h"), ord("i")])
    told = list(teller_of(model).tell("", GREEDY))
    assert model.was_read == [EOT, ord("h"), ord("i")]
    assert text_of(told) == "hi"
    assert told[-1] == dataclasses.replace(told[-1], tokens=2, stopped_by="end", tail="")


def test_a_story_that_ends_at_once_has_no_pieces() -> None:
    pieces, last = split(teller_of(Scripted([])).tell("The end.", GREEDY))
    assert (pieces, last) == ([], Told(0, 0.0, 0.0, "end"))


THE, HALF_OWL, TWO_SPACES = 257, 258, 260


@pytest.mark.parametrize(
    ("prompt", "script", "read", "text"),
    [
        ("see", [THE], "see", " the"),
        ("see ", [THE], "see", "the"),
        ("see \t ", [THE, THE], "see", "the the"),
        ("see ", [ord(" "), THE, THE], "see", "the the"),
        ("see ", [TWO_SPACES, ord("a")], "see", "a"),
        ("see ", [ord("n"), THE], "see", "n the"),
        ("see ", [HALF_OWL, 0xA6, 0x89], "see", "🦉"),
        ("see", [HALF_OWL, 0xA6, 0x89], "see", " 🦉"),
        ("see\n", [ord("a")], "see\n", "a"),
        ("see\n  ", [THE], "see\n", "the"),
        (" ", [THE], "", "the"),
    ],
)
def test_spaces_at_the_end_of_the_prompt_are_not_doubled(
    prompt: str, script: list[int], read: str, text: str
) -> None:
    model = Scripted(script)
    told = list(teller_of(model).tell(prompt, GREEDY))
    assert model.was_read == [EOT, *Bytes().encode(read), *script]
    assert text_of(told) == text


def test_bytes_held_back_at_a_stop_are_the_tail() -> None:
    stop = threading.Event()
    stream = teller_of(Scripted([HALF_OWL, 0xA6, 0x89])).tell("see", GREEDY, stop)
    assert next(stream) == Piece(HALF_OWL, " ", 0.0)
    stop.set()
    last = next(stream)
    assert isinstance(last, Told)
    assert (last.stopped_by, last.tail) == ("you", "\ufffd")


ODD_PROMPTS = ["", "\0", "e\u0301\u0302", "👩‍👩‍👧", "🦉" * 100, "long " * 300, "\n", " ", "[/b]\x1b[2J"]


@given(st.one_of(st.text(max_size=200), st.sampled_from(ODD_PROMPTS)), st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_any_prompt_is_told_and_no_whole_character_is_broken(prompt: str, seed: int) -> None:
    pieces, last = split(PROMPTED.tell(prompt, dataclasses.replace(BOLD, seed=seed, max_tokens=25)))
    data = b"".join(Bytes.pieces[piece.token] for piece in pieces)
    expected = data.decode("utf-8", "replace")
    if prompt.rstrip(" \t") != prompt:
        expected = expected.lstrip(" ")
    assert text_of([*pieces, last]) == expected


PROMPTED = teller_of(Watched(tiny_gpt2()))


def test_nothing_of_torch_is_changed_not_even_between_two_pieces() -> None:
    model = tiny_gpt2(dropout=0.5).train()
    model.transformer.h[0].eval()  # a module may differ from its parent
    flags = [module.training for module in model.modules()]
    random = torch.get_rng_state()
    for item in teller_of(model, precision="bf16").tell("An owl", BOLD):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
        assert [module.training for module in model.modules()] == flags
        assert torch.equal(torch.get_rng_state(), random)
        if isinstance(item, Piece):
            (model.lm_head.weight.sum() * 2).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_flags_come_back_after_an_error_too() -> None:
    model = tiny_gpt2().train()
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="not a number"):
        list(teller_of(model).tell("An owl", BOLD))
    assert all(module.training for module in model.modules())


def test_a_model_in_training_tells_what_it_tells_at_rest() -> None:
    rested, trained = (tiny_gpt2(dropout=0.5) for _ in range(2))
    trained.train()
    first, second = (split(teller_of(model).tell("An owl", BOLD))[0] for model in (rested, trained))
    assert first == second


def test_telling_inside_a_trainers_autocast_leaves_its_backward_pass_whole() -> None:
    model = tiny_gpt2().train()
    ids = torch.tensor([[EOT, 1, 2, 3]])
    with torch.autocast("cpu", torch.bfloat16):
        list(teller_of(model, precision="bf16").tell("An owl", dataclasses.replace(BOLD, max_tokens=3)))
        loss = model(ids, labels=ids).loss
    loss.backward()
    assert model.lm_head.weight.grad is not None


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_precisions_tell(precision: str, dtype: torch.dtype) -> None:
    model = tiny_gpt2().to(dtype)
    pieces, _ = split(teller_of(model, precision=precision).tell("An owl", GREEDY))
    assert len(pieces) == GREEDY.max_tokens


def test_the_closing_figures_count_only_our_own_time() -> None:
    _, last = split(teller_of(tiny_gpt2()).tell("An owl", BOLD))
    assert last.tokens == BOLD.max_tokens
    assert last.first_token_seconds > 0
    assert last.tokens_per_second > 0
