"""What a new collection is called, what is said on the way, and that it can be stopped until the last moment."""

import zipfile
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.library import prepared
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.library.shelf import load_shelf
from storytime_tui.errors import CorpusError

_BOOK = """Title: Grimms’ Fairy Tales

*** START OF THE PROJECT GUTENBERG EBOOK GRIMMS’ FAIRY TALES ***

THE FOX

{0}

THE HEN

{0}

THE OWL

{0}

*** END OF THE PROJECT GUTENBERG EBOOK GRIMMS’ FAIRY TALES ***
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    path = folder / "2591-0.txt"
    sentence = "Once there was an animal that went into the wood and came back late. "
    path.write_text(_BOOK.format("\n\n".join([sentence * 5] * 8)), encoding="utf-8")
    return path


def test_a_book_of_tales_gives_its_collection_its_title(book: Path) -> None:
    assert add_collection([book]).collection.title == "Grimms' Fairy Tales"


def test_so_does_a_folder_of_one_book_and_not_of_two(book: Path) -> None:
    assert add_collection([book.parent]).collection.title == "Grimms' Fairy Tales"
    (book.parent / "fox.txt").write_text("The Fox\n\nOnce there was a fox.")
    assert add_collection([book.parent]).collection.title == "Downloads"


def test_an_import_with_unreadable_files_reads_each_once_too(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_shelf()  # the bundled stories
    (book.parent / "broken.docx").write_bytes(b"no archive")
    (book.parent / "fox.txt").write_text("The Fox\n\nOnce there was a fox.")
    read: list[str] = []

    def counted(path: Path, column: str) -> Document:
        read.append(path.name)
        return read_document(path, column)

    monkeypatch.setattr(prepared, "read_document", counted)
    before = len(list((paths.cache_folder() / "prepared").iterdir()))
    added = add_collection([book.parent])
    found = next(each for each in load_shelf() if each.name == added.collection.name)
    assert sorted(read) == ["2591-0.txt", "broken.docx", "fox.txt"]
    assert len(list((paths.cache_folder() / "prepared").iterdir())) == before + 1
    assert len(added.problems) == 1 and "broken.docx" in added.problems[0]
    assert [story.title for story in found.stories] == ["Grimms' Fairy Tales", "The Fox"]
    assert found.stories[1].text == "Once there was a fox."
    assert sorted(account.file for account in found.accounts) == ["2591-0.txt", "fox.txt"]


def test_an_import_reads_each_file_once_and_keeps_it_once(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_shelf()  # the bundled stories
    read: list[Path] = []

    def counted(path: Path, column: str = "") -> Document:
        read.append(path)
        return read_document(path, column)

    monkeypatch.setattr(prepared, "read_document", counted)
    book.chmod(0o644)  # others may read it; a collection's files are its owner's alone
    add_collection([book])
    load_shelf()
    assert len(read) == 1
    texts = [each.read_text() for each in (paths.cache_folder() / "prepared").glob("*/stories.txt")]
    assert sum("an animal that went into the wood" in text for text in texts) == 1


def test_a_name_like_a_path_gives_no_title_like_one(book: Path) -> None:
    added = add_collection([book], "../../evil").collection
    assert (added.name, added.title) == ("evil", "Evil")
    assert add_collection([book], "AC/DC Tales").collection.title == "AC/DC Tales"


@pytest.mark.parametrize("source", ["ftp://x/y.txt", "file:///x/y.txt", "gopher://x"])
def test_other_addresses_are_told(source: str) -> None:
    with pytest.raises(CorpusError, match=f"{source} cannot be fetched: only addresses that begin with http"):
        add_collection([source])


def test_an_archive_that_gives_nothing_says_that_nothing_was_added(tmp_path: Path) -> None:
    path = tmp_path / "books" / "evil.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../escape.txt", "Once.")
    for source in (path, path.parent):
        with pytest.raises(CorpusError, match=r"it is left out\. Nothing was added\.$"):
            add_collection([source])


def test_other_documents_are_counted_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    (folder / "more").mkdir(parents=True)
    for name in ("a.doc", "b.DOC", "more/c.mobi", "picture.jpg", "fox.txt"):
        (folder / name).write_text("The Fox\n\nOnce.")
    (note,) = add_collection([folder]).notes
    assert note.startswith("3 documents are of kinds that cannot be read here (2 .doc, 1 .mobi)")
    for name in ("The Fox and the Crow", "LICENSE", "more/hare.fountain"):
        (folder / name).write_text("The Hare\n\nOnce.")
    (note,) = add_collection([folder]).notes
    assert "5 documents" in note and "1 without an ending" in note and "1 .fountain" in note
    (folder / "fox.txt").unlink()
    with pytest.raises(CorpusError, match=r"2 \.doc, 1 without an ending, 1 \.fountain, 1 \.mobi"):
        add_collection([folder])


def test_it_can_be_stopped_until_it_is_put_on_the_shelf(book: Path) -> None:
    said = []

    def report(words: str, done: int, total: int) -> None:
        said.append(words)
        if words == "putting it on the shelf":
            raise CorpusError("Stopped.")

    with pytest.raises(CorpusError, match="Stopped"):
        add_collection([book], report=report)
    assert said[-1] == "putting it on the shelf"
    assert list(paths.collections_folder().iterdir()) == []
