"""Reading rows of the stories file as stories and passages. The caller holds a transaction."""

import sqlite3
from pathlib import Path
from typing import Any

from storytime_tui.errors import StoryError
from storytime_tui.stories.story import Passage, Story

_STORY = "id, title, head, draft, created, changed, removed, favourite, steering"
_PASSAGE = "id, story, parent, author, text, model, settings, created, ids, edited_from, name, marked, pruned"


def story_of(db: sqlite3.Connection, story_id: int, path: Path) -> Story:
    """One story. Raises StoryError if there is none with this id."""
    row = db.execute(f"SELECT {_STORY} FROM story WHERE id = ?", (story_id,)).fetchone()
    if row is None:
        raise StoryError(f"There is no story {story_id} in {path}.")
    return _story(row)


def stories_of(db: sqlite3.Connection, removed: bool) -> tuple[Story, ...]:
    """The stories, or the removed ones, most recently changed first."""
    rows = db.execute(
        f"SELECT {_STORY} FROM story WHERE removed = ? ORDER BY changed DESC, id DESC", (removed,)
    )
    return tuple(map(_story, rows))


def newest_first(db: sqlite3.Connection) -> list[int]:
    """The ids of the stories that are not removed, most recently changed first."""
    rows = db.execute("SELECT id FROM story WHERE NOT removed ORDER BY changed DESC, id DESC")
    return [story for (story,) in rows]


def passage_of(db: sqlite3.Connection, passage_id: int, path: Path) -> Passage:
    """One passage. Raises StoryError if there is none with this id."""
    row = db.execute(f"SELECT {_PASSAGE} FROM written WHERE id = ?", (passage_id,)).fetchone()
    if row is None:
        raise StoryError(f"There is no passage {passage_id} in {path}.")
    return _passage(row)


def path_to(db: sqlite3.Connection, head: int | None) -> tuple[Passage, ...]:
    """The passages from the root to `head`."""
    rows = db.execute(
        f"""WITH RECURSIVE path (id, depth) AS (
                VALUES (?, 0)
                UNION ALL SELECT passage.parent, depth + 1 FROM path JOIN passage USING (id)
            )
            SELECT {_PASSAGE} FROM path JOIN written USING (id) ORDER BY depth DESC""",
        (head,),
    )
    return tuple(map(_passage, rows))


def children_of(db: sqlite3.Connection, story_id: int, parent: int | None) -> tuple[Passage, ...]:
    """The passages that follow this one, also pruned ones; those that begin the story for None. Oldest first."""
    rows = db.execute(
        f"SELECT {_PASSAGE} FROM written WHERE story = ? AND parent IS ? ORDER BY id", (story_id, parent)
    )
    return tuple(map(_passage, rows))


def all_of(db: sqlite3.Connection, story_id: int) -> tuple[Passage, ...]:
    """All passages of a story, oldest first."""
    rows = db.execute(f"SELECT {_PASSAGE} FROM written WHERE story = ? ORDER BY id", (story_id,))
    return tuple(map(_passage, rows))


def _passage(row: tuple[Any, ...]) -> Passage:
    id, story, parent, author, text, model, settings, created, ids, edited_from, name, marked, pruned = row
    record = (id, story, parent, author, text, model, settings, created, ids, edited_from, name)
    return Passage(*record, bool(marked), bool(pruned))


def _story(row: tuple[Any, ...]) -> Story:
    id, title, head, draft, created, changed, removed, favourite, steering = row  # the columns of _STORY
    return Story(id, title, head, draft, created, changed, bool(removed), bool(favourite), steering)


def add_edited(db: sqlite3.Connection, passage: Passage, parent: int | None, text: str, now: float) -> int:
    """Add another text of a passage after `parent`; returns its id."""
    edited = db.execute(
        "INSERT INTO passage (story, parent, author, text, model, settings, created, edited_from) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (passage.story, parent, passage.author, text, passage.model, passage.settings, now, passage.id),
    ).lastrowid
    assert edited is not None
    return edited
