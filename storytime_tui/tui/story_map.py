"""The branches of a story as rows: each row is a stretch of passages without a fork. Pure functions.

The present text runs down the left edge. What leaves it stands one step to the right, above where the text goes on; so
do the branches of a branch. A story with hundreds of edits is then no wider than one with a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.stories.story import Passage
from storytime_tui.word_count import count_words

DEEPEST = 12  # steps to the right that are drawn


@dataclass(frozen=True)
class Stretch:
    """A stretch of a branch. `first` and `last`: its passages; `depth`: how often it left the present text."""

    first: int
    last: int
    depth: int
    words: int
    passages: int
    beginning: str  # its first words
    who: str  # "you", "model", "edited" (by you), or "both"
    name: str
    marked: bool
    pruned: bool
    current: bool  # part of the present text

    @property
    def label(self) -> str:
        """Its name, or its first words."""
        return self.name or self.beginning or "(no words)"


def stretches(
    passages: Sequence[Passage], head: int | None, *, with_pruned: bool = False
) -> tuple[Stretch, ...]:
    """The rows of the map, from the story's beginning; pruned branches only on request."""
    by_id = {passage.id: passage for passage in passages}
    children: dict[int | None, list[Passage]] = {}
    for passage in passages:
        if with_pruned or not passage.pruned:
            children.setdefault(passage.parent, []).append(passage)
    present = _path(by_id, head)
    rows: list[Stretch] = []
    # what is still to be drawn, the next one last: a first passage, its depth, whether it was pruned with another
    waiting = [(each, depth, False) for each, depth in _ordered(children.get(None, []), present, 0)]
    while waiting:
        passage, depth, pruned = waiting.pop()
        stretch = [passage]
        while True:
            following = children.get(stretch[-1].id, [])
            ends = (stretch[-1].id in present) and not any(each.id in present for each in following)
            if len(following) != 1 or (ends and stretch[-1].id == head) or _has_label(following[0]):
                break
            stretch.append(following[0])
        pruned = pruned or passage.pruned
        rows.append(_row(stretch, depth, pruned, passage.id in present))
        waiting += [(each, deep, pruned) for each, deep in _ordered(following, present, depth)]
    return tuple(rows)


def number_of_branches(passages: Sequence[Passage], *, with_pruned: bool = False) -> int:
    """How many passages nothing follows; pruned ones only on request."""
    shown = [passage for passage in passages if with_pruned or not passage.pruned]
    return len({passage.id for passage in shown} - {passage.parent for passage in shown})


def _has_label(passage: Passage) -> bool:
    return bool(passage.name) or passage.marked or passage.pruned


def _path(by_id: dict[int, Passage], head: int | None) -> set[int]:
    path: set[int] = set()
    while head is not None and head in by_id:
        path.add(head)
        head = by_id[head].parent
    return path


def _ordered(following: Sequence[Passage], present: set[int], depth: int) -> list[tuple[Passage, int]]:
    """What follows a stretch, the row to be drawn first at the end: the branches, then what goes on at this depth."""
    on = next((each for each in following if each.id in present), following[-1] if following else None)
    branches = [(each, min(DEEPEST, depth + 1)) for each in following if each is not on]
    return [(on, depth), *reversed(branches)] if on is not None else []


def _who(stretch: Sequence[Passage]) -> str:
    """Who wrote it; what you edited counts as yours."""
    writers = {passage.writer for passage in stretch}
    if len(writers) == 1:
        return writers.pop()
    return "both" if "model" in writers else "edited"


def _row(stretch: Sequence[Passage], depth: int, pruned: bool, current: bool) -> Stretch:
    first = stretch[0]
    text = "".join(passage.text for passage in stretch)
    return Stretch(
        first=first.id,
        last=stretch[-1].id,
        depth=depth,
        words=count_words(text),
        passages=len(stretch),
        beginning=" ".join(text[:400].split()),
        who=_who(stretch),
        name=first.name,
        marked=first.marked,
        pruned=pruned,
        current=current,
    )
