"""Many stories as columns of numbers and names. Of more than 20,000, each `Story` is made when it is asked for.

A story as an object takes about a kilobyte, here it takes about 150 bytes: a shelf of ten gigabytes has some 800,000.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.collection import Extract, Facts, Story
from storytime_tui.corpus.document import Chapter, Tale
from storytime_tui.corpus.lazy import LazySequence

if TYPE_CHECKING:
    from storytime_tui.corpus.collection import Sketch

_COLUMNS = 8  # start and end of the text, its lines' first and last, words, file, start and end of the sketch
_WORDS = 4  # the column of words
_HASH = 16  # bytes of a digest or a fingerprint
_NO_HASH = bytes(_HASH)
_ANY = "surrogatepass"  # a title may hold what is no letter
_FEW = 20_000  # stories, about 20 MB: they are made at once, for screens that ask for them at every key
_AT_ONCE = 4096  # stories of which the numbers are made Python's at once


class Texts(LazySequence[str]):
    """Short texts as one: `data` in UTF-8, and where each ends in it, in bytes; the first begins at 0."""

    def __init__(self, data: bytes, ends: npt.NDArray[np.int64]) -> None:
        super().__init__(len(ends), self._text, self._texts)
        self.data, self.ends = data, ends

    def _text(self, at: int) -> str:
        return self.data[int(self.ends[at - 1]) if at else 0 : int(self.ends[at])].decode(errors=_ANY)

    def _texts(self) -> Iterator[str]:
        start = 0
        for first in range(0, len(self.ends), _AT_ONCE):
            for end in self.ends[first : first + _AT_ONCE].tolist():
                yield self.data[start:end].decode(errors=_ANY)
                start = end

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """These texts."""
        data, ends = bytearray(), array("q")
        for text in texts:
            data += text.encode(errors=_ANY)
            ends.append(len(data))
        return cls(bytes(data), np.array(ends, np.int64))


@dataclass(frozen=True)
class Columns:
    """What is known of each story.

    `numbers`: (stories, 8), int64: start and end of its text in bytes, first and last line, words, number of its file,
    start and end of its sketch. `hashes`: digest and fingerprint of each, 16 bytes each. `chapters`: of those with any.
    """

    titles: Sequence[str]
    numbers: npt.NDArray[np.int64]
    hashes: bytes
    files: Sequence[str]
    chapters: Mapping[int, tuple[Chapter, ...]]


class TableBuilder:
    """Collects the stories of a table, in order."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._numbers, self._hashes = array("q"), bytearray()
        self._files: dict[str, int] = {}
        self._chapters: dict[int, tuple[Chapter, ...]] = {}
        self._end = self._sketch_end = 0

    def add(self, tale: Tale, file: str, facts: Facts) -> None:
        """Add a story whose text follows that of the story before, and whose sketch follows that one's."""
        if tale.chapters:
            self._chapters[len(self._titles)] = tale.chapters
        start, self._end = self._end, self._end + facts.bytes
        sketch_start, self._sketch_end = self._sketch_end, self._sketch_end + len(facts.sketch)
        number = self._files.setdefault(file, len(self._files))
        self._numbers.extend(
            (start, self._end, *tale.lines, facts.words, number, sketch_start, self._sketch_end)
        )
        self._hashes += bytes.fromhex(facts.digest) + (bytes.fromhex(facts.fingerprint) or _NO_HASH)
        self._titles.append(tale.title)

    @property
    def bytes(self) -> int:
        """Bytes of all texts."""
        return self._end

    def columns(self) -> Columns:
        """The columns of the stories so far."""
        numbers = np.array(self._numbers, np.int64).reshape(-1, _COLUMNS)
        titles = Texts.of(self._titles)
        return Columns(titles, numbers, bytes(self._hashes), tuple(self._files), dict(self._chapters))


