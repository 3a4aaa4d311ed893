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
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from storytime_tui import disk_cache, files
from storytime_tui.corpus.collection import Story
from storytime_tui.corpus.copied_shard import ARRAY, FORMAT, HEADER, Places, Shard, open_shard
from storytime_tui.corpus.suffixes import suffix_array
from storytime_tui.corpus.words import WORD, Hashes, distinct_words, word_hash, word_hashes
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Progress

_SHARD = 4_000_000  # words in a shard: about 250 MB of memory to build, 33 MB on disk


@dataclass(frozen=True)
class Stretch:
    """A run of words copied from a story: characters `start` to `end` of the text, `words` words.

    `story`: the index of the story, the first of those that have the run. `word`: the index of the run's first word
    there (see `place`), at its first occurrence.
    """

    start: int
    end: int
    words: int
    story: int
    word: int


@dataclass(frozen=True)
class Index:
    """An index of stories. It is immutable, so threads may share it."""

    shards: tuple[Shard, ...]

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

    def following(self, words: Sequence[str]) -> frozenset[str]:
        """The different words that follow these words somewhere in the stories, folded as in `words.plain`.

        Each of `words` matches `WORD`.
        """
        hashes = np.fromiter(map(word_hash, words), np.uint64, len(words))
        return frozenset(word for shard in self.shards for word in shard.following(hashes))

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
    readers = [partial(open_shard, first_story=start) for start, _ in cuts]
    opened = [disk_cache.find(place, read) for place, read in zip(places, readers, strict=True)]
    sizes = [
        sum(story.facts.bytes for story in stories[start:end]) if shard is None else 0
        for (start, end), shard in zip(cuts, opened, strict=True)
    ]
    shards: list[Shard] = []
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
    digest = hashlib.sha256(f"{FORMAT}".encode())
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
    read: Callable[[Path], Shard | None],
    report: Callable[[float], None],
) -> Shard:
    def build(folder: Path) -> None:
        np.save(folder / ARRAY, _indexed(stories, report), allow_pickle=False)

    try:
        shard = disk_cache.find_or_build(place, read, build)
    except OSError as error:
        raise CorpusError(files.explain(error, "keeping the index of the stories' words")) from error
    report(1.0)
    return shard


def _indexed(stories: Sequence[Story], report: Callable[[float], None]) -> npt.NDArray[np.uint32]:
    """Build a shard as one array: the header, then the arrays of `Shard` in order."""
    parts: list[Hashes] = [np.empty(0, np.uint64)]
    spelling: dict[int, str] = {}
    for number, story in enumerate(stories):
        text = story.text
        parts.append(word_hashes(text))
        spelling |= distinct_words(text)
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
    letters_at, letters = _letters([spelling[number] for number in vocabulary.tolist()])
    header = np.zeros(HEADER, np.uint32)
    header[:5] = FORMAT, len(vocabulary), len(stories), len(stream), len(letters)
    short = (header, vocabulary.view(np.uint32), first.astype(np.uint32), starts.astype(np.uint32))
    return np.concatenate([*short, suffixes.view(np.uint32), ranks.view(np.uint32), letters_at, letters])


def _letters(words: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Where each word begins in all their UTF-8, with its length as the last entry; and that UTF-8, padded."""
    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)])
    data = b"".join(encoded)
    return ends.astype(np.uint32), np.frombuffer(data + bytes(-len(data) % 4), np.uint32)


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
