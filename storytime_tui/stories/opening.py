"""Opens the stories file: made if it is missing, migrated if it is old, and recovered if it is damaged."""

import contextlib
import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from storytime_tui.errors import StoryError, StoryUnavailable
from storytime_tui.stories.checking import is_damage, is_damaged
from storytime_tui.stories.recovery import is_cut_short, recover
from storytime_tui.stories.rescue import Identity, file_identity
from storytime_tui.stories.schema import MIGRATIONS, is_newer, migrate, version_of
from storytime_tui.stories.trouble import newer


def open_file(
    path: Path, patience: float, now: float, damaged: Identity | None = None
) -> tuple[sqlite3.Connection, str]:
    """A connection to the stories file, and a sentence for the user if the file had to be recovered, else "".

    `patience`: seconds to wait for a lock. `damaged`: a file in which SQLite has met a fault. Raises sqlite3.Error,
    StoryError for a file of a newer version, which stays as it is, and StoryUnavailable.
    """
    db, damaged = _opened(path, patience, damaged)
    if db is not None:
        return db, ""
    said = recover(path, damaged, now)
    db, _ = _opened(path, patience, damaged)
    if db is None:
        raise StoryUnavailable(f"The stories file {path} is damaged again: the disk may be failing.")
    return db, said


def _opened(
    path: Path, patience: float, damaged: Identity | None
) -> tuple[sqlite3.Connection | None, Identity | None]:
    """A connection, or None and the identity of the damaged file."""
    found: Identity | None = None
    with contextlib.suppress(OSError):  # SQLite says what is wrong with it
        found = file_identity(path)
    if found is not None and (found == damaged or is_cut_short(path)):
        return None, found
    with contextlib.ExitStack() as stack:
        db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        stack.callback(db.close)
        # a damaged letter is shown as such, and is no error
        db.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        try:
            if is_damaged(db):
                return None, found
            _prepare(db, path)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                return None, found
            raise
        stack.pop_all()
        return db, None


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    version = version_of(db)
    if is_newer(version):
        raise StoryError(newer(path))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    if version < len(MIGRATIONS):
        with transaction(db):
            migrate(db)  # checks the version again, as another program may have migrated meanwhile


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """IMMEDIATE takes the write lock at once; a transaction that starts with a read could not wait for it later."""
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:  # SQLite rolls back by itself after some errors
                db.execute("ROLLBACK")
        raise
