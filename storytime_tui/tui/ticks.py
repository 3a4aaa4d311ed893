"""Which stories are ticked: a pure value, and what a plan makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from storytime_tui.corpus.collection import Collection, Story, story_key

TickState = Literal["all", "some", "none"]
Key = tuple[str, int]  # the collection's name and the story's place in it: titles may occur twice


@dataclass(frozen=True)
class Ticks:
    """The ticked stories. Every method gives an answer or a new value; none changes this one."""

    keys: frozenset[Key] = frozenset()

    def has(self, collection: Collection, index: int) -> bool:
        """Whether this one story is ticked."""
        return (collection.name, index) in self.keys

    def state(self, collection: Collection) -> TickState:
        """Whether all, some or none of a collection's stories are ticked."""
        ticked = sum(self.has(collection, i) for i in range(len(collection.stories)))
        if ticked == 0:
            return "none"
        return "all" if ticked == len(collection.stories) else "some"

    def toggled(self, collection: Collection, index: int | None = None) -> "Ticks":
        """With one story, or (index None) a whole collection, ticked the other way; "some" becomes "all"."""
        if index is None:
            every = frozenset((collection.name, i) for i in range(len(collection.stories)))
            return Ticks(self.keys - every if self.state(collection) == "all" else self.keys | every)
        return Ticks(self.keys ^ {(collection.name, index)})

    def with_all_of(self, collection: Collection) -> "Ticks":
        """With every story of the collection ticked."""
        return Ticks(self.keys | {(collection.name, i) for i in range(len(collection.stories))})

    def stories(self, collections: Sequence[Collection]) -> tuple[tuple[Collection, Story], ...]:
        """The ticked stories, in the order of the shelf."""
        return tuple(
            (collection, story)
            for collection in collections
            for i, story in enumerate(collection.stories)
            if self.has(collection, i)
        )

    def words(self, collections: Sequence[Collection]) -> int:
        """How many words the ticked stories hold together."""
        return sum(story.words for _, story in self.stories(collections))

    def for_plan(self, collections: Sequence[Collection]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The plan's `collections` and `stories`: whole collections need no list of their stories."""
        touched = [c for c in collections if self.state(c) != "none"]
        names = tuple(c.name for c in touched)
        if all(self.state(c) == "all" for c in touched):
            return names, ()
        return names, tuple(story_key(c, story) for c, story in self.stories(touched))
