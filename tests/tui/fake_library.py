"""The library's part of the tests' world: a shelf that can be added to and changed, and a list of books."""

import dataclasses
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.errors import CorpusError, StorytimeError
from storytime_tui.jobs import left_out
from storytime_tui.jobs.books import FoundBooks, GutenbergBook
from storytime_tui.jobs.estimates import Estimate
from storytime_tui.jobs.shelves import AddedCollection, Copy, Restored

TALE = (
    "At the bottom of Primrose Lane, where the hedge is thickest, there lived a hedgehog who owned an umbrella.\n\n"
    "It was a very old umbrella, and in dry weather he kept his apples in it.\n\n"
    '"You never know," said the hedgehog, "when it will rain apples."'
)


def collection(
    name: str, title: str, titles: Sequence[str], author: str = "A. N. Other", bundled: bool = True
) -> Collection:
    stories = tuple(Story(t, TALE, f"{i:02}.txt") for i, t in enumerate(titles))
    return Collection(
        name, title, stories, author=author, source="written for the tests", licence="MIT", bundled=bundled
    )


SHELF = (
    collection(
        "hedgerow",
        "Hedgerow Tales",
        [
            "The Hedgehog's Umbrella",
            "Mr. Moldwarp's Lantern",
            "The Snail Who Was Early",
            "A Button for the Wren",
            "The Dormouse and the Moon",
            "Three Frogs in a Teapot",
            "The Weasel's Good Day",
            "What the Brook Said to the Bridge",
            "Old Thistle and the Very Long Winter Afternoon",
            "The Robin's Coat",
        ],
    ),
    collection("fir-trees", "Under the Fir Trees", [f"Fir Tale {i}" for i in range(1, 18)]),
    collection("attic", "Nonsense from the Attic", [f"Nonsense {i}" for i in range(1, 16)]),
)


@dataclass(frozen=True)
class FakeRemoved:
    before: tuple[Collection, ...]
    title: str = ""
    collection: str = ""
    name: str = ""
    place: str = ""


BOOKS = (
    GutenbergBook(21, "Three hundred Aesop's fables", "Aesop", "", 243_434, ("fables", "animals")),
    GutenbergBook(11, "Alice's Adventures in Wonderland", "Lewis Carroll", "", 169_856),
    GutenbergBook(12, "Through the Looking-Glass", "Lewis Carroll", "", 189_298),
    GutenbergBook(2591, "Grimms' Fairy Tales", "Jacob and Wilhelm Grimm", "", 550_592),
    GutenbergBook(
        19068, "Household Stories by the Brothers Grimm", "Jacob and Wilhelm Grimm", "1886", 485_023
    ),
    GutenbergBook(572, "The Great Big Treasury of Beatrix Potter", "Beatrix Potter", "", 172_757),
    GutenbergBook(271, "Black Beauty", "Anna Sewell", "1877", 325_000),
)


FOUND = FoundBooks((GutenbergBook(7865, "The Fairy Book", "Mulock", "1863", 700_000),))


