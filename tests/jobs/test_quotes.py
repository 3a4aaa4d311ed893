"""Quotes and dashes of added texts: what the settings say holds for every way of adding; an option comes first."""

from pathlib import Path

import pytest

from storytime_tui import cli
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.jobs import shelves
from storytime_tui.settings import change_settings

CURLY = "“Well,” said the owl—who was old—“it’s late.”"
TALE = "The Owl\n\n" + " ".join([CURLY] * 8) + "\n"


def text_of(name: str) -> str:
    return find_collection(name).stories[0].text


@pytest.mark.parametrize("kept", [False, True], ids=["plain", "as written"])
def test_the_setting_holds_for_files_pasted_texts_and_books(kept: bool, tmp_path: Path) -> None:
    if kept:
        change_settings({"quotes": "as written"})
    file = tmp_path / "owl.txt"
    file.write_text(TALE)
    added = [
        shelves.add([file], "a-file").collection,
        shelves.add_text(TALE, "A pasted owl").collection,
        shelves.add_book(file, title="A book", author="", source="", licence="").collection,
    ]
    for collection in added:
        assert ("“" in text_of(collection.name)) == kept
        assert ("—" in text_of(collection.name)) == kept


def test_an_option_of_the_command_line_comes_before_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "owl.txt"
    file.write_text(TALE)
    assert cli.main(["corpus", "add", str(file), "--name", "kept", "--keep-punctuation"]) == 0
    assert cli.main(["corpus", "add", str(file), "--name", "usual"]) == 0
    change_settings({"quotes": "as written"})
    assert cli.main(["corpus", "add", str(file), "--name", "by-setting"]) == 0
    assert cli.main(["corpus", "add", str(file), "--name", "plain", "--plain-punctuation"]) == 0
    curly = {name: "“" in text_of(name) for name in ("kept", "usual", "by-setting", "plain")}
    assert curly == {"kept": True, "usual": False, "by-setting": True, "plain": False}
