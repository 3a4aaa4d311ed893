"""A story is told on and saved while it streams; each passage can be told again exactly, or it is said why not."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storytime_tui.errors import StoryUnavailable
from storytime_tui.generation.backends import precision
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import Teller, open_teller
from storytime_tui.jobs.tell_again import tell_again
from storytime_tui.jobs.tell_on import HowToTell, TellOn
from storytime_tui.jobs.told_record import read_record, told_line
from storytime_tui.jobs.told_words import ids_of
from storytime_tui.models import catalogue
from storytime_tui.models.catalogue import STARTER, STARTER_FOLDER
from storytime_tui.stories.importing import import_story
from storytime_tui.stories.joining import joined
from storytime_tui.stories.steering import Steering
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import rewrite

REAL = STARTER_FOLDER  # before a test puts another in its place
STEERED = Steering(
    characters="Pip the mouse", memory="It rains.", note="Something small happens.", note_depth=16
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoryStore]:
    with_stories = StoryStore(tmp_path / "stories.sqlite3")
    yield with_stories
    with_stories.close()


@pytest.fixture
def unjudged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are told in fp32, without the seconds in which int8 is tried."""
    monkeypatch.setattr(precision, "choose_telling_precision", lambda *_: ("fp32", None))


def told_on(
    store: StoryStore, teller: Teller, story: int, line: str = "", stop_after: int = 10**9, **settings: Any
) -> int:
    """Add a line, tell on, and return the passage's id."""
    if line:
        store.add_line(story, lambda text: joined(text, line))
    values = {"seed": 7, "max_tokens": 25, "min_tokens": 25, **settings}
    how = HowToTell(SamplerSettings(**values), steering=STEERED)
    telling, stop = TellOn(store, story, teller, how), threading.Event()
    for number, item in enumerate(telling.stream(stop), 1):
        if number == stop_after:
            stop.set()
        assert isinstance(item, Piece | Told)
    assert telling.passage is not None
    return telling.passage


def a_story(store: StoryStore, model: str = STARTER, passages: int = 3) -> tuple[int, list[int]]:
    """A story told in one sitting, with a line of yours here and there, once stopped in the middle."""
    teller = open_teller(model)
    story = store.new_story("The key").id
    ids = [told_on(store, teller, story, "The mouse lost ", seed=1)]
    if passages > 1:
        ids.append(told_on(store, teller, story, stop_after=5, seed=2, finish_sentence=True))
        ids.append(told_on(store, teller, story, "the key by the pond.", seed=3, banned=("kettle",)))
        ids.append(told_on(store, teller, story, seed=4, end_after="sentence"))
    return story, ids


def test_each_passage_is_told_again_exactly(starter: Path, store: StoryStore) -> None:
    story, ids = a_story(store)
    passages = store.passages(story)
    again = [tell_again(store, each) for each in ids]
    assert [told.same for told in again] == [True] * 4
    assert [told.text for told in again] == [each.text for each in passages if each.author == "model"]
    assert store.passages(story) == passages  # nothing is changed
    assert all(each.ids for each in passages if each.author == "model")
    record = read_record(passages[-1])
    assert record is not None and len(record.weights) == 64
    assert (record.memory, record.note_depth) == ("Characters: Pip the mouse\n\nIt rains.", 16)
    other = open_teller(STARTER)  # a later sitting, which reads the story as it was told
    later = told_on(store, other, story, seed=4)
    assert tell_again(store, later).same


@pytest.mark.skipif(
    not (REAL / "config.json").is_file(), reason="the starter's weights are not in this checkout"
)
@pytest.mark.usefixtures("unjudged")
def test_the_bundled_starter_tells_a_passage_again_exactly(
    store: StoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "STARTER_FOLDER", REAL)
    story, ids = a_story(store)
    assert [tell_again(store, each).same for each in ids] == [True] * 4
    assert told_line(store.passages(story)[-1]) == "told by starter, lively, seed 4"


@pytest.mark.usefixtures("unjudged")
def test_changed_weights_are_said(starter: Path, store: StoryStore) -> None:
    _, (passage,) = a_story(store, passages=1)
    shard = sorted(starter.glob("*.safetensors"))[-1]
    data = shard.read_bytes()
    shard.write_bytes(data[:-2] + bytes([data[-2] ^ 1, data[-1]]))
    told = tell_again(store, passage)
    assert told.same is None and "The weights of starter have changed since" in told.why


