"""Project Gutenberg: finding a book by title, author or subject, and downloading its text.

A search uses the Gutendex API and the built-in list of classics; without a network, the list alone. Two environment
variables name other servers (a mirror, a test): STORYTIME_GUTENDEX for https://gutendex.com and
STORYTIME_GUTENBERG for https://www.gutenberg.org.
"""

import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from storytime_tui.corpus.names import slug
from storytime_tui.corpus.web import addresses
from storytime_tui.corpus.web.classics import GutenbergBook, classics, folded_words, search_offline
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_line

__all__ = [
    "Fetched",
    "FoundBooks",
    "GutenbergBook",
    "classics",
    "fetch",
    "numbered",
    "search",
    "search_offline",
]

LICENCE = "Public domain in the USA (Project Gutenberg)"
_PAGE = "https://www.gutenberg.org/ebooks/{}"  # a book's page, also if the text comes from a mirror
_PLACES = ("cache/epub/{0}/pg{0}.txt", "ebooks/{0}.txt.utf-8", "files/{0}/{0}-0.txt", "files/{0}/{0}.txt")
_PATIENCE = 15.0  # seconds without an answer after which the built-in list is used alone
_LONGEST_QUERY = 200  # characters
_LARGEST = 50_000_000  # bytes of a book; Gutenberg's largest plain text has half of that
_LARGEST_LIST = 4_000_000  # bytes of one page of Gutendex' answer; usually 100 kB
_LONGEST_TEXT = 1000  # characters of a title, a name or a subject
_MOST_TEXTS = 100
_HEAD = 20_000  # characters that contain Gutenberg's header
_NEARLY = 0.9  # of the size in the list; editions differ by less

_NO_NUMBER = 10**9

_NUMBER = re.compile(r"\be-?(?:text|book)\s*(?:#|no\.?)\s*(\d+)", re.IGNORECASE)
_END = re.compile(r"\bend of (?:the |this )?project gutenberg|\*\*\* ?end of", re.IGNORECASE)


@dataclass(frozen=True)
class FoundBooks:
    """The result of a search. `note`: a sentence if Gutendex could not be searched, else ""."""

    books: tuple[GutenbergBook, ...]
    note: str = ""


@dataclass(frozen=True)
class Fetched:
    """A book's text on disk, as distributed, with its address and the facts for its collection's card."""

    path: Path
    url: str
    book: GutenbergBook
    licence: str
    source: str


def search(query: str, *, stop: threading.Event | None = None) -> FoundBooks:
    """English books with a plain text, found by title, author or subject; classics first.

    If no book has a word as it is spelled, classics with a word one or two letters away come first. Books under
    copyright are left out. `note` says if Gutendex did not answer. Raises DownloadStopped.
    """
    query = printable_line(query)[:_LONGEST_QUERY]
    if not folded_words(query):
        return FoundBooks(classics())
    listed = search_offline(query, alike=False)
    found: list[GutenbergBook] = []
    try:
        for page in _pages(query, stop):
            found += page
    except addresses.DownloadStopped:
        raise
    except CorpusError as error:
        reason = error.reason if isinstance(error, addresses.ServerTrouble) else "Gutendex cannot be searched"
        note = f"{reason}, so only the built-in list of {len(classics())} classics was searched."
        return FoundBooks(_once([*(listed or search_offline(query)), *found]), note)
    if not listed and not any(_names(book, query) for book in found):
        listed = search_offline(query)
    return FoundBooks(_once([*listed, *found]))


def _names(book: GutenbergBook, query: str) -> bool:
    """Whether every word of the query begins a word of the book's number, title, author or subjects."""
    words = folded_words(" ".join([str(book.number), book.title, book.author, *book.subjects]))
    return all(any(word.startswith(each) for word in words) for each in folded_words(query))


def _once(books: Iterable[GutenbergBook]) -> tuple[GutenbergBook, ...]:
    first: dict[int, GutenbergBook] = {}
    for book in books:
        first.setdefault(book.number, book)
    return tuple(first.values())


def numbered(number: int, *, stop: threading.Event | None = None) -> GutenbergBook:
    """The book with this number, from the list or from Gutendex; if neither knows it, without a title.

    Raises DownloadStopped.
    """
    for book in classics():
        if book.number == number:
            return book
    try:
        found = [book for book in _ask({"ids": str(number)}, stop)[0] if book.number == number]
    except addresses.DownloadStopped:
        raise
    except CorpusError:
        found = []  # the title will be read from the text
    return found[0] if found else GutenbergBook(number, "", "")


def fetch(
    book: GutenbergBook, folder: Path, *, report: Report | None = None, stop: threading.Event | None = None
) -> Fetched:
    """Download the book's plain text into `folder`, from the first of Gutenberg's addresses that has it.

    Checks that it is this book's text and complete. A missing title is filled in from the text. Raises
    DownloadStopped and CorpusError; an unfinished part is kept if it can be resumed.
    """
    base = _base("STORYTIME_GUTENBERG", "https://www.gutenberg.org")
    path = folder / f"{slug(book.title) or 'book'}-{book.number}.txt"
    for place in _PLACES:
        try:
            downloaded = addresses.download(
                f"{base}/{place.format(book.number)}", path, report=report, stop=stop, largest=_LARGEST
            )
        except addresses.NotThere:
            continue
        verified = _verified(book, downloaded)
        return Fetched(path, downloaded.final_url, verified, LICENCE, _PAGE.format(book.number))
    raise CorpusError(
        f"Project Gutenberg has no plain text of {_called(book)}: it may be a sound recording, or not exist."
    )


def _base(variable: str, usual: str) -> str:
    return (os.environ.get(variable, "").strip() or usual).rstrip("/")


