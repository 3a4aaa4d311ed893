"""A sequence that is never changed and yet grows cheaply: for a view that gets an item at every step of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

Item = TypeVar("Item")


class Grown(Sequence[Item]):
    """The first items of a list that it shares with the sequences grown from it; nothing takes items away."""

    def __init__(self, items: list[Item] | None = None) -> None:
        """Takes the list over: nobody else may change it."""
        self._items: list[Item] = items if items is not None else []
        self._length = len(self._items)

    def plus(self, item: Item) -> Grown[Item]:
        """One item longer, in O(1); O(n) where this was grown before and the shared list goes on in another way."""
        items = self._items if len(self._items) == self._length else self._items[: self._length]
        items.append(item)
        return Grown(items)

    def __len__(self) -> int:
        """How many items it has."""
        return self._length

    def __iter__(self) -> Iterator[Item]:
        """The items in order."""
        return islice(self._items, self._length)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        """As of a list. Raises IndexError."""
        places = range(self._length)[index]
        return self._items[places] if isinstance(places, int) else [self._items[place] for place in places]

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same items; at once where the lengths differ."""
        if self is other or not isinstance(other, Grown):
            return self is other
        return len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # its items may have none

    def __repr__(self) -> str:
        """Its items."""
        return f"Grown({list(self)})"