@pytest.mark.usefixtures("unjudged")
def test_a_missing_model_is_said(starter: Path, store: StoryStore, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    starter.rename(folder)
    _, (passage,) = a_story(store, str(folder), passages=1)
    folder.rename(tmp_path / "elsewhere")
    told = tell_again(store, passage)
    assert told.same is None and told.why.startswith("The model cannot be opened: ")


@pytest.mark.usefixtures("unjudged")
def test_what_was_edited_imported_or_written_by_you_is_said(
    starter: Path, store: StoryStore, tmp_path: Path
) -> None:
    story, (first, second, third, _) = a_story(store)
    assert "You wrote this passage" in tell_again(store, store.passages(story)[0].id).why
    (tmp_path / "told.txt").write_text("A wren sang.")
    imported = import_story(store, tmp_path / "told.txt").id
    plain = store.add_passage(imported, "model", " It rained.", "somebody's model")
    assert "It is not known how this passage was told" in tell_again(store, plain.id).why
    rewrite(store, story, {second: " and sang."})
    *_, edited, _, after, _ = store.passages(story)
    assert "was edited after it was told" in tell_again(store, edited.id).why
    assert "The text before this passage has changed" in tell_again(store, after.id).why
    assert (
        tell_again(store, first).same and tell_again(store, third).same
    )  # in the branch that it was told in


@pytest.mark.usefixtures("unjudged")
def test_a_passage_of_a_run_that_trained_cannot_be_told_again(starter: Path, store: StoryStore) -> None:
    story, _ = a_story(store, passages=1)
    record = read_record(store.passages(story)[-1])
    assert record is not None
    training = dataclasses.replace(record, step=12, weights="").to_json()
    other = store.add_passage(story, "model", " so", "hedgerow-2", training, after=None)
    assert "told by hedgerow-2 while it trained, at step 12" in tell_again(store, other.id).why


@pytest.mark.usefixtures("unjudged")
def test_other_words_are_said_to_be_others(starter: Path, store: StoryStore) -> None:
    story, _ = a_story(store, passages=1)
    told = store.passages(story)[-1]
    other = store.add_passage(story, "model", "x", STARTER, told.settings, ids="1,2,3", after=told.parent)
    again = tell_again(store, other.id)
    assert again.same is False and again.why.startswith("Other words came out") and again.text


class Forgetful(StoryStore):
    """Cannot write for a while, as on a full disk."""

    full = 0

    def extend_passage(self, passage_id: int, text: str, ids: str = "") -> Any:
        if self.full > 0:
            self.full -= 1
            raise StoryUnavailable("The disk is full.")
        return super().extend_passage(passage_id, text, ids)


@pytest.mark.usefixtures("unjudged")
def test_words_that_cannot_be_saved_now_wait_and_it_is_said_once(starter: Path, tmp_path: Path) -> None:
    store = Forgetful(tmp_path / "full.sqlite3")
    said: list[str] = []
    ticking = iter(range(10_000))  # each look at the clock is a second later: every word is saved at once
    story = store.new_story("Full").id
    how = HowToTell(SamplerSettings(seed=1, max_tokens=12, min_tokens=12))
    telling = TellOn(store, story, open_teller(STARTER), how, say=said.append, clock=lambda: next(ticking))
    store.full = 4
    pieces = [item for item in telling.stream(threading.Event()) if isinstance(item, Piece)]
    assert said == ["The disk is full."]
    assert store.text(story) == "".join(piece.text for piece in pieces)
    assert ids_of(store.passages(story)[0]) == [piece.token for piece in pieces]
    store.close()


@pytest.mark.usefixtures("unjudged")
def test_words_are_saved_when_the_reader_goes_away(starter: Path, store: StoryStore) -> None:
    story = store.new_story("Gone").id
    how = HowToTell(SamplerSettings(seed=1, max_tokens=12, min_tokens=12))
    stream = TellOn(store, story, open_teller(STARTER), how).stream(threading.Event())
    first = next(stream)
    assert isinstance(first, Piece) and store.text(story) == ""
    stream.close()
    assert store.text(story) == first.text
