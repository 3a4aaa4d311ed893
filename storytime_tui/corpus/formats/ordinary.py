"""Opening untrusted files: regular files only, read in pieces up to a limit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storytime_tui.errors import CorpusError
from storytime_tui.stopping import check_stop

_PIECE = 1 << 20  # bytes


def open_ordinary(path: Path, name: str) -> BinaryIO:
    """Open a regular file. Raises CorpusError for a folder, pipe, device or socket; OSError.

    The type is checked before opening (opening a device can have effects) and after (the file may have been
    replaced). Opening never waits for a pipe's writer.
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
    except ValueError:  # the path contains a NUL
        raise CorpusError(f"{name} is not a path: check it.") from None
    file = os.fdopen(handle, "rb")
    try:
        _check(os.fstat(handle), name)
    except BaseException:
        file.close()
        raise
    return file


def pieces_of(file: BinaryIO, largest: int, too_large: CorpusError) -> Iterator[bytes]:
    """A file's content in pieces. Raises `too_large` after `largest` bytes.

    The size that a file reports is no limit: files in /proc may report 0 and never end, others grow meanwhile.
    """
    count = 0
    while piece := file.read(_PIECE):  # None (nothing available yet) ends the file too
        check_stop()
        count += len(piece)
        if count > largest:
            raise too_large
        yield piece


def _check(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise CorpusError(f"{name} is a folder, not a file: name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise CorpusError(f"{name} is not an ordinary file: copy its text into a .txt file and add that.")
