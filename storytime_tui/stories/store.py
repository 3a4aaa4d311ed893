"""Where written stories are stored: one SQLite file. A write that was acknowledged is never lost."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import StoryError, StoryMoved, StoryUnavailable
from storytime_tui.stories import rows, window_locks
from storytime_tui.stories.checking import is_damage
from storytime_tui.stories.opening import open_file, transaction
from storytime_tui.stories.recovery import was_set_aside
from storytime_tui.stories.rescue import Identity, file_identity, forget_log, log_of, rescue
from storytime_tui.stories.story import Added, Author, Opened, Passage, Story, storable
from storytime_tui.stories.trouble import explaining


class StoryStore:
    """All written stories. Any method may be called from any thread; each write is one transaction.

    One connection behind one lock: calls wait for each other, which is fast enough for two short writes a second.
    Several programs may have the file open at once (WAL; a writer waits up to `patience` seconds). When a method
    returns, its write is on disk: `synchronous=FULL` waits for the disk at every commit, while NORMAL could lose the
    last commits in a power cut.

    Every method raises StoryError for a story or passage that does not exist, or a file written by a newer version.
    It raises StoryUnavailable if the disk is full or the file is damaged, locked or not permitted: nothing was done,
    and the same call may succeed later. A newer file is never written to. A damaged one is set aside, and what can be
    read is recovered into a new one (see `recovery`). If the file is removed or replaced while it is open here, its
    content is written to a new file. `notice` says so each time.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time, patience: float = 5.0) -> None:
        self.path = path
        self.notice = ""  # a sentence on what happened to the file; whoever shows it clears it
        self.now = now  # the time, in seconds since the epoch
        self._patience = patience
        self._lock = threading.Lock()
        self._window: window_locks.WindowLock | None = None  # this window; made with the first draft
        self._seen: dict[int, int] = {}  # story -> the version last read or written here
        self._written: dict[int, int] = {}  # the same, in the current transaction
        self._log: Identity | None = None  # of the write-ahead log when last seen
        self._damaged: Identity | None = None  # of a file in which SQLite met a fault
        self._connect()

    def _connect(self) -> None:
        try:
            files.make_folder(self.path.parent)
            if str(self.path) != ":memory:":
                files.make_private(self.path)  # SQLite gives its companion files the same mode
        except OSError as error:
            raise StoryUnavailable(files.explain(error, f"making the folder {self.path.parent}")) from error
        with explaining(self.path):
            self._db, said = open_file(self.path, self._patience, self.now(), self._damaged)
            self.notice = said or self.notice
            self._identity = file_identity(self.path)  # None for a store in memory
        self._damaged, self._closed = None, False

    def close(self) -> None:
        """Close the file. Further calls are not allowed, except to close again, which does nothing."""
        with self._lock:
            if self._window is not None:
                self._window.leave()
            self._db.close()

    # -- stories -------------------------------------------------------------------------------------

    def new_story(self, title: str) -> Story:
        """Create an empty story."""
        now = self.now()
        with self.writing():
            cursor = self._db.execute(
                "INSERT INTO story (title, created, changed) VALUES (?, ?, ?)", (storable(title), now, now)
            )
            assert cursor.lastrowid is not None
            self._written[cursor.lastrowid] = 0
            return self._story(cursor.lastrowid)

    def stories(self, removed: bool = False) -> tuple[Story, ...]:
        """The stories, or the removed ones, most recently changed first."""
        with self.reading():
            return rows.stories_of(self._db, removed)

    def story(self, story_id: int) -> Story:
        """One story, removed or not."""
        with self.reading():
            return self._story(story_id)

    def rename(self, story_id: int, title: str) -> Story:
        """Change a story's title."""
        with self.writing():
            return self._change(story_id, "title", storable(title))

    def remove(self, story_id: int) -> Story:
        """Hide a story from the list. Nothing is deleted, and a stream may still extend it."""
        with self.writing():
            return self._change(story_id, "removed", 1)

    def restore(self, story_id: int) -> Story:
        """Bring a removed story back to the top of the list."""
        with self.writing():
            return self._change(story_id, "removed", 0)

    # -- drafts --------------------------------------------------------------------------------------

    def set_draft(self, story_id: int, text: str) -> Story:
        """Store what is being typed in this window; "" once it has become a passage.

        Each window has a draft of its own.
        """
        with self.writing():
            return self._keep_draft(story_id, storable(text))

    def open_story(self, story_id: int) -> Opened:
        """A story to show and continue. From now on, changes by other windows are noticed.

        The draft is this window's. If it has none, it takes over the draft of a window that no longer runs.
        """
        with self.reading():
            story = self._story(story_id)
            passages = self._path_to(story.head)
            version = self._version(story_id)
            drafts = dict(
                self._db.execute(
                    "SELECT writer, text FROM draft WHERE story = ? ORDER BY changed DESC", (story_id,)
                )
            )
            self._seen[story_id] = version
        me = self._window.name if self._window is not None else None
        abandoned = [name for name in drafts if name != me and not window_locks.is_alive(self.path, name)]
        draft: str = drafts.get(me, "")
        if not draft and abandoned:
            draft = drafts[abandoned[0]] if self._take_over(story_id, abandoned[0]) else ""
        return Opened(story, passages, draft)

    def _take_over(self, story_id: int, writer: str) -> bool:
        """Make a dead writer's draft ours; False if another window was first or the file cannot be written now."""
        window_locks.sweep(self.path)
        with contextlib.suppress(StoryUnavailable), self.writing():
            updated = self._db.execute(
                "UPDATE OR IGNORE draft SET writer = ? WHERE story = ? AND writer = ?",
                (self._me(), story_id, writer),
            )
            return updated.rowcount == 1
        return False

    def add_line(self, story_id: int, append: Callable[[str], str]) -> Added:
        """Add your line at the end of the story as it is now, whoever changed it last, and clear the draft.

        `append` gets the story's text and returns the text to add. It is one transaction: the line is either a
        passage or still the draft, never both or neither.
        """
        with self.writing():
            story = self._story(story_id)
            before = "".join(p.text for p in self._path_to(story.head))
            version = self._version(story_id)
            moved = self._seen.get(story_id, version) != version
            added = storable(append(before))
            if added:
                self._add(story_id, story.head, "you", added)
            return Added(self._keep_draft(story_id, ""), before, added, moved)

    def moved(self, story_id: int) -> bool:
        """Whether another window has changed a story's text since `open_story`."""
        with self.reading():
            return story_id in self._seen and self._version(story_id) != self._seen[story_id]

    # -- passages ------------------------------------------------------------------------------------

    def passages(self, story_id: int) -> tuple[Passage, ...]:
        """The passages from the root to the head."""
        with self.reading():
            return self._path_to(self._story(story_id).head)

    def text(self, story_id: int) -> str:
        """The current text of the story: its passages joined."""
        return "".join(passage.text for passage in self.passages(story_id))

    def add_passage(
        self,
        story_id: int,
        author: Author,
        text: str,
        model: str = "",
        settings: str = "",
        *,
        ids: str = "",
        after: int | None = -1,
    ) -> Passage:
        """Add a passage after the head, or after another passage (None: as a beginning); it becomes the head.

        What followed there stays, as a branch.
        """
        with self.writing():
            parent = self._story(story_id).head if after == -1 else after
            if parent is not None and self._passage(parent).story != story_id:
                raise StoryError(f"Passage {parent} is not of story {story_id}.")
            return self._add(story_id, parent, author, text, model, settings, ids)

    def extend_passage(self, passage_id: int, text: str, ids: str = "") -> Passage:
        """Append to a passage. A stream does so twice a second, so a crash loses less than a second of text."""
        with self.writing():
            passage = self._passage(passage_id)
            # Joined in Python because SQL does not define `||` for text with a NUL.
            self._db.execute(
                "UPDATE passage SET text = ?, ids = ? WHERE id = ?",
                (passage.text + storable(text), ",".join(filter(None, (passage.ids, ids))), passage_id),
            )
            self._count(passage.story)
            return self._passage(passage_id)

    # -- inside a transaction: `writing` or `reading` ------------------------------------------------

    def _story(self, story_id: int) -> Story:
        return rows.story_of(self._db, story_id, self.path)

    def _passage(self, passage_id: int) -> Passage:
        return rows.passage_of(self._db, passage_id, self.path)

    def _path_to(self, head: int | None) -> tuple[Passage, ...]:
        return rows.path_to(self._db, head)

    def _add(
        self,
        story_id: int,
        parent: int | None,
        author: Author,
        text: str,
        model: str = "",
        settings: str = "",
        ids: str = "",
    ) -> Passage:
        added = self._db.execute(
            "INSERT INTO passage (story, parent, author, text, model, settings, ids, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (story_id, parent, author, storable(text), storable(model), storable(settings), ids, self.now()),
        ).lastrowid
        assert added is not None
        self.go_to(story_id, added)
        return self._passage(added)

    def go_to(self, story_id: int, head: int | None) -> Story:
        """Move the head as a new step, which undo goes back over."""
        before = self._story(story_id).head
        if before != head:
            self._db.execute("DELETE FROM step WHERE story = ? AND undone", (story_id,))
            self._db.execute(
                "INSERT INTO step (story, before, after) VALUES (?, ?, ?)", (story_id, before, head)
            )
        return self.move_head(story_id, head)

    def move_head(self, story_id: int, head: int | None) -> Story:
        """Move the head without a step."""
        self._count(story_id)
        return self._change(story_id, "head", head)

    def _change(self, story_id: int, column: str, value: str | int | None) -> Story:
        """Set a column of the story (a name from our code only) and its time of change."""
        self._story(story_id)
        self._db.execute(
            f"UPDATE story SET {column} = ?, changed = ? WHERE id = ?", (value, self.now(), story_id)
        )
        return self._story(story_id)

    def _keep_draft(self, story_id: int, text: str) -> Story:
        self._story(story_id)
        if text:
            self._db.execute(
                "INSERT OR REPLACE INTO draft VALUES (?, ?, ?, ?)", (story_id, self._me(), text, self.now())
            )
        elif self._window is not None:
            self._db.execute("DELETE FROM draft WHERE story = ? AND writer = ?", (story_id, self._me()))
        others = self._db.execute(
            "SELECT text FROM draft WHERE story = ? ORDER BY changed DESC LIMIT 1", (story_id,)
        ).fetchone()
        return self._change(story_id, "draft", text or (others[0] if others else ""))

    def _me(self) -> str:
        if self._window is None:
            self._window = window_locks.WindowLock(self.path)
        return self._window.name

    def _version(self, story_id: int) -> int:
        row = self._db.execute("SELECT version FROM story WHERE id = ?", (story_id,)).fetchone()
        return int(row[0]) if row else 0

    def unchanged(self, story_id: int) -> Story:
        """The story. Raises StoryMoved if another window has changed it since it was opened here."""
        story = self._story(story_id)
        if self._seen.get(story_id, version := self._version(story_id)) != version:
            raise StoryMoved("This story was changed in another window and is loaded again.")
        return story

    def _count(self, story_id: int) -> None:
        """Raise the version of a story whose text we change. If we were up to date before, we still are."""
        version = self._version(story_id)
        self._db.execute(
            "UPDATE story SET version = ?, changed = ? WHERE id = ?", (version + 1, self.now(), story_id)
        )
        if self._written.get(story_id, self._seen.get(story_id)) == version:
            self._written[story_id] = version + 1

    def _ensure_file(self) -> None:
        """If the file was removed or replaced, continue with a new file that has everything of this one."""
        if self._closed:  # it is damaged, or the new file could not be opened last time
            self._connect()
        if self._identity is None:  # in memory
            return
        try:
            if file_identity(self.path) == self._identity:
                self._log = file_identity(log_of(self.path))
                return
            if was_set_aside(self.path, self._identity):  # by another window
                self._db.close()
                self._connect()
                return
            forget_log(self.path, self._log)
            self.path, self.notice = rescue(self._db, self.path, self._window.name if self._window else "")
        except OSError as error:
            raise StoryUnavailable(
                f"The stories file {self.path} is gone, and cannot be written again: {error.strerror or error}. "
                "The text on the screen is not saved until it can."
            ) from error
        self._closed = True
        self._connect()
        if self._window is not None:  # its lock file may be gone too
            self._window = self._window.moved_to(self.path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction, for the modules beside this one."""
        with self._lock, explaining(self.path):
            self._ensure_file()
            self._written.clear()
            with self._transaction():
                yield self._db
            self._seen.update(self._written)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: all reads in it see the same state of the file."""
        with self._lock, explaining(self.path):
            self._ensure_file()
            with self._transaction("DEFERRED"):
                yield self._db

    @contextlib.contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        try:
            with transaction(self._db, kind):
                yield
        except sqlite3.Error as error:
            if is_damage(error):
                self._damaged, self._closed = file_identity(self.path), True  # the next call recovers it
                self._db.close()
            raise
