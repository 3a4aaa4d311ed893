"""Reading a written story: the probabilities are those of `explain` and of transformers, in the view as it is told."""

import threading
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from storytime_tui.corpus.headers import shelf_line
from storytime_tui.errors import ModelError
from storytime_tui.generation.computing import Computing
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.token_history import TokenHistory
from storytime_tui.jobs.explain import explain_text, open_explainer
from storytime_tui.jobs.generate import Teller, open_teller
from storytime_tui.jobs.story_reading import StoryReading
from storytime_tui.models import catalogue
from storytime_tui.models.voices import Voices, write_voices
from tests.loopback_hub import make_gpt2
from tests.tiny import tale

TEXT = "Once upon a time there was a mouse — “Zoë 🦊”, she said.\n\nShe kept a shop under the stair, and sold buttons. "


REAL = catalogue.STARTER_FOLDER  # before a test puts another in its place


def nothing(*_: Any) -> None:
    return None


def read(teller: Teller, text: str = TEXT, **how: Any) -> StoryReading:
    found = teller.read(text, nothing, **how)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", REAL)


@pytest.fixture(scope="module")
def told_by() -> list[Teller]:
    return []


@pytest.fixture
def starter(told_by: list[Teller]) -> Teller:
    """The program's own starter, opened once; in fp32, as not every processor has a faster precision."""
    if not told_by:
        exact = Computing(precision="fp32")
        told_by.append(open_teller("starter", wanted=lambda: exact))
    return told_by[0]


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


def test_the_starter_s_figures_are_those_of_explain_and_transformers(starter: Teller) -> None:
    reading = read(starter)
    explainer = open_explainer("starter", nothing, device_name="cpu")
    expected = list(explain_text(explainer, TEXT.rstrip(), explainer.voices(None), nothing))
    assert [token.id for token in reading.tokens] == [token.id for token in expected]
    for token, right in zip(reading.tokens, expected, strict=True):
        assert token.logprob == pytest.approx(right.logprob, abs=1e-3)
        assert TEXT[token.start : token.end] == right.text
        assert {each.text for each in token.likeliest[:3]} == {each.text for each in right.likeliest[:3]}
    assert sum(t.rank == r.rank for t, r in zip(reading.tokens, expected, strict=True)) > len(expected) * 0.95
    assert reading.vocabulary == explainer.model.tokenizer.vocabulary_size
    reference: Any = transformers.AutoModelForCausalLM.from_pretrained(REAL, dtype=torch.float32)
    plain = read(starter, voice=())  # the usual voice has a line before the story
    ids = [token.id for token in plain.tokens]
    with torch.no_grad():
        logits = reference(torch.tensor([[explainer.model.tokenizer.end_of_text, *ids[:-1]]])).logits[0]
    own = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0].tolist()
    assert [token.logprob for token in plain.tokens] == pytest.approx(own, abs=1e-3)


def test_the_last_words_are_as_likely_as_when_they_were_told(starter: Teller) -> None:
    """The reading and the telling see the same, whatever stands in view."""
    settings = SamplerSettings(temperature=1.0, max_tokens=12, finish_sentence=False, seed=7)
    before = TEXT.rstrip()
    for how in ({}, {"memory": "Title: The Mouse\n\nPip is a mouse.", "note": "It begins to rain."}):
        *pieces, _ = starter.tell(before, settings, **how)
        whole = before + "".join(piece.text for piece in pieces)
        reading = read(starter, whole, **how)
        told = reading.tokens[-len(pieces) :]
        assert [token.id for token in told] == [piece.token for piece in pieces]
        if not how:  # with a note, it has moved on behind the new words
            assert [token.logprob for token in told] == pytest.approx(
                [piece.logprob for piece in pieces], abs=1e-3
            )
        assert whole.endswith("".join(whole[token.start : token.end] for token in told))


