"""Which of the files that differ in their suffix alone hold the same text: one of them is enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.cleaning.gutenberg_marks import strip_gutenberg
from storytime_tui.corpus.formats.table import LARGEST_MARKED, SUFFIXES, format_of
from storytime_tui.corpus.words import word_hashes
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import watched
from storytime_tui.terminal import printable_path

_LARGEST = LARGEST_MARKED  # bytes; larger files are not compared, and both stay
_SAME = 0.9  # of the shorter text's pairs of words stand in the longer one, too
_MORE = 1.1  # times as many words: the longer one has something that the shorter lacks
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

_Pairs = npt.NDArray[np.uint64]


def without_twins(
    paths: Sequence[Path], shown: Callable[[Path], str] = printable_path
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The files without those whose text stands in one of the same name beside them; a sentence for each of these.

    Of two with the same words the one stays whose format says more, else the longer one. What is no text, or
    cannot be read, is no other's twin. `shown`: what a file is called in the sentences.
    """
    named: dict[str, list[Path]] = {}
    for path in paths:
        if format_of(path):
            named.setdefault(os.path.splitext(path)[0], []).append(path)
    instead: dict[Path, Path] = {}
    for several in watched(named.values()):
        kept: list[Path] = []
        for path in sorted(several, key=_fullness) if len(several) > 1 else ():
            twin, better = next(((one, of) for one in kept if (of := _better(one, path))), (None, None))
            if twin is None or better is None:
                kept.append(path)
            elif better == twin:
                instead[path] = twin
            else:
                instead[twin] = path
                kept[kept.index(twin)] = path
    notes = tuple(
        f"{shown(path)} is left out: {printable_path(instead[path].name)} beside it is the same text."
        for path in paths
        if path in instead
    )
    return tuple(path for path in paths if path not in instead), notes


def _fullness(path: Path) -> int:
    """The lower, the more it says of the book: its chapters, then its headings."""
    return -SUFFIXES.index(path.suffix.lower())


def _better(fuller: Path, other: Path) -> Path | None:
    """Which of two files to keep where one's text stands in the other; None where each has its own."""
    one, two = _pairs(fuller), _pairs(other)
    if one is None or two is None:
        return None
    shorter, longer = sorted((one, two), key=len)
    if np.isin(shorter, longer).sum() < _SAME * len(shorter):
        return None
    return other if len(two) > _MORE * len(one) else fuller


def _pairs(path: Path) -> _Pairs | None:
    """Hashes of each two words in a row of a file's text; None for a file that cannot be compared."""
    try:
        about = path.stat()
        if about.st_size > _LARGEST:
            return None
        return _pairs_of(path, about.st_size, about.st_mtime_ns)
    except (OSError, ValueError, MemoryError, CorpusError):
        return None


@lru_cache(maxsize=64)  # a shelf is read more than once; the size and the time tell a file that was changed
def _pairs_of(path: Path, _size: int, _time: int) -> _Pairs | None:
    words = word_hashes(strip_gutenberg(_text(path).replace("\r\n", "\n")))
    return words[:-1] * _FACTOR + words[1:] if len(words) > 1 else None


def _text(path: Path) -> str:
    """A file's text, read by its suffix. Raises CorpusError, OSError."""
    known = format_of(path)
    assert known is not None
    return known.read(path, printable_path(path)).text
