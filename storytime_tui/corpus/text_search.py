"""Finds which stories of a shelf hold the words that are looked for, in their texts.

The texts are folded when they are first searched: that takes about half a second for ten megabytes, and every later
search only compares bytes. The folded texts lie in a temporary file without a name, which the system deletes by itself.
"""

import tempfile
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import BinaryIO

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.errors import CorpusError
from storytime_tui.formatting import folded

_PIECE = 16_384  # characters folded at a time: a longer one would keep the event loop waiting
_BLOCK = 4_000_000  # bytes searched at a time, or one story


@dataclass(frozen=True)
class _Folded:
    """The folded texts of a collection, one after another, each ended by a line end."""

    stories: Sequence[Story]  # what they were made from
    ends: Sequence[int]  # bytes from the first text's start to each one's end
    start: int = 0  # in the temporary file
    data: bytes | None = None  # where it cannot be written


class TextSearch:
    """Searches the stories of a shelf. Its methods block; one thread uses it at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, _Folded] = {}  # by the collections' names
        self._file: BinaryIO | None = None

    def find(
        self, collections: Sequence[Collection], phrases: Sequence[str], stop: threading.Event
    ) -> Mapping[str, tuple[Set[int], ...]]:
        """For each phrase the stories whose text holds it, in any case and with or without accents.

        By the collection's name, with the stories' places in it; a collection that holds none of the phrases is left
        out. A phrase is found within words, too. Once `stop` is set, the rest of the shelf is left out.
        """
        sought = [" ".join(folded(phrase).split()).encode() for phrase in phrases]
        found = {}
        for collection in collections:
            if stop.is_set():
                break
            kept = self._folded(collection)
            holding = tuple(self._holding(kept, sought))
            if any(holding):
                found[collection.name] = holding
        return found

    def _folded(self, collection: Collection) -> _Folded:
        kept = self._kept.get(collection.name)
        if kept is None or not _same_texts(kept.stories, collection.stories):
            kept = self._fold(collection)
            self._kept[collection.name] = kept
        return kept

    def _fold(self, collection: Collection) -> _Folded:
        texts, ends, end = [], array("q"), 0
        for story in collection.stories:
            try:
                text = _in_one_line(story.text)
            except CorpusError:  # the reading pane says so, and has the shelf read again
                text = b""
            texts.append(text)
            end += len(text)
            ends.append(end)
        data = b"".join(texts)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="storytime-")  # noqa: SIM115 - kept open
            start = self._file.seek(0, 2)
            self._file.write(data)
            self._file.flush()
        except OSError:  # the disk is full, or there is none to write to
            return _Folded(collection.stories, ends, data=data)
        return _Folded(collection.stories, ends, start)

    def _holding(self, kept: _Folded, sought: Sequence[bytes]) -> list[set[int]]:
        holding: list[set[int]] = [set() for _ in sought]
        for first, begin, data in self._blocks(kept):
            for phrase, stories in zip(sought, holding, strict=True):
                story, at = first, data.find(phrase)
                while at >= 0 and phrase:
                    story = bisect_right(kept.ends, begin + at, story)
                    stories.add(story)
                    at = data.find(phrase, kept.ends[story] - begin)  # one place in each story is enough
        return holding

    def _blocks(self, kept: _Folded) -> Iterator[tuple[int, int, bytes]]:
        """The number of the first story, its beginning, and the texts of as many stories as make a block."""
        first, begin, ends = 0, 0, kept.ends
        while first < len(ends):
            after = max(first + 1, bisect_right(ends, begin + _BLOCK, first))
            end = ends[after - 1]
            if end > begin:
                yield first, begin, self._read(kept, begin, end)
            first, begin = after, end

    def _read(self, kept: _Folded, begin: int, end: int) -> bytes:
        if kept.data is not None or self._file is None:
            return (kept.data or b"")[begin:end]
        self._file.seek(kept.start + begin)
        return self._file.read(end - begin)


def _same_texts(one: Sequence[Story], other: Sequence[Story]) -> bool:
    return one is other or (
        len(one) == len(other) and all(a.content == b.content for a, b in zip(one, other, strict=True))
    )


def _in_one_line(text: str) -> bytes:
    """A text folded, with single spaces, ended by a line end."""
    pieces: list[str] = []
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE]
        words = folded(piece).split()
        if pieces and (piece[0].isspace() or not words) and pieces[-1] != " ":
            pieces.append(" ")
        if words:
            pieces.append(" ".join(words))
            pieces += [" "] if piece[-1].isspace() else []
    return "".join(pieces).strip().encode("utf-8", "replace") + b"\n"
