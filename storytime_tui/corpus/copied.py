"""How much of a text is copied word for word from some stories, and where: an exact index over words.

The index is a suffix array over the stories' words, made by prefix doubling (Manber and Myers 1990), with the rank
of every suffix beside it. A lookup doubles too: the slots of a passage's stretches of 2, 4, 8, ... words follow
from those of half the length, for all positions at once, by binary search over ranks. A passage of n words and an
index of N words take O(n log n log N) steps, whatever the text.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from storytime_tui import disk_cache, files
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.suffixes import suffix_array
from storytime_tui.corpus.words import WORD, Hashes, word_hash, word_hashes
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Progress

_FORMAT = 2  # of a shard's array; part of its key
_ARRAY = "index.npy"
_SHARD = 4_000_000  # words in a shard: about 250 MB of memory to build, 33 MB on disk
_HEADER = 8  # numbers before a shard's arrays
_CHECKS = 64  # slots checked when a file is opened; each reads two pages of the disk
_EARLIEST = 1000  # occurrences compared to find an early one

Numbers = npt.NDArray[np.integer[Any]]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """A run of words copied from a story: characters `start` to `end` of the text, `words` words.

    `story`: the index of the story. `word`: the index of the run's first word in that story (see `place`). If the
    story repeats the run, an early occurrence is given.
    """

    start: int
    end: int
    words: int
    story: int
    word: int


@dataclass(frozen=True)
class Index:
    """An index of stories. It is immutable, so threads may share it."""

    shards: tuple["_Shard", ...]

    def stretches(self, text: str, shortest: int = 8) -> tuple[Stretch, ...]:
        """The copied stretches of at least `shortest` words, in the order of the text.

        Each is as long as possible, and none lies inside another; two may overlap. Only words are compared, not
        case, punctuation or space. No stretch spans two stories.
        """
        return self._stretches(list(WORD.finditer(text)), max(1, shortest))

    def longest(self, text: str) -> Stretch | None:
        """The longest copied stretch, the first if there are several; None if the stories have no word of the text."""
        return max(self.stretches(text, 1), key=lambda stretch: stretch.words, default=None)

    def share(self, text: str, shortest: int = 8) -> float:
        """The share of the text's words, 0 to 1, inside copied stretches."""
        words = list(WORD.finditer(text))
        number = {word.start(): index for index, word in enumerate(words)}
        copied = reached = 0
        for stretch in self._stretches(words, max(1, shortest)):
            first = number[stretch.start]
            copied += first + stretch.words - max(first, reached)
            reached = first + stretch.words
        return copied / len(words) if words else 0.0

    def _stretches(self, words: Sequence[Any], shortest: int) -> tuple[Stretch, ...]:
        if len(words) < shortest:
            return ()
        hashes = np.fromiter((word_hash(word[0]) for word in words), np.uint64, len(words))
        lengths = np.zeros(len(words), np.int64)
        matches = np.zeros((3, len(words)), np.int64)  # of the longest match: shard, first slot, end of slots
        for number, shard in enumerate(self.shards):
            length_here, low, high = shard.longest_matches(hashes, shortest)
            better = length_here > lengths
            lengths[better] = length_here[better]
            matches[:, better] = np.stack([np.full(len(words), number), low, high])[:, better]
        ends = np.arange(len(words)) + lengths
        inside = np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]) >= ends
        chosen = np.flatnonzero((lengths >= shortest) & ~inside)
        stretches = []
        for first, length, (number, low, high) in zip(
            chosen.tolist(), lengths[chosen].tolist(), matches[:, chosen].T.tolist(), strict=True
        ):
            story, word = self.shards[number].earliest(low, high)
            span = words[first].start(), words[first + length - 1].end()
            stretches.append(Stretch(*span, length, story, word))
        return tuple(stretches)


