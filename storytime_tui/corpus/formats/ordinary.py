"""Files that somebody names, opened without trust: ordinary ones only, read in pieces, no further than a limit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storytime_tui.errors import CorpusError
from storytime_tui.stopping import look_up

_PIECE = 1 << 20  # bytes


def open_ordinary(path: Path, name: str) -> BinaryIO:
    """Open an ordinary file. Raises CorpusError for a folder, a pipe, a device or a socket; OSError.

    It is asked what it is before it is opened (opening a device can do something) and after (it may be another
    one by then); nothing here waits for somebody to write into a pipe.
    """
    try:
        _check(os.stat(path), name)
        handle = os.open(
            path,
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_CLOEXEC", 0)
            | getattr(os, "O_BINARY", 0),
        )
    except ValueError:  # a NUL in the path itself
        raise CorpusError(f"{name} is not a path: check it.") from None
    file = os.fdopen(handle, "rb")
    try:
        _check(os.fstat(handle), name)
    except BaseException:
        file.close()
        raise
    return file


def pieces_of(file: BinaryIO, largest: int, too_large: CorpusError) -> Iterator[bytes]:
    """What is in a file, piece by piece, counted as it comes. Raises `too_large` after `largest` bytes.

    What a file says of its size is no bound: some of /proc say 0 and never end, others grow meanwhile.
    """
    count = 0
    while piece := file.read(_PIECE):  # None, where there is nothing yet: then nothing will come, for us
        look_up()
        count += len(piece)
        if count > largest:
            raise too_large
        yield piece


def _check(about: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise CorpusError(f"{name} is a folder, not a file: name a file in it.")
    if not stat.S_ISREG(about.st_mode):
        raise CorpusError(f"{name} is not an ordinary file: copy its text into a .txt file and add that.")
