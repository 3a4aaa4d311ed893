"""The stream of a story: exact, repeatable, stoppable, inside its window, and nothing read that was read before."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import GPT2LMHeadModel

from storytime_tui.errors import ModelError
from storytime_tui.generation import continuation
from storytime_tui.generation.backends.backend import CHUNK, Backend
from storytime_tui.generation.backends.cuda_graph import GraphedSteps
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.live import LiveBackend
from storytime_tui.generation.backends.prepare import make_backend
from storytime_tui.generation.context import lay_out
from storytime_tui.generation.generator import Generator
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.presets import PRESETS, with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.models.gpt2 import Shape
from storytime_tui.models.gpt2_files import empty_gpt2
from storytime_tui.models.tokenizer import train_tokenizer
from storytime_tui.models.transformers_model import TransformersModel
from tests.examples import many
from tests.generation.fakes import WINDOW, Bytes, Scripted, Watched, tiny_gpt2
from tests.generation.small_models import VOCABULARY, ours_of, theirs
from tests.tiny import ours, tale

EXACT = with_preset(SamplerSettings(), "exact")
GREEDY = dataclasses.replace(EXACT, max_tokens=40)
BOLD = dataclasses.replace(EXACT, temperature=1.0, max_tokens=40, seed=7)
EOT = Bytes.end_of_text


def reader_of(model: nn.Module) -> Backend:
    """Real models are prepared, fakes are read as they are."""
    if isinstance(model, GPT2LMHeadModel):
        return make_backend(ours(model).eval(), "fp32")
    return LiveBackend(model)


def teller_of(model: nn.Module | Watched, window: int | None = None) -> Generator:
    backend: Any = model if isinstance(model, Watched) else reader_of(model)
    return Generator(backend, Bytes(), window)


def stoppable(window: int = WINDOW) -> Watched:
    return Watched(reader_of(tiny_gpt2(window)))


def split(told: Iterable[Piece | Told]) -> tuple[list[Piece], Told]:
    *pieces, last = told
    assert isinstance(last, Told)
    assert all(isinstance(piece, Piece) for piece in pieces)
    return pieces, last  # type: ignore[return-value]


def text_of(told: Iterable[Piece | Told]) -> str:
    return "".join(item.text for item in told if isinstance(item, Piece))


def ids_of(told: Iterable[Piece | Told]) -> list[int]:
    return [item.token for item in told if isinstance(item, Piece)]


def logits_after(model: nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0, -1, : Bytes.vocabulary_size]


# -- what is told ----------------------------------------------------------------------------------------------


def read_as_it_is(model: GPT2LMHeadModel) -> Backend:
    return LiveBackend(ours(model).eval())


def read_by_transformers(model: GPT2LMHeadModel) -> Backend:
    return make_backend(TransformersModel(model), "fp32")


@pytest.mark.parametrize("read", [reader_of, read_as_it_is, read_by_transformers])
def test_greedy_ids_are_those_of_generate(read: Callable[[Any], Backend]) -> None:
    model = tiny_gpt2(window=256)
    prompt = [EOT, *Bytes().encode("Once upon a time there was an owl")]
    # Forbidden to both: the padding beyond the tokenizer's vocabulary, which generate knows nothing of.
    banned = [[token] for token in range(Bytes.vocabulary_size, model.config.vocab_size)]
    theirs = model.generate(
        torch.tensor([prompt]), max_new_tokens=200, do_sample=False, bad_words_ids=banned, pad_token_id=EOT
    )[0, len(prompt) :].tolist()
    told = Generator(read(model), Bytes()).tell(
        "Once upon a time there was an owl", dataclasses.replace(GREEDY, max_tokens=200)
    )
    pieces, last = split(told)
    assert ids_of(pieces) == theirs[: len(pieces)] and len(pieces) >= 196
    assert last.stopped_by == "length"


def test_a_log_probability_is_the_models_own_and_alternatives_come_on_request() -> None:
    model = tiny_gpt2()
    ids = [EOT, *Bytes().encode("An owl")]
    for piece in split(teller_of(model).tell("An owl", BOLD, alternatives=3))[0]:
        own = logits_after(model, ids).softmax(0)
        assert piece.logprob == pytest.approx(own[piece.token].log().item(), abs=1e-4)
        likeliest = own.topk(3)
        assert [each.token for each in piece.alternatives] == likeliest.indices.tolist()
        assert [each.probability for each in piece.alternatives] == pytest.approx(
            likeliest.values.tolist(), abs=1e-5
        )
        ids.append(piece.token)
    assert all(not piece.alternatives for piece in split(teller_of(model).tell("An owl", BOLD))[0])


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    teller = teller_of(tiny_gpt2())
    first, again = (split(teller.tell("An owl", BOLD))[0] for _ in range(2))
    other = split(teller.tell("An owl", dataclasses.replace(BOLD, seed=8)))[0]
    assert first == again
    assert ids_of(first) != ids_of(other)


def test_a_tokenizer_of_another_model_is_told() -> None:
    backend = stoppable()
    backend.vocabulary = Bytes.vocabulary_size - 1
    with pytest.raises(ModelError, match="do not belong together"):
        Generator(backend, Bytes())


# -- stopping --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 5, 35])
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
    assert pieces == whole[: len(pieces)]
    assert after <= len(pieces) <= after + 3  # several tokens of one character come together
    assert last is not None
    assert (last.tokens, last.stopped_by) == (len(pieces), "you")


def test_a_stop_ends_the_reading_of_a_long_prompt() -> None:
    backend = stoppable(window=1000)
    stop = threading.Event()
    read = backend.read

    def stop_while_reading(ids: Any, cache: Any) -> torch.Tensor:
        stop.set()
        return read(ids, cache)

    backend.read = stop_while_reading  # type: ignore[method-assign]
    pieces, last = split(teller_of(backend).tell("z" * 900, BOLD, stop))
    assert (pieces, last.stopped_by, last.tokens) == ([], "you", 0)
    assert len(backend.calls) == 1


@pytest.mark.parametrize(
    ("stop", "told", "by"),
    [
        (("xyz",), "abcd ef", "end"),
        (("cd",), "ab", "stop"),
        (("d e",), "abc", "stop"),
        (("ef", "cd"), "ab", "stop"),
        (("f",), "abcd e", "stop"),
        (("fg",), "abcd ef", "end"),
        (("a",), "", "stop"),
    ],
)
def test_stop_texts_end_it_before_themselves_across_tokens(stop: tuple[str, ...], told: str, by: str) -> None:
    model = Scripted([*b"abcd ef"])
    pieces, last = split(teller_of(model).tell("So", dataclasses.replace(GREEDY, stop=stop)))
    assert (text_of(pieces), last.stopped_by) == (told, by)
    assert all(text not in text_of(pieces) for text in stop)


def test_a_token_that_reaches_into_a_stop_text_gives_what_stands_before_it() -> None:
    full_stop_and_quote = Bytes.pieces.index(b'."')
    model = Scripted([*b"Hi", full_stop_and_quote, *b" more"])
    pieces, last = split(teller_of(model).tell('"', dataclasses.replace(GREEDY, stop=('"',))))
    assert (text_of(pieces), last.stopped_by) == ("Hi.", "stop")


# -- phrases that are banned, sentences that are finished ------------------------------------------------------


def test_a_banned_phrase_is_turned_away_from_where_it_begins() -> None:
    teller = teller_of(tiny_gpt2())
    free = text_of(teller.tell("An owl", GREEDY))
    phrase = free[10:13]
    assert phrase.strip(" ")
    pieces, last = split(teller.tell("An owl", dataclasses.replace(GREEDY, banned=(phrase,))))
    held = text_of(pieces)
    assert held[:10] == free[:10]
    assert phrase.casefold() not in held.casefold()
    ((stopped, times),) = last.banned
    assert stopped == phrase and times >= 1


@given(st.integers(0, 1000), st.lists(st.text("abcdefghi .", min_size=1, max_size=3), max_size=4))
@example(255, [".", "aa"])  # the prompt ends with one
@settings(deadline=None, max_examples=many(25))
def test_no_banned_phrase_is_ever_told(seed: int, phrases: list[str]) -> None:
    banned = tuple(phrase for phrase in phrases if phrase.strip(" "))
    told = text_of(PROMPTED.tell("An owl. ", dataclasses.replace(BOLD, seed=seed, banned=banned)))
    squeezed = " ".join(told.casefold().split())
    for phrase in banned:
        if not phrase.strip().isalnum():  # words are looked for between words' borders only
            assert " ".join(phrase.casefold().split()) not in squeezed or phrase.strip() != phrase


def test_where_everything_is_banned_the_story_ends() -> None:
    every = tuple(chr(byte) for byte in range(33, 127) if not chr(byte).isalnum())
    _, last = split(teller_of(tiny_gpt2()).tell("An owl", dataclasses.replace(BOLD, banned=every)))
    assert last.stopped_by in ("length", "end", "stuck")


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (4, "One."),
        (6, "One. Two."),  # goes on to the end of its sentence
        (9, "One. Two."),
        (12, "One. Two. Three."),
        (16, "One. Two. Three."),
        (20, "One. Two. Three."),  # no end within 40: what was begun is left out
    ],
)
def test_it_ends_on_a_whole_sentence(length: int, told: str) -> None:
    model = Scripted([*b"One. Two. Three.", *b" And so on it went" * 10])
    wished = dataclasses.replace(GREEDY, max_tokens=length, finish_sentence=True)
    pieces, last = split(teller_of(model).tell("So:", wished))
    assert text_of(pieces) == told
    assert last.stopped_by == "length"


# -- the prompt's edge, and characters of several bytes --------------------------------------------------------


def test_a_story_begins_behind_an_end_of_text_and_ends_at_one() -> None:
    model = Scripted([ord("h"), ord("i")])
    told = list(teller_of(model).tell("", GREEDY))
    assert model.was_read == [EOT, ord("h"), ord("i")]
    assert text_of(told) == "hi"
    assert isinstance(told[-1], Told) and (told[-1].tokens, told[-1].stopped_by) == (2, "end")


def test_a_story_from_nothing_begins_with_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has read stories under `Title: …` lines would begin with one; within a story it is a word."""
    monkeypatch.setattr(continuation, "HEADERS", ("h",))
    script = [ord("h"), ord("i")]
    assert not text_of(teller_of(Scripted(script)).tell("", GREEDY)).startswith("h")
    assert text_of(teller_of(Scripted(script)).tell("Once", GREEDY)) == "hi"


