"""No copied run of words is told if it is to be avoided: exact against a search by hand, however it is told."""

import codecs
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GPT2LMHeadModel

from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.copied import Index, open_index
from storytime_tui.corpus.words import WORD
from storytime_tui.generation.backends.cuda_graph import GraphedSteps
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.prepare import make_backend
from storytime_tui.generation.copying import CopyGuard
from storytime_tui.generation.generator import Generator
from storytime_tui.generation.pieces import Piece
from storytime_tui.generation.sampling.presets import with_preset
from storytime_tui.generation.sampling.settings import SamplerSettings
from tests.corpus.test_copied import words_of
from tests.generation.fakes import Bytes, tiny_gpt2
from tests.tiny import ours

TALE = (
    "Once upon a time the miller's cat had white paws, and she sat by the mill all day and didn\u2019t catch one mouse "
    "until the owl came by and told her of the caf\u00e9 in the wood."
)
GREEDY = dataclasses.replace(with_preset(SamplerSettings(), "exact"), max_tokens=90)
BOLD = dataclasses.replace(GREEDY, temperature=0.8, seed=3)
VOCABULARY = Bytes()


@pytest.fixture(scope="module")
def reciter() -> GPT2LMHeadModel:
    """A model that knows one tale by heart, and nothing else."""
    model = tiny_gpt2(window=256)
    ids = torch.tensor([[Bytes.end_of_text, *VOCABULARY.encode(TALE)]])
    steps = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(150):
        steps.zero_grad()
        loss = model(ids, labels=ids).loss
        loss.backward()
        steps.step()
    assert loss < 0.05
    return model


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return open_index([Story("Mill", TALE)], tmp_path_factory.mktemp("index"))


def teller_of(model: GPT2LMHeadModel, graphs: bool = False) -> Generator:
    backend = make_backend(ours(model).eval(), "fp32")
    assert isinstance(backend, GPT2Backend)
    return Generator(backend, VOCABULARY, steps=GraphedSteps(backend) if graphs else None)


def pieces_of(teller: Generator, prompt: str, how: SamplerSettings, learned: Index | None) -> list[Piece]:
    return [each for each in teller.tell(prompt, how, learned=learned) if isinstance(each, Piece)]


