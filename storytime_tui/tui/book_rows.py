"""Sorts and searches the list of Project Gutenberg books. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.web.spelling import near
from storytime_tui.formatting import folded

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.books import GutenbergBook

# The most popular books come first, two key presses away.
FIRST = (572, 2591, 11)  # Beatrix Potter's tales, the Grimms', Alice
_AUTHORS = ("beatrix potter", "grimm", "lewis carroll")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    r"gutenberg\.org/(?:ebooks|files|cache/epub)/(\d+)|gutenberg\W+(?:e?book\W+)?(?:no\W+|number\W+|#)?(\d+)",
    re.I,
)


def in_order(books: Sequence[GutenbergBook]) -> list[GutenbergBook]:
    """Sort the books: the most popular first, then others by the same authors, then the rest unchanged."""

    def rank(book: GutenbergBook) -> tuple[int, int]:
        if book.number in FIRST:
            return 0, FIRST.index(book.number)
        author = folded(book.author)
        return 1, next((i for i, name in enumerate(_AUTHORS) if name in author), len(_AUTHORS))

    return sorted(books, key=rank)


class BookIndex:
    """A searchable list of books."""

    def __init__(self, books: Sequence[GutenbergBook]) -> None:
        self._books = [(folded(f"{b.title} {b.author} {b.number} {' '.join(b.subjects)}"), b) for b in books]
        self._words = {word for b in books for word in _WORD.findall(folded(f"{b.title} {b.author}"))}

    def matching(self, query: str) -> list[GutenbergBook]:
        """Find books whose title, author, number or subjects contain every word, in the list's order."""
        terms = folded(query).split()
        return [book for words, book in self._books if all(term in words for term in terms)]

    def fuzzy(self, query: str) -> list[GutenbergBook]:
        """Find books like `matching`; words that match no book are replaced by similar ones."""
        spellings = [self._spellings(term) for term in folded(query).split()]
        if not all(spellings):
            return []
        return [
            book
            for words, book in self._books
            if all(any(term in words for term in each) for each in spellings)
        ]

    def _spellings(self, term: str) -> frozenset[str]:
        if any(term in words for words, _ in self._books):
            return frozenset([term])
        return near(term, self._words)


def on_the_shelf(collections: Sequence[Collection]) -> dict[int, str]:
    """Map the Gutenberg numbers of the collections that have one to their names."""
    numbers: dict[int, str] = {}
    for collection in collections:
        found = _NUMBER.search(collection.source)
        if found:
            numbers[int(found[1] or found[2])] = collection.name
    return numbers
