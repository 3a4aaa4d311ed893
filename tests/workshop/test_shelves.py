"""The shelf as commands and screens see it."""

from pathlib import Path

from storytime_tui.workshop import shelves


def test_what_is_added_is_found_on_the_shelf(tmp_path: Path) -> None:
    (tmp_path / "fox.txt").write_text("The Fox\n\nOnce.")
    added = shelves.add([tmp_path / "fox.txt"], None).collection
    assert shelves.find("fox") == added
    assert added in shelves.shelf()
    assert shelves.shelf_with_problems()[0] == shelves.shelf()
