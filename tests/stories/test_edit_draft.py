"""What is typed in an edit is a take of the passage until the edit is done."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storytime_tui.stories.edit_draft import EditDraft
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import passages_of, rewrite, takes_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoryStore]:
    store = StoryStore(tmp_path / "stories.sqlite3")
    yield store
    store.close()


def texts(store: StoryStore, story: int) -> list[str]:
    return [passage.text for passage in passages_of(store, story)]


def test_the_typed_text_is_one_take_and_goes_when_the_edit_is_kept(store: StoryStore) -> None:
    story = store.new_story("The owl").id
    passage = store.add_passage(story, "you", "An owl.")
    draft = EditDraft(passage)
    draft.save(store, "An owl s")
    draft.save(store, "An owl sat.")
    assert texts(store, story) == ["An owl.", "An owl sat."] and store.text(story) == "An owl."
    assert len(takes_of(store, passage.id).passages) == 2
    rewrite(store, story, {passage.id: "An owl sat."})
    draft.drop(store)
    assert texts(store, story) == ["An owl.", "An owl sat."] and store.text(story) == "An owl sat."


def test_an_edit_that_changes_nothing_leaves_nothing(store: StoryStore) -> None:
    story = store.new_story("The owl").id
    passage = store.add_passage(story, "model", "An owl.")
    draft = EditDraft(passage)
    draft.save(store, "An owl.")
    draft.save(store, "An ow")
    draft.save(store, "An owl.")
    assert texts(store, story) == ["An owl."]


def test_a_take_that_another_window_went_to_stays(store: StoryStore) -> None:
    story = store.new_story("The owl").id
    passage = store.add_passage(story, "you", "An owl.")
    draft = EditDraft(passage)
    draft.save(store, "An owl sat.")
    other = StoryStore(store.path)
    other.go_to(story, takes_of(store, passage.id).passages[1].id)
    draft.save(store, "An owl sat up.")
    assert other.text(story) == "An owl sat."
    draft.drop(store)
    assert texts(store, story) == ["An owl.", "An owl sat."]
    other.close()
