"""Finding copies of a story, exact or near, among many stories, from a small sketch of each.

A sketch is the set of the smallest hashes of a story's runs of five words (Broder 1997, "On the resemblance and
containment of documents"). It is a fair sample of the runs, so two sketches tell how much of one story is in the
other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from storytime_tui.corpus.words import Hashes, word_hashes

Sketch = npt.NDArray[np.uint64]

SIZE = 256  # hashes in a full sketch: estimates are off by about 0.03
_RUN = 5  # words; runs of four are often shared by unrelated stories of the same genre
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_PIECE = 1 << 14  # runs hashed at once: few enough to stay in the cache

# Two stories are the same if they share this part of all their runs. Measured on 11,000 pieces of 350 books:
# different stories reach 0.17 (0.36 if the author uses a formula), new editions 0.4 and more.
SAME = 0.4
WITHIN = 0.8  # a story is part of a longer one if the longer one has this share of its runs
FEWEST_WORDS = 60  # a shorter story is a copy only if its words are the same
_FEWEST_SHARED = 16  # shared hashes below which an estimate means nothing
_KEPT = 0.9  # the first copy with this share of the longest copy's words is kept
_AT_ONCE = 2_000_000  # hashes sorted at once: about 100 MB
_CROWD = 4  # stories; a hash that more stories have is too common for all pairs


@dataclass(frozen=True)
class Copy:
    """Story number `story` is a copy of number `of`, which is not a copy itself.

    `share`: the estimated share of `story`, 0 to 1, found in `of`; 1.0 if all words are the same.
    """

    story: int
    of: int
    share: float


def sketch(text: str) -> Sketch:
    """The 256 smallest distinct hashes of the text's runs of five words, sorted; a short text has fewer."""
    return sketch_of(word_hashes(text))


def sketch_of(words: Hashes) -> Sketch:
    """The sketch of a text, given the hashes of its words."""
    smallest: Sketch = np.empty(0, np.uint64)
    for start in range(0, len(words) - _RUN + 1, _PIECE):
        end = min(start + _PIECE, len(words) - _RUN + 1)
        runs = words[start:end].copy()
        for place in range(1, _RUN):
            runs *= _FACTOR  # modulo 2**64
            runs += words[start + place : end + place]
        if len(smallest) == SIZE:  # few hashes of a later piece are small enough, so there is little to sort
            runs = runs[runs < smallest[-1]]
        runs = np.concatenate([smallest, runs])
        runs.sort()  # np.unique takes four times as long
        smallest = runs[np.concatenate([[True], runs[1:] != runs[:-1]])][:SIZE]
    return smallest.copy()  # a view would keep the whole piece in memory


def find_copies(
    sketches: Sequence[Sketch], words: Sequence[int], fingerprints: Sequence[str]
) -> tuple[Copy, ...]:
    """The copies among the stories. The three arguments give one item for each story, in the same order.

    Stories with the same fingerprint are the same ("" matches nothing). Stories of at least 60 words are also the
    same if they share two fifths of all their runs, or if both are the same as a third. Among those, the first that
    has nine tenths of the longest one's words is kept. A story with four fifths of its runs in a longer one is a
    copy of the longer one, whatever the order. A story inside one ten times longer is not detected; `copied` finds
    it.
    """
    kept = list(range(len(words)))  # each story's group, as the number of one of its stories
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
    kept = _best_copies(kept, words)
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
    """How many hashes two sketches share, and how many each has up to the bound below which both are complete."""
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
    """Pairs of stories that share enough hashes, found by an index from hash to stories.

    A hash of few stories counts for every pair of them. A common hash (a licence, a chorus) counts for each story
    only with the first one and the previous one, so that the number of pairs stays linear.
    """
    parts = [np.empty(0, np.int64)]
    for bottom, top in _ranges(sketches):
        parts += _pairs([each[slice(*each.searchsorted((bottom, top)))] for each in sketches])
    pairs, times = np.unique(np.concatenate(parts), return_counts=True)
    for pair in pairs[times >= _FEWEST_SHARED].tolist():
        yield divmod(pair, len(sketches))


def _ranges(sketches: Sequence[Sketch]) -> Iterator[tuple[np.uint64, np.uint64]]:
    """Half-open ranges of hashes, of about `_AT_ONCE` hashes each, so that not all are sorted at once."""
    count = -(-sum(map(len, sketches)) // _AT_ONCE)
    sample = (
        np.sort(np.concatenate([each[::16] for each in sketches])) if count > 1 else np.empty(0, np.uint64)
    )
    inner = [sample[len(sample) * part // count] for part in range(1, count)]
    bounds = [np.uint64(0), *inner, np.uint64(2**64 - 1)]  # no sketch holds the largest possible hash
    return pairwise(bounds)


def _pairs(sketches: Sequence[Sketch]) -> list[npt.NDArray[np.int64]]:
    """The pairs that share a hash, once for each hash, as first * len(sketches) + second."""
    hashes = np.concatenate([np.empty(0, np.uint64), *sketches])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    new = np.concatenate([[True], hashes[1:] != hashes[:-1], [True]])[-len(hashes) - 1 :]
    shared = ~(new[:-1] & new[1:])  # most hashes occur in one story only
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


def _join(groups: list[int], a: int, b: int) -> None:
    """Merge the groups of two stories; the earlier root stays."""
    a, b = _root(groups, a), _root(groups, b)
    groups[max(a, b)] = min(a, b)


def _root(groups: list[int], story: int) -> int:
    while groups[story] != story:
        groups[story] = groups[groups[story]]
        story = groups[story]
    return story


def _best_copies(groups: list[int], words: Sequence[int]) -> list[int]:
    """For each story the one kept of its group: the first that is nearly as long as the longest."""
    roots = [_root(groups, story) for story in range(len(groups))]
    longest: dict[int, int] = {}
    for story, root in enumerate(roots):
        longest[root] = max(longest.get(root, 0), words[story])
    best: dict[int, int] = {}
    for story, root in enumerate(roots):
        if words[story] >= _KEPT * longest[root]:
            best.setdefault(root, story)
    return [best[root] for root in roots]


def _drop_parts(kept: list[int], within: Sequence[tuple[int, int]], words: Sequence[int]) -> None:
    """Replace kept stories that are part of a longer one by the story kept for that."""
    whole: dict[int, int] = {}
    for part, longer in sorted(within, key=lambda pair: (words[pair[1]], -pair[1])):
        if kept[part] == part and words[kept[longer]] > words[part]:
            whole[part] = kept[longer]  # the longest of several
    for story, of in enumerate(kept):
        while of in whole:  # ends, as each is longer than the one before
            of = whole[of]
        kept[story] = of
