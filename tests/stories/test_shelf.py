"""Whole stories on the bookshelf: favourites, copies, first lines."""

from pathlib import Path

import pytest
from hypothesis import given

from storytime_tui.errors import StoryError
from storytime_tui.stories.pages import listed
from storytime_tui.stories.shelf import beginning, duplicate, set_favourite
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.whole import Tree, add_tree, read_tree
from tests.stories.trees import trees


@pytest.fixture
def store() -> StoryStore:
    return StoryStore(Path(":memory:"))


def test_a_favourite_keeps_its_time_of_change_and_its_place(store: StoryStore) -> None:
    first, second = store.new_story("first"), store.new_story("second")
    assert set_favourite(store, first.id, True).favourite
    assert store.story(first.id).changed == first.changed
    assert [(each.story.title, each.story.favourite) for each in listed(store)] == [
        ("second", False),
        ("first", True),
    ]
    assert not set_favourite(store, first.id, False).favourite
    assert store.story(second.id) == second


def test_what_is_not_there_is_said(store: StoryStore) -> None:
    for act in (
        lambda: set_favourite(store, 7, True),
        lambda: duplicate(store, 7),
        lambda: beginning(store, 7, 9),
    ):
        with pytest.raises(StoryError, match="no story 7"):
            act()


@given(trees())
def test_a_duplicate_has_the_whole_tree_and_leaves_the_first_alone(tree: Tree) -> None:
    store = StoryStore(Path(":memory:"))
    story = add_tree(store, tree)
    before = read_tree(store, story.id)
    copy = duplicate(store, story.id)
    assert copy.id != story.id
    assert copy.title == f"{story.title} (copy)"
    assert store.text(copy.id) == store.text(story.id)
    assert read_tree(store, copy.id).nodes == before.nodes
    assert read_tree(store, story.id) == before
    assert copy.created != story.created  # so that exports tell them apart
    store.close()


def test_a_beginning_is_of_the_present_text_and_reads_no_more(store: StoryStore) -> None:
    story = store.new_story("The Owl")
    assert beginning(store, story.id, 10) == ""
    first = store.add_passage(story.id, "you", "An owl")
    store.add_passage(story.id, "model", " slept.")
    store.add_passage(story.id, "model", " sang.", after=first.id)
    for _ in range(300):
        store.add_passage(story.id, "you", " More.")
    assert beginning(store, story.id, 12) == "An owl sang."
    assert store.text(story.id).startswith(beginning(store, story.id, 100))
