"""What becomes of the stories when their file is taken away while it is open: they are written anew from what is open.

SQLite itself notices nothing: it goes on writing into the file that has no name any more, and all of it is gone with
the last program that has it open. So the name is looked at before each call, which costs some microseconds.
"""

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

from storytime_tui import files

Identity = tuple[int, int]  # the device and the number of a file


def file_identity(path: Path) -> Identity | None:
    """Which file has this name now; None where none has. Raises OSError where that cannot be said."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log of a stories file."""
    return path.with_name(path.name + "-wal")


def forget_log(path: Path, ours: Identity | None) -> None:
    """Take the log of the file that was removed or replaced out of the way, if it is still that one.

    What is in it can be read here, where it is open; read into the file that has the name now, it would spoil that.
    Raises OSError.
    """
    if ours is not None and file_identity(log_of(path)) == ours:
        for stale in _companions(path):
            stale.unlink(missing_ok=True)


def rescue(db: sqlite3.Connection, path: Path, writer: str) -> tuple[Path, str]:
    """Write all that `db` holds to a new file, close it, and say where that is and what happened, in a sentence.

    The new file is `path` itself, or, where another file has that name by now, one beside it: nothing of either is
    lost. Where another window was quicker, and its new file has all of it, that one will do. `writer` is who types
    here. Raises OSError or sqlite3.Error; `db` is still open then.
    """
    if _holds_all(path, db, writer):
        db.close()
        return (
            path,
            f"The stories file {path} was removed, and another window has written it anew: nothing is lost.",
        )
    files.make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=".part-", suffix="-" + path.name, dir=path.parent)
    os.close(handle)  # mkstemp made it for our eyes only, and so it stays
    part = Path(name)
    try:
        copy = sqlite3.connect(part, isolation_level=None)
        try:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # all of it in the one file, which can be renamed
        finally:
            copy.close()
        target = _name_it(part, path)
    except BaseException:
        for each in (part, *_companions(part)):
            each.unlink(missing_ok=True)
        raise
    db.close()  # SQLite sees that the file has moved, and leaves what now has its name alone
    with contextlib.suppress(OSError):
        files.sync_folder(path.parent)
    if target == path:
        return target, (
            f"The stories file {path} was removed while it was open here. It was written anew, with all that it held."
        )
    return target, (
        f"The stories file {path} was replaced by another while it was open here. What was open here is kept in "
        f"{target.name} beside it."
    )


def _holds_all(path: Path, db: sqlite3.Connection, writer: str) -> bool:
    """Whether the file at `path` has every word that `db` has: passages may have grown there, none may be missing."""
    passages, drafts = "SELECT id, text FROM passage", "SELECT story, text FROM draft WHERE writer = ?"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as other:
            told, typed = dict(other.execute(passages)), dict(other.execute(drafts, (writer,)))
    except sqlite3.Error:  # there is no such file, or it is none of ours
        return False
    return all(told.get(id, "\0").startswith(text) for id, text in db.execute(passages)) and all(
        typed.get(story) == text for story, text in db.execute(drafts, (writer,))
    )


def _name_it(part: Path, path: Path) -> Path:
    """Give the new file the wanted name, or the next free one beside it; never takes another file's place."""
    for number in range(1, 1000):
        target = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if target.exists():
            continue
        for stale in _companions(
            target
        ):  # of the file that was removed: SQLite would read it into the new one
            stale.unlink(missing_ok=True)
        try:
            os.link(part, target)  # unlike a rename it fails where the name was taken meanwhile
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            os.rename(part, target)
        part.unlink(missing_ok=True)
        return target
    raise FileExistsError(f"no free name beside {path}")


def _companions(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps beside one."""
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
