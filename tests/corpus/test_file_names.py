"""A file's kind and its name: endings of two parts, as Project Gutenberg gives them."""

from pathlib import Path

import pytest

from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.formats.sources import source_files
from storytime_tui.corpus.library.importing import add_collection
from tests.corpus.formats import ebooks


@pytest.mark.parametrize(
    ("name", "stem", "ending"),
    [
        ("Fox.TXT", "Fox", ".txt"),
        ("11.txt.utf-8", "11", ".txt"),
        ("pg11.txt.utf8", "pg11", ".txt"),
        ("PG11.TXT.UTF-8", "PG11", ".txt"),
        ("11.txt.iso-8859-1", "11", ".txt"),
        ("11.txt.us-ascii", "11", ".txt"),
        ("11.html.images", "11", ".html"),
        ("11.html.utf8", "11", ".html"),
        ("11.epub.noimages", "11", ".epub"),
        ("11.epub.images", "11", ".epub"),
        ("11.epub3.images", "11", ".epub"),
        ("11.txt (1).utf-8", "11", ".txt"),
        ("11.epub (2).images", "11", ".epub"),
        ("the hen.fb2.zip", "the hen", ".fb2.zip"),
        ("fox.utf8", "fox", ".utf8"),
        ("tale.txt.zip", "tale.txt", ".zip"),
        ("chapter 1.images", "chapter 1", ".images"),
        ("txt.utf-8", "txt", ".utf-8"),
        ("README", "README", ""),
        (".txt.utf-8", ".txt", ".utf-8"),
    ],
)
def test_a_name_is_parted_into_stem_and_kind(name: str, stem: str, ending: str) -> None:
    assert (stem_of(name), ending_of(name)) == (stem, ending)
    assert (stem_of(Path("a/b") / name), ending_of(Path("a/b") / name)) == (stem, ending)


TALE = "The fox went down to the river, and there he met the grey goose.\n"


@pytest.mark.parametrize(
    "name", ["11.txt.utf-8", "pg11.txt.utf8", "11.txt.iso-8859-1", "tale.utf8", "tale.text"]
)
def test_a_plain_text_is_read_by_the_names_that_gutenberg_gives(
    tmp_path: Path, home: Path, name: str
) -> None:
    (tmp_path / name).write_text(TALE, encoding="utf-8")
    assert read_document(tmp_path / name).text == TALE
    added = add_collection([tmp_path / name])
    (story,) = added.collection.stories
    assert story.text == TALE.strip()
    assert added.collection.name in ("11", "pg11", "tale")


def test_a_page_and_a_book_are_read_by_the_names_that_gutenberg_gives(tmp_path: Path) -> None:
    (tmp_path / "12.html.images").write_text(f"<h1>The Fox</h1><p>{TALE}", encoding="utf-8")
    members = ebooks.book({"one.xhtml": ebooks.xhtml(f"<h1>The Hen</h1><p>{TALE}</p>")})
    ebooks.write(tmp_path, members, "13.epub3.images")
    assert read_document(tmp_path / "12.html.images").text.startswith("The Fox\n\nThe fox went")
    assert "The fox went" in read_document(tmp_path / "13.epub3.images").text


def test_one_book_in_two_of_gutenbergs_formats_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "11.txt.utf-8").write_text(TALE * 3, encoding="utf-8")
    (tmp_path / "11.html.images").write_text(f"<p>{TALE * 3}", encoding="utf-8")
    found = source_files(tmp_path)
    assert [path.name for path in found.files] == ["11.html.images"]
    assert "11.txt.utf-8 is left out: 11.html.images beside it is the same text." in found.notes[0]


def test_the_book_that_failed_under_its_own_name_is_read(shared: Path) -> None:
    assert read_document(shared / "tries" / "books" / "11.txt.utf-8").text.startswith("The fox went down")
