"""Unfinished imports that a killed program left behind, and how to tell them from imports that are still running."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from storytime_tui import files

_UNFINISHED = ".part-*"  # the names that `files` gives to unfinished folders
_YOUNG = 2.0  # seconds; a newer folder may not be locked yet
_OLD = 86400.0  # seconds


@contextlib.contextmanager
def alive(folder: Path) -> Iterator[None]:
    """Mark a folder as being written, by a lock, while the block runs."""
    handle = None
    with contextlib.suppress(BlockingIOError):
        handle = _locked(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished folders in `folder` that no program is writing.

    If the system has no locks (Windows, some network disks), only those older than a day. Errors are ignored.
    """
    with contextlib.suppress(OSError):
        for part in folder.glob(_UNFINISHED):
            with contextlib.suppress(OSError):  # a BlockingIOError means that it is being written
                age = time.time() - part.lstat().st_mtime
                if age < _YOUNG:
                    continue
                handle = _locked(part)
                if handle is not None or age > _OLD:
                    files.delete(part)
                if handle is not None:
                    os.close(handle)


def _locked(folder: Path) -> int | None:
    """A locked handle on the folder, freed by the system when the process dies; None if there are no such locks.

    Raises BlockingIOError if another process holds it.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle
