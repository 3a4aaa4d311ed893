"""Voices: a shelf's line in view as training had it, mixtures of two, and words for one that is meant."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2LMHeadModel

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.headers import header_ids, shelf_line
from storytime_tui.corpus.parts import with_line
from storytime_tui.corpus.tokens import open_tokens
from storytime_tui.errors import Misused, ModelError
from storytime_tui.generation.backends.cuda_graph import GraphedSteps
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.prepare import make_backend
from storytime_tui.generation.context import lay_out
from storytime_tui.generation.continuation import Continuation
from storytime_tui.generation.generator import Generator
from storytime_tui.generation.header import front_of
from storytime_tui.generation.pieces import Piece, Seen, Told
from storytime_tui.generation.sampling.mixture import PLAUSIBLE, contrasted, mix_logits
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import (
    Voice,
    asked_for,
    describe,
    effective,
    known,
    leaning,
    of_record,
    usual,
)
from storytime_tui.models.tokenizer import Tokenizer, train_tokenizer
from storytime_tui.models.transformers_model import TransformersModel
from tests.examples import many
from tests.generation.fakes import WINDOW, Bytes, Scripted, Watched, tiny_gpt2
from tests.generation.test_generator import (
    BOLD,
    EOT,
    GREEDY,
    Wide,
    ids_of,
    reader_of,
    split,
    teller_of,
    text_of,
)
from tests.tiny import ours, tale
from tests.tiny import tiny_gpt2 as tiny

SHELVES = ("Hedgerow Tales", "Grimm", "The River")
A: Voice = (("Hedgerow Tales", 1.0),)
B: Voice = (("Grimm", 1.0),)
BOTH: Voice = (("Hedgerow Tales", 0.7), ("Grimm", 0.3))
GREEDILY = dataclasses.replace(GREEDY, max_tokens=30, min_tokens=30)


def encoded(text: str) -> list[int]:
    return Bytes().encode(text)


@pytest.fixture(scope="module")
def vocabulary() -> Tokenizer:
    """One of GPT-2's kind."""
    return train_tokenizer([f"{tale(seed)}\n\nShelf: Title: Characters: Tone:" for seed in range(4)], 400)


# -- the line, as training had it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("memory", "header"),
    [
        ("", "Shelf: Hedgerow Tales\n"),
        ("Title: The Lost Boat\nTone: sad", "Shelf: Hedgerow Tales\nTitle: The Lost Boat\nTone: sad\n"),
    ],
)
def test_before_a_story_stand_the_very_ids_of_training(
    memory: str, header: str, vocabulary: Tokenizer
) -> None:
    front = front_of(A, memory, vocabulary)
    story = vocabulary.encode("The mouse")
    view = lay_out(
        story,
        256,
        lambda token: False,
        start=vocabulary.end_of_text,
        memory=front.memory,
        lines=front.lines,
        blank=front.blank,
        headers=front.headers,
    )
    assert list(view.ids) == [vocabulary.end_of_text, *header_ids(header, vocabulary), *story]
    assert view.voice == len(header_ids("Shelf: Hedgerow Tales\n", vocabulary))
    assert view.memory == len(front.memory)


def test_a_story_in_view_is_what_the_token_file_of_a_run_holds(vocabulary: Tokenizer, tmp_path: Path) -> None:
    story = Story("The Boat", "boat.txt", tale(3, 5))
    for header, memory in (("", ""), ("Title: The Boat\nTone: sad\n", "Title: The Boat\nTone: sad")):
        (part,) = with_line(story, shelf_line("Hedgerow Tales"), header)
        learned = open_tokens([part], vocabulary, tmp_path, None).ids
        backend = make_backend(ours(tiny(vocabulary.vocabulary_size, 4 * len(learned))), "fp32")
        teller = Generator(backend, vocabulary)
        list(teller.tell(story.text, dataclasses.replace(GREEDY, max_tokens=1), memory=memory, voice=A))
        assert teller._caches._kept[0].ids[: len(learned)] == learned.tolist()