def place(text: str, word: int, words: int) -> tuple[int, int]:
    """Start and end, in characters, of `words` words of a story's text, from word number `word` on."""
    spans = [match.span() for match in islice(WORD.finditer(text), word, word + words)]
    return (spans[0][0], spans[-1][1]) if spans else (len(text), len(text))


def open_index(stories: Sequence[Story], cache_folder: Path, on_progress: Progress | None = None) -> Index:
    """The index of the stories, built on the first call and loaded from `cache_folder` afterwards.

    The index is split into shards, one folder each; only shards whose stories changed are rebuilt. Memory holds one
    shard and one story at a time. While building, `on_progress` gets the bytes indexed and their total; an
    exception from it stops the work, and complete shards stay. Raises CorpusError if a story's text is gone or the
    cache cannot be written.
    """
    cuts = list(_cuts(stories))
    places = [cache_folder / _name(stories[start:end]) for start, end in cuts]
    readers = [partial(_open, first_story=start) for start, _ in cuts]
    opened = [disk_cache.find(place, read) for place, read in zip(places, readers, strict=True)]
    sizes = [
        sum(story.facts.bytes for story in stories[start:end]) if shard is None else 0
        for (start, end), shard in zip(cuts, opened, strict=True)
    ]
    shards: list[_Shard] = []
    for number, ((start, end), shard) in enumerate(zip(cuts, opened, strict=True)):
        report = _part_progress(on_progress, sum(sizes[:number]), sizes[number], sum(sizes))
        shards.append(shard or _make(stories[start:end], places[number], readers[number], report))
    return Index(tuple(shards))


def _cuts(stories: Sequence[Story]) -> Iterator[tuple[int, int]]:
    """Ranges of stories, one for each shard. A shard holds whole stories; a story above the limit has its own."""
    start, words = 0, 0
    for number, story in enumerate(stories):
        if words and words + story.facts.words > _SHARD:
            yield start, number
            start, words = number, 0
        words += story.facts.words
    if start < len(stories):
        yield start, len(stories)


def _name(stories: Sequence[Story]) -> str:
    """The folder name of a shard: a hash of everything its content depends on."""
    digest = hashlib.sha256(f"{_FORMAT}".encode())
    for story in stories:
        digest.update(f" {story.facts.digest}".encode())
    return digest.hexdigest()[:40]


def _part_progress(
    on_progress: Progress | None, before: int, size: int, total: int
) -> Callable[[float], None]:
    """A callback that takes the share of one shard that is done, 0 to 1, and reports it in bytes of all shards."""

    def report(share: float) -> None:
        if on_progress:
            on_progress(before + int(share * size), total)

    return report


# -- making -----------------------------------------------------------------------------------------------


def _make(
    stories: Sequence[Story],
    place: Path,
    read: Callable[[Path], "_Shard | None"],
    report: Callable[[float], None],
) -> "_Shard":
    def build(folder: Path) -> None:
        np.save(folder / _ARRAY, _indexed(stories, report), allow_pickle=False)

    try:
        shard = disk_cache.find_or_build(place, read, build)
    except OSError as error:
        raise CorpusError(files.explain(error, "keeping the index of the stories' words")) from error
    report(1.0)
    return shard


def _indexed(stories: Sequence[Story], report: Callable[[float], None]) -> npt.NDArray[np.uint32]:
    """Build a shard as one array: the header, then the arrays of `_Shard` in order."""
    parts: list[Hashes] = [np.empty(0, np.uint64)]
    for number, story in enumerate(stories):
        parts.append(word_hashes(story.text))
        report(0.3 * (number + 1) / len(stories))
    lengths = np.array([len(part) for part in parts[1:]], np.int64)
    hashes = np.concatenate(parts)
    parts.clear()
    vocabulary, numbers = np.unique(hashes, return_inverse=True)
    del hashes  # keeps the peak memory of a shard low
    stream, starts = _stream(numbers, lengths)
    del numbers
    first = np.cumsum(np.bincount(stream, minlength=len(stories) + len(vocabulary)))
    first = np.concatenate([[0], first])[len(stories) :]
    suffixes, ranks = suffix_array(stream, lambda sorted_share: report(0.3 + 0.65 * sorted_share))
    header = np.zeros(_HEADER, np.uint32)
    header[:4] = _FORMAT, len(vocabulary), len(stories), len(stream)
    short = (header, vocabulary.view(np.uint32), first.astype(np.uint32), starts.astype(np.uint32))
    return np.concatenate([*short, suffixes.view(np.uint32), ranks.view(np.uint32)])