def _called(book: GutenbergBook) -> str:
    return f'"{printable_line(book.title)}"' if book.title else f"the book with the number {book.number}"


# -- Gutendex ----------------------------------------------------------------------------------------------


def _pages(query: str, stop: threading.Event | None) -> Iterator[tuple[GutenbergBook, ...]]:
    """What Gutendex finds by number, or by title and author; if that is one page, also by subject."""
    if query.isascii() and query.isdigit():
        yield _ask({"ids": query}, stop)[0]
        return
    books, more = _ask({"search": query}, stop)
    yield books
    if not more:
        yield _ask({"topic": query}, stop)[0]


def _ask(question: dict[str, str], stop: threading.Event | None) -> tuple[tuple[GutenbergBook, ...], bool]:
    """One page of Gutendex' answer, and whether there are more pages. Raises CorpusError."""
    base = _base("STORYTIME_GUTENDEX", "https://gutendex.com")
    query = urlencode({**question, "languages": "en", "mime_type": "text/plain"}, quote_via=quote)
    answer, data = addresses.read(
        f"{base}/books?{query}", stop=stop, patience=_PATIENCE, largest=_LARGEST_LIST
    )
    try:
        found = json.loads(data)
        return tuple(book for entry in found["results"] if (book := _book(entry))), bool(found.get("next"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        host = printable_line(urlsplit(answer.url).hostname or base)
        raise addresses.ServerTrouble(f"{host} did not answer with a list of books") from error


def _book(entry: Any) -> GutenbergBook | None:
    """One of Gutendex' results as a book; None if it is malformed, under copyright or not English plain text."""
    if not isinstance(entry, dict) or entry.get("copyright") is True:
        return None
    number, title, formats = entry.get("id"), entry.get("title"), entry.get("formats")
    if not isinstance(number, int) or not isinstance(title, str) or not isinstance(formats, dict):
        return None
    languages = _texts(entry.get("languages"))
    plain = any(isinstance(kind, str) and kind.startswith("text/plain") for kind in formats)
    if not 0 < number < _NO_NUMBER or not title.strip() or not plain or (languages and "en" not in languages):
        return None
    people = entry.get("authors")
    names = (
        [one.get("name") for one in people[:3] if isinstance(one, dict)] if isinstance(people, list) else []
    )
    authors = [spoken_name(printable_line(name[:_LONGEST_TEXT])) for name in names if isinstance(name, str)]
    return GutenbergBook(
        number=number,
        title=re.sub(r" ?\$b ?", ": ", printable_line(title[:_LONGEST_TEXT]))[:300],
        author=" and ".join(authors[:3])[:200],
        subjects=tuple(printable_line(subject) for subject in _texts(entry.get("subjects"))),
    )


def _texts(value: Any) -> list[str]:
    """The strings of a list, limited in number and length."""
    texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    return [text[:_LONGEST_TEXT] for text in texts[:_MOST_TEXTS]]


def spoken_name(name: str) -> str:
    """A catalogue's name with the first name first: "Milne, A. A. (Alan Alexander)" becomes "A. A. Milne"."""
    bare = " ".join(re.sub(r"\([^)]*\)", " ", name).split())
    last, comma, first = bare.partition(", ")
    if not comma:
        return bare
    first, comma, title = first.partition(", ")
    if title in ("Mrs.", "Sir", "Lady", "Lord", "Dr."):
        return f"{title} {first} {last}"
    if title in ("Jr.", "Sr.", "II", "III", "M.D."):
        return f"{first} {last}, {title}"
    return f"{first}{comma}{title} {last}"


# -- the text ----------------------------------------------------------------------------------------------


def _verified(book: GutenbergBook, downloaded: addresses.Downloaded) -> GutenbergBook:
    """The book, with a missing title or author filled in from its text.

    Raises CorpusError, and removes the file, if the text is not this book's or not complete.
    """
    data = downloaded.path.read_bytes()
    text = _decoded(data)
    if not _is_of(book, text[:_HEAD]):
        downloaded.path.unlink()
        raise CorpusError(
            f"What {addresses.shown(downloaded.final_url)} sent is not the text of {_called(book)} (its beginning does "
            "not name the book): try again later, or another edition of the book."
        )
    if not _ends(text) and (not book.bytes or len(data) < _NEARLY * book.bytes):
        downloaded.path.unlink()
        raise CorpusError(
            f"What {addresses.shown(downloaded.final_url)} sent of {_called(book)} is cut short: it has {len(data):,} "
            "bytes and no end. Try again later."
        )
    title, author = book.title or _field("Title", text), book.author or _field("Author", text)
    return replace(book, title=title, author=author)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _is_of(book: GutenbergBook, head: str) -> bool:
    """Whether Gutenberg's header names this book, by its number or else by its title."""
    if "project gutenberg" not in head.lower():
        return False
    numbers = {int(number[:9]) for number in _NUMBER.findall(head)}
    if numbers:
        return book.number in numbers
    long_words = {word for word in folded_words(book.title) if len(word) > 3}
    return long_words <= set(folded_words(head))


def _ends(text: str) -> bool:
    """Whether the text ends with Gutenberg's end mark or licence."""
    return bool(_END.search(text)) or "project gutenberg" in text[-1000:].lower()


def _field(name: str, text: str) -> str:
    """A field of Gutenberg's header (Title, for example) with its continuation lines; or ""."""
    found = re.search(rf"^{name}:[ \t]*(.+(?:\r?\n[ \t]+\S.*)*)", text[:_HEAD], re.MULTILINE)
    return printable_line(found[1])[:300] if found else ""
