"""An immutable sequence that is cheap to extend: a run's view gets an item at every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

Item = TypeVar("Item")


class AppendOnly(Sequence[Item]):
    """The first items of a list that is shared with longer versions of this sequence. Nothing removes items."""

    def __init__(self, items: list[Item] | None = None) -> None:
        """Take the list over; the caller must not change it afterwards."""
        self._items: list[Item] = items if items is not None else []
        self._length = len(self._items)

    def appended(self, item: Item) -> AppendOnly[Item]:
        """The sequence with one more item, in O(1); O(n) if another item was already appended to this one."""
        items = self._items if len(self._items) == self._length else self._items[: self._length]
        items.append(item)
        return AppendOnly(items)

    def __len__(self) -> int:
        """The number of items."""
        return self._length

    def __iter__(self) -> Iterator[Item]:
        """The items in order."""
        return islice(self._items, self._length)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        """Index like a list. Raises IndexError."""
        places = range(self._length)[index]
        return self._items[places] if isinstance(places, int) else [self._items[place] for place in places]

    def __eq__(self, other: object) -> bool:
        """Whether both have the same items; O(1) if the lengths differ."""
        if self is other or not isinstance(other, AppendOnly):
            return self is other
        return len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # its items may be unhashable

    def __repr__(self) -> str:
        """Its items."""
        return f"AppendOnly({list(self)})"
