"""Atomic writes of files and folders, and locks that the system frees when their process dies."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from storytime_tui import small_files

_OURS = re.compile(r"\.part-[0-9a-f]{12}-")
_DAY = 86_400  # seconds
_PART = ".part-"  # prefix of unfinished files and folders; `sweep` removes them after a crash


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents, readable by the owner only. Raises OSError."""
    if path.is_dir():
        return
    for parent in reversed(path.parents):  # `mkdir(parents=True)` would make the parents readable by all
        if not parent.is_dir():
            parent.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def make_private(path: Path) -> None:
    """Create an empty file that only its owner can read; if it exists, restrict its mode.

    A mode that cannot be changed stays: the file may be another user's. Raises OSError if the file cannot be created.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        _restrict(path)


def _restrict(path: Path) -> None:
    """Remove the permissions of everyone but the owner from a file or a folder."""
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode
        if mode & 0o077 and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            path.chmod(stat.S_IMODE(mode) & 0o700)


def write_atomically(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write a file so that a reader or a crash sees the old content or the new one, never a part.

    Only the owner can read it, unless `shared`. Makes the folder. Raises OSError (see `explain`).
    """
    with file_written_atomically(path, shared=shared) as part:
        part.write_bytes(data)


@contextlib.contextmanager
def file_written_atomically(path: Path, *, shared: bool = False, replace: bool = True) -> Iterator[Path]:
    """Yield the path of a temporary file to write. It is renamed to `path` if the block succeeds, else removed.

    Only the owner can read it; if `shared`, the umask decides. Makes the folder. Raises OSError, and FileExistsError
    if `path` exists and `replace` is False.
    """
    _make_parent(path, shared)
    part = _part_of(path)
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if shared else 0o600))
        yield part
        _sync_file(part)
        if not replace:
            # creating `path` first reserves the name: of two programs only one succeeds
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def folder_written_atomically(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Yield an empty temporary folder. It is renamed to `path` if the block succeeds, else removed.

    Every file is on the disk before the rename. Only the owner can read the folder and its contents, unless `shared`.
    `path` must not exist, or must be an empty folder.
    """
    _make_parent(path, shared)
    part = _part_of(path)
    part.mkdir(mode=0o777 if shared else 0o700)
    try:
        yield part
        if not shared:
            narrow_all(part)
        sync_all(part)
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def unfinished_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield an empty temporary folder in `parent`. The caller renames it; otherwise it is removed at the end.

    Makes `parent`. Only the owner can read the folder. Raises OSError.
    """
    make_folder(parent)
    part = _part_of(parent / name)
    part.mkdir(mode=0o700)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def narrow_all(folder: Path) -> None:
    """Restrict everything in a folder to its owner, whatever the umask was."""
    for file in folder.rglob("*"):
        if not file.is_symlink():
            _restrict(file)


def sync_all(folder: Path) -> None:
    """Flush every file in a folder to the disk, before the folder is renamed."""
    for file in folder.rglob("*"):
        if file.is_file():
            _sync_file(file)
    sync_folder(folder)


def _make_parent(path: Path, shared: bool) -> None:
    if shared:
        path.parent.mkdir(parents=True, exist_ok=True)
    else:
        make_folder(path.parent)


def _part_of(path: Path) -> Path:
    """A unique temporary name in the folder of `path`."""
    return path.with_name(f"{_PART}{secrets.token_hex(6)}-{path.name[-40:]}")


def point_link(link: Path, target: str) -> None:
    """Make the symbolic link `link` point at `target` (relative to it), replaced atomically by a rename."""
    part = link.with_name(_PART + link.name + f"-{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(target)
    os.replace(part, link)
    sync_folder(link.parent)


def sweep(folder: Path) -> None:
    """Remove the unfinished files and folders that a crash left in `folder`. The caller holds the lock."""
    for part in folder.glob(_PART + "*"):
        delete(part)


def sweep_old(folder: Path) -> None:
    """Remove the unfinished files and folders in `folder` that are more than a day old.

    Only names of our own pattern are removed, because a home may hold other files. What cannot be removed stays.
    """
    with contextlib.suppress(OSError):
        for part in folder.glob(_PART + "*"):
            with contextlib.suppress(OSError):
                if _OURS.match(part.name) and time.time() - part.lstat().st_mtime > _DAY:
                    delete(part)


def is_unfinished(path: Path, seconds: float) -> bool:
    """Whether `path` has the name of an unfinished file or folder, and changed in the last `seconds`."""
    with contextlib.suppress(OSError):
        return path.name.startswith(_PART) and time.time() - path.lstat().st_mtime < seconds
    return False


def delete(path: Path) -> None:
    """Remove a file, a link, or a folder with all in it that can be removed. Raises OSError for a file that stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Remove a folder and its contents, if it exists. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def remove_whole(path: Path) -> None:
    """Remove a folder as `remove_folder` does, but rename it first: nobody finds a part of it. Raises OSError.

    What is left after a crash or an error has the name of an unfinished folder.
    """
    if path.is_dir() and not path.is_symlink():
        part = _part_of(path)
        os.replace(path, part)
        shutil.rmtree(part)


def forget_unused(folder: Path, days: float) -> None:
    """Remove the entries of a cache folder that were neither written nor used (see os.utime) for `days`.

    Unfinished files are removed after a day. What cannot be removed stays, without an error.
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
    """Make renames inside a folder durable. Does nothing on Windows, which cannot open a folder."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path, busy: Exception, *, patience: float = 0) -> Iterator[None]:
    """Hold the lock file `path` for the block; raise `busy` if another program or thread holds it.

    `patience`: seconds to wait for it first. The system frees the lock when the process dies, even if it is killed.
    """
    make_folder(path.parent)
    # not thread-local: a generator that holds the lock may be closed in another thread
    lock = filelock.FileLock(path, timeout=patience, mode=0o600, thread_local=False)
    try:
        lock.acquire(poll_interval=0.02)
    except filelock.Timeout:
        raise busy from None
    except NotImplementedError as error:  # some network disks
        raise OSError(errno.ENOLCK, "this disk cannot lock files", str(path)) from error
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a program holds the lock file `path` now. False if `path` is not a file or cannot be opened."""
    if path.is_symlink() or not small_files.is_regular(path):
        return False
    lock = filelock.FileLock(path, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def explain(error: OSError, doing: str) -> str:
    """A sentence for the user from a system error: what was being done, what happened, what to do.

    `doing` is a clause such as "saving the checkpoint step-20".
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {doing} did not finish. Make room and try again; nothing saved before is lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"No permission: {doing} did not finish ({error.filename or 'unknown file'} cannot be written or read)."
    return f"{doing[:1].upper()}{doing[1:]} did not finish: {error.strerror or error}."


def sentence_of(error: OSError) -> str:
    """A sentence for an unexpected system error; "" if the error names no file and the disk is not full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Make room and try again; nothing saved before is lost."
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "Too many files are open: close other programs and try again."
    if error.filename is None or not error.strerror:
        return ""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    shown = name if len(name) <= 200 else name[:200] + "…"
    return f"{shown} cannot be used: {error.strerror[:1].lower()}{error.strerror[1:]}."
