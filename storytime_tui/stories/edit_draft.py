"""What is typed while a passage is edited, kept as a take of the passage until the edit is done.

A kill costs half a second of typing. If another window changes the story meanwhile, the edit stays as a take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storytime_tui.stories import rows
from storytime_tui.stories.story import Passage, storable

if TYPE_CHECKING:  # SQLite is not needed before the first frame
    import sqlite3

    from storytime_tui.stories.store import StoryStore

# what keeps a passage in the store: something follows it, is a copy or an edit of it, or once ended with it
_IN_USE = """SELECT EXISTS (SELECT 1 FROM passage WHERE parent = :id OR copy_of = :id OR edited_from = :id)
    OR EXISTS (SELECT 1 FROM story WHERE head = :id) OR EXISTS (SELECT 1 FROM step WHERE before = :id OR after = :id)"""


class EditDraft:
    """One edit in progress of a passage. Its methods block, run in the store's thread, and raise StoryError."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self._take: int | None = None  # the take that keeps the text

    def save(self, store: StoryStore, text: str) -> None:
        """Keep the text as a take of the passage. The text of the story stays as it is."""
        text = storable(text)
        if text == self._passage.text:
            self.drop(store)
            return
        with store.writing() as db:
            passage = rows.passage_of(db, self._passage.id, store.path)
            if self._take is None or _in_use(db, self._take):
                self._take = rows.add_edited(db, passage, passage.parent, text, store.now())
            else:
                db.execute("UPDATE passage SET text = ? WHERE id = ?", (text, self._take))

    def drop(self, store: StoryStore) -> None:
        """Remove the take: the edit is kept otherwise, or is none. It stays if another window uses it."""
        if self._take is not None:
            with store.writing() as db:
                if not _in_use(db, self._take):
                    db.execute("DELETE FROM passage WHERE id = ?", (self._take,))
            self._take = None


def _in_use(db: sqlite3.Connection, take: int) -> bool:
    return bool(db.execute(_IN_USE, {"id": take}).fetchone()[0])
