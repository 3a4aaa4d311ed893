"""How much of a text stands word for word in a collection, and where: an exact index over words.

The index of some stories is a suffix array over their words, made by prefix doubling (Manber and Myers 1990),
with the rank of every suffix beside it. A passage is looked up the way the array was made: the places of its
stretches of 2, 4, 8, ... words follow from those of half the length, all positions at once, by binary search
over ranks. So the longest stretches cost no more to find than short ones, and no text is a bad one: n words
asked of N take O(n log n log N) steps, whatever they are.
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
_SHARD = 4_000_000  # words indexed at once: some 250 MB of memory to make, 33 MB on the disk
_HEADER = 8  # numbers in front of a shard's arrays
_LOOKS = 64  # places at which a file is looked at when it is opened; each costs two pages of the disk
_EARLIEST = 1000  # places looked at for the earliest, where a stretch stands in many

Numbers = npt.NDArray[np.integer[Any]]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """Words of a text that stand in a story too: characters `start` to `end` of the text, `words` of them.

    `story`: which of the stories given; `word`: which of its words the stretch begins at there (see `place`).
    Where they stand more than once it is an early place.
    """

    start: int
    end: int
    words: int
    story: int
    word: int


@dataclass(frozen=True)
class Index:
    """Stories to look passages up in. It never changes: any number of threads may ask it at once."""

    shards: tuple["_Shard", ...]

    def stretches(self, text: str, shortest: int = 8) -> tuple[Stretch, ...]:
        """The stretches of at least `shortest` words that stand in one of the stories, in the text's order.

        Each is as long as it can be and none lies inside another; two may overlap. Words are compared, not
        what stands between them, nor capitals; no stretch goes on from one story to the next.
        """
        return self._stretches(list(WORD.finditer(text)), max(1, shortest))

    def longest(self, text: str) -> Stretch | None:
        """The longest stretch, the first of several; None where no word of the text is known."""
        return max(self.stretches(text, 1), key=lambda stretch: stretch.words, default=None)

    def share(self, text: str, shortest: int = 8) -> float:
        """The share of the text's words, 0 to 1, that stand in copied stretches."""
        words = list(WORD.finditer(text))
        number = {word.start(): place for place, word in enumerate(words)}
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
        found = np.zeros((3, len(words)), np.int64)  # of each longest match: shard, first slot, end of slots
        for number, shard in enumerate(self.shards):
            ours, low, high = shard.longest_matches(hashes, shortest)
            better = ours > lengths
            lengths[better] = ours[better]
            found[:, better] = np.stack([np.full(len(words), number), low, high])[:, better]
        ends = np.arange(len(words)) + lengths
        inside = np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]) >= ends
        chosen = np.flatnonzero((lengths >= shortest) & ~inside)
        stretches = []
        for first, length, (number, low, high) in zip(
            chosen.tolist(), lengths[chosen].tolist(), found[:, chosen].T.tolist(), strict=True
        ):
            story, word = self.shards[number].earliest(low, high)
            span = words[first].start(), words[first + length - 1].end()
            stretches.append(Stretch(*span, length, story, word))
        return tuple(stretches)


def place(text: str, word: int, words: int) -> tuple[int, int]:
    """The characters, start and end, at which `words` words of a story's text stand, from word `word` on."""
    spans = [found.span() for found in islice(WORD.finditer(text), word, word + words)]
    return (spans[0][0], spans[-1][1]) if spans else (len(text), len(text))


def open_index(stories: Sequence[Story], cache_folder: Path, on_progress: Progress | None = None) -> Index:
    """The index of the stories, made at the first call and found in `cache_folder` at every later one.

    Many stories make several shards; only those are made anew whose stories have changed. Never holds more than
    one of them and the story in hand in memory. `on_progress` gets the bytes indexed and their total, while
    making only; what it raises ends the work, and finished shards stay. Raises CorpusError when a story's text
    has gone or the cache cannot be written.
    """
    cuts = list(_cuts(stories))
    places = [cache_folder / _name(stories[start:end]) for start, end in cuts]
    readers = [partial(_open, first_story=start) for start, _ in cuts]
    found = [disk_cache.find(place, read) for place, read in zip(places, readers, strict=True)]
    sizes = [
        sum(story.facts.bytes for story in stories[start:end]) if shard is None else 0
        for (start, end), shard in zip(cuts, found, strict=True)
    ]
    shards: list[_Shard] = []
    for number, ((start, end), shard) in enumerate(zip(cuts, found, strict=True)):
        tell = _teller(on_progress, sum(sizes[:number]), sizes[number], sum(sizes))
        shards.append(shard or _make(stories[start:end], places[number], readers[number], tell))
    return Index(tuple(shards))


