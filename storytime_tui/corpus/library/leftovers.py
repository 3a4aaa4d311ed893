"""What a program that was killed left half-imported beside the collections: told from what is still being written."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from storytime_tui import files

_UNFINISHED = ".part-*"  # what `files` calls a folder that is being written
_YOUNG = 2.0  # seconds: a folder this new may not be marked yet
_OLD = 86400.0  # seconds


@contextlib.contextmanager
def alive(folder: Path) -> Iterator[None]:
    """Mark a folder as being written for as long as the block, and this program, lasts."""
    handle = None
    with contextlib.suppress(BlockingIOError):
        handle = _locked(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished folders in `folder` that nobody writes any more.

    Where the system cannot tell (Windows, some network disks), those of yesterday. What cannot be removed stays.
    """
    with contextlib.suppress(OSError):
        for part in folder.glob(_UNFINISHED):
            with contextlib.suppress(OSError):  # BlockingIOError: it is being written, however old it is
                age = time.time() - part.lstat().st_mtime
                if age < _YOUNG:
                    continue
                handle = _locked(part)
                if handle is not None or age > _OLD:
                    files.delete(part)
                if handle is not None:
                    os.close(handle)


def _locked(folder: Path) -> int | None:
    """A handle on the folder that the system lets go when its holder dies; None where the system has no such thing.

    Raises BlockingIOError where another one has it.
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
