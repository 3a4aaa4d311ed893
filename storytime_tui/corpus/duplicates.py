"""Finding copies of a story, exact or near, among many stories, from the sketch of each (see `sketches`)."""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass

from storytime_tui.corpus.collection import Facts
from storytime_tui.corpus.lazy import mapped
from storytime_tui.corpus.shared_hashes import pairs_sharing
from storytime_tui.corpus.sketches import compare

# Two stories are the same if they share this part of all their runs. Measured on 11,000 pieces of 350 books:
# different stories reach 0.17 (0.36 if the author uses a formula), new editions 0.4 and more.
SAME = 0.4
WITHIN = 0.8  # a story is part of a longer one if the longer one has this share of its runs
FEWEST_WORDS = 60  # a shorter story is a copy only if its words are the same
_FEWEST_SHARED = 16  # shared hashes below which an estimate means nothing
_KEPT = 0.9  # the first copy with this share of the longest copy's words is kept


@dataclass(frozen=True)
class Copy:
    """Story number `story` is a copy of number `of`, which is not a copy itself.

    `share`: the estimated share of `story`, 0 to 1, found in `of`; 1.0 if all words are the same.
    """

    story: int
    of: int
    share: float


def find_copies(facts: Sequence[Facts]) -> tuple[Copy, ...]:
    """The copies among stories, given the facts of each.

    Stories with the same fingerprint are the same ("" matches nothing). Stories of at least 60 words are also the
    same if they share two fifths of all their runs, or if both are the same as a third. Among those, the first that
    has nine tenths of the longest one's words is kept. A story with four fifths of its runs in a longer one is a
    copy of the longer one, whatever the order. A story inside one ten times longer is not detected; `copied` finds
    it. Raises CorpusError if many stories cannot be compared for lack of room in the cache folder.
    """
    words, kept, distinct = _grouped(facts)
    within: list[tuple[int, int]] = []
    sketches = mapped(distinct, lambda story: facts[story].sketch)
    for one, other in pairs_sharing(sketches, _FEWEST_SHARED):
        a, b = distinct[one], distinct[other]
        if _root(kept, a) == _root(kept, b):
            continue
        shared, in_a, in_b = compare(sketches[one], sketches[other])
        if shared < _FEWEST_SHARED:
            continue
        if shared >= SAME * (in_a + in_b - shared):
            _join(kept, a, b)
        elif shared >= WITHIN * min(in_a, in_b):
            within.append((a, b) if words[a] <= words[b] else (b, a))
    for story, of in _best_copies(kept, words).items():
        kept[story] = of
    _drop_parts(kept, within, words)
    return tuple(
        Copy(story, of, _share(facts[story], facts[of])) for story, of in enumerate(kept) if story != of
    )


def _grouped(facts: Sequence[Facts]) -> tuple[array[int], array[int], array[int]]:
    """The words of each story; the first story with its fingerprint, or itself; the stories to compare by sketches."""
    words, kept, distinct = array("q"), array("q"), array("q")
    first: dict[bytes, int] = {}
    for story, each in enumerate(facts):
        words.append(each.words)
        print_ = bytes.fromhex(each.fingerprint)  # half as large as the text
        of = first.setdefault(print_, story) if print_ else story
        kept.append(of)
        if of == story and each.words >= FEWEST_WORDS and len(each.sketch):
            distinct.append(story)
    return words, kept, distinct


def _share(story: Facts, of: Facts) -> float:
    """The estimated share of a story that is found in another."""
    if story.fingerprint == of.fingerprint:
        return 1.0
    shared, in_story, _ = compare(story.sketch, of.sketch)
    return shared / in_story if in_story else 0.0


def _join(groups: MutableSequence[int], a: int, b: int) -> None:
    """Merge the groups of two stories; the earlier root stays."""
    a, b = _root(groups, a), _root(groups, b)
    groups[max(a, b)] = min(a, b)


def _root(groups: MutableSequence[int], story: int) -> int:
    while groups[story] != story:
        groups[story] = groups[groups[story]]
        story = groups[story]
    return story


def _best_copies(groups: MutableSequence[int], words: Sequence[int]) -> dict[int, int]:
    """For each story that is not alone in its group, the one kept: the first that is nearly as long as the longest."""
    others = {story: _root(groups, story) for story, of in enumerate(groups) if of != story}
    roots = others | {root: root for root in others.values()}
    longest: dict[int, int] = {}
    for story, root in roots.items():
        longest[root] = max(longest.get(root, 0), words[story])
    best: dict[int, int] = {}
    for story, root in sorted(roots.items()):
        if words[story] >= _KEPT * longest[root]:
            best.setdefault(root, story)
    return {story: best[root] for story, root in roots.items()}


def _drop_parts(kept: MutableSequence[int], within: Sequence[tuple[int, int]], words: Sequence[int]) -> None:
    """Replace kept stories that are part of a longer one by the story kept for that."""
    whole: dict[int, int] = {}
    for part, longer in sorted(within, key=lambda pair: (words[pair[1]], -pair[1])):
        if kept[part] == part and words[kept[longer]] > words[part]:
            whole[part] = kept[longer]  # the longest of several
    for story, of in enumerate(kept):
        while of in whole:  # ends, as each is longer than the one before
            of = whole[of]
        kept[story] = of
