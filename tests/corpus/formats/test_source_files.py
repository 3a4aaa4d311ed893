"""The texts of a folder: all of them, in order, each once, whatever is linked, hidden or crowded there."""

import os
from pathlib import Path

import pytest

from storytime_tui.corpus.formats.registry import SUFFIXES
from storytime_tui.corpus.formats.sources import is_readable_name, name_order, source_files
from storytime_tui.errors import CorpusError


def write(path: Path, text: str = "It rained.\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def names(folder: Path, **limits: int) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in source_files(folder, **limits).files]


def test_every_kind_of_text_is_found_and_nothing_else(tmp_path: Path) -> None:
    sets = {".csv": "text\nIt rained.\n", ".tsv": "text\nIt rained.\n"} | dict.fromkeys(
        (".json", ".jsonl", ".ndjson"), '["It rained."]'
    )
    for place, suffix in enumerate((*SUFFIXES, ".zip", ".TXT", ".Epub")):
        write(tmp_path / f"{place:02}{suffix}", sets.get(suffix, "It rained.\n"))
    for other in ("a.doc", "b.png", "collection.toml", "c", ".hidden.txt", "d.txt~", "e.zip.part"):
        write(tmp_path / other)
    assert names(tmp_path) == [
        f"{place:02}{suffix}" for place, suffix in enumerate((*SUFFIXES, ".zip", ".TXT", ".Epub"))
    ]
    assert is_readable_name(Path("A.HTML"))
    assert not is_readable_name(Path(".a.html"))
    assert not is_readable_name(Path("a.zip"))


def test_folders_within_folders_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    inside = [
        "Vole/raw_text/Tale 10.txt",
        "Vole/raw_text/Tale 2.txt",
        "Rat/raw_text/b.txt",
        "a.txt",
        "Vole/C.txt",
    ]
    for name in [*inside, ".git/x.txt", "__MACOSX/y.txt", "Rat/.trash/z.txt"]:
        write(tmp_path / name)
    assert names(tmp_path) == [
        "a.txt",
        "Rat/raw_text/b.txt",
        "Vole/C.txt",
        "Vole/raw_text/Tale 2.txt",
        "Vole/raw_text/Tale 10.txt",
    ]


def test_numbers_in_names_go_by_their_value_however_long() -> None:
    mixed = ["b", "a10", "a2", "A1", "a02", "a" + "9" * 5000, "a1b2", "a1b10", "", "2", "10", "²"]
    assert sorted(mixed, key=name_order) == [
        *("", "2", "10", "A1", "a1b2", "a1b10", "a02", "a2", "a10", "a" + "9" * 5000, "b", "²"),
    ]


def test_links_that_lead_back_end_and_nothing_is_found_twice(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    write(folder / "inner" / "fox.txt")
    (folder / "inner" / "back").symlink_to(folder, target_is_directory=True)
    (folder / "again").symlink_to(folder / "inner", target_is_directory=True)
    (folder / "same.txt").symlink_to(folder / "inner" / "fox.txt")
    (folder / "self").symlink_to(folder / "self")
    (folder / "nothing.txt").symlink_to(folder / "gone.txt")
    outside = write(tmp_path / "elsewhere" / "owl.txt")
    (folder / "shelf").symlink_to(outside.parent, target_is_directory=True)
    found = names(folder)
    assert found == [
        "again/fox.txt",
        "nothing.txt",
        "shelf/owl.txt",
    ]  # a text is known by the first way to it
    assert names(folder) == found


def test_a_link_to_a_folder_around_it_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "all" / "books"
    write(folder / "inner" / "fox.txt")
    write(tmp_path / "all" / "other" / "not-meant.txt")
    outside = write(tmp_path / "elsewhere" / "owl.txt").parent
    (folder / "inner" / "up").symlink_to("../../..", target_is_directory=True)
    (folder / "here").symlink_to(".", target_is_directory=True)
    (folder / "shelf").symlink_to(outside, target_is_directory=True)
    (outside / "back").symlink_to(tmp_path / "all", target_is_directory=True)
    (outside / "in").symlink_to(folder / "inner", target_is_directory=True)  # seen by then: nothing to say
    found = source_files(folder)
    assert [path.relative_to(folder).as_posix() for path in found.files] == ["inner/fox.txt", "shelf/owl.txt"]
    assert found.problems == ()
    assert sorted(found.notes) == [
        f"{folder / name} leads back to a folder that contains it: it is not followed."
        for name in ("here", "inner/up", "shelf/back")
    ]


def test_a_text_in_two_formats_is_taken_once(tmp_path: Path) -> None:
    for name in (
        "hat.txt",
        "hat.xhtml",
        "hat.html",
        "shoes.md",
        "shoes.txt",
        "in/hat.txt",
        "Hat2.txt",
        "hat.zip",
    ):
        write(tmp_path / name)
    found = source_files(tmp_path)
    assert names(tmp_path) == ["hat.xhtml", "hat.zip", "Hat2.txt", "in/hat.txt", "shoes.md"]
    assert found.problems == ()
    assert len(found.notes) == 3
    assert all("is left out: " in note and "\n" not in note for note in found.notes)
    assert any("hat.txt is left out: hat.xhtml beside it" in note for note in found.notes)


def test_other_texts_of_the_same_name_stay(tmp_path: Path) -> None:
    write(tmp_path / "hat.txt", "The vole had a hat, and it rained.")
    write(tmp_path / "hat.md", "# Shoes\n\nA pike has no shoes, whatever the heron says.")
    write(tmp_path / "hat.html", "<h1>Gone</h1><p>The hat was gone in the morning.")
    write(tmp_path / "hat.epub", "This is no e-book.")
    found = source_files(tmp_path)
    assert len(found.files) == 4
    assert found.notes == ()


def test_of_one_text_cut_short_the_whole_stays(tmp_path: Path) -> None:
    write(tmp_path / "hat.md", "# Hat\n\nThe vole had a hat, and it rained on it all day long.")
    write(
        tmp_path / "hat.txt",
        "Hat\n\nThe vole had a hat, and it rained on it all day long. Then it stopped, at tea.",
    )
    assert names(tmp_path) == ["hat.txt"]


def test_what_speaks_about_texts_is_none(tmp_path: Path) -> None:
    for name in (
        "README.md",
        "LICENSE.txt",
        "Readme-first.txt",
        "licence.html",
        "The License.txt",
        "readmewell.txt",
    ):
        write(tmp_path / name)
    found = source_files(tmp_path)
    assert names(tmp_path) == ["readmewell.txt", "The License.txt"]
    assert len(found.notes) == 4


@pytest.mark.parametrize(
    ("limit", "said"),
    [(49, "holds more than 49 texts"), (50, "")],
)
def test_a_crowded_folder_is_one_sentence(tmp_path: Path, limit: int, said: str) -> None:
    for number in range(25):
        write(tmp_path / f"{number}.txt")
        write(tmp_path / "inner" / f"{number}.txt")
    if not said:
        assert len(source_files(tmp_path, limit).files) == 50
        return
    with pytest.raises(CorpusError, match=said) as caught:
        source_files(tmp_path, limit)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hundred_thousand_files_are_not_all_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    class Entry:
        def __init__(self, number: int) -> None:
            self.name = f"{number}.txt"

        def is_dir(self) -> bool:
            return False

    class Crowd:
        def __enter__(self) -> "Crowd":
            return self

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal looked_at
            for number in range(100_000):
                looked_at += 1
                yield Entry(number)

    monkeypatch.setattr(os, "scandir", lambda _: Crowd())
    with pytest.raises(CorpusError, match="more than 20,000 texts"):
        source_files(tmp_path)
    assert looked_at <= 20_002


def test_a_folder_of_other_things_is_not_counted_for_ever(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path / f"{number}.png", "")
    with pytest.raises(CorpusError, match="holds more than 50 files and folders"):
        source_files(tmp_path, limit=5)


def test_folders_too_deep_are_told(tmp_path: Path) -> None:
    write(tmp_path / Path(*"abcdefgh") / "here.txt")
    write(tmp_path / Path(*"abcdefghi") / "too-deep.txt")
    found = source_files(tmp_path)
    assert [path.name for path in found.files] == ["here.txt"]
    assert len(found.problems) == 1
    assert "more than 8 folders deep" in found.problems[0]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "locked" / "b.txt")
    real = os.scandir

    def refuse(folder: Path) -> object:
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = source_files(tmp_path)
    assert [path.name for path in found.files] == ["a.txt"]
    assert found.problems == (f"The folder {tmp_path / 'locked'} cannot be read: Permission denied.",)
    with pytest.raises(CorpusError, match="cannot be read: Permission denied"):
        source_files(tmp_path / "locked")


def test_folders_without_texts_say_which_are_read(tmp_path: Path) -> None:
    write(tmp_path / "a.doc")
    for folder in (tmp_path, tmp_path / "gone", tmp_path / "a.doc", tmp_path / "nul\0"):
        with pytest.raises(CorpusError) as caught:
            source_files(folder)
        assert "\n" not in str(caught.value)
    with pytest.raises(CorpusError, match=r"holds no \.txt, \.md, \.html, \.epub, .* or \.zip files"):
        source_files(tmp_path)


def test_names_with_control_characters_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path / "a\x1b[2J\n.txt")
    write(tmp_path / "a\x1b[2J\n.md")
    found = source_files(tmp_path)
    assert len(found.files) == 1
    assert "\x1b" not in found.notes[0]
    assert "\n" not in found.notes[0]


def test_the_tales_beside_the_checkout_are_found(shared: Path) -> None:
    found = source_files(shared / "corpora")
    assert len(found.files) == 64
    assert {path.parent.name for path in found.files} == {"raw_text"}
