"""The branches of a story: editing a passage, leafing through takes, moving to another branch, naming and pruning.

Nothing is overwritten. An edit adds a new passage beside the old one, with copies of what followed (see `copy_of` in
`schema`), and moves the story's head there; undo moves it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryError
from storytime_tui.stories import rows
from storytime_tui.stories.story import Passage, Story, storable

if TYPE_CHECKING:  # SQLite is not needed before the first frame
    import sqlite3

    from storytime_tui.stories.store import StoryStore


@dataclass(frozen=True)
class Takes:
    """A passage among its takes: the passages that follow the same one. `place`: its index in `passages`."""

    passages: tuple[Passage, ...]
    place: int


def takes_of(store: StoryStore, passage_id: int) -> Takes:
    """A passage and its takes, oldest first, without pruned ones except itself. Raises StoryError."""
    with store.reading() as db:
        passage = rows.passage_of(db, passage_id, store.path)
        beside = rows.children_of(db, passage.story, passage.parent)
    shown = tuple(each for each in beside if not each.pruned or each.id == passage_id)
    return Takes(shown, [each.id for each in shown].index(passage_id))


def counts_of_takes(store: StoryStore, story_id: int) -> dict[int, tuple[int, int]]:
    """For each passage of the present text with several takes: its place among them, from 1, and their number."""
    with store.reading() as db:
        path = rows.path_to(db, rows.story_of(db, story_id, store.path).head)
        pairs = db.execute(
            "SELECT parent, id FROM passage WHERE story = ? AND (NOT pruned OR id IN "
            f"({', '.join(str(passage.id) for passage in path)})) ORDER BY id",
            (story_id,),
        ).fetchall()
    beside: dict[int | None, list[int]] = {}
    for parent, id in pairs:
        beside.setdefault(parent, []).append(id)
    takes = {passage.id: beside.get(passage.parent, [passage.id]) for passage in path}
    return {id: (ids.index(id) + 1, len(ids)) for id, ids in takes.items() if len(ids) > 1}


def go_to(store: StoryStore, story_id: int, passage_id: int | None) -> Story:
    """End the story's text with this passage; None: empty it. Raises StoryError, and StoryMoved as undo does."""
    with store.writing() as db:
        story = store.unchanged(story_id)
        _check(db, store, story, () if passage_id is None else (passage_id,))
        return store.go_to(story_id, passage_id)


def go_to_branch(store: StoryStore, story_id: int, passage_id: int) -> Story:
    """Show the branch of this passage: the text ends with the newest passage that follows it, at any distance.

    Raises StoryError, and StoryMoved as undo does.
    """
    with store.writing() as db:
        story = store.unchanged(story_id)
        _check(db, store, story, (passage_id,))
        return store.go_to(story_id, _end_of(db, story_id, passage_id))


def go_up(store: StoryStore, story_id: int) -> Story:
    """End the text before its last passage. An empty story does not change. Raises as `go_to` does."""
    with store.writing() as db:
        story = store.unchanged(story_id)
        if story.head is None:
            return story
        return store.go_to(story_id, rows.passage_of(db, story.head, store.path).parent)


def go_down(store: StoryStore, story_id: int) -> Story:
    """Add the newest passage that follows the text, if there is one. Raises as `go_to` does."""
    with store.writing() as db:
        story = store.unchanged(story_id)
        following = [passage for passage in rows.children_of(db, story_id, story.head) if not passage.pruned]
        return store.go_to(story_id, following[-1].id) if following else story


def rewrite(store: StoryStore, story_id: int, texts: Mapping[int, str], *, keep_rest: bool = True) -> Story:
    """Give passages of the present text other texts, on a new branch that begins with the first of them.

    With `keep_rest` the passages that followed are in the new branch, too; without, it ends with the last rewritten
    one. Raises StoryError for a passage that is not in the present text, and StoryMoved as undo does.
    """
    with store.writing() as db:
        story = store.unchanged(story_id)
        path = rows.path_to(db, story.head)
        known = {passage.id for passage in path}
        if lost := [id for id in texts if id not in known]:
            raise StoryError(f"Passage {lost[0]} is not in the present text of story {story_id}.")
        changed = [at for at, each in enumerate(path) if texts.get(each.id, each.text) != each.text]
        if not changed:
            return story
        parent = path[changed[0]].parent
        for passage in path[changed[0] : None if keep_rest else changed[-1] + 1]:
            text = storable(texts.get(passage.id, passage.text))
            if text == passage.text:
                parent = _copy(db, passage, parent, store.now())
            else:
                parent = rows.add_edited(db, passage, parent, text, store.now())
        return store.go_to(story_id, parent)


def label(
    store: StoryStore,
    passage_id: int,
    *,
    name: str | None = None,
    marked: bool | None = None,
    pruned: bool | None = None,
) -> Passage:
    """Name, mark or prune the branch of a passage; what is None stays as it is. Raises StoryError."""
    with store.writing() as db:
        rows.passage_of(db, passage_id, store.path)
        changes = {"name": None if name is None else storable(name), "marked": marked, "pruned": pruned}
        for column, value in changes.items():
            if value is not None:
                db.execute(f"UPDATE passage SET {column} = ? WHERE id = ?", (value, passage_id))
        return rows.passage_of(db, passage_id, store.path)


def passage_of(store: StoryStore, passage_id: int) -> Passage:
    """One passage. Raises StoryError."""
    with store.reading() as db:
        return rows.passage_of(db, passage_id, store.path)


def passages_to(store: StoryStore, passage_id: int | None) -> Sequence[Passage]:
    """The passages from the root to this one; none for None. Raises StoryError."""
    with store.reading() as db:
        if passage_id is not None:
            rows.passage_of(db, passage_id, store.path)
        return rows.path_to(db, passage_id)


def passages_of(store: StoryStore, story_id: int) -> Sequence[Passage]:
    """All passages of a story, of all branches, oldest first. Raises StoryError."""
    with store.reading() as db:
        rows.story_of(db, story_id, store.path)
        return rows.all_of(db, story_id)


def _check(db: sqlite3.Connection, store: StoryStore, story: Story, passages: Sequence[int]) -> None:
    for each in passages:
        if rows.passage_of(db, each, store.path).story != story.id:
            raise StoryError(f"Passage {each} is not of story {story.id}.")


def _end_of(db: sqlite3.Connection, story_id: int, passage_id: int) -> int:
    """The newest passage after this one that has none after it; pruned ones do not count."""
    end: int = db.execute(
        """WITH RECURSIVE next (id, depth) AS (
                VALUES (?, 0)
                UNION ALL
                SELECT (SELECT max(id) FROM passage AS child
                    WHERE child.story = ? AND child.parent = next.id AND NOT child.pruned), depth + 1
                FROM next WHERE id IS NOT NULL
            )
            SELECT id FROM next WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1""",
        (passage_id, story_id),
    ).fetchone()[0]
    return end


def _copy(db: sqlite3.Connection, passage: Passage, parent: int | None, now: float) -> int:
    original: int = db.execute(
        "SELECT coalesce(copy_of, id) FROM passage WHERE id = ?", (passage.id,)
    ).fetchone()[0]
    copied = db.execute(
        "INSERT INTO passage (story, parent, author, text, model, settings, created, copy_of) "
        "VALUES (?, ?, ?, '', '', '', ?, ?)",
        (passage.story, parent, passage.author, now, original),
    ).lastrowid
    assert copied is not None
    return copied
