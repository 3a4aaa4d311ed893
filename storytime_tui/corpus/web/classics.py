"""Children's classics of Project Gutenberg that can be looked up without a network: facts, no texts."""

import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from storytime_tui.corpus.web.spelling import near

_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})
_OPENINGS = ("the tale of", "the story of", "the adventures of", "the", "a", "an")  # nobody looks for these


@dataclass(frozen=True)
class GutenbergBook:
    """A book of Project Gutenberg: `author` as people say it, `year` "" and `bytes` 0 where not known."""

    number: int
    title: str
    author: str
    year: str = ""
    bytes: int = 0
    subjects: tuple[str, ...] = ()


@functools.cache
def classics() -> tuple[GutenbergBook, ...]:
    """The built-in list, by the authors' last names and then by title."""
    table = (
        importlib.resources.files("storytime_tui.corpus.web")
        .joinpath("classics.tsv")
        .read_text(encoding="utf-8")
    )
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return tuple(
        GutenbergBook(
            int(number), title, author, year, int(size or 0), tuple(subjects.split("; ")) if subjects else ()
        )
        for number, title, author, year, size, subjects in rows
    )


def search_offline(query: str, *, alike: bool = True) -> tuple[GutenbergBook, ...]:
    """The classics in which every word of `query` begins a word of the title, the author or a subject.

    Accents, capitals and apostrophes are ignored; a number finds the book of that number. First those whose
    title begins so, then by title, author, subject. Where nothing fits, words a letter or two away do, unless
    `alike` is False. An empty query finds all.
    """
    wanted = folded_words(query)
    if not wanted:
        return classics()
    found = _matching(wanted, str.startswith)
    return found or (_matching_alike(wanted) if alike else ())


def folded_words(text: str) -> tuple[str, ...]:
    """A text's words in small letters, without accents and apostrophes: "Lagerlöf's" is "lagerlofs"."""
    spread = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    bare = "".join(sign for sign in spread if not unicodedata.combining(sign) and sign not in "'\u2019")
    return tuple(re.findall(r"\w+", bare))


@dataclass(frozen=True)
class _Entry:
    """A book's words, as a search looks at them."""

    book: GutenbergBook
    order: tuple[str, ...]  # the title's words as they follow each other, without "The Tale of" in front
    title: frozenset[str]
    author: frozenset[str]
    subjects: frozenset[str]


@functools.cache
def _entries() -> tuple[_Entry, ...]:
    return tuple(_entry(book) for book in classics())


def _entry(book: GutenbergBook) -> _Entry:
    order = folded_words(book.title)
    return _Entry(
        book=book,
        order=_without_opening(order),
        # "Puddle-Duck" may be asked for as one word or as two
        title=frozenset((*order, *folded_words(book.title.replace("-", "")))),
        author=frozenset(folded_words(book.author)),
        subjects=frozenset(word for subject in book.subjects for word in folded_words(subject)),
    )


def _without_opening(words: tuple[str, ...]) -> tuple[str, ...]:
    for opening in _OPENINGS:
        count = len(opening.split())
        if len(words) > count and words[:count] == tuple(opening.split()):
            return words[count:]
    return words


@functools.cache
def _vocabularies() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of all titles and authors, and those of the subjects."""
    named = set[str]().union(*(entry.title | entry.author for entry in _entries()))
    subjects = set[str]().union(*(entry.subjects for entry in _entries()))
    return tuple(sorted(named)), tuple(sorted(subjects))


def _matching(wanted: tuple[str, ...], fits: Callable[[str, str], bool]) -> tuple[GutenbergBook, ...]:
    ranked = ((_rank(entry, wanted, fits), place) for place, entry in enumerate(_entries()))
    found = sorted((rank, place) for rank, place in ranked if rank is not None)
    return tuple(_entries()[place].book for _, place in found)


def _rank(
    entry: _Entry, wanted: tuple[str, ...], fits: Callable[[str, str], bool]
) -> tuple[int, bool] | None:
    """The smaller the better; None where some wanted word is nowhere in the entry."""

    def stands_in(word: str, words: Iterable[str]) -> bool:
        return any(fits(each, word) for each in words)

    if wanted == (str(entry.book.number),):
        return 0, False
    everywhere = entry.title | entry.author | entry.subjects
    if not all(stands_in(word, everywhere) for word in wanted):
        return None
    only_begun = not everywhere.issuperset(wanted)  # "prince" is in The Prince before it is in The Princess
    begin = _without_opening(wanted)
    if len(begin) <= len(entry.order) and all(map(fits, entry.order, begin)):
        return 1, only_begun
    for rank, words in enumerate((entry.title, entry.author, entry.title | entry.author), start=2):
        if all(stands_in(word, words) for word in wanted):
            return rank, only_begun
    return 5, only_begun


def _matching_alike(wanted: tuple[str, ...]) -> tuple[GutenbergBook, ...]:
    """As `_matching`, with each word that no book knows replaced by those a letter or two away.

    Those are sought in titles and authors' names, and among the subjects only where these have none.
    """
    meant: dict[str, frozenset[str]] = {}
    for word in wanted:
        if not any(known.startswith(word) for words in _vocabularies() for known in words):
            meant[word] = next(filter(None, (near(word, words) for words in _vocabularies())), frozenset())
    if not meant or not all(meant.values()):
        return ()
    return _matching(
        wanted, lambda known, word: any(known.startswith(each) for each in meant.get(word, (word,)))
    )
