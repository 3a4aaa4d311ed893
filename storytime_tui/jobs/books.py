"""Books of Project Gutenberg for the command line and the app: looked up, and added. Loads no torch."""

import contextlib
import threading
from collections.abc import Iterator

from storytime_tui.corpus.library.importing import AddedCollection
from storytime_tui.corpus.web import addresses, gutenberg
from storytime_tui.corpus.web.gutenberg import FoundBooks, GutenbergBook
from storytime_tui.jobs import shelves
from storytime_tui.jobs.progress import Stopped
from storytime_tui.reporting import Report

__all__ = ["FoundBooks", "GutenbergBook", "browse", "fetch", "numbered", "search", "search_offline"]


def browse() -> tuple[GutenbergBook, ...]:
    """The built-in list of children's classics, at once and without a network."""
    return gutenberg.classics()


def search_offline(query: str) -> tuple[GutenbergBook, ...]:
    """What the built-in list has by title, author or subject, at once; all of it for an empty query."""
    return gutenberg.search_offline(query) if query.strip() else browse()


def search(query: str, *, stop: threading.Event | None = None) -> FoundBooks:
    """Books by title, author or subject: the built-in list first, then all of Project Gutenberg.

    Without a network the list answers alone, and the note says so. Raises Stopped.
    """
    with _stopped():
        return gutenberg.search(query, stop=stop)


def numbered(number: int, *, stop: threading.Event | None = None) -> GutenbergBook:
    """The book of that number, with an empty title where nobody can tell it yet. Raises Stopped."""
    with _stopped():
        return gutenberg.numbered(number, stop=stop)


def fetch(
    book: GutenbergBook, *, report: Report | None = None, stop: threading.Event | None = None
) -> AddedCollection:
    """Download a book, clean and divide it, and put it on the shelf with its source and licence.

    Raises CorpusError and Stopped; then nothing was put on the shelf, and what came of the download is kept:
    a second call goes on from there.
    """
    with _stopped("what came of the download is kept for the next time."):
        fetched = gutenberg.fetch(book, addresses.downloads_folder(), report=report, stop=stop)
    try:
        return shelves.add_book(
            fetched.path,
            title=fetched.book.title or f"Project Gutenberg {book.number}",
            author=fetched.book.author,
            source=fetched.source,
            licence=fetched.licence,
            report=report,
            stop=stop,
        )
    finally:
        fetched.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _stopped(left: str = "nothing was found.") -> Iterator[None]:
    """A stopped download is a stopped job; `left` says how things stand."""
    try:
        yield
    except addresses.DownloadStopped as error:
        raise Stopped(left) from error
