"""Renaming and removing: nothing is lost, and there is a way back."""

import os
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.library import changes
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.shelf import find_collection, load_shelf
from storytime_tui.errors import CorpusError


@pytest.fixture(autouse=True)
def no_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "nowhere")


@pytest.fixture
def tales(tmp_path: Path) -> Collection:
    folder = tmp_path / "tales"
    folder.mkdir()
    for name in ("fox", "hen", "owl"):
        (folder / f"{name}.txt").write_text(
            f"The {name.title()}\n\nOnce a {name} said “yes”.", encoding="utf-8"
        )
    return add_collection([folder]).collection


def titles() -> list[str]:
    return [story.title for story in find_collection("tales").stories]


def test_a_collection_and_a_story_are_renamed(tales: Collection) -> None:
    changes.rename(tales, None, "  My\nTales ")
    changes.rename(tales, 1, "[b]Hen[/b]")
    assert find_collection("tales").title == "My Tales"
    assert titles() == ["The Fox", "[b]Hen[/b]", "The Owl"]
    with pytest.raises(CorpusError, match="at least one letter"):
        changes.rename(tales, 0, " \n ")


def test_a_removed_story_comes_back(tales: Collection) -> None:
    changes.rename(tales, 1, "Henny")
    removed = changes.remove(find_collection("tales"), 1)
    again = changes.remove(find_collection("tales"), 0)
    assert titles() == ["The Owl"]
    assert "Henny" in removed.sentence
    changes.undo(removed)
    assert titles() == ["Henny", "The Owl"]
    changes.undo(again)
    assert titles() == ["The Fox", "Henny", "The Owl"]


def test_a_removed_collection_comes_back_as_it_was(tales: Collection) -> None:
    removed = changes.remove(tales)
    assert load_shelf() == ()
    with pytest.raises(CorpusError):
        find_collection("tales")
    assert [other.title for other in changes.removed_collections()] == ["Tales"]
    changes.undo(removed)
    assert find_collection("tales") == tales
    assert changes.removed_collections() == []


def test_what_took_its_name_meanwhile_is_not_overwritten(tales: Collection, tmp_path: Path) -> None:
    removed = changes.remove(tales)
    (tmp_path / "other.txt").write_text("Another tale.")
    other = add_collection([tmp_path / "other.txt"], "tales").collection
    with pytest.raises(CorpusError, match="already a collection called tales"):
        changes.undo(removed, "tales")
    back = changes.undo(removed)
    assert (back.name, back.place) == ("tales-2", "")
    assert back.sentence == (
        "“Tales” is back on the shelf as tales-2, since another one is called tales now."
    )
    assert find_collection("tales") == other
    assert [story.title for story in find_collection("tales-2").stories] == ["The Fox", "The Hen", "The Owl"]
    again = changes.remove(find_collection("tales-2"))
    assert changes.undo(again, "Old Tales").name == "old-tales"


def test_what_comes_back_says_what_and_where(tales: Collection) -> None:
    removed = changes.remove(tales, 0)
    back = changes.undo(removed)
    assert (back.name, back.place) == ("tales", tales.stories[0].place)
    assert back.sentence == "“The Fox” is back in Tales."
    assert changes.undo(changes.remove(tales)).sentence == "“Tales” is back on the shelf."


def test_stories_that_were_removed_earlier_are_known(tales: Collection) -> None:
    changes.rename(tales, 0, "Reynard")
    changes.remove(find_collection("tales"), 0)
    changes.remove(find_collection("tales"), 1)
    gone = changes.stories_removed_from(find_collection("tales"))
    assert [story.title for story in gone] == ["The Owl", "Reynard"]
    changes.undo(gone[1])
    assert titles() == ["Reynard", "The Hen"]
    changes.remove(find_collection("tales"))
    with pytest.raises(CorpusError, match="bring it back first"):
        changes.undo(gone[0])


def test_a_title_that_another_has_is_said(tales: Collection, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("Another tale.")
    other = add_collection([tmp_path / "other.txt"]).collection
    assert changes.rename(tales, None, "TALES") == ""  # it is its own
    assert "called “tales”, too: tales." in changes.rename(other, None, "tales")
    assert changes.rename(tales, 0, "The Fox") == ""
    assert changes.rename(tales, 0, "the owl") == "Another story in Tales is called “the owl”, too."
    assert find_collection("tales").name == "tales"  # a name goes before a title
    changes.rename(tales, None, "Two Of Them")
    changes.rename(other, None, "two of them")
    with pytest.raises(CorpusError, match=r"2 collections are called “Two of Them”.*other or tales"):
        find_collection("Two of Them")


def test_what_was_removed_long_ago_goes_with_the_next_removal(tales: Collection, tmp_path: Path) -> None:
    kept = changes.remove(tales)
    (tmp_path / "other.txt").write_text("Another tale.")
    changes.remove(add_collection([tmp_path / "other.txt"]).collection)
    old, new = kept.folder, kept.folder.with_name("1000-tales")
    old.rename(new)
    os.utime(new)
    changes.remove(add_collection([tmp_path / "other.txt"]).collection)
    assert new.exists()  # whatever its name says, it was touched today
    os.utime(new, (0, 0))
    changes.remove(add_collection([tmp_path / "other.txt"]).collection)
    assert not new.exists()
    assert len(changes.removed_collections()) == 3
    with pytest.raises(CorpusError, match="no longer there"):
        changes.undo(kept)


def test_punctuation_is_cleaned_anew(tales: Collection) -> None:
    assert tales.stories[0].text == 'Once a fox said "yes".'
    changes.set_punctuation(tales, plain=False)
    assert find_collection("tales").stories[0].text == "Once a fox said “yes”."
    changes.set_punctuation(tales, plain=True)
    assert find_collection("tales") == tales


def test_what_came_with_the_program_stays(tales: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "bundled_collections_folder", paths.collections_folder)
    bundled = find_collection("tales")
    for change in (
        lambda: changes.rename(bundled, None, "x"),
        lambda: changes.remove(bundled),
        lambda: changes.remove(bundled, 0),
        lambda: changes.set_punctuation(bundled, plain=False),
    ):
        with pytest.raises(CorpusError, match="came with Storytime"):
            change()
