"""Locks of the open windows: each has a unique name and holds a lock on a file of that name while it runs.

The system frees the lock when the process dies, however it dies. Another window may take over a dead window's draft.
"""

import contextlib
import os
import re
import time
import uuid
from pathlib import Path

import filelock

from storytime_tui import files

_NAME = re.compile(r"[0-9a-f]{32}")
_OLD = 3600.0  # seconds after which the lock file of a dead window is removed


class WindowLock:
    """A window on the stories file at `path`. If it cannot get a lock, it counts as dead, which is no error."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.name = name or uuid.uuid4().hex
        self._folder = folder_of(path)
        self._file = self._folder / self.name
        self._lock = self._take()

    def _take(self) -> filelock.BaseFileLock | None:
        for _ in range(2):  # another window that closes may remove the folder meanwhile
            with contextlib.suppress(OSError, filelock.Timeout, NotImplementedError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = filelock.FileLock(self._file, timeout=1)
                lock.acquire()
                return lock
        return None

    def moved_to(self, path: Path) -> "WindowLock":
        """The same window, for another stories file."""
        self.leave()
        return WindowLock(path, self.name)

    def leave(self) -> None:
        """Release the lock: from now on another window may take over the draft."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
            self._lock.release()
            self._lock = None
            with contextlib.suppress(OSError):
                self._folder.rmdir()  # fails unless this was the last window


def folder_of(path: Path) -> Path:
    """The folder of the lock files for the stories file at `path`."""
    return path.with_name(path.name + "-writers")


def is_alive(path: Path, name: str) -> bool:
    """Whether the window of this name still holds its lock."""
    if not _NAME.fullmatch(name):  # "" marks a draft migrated from before there were these locks
        return False
    try:
        return files.is_locked(folder_of(path) / name)
    except (OSError, NotImplementedError):
        return False


def sweep(path: Path) -> None:
    """Remove dead windows' lock files. Young files stay, as their window may be about to lock them."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder_of(path))):
            old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD
            if old and _NAME.fullmatch(entry.name) and not is_alive(path, entry.name):
                os.unlink(entry.path)
