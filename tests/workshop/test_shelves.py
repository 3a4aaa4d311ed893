"""The shelf as commands and screens see it."""

from pathlib import Path

import pytest

from storytime_tui.workshop import shelves


def test_what_is_added_is_found_on_the_shelf(tmp_path: Path) -> None:
    (tmp_path / "fox.txt").write_text("The Fox\n\nOnce.")
    added = shelves.add([tmp_path / "fox.txt"], None).collection
    assert shelves.find("fox") == added
    assert added in shelves.shelf()
    assert shelves.shelf_with_problems()[0] == shelves.shelf()


@pytest.mark.parametrize("base", ["scratch-tiny", "scratch-small", "distilgpt2", "/some/folder"])
def test_tokens_are_estimated_from_words(base: str) -> None:
    assert shelves.estimate_tokens(0, base) == 0
    assert 1100 <= shelves.estimate_tokens(1000, base) <= 1600
