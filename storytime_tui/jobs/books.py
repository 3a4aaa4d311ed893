"""Searching and adding books of Project Gutenberg, for the command line and the app. Loads no torch."""

import contextlib
import threading
from collections.abc import Iterator

from storytime_tui.corpus.library.importing import AddedCollection
from storytime_tui.corpus.web import addresses, gutenberg
from storytime_tui.corpus.web.gutenberg import FoundBooks as FoundBooks
from storytime_tui.corpus.web.gutenberg import GutenbergBook as GutenbergBook
from storytime_tui.jobs import shelves
from storytime_tui.jobs.progress import Stopped
from storytime_tui.reporting import Report

__all__ = ["FoundBooks", "GutenbergBook", "browse", "fetch", "numbered", "search", "search_offline"]


def browse() -> tuple[GutenbergBook, ...]:
    """The built-in list of children's classics; needs no network."""
    return gutenberg.classics()


def search_offline(query: str) -> tuple[GutenbergBook, ...]:
    """Books of the built-in list by title, author or subject; the whole list for an empty query."""
    return gutenberg.search_offline(query) if query.strip() else browse()


def search(query: str, *, stop: threading.Event | None = None) -> FoundBooks:
    """Books by title, author or subject: from the built-in list first, then from all of Project Gutenberg.

    Without a network only the list is searched, and the note says so. Raises Stopped.
    """
    with _stopped():
        return gutenberg.search(query, stop=stop)


def numbered(number: int, *, stop: threading.Event | None = None) -> GutenbergBook:
    """The book of that number; its title is empty if it is not known yet. Raises Stopped."""
    with _stopped():
        return gutenberg.numbered(number, stop=stop)


def fetch(
    book: GutenbergBook, *, report: Report | None = None, stop: threading.Event | None = None
) -> AddedCollection:
    """Download a book, clean and divide it, and put it on the shelf with its source and licence.

    Raises CorpusError and Stopped; then the shelf is unchanged. A partial download is kept, and the next call
    continues it.
    """
    with _stopped("the downloaded part is kept for the next time."):
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
    """Turn a stopped download into `Stopped`, with `left` as its message."""
    try:
        yield
    except addresses.DownloadStopped as error:
        raise Stopped(left) from error
