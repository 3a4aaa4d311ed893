"""The Hub's own cache on this machine: `refs`, `snapshots` and `blobs`, each blob named by its hash. Knows no torch.

It is shared with every other program that uses huggingface_hub, so it is laid out as that library lays it out, and
nothing in it is removed here that was not put there here.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

from storytime_tui import disk_cache, files, paths

_GIT = 40  # hexadecimal digits of its hashes; SHA-256 has 64
_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
_PIECE = 1_000_000
_LARGE = 8_000_000  # bytes from which on a file is not read anew each time


def cache_folder() -> Path:
    """The Hub's cache, found as huggingface_hub finds it, but by the environment of now."""
    default = os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    hub = os.path.join(os.environ.get("HF_HOME", default), "hub")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or hub
    return Path(os.path.expandvars(os.path.expanduser(named)))


def storage_folder(repo_id: str) -> Path:
    """What the cache keeps of one model."""
    return cache_folder() / f"models--{repo_id.replace('/', '--')}"


def is_commit(name: Any) -> bool:
    """Whether it can be a commit's name, and so that of a folder: nothing that leads elsewhere."""
    return isinstance(name, str) and _COMMIT.fullmatch(name) is not None and ".." not in name


def is_hash(name: Any) -> bool:
    """Whether it is a hash that a file's content can be held against."""
    return isinstance(name, str) and _HASH.fullmatch(name) is not None


def digest(file: BinaryIO, expected: str) -> str:
    """The hash of a whole file, of the kind that `expected` is: git's of a blob, or SHA-256. Raises OSError."""
    size = file.seek(0, os.SEEK_END)
    found = (
        hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        if len(expected) == _GIT
        else hashlib.sha256()
    )
    file.seek(0)
    while piece := file.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


def is_sound(path: Path, expected: str = "") -> bool:
    """Whether a file of the cache holds what its blob's name, or `expected`, says; True where nothing does.

    A large file is read once: what was found sound is remembered, as long as it does not change.
    """
    try:
        blob = path.resolve(strict=True)
        status = blob.stat()
        expected = expected or (blob.name if is_hash(blob.name) else "")
        if not expected:
            return True
        facts = f"{blob} {expected} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
        mark = (
            paths.cache_folder() / "sound" / hashlib.sha256(facts.encode(errors="surrogatepass")).hexdigest()
        )
        if status.st_size > _LARGE and disk_cache.find(mark, Path.exists):
            return True
        with blob.open("rb") as file:
            sound = digest(file, expected) == expected
    except OSError:
        return False
    if sound and status.st_size > _LARGE:
        disk_cache.remember(mark, b"")
    return sound


def place_blob(blob: Path, place: Path) -> None:
    """Make `place`, in a snapshot, lead to a blob; where links cannot be made, the blob goes there. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        files.point_link(place, os.path.relpath(blob, place.parent))
    except OSError:  # Windows, without the right to make links
        os.replace(blob, place)