def _stream(numbers: Places, lengths: Places) -> tuple[npt.NDArray[np.int32], Places]:
    """The stories' words in one stream, each story followed by a separator of its own; and where each story begins.

    Separators differ, so no match spans the end of a story.
    """
    starts = np.cumsum(lengths + 1) - lengths - 1
    stream = np.empty(len(numbers) + len(lengths), np.int32)
    is_word = np.ones(len(stream), np.bool_)
    is_word[starts + lengths] = False
    stream[is_word] = numbers + len(lengths)
    stream[~is_word] = np.arange(len(lengths))
    return stream, starts


# -- opening and asking -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shard:
    """The index of some stories, memory-mapped. The words and separators of its stories form one stream of numbers."""

    first_story: int  # the index, among all stories, of its first one
    vocabulary: Hashes  # of its distinct words, sorted
    first: Numbers  # for each word the slot of the first suffix that begins with it; then the number of slots
    starts: Numbers  # where each story begins in the stream
    suffixes: Numbers  # slot -> position in the stream, sorted by the suffix that begins there
    ranks: Numbers  # position in the stream -> slot

    def longest_matches(self, hashes: Hashes, shortest: int) -> tuple[Places, Places, Places]:
        """The longest match from each word of a passage on: its length in words, first slot, end of slots.

        All three are 0 if the length is below `shortest`.
        """
        levels = [self._single_words(hashes)]
        enough = shortest.bit_length() - 1
        while levels[-1][1].any():
            levels.append(self._doubled(*levels[-1], 1 << (len(levels) - 1)))
        levels.pop()
        length, low, high = np.zeros((3, len(hashes)), np.int64)
        if len(levels) > enough:
            positions = np.flatnonzero(levels[enough][1])
            results = self._longest(levels, positions)
            keep = results[0] >= shortest
            length[positions[keep]], low[positions[keep]], high[positions[keep]] = (
                each[keep] for each in results
            )
        return length, low, high

    def earliest(self, low: int, high: int) -> tuple[int, int]:
        """The story (among all) and its word at an early occurrence among the slots `low` to `high`."""
        where = int(self.suffixes[low : min(high, low + _EARLIEST)].min())
        story = int(np.searchsorted(self.starts, where, "right")) - 1
        return self.first_story + story, where - int(self.starts[story])

    def _single_words(self, hashes: Hashes) -> tuple[Places, Places]:
        """The slots, first and end, of suffixes that begin with each word; 0 and 0 for an unknown word."""
        if not len(self.vocabulary):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.int64)
        number = np.searchsorted(self.vocabulary, hashes)
        is_known = self.vocabulary.take(number, mode="clip") == hashes
        low = np.where(is_known, self.first.take(number, mode="clip"), 0)
        high = np.where(is_known, self.first.take(number + 1, mode="clip"), 0)
        return low.astype(np.int64), high.astype(np.int64)

    def _doubled(self, low: Places, high: Places, half: int) -> tuple[Places, Places]:
        """The slots of suffixes that begin with `2 * half` words of the passage, given those for `half` words."""
        longer = np.zeros((2, len(low)), np.int64)
        there = high > low
        at = np.flatnonzero(there[:-half] & there[half:]) if half < len(low) else np.empty(0, np.int64)
        longer[:, at] = self._narrowed(low[at], high[at], half, low[at + half], high[at + half])
        longer[:, longer[0] >= longer[1]] = 0
        return longer[0], longer[1]

    def _longest(
        self, levels: Sequence[tuple[Places, Places]], positions: Places
    ) -> tuple[Places, Places, Places]:
        """The longest match from each position on, longest step first: length, first slot, end of slots."""
        length, low, high = np.zeros((3, len(positions)), np.int64)
        for level in range(len(levels) - 1, -1, -1):
            next_low, next_high = levels[level]
            at = positions + length
            can_grow = (at < len(next_low)) & (next_high.take(at, mode="clip") > 0)
            fresh = np.flatnonzero(can_grow & (length == 0))
            low[fresh], high[fresh] = next_low[at[fresh]], next_high[at[fresh]]
            length[fresh] = 1 << level
            grown = np.flatnonzero(can_grow & (at > positions))
            left, right = self._narrowed(
                low[grown], high[grown], length[grown], next_low[at[grown]], next_high[at[grown]]
            )
            longer = left < right
            grown = grown[longer]
            low[grown], high[grown] = left[longer], right[longer]
            length[grown] += 1 << level
        return length, low, high

    def _narrowed(
        self, low: Places, high: Places, depth: int | Places, least: Places, end: Places
    ) -> tuple[Places, Places]:
        """The slots among `low` to `high` whose suffix, `depth` words on, has a rank from `least` up to `end`.

        Slots that share their first `depth` words are sorted by what follows, so this is a binary search, done for
        all words at once.
        """
        at = np.concatenate([low, low]) - 1
        target, last = np.concatenate([least, end]), np.concatenate([high, high])
        depth = np.broadcast_to(np.asarray(depth, np.int64), low.shape)
        depth = np.concatenate([depth, depth])
        for bit in range(int((high - low).max(initial=0)).bit_length() - 1, -1, -1):
            probe = at + (1 << bit)
            rank = self.ranks.take(self.suffixes.take(probe, mode="clip") + depth, mode="clip")
            at = np.where((probe < last) & (rank < target), probe, at)
        return at[: len(low)] + 1, at[len(low) :] + 1


