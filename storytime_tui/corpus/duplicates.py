"""The same tale told twice: copies, exact and near, found among many stories from a small sketch of each.

A story's sketch is its smallest hashes of five words in a row: of all the five-word runs of two stories, a fair
sample (Broder 1997, "On the resemblance and containment of documents"), so that two sketches tell how much of
one story stands in the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.words import Hashes, word_hashes

Sketch = npt.NDArray[np.uint64]

SIZE = 256  # hashes in a full sketch: estimates are off by 0.03 or so
_RUN = 5  # words; four in a row are often alike in tales that have nothing in common but their kind
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_PIECE = 1 << 14  # runs of five looked at at once: little memory, and quick to reach

# Of the runs of two stories together, this share stands in both: one tale in two editions. Measured on 11,000
# pieces of 350 books: different tales reach 0.17 (0.36 where the teller has a formula), new editions 0.4 and more.
SAME = 0.4
WITHIN = 0.8  # of a story's runs stand in a longer one: a part of it, or the tale cut short
FEWEST_WORDS = 60  # a shorter story is a copy only when its words are the same
_FEWEST_SHARED = 16  # hashes that two sketches must share before their numbers mean anything
_KEPT = 0.9  # of the longest telling's words are enough to be the one that is kept
_AT_ONCE = 2_000_000  # hashes sorted at once: some 100 MB
_CROWD = 4  # stories; a hash in more of them is nobody's own words


@dataclass(frozen=True)
class Copy:
    """Story number `story` tells again what number `of` tells, which is no copy itself.

    `share`: how much of `story`, 0 to 1, stands in `of`: estimated, and 1.0 where all words are the same.
    """

    story: int
    of: int
    share: float


def sketch(text: str) -> Sketch:
    """The 256 smallest distinct hashes of the text's runs of five words, sorted; fewer of a shorter text."""
    return sketch_of(word_hashes(text))


def sketch_of(words: Hashes) -> Sketch:
    """The sketch of a text whose words have these hashes."""
    smallest: Sketch = np.empty(0, np.uint64)
    for start in range(0, len(words) - _RUN + 1, _PIECE):
        end = min(start + _PIECE, len(words) - _RUN + 1)
        runs = words[start:end].copy()
        for place in range(1, _RUN):
            runs *= _FACTOR  # modulo 2**64
            runs += words[start + place : end + place]
        if len(smallest) == SIZE:  # few of a later piece are smaller than those so far: little to sort
            runs = runs[runs < smallest[-1]]
        runs = np.concatenate([smallest, runs])
        runs.sort()  # and not np.unique, which takes four times as long
        smallest = runs[np.concatenate([[True], runs[1:] != runs[:-1]])][:SIZE]
    return smallest.copy()  # a view would keep the whole piece in memory


def find_copies(
    sketches: Sequence[Sketch], words: Sequence[int], fingerprints: Sequence[str]
) -> tuple[Copy, ...]:
    """The stories that others tell already, by their number. All three hold one thing a story, in one order.

    Stories with one fingerprint are the same ("" is no one's). Of at least 60 words, two are the same tale as
    well when two fifths of what they tell together stand in both, and so are two that are each the same as a
    third. Of one tale the first in order is kept that is about as long as any (nine tenths). A story most of
    which (four fifths) stands in a longer one is a copy of that, wherever they stand in the order: what is
    dropped is told by what is kept. A story inside one ten times
    longer is not detected; `copied` finds those.
    """
    kept = list(range(len(words)))  # the tale each belongs to, named by one of its stories
    first: dict[str, int] = {}
    for story, fingerprint in enumerate(fingerprints):
        if fingerprint:
            kept[story] = first.setdefault(fingerprint, story)
    distinct = [s for s, of in enumerate(kept) if s == of and words[s] >= FEWEST_WORDS and len(sketches[s])]
    within: list[tuple[int, int]] = []
    for one, other in _candidates([sketches[story] for story in distinct]):
        a, b = distinct[one], distinct[other]
        if _root(kept, a) == _root(kept, b):
            continue
        shared, in_a, in_b = _compare(sketches[a], sketches[b])
        if shared < _FEWEST_SHARED:
            continue
        if shared >= SAME * (in_a + in_b - shared):
            _join(kept, a, b)
        elif shared >= WITHIN * min(in_a, in_b):
            within.append((a, b) if words[a] <= words[b] else (b, a))
    kept = _best_tellings(kept, words)
    _drop_parts(kept, within, words)
    return tuple(
        Copy(
            story,
            of,
            1.0 if fingerprints[story] == fingerprints[of] else _share(sketches[story], sketches[of]),
        )
        for story, of in enumerate(kept)
        if story != of
    )