def _cuts(stories: Sequence[Story]) -> Iterator[tuple[int, int]]:
    """Where the stories are cut into shards; a shard holds whole stories, and one too big is alone."""
    start, words = 0, 0
    for number, story in enumerate(stories):
        if words and words + story.facts.words > _SHARD:
            yield start, number
            start, words = number, 0
        words += story.facts.words
    if start < len(stories):
        yield start, len(stories)


def _name(stories: Sequence[Story]) -> str:
    """What a shard depends on, as the name of its folder."""
    digest = hashlib.sha256(f"{_FORMAT}".encode())
    for story in stories:
        digest.update(f" {story.facts.digest}".encode())
    return digest.hexdigest()[:40]


def _teller(on_progress: Progress | None, before: int, size: int, total: int) -> Callable[[float], None]:
    """Report how much of one shard is done, 0 to 1, as bytes of all."""

    def tell(part: float) -> None:
        if on_progress:
            on_progress(before + int(part * size), total)

    return tell


# -- making -----------------------------------------------------------------------------------------------


def _make(
    stories: Sequence[Story],
    place: Path,
    read: Callable[[Path], "_Shard | None"],
    tell: Callable[[float], None],
) -> "_Shard":
    def build(folder: Path) -> None:
        np.save(folder / _ARRAY, _indexed(stories, tell), allow_pickle=False)

    try:
        shard = disk_cache.find_or_build(place, read, build)
    except OSError as error:
        raise CorpusError(files.explain(error, "keeping the index of the stories' words")) from error
    tell(1.0)
    return shard


def _indexed(stories: Sequence[Story], tell: Callable[[float], None]) -> npt.NDArray[np.uint32]:
    """One shard as one array: the header's numbers, then the arrays of `_Shard` in their order."""
    parts: list[Hashes] = [np.empty(0, np.uint64)]
    for number, story in enumerate(stories):
        parts.append(word_hashes(story.text))
        tell(0.3 * (number + 1) / len(stories))
    lengths = np.array([len(part) for part in parts[1:]], np.int64)
    hashes = np.concatenate(parts)
    parts.clear()
    known, numbers = np.unique(hashes, return_inverse=True)
    del hashes  # what is let go here bounds the memory a shard takes
    stream, starts = _stream(numbers, lengths)
    del numbers
    first = np.cumsum(np.bincount(stream, minlength=len(stories) + len(known)))
    first = np.concatenate([[0], first])[len(stories) :]
    suffixes, ranks = suffix_array(stream, lambda settled: tell(0.3 + 0.65 * settled))
    header = np.zeros(_HEADER, np.uint32)
    header[:4] = _FORMAT, len(known), len(stories), len(stream)
    short = (header, known.view(np.uint32), first.astype(np.uint32), starts.astype(np.uint32))
    return np.concatenate([*short, suffixes.view(np.uint32), ranks.view(np.uint32)])


