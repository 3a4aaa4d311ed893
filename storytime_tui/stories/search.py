"""Searching all stories in full text: which hold every phrase, and a line around the first place."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from storytime_tui.formatting import folded
from storytime_tui.stories.pages import PAGE, Page, empty_stories, fold, refresh
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Story

_GRAM = 3  # characters: a shorter phrase is not in the index
_WINDOW = 2_000  # characters folded at a time
_BEFORE, _AFTER = 30, 60  # characters of context around the start of a place


@dataclass(frozen=True)
class Hit:
    """A story that holds all phrases."""

    story: Story
    context: str  # the line around the first phrase in the text; the story's first words if only its title holds it
    words: int
    model: str


@dataclass(frozen=True)
class Hits:
    """The stories found, most recently changed first, at most as many as were asked for, and how many there are."""

    hits: tuple[Hit, ...]
    total: int


def search(store: StoryStore, phrases: Sequence[str], most: int | None = None) -> Hits:
    """The stories whose title or present text holds every phrase, in any case and with or without accents.

    A phrase is found within words, too: "fox" finds "foxes". `most`: how many to return. Raises StoryError.
    """
    sought = [folded for phrase in phrases if (folded := fold(phrase))]
    if not sought:
        return Hits((), 0)
    unkept = refresh(store)
    with store.reading() as db:
        pages = {page.story: page for page in _candidates(db, sought)}
        empty = empty_stories(db)
    pages |= {page.story: page for page in unkept}
    found = [
        (story, pages[story.id])
        for story in store.stories()
        if story.id in pages and story.id not in empty and _holds(pages[story.id], sought)
    ]
    hits = (Hit(story, _context(store, page, sought), page.words, page.model) for story, page in found[:most])
    return Hits(tuple(hits), len(found))


def _holds(page: Page, sought: Sequence[str]) -> bool:
    return all(phrase in page.folded_text or phrase in page.folded_title for phrase in sought)


def _candidates(db: sqlite3.Connection, sought: Sequence[str]) -> Iterator[Page]:
    """The pages that may hold the phrases: those with all their trigrams, or all where there is no index."""
    grams = {phrase[at : at + _GRAM] for phrase in sought for at in range(len(phrase) - _GRAM + 1)}
    query = f"SELECT {PAGE} FROM page"
    if grams:
        quoted = " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in sorted(grams)[:100])
        with contextlib.suppress(sqlite3.DatabaseError):  # no FTS5, or the index is missing or damaged
            ids = [
                id for (id,) in db.execute("SELECT rowid FROM page_index WHERE page_index MATCH ?", (quoted,))
            ]
            unindexed = [id for (id,) in db.execute("SELECT story FROM page WHERE NOT indexed")]
            for id in {*ids, *unindexed}:
                for row in db.execute(f"{query} WHERE story = ?", (id,)):
                    yield Page(*row)
            return
    for row in db.execute(query):
        yield Page(*row)


def _context(store: StoryStore, page: Page, sought: Sequence[str]) -> str:
    """One line of the story's own text around the first phrase that its text holds."""
    text = " ".join(store.text(page.story).replace("\0", " ").split())
    phrase = next((phrase for phrase in sought if phrase in page.folded_text), None)
    at = 0 if phrase is None else max(0, place_of(phrase, text))
    start = max(0, at - _BEFORE)
    end = at + (len(phrase) if phrase else 0) + _AFTER
    if start and (space := text.find(" ", start, at)) >= 0:  # begin and end with a whole word
        start = space + 1
    if end < len(text) and (space := text.rfind(" ", at + 1, end)) > at + (len(phrase) if phrase else 0):
        end = space
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def place_of(phrase: str, text: str) -> int:
    """Where in `text` (in one line) the folded phrase begins; -1 if it is not found. Reads no further than that."""
    overlap = 4 * len(phrase) + 64  # a letter may fold to none, or to several
    for start in range(0, len(text), _WINDOW):
        window = text[start : start + _WINDOW + overlap]
        place = folded(window).find(phrase)
        if place >= 0:
            ends = accumulate(len(folded(sign)) for sign in window)
            return start + next((at for at, end in enumerate(ends) if end > place), 0)
    return -1
