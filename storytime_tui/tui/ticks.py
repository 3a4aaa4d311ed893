"""Which stories are ticked: a pure value, and what a plan makes of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from storytime_tui.corpus.collection import Collection, Story, story_key

TickState = Literal["all", "some", "none"]
Key = tuple[str, int]  # the collection's name and the story's place in it: titles may occur twice


@dataclass(frozen=True)
class Ticks:
    """The ticked stories. Every method gives an answer or a new value; none changes this one.

    `chosen` has the places of the ticked stories by the name of their collection; no entry is empty. It may
    hold collections that are off the shelf: brought back, they are ticked as they were.
    """

    chosen: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def places(self, collection: Collection) -> frozenset[int]:
        """The places of a collection's ticked stories."""
        return self.chosen.get(collection.name, frozenset())

    def has(self, collection: Collection, index: int) -> bool:
        """Whether this one story is ticked."""
        return index in self.places(collection)

    def state(self, collection: Collection) -> TickState:
        """Whether all, some or none of a collection's stories are ticked."""
        ticked = len(self.places(collection))
        if ticked == 0:
            return "none"
        return "all" if ticked >= len(collection.stories) else "some"

    def toggled(self, collection: Collection, index: int | None = None) -> "Ticks":
        """With one story, or (index None) a whole collection, ticked the other way; "some" becomes "all"."""
        return self.switched(collection, range(len(collection.stories)) if index is None else (index,))

    def switched(self, collection: Collection, places: Iterable[int]) -> "Ticks":
        """With these stories of a collection ticked; or unticked, where all of them were."""
        before, these = self.places(collection), frozenset(places)
        return self._with(collection.name, before - these if these <= before else before | these)

    def with_all_of(self, collection: Collection) -> "Ticks":
        """With every story of the collection ticked."""
        return self._with(collection.name, frozenset(range(len(collection.stories))))

    def _with(self, name: str, places: frozenset[int]) -> "Ticks":
        chosen = {**self.chosen, name: places}
        if not places:
            del chosen[name]
        return Ticks(chosen)

    def each(self, collections: Sequence[Collection]) -> Iterator[tuple[Collection, int]]:
        """The ticked stories as collection and place, in the order of the shelf."""
        for collection in collections:
            for index in sorted(self.places(collection)):
                yield collection, index

    def stories(self, collections: Sequence[Collection]) -> tuple[tuple[Collection, Story], ...]:
        """The ticked stories, in the order of the shelf."""
        return tuple((collection, collection.stories[i]) for collection, i in self.each(collections))

    def count(self, collections: Sequence[Collection]) -> int:
        """How many stories are ticked."""
        return sum(len(self.places(collection)) for collection in collections)

    def words(self, collections: Sequence[Collection]) -> int:
        """How many words the ticked stories hold together."""
        total = 0
        for collection in collections:
            if self.state(collection) == "all":
                total += collection.words  # counted once and kept
            else:
                total += sum(collection.stories[i].words for i in self.places(collection))
        return total

    def for_plan(self, collections: Sequence[Collection]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The plan's `collections` and `stories`: whole collections need no list of their stories."""
        touched = [c for c in collections if self.state(c) != "none"]
        names = tuple(c.name for c in touched)
        if all(self.state(c) == "all" for c in touched):
            return names, ()
        return names, tuple(story_key(c, story) for c, story in self.stories(touched))

    def carried(self, before: Sequence[Collection], after: Sequence[Collection]) -> "Ticks":
        """The same stories ticked on the shelf as it was read anew, wherever they stand in it now."""
        olds = {collection.name: collection for collection in before}
        chosen = dict(self.chosen)
        for new in after:
            old = olds.get(new.name)
            if old is None or new.name not in chosen or _same(old, new):
                continue
            if self.state(old) == "all":
                chosen[new.name] = frozenset(range(len(new.stories)))
                continue
            names = _names(old)
            ticked = {names[i] for i in chosen[new.name] if i < len(names)}
            chosen[new.name] = frozenset(i for i, name in enumerate(_names(new)) if name in ticked)
        return Ticks({name: places for name, places in chosen.items() if places})


def _same(old: Collection, new: Collection) -> bool:
    """Whether the same stories stand in the same places: titles and cleaning may differ."""
    return len(old.stories) == len(new.stories) and all(
        a.file == b.file and a.lines == b.lines for a, b in zip(old.stories, new.stories, strict=True)
    )


def _names(collection: Collection) -> list[tuple[str, tuple[int, int], int]]:
    """What each story was made from, and which of those made from the same it is."""
    seen: dict[tuple[str, tuple[int, int]], int] = {}
    names = []
    for story in collection.stories:
        source = (story.file, story.lines)
        seen[source] = seen.get(source, 0) + 1
        names.append((*source, seen[source]))
    return names