def _open(folder: Path, first_story: int) -> _Shard | None:
    """A shard; None if there is no file or it is not as we wrote it (truncated, for example)."""
    path = folder / _ARRAY
    try:
        if not _is_sound(_map(path, first_story)):
            return None
        return _map(path, first_story)  # mapped again: pages read for the check count as memory
    except (OSError, ValueError, EOFError):
        return None


def _map(path: Path, first_story: int) -> _Shard:
    """Map the file's arrays. Raises ValueError, EOFError or OSError if its length does not fit its header."""
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.memmap) or mapped.dtype != np.uint32 or mapped.ndim != 1:
        raise ValueError(path)
    whole = np.asarray(mapped)  # slicing a memmap is slow
    version, vocabulary, stories, count = (int(number) for number in whole[:4])
    parts = np.cumsum([_HEADER, 2 * vocabulary, vocabulary + 1, stories, count, count])
    if version != _FORMAT or parts[-1] != len(whole) or path.stat().st_size != mapped.offset + mapped.nbytes:
        raise ValueError(path)
    hashes, first, starts, suffixes, ranks = (whole[start:end] for start, end in pairwise(parts))
    return _Shard(first_story, hashes.view(np.uint64), first, starts, suffixes, ranks)


def _is_sound(shard: _Shard) -> bool:
    """Whether the short arrays are sorted, and `suffixes` and `ranks` agree at a few slots."""
    count = len(shard.suffixes)
    slots = np.linspace(0, max(0, count - 1), min(count, _CHECKS), dtype=np.int64)
    places = shard.suffixes[slots]
    return bool(
        (shard.vocabulary[1:] > shard.vocabulary[:-1]).all()
        and (shard.first[1:] > shard.first[:-1]).all()
        and (shard.starts[1:] > shard.starts[:-1]).all()
        and shard.first[-1] == count
        and (places < count).all()
        and (shard.ranks[places] == slots).all()
    )
