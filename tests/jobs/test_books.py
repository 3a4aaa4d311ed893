import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from storytime_tui.corpus.web import addresses, polite
from storytime_tui.errors import CorpusError
from storytime_tui.jobs import books, shelves
from storytime_tui.jobs.progress import Stopped
from tests.loopback_library import TALES, LoopbackLibrary, Waits, manners_without_waiting

SNAIL = books.GutenbergBook(90002, "The Snail's Monday", "Minnie Harrow")


@pytest.fixture(name="library")
def open_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackLibrary]:
    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    with LoopbackLibrary() as library:
        monkeypatch.setenv("STORYTIME_GUTENDEX", library.url)
        monkeypatch.setenv("STORYTIME_GUTENBERG", library.url)
        yield library


def test_the_list_is_there_at_once() -> None:
    assert len(books.browse()) >= 300


def test_a_book_goes_from_the_search_to_the_shelf(library: LoopbackLibrary) -> None:
    [found] = books.search("snail monday").books
    told: list[str] = []
    added = books.fetch(found, report=lambda words, *_: told.append(words))
    assert added.problems == ()
    collection = next(each for each in shelves.shelf() if each.name == added.collection.name)
    assert collection.title == "The Snail's Monday"
    assert collection.author == "Minnie Harrow"
    assert collection.source == "https://www.gutenberg.org/ebooks/90002"
    assert collection.licence == "Public domain in the USA (Project Gutenberg)"
    text = "\n".join(story.text for story in collection.stories)
    assert "A snail set out on a Monday to see the sea. On Tuesday" in text
    assert "Gutenberg" not in text and "terms of use" not in text
    assert told[0].startswith("downloading ")
    assert list(addresses.downloads_folder().iterdir()) == []


def test_a_book_without_a_title_is_called_by_its_number(
    library: LoopbackLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(shelves, "add_book", lambda path, **known: asked.append(known))
    library.places = ()
    text = TALES[1].text().replace(b"Title:", b"Called:")
    library.put("/cache/epub/90002/pg90002.txt", text)
    books.fetch(books.GutenbergBook(90002, "", ""))
    assert asked[0]["title"] == "Project Gutenberg 90002"
    assert asked[0]["author"] == "Minnie Harrow"


def test_a_stop_is_a_stop_everywhere(library: LoopbackLibrary) -> None:
    stop = threading.Event()
    stop.set()
    for work in (lambda: books.search("snail", stop=stop), lambda: books.numbered(90002, stop=stop)):
        with pytest.raises(Stopped, match="nothing was found"):
            work()
    with pytest.raises(Stopped, match="kept"):
        books.fetch(SNAIL, stop=stop)
    assert "the-snail-s-monday" not in {collection.name for collection in shelves.shelf()}


def test_a_stop_in_the_middle_keeps_what_came(library: LoopbackLibrary) -> None:
    stop = threading.Event()

    def report(words: str, done: int, total: int) -> None:
        if done:
            stop.set()

    library.tales[90002] = SimpleNamespace(number=90002, text=lambda: TALES[1].text() * 200)
    with pytest.raises(Stopped):
        books.fetch(SNAIL, report=report, stop=stop)
    assert len(list(addresses.downloads_folder().glob("*.part"))) == 1


def test_a_book_that_cannot_be_put_on_the_shelf_leaves_nothing(
    library: LoopbackLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def fails(path: Path, **_: object) -> None:
        seen.append(path)
        assert path.read_bytes() == TALES[1].text()
        raise CorpusError("There is already a collection called so.")

    monkeypatch.setattr(shelves, "add_book", fails)
    with pytest.raises(CorpusError, match="already"):
        books.fetch(SNAIL)
    assert not seen[0].exists()