def test_memory_note_and_voice_are_in_view_and_no_words_of_the_story(gpt2: Path) -> None:
    write_voices(gpt2, Voices(("Hedgerow Tales", "Attic")))
    teller = open_teller(str(gpt2))
    text = tale(3)[:150]
    plain = read(teller, text, voice=())
    how: dict[str, Any] = {"memory": "Pip is a mouse.", "note": "Rain.", "voice": (("Attic", 1.0),)}
    reading = read(teller, text, **how)
    assert (
        "".join(text[token.start : token.end] for token in reading.tokens) == text[reading.tokens[0].start :]
    )
    vocabulary = teller._generator.vocabulary
    seen = teller._generator.see(text, how["memory"], how["note"], how["voice"])
    assert seen.memory and seen.note and seen.voice == len(vocabulary.encode(shelf_line("Attic") + "\n"))
    # the very numbers of the model with these ids before each word
    continuation = teller._generator  # its backend reads ids and knows no story
    from storytime_tui.generation.context import NOTE_DEPTH
    from storytime_tui.generation.continuation import Continuation

    scene = continuation._scene(text, how["memory"], how["note"], NOTE_DEPTH, how["voice"])
    ids = Continuation(scene, SamplerSettings(), vocabulary).ids
    logprobs = continuation._backend.logprobs(ids).tolist()
    note = vocabulary.encode("Rain.\n")
    note_at = next(at for at in range(len(ids)) if ids[at : at + len(note)] == note)
    told = [
        *range(len(ids) - len(reading.tokens) - len(note), note_at),
        *range(note_at + len(note), len(ids)),
    ]
    assert [ids[at] for at in told] == [token.id for token in reading.tokens]
    assert [token.logprob for token in reading.tokens] == pytest.approx(
        [logprobs[at - 1] for at in told], abs=1e-4
    )
    assert [t.logprob for t in plain.tokens[-9:]] != pytest.approx(
        [t.logprob for t in reading.tokens[-9:]], abs=1e-3
    )


def test_a_voice_in_contrast_is_read_as_it_tells(gpt2: Path) -> None:
    write_voices(gpt2, Voices(("Hedgerow Tales", "Attic")))
    teller = open_teller(str(gpt2), contrast=0.5)
    settings = SamplerSettings(temperature=0.0, repetition=1.0, dry=0.0, max_tokens=6, finish_sentence=False)
    voice = (("Attic", 1.0),)
    *pieces, _ = teller.tell(tale(2)[:80], settings, voice=voice)
    whole = tale(2)[:80] + "".join(piece.text for piece in pieces)
    told = read(teller, whole, voice=voice).tokens[-len(pieces) :]
    assert [token.rank for token in told] == [1] * len(pieces)  # at temperature 0 each is the first choice


def test_a_long_story_is_read_from_where_the_view_begins(starter: Teller) -> None:
    text = "\n\n".join(
        f"{number}. The mouse sold a button to a frog, and the frog went home." for number in range(90)
    )
    reading = read(starter, text)
    seen = starter.see(text)
    assert seen.begins > 0 and reading.tokens[-1].end == len(text)
    assert text[reading.tokens[0].start :].startswith(text[seen.begins :][:4].lstrip("\n")) or (
        reading.tokens[0].start - seen.begins < 8  # the very first token of the view has nothing before it
    )
    assert len(reading.tokens) > 200
    spelled = "".join(text[token.start : token.end] for token in reading.tokens)
    assert spelled == text[reading.tokens[0].start :]


def test_told_ids_are_read_as_they_were_told(starter: Teller) -> None:
    vocabulary = starter._generator.vocabulary
    other = [token for part in ("Once", " up", "on") for token in vocabulary.encode(part)]
    text = "Once upon"
    assert vocabulary.encode(text) != other
    ends = tuple(accumulate(len(vocabulary.token_bytes(token)) for token in other))
    known = StoryReading((), 0, TokenHistory(text.encode(), tuple(other), ends))
    reading = read(starter, text, like=known)
    assert [token.id for token in reading.tokens] == other
    assert [token.end for token in reading.tokens] == list(ends)


def test_it_stops_and_an_empty_story_has_no_words(starter: Teller) -> None:
    stop = threading.Event()
    stop.set()
    assert starter.read(TEXT, nothing, stop) is None
    assert read(starter, "").tokens == () and read(starter, "  ").tokens == ()


def test_a_diverged_model_is_said(tmp_path: Path) -> None:
    folder = make_gpt2(tmp_path / "gpt2")
    teller = open_teller(str(folder))
    with torch.inference_mode():
        teller._generator._backend.last_norm[0].fill_(torch.nan)  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="diverged"):
        teller.read(tale(1)[:60], nothing)
