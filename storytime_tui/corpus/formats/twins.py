"""Finding files that differ in their suffix only and contain the same text, so that one of them is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.cleaning.gutenberg_marks import strip_gutenberg
from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats.registry import LARGEST_MARKED, SUFFIXES, format_of
from storytime_tui.corpus.words import word_hashes
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable
from storytime_tui.terminal import printable_path

_LARGEST = LARGEST_MARKED  # bytes; larger files are not compared, and both stay
_SAME = 0.9  # files are the same if the longer one has this share of the shorter one's word pairs
_MORE = 1.1  # the plainer file is kept if it has this many times as many words
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

_Pairs = npt.NDArray[np.uint64]


def without_twins(
    paths: Sequence[Path], shown: Callable[[Path], str] = printable_path
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The files without duplicates of the same name, and a sentence for each file left out.

    Of two with the same text, the one in the richer format stays, or else the longer one. A file that cannot be read
    is never a duplicate. `shown`: how to name a file in the sentences.
    """
    by_name: dict[tuple[Path, str], list[Path]] = {}
    for path in paths:
        if format_of(path):
            by_name.setdefault((path.parent, stem_of(path)), []).append(path)
    replaced_by: dict[Path, Path] = {}
    for same_name in stoppable(by_name.values()):
        kept: list[Path] = []
        for path in sorted(same_name, key=_fullness) if len(same_name) > 1 else ():
            twin, better = next(((one, of) for one in kept if (of := _better(one, path))), (None, None))
            if twin is None or better is None:
                kept.append(path)
            elif better == twin:
                replaced_by[path] = twin
            else:
                replaced_by[twin] = path
                kept[kept.index(twin)] = path
    notes = tuple(
        f"{shown(path)} is left out: {printable_path(replaced_by[path].name)} beside it is the same text."
        for path in paths
        if path in replaced_by
    )
    return tuple(path for path in paths if path not in replaced_by), notes


def _fullness(path: Path) -> tuple[int, int]:
    """The sort key of a format, richest first: chapters, then headings, then plain text."""
    file_format = format_of(path)
    return -(file_format.richness if file_format else 0), -SUFFIXES.index(ending_of(path))


def _better(fuller: Path, other: Path) -> Path | None:
    """Which of two files to keep if one's text is in the other; None if each has text of its own."""
    one, two = _pairs(fuller), _pairs(other)
    if one is None or two is None:
        return None
    shorter, longer = sorted((one, two), key=len)
    if np.isin(shorter, longer).sum() < _SAME * len(shorter):
        return None
    return other if len(two) > _MORE * len(one) else fuller


def _pairs(path: Path) -> _Pairs | None:
    """Hashes of a text's pairs of neighbouring words; None if the file cannot be compared."""
    try:
        about = path.stat()
        if about.st_size > _LARGEST:
            return None
        return _pairs_of(path, about.st_size, about.st_mtime_ns)
    except (OSError, ValueError, MemoryError, CorpusError):
        return None


@lru_cache(maxsize=64)  # a folder is read same_name times; size and time identify an unchanged file
def _pairs_of(path: Path, _size: int, _time: int) -> _Pairs | None:
    words = word_hashes(strip_gutenberg(_text(path).replace("\r\n", "\n")))
    return words[:-1] * _FACTOR + words[1:] if len(words) > 1 else None


def _text(path: Path) -> str:
    """A file's text, read according to its suffix. Raises CorpusError, OSError."""
    file_format = format_of(path)
    assert file_format is not None
    return file_format.read(path, printable_path(path)).text
