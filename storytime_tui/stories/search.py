"""Searching all stories in full text: which hold every phrase, and a line around the first place."""

import contextlib
import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storytime_tui.formatting import folded
from storytime_tui.stories.pages import PAGE, Page, empty_stories, fold, present_text, refresh
from storytime_tui.stories.rows import newest_first, story_of
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import Story

_GRAM = 3  # characters: a shorter phrase is not in the index
_MOST_GRAMS = 100  # that the index is asked for: the rest is looked for in what it finds
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
    unkept = {page.story: page for page in refresh(store)}
    with store.reading() as db:
        holding = {story for story in _kept_that_hold(db, sought) if story not in unkept}
        holding |= {story for story, page in unkept.items() if _holds(page, sought)}
        holding -= empty_stories(db)
        found = [story for story in newest_first(db) if story in holding]
        hits = [_hit(db, story, unkept.get(story), sought, store.path) for story in found[:most]]
    return Hits(tuple(hits), len(found))


def _holds(page: Page, sought: Sequence[str]) -> bool:
    return all(phrase in page.folded_text or phrase in page.folded_title for phrase in sought)


def _kept_that_hold(db: sqlite3.Connection, sought: Sequence[str]) -> set[int]:
    """The stories whose kept page holds all phrases. SQLite looks, as reading every page from here takes long."""
    holds = " AND ".join("(instr(folded_text, ?) OR instr(folded_title, ?))" for _ in sought)
    each = [phrase for phrase in sought for _ in range(2)]
    grams = {phrase[at : at + _GRAM] for phrase in sought for at in range(len(phrase) - _GRAM + 1)}
    if grams:
        quoted = " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in sorted(grams)[:_MOST_GRAMS])
        indexed = "story IN (SELECT rowid FROM page_index WHERE page_index MATCH ?)"
        with contextlib.suppress(sqlite3.DatabaseError):  # no FTS5, or the index is missing or damaged
            rows = db.execute(
                f"SELECT story FROM page WHERE ({indexed} OR NOT indexed) AND {holds}", (quoted, *each)
            )
            return {story for (story,) in rows.fetchall()}
    return {story for (story,) in db.execute(f"SELECT story FROM page WHERE {holds}", each)}


def _hit(db: sqlite3.Connection, story: int, page: Page | None, sought: Sequence[str], path: Path) -> Hit:
    if page is None:
        page = Page(*db.execute(f"SELECT {PAGE} FROM page WHERE story = ?", (story,)).fetchone())
    context = _context(page, present_text(db, story), sought)
    return Hit(story_of(db, story, path), context, page.words, page.model)


def _context(page: Page, text: str, sought: Sequence[str]) -> str:
    """One line of the story's own text around the first phrase that its text holds."""
    text = " ".join(text.replace("\0", " ").split())
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
            return start + bisect_right(
                range(len(window)), place, key=lambda at: len(folded(window[: at + 1]))
            )
    return -1
