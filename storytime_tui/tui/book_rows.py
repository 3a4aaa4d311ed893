"""Which books of Project Gutenberg are listed, and in what order. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.web.spelling import near
from storytime_tui.tui.shelf_rows import folded

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.books import GutenbergBook

# The first of the list: what most who open it come for, two keys away.
FIRST = (572, 2591, 11)  # Beatrix Potter's tales, the Grimms', Alice
_THEIRS = ("beatrix potter", "grimm", "lewis carroll")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    r"gutenberg\.org/(?:ebooks|files|cache/epub)/(\d+)|gutenberg\W+(?:e?book\W+)?(?:no\W+|number\W+|#)?(\d+)",
    re.I,
)


def in_order(books: Sequence[GutenbergBook]) -> list[GutenbergBook]:
    """Those that most come for first, then the others by the same authors, then the rest as they stand."""

    def rank(book: GutenbergBook) -> tuple[int, int]:
        if book.number in FIRST:
            return 0, FIRST.index(book.number)
        author = folded(book.author)
        return 1, next((i for i, name in enumerate(_THEIRS) if name in author), len(_THEIRS))

    return sorted(books, key=rank)


class Catalogue:
    """A list of books, ready to be searched."""

    def __init__(self, books: Sequence[GutenbergBook]) -> None:
        self._books = [(folded(f"{b.title} {b.author} {b.number} {' '.join(b.subjects)}"), b) for b in books]
        self._words = {word for b in books for word in _WORD.findall(folded(f"{b.title} {b.author}"))}

    def matching(self, wanted: str) -> list[GutenbergBook]:
        """The books whose title, author, number and subjects hold every word, in the order of the list."""
        terms = folded(wanted).split()
        return [book for words, book in self._books if all(term in words for term in terms)]

    def nearly(self, wanted: str) -> list[GutenbergBook]:
        """Those that hold, in place of a word that no book has, one that is a letter or two away."""
        meant = [self._meant(term) for term in folded(wanted).split()]
        if not all(meant):
            return []
        return [
            book for words, book in self._books if all(any(term in words for term in each) for each in meant)
        ]

    def _meant(self, term: str) -> frozenset[str]:
        if any(term in words for words, _ in self._books):
            return frozenset([term])
        return near(term, self._words)


def on_the_shelf(collections: Sequence[Collection]) -> dict[int, str]:
    """The Gutenberg numbers of the collections that came from there, and their names."""
    numbers: dict[int, str] = {}
    for collection in collections:
        found = _NUMBER.search(collection.source)
        if found:
            numbers[int(found[1] or found[2])] = collection.name
    return numbers
