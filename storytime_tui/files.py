"""Writing so that nothing is lost: whole files and whole folders or nothing, and locks that die with their holder."""

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from storytime_tui.errors import StorytimeError

_PART = ".part-"  # what an unfinished file or folder is called; `sweep` removes what a crash left


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part.

    Makes the folder. Raises OSError as the system gives it (see `explain`).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=_PART, suffix="-" + path.name, dir=path.parent)
    try:
        os.chmod(part, 0o644)  # mkstemp makes it private; a plan or a text is an ordinary file
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def file_written_atomically(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, piece by piece; when the block ends well it becomes `path`, otherwise
    nothing does. Makes the folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_PART, suffix="-" + path.name, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        _sync_file(part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def folder_written_atomically(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends well it becomes `path`, otherwise nothing does.

    Every file is on the disk before the rename. `path` must not exist, or must be an empty folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=_PART, suffix="-" + path.name, dir=path.parent))
    part.chmod(0o755)  # mkdtemp makes it private; a checkpoint is an ordinary folder
    try:
        yield part
        sync_all(part)
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def unfinished_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give an empty folder in `parent` to fill and then to rename; under its first name it is removed at the end.

    Makes `parent`. Raises OSError.
    """
    parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=_PART, suffix="-" + name, dir=parent))
    part.chmod(0o755)  # mkdtemp makes it private; a collection is an ordinary folder
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sync_all(folder: Path) -> None:
    """Have every file in a folder on the disk, so that a rename of the folder is the last thing to happen."""
    for file in folder.rglob("*"):
        if file.is_file():
            _sync_file(file)
    sync_folder(folder)


def point_link(link: Path, target: str) -> None:
    """Make the symbolic link `link` point at `target` (relative to it), swapped by a rename."""
    part = link.with_name(_PART + link.name + f"-{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(target)
    os.replace(part, link)
    sync_folder(link.parent)


def sweep(folder: Path) -> None:
    """Remove the unfinished files and folders that a crash left in `folder`. Call it holding the lock."""
    for part in folder.glob(_PART + "*"):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Remove a folder and all in it, where there is one. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def forget_unused(folder: Path, days: float) -> None:
    """Remove what lies in a cache folder and was neither written nor opened (see os.utime) for so long.

    Unfinished parts go after a day. What cannot be removed stays: a cache is no reason to stop.
    """
    now = time.time()
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            with contextlib.suppress(OSError):
                age = now - entry.stat(follow_symlinks=False).st_mtime
                if age > 86400 * (1 if entry.name.startswith(_PART) else days):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        os.unlink(entry.path)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make renames inside a folder durable, where the system can (Windows cannot open a folder)."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path, busy: StorytimeError, *, patience: float = 0) -> Iterator[None]:
    """Hold the lock file `path` for the block; raise `busy` where another program or thread holds it.

    `patience`: seconds to wait for it first. The system frees the lock when its holder dies, however it dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise busy from None
    except NotImplementedError as error:  # some network disks
        raise OSError(errno.ENOLCK, "the disk it is on cannot lock files", str(path)) from error
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether some program holds the lock file `path` now."""
    if not path.exists():
        return False
    lock = filelock.FileLock(path, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    lock.release()
    return False


def explain(error: OSError, doing: str) -> str:
    """One sentence for people from a system error: what we were doing, what happened, what to do.

    `doing` is a clause such as "saving the checkpoint step-20".
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {doing} did not finish. Make room and try again; nothing saved before is lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"No permission: {doing} did not finish ({error.filename or 'unknown file'} cannot be written or read)."
    return f"{doing[:1].upper()}{doing[1:]} did not finish: {error.strerror or error}."