@dataclass(kw_only=True)
class FakeLibrary:
    """What the shelf holds, what was asked of it, and what goes wrong with it."""

    collections: tuple[Collection, ...] = SHELF
    shelf_error: Exception | None = None
    unreadable: tuple[str, ...] = ()  # of the shelf
    removed_earlier: tuple[FakeRemoved, ...] = ()
    added: list[str] = field(default_factory=list)  # paths and addresses, in the order of their import
    pasted: list[tuple[str, str]] = field(default_factory=list)  # texts and their titles
    fetched: list[GutenbergBook] = field(default_factory=list)
    sought: list[str] = field(default_factory=list)
    add_error: Exception | None = None
    add_gate: threading.Semaphore | None = None  # what adds or fetches waits here for each report
    add_is_deaf: bool = False  # it does not look at the wish to stop
    to_add: AddedCollection | None = None
    copies: dict[tuple[str, int], Copy] = field(default_factory=dict)
    in_file: str = "As it stood in the file:\n\n    “You never know,”\n    said the hedgehog."
    before_error: Exception | None = None
    change_error: Exception | None = None
    estimate_error: Exception | None = None
    books: tuple[GutenbergBook, ...] = BOOKS
    found: FoundBooks = FOUND
    search_error: Exception | None = None
    search_gate: threading.Semaphore | None = None

    def library_services(self) -> dict[str, Any]:
        """The callables of `Services` that are about the library."""
        return {
            "shelf": self._shelf,
            "add": self._add,
            "add_text": self._add_text,
            "original_text": self._before,
            "left_out": left_out.parts,
            "put_back": left_out.put_back,
            "leave_out": left_out.leave_out,
            "rename": self._rename,
            "remove": self._remove,
            "removed": lambda collections: self.removed_earlier,
            "undo": self._undo,
            "set_punctuation": self._set_punctuation,
            "copies": lambda collections: self.copies,
            "estimate": self._estimate,
            "browse_books": lambda: self.books,
            "search_books": self._search,
            "fetch_book": self._fetch,
        }

    def _shelf(self) -> tuple[tuple[Collection, ...], tuple[str, ...]]:
        if self.shelf_error is not None:
            raise self.shelf_error
        return self.collections, self.unreadable

    def _add(self, sources: Sequence[str], report: Any, stop: threading.Event) -> AddedCollection:
        self.added += sources
        return self._arrive("reading", report, stop)

    def _fetch(self, book: GutenbergBook, report: Any, stop: threading.Event) -> AddedCollection:
        self.fetched.append(book)
        return self._arrive(f"fetching {book.title}", report, stop)

    def _add_text(self, text: str, title: str) -> AddedCollection:
        self.pasted.append((text, title))
        return self._arrive("reading", lambda *_: None, threading.Event())

    def _arrive(self, words: str, report: Any, stop: threading.Event) -> AddedCollection:
        for done in range(4):
            report(words, done, 3)
            self._wait(self.add_gate, threading.Event() if self.add_is_deaf else stop)
        if self.add_error is not None:
            raise self.add_error
        assert self.to_add is not None
        self.collections = (*self.collections, self.to_add.collection)
        return self.to_add

    @staticmethod
    def _wait(gate: threading.Semaphore | None, stop: threading.Event) -> None:
        while gate is not None and not gate.acquire(timeout=0.005):
            if stop.is_set():
                raise StorytimeError("Stopped; nothing was imported.")

    def _search(self, query: str, stop: threading.Event) -> FoundBooks:
        self.sought.append(query)
        self._wait(self.search_gate, stop)
        if self.search_error is not None:
            raise self.search_error
        return self.found

    def _before(self, collection: Collection, index: int) -> str:
        if self.before_error is not None:
            raise self.before_error
        return self.in_file

    def _change(self, collection: Collection, changed: Collection | None) -> None:
        """Put `changed` in the place of `collection`, or take it away; a bundled one stays as it is."""
        if self.change_error is not None:
            raise self.change_error
        if collection.bundled:
            raise CorpusError(f"{collection.title} came with Storytime and stays as it is.")
        self.collections = tuple(
            changed if c.name == collection.name else c
            for c in self.collections
            if c.name != collection.name or changed is not None
        )  # type: ignore[assignment]

    def _rename(self, collection: Collection, index: int | None, title: str) -> str:
        if index is None:
            self._change(collection, dataclasses.replace(collection, title=title))
            others = [c.name for c in self.collections if c.title == title and c.name != collection.name]
            return f"Another collection is called so, too: {others[0]}." if others else ""
        stories = list(collection.stories)
        stories[index] = dataclasses.replace(stories[index], title=title)
        self._change(collection, dataclasses.replace(collection, stories=tuple(stories)))
        return ""

    def _remove(self, collection: Collection, index: int | None) -> FakeRemoved:
        before = self.collections
        if index is None:
            self._change(collection, None)
            return FakeRemoved(before, collection.title, "", collection.name)
        left = tuple(story for i, story in enumerate(collection.stories) if i != index)
        self._change(collection, dataclasses.replace(collection, stories=left))
        gone = collection.stories[index]
        return FakeRemoved(before, gone.title, collection.title, collection.name, gone.place)

    def _undo(self, removed: Any) -> Restored:
        self.collections = removed.before
        where = f"in {removed.collection}" if removed.collection else "on the shelf"
        return Restored(removed.title, removed.name, removed.place, f"“{removed.title}” is back {where}.")

    def _set_punctuation(self, collection: Collection, plain: bool) -> None:
        self._change(collection, dataclasses.replace(collection, plain_punctuation=plain))

    def _estimate(self, stories: Sequence[Story], base: str) -> Estimate:
        if self.estimate_error is not None:
            raise self.estimate_error
        tokens = round(1.4 * sum(story.words for story in stories))
        return Estimate(tokens, tokens // 512 + 1, tokens / 6)
