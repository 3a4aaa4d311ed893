"""Rescuing the stories when their file is removed or replaced while it is open: they are written to a new file.

SQLite does not notice: it goes on writing to the unlinked file, and everything is lost when the last program closes
it. So the file's identity is checked before each call, which takes microseconds.
"""

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

from storytime_tui import files

Identity = tuple[int, int]  # a file's device and inode


def file_identity(path: Path) -> Identity | None:
    """The identity of the file at this path, None if there is none. Raises OSError if it cannot be read."""
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_dev, stat.st_ino


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log of a stories file."""
    return path.with_name(path.name + "-wal")


def forget_log(path: Path, ours: Identity | None) -> None:
    """Delete the write-ahead log of the file that was removed or replaced, if it still has the identity `ours`.

    The open connection can still read it, but SQLite would apply it to the file that now has the name and corrupt
    that. Raises OSError.
    """
    if ours is not None and file_identity(log_of(path)) == ours:
        for stale in companions(path):
            stale.unlink(missing_ok=True)


def rescue(db: sqlite3.Connection, path: Path, writer: str) -> tuple[Path, str]:
    """Write everything in `db` to a new file and close `db`. Returns the new file's path and a sentence for the user.

    The new file is `path`, or a file beside it if `path` belongs to another file by now, so that neither is lost. If
    another window has already rescued everything, its file is used. `writer` names this window's draft. Raises
    OSError or sqlite3.Error; `db` is still open then.
    """
    if _holds_all(path, db, writer):
        db.close()
        return (
            path,
            f"The stories file {path} was removed, and another window has written it again: nothing is lost.",
        )
    files.make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=".part-", suffix="-" + path.name, dir=path.parent)
    os.close(handle)  # mkstemp gave it mode 0600, which it keeps
    part = Path(name)
    try:
        copy = sqlite3.connect(part, isolation_level=None)
        try:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # keeps everything in one file, which can be renamed
        finally:
            copy.close()
        target = _place(part, path)
    except BaseException:
        for each in (part, *companions(part)):
            each.unlink(missing_ok=True)
        raise
    db.close()  # SQLite sees that its file has moved and does not touch the file that now has the name
    with contextlib.suppress(OSError):
        files.sync_folder(path.parent)
    if target == path:
        return target, (
            f"The stories file {path} was removed while it was open here. It was written again, with all its stories."
        )
    return target, (
        f"The stories file {path} was replaced by another while it was open here. The stories that were open here "
        f"are kept in {target.name} beside it."
    )


def _holds_all(path: Path, db: sqlite3.Connection, writer: str) -> bool:
    """Whether the file at `path` has every passage of `db` (it may be longer there) and this writer's drafts."""
    passages, drafts = "SELECT id, text FROM passage", "SELECT story, text FROM draft WHERE writer = ?"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as other:
            there, drafts_there = dict(other.execute(passages)), dict(other.execute(drafts, (writer,)))
    except sqlite3.Error:  # no such file, or not a stories file
        return False
    return all(there.get(id, "\0").startswith(text) for id, text in db.execute(passages)) and all(
        drafts_there.get(story) == text for story, text in db.execute(drafts, (writer,))
    )


def _place(part: Path, path: Path) -> Path:
    """Name the new file `path`, or the next free name beside it. Never overwrites another file."""
    for number in range(1, 1000):
        target = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if target.exists():
            continue
        # SQLite would apply a log that the removed file left behind to the new file
        for stale in companions(target):
            stale.unlink(missing_ok=True)
        try:
            os.link(part, target)  # unlike a rename, this fails if the name is taken meanwhile
        except FileExistsError:
            continue
        except OSError:  # the file system has no hard links
            os.rename(part, target)
        part.unlink(missing_ok=True)
        return target
    raise FileExistsError(f"no free name beside {path}")


def companions(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps beside a database."""
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
