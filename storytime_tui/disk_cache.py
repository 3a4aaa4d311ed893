"""What is built once and kept: folders and small files in a cache. Knows no torch.

A folder is built under another name and renamed into place, so that others, and the next start after a kill, see all of
it or nothing. What was not used for ninety days is deleted when something new is kept beside it.
"""

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from storytime_tui import files

_KEPT_DAYS = 90
_PATIENCE = 10.0  # seconds; what is done under the lock takes milliseconds

_Found = TypeVar("_Found")


def find(place: Path, read: Callable[[Path], _Found | None]) -> _Found | None:
    """What `read` gives for `place`: None where it is missing or damaged. What is found counts as used today."""
    found = read(place)
    if found is not None:
        with contextlib.suppress(OSError):
            os.utime(place)
    return found


def find_or_build(
    place: Path, read: Callable[[Path], _Found | None], build: Callable[[Path], None]
) -> _Found:
    """What `read` gives for the folder `place`; where that is None, `build` fills an empty folder that becomes `place`.

    What `build` raises leaves nothing behind. Raises OSError where the folder cannot be kept or read back.
    """
    found = find(place, read)
    if found is not None:
        return found
    files.forget_unused(place.parent, _KEPT_DAYS)
    try:
        _make_room(place, read)
        with files.folder_written_atomically(place) as part:
            build(part)
    except OSError:
        found = find(place, read)
        if found is None:  # no other program was first
            raise
        return found
    found = find(place, read)
    if found is None:
        raise OSError(errno.EIO, "what was written cannot be read back (check the disk)", str(place))
    return found


def _make_room(place: Path, read: Callable[[Path], _Found | None]) -> None:
    """Move a damaged folder away. A valid one stays: another program may have just made it and be reading from it."""
    if not os.path.lexists(place):
        return
    busy = OSError(errno.EBUSY, "another program is changing the cache", str(place))
    with files.locked(place.parent.with_suffix(".lock"), busy, patience=_PATIENCE):
        if read(place) is None:
            with (
                files.unfinished_folder(place.parent, place.name) as aside,
                contextlib.suppress(FileNotFoundError),
            ):
                os.rename(place, aside / place.name)  # in one step, so that no reader sees half of it


def remember(file: Path, data: bytes) -> None:
    """Keep a small file, for `find`. Where it cannot be written, it is not kept."""
    with contextlib.suppress(OSError):
        files.forget_unused(file.parent, _KEPT_DAYS)
        files.write_atomically(file, data)
