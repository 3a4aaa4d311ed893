"""The bin: what is removed from a folder stays in `.removed` in it for thirty days. Knows no torch.

.removed/<time>-<name>   <time>: when it was removed, in nanoseconds since 1970

Removed runs used to be called `<name>-<time>`, with a time such as 20260131T235959000000Z: those are read as well.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import StorytimeError

KEPT_DAYS = 30

_BIN = ".removed"
_ENTRY = re.compile(r"(\d{1,20})-(.+)", re.DOTALL)
_OLD_ENTRY = re.compile(r"(?!\d{19}-)(.+)-(\d{8}T\d{12}Z)", re.DOTALL)
_OLD_TIME = "%Y%m%dT%H%M%S%fZ"
_LONGEST = 200  # bytes of a name: most systems take 255 in all
_DAY = 86_400  # seconds


@dataclass(frozen=True)
class Item:
    """A folder in the bin: what it was called, where it is now, and until when it is kept there."""

    name: str
    folder: Path
    until: datetime


def put_away(folder: Path) -> Item:
    """Move a folder into the bin beside it. Raises OSError."""
    place = folder.parent / _BIN
    files.make_folder(place)
    name, now = folder.name, time.time_ns()
    while len(os.fsencode(name)) > _LONGEST:
        name = name[:-1]
    while os.path.lexists(target := place / f"{now}-{name}"):  # the clock may stand still
        now += 1
    os.rename(folder, target)
    files.sync_folder(place)
    files.sync_folder(folder.parent)
    return Item(name, target, _until(now))


def items(parent: Path) -> list[Item]:
    """The folders in the bin of `parent`, the last removed first. Raises OSError."""
    found = [item for item in _entries(parent) if os.path.isdir(item.folder) or os.path.islink(item.folder)]
    return sorted(found, key=lambda item: (item.until, item.folder.name), reverse=True)


def _entries(parent: Path) -> list[Item]:
    """Everything in the bin whose name is one of ours. Raises OSError."""
    try:
        names = os.listdir(parent / _BIN)
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        if parent.is_dir():  # only the bin is not one of ours
            return []
        raise
    return [item for name in names if (item := _item(parent / _BIN / name))]


def _item(place: Path) -> Item | None:
    with contextlib.suppress(ValueError, OverflowError):  # a thirteenth month, the year 10000
        if old := _OLD_ENTRY.fullmatch(place.name):
            removed = datetime.strptime(old[2], _OLD_TIME).replace(tzinfo=UTC)
            return Item(old[1], place, removed + timedelta(days=KEPT_DAYS))
        if entry := _ENTRY.fullmatch(place.name):
            return Item(entry[2], place, _until(int(entry[1])))
    return None


def _until(removed: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(days=KEPT_DAYS, microseconds=removed // 1000)


def bring_back(place: Path, target: Path) -> None:
    """Move a folder out of the bin. Raises OSError: FileNotFoundError where it has gone, or for what is in its way.

    An empty folder in the place of `target` is no obstacle, except on Windows.
    """
    os.rename(place, target)
    files.sync_folder(target.parent)


def empty(parent: Path, held: Callable[[Path], AbstractContextManager[object]] = nullcontext) -> None:
    """Delete what was put in the bin of `parent`, and last changed, more than thirty days ago.

    `held`: keeps others from using a folder while it is deleted; may raise StorytimeError. What is in use or cannot be
    deleted stays until the next time.
    """
    now = time.time()
    _delete(
        parent,
        held,
        lambda item: max(item.until.timestamp(), item.folder.lstat().st_mtime + KEPT_DAYS * _DAY) <= now,
    )


def delete_all(parent: Path, held: Callable[[Path], AbstractContextManager[object]] = nullcontext) -> None:
    """Delete everything in the bin of `parent` now. What is in use or cannot be deleted stays, as for `empty`."""
    _delete(parent, held, lambda item: True)


def _delete(
    parent: Path, held: Callable[[Path], AbstractContextManager[object]], due: Callable[[Item], bool]
) -> None:
    with contextlib.suppress(OSError):
        for item in _entries(parent):
            with contextlib.suppress(OSError, StorytimeError):
                if due(item):
                    with held(item.folder):
                        files.delete(item.folder)