def _compare(a: Sketch, b: Sketch) -> tuple[int, int, int]:
    """How many hashes two sketches share, and how many of each are below the bound up to which both are whole."""
    in_a, in_b = len(a), len(b)
    if in_b == SIZE:
        in_a = int(a.searchsorted(b[-1], "right"))
    if len(a) == SIZE:
        in_b = int(b.searchsorted(a[-1], "right"))
    both = np.concatenate([a[:in_a], b[:in_b]])
    both.sort()
    return int(np.count_nonzero(both[1:] == both[:-1])), in_a, in_b


def _share(story: Sketch, of: Sketch) -> float:
    shared, in_story, _ = _compare(story, of)
    return shared / in_story if in_story else 0.0


def _candidates(sketches: Sequence[Sketch]) -> Iterator[tuple[int, int]]:
    """Pairs that share enough hashes to be worth a look, by an index from hash to stories.

    A hash of few stories makes a pair of any two. One of many (a licence, a chorus) makes each a pair with the
    first of them and with the one before it only, so that the pairs stay as few as the hashes.
    """
    parts = [np.empty(0, np.int64)]
    for bottom, top in _ranges(sketches):
        parts += _pairs([each[slice(*each.searchsorted((bottom, top)))] for each in sketches])
    pairs, times = np.unique(np.concatenate(parts), return_counts=True)
    for pair in pairs[times >= _FEWEST_SHARED].tolist():
        yield divmod(pair, len(sketches))


def _ranges(sketches: Sequence[Sketch]) -> Iterator[tuple[np.uint64, np.uint64]]:
    """Half-open ranges of hashes that hold about `_AT_ONCE` of them each: a gigabyte's are not sorted at once."""
    count = -(-sum(map(len, sketches)) // _AT_ONCE)
    sample = (
        np.sort(np.concatenate([each[::16] for each in sketches])) if count > 1 else np.empty(0, np.uint64)
    )
    inner = [sample[len(sample) * part // count] for part in range(1, count)]
    bounds = [np.uint64(0), *inner, np.uint64(2**64 - 1)]  # no hash that a sketch keeps is the largest of all
    return pairwise(bounds)


def _pairs(sketches: Sequence[Sketch]) -> list[npt.NDArray[np.int64]]:
    """The pairs of stories that share a hash, once for each hash: a story's number times theirs plus the other's."""
    hashes = np.concatenate([np.empty(0, np.uint64), *sketches])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    new = np.concatenate([[True], hashes[1:] != hashes[:-1], [True]])[-len(hashes) - 1 :]
    shared = ~(new[:-1] & new[1:])  # most are one story's alone
    owners = np.repeat(np.arange(len(sketches)), [len(each) for each in sketches])[order[shared]]
    starts = np.flatnonzero(new[:-1][shared])
    sizes = np.diff(np.append(starts, len(owners)))
    many = np.repeat(sizes > _CROWD, sizes)
    begins = np.repeat(starts, sizes)
    before = np.arange(len(owners)) - begins
    parts = []
    for back in range(1, _CROWD):
        later = np.flatnonzero((before >= back) & (~many | (back == 1)))
        parts.append(owners[later - back] * len(sketches) + owners[later])
    later = np.flatnonzero(many & (before > 1))
    parts.append(owners[begins[later]] * len(sketches) + owners[later])
    return parts


def _join(tales: list[int], a: int, b: int) -> None:
    """Make two stories' tales one, named by the earlier."""
    a, b = _root(tales, a), _root(tales, b)
    tales[max(a, b)] = min(a, b)


def _root(tales: list[int], story: int) -> int:
    while tales[story] != story:
        tales[story] = tales[tales[story]]
        story = tales[story]
    return story


def _best_tellings(tales: list[int], words: Sequence[int]) -> list[int]:
    """For each story the one of its tale that is kept: the first that is nearly as long as the longest."""
    roots = [_root(tales, story) for story in range(len(tales))]
    longest: dict[int, int] = {}
    for story, root in enumerate(roots):
        longest[root] = max(longest.get(root, 0), words[story])
    best: dict[int, int] = {}
    for story, root in enumerate(roots):
        if words[story] >= _KEPT * longest[root]:
            best.setdefault(root, story)
    return [best[root] for root in roots]


def _drop_parts(kept: list[int], within: Sequence[tuple[int, int]], words: Sequence[int]) -> None:
    """Where a kept story stands within a longer one, what is kept of that takes its place."""
    whole: dict[int, int] = {}
    for part, longer in sorted(within, key=lambda pair: (words[pair[1]], -pair[1])):
        if kept[part] == part and words[kept[longer]] > words[part]:
            whole[part] = kept[longer]  # the longest of several
    for story, of in enumerate(kept):
        while of in whole:  # ends: each is longer than the one before
            of = whole[of]
        kept[story] = of
