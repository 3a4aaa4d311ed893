"""Undo and redo: the steps of a story's head, one after another. No passage is ever deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storytime_tui.stories.story import Story

if TYPE_CHECKING:  # SQLite is not needed before the first frame
    from storytime_tui.stories.store import StoryStore


def undo(store: StoryStore, story_id: int) -> Story:
    """Take back the last step; without one, the story does not change.

    Raises StoryError, and StoryMoved if another window has changed the story since `open_story`, so that nobody undoes
    what they have not seen.
    """
    return _step(store, story_id, "max(id)", undone=False)


def redo(store: StoryStore, story_id: int) -> Story:
    """Take the last undone step again; without one, the story does not change. Raises as `undo` does."""
    return _step(store, story_id, "min(id)", undone=True)


def _step(store: StoryStore, story_id: int, which: str, *, undone: bool) -> Story:
    with store.writing() as db:
        story = store.unchanged(story_id)
        step = db.execute(
            f"SELECT id, before, after FROM step WHERE id = "
            f"(SELECT {which} FROM step WHERE story = ? AND undone = ?)",
            (story_id, undone),
        ).fetchone()
        if step is None:
            return story
        number, before, after = step
        db.execute("UPDATE step SET undone = ? WHERE id = ?", (not undone, number))
        return store.move_head(story_id, after if undone else before)
