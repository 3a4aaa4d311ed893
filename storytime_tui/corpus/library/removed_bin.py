"""Where removed collections lie for thirty days: a hidden folder on the shelf. Whoever changes it holds the lock."""

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.corpus.names import NAMELESS, slug
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_path

_BIN = ".removed"
KEPT_DAYS = 30
_ENTRY = re.compile(
    r"(\d{1,20})-(.+)", re.DOTALL
)  # when it was removed, in nanoseconds, and its folder's name
_LONGEST = 200  # bytes of a name: most systems take 255 in all


def put(folder: Path) -> Path:
    """Move a collection's folder into the bin and say where it lies now. Raises OSError.

    What has lain there for more than thirty days goes.
    """
    bin_folder = folder.parent / _BIN
    files.make_folder(bin_folder)
    _forget_old(bin_folder)
    name, now = _short(folder.name), time.time_ns()
    while os.path.lexists(target := bin_folder / f"{now}-{name}"):  # a clock may stand still
        now += 1
    with contextlib.suppress(OSError):  # somebody else's folder may be moved, and not be touched
        os.utime(folder)
    os.rename(folder, target)
    files.sync_folder(bin_folder)
    files.sync_folder(folder.parent)
    return target


def entries() -> list[tuple[Path, str]]:
    """What lies in the bin, the last removed first: where, and what its folder was called. Raises CorpusError."""
    bin_folder = paths.collections_folder() / _BIN
    try:
        places = list(bin_folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CorpusError(files.explain(error, f"looking into {printable_path(bin_folder)}")) from error
    found = [
        (int(entry[1]), place, _safe(entry[2]))
        for place in places
        if (entry := _ENTRY.fullmatch(place.name)) and os.path.isdir(place)
    ]
    return [(place, name) for _, place, name in sorted(found, key=lambda each: each[:2], reverse=True)]


def _forget_old(bin_folder: Path) -> None:
    """Remove what was put here more than thirty days ago. What cannot be removed stays."""
    long_ago = time.time() - KEPT_DAYS * 86400
    for place in list(bin_folder.iterdir()):
        with contextlib.suppress(OSError):
            entry = _ENTRY.fullmatch(place.name)
            if entry is None or max(int(entry[1]) / 1e9, place.lstat().st_mtime) > long_ago:
                continue
            if place.is_symlink() or not place.is_dir():
                place.unlink()
            else:
                shutil.rmtree(place, ignore_errors=True)


def _short(name: str) -> str:
    while len(os.fsencode(name)) > _LONGEST:
        name = name[:-1]
    return name


def _safe(name: str) -> str:
    """A name that is shown on the shelf: one that begins with a dot would be hidden there."""
    return name if not name.startswith(".") else slug(name) or NAMELESS
