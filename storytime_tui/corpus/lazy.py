"""Sequences that make their items when they are asked for, so that a shelf of a million stories needs little memory."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import index
from typing import Generic, Protocol, SupportsIndex, TypeVar, overload

Item = TypeVar("Item")
_Given = TypeVar("_Given")


class Places(Protocol):
    """Places in a sequence, as a list or an array of whole numbers."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, at: int, /) -> SupportsIndex:
        """One of them."""


class LazySequence(Sequence[Item], Generic[Item]):
    """A sequence of `length` items, each made by `make(place)`; `each` goes through all of them, faster."""

    def __init__(
        self, length: int, make: Callable[[int], Item], each: Callable[[], Iterator[Item]] | None = None
    ) -> None:
        self._length, self._make, self._each = length, make, each

    def __len__(self) -> int:
        """The number of items."""
        return self._length

    @overload
    def __getitem__(self, at: int) -> Item: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...

    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        """The item at a place, or the items at several. Raises IndexError."""
        if isinstance(at, slice):
            return picked(self, range(self._length)[at])
        place = at + self._length if at < 0 else at
        if not 0 <= place < self._length:
            raise IndexError(at)
        return self._make(place)

    def __iter__(self) -> Iterator[Item]:
        """Each item, made now."""
        return self._each() if self._each else map(self._make, range(self._length))

    def __eq__(self, other: object) -> bool:
        """Whether the other sequence, a tuple for example, has equal items."""
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return self is other or (
            len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        )

    def __hash__(self) -> int:
        """Equal for equal sequences of this class."""
        return hash(self._length)


def mapped(items: Sequence[_Given], change: Callable[[_Given], Item]) -> Sequence[Item]:
    """What `change` gives for each item, computed when it is asked for."""
    return LazySequence(len(items), lambda place: change(items[place]), lambda: map(change, items))


def picked(items: Sequence[Item], places: Places) -> Sequence[Item]:
    """The items at these places."""
    return LazySequence(len(places), lambda place: items[index(places[place])])


def joined(parts: Sequence[Sequence[Item]]) -> Sequence[Item]:
    """The items of several sequences, one after another."""
    begins = [0]
    for part in parts:
        begins.append(begins[-1] + len(part))

    def make(place: int) -> Item:
        number = bisect_right(begins, place) - 1
        return parts[number][place - begins[number]]

    return LazySequence(begins[-1], make, lambda: chain.from_iterable(parts))