def test_a_story_that_ends_at_once_has_no_pieces() -> None:
    pieces, last = split(teller_of(Scripted([])).tell("The end.", GREEDY))
    assert (pieces, last.tokens, last.stopped_by) == ([], 0, "end")


THE, HALF_OWL = 257, 258


@pytest.mark.parametrize(
    ("prompt", "script", "read", "text"),
    [
        ("see", [THE], "see", " the"),
        ("see ", [THE], "see", "the"),
        ("see \t ", [THE, THE], "see", "the the"),
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


def test_after_a_space_only_a_word_can_begin() -> None:
    for seed in range(20):
        wished = dataclasses.replace(BOLD, seed=seed, max_tokens=4, min_tokens=4)
        pieces, _ = split(PROMPTED.tell("see ", wished))
        assert Bytes.pieces[pieces[0].token].startswith(b" ") and not pieces[0].text.startswith(" ")


def test_a_character_is_finished_beyond_the_length_or_left_out_at_a_stop() -> None:
    told = list(
        teller_of(Scripted([HALF_OWL, 0xA6, 0x89])).tell("see", dataclasses.replace(GREEDY, max_tokens=1))
    )
    assert text_of(told) == " 🦉"
    stop = threading.Event()
    model = Scripted([ord("a"), HALF_OWL, 0xA6, 0x89])
    stream = teller_of(model).tell("see", GREEDY, stop)
    assert next(stream) == Piece(ord("a"), "a", 0.0)
    stop.set()
    assert isinstance(next(stream), Told)


ODD_PROMPTS = [
    "",
    "\0",
    "e\u0301\u0302",
    "👩‍👩‍👧",
    "🦉" * 100,
    "long " * 300,
    "\n",
    " ",
    "[/b]\x1b[2J",
    "\ud800",
]


@given(st.one_of(st.text(max_size=200), st.sampled_from(ODD_PROMPTS)), st.integers(0, 10_000))
def test_any_prompt_is_told_and_no_whole_character_is_broken(prompt: str, seed: int) -> None:
    pieces, last = split(PROMPTED.tell(prompt, dataclasses.replace(BOLD, seed=seed, max_tokens=25)))
    data = b"".join(Bytes.pieces[piece.token] for piece in pieces)
    expected = data.decode("utf-8", "replace")
    if prompt.rstrip(" \t") != prompt:
        expected = expected.lstrip(" ")
    assert text_of(pieces) == expected
    assert last.tokens == len(pieces)


PROMPTED = teller_of(stoppable())


# -- the window ------------------------------------------------------------------------------------------------


def test_a_long_prompt_is_read_in_parts_and_gives_what_one_reading_gives() -> None:
    inner = tiny_gpt2(window=1000)
    backend = Watched(reader_of(inner))
    prompt = "The owl and the cat. " * 20
    piece = split(teller_of(backend).tell(prompt.rstrip(), dataclasses.replace(GREEDY, max_tokens=1)))[0][0]
    ids = [EOT, *Bytes().encode(prompt.rstrip())]
    assert [token for call in backend.calls for token in call][: len(ids)] == ids
    assert [len(call) for call in backend.calls[: len(ids) // CHUNK]] == [CHUNK] * (len(ids) // CHUNK)
    assert piece.token == int(logits_after(inner, ids).argmax())


@pytest.mark.parametrize(
    "prompt", ["", "An owl\n\n", "word " * 200, "\n" * 500], ids=["none", "short", "long", "all breaks"]
)
def test_many_times_the_window_is_told_without_a_position_outside_of_it(prompt: str) -> None:
    backend = stoppable()  # which asserts every position
    wished = dataclasses.replace(BOLD, max_tokens=5 * WINDOW, min_tokens=5 * WINDOW)
    pieces, last = split(teller_of(backend).tell(prompt, wished, memory="A wood.", note="Be brief."))
    assert last.stopped_by == "length"
    assert len(pieces) >= 5 * WINDOW - 3
    assert backend.read_tokens < 6 * len(pieces) + 2 * WINDOW  # the cost of a token does not grow


def test_what_is_told_over_many_windows_is_what_a_plain_reading_of_each_view_tells() -> None:
    """The reference lays each view out anew and reads all of it by transformers, with no cache at all."""
    model = tiny_gpt2()
    told = ids_of(teller_of(model).tell("An owl", dataclasses.replace(EXACT, max_tokens=4 * WINDOW)))
    story, view = Bytes().encode("An owl"), [EOT, *Bytes().encode("An owl")]
    reference = []
    for _ in range(len(told)):
        token = int(logits_after(model, view).argmax())
        reference.append(token)
        story.append(token)
        view.append(token)
        if len(view) > WINDOW:
            view = list(lay_out(story, WINDOW, lambda t: Bytes.pieces[t].endswith(b"\n"), start=EOT).ids)
    assert told == reference and len(told) >= 4 * WINDOW - 3


class Letters:
    """As many tokens as the small models of other kinds know: each is a letter or a sign; every tenth ends a line."""

    end_of_text, vocabulary_size = 0, VOCABULARY

    def encode(self, text: str) -> list[int]:
        return [ord(letter) - 31 if letter != "\n" else 10 for letter in text]

    def token_bytes(self, token: int) -> bytes:
        return b"" if token == 0 else b"\n" if token % 10 == 0 else bytes([token + 31])


@pytest.mark.parametrize("kind", ["gpt2", "llama", "neox", "opt"])
def test_every_kind_tells_over_views_edits_and_branches_as_transformers_would(kind: str) -> None:
    """Greedily, in a window that is left behind several times; the reference reads every view whole."""
    model, letters, window = theirs(kind), Letters(), 64
    page = 512 if kind == "gpt2" else 192

    def reference(text: str, tokens: int) -> list[int]:
        story, told = letters.encode(text), []
        view = list(lay_out(story, window, lambda token: token % 10 == 0, start=0).ids)
        for _ in range(tokens):
            with torch.no_grad():
                logits = model(torch.tensor([view]), use_cache=False).logits[0, -1]
            logits[0] = -torch.inf  # the story is not to end
            told.append(int(logits.argmax()))
            story.append(told[-1])
            view.append(told[-1])
            if len(view) > window:
                view = list(lay_out(story, window, lambda token: token % 10 == 0, start=0).ids)
        return told

    teller = Generator(make_backend(ours_of(model, kind), "fp32"), letters, window)
    wished = dataclasses.replace(EXACT, max_tokens=page, min_tokens=600)
    assert ids_of(teller.tell("Once upon a time", wished)) == reference("Once upon a time", page)
    short = dataclasses.replace(wished, max_tokens=20)
    for text in ("Once upon a time it was", "Once upon a day", "Once upon a time it was"):
        assert ids_of(teller.tell(text, short)) == reference(text, 20)


def test_a_hundred_thousand_words_are_gone_on_with_and_then_only_what_is_new_is_read() -> None:
    tokenizer = train_tokenizer([tale(seed) for seed in range(20)], 400)
    model = empty_gpt2(
        Shape(tokenizer.vocabulary_size, WINDOW, 32, 2, 2, 64),
        torch.device("cpu"),
        torch.float32,
        padded=False,
    )
    model.fill(0)
    teller = Generator(make_backend(model.eval(), "fp32"), tokenizer)
    text = " ".join(tale(seed) for seed in range(500))
    assert len(text.split()) > 100_000
    wished = dataclasses.replace(BOLD, max_tokens=5, min_tokens=5)
    pieces, last = split(teller.tell(text, wished))
    assert last.seen is not None
    assert len(pieces) == 5 and last.read <= WINDOW and last.seen.begins > len(text) - 20 * WINDOW
    _, again = split(teller.tell(text + text_of(pieces), wished))
    assert again.read <= WINDOW


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_even_an_absurd_window_tells(window: int) -> None:
    pieces, _ = split(teller_of(stoppable(window)).tell("An owl", GREEDY, memory="So", note="it is"))
    assert len(pieces) >= GREEDY.max_tokens - 3


def test_a_smaller_window_may_be_asked_for() -> None:
    backend = stoppable(window=256)
    teller = teller_of(backend, window=32)
    assert teller.window == 32
    split(teller.tell("", dataclasses.replace(GREEDY, max_tokens=100)))
    lengths = (p + len(call) for p, call in zip(backend.positions, backend.calls, strict=True))
    assert max(lengths) == 32
    assert teller_of(tiny_gpt2(window=256)).window == 256


def test_what_is_in_view_is_told() -> None:
    teller = teller_of(stoppable())
    seen = teller.see("An owl")
    assert (seen.begins, seen.tokens, seen.window) == (0, 7, WINDOW)
    text = "Long ago it was.\n" * 20
    seen = teller.see(text, memory="x" * 50, note="y" * 50)
    assert 0 < seen.begins < len(text) and seen.tokens <= WINDOW
    # what parts them from the story counts as well: an empty line behind memory, a line's end behind the note
    assert (seen.memory, seen.memory_left_out, seen.note, seen.note_left_out) == (31, 20, 16, 35)


def test_memory_and_note_stand_apart_from_the_story() -> None:
    asked = stoppable()
    list(
        teller_of(asked).tell("An owl.", dataclasses.replace(GREEDY, max_tokens=1), memory="Tom", note="Dusk")
    )
    read = b"".join(Bytes().token_bytes(token) for call in asked.calls for token in call)
    assert b"Tom\n\n" in read and b"Dusk\n" in read
    list(teller_of(asked).tell("A hen.", dataclasses.replace(GREEDY, max_tokens=1)))
    assert b"\n" not in b"".join(Bytes().token_bytes(token) for token in asked.calls[-1])


def test_the_note_stands_as_deep_as_it_was_asked_to() -> None:
    for several in (False, True):
        asked = stoppable()
        wished = dataclasses.replace(GREEDY, max_tokens=1)
        tell = teller_of(asked).tell_several if several else teller_of(asked).tell
        arguments = (wished, 2) if several else (wished,)
        list(tell("An owl sat down.", *arguments, note="Dusk", note_depth=8))
        read = bytes(token for call in asked.calls for token in call if token < 256)
        assert b"An owl sDusk\nat down." in read


# -- nothing is read twice -------------------------------------------------------------------------------------


def fresh(text: str, wished: SamplerSettings, window: int = 512) -> list[int]:
    return ids_of(teller_of(tiny_gpt2(window)).tell(text, wished))


def test_going_on_reads_only_what_is_new_and_tells_the_same() -> None:
    backend = stoppable(window=512)
    teller = teller_of(backend)
    first = text_of(teller.tell("Once upon a time", GREEDY))
    before = backend.read_tokens
    told, last = split(teller.tell("Once upon a time" + first, GREEDY))
    assert last.read <= 2 and last.reused > len(first) // 2
    assert backend.read_tokens - before <= len(told) + 2
    at_once = text_of(
        teller_of(stoppable(512)).tell("Once upon a time", dataclasses.replace(GREEDY, max_tokens=80))
    )
    assert (first + text_of(told))[:70] == at_once[:70]


def test_an_edit_reads_from_its_place_on_and_branches_stay() -> None:
    backend = stoppable(window=512)
    teller = teller_of(backend)
    start = "The owl sat in the old oak tree and looked at the moon. " * 4
    one = start + "It was late.\n\nThen"
    other = start + "It was cold.\n\nThen"
    told = ids_of(teller.tell(one, GREEDY))
    changed, last = split(teller.tell(other, GREEDY))
    assert ids_of(changed) == fresh(other, GREEDY)
    assert last.reused >= len(Bytes().encode(start)) - 2
    back, last = split(teller.tell(one, GREEDY))  # the first branch's cache is still there
    assert ids_of(back) == told == fresh(one, GREEDY)
    assert last.read == 1


def test_several_read_the_prompt_once_and_each_has_its_own_seed() -> None:
    backend = stoppable(window=512)
    teller = teller_of(backend)
    prompt = "The owl sat in the old oak tree." * 5
    wished = dataclasses.replace(BOLD, max_tokens=30)
    rows: dict[int, list[Piece]] = {0: [], 1: [], 2: [], 3: []}
    ends: dict[int, Told] = {}
    for row, item in teller.tell_several(prompt, wished, 4):
        if isinstance(item, Told):
            ends[row] = item
        else:
            rows[row].append(item)
    assert sorted(ends) == [0, 1, 2, 3]
    prefill = sum(len(call) for call in backend.calls if len(call) > 4)
    assert prefill == 1 + len(Bytes().encode(prompt))
    for row, pieces in rows.items():
        alone = fresh(prompt, dataclasses.replace(wished, seed=wished.seed + row))
        assert ids_of(pieces) == alone
    read_again = split(teller.tell(prompt + text_of(rows[2]), wished))[1]
    assert read_again.reused >= prefill - 1


def rows_of(told: Iterable[tuple[int, Piece | Told]], count: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(count)]
    for row, item in told:
        if isinstance(item, Piece):
            rows[row].append(item.token)
    return rows


def test_several_go_on_one_by_one_where_the_window_is_full() -> None:
    wished = dataclasses.replace(BOLD, max_tokens=3 * WINDOW)
    told = rows_of(teller_of(stoppable()).tell_several("An owl", wished, 3), 3)
    assert told == [
        fresh("An owl", dataclasses.replace(wished, seed=wished.seed + row), WINDOW) for row in range(3)
    ]


@functools.cache
def three_owls() -> tuple[str, ...]:
    """What three takes tell where nothing is banned."""
    free = ["", "", ""]
    for row, item in teller_of(stoppable()).tell_several("An owl ", BOLD, 3):
        free[row] += item.text if isinstance(item, Piece) else ""
    return tuple(free)


@pytest.mark.parametrize("places", [(0,), (4, 11, 12), (20, 27), (38,)])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_several_with_banned_phrases_are_one_batch_and_each_is_what_it_is_alone(
    places: tuple[int, ...], length: int
) -> None:
    """Where one is rolled back, the others wait for it. What is banned would have stood at these places."""
    phrases = [text[place : place + length] for text in three_owls() for place in places]
    banned = tuple(phrase for phrase in phrases if phrase.strip())
    wished = dataclasses.replace(BOLD, banned=banned)
    backend = stoppable()
    cuts: list[int] = []
    backend.cut = lambda cache, length: cuts.append(length) or backend.inner.cut(cache, length)  # type: ignore
    told = rows_of(teller_of(backend).tell_several("An owl ", wished, 3), 3)
    assert told == [
        fresh("An owl ", dataclasses.replace(wished, seed=wished.seed + row), WINDOW) for row in range(3)
    ]
    assert cuts  # something was banned
    at_once = [len(call) for call in backend.calls[1:]]
    assert at_once == sorted(at_once, reverse=True)  # together, until one has ended
    assert at_once.count(3) >= 39


def test_a_stop_ends_all_of_several() -> None:
    stop = threading.Event()
    ends = []
    for row, item in teller_of(stoppable()).tell_several("An owl", BOLD, 3, stop):
        if isinstance(item, Told):
            ends.append((row, item.stopped_by))
        stop.set()
    assert sorted(ends) == [(0, "you"), (1, "you"), (2, "you")]


def test_many_branches_stay_within_their_memory() -> None:
    backend = stoppable(window=512)
    teller = teller_of(backend)
    one_cache = 2 * 2 * 512 * 32 * 4
    teller._caches._most_bytes = 3 * one_cache
    for number in range(12):
        split(teller.tell(f"{number} owls sat in a tree and sang.", BOLD))
    assert 0 < teller._caches.memory() <= 3 * one_cache


# -- settings of every kind ------------------------------------------------------------------------------------

ANY_SETTINGS = st.builds(
    SamplerSettings,
    temperature=st.floats(0, 5),
    top_k=st.integers(0, 300),
    top_p=st.floats(0.01, 1),
    min_p=st.floats(0, 1),
    typical=st.floats(0.01, 1),
    xtc=st.floats(0, 1),
    mirostat=st.sampled_from([0.0, 0.5, 3.0, 20.0]),
    repetition=st.floats(1, 5),
    frequency=st.floats(-10, 10),
    presence=st.floats(-10, 10),
    no_repeat=st.integers(0, 4),
    dry=st.floats(0, 100),
    banned=st.lists(st.sampled_from([" the", "e", "owl", ".", "Once upon", "🦉"]), max_size=2).map(tuple),
    stop=st.lists(st.sampled_from(["\n", "end", '."', "zz"]), max_size=2).map(tuple),
    min_tokens=st.integers(0, 30),
    max_tokens=st.integers(1, 90),
    end_after=st.sampled_from(["length", "sentence", "paragraph"]),
    finish_sentence=st.booleans(),
    seed=st.integers(0, 2**31),
)


@given(st.one_of(st.text(max_size=80), st.sampled_from(ODD_PROMPTS)), ANY_SETTINGS, st.integers(0, 60))
def test_any_settings_prompt_and_stop_tell_whole_characters_and_lose_no_token(
    prompt: str, wished: SamplerSettings, stop_after: int
) -> None:
    stop = threading.Event()
    pieces = []
    for item in PROMPTED.tell(prompt, wished, stop, memory="A wood.", note="Be brief."):
        if isinstance(item, Told):
            last = item
            break
        assert item.logprob <= 0 and item.logprob == item.logprob
        pieces.append(item)
        if len(pieces) > stop_after:
            stop.set()
    text = text_of(pieces)
    assert last.tokens == len(pieces) <= wished.max_tokens + 44
    assert all(stop_text not in text for stop_text in wished.stop)
    data = b"".join(Bytes.pieces[piece.token] for piece in pieces)
    spelled = data.decode("utf-8", "replace")
    if prompt.rstrip(" \t") != prompt:
        spelled = spelled.lstrip(" ")
    assert spelled.startswith(text)
    assert len(spelled) - len(text) < 12  # at most a part of the last token was cut off


# -- a model that is learning meanwhile ------------------------------------------------------------------------


def test_nothing_of_torch_is_changed_not_even_between_two_pieces() -> None:
    model = ours(tiny_gpt2(dropout=0.5)).train()
    model.transformer.h[0].eval()  # a module may differ from its parent
    flags = [module.training for module in model.modules()]
    random = torch.get_rng_state()
    for backend in (LiveBackend(model), make_backend(model, "fp32")):
        for item in Generator(backend, Bytes()).tell("An owl", BOLD):
            assert torch.is_grad_enabled()
            assert not torch.is_inference_mode_enabled()
            assert not torch.is_autocast_enabled("cpu")
            assert [module.training for module in model.modules()] == flags
            assert torch.equal(torch.get_rng_state(), random)
            if isinstance(item, Piece):
                (model.head.sum() * 2).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_flags_come_back_after_an_error_too() -> None:
    model = ours(tiny_gpt2()).train()
    with torch.no_grad():
        model.head.fill_(float("nan"))
    with pytest.raises(ModelError, match="logits are not numbers"):
        list(Generator(LiveBackend(model), Bytes()).tell("An owl", BOLD))
    assert all(module.training for module in model.modules())


def test_a_model_in_training_tells_what_it_tells_at_rest() -> None:
    rested, trained = (ours(tiny_gpt2(dropout=0.5)).eval() for _ in range(2))
    trained.train()
    first, second = (
        split(Generator(LiveBackend(model), Bytes()).tell("An owl", BOLD))[0] for model in (rested, trained)
    )
    assert first == second


def test_a_model_that_learns_tells_several_too_and_is_as_likely_as_its_copy() -> None:
    model = ours(tiny_gpt2()).train()
    live, copied = LiveBackend(model), make_backend(model, "fp32")
    ids = [EOT, *Bytes().encode("The owl sat in a tree.")]
    torch.testing.assert_close(live.logprobs(ids), copied.logprobs(ids), rtol=1e-4, atol=1e-4)
    one, other = (
        [
            (row, item.token)
            for row, item in Generator(backend, Bytes()).tell_several("An owl", BOLD, 3)
            if isinstance(item, Piece)
        ]
        for backend in (live, copied)
    )
    assert one == other


def test_telling_inside_a_trainers_autocast_leaves_its_backward_pass_whole() -> None:
    model = ours(tiny_gpt2()).train()
    ids = torch.tensor([[EOT, 1, 2, 3]])
    with torch.autocast("cpu", torch.bfloat16):
        list(Generator(LiveBackend(model), Bytes()).tell("An owl", dataclasses.replace(BOLD, max_tokens=3)))
        loss = model(ids).float().square().mean()
    loss.backward()
    assert model.head.grad is not None


def test_the_closing_figures_count_only_our_own_time() -> None:
    _, last = split(teller_of(tiny_gpt2()).tell("An owl", BOLD))
    assert last.tokens == BOLD.max_tokens
    assert last.first_token_seconds > 0
    assert last.tokens_per_second > 0


def test_no_more_line_ends_come_in_a_row_than_may() -> None:
    model = ours(tiny_gpt2()).eval()
    wished = dataclasses.replace(BOLD, max_tokens=60, min_tokens=60, bias=(("\n", 20.0), ("\n\n", 20.0)))
    loose = text_of(Generator(make_backend(model, "fp32"), Bytes()).tell("An owl\n", wished))
    assert "\n\n\n" in loose
    held = dataclasses.replace(wished, line_ends=2)
    assert "\n\n\n\n" not in "\n" + text_of(
        Generator(make_backend(model, "fp32"), Bytes()).tell("An owl\n", held)
    )


def test_the_rate_is_that_of_choosing_where_all_is_shown_at_once() -> None:
    wished = dataclasses.replace(BOLD, max_tokens=30, finish_sentence=True)
    pieces, last = split(teller_of(stoppable()).tell("An owl", wished))
    assert len(pieces) > 10
    assert 0 < last.tokens_per_second < 50_000


# -- by heart, as on a GPU ---------------------------------------------------------------------------------------


class Wide(Bytes):
    """A vocabulary of as many tokens as the model has rows."""

    pieces = [*Bytes.pieces, *(b"%d" % number for number in range(8))]
    vocabulary_size = len(pieces)


def by_heart_and_not(window: int = WINDOW) -> tuple[Generator, Generator]:
    """The same model, told with recorded steps (here unrecorded: a processor has no graphs) and without."""
    with_steps = GPT2Backend(ours(tiny_gpt2(window)).eval(), "fp32")
    steps = GraphedSteps(with_steps)
    return Generator(with_steps, Wide(), steps=steps), Generator(reader_of(tiny_gpt2(window)), Wide())


@pytest.mark.parametrize(
    "wished",
    [
        GREEDY,
        SamplerSettings(seed=3),
        with_preset(SamplerSettings(seed=4), "wild"),
        dataclasses.replace(GREEDY, bias=(("a", 3.0),), no_repeat=4, line_ends=1, banned=("the", "qu")),
        SamplerSettings(seed=5, xtc=0.5, mirostat=0),
    ],
    ids=[
        "the likeliest",
        "the usual way",
        "wild",
        "what is asked for outright",
        "what the GPU does not choose",
    ],
)
def test_by_heart_the_same_is_told_over_many_windows_edits_and_stops(wished: SamplerSettings) -> None:
    heart, plain = by_heart_and_not()
    # many views: each leaves a quarter behind
    for prompt, tokens in (("An owl", 2 * WINDOW), ("An ox ", 20), ("", 20)):
        told = dataclasses.replace(wished, max_tokens=tokens)
        mine, theirs = (ids_of(teller.tell(prompt, told, memory="A wood.")) for teller in (heart, plain))
        assert mine == theirs
    ended = dataclasses.replace(wished, stop=(" the",), finish_sentence=True)
    mine, theirs = (text_of(teller.tell("An owl", ended)) for teller in (heart, plain))
    assert mine == theirs


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_told_without_logits_on_the_processor(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heart, _ = by_heart_and_not()
    monkeypatch.setattr(GraphedSteps, "read", None)
    wished = dataclasses.replace(with_preset(SamplerSettings(), preset), banned=("qu",), max_tokens=20)
    assert 20 <= len(ids_of(heart.tell("An owl", wished))) <= 23  # and to the end of a character


def test_by_heart_a_seed_tells_its_story_and_a_stop_comes_within_a_token() -> None:
    heart, _ = by_heart_and_not()
    whole = ids_of(heart.tell("An owl", BOLD))
    assert whole == ids_of(heart.tell("An owl", BOLD))
    assert whole != ids_of(heart.tell("An owl", dataclasses.replace(BOLD, seed=8)))
    stop, told = threading.Event(), []
    for item in heart.tell("An owl", BOLD, stop):
        if isinstance(item, Piece):
            told.append(item.token)
            if len(told) == 5:
                stop.set()
    assert told == whole[: len(told)] and 5 <= len(told) <= 8
    rows = [
        (row, item.token) for row, item in heart.tell_several("An owl", GREEDY, 2) if isinstance(item, Piece)
    ]
    assert {row for row, _ in rows} == {0, 1}


def test_by_heart_an_answer_that_is_no_number_is_told() -> None:
    model = ours(tiny_gpt2()).eval()
    with torch.no_grad():
        model.head.fill_(float("nan"))
    backend = GPT2Backend(model, "fp32")
    for wished in (BOLD, SamplerSettings()):
        with pytest.raises(ModelError, match="logits are not numbers"):
            list(Generator(backend, Wide(), steps=GraphedSteps(backend)).tell("An owl", wished))
