"""Finished stories become training text: the present text, once for each story, under its title."""

from contextlib import closing
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.errors import StoryError
from storytime_tui.jobs import shelves
from storytime_tui.jobs.own_stories import learn_from
from storytime_tui.stories.shelf import duplicate
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.tree import rewrite

OWL = "An owl sat in a tree and sang about the moon all night, until the moon came down to listen to it."
MOUSE = "A mouse sold buttons under the stair. Nobody bought one, so she gave them away, and then everybody came back."


@pytest.fixture
def store(home: Path) -> StoryStore:
    return StoryStore(paths.stories_file())


def told(store: StoryStore, title: str, text: str) -> int:
    story = store.new_story(title)
    store.add_passage(story.id, "model", text, "starter")
    return story.id


def mine() -> Collection:
    return shelves.find("my-stories")


def test_the_present_text_is_learned_from_and_edits_replace_what_they_edited(store: StoryStore) -> None:
    with closing(store):
        owl = told(store, "The [b]Owl[/b]", OWL)
        passage = store.passages(owl)[0]
        store.add_passage(owl, "model", " A take that was left.")
        store.add_passage(owl, "model", " The end.", after=passage.id)
        rewrite(store, owl, {passage.id: OWL.replace("moon", "sun")})
        learned = learn_from(store, [owl, told(store, "Buttons", MOUSE)])
        assert (learned.title, learned.stories, learned.replaced) == ("My stories", 2, 0)
        texts = {story.title: story.text.strip() for story in mine().stories}
        assert texts == {"The [b]Owl[/b]": f"{OWL.replace('moon', 'sun')} The end.", "Buttons": MOUSE}


def test_a_second_time_replaces_the_earlier_version_also_after_a_change_of_title(store: StoryStore) -> None:
    with closing(store):
        owl, mouse = told(store, "Owl", OWL), told(store, "Buttons", MOUSE)
        learn_from(store, [owl, mouse])
        store.add_passage(owl, "you", " And more.")
        store.rename(owl, "The Owl")
        assert learn_from(store, [owl]).replaced == 1
        assert {story.title: story.text.strip() for story in mine().stories} == {
            "The Owl": f"{OWL} And more.",
            "Buttons": MOUSE,
        }
        copy = duplicate(store, owl)
        assert learn_from(store, [copy.id]).replaced == 0  # a story of its own
        assert len(mine().stories) == 3


def test_the_collection_is_found_after_it_was_renamed_and_a_removed_story_comes_back(
    store: StoryStore,
) -> None:
    with closing(store):
        owl, mouse = told(store, "Owl", OWL), told(store, "Buttons", MOUSE)
        learn_from(store, [owl, mouse])
        shelves.rename(mine(), None, "Evenings")
        index = [story.title for story in mine().stories].index("Owl")
        shelves.remove(mine(), index)
        assert [story.title for story in mine().stories] == ["Buttons"]
        assert learn_from(store, [owl]).title == "Evenings"
        assert {story.title for story in mine().stories} == {"Owl", "Buttons"}


def test_a_collection_of_that_name_that_is_another_ones_stays_as_it_is(
    store: StoryStore, tmp_path: Path
) -> None:
    book = tmp_path / "book.txt"
    book.write_text(MOUSE, encoding="utf-8")
    with closing(store):
        shelves.add([book], "my-stories")
        learn_from(store, [told(store, "Owl", OWL)])
        assert [story.text.strip() for story in mine().stories] == [MOUSE]
        assert [story.title for story in shelves.find("my-stories-2").stories] == ["Owl"]


def test_a_story_without_words_is_said_and_nothing_is_put(store: StoryStore) -> None:
    with closing(store):
        owl = told(store, "Owl", OWL)
        empty = store.new_story("Nothing").id
        with pytest.raises(StoryError, match="“Nothing” has no words yet"):
            learn_from(store, [owl, empty])
        assert not paths.collections_folder().exists()


def test_a_story_with_headings_of_its_own_keeps_its_title(store: StoryStore) -> None:
    text = f"CHAPTER I\n\n{OWL}\n\n{OWL}\n\nCHAPTER II\n\n{MOUSE}\n\n{MOUSE}"
    with closing(store):
        learn_from(store, [told(store, "Two Chapters", text)])
        stories = mine().stories
        assert " ".join(" ".join(story.text for story in stories).split()).count("An owl sat") == 2
        assert stories[0].title.startswith("Two Chapters")