def text_of(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def told_runs(prompt: str, text: str, words: int, learned: Index) -> list[str]:
    """The copied runs of at least so many words that have a told word, or a part of one."""
    whole = prompt + text
    return [whole[s.start : s.end] for s in learned.stretches(whole, words) if s.end > len(prompt)]


@pytest.mark.parametrize(
    ("prompt", "graphs"),
    [("Once upon a time the", False), (TALE[:60], False), ("", False), ("Once upon a time the", True)],
)
def test_a_model_that_knows_its_text_by_heart_recites_it_only_without(
    reciter: GPT2LMHeadModel, learned: Index, prompt: str, graphs: bool
) -> None:
    teller = teller_of(reciter, graphs)
    plain = text_of(pieces_of(teller, prompt, GREEDY, learned))
    assert any(len(WORD.findall(run)) > 15 for run in told_runs(prompt, plain, 8, learned))
    for words in (8, 4):
        for way in (GREEDY, BOLD, dataclasses.replace(BOLD, mirostat=3.0)):
            how = dataclasses.replace(way, avoid_copying=words)
            pieces = pieces_of(teller, prompt, how, learned)
            for end in range(1, len(pieces) + 1):  # at every moment, as it streams
                assert told_runs(prompt, text_of(pieces[:end]), words, learned) == []
            assert len(pieces) > 20


def test_several_at_once_recite_nothing(reciter: GPT2LMHeadModel, learned: Index) -> None:
    prompt, how = "Once upon a time the miller", dataclasses.replace(BOLD, temperature=0.3)
    teller = teller_of(reciter)
    for words in (0, 5):
        texts = ["", "", ""]
        settled = dataclasses.replace(how, avoid_copying=words)
        for row, item in teller.tell_several(prompt, settled, 3, learned=learned):
            texts[row] += item.text if isinstance(item, Piece) else ""
        assert any(told_runs(prompt, text, 5, learned) for text in texts) == (words == 0)


def test_what_stands_in_the_prompt_alone_stays_but_is_not_continued(
    reciter: GPT2LMHeadModel, learned: Index
) -> None:
    prompt = TALE[: TALE.index(" mill all")]
    assert WORD.findall(text_of(pieces_of(teller_of(reciter), prompt, GREEDY, learned)))[:2] == [
        "mill",
        "all",
    ]
    how = dataclasses.replace(GREEDY, avoid_copying=8)
    text = text_of(pieces_of(teller_of(reciter), prompt, how, learned))
    assert text and told_runs(prompt, text, 8, learned) == []


@pytest.mark.parametrize("way", [GREEDY, BOLD, dataclasses.replace(BOLD, banned=("cat",), top_k=20)])
def test_where_nothing_is_copied_every_token_is_as_without(
    reciter: GPT2LMHeadModel, learned: Index, tmp_path: Path, way: SamplerSettings
) -> None:
    other = open_index(
        [Story("Other", "Nobody has told of a sea so wide as this one, and nobody will.")], tmp_path
    )
    avoiding = dataclasses.replace(way, avoid_copying=8)
    expected = pieces_of(teller_of(reciter), "Once", way, None)
    assert pieces_of(teller_of(reciter), "Once", way, learned) == expected
    assert pieces_of(teller_of(reciter), "Once", avoiding, None) == expected
    assert pieces_of(teller_of(reciter), "Once", avoiding, other) == expected


# -- the ban itself ----------------------------------------------------------------------------------------


SOME = st.lists(
    st.sampled_from(
        ["the", "Once", "upon", "don\u2019t", "caf\u00e9", "\u00c9t\u00e9", "a", "ab", "-", "'", ".", "\n"]
    )
)
SOME_TEXT = st.tuples(SOME, st.sampled_from([" ", "", "-"])).map(lambda pair: pair[1].join(pair[0]))


def completes(texts: Sequence[str], text: str, held: bytes, token: int, words: int) -> bool:
    """Whether a token completes a copied run with a word that it begins or goes on with, by hand."""
    stories = [words_of(each) for each in texts]
    whole = text.encode() + held + VOCABULARY.token_bytes(token)
    # an incomplete character at the end is no text yet
    text_then = codecs.getincrementaldecoder("utf-8")("replace").decode(whole)
    before, after = words_of(text), words_of(text_then)
    for end in range(words, len(after) + 1):
        if after[:end] == before[:end]:
            continue
        run = after[end - words : end]
        if any(story[at : at + words] == run for story in stories for at in range(len(story))):
            return True
    return False


@given(st.data())
def test_exactly_the_tokens_that_complete_a_run_are_banned(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(SOME_TEXT, max_size=3))
    text = data.draw(st.one_of(SOME_TEXT, st.sampled_from(["", *texts]).map(lambda t: t[: len(t) * 2 // 3])))
    held = data.draw(st.sampled_from([b"", b"", b"\xc3", b"\xe2\x80"]))
    words = data.draw(st.integers(1, 4))
    index = open_index(
        [Story(str(number), each) for number, each in enumerate(texts)], tmp_path_factory.mktemp("i")
    )
    banned = CopyGuard(index, VOCABULARY, words).banned(text, held)
    by_hand = {
        token
        for token in range(Bytes.vocabulary_size)
        if token != Bytes.end_of_text and completes(texts, text, held, token, words)
    }
    assert by_hand <= banned
    all_words = {word for each in texts for word in words_of(each)}
    for token in banned - by_hand:  # leads into a word of the stories
        after = words_of(text + VOCABULARY.token_bytes(token).decode("utf-8", "ignore"))
        assert any(word.startswith(after[-1]) and word != after[-1] for word in all_words)


def test_a_word_of_several_tokens_is_not_begun_and_broken_off(tmp_path: Path) -> None:
    guard = CopyGuard(open_index([Story("x", "So he met the Rumpelstilt.")], tmp_path), VOCABULARY, 5)
    banned = {text: guard.banned(text) for text in ("So he met the", "So he met the ", "So he met the Ru")}
    assert banned == {"So he met the": set(), "So he met the ": set(), "So he met the Ru": {ord("m")}}
    assert guard.banned("So he met the Rumpelstil") == {ord("t"), ord("T")}