def test_memory_that_is_no_header_line_comes_behind_the_blank_line(vocabulary: Tokenizer) -> None:
    front = front_of(A, "Tone: sad\nIt is winter.", vocabulary)
    rest = vocabulary.encode("It is winter.\n\n")
    assert list(front.memory[front.headers :]) == rest
    assert list(front.memory[: front.headers]) == vocabulary.encode("Tone: sad\n")
    assert front_of(A, "It is winter.", vocabulary).headers == 0


def test_header_lines_alone_are_laid_out_as_a_story_had_them(vocabulary: Tokenizer) -> None:
    """A blank line is two tokens of GPT-2's kind before a word; what is no header line stays as it was."""
    lines = "Title: The Boat\nCharacters: Lily, the fox\n"
    whole = vocabulary.encode(f"{lines}\nThe mouse")
    front = front_of((), lines, vocabulary)
    assert [*front.memory, *vocabulary.encode("The mouse")] == whole and not front.lines
    for memory in ("It is winter.", "Title: A\nIt is winter.", "titled: so"):
        assert front_of((), memory, vocabulary).memory == vocabulary.encode(f"{memory}\n\n")
    assert front_of((), "Title: A", Bytes()).memory == encoded(
        "Title: A\n\n"
    )  # one token, there as in a story


@pytest.mark.parametrize("read", [reader_of, lambda model: make_backend(TransformersModel(model), "fp32")])
def test_what_is_told_behind_a_line_is_what_the_plain_model_tells_behind_these_ids(
    read: Callable[[GPT2LMHeadModel], Any],
) -> None:
    model = tiny_gpt2(256)
    ids = [EOT, *header_ids("Shelf: Grimm\n", Bytes()), *encoded("An owl")]
    theirs = greedily([(ids, 1.0)], model, 30)
    pieces, last = split(Generator(read(model), Bytes()).tell("An owl", GREEDILY, voice=B))
    assert ids_of(pieces)[:30] == theirs
    assert last.seen == Seen(len(ids) + len(pieces), 256, voice=14)
    assert ids_of(teller_of(tiny_gpt2(256)).tell("An owl", GREEDILY))[:30] != theirs


def greedily(views: list[tuple[list[int], float]], model: GPT2LMHeadModel, tokens: int) -> list[int]:
    """Slowly: each view read whole for every token, the shares of their likelihoods summed in double precision."""
    told: list[int] = []
    for _ in range(tokens):
        whole = np.zeros(Bytes.vocabulary_size)
        for ids, share in views:
            with torch.no_grad():
                logits = model(torch.tensor([[*ids, *told]])).logits[0, -1, : Bytes.vocabulary_size]
            whole += share * logits.double().softmax(0).numpy()
        whole[EOT] = 0
        told.append(int(whole.argmax()))
    return told


def test_the_line_is_in_view_over_many_windows_and_in_no_text() -> None:
    teller = teller_of(tiny_gpt2())
    wished = dataclasses.replace(BOLD, max_tokens=3 * WINDOW, min_tokens=3 * WINDOW)
    pieces, last = split(teller.tell("An owl", wished, voice=B, memory="A wood.", note="Be brief."))
    assert "Shelf" not in text_of(pieces)
    assert last.seen is not None and (last.seen.voice, last.seen.memory) == (14, 8) and last.seen.begins > 0
    in_view = b"".join(Bytes.pieces[token] for token in teller._caches._kept[0].ids)
    assert in_view.startswith(b"Shelf: Grimm\n\nA wood.\n\n") and b"owl" not in in_view
    assert teller.see("An owl", voice=B).voice == 14 and teller.see("An owl").voice == 0
    assert all(b"Shelf" not in kept.text for kept in teller._histories._kept)


