"""Which stories are ticked, as an immutable value, and what it means for a plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from storytime_tui.corpus.collection import Collection, Story, story_key

TickState = Literal["all", "some", "none"]
Key = tuple[str, int]  # the collection's name and the story's index in it; titles may occur twice


@dataclass(frozen=True)
class Ticks:
    """The ticked stories. Immutable: methods return answers or new values.

    `chosen` maps names of collections to the indexes of their ticked stories; no set is empty. It may contain
    removed collections: when restored, they are ticked as before.
    """

    chosen: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def places(self, collection: Collection) -> frozenset[int]:
        """The indexes of a collection's ticked stories."""
        return self.chosen.get(collection.name, frozenset())

    def has(self, collection: Collection, index: int) -> bool:
        """Whether a story is ticked."""
        return index in self.places(collection)

    def state(self, collection: Collection) -> TickState:
        """Whether all, some or none of a collection's stories are ticked."""
        ticked = len(self.places(collection))
        if ticked == 0:
            return "none"
        return "all" if ticked >= len(collection.stories) else "some"

    def toggled(self, collection: Collection, index: int | None = None) -> "Ticks":
        """Toggle one story, or (index None) a whole collection; "some" becomes "all"."""
        return self.switched(collection, range(len(collection.stories)) if index is None else (index,))

    def switched(self, collection: Collection, places: Iterable[int]) -> "Ticks":
        """Tick these stories of a collection; untick them if all of them were ticked."""
        before, these = self.places(collection), frozenset(places)
        return self._with(collection.name, before - these if these <= before else before | these)

    def with_all_of(self, collection: Collection) -> "Ticks":
        """Tick every story of the collection."""
        return self._with(collection.name, frozenset(range(len(collection.stories))))

    def _with(self, name: str, places: frozenset[int]) -> "Ticks":
        chosen = {**self.chosen, name: places}
        if not places:
            del chosen[name]
        return Ticks(chosen)

    def each(self, collections: Sequence[Collection]) -> Iterator[tuple[Collection, int]]:
        """The ticked stories as collection and index, in shelf order."""
        for collection in collections:
            for index in sorted(self.places(collection)):
                yield collection, index

    def stories(self, collections: Sequence[Collection]) -> tuple[tuple[Collection, Story], ...]:
        """The ticked stories, in shelf order."""
        return tuple((collection, collection.stories[i]) for collection, i in self.each(collections))

    def count(self, collections: Sequence[Collection]) -> int:
        """The number of ticked stories."""
        return sum(len(self.places(collection)) for collection in collections)

    def words(self, collections: Sequence[Collection]) -> int:
        """The number of words in the ticked stories."""
        total = 0
        for collection in collections:
            if self.state(collection) == "all":
                total += collection.words  # cached by the collection
            else:
                total += collection.words_at(self.places(collection))
        return total

    def for_plan(self, collections: Sequence[Collection]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The plan's `collections` and `stories`: whole collections need no list of their stories."""
        touched = [c for c in collections if self.state(c) != "none"]
        names = tuple(c.name for c in touched)
        if all(self.state(c) == "all" for c in touched):
            return names, ()
        return names, tuple(story_key(c, story) for c, story in self.stories(touched))

    def carried(self, before: Sequence[Collection], after: Sequence[Collection]) -> "Ticks":
        """The same stories ticked on the reloaded shelf, wherever they are in it now."""
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
    """Whether both have the same stories in the same places; titles and cleaning may differ."""
    return len(old.stories) == len(new.stories) and all(
        a.file == b.file and a.lines == b.lines for a, b in zip(old.stories, new.stories, strict=True)
    )


def _names(collection: Collection) -> list[tuple[str, tuple[int, int], int]]:
    """Identify each story by its source, and a number for stories of the same source."""
    seen: dict[tuple[str, tuple[int, int]], int] = {}
    names = []
    for story in collection.stories:
        source = (story.file, story.lines)
        seen[source] = seen.get(source, 0) + 1
        names.append((*source, seen[source]))
    return names
