"""Takes that are told at once: all are kept after the same passage, and one ends the story's text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui.errors import StoryError
from storytime_tui.stories import history, tree
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.takes import NewTake, add_take, add_takes


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoryStore]:
    store = StoryStore(tmp_path / "stories.sqlite3")
    yield store
    store.close()


def test_a_take_is_added_without_a_change_of_the_text(store: StoryStore) -> None:
    story = store.new_story("A Story").id
    yours = store.add_passage(story, "you", "Once")
    first = store.add_passage(story, "model", " one", "m", "{}")
    added = add_take(store, story, yours.id, NewTake(" two\ud800", "m", '{"seed": 2}', "4,5"))
    assert store.text(story) == "Once one"
    assert (added.parent, added.text, added.model, added.ids) == (yours.id, " two\ufffd", "m", "4,5")
    assert [take.id for take in tree.takes_of(store, first.id).passages] == [first.id, added.id]
    store.extend_passage(added.id, " and on", "6")
    assert tree.takes_of(store, first.id).passages[1].text == " two\ufffd and on"
    history.undo(store, story)  # the take was no step
    assert store.text(story) == "Once"


def test_several_are_added_at_once_and_the_text_ends_with_the_chosen_one(store: StoryStore) -> None:
    story = store.new_story("A Story").id
    yours = store.add_passage(story, "you", "Once")
    takes = [NewTake(f" {name}", name, "{}") for name in "abc"]
    add_takes(store, story, yours.id, takes, 1)
    assert store.text(story) == "Once b"
    head = store.story(story).head
    assert head is not None
    assert tree.counts_of_takes(store, story)[head] == (2, 3)
    history.undo(store, story)
    assert store.text(story) == "Once"


def test_a_take_of_another_story_is_refused_and_nothing_is_added(store: StoryStore) -> None:
    story, other = store.new_story("A Story").id, store.new_story("Another").id
    theirs = store.add_passage(other, "you", "Far away")
    for refused in (theirs.id, 99):
        with pytest.raises(StoryError):
            add_takes(store, story, refused, [NewTake(" a", "m", "{}")], 0)
    assert tree.passages_of(store, story) == ()