@pytest.mark.parametrize("window", [1, 2, 3, 5, 8, 16, 64])
def test_a_line_takes_less_than_a_quarter_of_any_window_and_leaves_the_story_room(window: int) -> None:
    backend = Watched(reader_of(tiny_gpt2(window)))
    seen = teller_of(backend).see("Long ago. " * 20, "m" * 99, "n" * 99, (("x" * 80, 0.5), ("y", 0.5)))
    assert seen.voice <= window // 4 and seen.tokens <= window
    assert (seen.memory, seen.note) == ((max(0, window // 2 - 1), window // 4) if window >= 4 else (0, 0))
    boldly = dataclasses.replace(BOLD, max_tokens=30, min_tokens=30)
    pieces, _ = split(teller_of(backend).tell("Owl", boldly, voice=BOTH, memory="m" * 99, note="n" * 99))
    assert len(pieces) >= boldly.max_tokens - 3  # the backend refuses any place outside of the window


def test_without_a_voice_all_is_as_it_was() -> None:
    before = lay_out([1, 2, 3], 64, lambda token: False, start=9, memory=[5, 6], note=[7])
    assert before.ids == (9, 5, 6, 1, 2, 3, 7) or before.ids == (9, 5, 6, 7, 1, 2, 3)
    assert (before.voice, before.others) == (0, ())
    backend = Watched(reader_of(tiny_gpt2()))
    split(teller_of(backend).tell("An owl", GREEDY, voice=()))
    assert backend.calls[0] == [EOT, *encoded("An owl")]


def test_no_penalty_falls_on_a_shelfs_title() -> None:
    """A title's words are no words that were told."""
    teller, wished = teller_of(tiny_gpt2()), SamplerSettings(repetition=2.0)
    for voice in (A, BOTH):
        told = Continuation(teller._scene("An owl", "Tom", "", 48, voice), wished, Bytes())
        assert bytes(sorted(told.changes().repeated.tolist())) == bytes(sorted(set(b"Anowl" + b"Tom")))


@pytest.mark.parametrize("word", ["Shelf", "Title"])
def test_no_story_begins_with_a_header_word_of_however_many_tokens(word: str) -> None:
    assert text_of(teller_of(Scripted(encoded(f"{word}: Grimm"))).tell("", GREEDY)).startswith(
        f"{word[:-1]}\0:"
    )
    assert text_of(teller_of(Scripted(encoded(f" {word}: Grimm"))).tell("", GREEDY)).startswith(f" {word}:")
    assert text_of(teller_of(Scripted(encoded(word))).tell("The\n", GREEDY)) == word


# -- what was read stays read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", [A, BOTH], ids=["one", "two"])
def test_going_on_in_the_same_voice_reads_only_what_is_new(voice: Voice) -> None:
    backend = Watched(reader_of(tiny_gpt2(512)))
    teller = teller_of(backend)
    told, first = split(teller.tell("Once upon a time", GREEDY, voice=voice))
    _, last = split(teller.tell("Once upon a time" + text_of(told), GREEDY, voice=voice))
    assert last.read <= 2 * len(voice) and last.reused >= first.read


def test_a_change_of_voice_reads_the_story_behind_the_other_line_and_a_change_back_only_what_is_new() -> None:
    backend = Watched(reader_of(tiny_gpt2(512)))
    teller = teller_of(backend)
    text = "Once upon a time there was an owl"
    text += text_of(teller.tell(text, GREEDY, voice=A))
    told, changed = split(teller.tell(text, GREEDY, voice=B))
    assert changed.reused <= len("<Shelf: ")  # what both lines begin with
    assert changed.read + changed.reused == teller.see(text, voice=B).tokens
    text += text_of(told)
    _, back = split(teller.tell(text, GREEDY, voice=A))
    assert back.read <= len(told) + 2
    fresh = teller_of(tiny_gpt2(512))
    assert ids_of(fresh.tell("An owl", BOLD, voice=A)) == ids_of(teller.tell("An owl", BOLD, voice=A))


# -- mixtures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [reader_of, lambda model: make_backend(TransformersModel(model), "fp32")])
def test_a_mixture_is_the_weighted_mean_of_what_is_likely_behind_each_line(
    read: Callable[[GPT2LMHeadModel], Any],
) -> None:
    model = tiny_gpt2(256)
    views = [
        ([EOT, *header_ids(f"Shelf: {title}\n", Bytes()), *encoded("An owl")], share) for title, share in BOTH
    ]
    teller = Generator(read(model), Bytes())
    told = ids_of(teller.tell("An owl", GREEDILY, voice=BOTH))
    assert told[:30] == greedily(views, model, 30)
    alone = [ids_of(teller.tell("An owl", GREEDILY, voice=voice)) for voice in (A, B)]
    assert told not in alone


@pytest.mark.parametrize(
    "voice",
    [
        (("Hedgerow Tales", 0.3), ("Hedgerow Tales", 0.7)),
        (("Hedgerow Tales", 1.0), ("Grimm", 0.0)),
        (("Grimm", 0.0), ("Hedgerow Tales", 0.4)),
    ],
    ids=["with itself", "with nothing of another", "the other way round"],
)
def test_a_mixture_of_one_is_that_one_to_the_very_ids(voice: Voice) -> None:
    wished = dataclasses.replace(BOLD, max_tokens=WINDOW)
    mine, alone = (split(teller_of(tiny_gpt2()).tell("An owl", wished, voice=each))[0] for each in (voice, A))
    assert mine == alone


def test_a_mixture_over_many_windows_sees_the_same_of_the_story_in_both_views() -> None:
    """The reference lays both views out anew and reads them whole."""
    model = tiny_gpt2()
    lines = [
        encoded("Shelf: Hedger\n"),
        encoded("Shelf: Grimm\n"),
    ]  # a quarter of the window has room for that
    story, reference = encoded("An owl"), []
    told = ids_of(
        teller_of(model).tell(
            "An owl", dataclasses.replace(GREEDILY, max_tokens=60, min_tokens=60), voice=BOTH
        )
    )

    def laid_out() -> list[list[int]]:
        view = lay_out(
            story,
            WINDOW,
            lambda t: Bytes.pieces[t].endswith(b"\n"),
            start=EOT,
            lines=lines,
            blank=encoded("\n"),
        )
        return [list(view.ids), *map(list, view.others)]

    views = laid_out()
    for _ in range(60):
        token = greedily([(ids, share) for ids, (_, share) in zip(views, BOTH, strict=True)], model, 1)[0]
        reference.append(token)
        story.append(token)
        views = [[*ids, token] for ids in views]
        if max(map(len, views)) > WINDOW:
            views = laid_out()
    assert told[:60] == reference


def test_a_mixture_takes_banned_phrases_back_in_both_views() -> None:
    teller = teller_of(tiny_gpt2())
    free = text_of(teller.tell("An owl", GREEDILY, voice=BOTH))
    banned = free[3:6]
    wished = dataclasses.replace(GREEDILY, banned=(banned,))
    assert banned.casefold() not in text_of(teller.tell("An owl", wished, voice=BOTH)).casefold()


def test_several_in_a_mixture_are_those_told_one_after_another() -> None:
    teller = teller_of(tiny_gpt2(128))
    rows: dict[int, list[int]] = {0: [], 1: []}
    for row, item in teller.tell_several("An owl", BOLD, 2, voice=BOTH):
        if isinstance(item, Piece):
            rows[row].append(item.token)
    for row in rows:
        alone = dataclasses.replace(BOLD, seed=BOLD.seed + row)
        assert rows[row] == ids_of(teller.tell("An owl", alone, voice=BOTH))
    ends = [item for _, item in teller.tell_several("An owl", BOLD, 2, voice=A) if isinstance(item, Told)]
    assert all(end.seen is not None and end.seen.voice == 23 for end in ends)


@pytest.mark.parametrize("voice", [A, BOTH], ids=["one", "two"])
def test_recorded_steps_tell_one_voice_and_leave_a_mixture_to_the_ordinary_path(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = GPT2Backend(ours(tiny_gpt2()).eval(), "fp32")
    steps = GraphedSteps(backend)
    if len(voice) > 1:
        monkeypatch.setattr(GraphedSteps, "tell", None)
        monkeypatch.setattr(GraphedSteps, "read", None)
    wished = SamplerSettings(seed=4, max_tokens=WINDOW)
    mine = ids_of(Generator(backend, Wide(), steps=steps).tell("An owl", wished, voice=voice))
    plain = Generator(reader_of(tiny_gpt2()), Wide())
    assert mine == ids_of(plain.tell("An owl", wished, voice=voice))


def test_the_mean_of_likelihoods() -> None:
    one, other = torch.randn(50), torch.randn(50)
    assert mix_logits([one], [1.0]) is one
    expected = (0.7 * one.softmax(0) + 0.3 * other.softmax(0)).log()
    torch.testing.assert_close(mix_logits([one, other], [0.7, 0.3]), expected)


@settings(deadline=None, max_examples=many(50))
@given(st.integers(0, 10_000), st.floats(0, 2, allow_subnormal=False))
def test_a_contrast_takes_what_the_other_voice_says_from_what_is_plausible(
    seed: int, contrast: float
) -> None:
    """Nothing implausible behind the voice's own line is ever drawn; of the rest the odds are those of the formula."""
    draw = torch.Generator().manual_seed(seed)
    own, other = 4 * torch.randn(40, generator=draw), 4 * torch.randn(40, generator=draw)
    scores = contrasted(own, other, contrast)
    kept = own.softmax(0) >= PLAUSIBLE * own.softmax(0).max() * (1 - 1e-5)
    assert (
        torch.equal(torch.isfinite(scores), kept)
        or (own.softmax(0) / own.softmax(0).max() - PLAUSIBLE).abs().min() < 1e-5
    )
    expected = own + contrast * (own - other)
    within = torch.isfinite(scores)
    apart = (scores - expected)[within]
    torch.testing.assert_close(apart, apart[:1].expand_as(apart), atol=1e-4, rtol=1e-4)


def test_a_voice_leans_away_from_the_usual_one_and_that_from_the_other_of_two() -> None:
    assert leaning(A, SHELVES[:2], 0.5) == (("Hedgerow Tales", 1.5), ("Grimm", -0.5))
    assert leaning(B, SHELVES[:2], 1.0) == (("Grimm", 2.0), ("Hedgerow Tales", -1.0))
    assert leaning(B, SHELVES, 1.0) == (("Grimm", 2.0), ("Hedgerow Tales", -1.0))
    assert effective(leaning(B, SHELVES, 1.0)) == leaning(B, SHELVES, 1.0)
    for voice, titles, contrast in (
        (A, SHELVES, 1.0),
        (A, SHELVES[:1], 1.0),
        (BOTH, SHELVES, 1.0),
        ((), SHELVES, 1.0),
    ):
        assert leaning(voice, titles, contrast) == voice
    assert leaning(B, SHELVES, 0.0) == B


def test_what_is_told_in_contrast_is_what_the_plain_model_scores_behind_both_lines() -> None:
    """Token by token the largest score, from readings of the plain model."""
    model = tiny_gpt2(256)
    views = [[EOT, *header_ids(shelf_line(title), Bytes()), *encoded("An owl")] for title in SHELVES[:2]]
    pieces, _ = split(
        Generator(reader_of(model), Bytes()).tell("An owl", GREEDILY, voice=leaning(A, SHELVES[:2], 1.0))
    )
    told = ids_of(pieces)
    for place in range(30):
        with torch.no_grad():
            own, other = (
                model(torch.tensor([[*ids, *told[:place]]])).logits[0, -1, : Bytes.vocabulary_size]
                for ids in views
            )
        scores = contrasted(own, other, 1.0)
        scores[EOT] = -torch.inf
        assert told[place] == scores.argmax()


# -- words for a voice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "voice"),
    [
        (["Hedgerow Tales"], A),
        (["  hedgerow   tales "], A),
        (["gri"], B),
        (["none"], ()),
        (["none", "None"], ()),
        (["None"], ()),
        (["grimm=1"], B),
        (["Grimm", "the"], (("Grimm", 0.5), ("The River", 0.5))),
        (["hedge", "grimm=0.25"], (("Hedgerow Tales", 0.75), ("Grimm", 0.25))),
        (["hedge=1", "grimm=1"], (("Hedgerow Tales", 0.5), ("Grimm", 0.5))),
        (["hedge=0", "grimm"], B),
        (["grimm", "Grimm"], B),
    ],
)
def test_a_voice_is_known_by_its_title_or_a_beginning_of_it(asked: list[str], voice: Voice) -> None:
    found = asked_for(asked, SHELVES)
    assert [title for title, _ in found] == [title for title, _ in voice]
    assert [share for _, share in found] == pytest.approx([share for _, share in voice])


def test_a_shelf_may_be_called_none_or_have_an_equals_sign() -> None:
    shelves = ("None", "1 + 1 = 2", "Grimm")
    assert asked_for(["none"], shelves) == (("None", 1.0),)
    assert asked_for(["1 + 1 = 2"], shelves) == (("1 + 1 = 2", 1.0),)
    assert asked_for(["1 + 1 = 2=0.5", "grimm"], shelves) == (("1 + 1 = 2", 0.5), ("Grimm", 0.5))
    assert asked_for(["none"], ()) == ()


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        (
            ["Perrault"],
            ModelError,
            "knows no voice 'Perrault'; it knows Hedgerow Tales, Grimm and The River.",
        ),
        (["Grimm", "Perrault=0.2"], ModelError, "no voice 'Perrault'"),
        (["Grimm", "none"], Misused, "none is no voice, so it cannot be mixed"),
        (["Grimm", "River", "Hedgerow"], Misused, "names 3 voices, but at most 2 can be mixed"),
        (["Grimm=0.3"], Misused, "a share of 0.3, but names no second voice"),
        (["Grimm=2", "The River"], Misused, "'Grimm' a share of 2, but it must be from 0 to 1"),
        (["Grimm=nan", "The River"], Misused, "from 0 to 1"),
        (["Grimm=0", "The River=0"], Misused, "both voices a share of 0"),
    ],
)
def test_a_voice_that_cannot_be_is_a_sentence(asked: list[str], error: type[Exception], says: str) -> None:
    with pytest.raises(error) as raised:
        asked_for(asked, SHELVES)
    assert says in str(raised.value)


def test_more_than_one_voice_may_begin_alike_and_a_model_may_know_none() -> None:
    with pytest.raises(ModelError, match=r"'f' matches 2 voices, Fairy tales and Fables: write more"):
        asked_for(["f"], ("Fairy tales", "Fables"))
    with pytest.raises(ModelError, match="knows no voices, so it cannot use 'Grimm'"):
        asked_for(["Grimm"], ())


def test_the_first_voice_is_the_usual_one_and_one_that_is_not_known_gives_way_to_it() -> None:
    assert usual(SHELVES) == A and usual(()) == ()
    assert known(None, SHELVES) == A and known((), SHELVES) == () and known(BOTH, SHELVES) == BOTH
    assert known((("Perrault", 1.0),), SHELVES) == A and known(BOTH, ()) == ()
    assert effective((("A", 0.2), ("B", 0.2), ("C", 0.0))) == (("A", 0.5), ("B", 0.5))
    assert (describe(A), describe(BOTH), describe(())) == (
        "Hedgerow Tales",
        "70% Hedgerow Tales + 30% Grimm",
        "",
    )


@pytest.mark.parametrize(
    "kept", [None, 3, "Grimm", [["Grimm"]], [[1, 1.0]], [["Grimm", 7]], [["a", 0.3]] * 3]
)
def test_a_record_that_is_no_voice_is_none(kept: object) -> None:
    assert of_record(kept) is None
    assert of_record([list(part) for part in BOTH]) == BOTH and of_record([]) == ()
