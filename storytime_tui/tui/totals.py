"""Totals of the ticked stories, and their duplicates. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.tui.ticks import Key, Ticks

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.shelves import Copy

Copies = Mapping[Key, "Copy"]


@dataclass(frozen=True)
class Totals:
    """The ticked stories: how many, their words, and how many are duplicates of another ticked one."""

    stories: int = 0
    words: int = 0
    duplicates: int = 0


def totals_of(ticks: Ticks, collections: Sequence[Collection], duplicates: Set[Key]) -> Totals:
    """Count the ticked stories, with these `duplicates` among them; fast enough for every key press."""
    return Totals(ticks.count(collections), ticks.words(collections), len(duplicates))


def ticked_duplicates(ticks: Ticks, collections: Sequence[Collection], copies: Copies) -> set[Key]:
    """The ticked stories that are duplicates of another ticked one: of each set of duplicates, all but the first.

    The first is the original if it is ticked.
    """
    shelf = {collection.name: collection for collection in collections}
    originals: set[Key] = set()
    duplicates: set[Key] = set()
    for key in copies:
        collection = shelf.get(key[0])
        if collection is None or not ticks.has(collection, key[1]):
            continue
        origin = original_of(key, copies)
        if _ticked(origin, ticks, shelf) or origin in originals:
            duplicates.add(key)
        originals.add(origin)
    return duplicates


def original_of(key: Key, copies: Copies) -> Key:
    """The original of a copy, or of a copy of a copy."""
    seen = {key}
    while key in copies and copies[key].of not in seen:
        key = copies[key].of
        seen.add(key)
    return key


def _ticked(key: Key, ticks: Ticks, shelf: Mapping[str, Collection]) -> bool:
    collection = shelf.get(key[0])
    return collection is not None and ticks.has(collection, key[1])


def training_stories(ticks: Ticks, collections: Sequence[Collection], copies: Copies) -> list[Story]:
    """The ticked stories without duplicates."""
    duplicates = ticked_duplicates(ticks, collections, copies)
    return [
        collection.stories[i]
        for collection, i in ticks.each(collections)
        if not duplicates or (collection.name, i) not in duplicates
    ]
