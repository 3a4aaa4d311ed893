"""The shelf as commands and screens see it."""

from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.errors import CorpusError
from storytime_tui.jobs import shelves


def test_what_is_added_is_found_on_the_shelf(tmp_path: Path) -> None:
    (tmp_path / "fox.txt").write_text("The Fox\n\nOnce.")
    added = shelves.add([tmp_path / "fox.txt"], None).collection
    assert shelves.find("fox") == added
    assert added in shelves.shelf()
    assert shelves.shelf_with_problems()[0] == shelves.shelf()


def test_what_cannot_be_opened_is_named_by_its_place_on_the_shelf() -> None:
    for name, card in (("broken", "title = "), ("emptied", 'title = "Once Full"')):
        folder = paths.collections_folder() / name
        folder.mkdir(parents=True)
        (folder / "collection.toml").write_text(card)
    collections, problems = shelves.opened()
    assert all(collection.bundled for collection in collections)
    assert [problem.split(" is ")[0].split(" holds ")[0] for problem in problems] == [
        *("broken/collection.toml", "The folder emptied"),
    ]


def test_all_that_was_removed_is_listed_and_restored_by_name_or_title(tmp_path: Path) -> None:
    for name in ("fox", "hen"):
        (tmp_path / f"{name}.txt").write_text(f"The {name.title()}\n\nOnce.")
        shelves.add([tmp_path / f"{name}.txt"], None)
    both = shelves.add([tmp_path / "fox.txt", tmp_path / "hen.txt"], "both").collection
    shelves.remove(both, 1)
    shelves.remove(shelves.find("fox"))
    shelves.remove(shelves.find("The Hen"))
    gone = shelves.removed()
    assert [(each.name, each.title, each.collection) for each in gone] == [
        ("hen", "The Hen", ""),
        ("fox", "The Fox", ""),
        ("both", "The Hen", "Both"),
    ]
    assert shelves.restore("the fox", new_name="Reynard").name == "reynard"
    assert shelves.restore("Both", story="The Hen").sentence == "“The Hen” is back in Both."
    with pytest.raises(CorpusError, match="No collection called “fox” was removed"):
        shelves.restore("fox")
