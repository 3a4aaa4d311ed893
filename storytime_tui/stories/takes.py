"""Takes told at once: passages added beside one another, of which only one ends the story's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryError
from storytime_tui.stories import rows
from storytime_tui.stories.story import Passage, Story, storable

if TYPE_CHECKING:  # SQLite is not needed before the first frame
    import sqlite3

    from storytime_tui.stories.store import StoryStore


@dataclass(frozen=True)
class NewTake:
    """A passage by a model that is not in the store yet; `settings`, `ids`: as in `Passage`."""

    text: str
    model: str
    settings: str
    ids: str = ""


def add_take(store: StoryStore, story_id: int, after: int | None, take: NewTake) -> Passage:
    """Add a passage after another one (None: as a beginning). The story's text stays as it is. Raises StoryError."""
    with store.writing() as db:
        return rows.passage_of(db, _add(db, store, story_id, after, take), store.path)


def add_takes(
    store: StoryStore, story_id: int, after: int | None, takes: Sequence[NewTake], chosen: int
) -> Story:
    """Add several passages after the same one, all or none; the text then ends with `takes[chosen]`.

    What followed there stays, as further takes. Raises StoryError.
    """
    with store.writing() as db:
        added = [_add(db, store, story_id, after, take) for take in takes]
        return store.go_to(story_id, added[chosen])


def _add(db: sqlite3.Connection, store: StoryStore, story_id: int, after: int | None, take: NewTake) -> int:
    rows.story_of(db, story_id, store.path)
    if after is not None and rows.passage_of(db, after, store.path).story != story_id:
        raise StoryError(f"Passage {after} is not of story {story_id}.")
    added = db.execute(
        "INSERT INTO passage (story, parent, author, text, model, settings, ids, created) "
        "VALUES (?, ?, 'model', ?, ?, ?, ?, ?)",
        (
            story_id,
            after,
            storable(take.text),
            storable(take.model),
            storable(take.settings),
            take.ids,
            store.now(),
        ),
    ).lastrowid
    assert added is not None
    return added