class StoryTable(LazySequence[Story]):
    """Stories whose texts lie in one file. `sketches`: of all stories, one after another, memory-mapped."""

    def __init__(self, columns: Columns, texts: Path, sketches: Sketch) -> None:
        self.columns, self._texts, self._sketches = columns, texts, sketches
        count = len(columns.numbers)
        if count > _FEW:
            super().__init__(count, self._story, self._stories)
        else:
            made = tuple(self._stories())
            super().__init__(count, made.__getitem__, lambda: iter(made))

    def words_at(self, places: Iterable[int]) -> int:
        """The number of words in the stories at these places."""
        return int(self.columns.numbers[np.fromiter(places, np.int64), _WORDS].sum())

    def retitled(self, titles: Iterable[str]) -> StoryTable:
        """The same stories under other titles."""
        return StoryTable(replace(self.columns, titles=Texts.of(titles)), self._texts, self._sketches)

    def _story(self, at: int) -> Story:
        return self._from(at, self.columns.numbers[at].tolist(), self.columns.titles[at])

    def _stories(self) -> Iterator[Story]:
        numbers, titles = self.columns.numbers, iter(self.columns.titles)
        for first in range(0, len(numbers), _AT_ONCE):
            # the titles last: `map` takes one of each, and ends where the first one does
            yield from map(self._from, count(first), numbers[first : first + _AT_ONCE].tolist(), titles)

    def _from(self, at: int, row: Sequence[int], title: str) -> Story:
        columns = self.columns
        start, end, first, last, words, file, sketch_start, sketch_end = row
        hashes = columns.hashes[at * 2 * _HASH : (at + 1) * 2 * _HASH]
        fingerprint = "" if hashes[_HASH:] == _NO_HASH else hashes[_HASH:].hex()
        facts = Facts(
            words,
            end - start,
            hashes[:_HASH].hex(),
            fingerprint,
            self._sketches[sketch_start:sketch_end],
        )
        return Story(
            title,
            Extract(self._texts, start, end),
            columns.files[file],
            columns.chapters.get(at, ()),
            (first, last),
            facts,
        )


def with_titles(stories: Sequence[Story], titles: Iterable[str]) -> Sequence[Story]:
    """The same stories under other titles."""
    if isinstance(stories, StoryTable):
        return stories.retitled(titles)
    return tuple(replace(story, title=title) for story, title in zip(stories, titles, strict=True))


# -- on disk ----------------------------------------------------------------------------------------------


def write_columns(path: Path, columns: Columns) -> None:
    """Write the columns as an `.npz` file, which has a checksum of each. Raises OSError."""
    titles = columns.titles if isinstance(columns.titles, Texts) else Texts.of(columns.titles)
    chapters = [[at, [[c.title, c.start] for c in each]] for at, each in columns.chapters.items()]
    words = json.dumps({"files": list(columns.files), "chapters": chapters}).encode()
    np.savez(
        path,
        numbers=columns.numbers,
        hashes=np.frombuffer(columns.hashes, np.uint8),
        titles=np.frombuffer(titles.data, np.uint8),
        title_ends=titles.ends,
        words=np.frombuffer(words, np.uint8),
        allow_pickle=False,
    )


def read_columns(path: Path, texts: int, sketches: int) -> Columns:
    """The columns that `write_columns` wrote, of texts with so many bytes and sketches with so many hashes.

    Raises an error of some kind where the file is damaged or does not fit.
    """
    with np.load(path, allow_pickle=False) as arrays:
        words = json.loads(arrays["words"].tobytes())
        numbers, hashes, titles = arrays["numbers"], arrays["hashes"], arrays["titles"]
        title_ends = arrays["title_ends"]
    count = len(numbers)
    if (numbers.dtype, numbers.shape) != (np.int64, (count, _COLUMNS)) or hashes.nbytes != count * 2 * _HASH:
        raise ValueError(path)
    if (title_ends.dtype, title_ends.shape) != (np.int64, (count,)):
        raise ValueError(path)
    files = tuple(map(str, words["files"]))
    starts, ends, _, _, _, file_of, sketch_starts, sketch_ends = numbers.T
    for begins, stops, length in (
        (starts, ends, texts),
        (sketch_starts, sketch_ends, sketches),
        (np.append(0, title_ends)[:-1], title_ends, titles.nbytes),
    ):
        if (begins > stops).any() or (stops[-1] if count else 0) != length:
            raise ValueError(path)
    if (numbers < 0).any() or (file_of >= len(files)).any():
        raise ValueError(path)
    chapters = {at: tuple(Chapter(*chapter) for chapter in each) for at, each in words["chapters"]}
    return Columns(Texts(titles.tobytes(), title_ends), numbers, hashes.tobytes(), files, chapters)