def _stream(numbers: Places, lengths: Places) -> tuple[npt.NDArray[np.int32], Places]:
    """The stories' words one after the other, each story followed by a number of its own; where each begins.

    No two stories end alike, so no stretch of words matches over an end.
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
    """Some stories' index, memory-mapped. Words and stories' ends stand in one stream of numbers."""

    first_story: int  # which of all stories its first is
    known: Hashes  # of its distinct words, sorted
    first: Numbers  # the slot of the first suffix that begins with each word, and an end
    starts: Numbers  # where in the stream each story begins
    suffixes: Numbers  # slot -> place in the stream, in the order of what stands from there on
    ranks: Numbers  # place in the stream -> slot

    def longest_matches(self, hashes: Hashes, shortest: int) -> tuple[Places, Places, Places]:
        """For each word of a passage, how many words from it on stand here: length, first slot, end of slots.

        All zero where fewer than `shortest` do.
        """
        levels = [self._single_words(hashes)]
        enough = shortest.bit_length() - 1
        while levels[-1][1].any():
            levels.append(self._doubled(*levels[-1], 1 << (len(levels) - 1)))
        levels.pop()
        length, low, high = np.zeros((3, len(hashes)), np.int64)
        if len(levels) > enough:
            asked = np.flatnonzero(levels[enough][1])
            results = self._reach(levels, asked)
            keep = results[0] >= shortest
            length[asked[keep]], low[asked[keep]], high[asked[keep]] = (each[keep] for each in results)
        return length, low, high

    def earliest(self, low: int, high: int) -> tuple[int, int]:
        """The story, of all, and the word of it at an early one of the places in slots `low` to `high`."""
        where = int(self.suffixes[low : min(high, low + _EARLIEST)].min())
        story = int(np.searchsorted(self.starts, where, "right")) - 1
        return self.first_story + story, where - int(self.starts[story])

    def _single_words(self, hashes: Hashes) -> tuple[Places, Places]:
        """The slots, first and end, of what begins with each word; 0 and 0 for one not known."""
        if not len(self.known):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.int64)
        number = np.searchsorted(self.known, hashes)
        is_known = self.known.take(number, mode="clip") == hashes
        low = np.where(is_known, self.first.take(number, mode="clip"), 0)
        high = np.where(is_known, self.first.take(number + 1, mode="clip"), 0)
        return low.astype(np.int64), high.astype(np.int64)

    def _doubled(self, low: Places, high: Places, half: int) -> tuple[Places, Places]:
        """The slots of what begins with `2 * half` words of the passage, from those for `half` words."""
        longer = np.zeros((2, len(low)), np.int64)
        there = high > low
        at = np.flatnonzero(there[:-half] & there[half:]) if half < len(low) else np.empty(0, np.int64)
        longer[:, at] = self._narrowed(low[at], high[at], half, low[at + half], high[at + half])
        longer[:, longer[0] >= longer[1]] = 0
        return longer[0], longer[1]

    def _reach(self, levels: Sequence[tuple[Places, Places]], asked: Places) -> tuple[Places, Places, Places]:
        """The longest match from each place asked, longest step first: length, first slot, end of slots."""
        length, low, high = np.zeros((3, len(asked)), np.int64)
        for level in range(len(levels) - 1, -1, -1):
            next_low, next_high = levels[level]
            at = asked + length
            can = (at < len(next_low)) & (next_high.take(at, mode="clip") > 0)
            fresh = np.flatnonzero(can & (length == 0))
            low[fresh], high[fresh] = next_low[at[fresh]], next_high[at[fresh]]
            length[fresh] = 1 << level
            on = np.flatnonzero(can & (at > asked))
            left, right = self._narrowed(low[on], high[on], length[on], next_low[at[on]], next_high[at[on]])
            longer = left < right
            on = on[longer]
            low[on], high[on] = left[longer], right[longer]
            length[on] += 1 << level
        return length, low, high

    def _narrowed(
        self, low: Places, high: Places, depth: int | Places, least: Places, end: Places
    ) -> tuple[Places, Places]:
        """Of slots `low` to `high`, those that have a suffix of rank `least` to `end`, `depth` words on.

        Slots that share `depth` words are in the order of what follows these: a binary search, all at once.
        """
        at = np.concatenate([low, low]) - 1
        wanted, last = np.concatenate([least, end]), np.concatenate([high, high])
        depth = np.broadcast_to(np.asarray(depth, np.int64), low.shape)
        depth = np.concatenate([depth, depth])
        for bit in range(int((high - low).max(initial=0)).bit_length() - 1, -1, -1):
            probe = at + (1 << bit)
            rank = self.ranks.take(self.suffixes.take(probe, mode="clip") + depth, mode="clip")
            at = np.where((probe < last) & (rank < wanted), probe, at)
        return at[: len(low)] + 1, at[len(low) :] + 1


def _open(folder: Path, first_story: int) -> _Shard | None:
    """A shard, or None where there is none or it is not what we wrote (cut short, say)."""
    path = folder / _ARRAY
    try:
        if not _is_sound(_map(path, first_story)):
            return None
        return _map(path, first_story)  # anew, without the pages that were looked at: they count as memory
    except (OSError, ValueError, EOFError):
        return None


def _map(path: Path, first_story: int) -> _Shard:
    """The file's arrays. Raises ValueError, EOFError or OSError where it is not as long as it says."""
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.memmap) or mapped.dtype != np.uint32 or mapped.ndim != 1:
        raise ValueError(path)
    whole = np.asarray(mapped)  # a memmap's own slices are slow
    version, known, stories, count = (int(number) for number in whole[:4])
    parts = np.cumsum([_HEADER, 2 * known, known + 1, stories, count, count])
    if version != _FORMAT or parts[-1] != len(whole) or path.stat().st_size != mapped.offset + mapped.nbytes:
        raise ValueError(path)
    hashes, first, starts, suffixes, ranks = (whole[start:end] for start, end in pairwise(parts))
    return _Shard(first_story, hashes.view(np.uint64), first, starts, suffixes, ranks)


def _is_sound(shard: _Shard) -> bool:
    """Whether the short arrays are in order, and slots and places lead to each other at a few places."""
    count = len(shard.suffixes)
    slots = np.linspace(0, max(0, count - 1), min(count, _LOOKS), dtype=np.int64)
    places = shard.suffixes[slots]
    return bool(
        (shard.known[1:] > shard.known[:-1]).all()
        and (shard.first[1:] > shard.first[:-1]).all()
        and (shard.starts[1:] > shard.starts[:-1]).all()
        and shard.first[-1] == count
        and (places < count).all()
        and (shard.ranks[places] == slots).all()
    )
