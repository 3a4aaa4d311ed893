"""The stories file in a backup: a consistent copy of it, and adding the stories of such a copy to those here."""

import contextlib
import dataclasses
import errno
import hashlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import StoryError
from storytime_tui.stories.checking import is_damaged
from storytime_tui.stories.schema import is_newer, version_of
from storytime_tui.stories.shelf import set_favourite
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.trouble import explaining
from storytime_tui.stories.whole import Tree, add_tree, read_tree

FROM_BACKUP = " (from the backup)"  # behind a title that another story has here
_PATIENCE = 10.0  # seconds to wait for a lock


@dataclass(frozen=True)
class Merged:
    """How many stories of a backup were added, how many of them beside one of their title, and how many were here."""

    added: int
    beside: int
    here: int


def copy_file(source: Path, target: Path) -> int:
    """Write a consistent copy of the stories file, also while another program writes to it; returns its stories.

    Raises StoryError for a damaged or locked file, OSError for a full disk, and FileNotFoundError if there is no file.
    """
    if not source.is_file():
        raise FileNotFoundError(source)
    with explaining(source), contextlib.ExitStack() as stack:
        db = sqlite3.connect(source, timeout=_PATIENCE, isolation_level=None)
        stack.callback(db.close)
        copy = sqlite3.connect(target, isolation_level=None)
        stack.callback(copy.close)
        try:
            db.backup(copy)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
            raise
        if is_damaged(copy):
            raise StoryError(
                f"The stories file {source} is damaged: `storytime-tui stories list` recovers what it holds. Then try "
                "again."
            )
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
        return _count(copy)


def count_stories(file: Path) -> int:
    """The number of stories in a file, removed ones included. Raises StoryError."""
    with explaining(file), contextlib.closing(sqlite3.connect(file, timeout=_PATIENCE)) as db:
        return _count(db)


def _count(db: sqlite3.Connection) -> int:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'story'").fetchone() is None:
        return 0  # no story was written yet
    number: int = db.execute("SELECT count(*) FROM story").fetchone()[0]
    return number


def check_file(file: Path) -> None:
    """Raise StoryError for a stories file of a backup that is damaged, or written by a newer version."""
    with explaining(file), contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        if is_damaged(db):
            raise StoryError("The stories in the backup are damaged: nothing was restored.")
        if is_newer(version_of(db)):
            raise StoryError(
                "The stories in the backup were written by a newer Storytime: update Storytime, then try again."
            )


def place_file(file: Path, target: Path) -> bool:
    """Move a stories file to where there is none; False if there is one. Raises OSError.

    Companion files that a removed stories file left behind are moved aside: SQLite would apply them to the new one.
    """
    files.make_folder(target.parent)
    for ending in ("-wal", "-shm"):
        companion = target.with_name(target.name + ending)
        if companion.exists() and not os.path.lexists(target):
            os.replace(companion, companion.with_name(companion.name + ".old"))
    try:
        os.link(file, target)  # fails if there is one, which a rename would replace
    except FileExistsError:
        return False
    except OSError:  # a disk without hard links
        if os.path.lexists(target):
            return False
        os.rename(file, target)
    files.sync_folder(target.parent)
    return True


def merge_file(file: Path, target: Path) -> Merged:
    """Add the stories of a backup to the stories file here, each all or nothing, but for those that are here already.

    A story that has changed since is added beside the one that is here. Raises StoryError.
    """
    with contextlib.closing(StoryStore(file)) as backup, contextlib.closing(StoryStore(target)) as here:
        own = [story for removed in (False, True) for story in here.stories(removed)]
        known = {_key(read_tree(here, story.id)) for story in own}
        titles = {story.title for story in own}
        added = beside = seen = 0
        for removed in (False, True):
            for story in reversed(backup.stories(removed)):  # the one that was changed last is on top again
                tree = read_tree(backup, story.id)
                if _key(tree) in known:
                    seen += 1
                    continue
                title = tree.title + FROM_BACKUP if tree.title in titles else tree.title
                beside += title != tree.title
                new = add_tree(here, dataclasses.replace(tree, title=title))
                if story.favourite:
                    set_favourite(here, new.id, True)
                if removed:
                    here.remove(new.id)
                added += 1
    return Merged(added, beside, seen)


def _key(tree: Tree) -> bytes:
    """A story's content, whatever its title."""
    return hashlib.sha256(
        repr((tree.created, tree.head, tree.nodes, tree.steering)).encode(errors="replace")
    ).digest()
