"""A part of the index of copied words: the arrays of some stories, opened from the disk and asked. See `copied`."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.words import Hashes

FORMAT = 3  # of a shard's array; part of its key
ARRAY = "index.npy"
HEADER = 8  # numbers before a shard's arrays
_CHECKS = 64  # slots checked when a file is opened; each reads two pages of the disk

Numbers = npt.NDArray[np.integer[Any]]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shard:
    """The index of some stories, memory-mapped. The words and separators of its stories form one stream of numbers."""

    first_story: int  # the index, among all stories, of its first one
    vocabulary: Hashes  # of its distinct words, sorted
    first: Numbers  # for each word the slot of the first suffix that begins with it; then the number of slots
    starts: Numbers  # where each story begins in the stream
    suffixes: Numbers  # slot -> position in the stream, sorted by the suffix that begins there
    ranks: Numbers  # position in the stream -> slot
    letters_at: Numbers  # for each word of the vocabulary where it begins in `letters`; then their number
    letters: npt.NDArray[np.uint8]  # the vocabulary's words in UTF-8, one after the other

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
        """The story (among all) and its word at the first occurrence among the slots `low` to `high`."""
        where = int(self.suffixes[low:high].min())
        story = int(np.searchsorted(self.starts, where, "right")) - 1
        return self.first_story + story, where - int(self.starts[story])

    def following(self, hashes: Hashes) -> list[str]:
        """The different words that follow these words somewhere in the stories, folded as in `words.plain`."""
        low, high = 0, len(self.suffixes)
        lows, highs = (slots.tolist() for slots in self._single_words(hashes))
        for depth, (least, end) in enumerate(zip(lows, highs, strict=True)):

            def rank(slot: int, depth: int = depth) -> int:
                return int(self.ranks[int(self.suffixes[slot]) + depth])

            slots = range(len(self.suffixes))
            low, high = (bisect_left(slots, each, low, high, key=rank) for each in (least, end))
            if low >= high:
                return []
        next_ranks = self.ranks.take(self.suffixes[low:high] + len(hashes), mode="clip")
        numbers = np.unique(np.searchsorted(self.first, next_ranks, "right") - 1)
        return [self._word(number) for number in numbers.tolist() if number >= 0]  # -1 is the end of a story

    def _word(self, number: int) -> str:
        start, end = (int(each) for each in self.letters_at[number : number + 2])
        return self.letters[start:end].tobytes().decode("utf-8", "replace")

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


def open_shard(folder: Path, first_story: int) -> Shard | None:
    """A shard; None if there is no file or it is not as we wrote it (truncated, for example)."""
    path = folder / ARRAY
    try:
        if not _is_sound(_map(path, first_story)):
            return None
        return _map(path, first_story)  # mapped again: pages read for the check count as memory
    except (OSError, ValueError, EOFError):
        return None


def _map(path: Path, first_story: int) -> Shard:
    """Map the file's arrays. Raises ValueError, EOFError or OSError if its length does not fit its header."""
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.memmap) or mapped.dtype != np.uint32 or mapped.ndim != 1:
        raise ValueError(path)
    whole = np.asarray(mapped)  # slicing a memmap is slow
    version, vocabulary, stories, count, letters = (int(number) for number in whole[:5])
    sizes = [HEADER, 2 * vocabulary, vocabulary + 1, stories, count, count, vocabulary + 1, letters]
    parts = np.cumsum(sizes)
    if version != FORMAT or parts[-1] != len(whole) or path.stat().st_size != mapped.offset + mapped.nbytes:
        raise ValueError(path)
    hashes, first, starts, suffixes, ranks, letters_at, text = (
        whole[start:end] for start, end in pairwise(parts)
    )
    return Shard(
        first_story, hashes.view(np.uint64), first, starts, suffixes, ranks, letters_at, text.view(np.uint8)
    )


def _is_sound(shard: Shard) -> bool:
    """Whether the short arrays are sorted, and `suffixes` and `ranks` agree at a few slots."""
    count = len(shard.suffixes)
    slots = np.linspace(0, max(0, count - 1), min(count, _CHECKS), dtype=np.int64)
    places = shard.suffixes[slots]
    return bool(
        (shard.vocabulary[1:] > shard.vocabulary[:-1]).all()
        and (shard.first[1:] > shard.first[:-1]).all()
        and (shard.starts[1:] > shard.starts[:-1]).all()
        and shard.first[-1] == count
        and (shard.letters_at[1:] > shard.letters_at[:-1]).all()
        and shard.letters_at[-1] <= len(shard.letters)
        and (places < count).all()
        and (shard.ranks[places] == slots).all()
    )
