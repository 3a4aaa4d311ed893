"""Children's classics of Project Gutenberg, for searching offline: a list of titles, without texts."""

import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from storytime_tui.corpus.web.spelling import near

_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})
_OPENINGS = ("the tale of", "the story of", "the adventures of", "the", "a", "an")  # ignored in a search


@dataclass(frozen=True)
class GutenbergBook:
    """A book of Project Gutenberg. `author`: first name first. `year` is "" and `bytes` 0 if unknown."""

    number: int
    title: str
    author: str
    year: str = ""
    bytes: int = 0
    subjects: tuple[str, ...] = ()


@functools.cache
def classics() -> tuple[GutenbergBook, ...]:
    """The built-in list, sorted by the author's last name and by title."""
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
    """The classics for which every word of `query` begins a word of the title, the author or a subject.

    Accents, case and apostrophes are ignored. A number finds the book with that number. Books whose title begins
    with the query come first, then matches in title, author, subject. If nothing matches, words one or two letters
    away are tried, unless `alike` is False. An empty query finds all.
    """
    query_words = folded_words(query)
    if not query_words:
        return classics()
    found = _matching(query_words, str.startswith)
    return found or (_matching_alike(query_words) if alike else ())


def folded_words(text: str) -> tuple[str, ...]:
    """A text's words, case-folded, without accents and apostrophes: "Lagerlöf's" becomes "lagerlofs"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    bare = "".join(each for each in decomposed if not unicodedata.combining(each) and each not in "'\u2019")
    return tuple(re.findall(r"\w+", bare))


@dataclass(frozen=True)
class _Entry:
    """A book's words, for searching."""

    book: GutenbergBook
    order: tuple[str, ...]  # the title's words in order, without a leading "The Tale of"
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
        # "Puddle-Duck" is found as one word and as two
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
    """The words of all titles and authors, and the words of all subjects."""
    names = set[str]().union(*(entry.title | entry.author for entry in _entries()))
    subjects = set[str]().union(*(entry.subjects for entry in _entries()))
    return tuple(sorted(names)), tuple(sorted(subjects))


def _matching(query: tuple[str, ...], fits: Callable[[str, str], bool]) -> tuple[GutenbergBook, ...]:
    ranked = ((_rank(entry, query, fits), place) for place, entry in enumerate(_entries()))
    found = sorted((rank, place) for rank, place in ranked if rank is not None)
    return tuple(_entries()[place].book for _, place in found)


def _rank(entry: _Entry, query: tuple[str, ...], fits: Callable[[str, str], bool]) -> tuple[int, bool] | None:
    """The rank of a match, best first; None if some word of the query does not fit the entry."""

    def is_in(word: str, words: Iterable[str]) -> bool:
        return any(fits(each, word) for each in words)

    if query == (str(entry.book.number),):
        return 0, False
    all_words = entry.title | entry.author | entry.subjects
    if not all(is_in(word, all_words) for word in query):
        return None
    is_inexact = not all_words.issuperset(query)  # for "prince", The Prince comes before The Princess
    begin = _without_opening(query)
    if len(begin) <= len(entry.order) and all(map(fits, entry.order, begin)):
        return 1, is_inexact
    for rank, words in enumerate((entry.title, entry.author, entry.title | entry.author), start=2):
        if all(is_in(word, words) for word in query):
            return rank, is_inexact
    return 5, is_inexact


def _matching_alike(query: tuple[str, ...]) -> tuple[GutenbergBook, ...]:
    """Like `_matching`, with each unknown word replaced by known words one or two letters away.

    These come from titles and authors, and from subjects only if there are none.
    """
    replacements: dict[str, frozenset[str]] = {}
    for word in query:
        if not any(known.startswith(word) for words in _vocabularies() for known in words):
            replacements[word] = next(
                filter(None, (near(word, words) for words in _vocabularies())), frozenset()
            )
    if not replacements or not all(replacements.values()):
        return ()
    return _matching(
        query, lambda known, word: any(known.startswith(each) for each in replacements.get(word, (word,)))
    )
