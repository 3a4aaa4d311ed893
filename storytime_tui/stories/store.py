"""Where written stories are kept: one SQLite file, in which nothing that was acknowledged is lost."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from storytime_tui import files
from storytime_tui.errors import StoryError
from storytime_tui.stories.schema import MIGRATIONS, migrate, version_of
from storytime_tui.stories.story import Author, Passage, Story

_STORY = "id, title, head, draft, created, changed, removed"
_PASSAGE = "id, story, parent, author, text, model, settings, created"


class StoryStore:
    """Every story told. Any method may be called from any thread; each write is one transaction.

    One connection behind one lock: calls take their turn, which at two short writes a second is all that is
    needed. Several programs may have the file open at once (WAL; a writer waits up to 5 seconds). A method
    that has returned has its write on the disk: `synchronous=FULL` makes SQLite wait for the disk at every
    commit, where NORMAL could lose the last ones to a power cut; at a few commits a second nobody sees it.

    Every method raises StoryError: for a story or passage that does not exist, a full disk, a file that is
    damaged, locked, not allowed, or written by a newer version. A damaged or newer file is never written to.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now  # seconds since the epoch
        self._lock = threading.Lock()
        try:
            files.make_folder(path.parent)
            files.make_private(path)  # SQLite gives its other files the same mode
        except OSError as error:
            raise StoryError(files.explain(error, f"making the folder {path.parent}")) from error
        with _explaining(path):
            self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        version = version_of(self._db)
        if version > len(MIGRATIONS):
            raise StoryError(
                f"The stories in {self.path} were written by a newer version of Storytime: install that one "
                "to open them. Nothing was changed."
            )
        fault = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            raise StoryError(_damaged(self.path))
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if version < len(MIGRATIONS):
            with self._transaction():
                migrate(self._db)  # asks for the version again: another program may have been quicker

    def close(self) -> None:
        """Close the file; further calls are an error of the caller's. Closing again does nothing."""
        with self._lock:
            self._db.close()

    # -- stories -------------------------------------------------------------------------------------

    def new_story(self, title: str) -> Story:
        """Begin an empty story."""
        now = self._now()
        with self._writing():
            cursor = self._db.execute(
                "INSERT INTO story (title, created, changed) VALUES (?, ?, ?)", (_storable(title), now, now)
            )
            assert cursor.lastrowid is not None
            return self._story(cursor.lastrowid)

    def stories(self, removed: bool = False) -> tuple[Story, ...]:
        """The stories, or those that were removed, the last changed first."""
        with self._reading():
            rows = self._db.execute(
                f"SELECT {_STORY} FROM story WHERE removed = ? ORDER BY changed DESC, id DESC", (removed,)
            )
            return tuple(_story_of(row) for row in rows)

    def story(self, story_id: int) -> Story:
        """One story, removed or not."""
        with self._reading():
            return self._story(story_id)

    def rename(self, story_id: int, title: str) -> Story:
        """Give a story another title."""
        with self._writing():
            return self._change(story_id, "title", _storable(title))

    def set_draft(self, story_id: int, text: str) -> Story:
        """Keep what is being typed; an empty text once it has become a passage."""
        with self._writing():
            return self._change(story_id, "draft", _storable(text))

    def remove(self, story_id: int) -> Story:
        """Hide a story from the list. Nothing of it is deleted, and a stream may still extend it."""
        with self._writing():
            return self._change(story_id, "removed", 1)

    def restore(self, story_id: int) -> Story:
        """Bring a removed story back, to the top of the list."""
        with self._writing():
            return self._change(story_id, "removed", 0)

    # -- passages ------------------------------------------------------------------------------------

    def passages(self, story_id: int) -> tuple[Passage, ...]:
        """The passages from the root to the head."""
        with self._reading():
            head = self._story(story_id).head
            columns = ", ".join(f"passage.{column}" for column in _PASSAGE.split(", "))
            rows = self._db.execute(
                f"""WITH RECURSIVE path (id, depth) AS (
                        VALUES (?, 0)
                        UNION ALL SELECT passage.parent, depth + 1 FROM path JOIN passage USING (id)
                    )
                    SELECT {columns} FROM path JOIN passage USING (id) ORDER BY depth DESC""",
                (head,),
            )
            return tuple(Passage(*row) for row in rows)

    def text(self, story_id: int) -> str:
        """The story as it reads now: the texts of its passages, joined."""
        return "".join(passage.text for passage in self.passages(story_id))

    def add_passage(
        self, story_id: int, author: Author, text: str, model: str = "", settings: str = ""
    ) -> Passage:
        """Put a passage behind the head; it becomes the head.

        What was undone before stays, as a branch beside it.
        """
        now = self._now()
        with self._writing():
            parent = self._story(story_id).head
            cursor = self._db.execute(
                "INSERT INTO passage (story, parent, author, text, model, settings, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (story_id, parent, author, _storable(text), _storable(model), _storable(settings), now),
            )
            assert cursor.lastrowid is not None
            self._change(story_id, "head", cursor.lastrowid)
            return self._passage(cursor.lastrowid)

    def extend_passage(self, passage_id: int, text: str) -> Passage:
        """Append to a passage: for a stream, twice a second, so that a crash loses less than that."""
        with self._writing():
            passage = self._passage(passage_id)
            # Joined here because SQL leaves it undefined what `||` makes of a NUL in a story.
            self._db.execute(
                "UPDATE passage SET text = ? WHERE id = ?", (passage.text + _storable(text), passage_id)
            )
            self._db.execute("UPDATE story SET changed = ? WHERE id = ?", (self._now(), passage.story))
            return self._passage(passage_id)

    def undo(self, story_id: int) -> Story:
        """Step back to before the last passage, which stays for `redo`. An empty story stays as it is."""
        with self._writing():
            story = self._story(story_id)
            if story.head is None:
                return story
            return self._change(story_id, "head", self._passage(story.head).parent)

    def redo(self, story_id: int) -> Story:
        """Step on to the newest passage behind the head. Where there is none the story stays as it is."""
        with self._writing():
            story = self._story(story_id)
            newest = self._db.execute(
                "SELECT max(id) FROM passage WHERE story = ? AND parent IS ?", (story_id, story.head)
            ).fetchone()[0]
            return story if newest is None else self._change(story_id, "head", newest)

    # -- inside a transaction, holding the lock ------------------------------------------------------

    def _story(self, story_id: int) -> Story:
        row = self._db.execute(f"SELECT {_STORY} FROM story WHERE id = ?", (story_id,)).fetchone()
        if row is None:
            raise StoryError(f"There is no story {story_id} in {self.path}.")
        return _story_of(row)

    def _passage(self, passage_id: int) -> Passage:
        row = self._db.execute(f"SELECT {_PASSAGE} FROM passage WHERE id = ?", (passage_id,)).fetchone()
        if row is None:
            raise StoryError(f"There is no passage {passage_id} in {self.path}.")
        return Passage(*row)

    def _change(self, story_id: int, column: str, value: str | int | None) -> Story:
        """Set one of our own columns (never a name from outside) and when the story was changed."""
        self._story(story_id)
        self._db.execute(
            f"UPDATE story SET {column} = ?, changed = ? WHERE id = ?", (value, self._now(), story_id)
        )
        return self._story(story_id)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, _explaining(self.path), self._transaction():
            yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Several reads see one moment of the file, whatever other programs write meanwhile."""
        with self._lock, _explaining(self.path), self._transaction("DEFERRED"):
            yield

    @contextlib.contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """IMMEDIATE takes the write lock at once: one that reads first could not wait for it later."""
        self._db.execute(f"BEGIN {kind}")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                if self._db.in_transaction:  # after some errors SQLite has already rolled back
                    self._db.execute("ROLLBACK")
            raise


def _story_of(row: tuple[Any, ...]) -> Story:
    story_id, title, head, draft, created, changed, removed = row  # the columns of _STORY
    return Story(story_id, title, head, draft, created, changed, bool(removed))


def _storable(text: str) -> str:
    """The text with lone surrogates, which are no characters and which UTF-8 cannot hold, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _damaged(path: Path) -> str:
    return (
        f"The stories file {path} is damaged. It was left as it is: put a copy of it in its place, or move "
        "it away to begin with an empty one."
    )


@contextlib.contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a StoryError: one sentence for people."""
    try:
        yield
    except OverflowError as error:
        raise StoryError("There is no story or passage with so large a number.") from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # a mistake in how we call sqlite3, not the file's
            raise
        raise StoryError(_sentence(code & 0xFF, path, error)) from error


def _sentence(code: int, path: Path, error: sqlite3.Error) -> str:
    match code:
        case sqlite3.SQLITE_FULL:
            return (
                f"The disk is full: the story could not be saved to {path}. Make room and try again; nothing "
                "saved before is lost."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(path)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"Another program is writing to the stories file {path}: try again when it is done."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return (
                f"The stories file {path} cannot be opened for writing: check that you may write to it and "
                "to its folder."
            )
        case _:
            return f"The stories file {path} could not be used: {error}."
