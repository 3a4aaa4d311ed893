"""The Hub's local cache: `refs`, `snapshots` and `blobs`, each blob named by its hash. Knows no torch.

Other programs share it through huggingface_hub, so it keeps that library's layout, and nothing is removed here
that was not written here.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

from storytime_tui import disk_cache, files, paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.models import folder as model_folder

MAIN = "main"
_GIT_DIGITS = 40  # hexadecimal digits of git's hashes; SHA-256 has 64
_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
_CHUNK = 1_000_000
_LARGE_FILE = 8_000_000  # bytes; larger files are not hashed again each time


def cache_folder() -> Path:
    """The Hub's cache, found as huggingface_hub finds it, but from the current environment."""
    default = os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    hub = os.path.join(os.environ.get("HF_HOME", default), "hub")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or hub
    return Path(os.path.expandvars(os.path.expanduser(named)))


def storage_folder(repo_id: str) -> Path:
    """The cache's folder for one model."""
    return cache_folder() / f"models--{repo_id.replace('/', '--')}"


def cached(repo_id: str) -> Path | None:
    """The folder with the complete model `repo_id` in the Hub's cache, or None: its main branch, or else a pull
    request."""
    storage = storage_folder(repo_id)
    refs = storage / "refs"
    for ref in (refs / MAIN, *sorted((refs / "refs" / "pr").glob("[1-9]*"))):
        snapshot = _complete_snapshot(storage, ref)
        if snapshot is not None:
            return snapshot
    return None


def _complete_snapshot(storage: Path, ref: Path) -> Path | None:
    try:
        commit = small_files.read_text(ref, 1000).strip()
        if not is_commit(commit):
            return None
        snapshot = storage / "snapshots" / commit
        model_folder.check_folder(snapshot)
    except (OSError, StorytimeError):
        return None
    return snapshot


def is_commit(name: Any) -> bool:
    """Whether `name` is a valid commit name, safe to use as a folder's name."""
    return isinstance(name, str) and _COMMIT.fullmatch(name) is not None and ".." not in name


def is_hash(name: Any) -> bool:
    """Whether `name` is a git or SHA-256 hash."""
    return isinstance(name, str) and _HASH.fullmatch(name) is not None


def digest(file: BinaryIO, expected: str) -> str:
    """The hash of a whole file, of the same kind as `expected`: git's blob hash or SHA-256. Raises OSError."""
    size = file.seek(0, os.SEEK_END)
    hasher = (
        hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        if len(expected) == _GIT_DIGITS
        else hashlib.sha256()
    )
    file.seek(0)
    while chunk := file.read(_CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()


def is_intact(path: Path, expected: str = "") -> bool:
    """Whether a cached file matches the hash in its blob's name, or `expected`; True if neither is known.

    A large file is hashed once; the result is remembered until the file changes.
    """
    try:
        blob = path.resolve(strict=True)
        status = blob.stat()
        expected = expected or (blob.name if is_hash(blob.name) else "")
        if not expected:
            return True
        identity = f"{blob} {expected} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
        marker = (
            paths.cache_folder()
            / "sound"
            / hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()
        )
        if status.st_size > _LARGE_FILE and disk_cache.find(marker, Path.exists):
            return True
        with blob.open("rb") as file:
            intact = digest(file, expected) == expected
    except OSError:
        return False
    if intact and status.st_size > _LARGE_FILE:
        disk_cache.remember(marker, b"")
    return intact


def link_blob(blob: Path, place: Path) -> None:
    """Link `place`, in a snapshot, to a blob; if links are not possible, move the blob there. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        files.point_link(place, os.path.relpath(blob, place.parent))
    except OSError:  # Windows, without the permission to make links
        os.replace(blob, place)
