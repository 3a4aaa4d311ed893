"""Sequences that make their items when they are asked for behave like tuples."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.lazy import joined, mapped, picked

numbers = st.lists(st.integers(), max_size=8)
ends = st.none() | st.integers(-10, 10)


def same(lazy: Sequence[int], wanted: tuple[int, ...]) -> None:
    assert len(lazy) == len(wanted)
    assert tuple(lazy) == wanted
    assert lazy == wanted and wanted == lazy
    assert lazy != (*wanted, 1)
    assert [lazy[at] for at in range(-len(wanted), len(wanted))] == [*wanted, *wanted]
    for outside in (len(wanted), -len(wanted) - 1):
        with pytest.raises(IndexError):
            lazy[outside]


@given(numbers, st.lists(numbers, max_size=4), st.data())
def test_lazy_sequences_are_like_tuples(
    first: list[int], others: list[list[int]], data: st.DataObject
) -> None:
    same(mapped(first, lambda number: number * 2), tuple(number * 2 for number in first))
    every = tuple(number for part in (first, *others) for number in part)
    whole = joined([first, *others])
    same(whole, every)
    places = data.draw(st.lists(st.integers(0, len(every) - 1), max_size=8)) if every else []
    same(picked(whole, places), tuple(every[place] for place in places))
    cut = slice(data.draw(ends), data.draw(ends), data.draw(ends.filter(lambda step: step != 0)))
    same(whole[cut], every[cut])


def test_an_item_is_made_when_it_is_asked_for_and_not_before() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    lazy = joined([mapped([1, 2, 3], make), mapped([4, 5], make)])
    assert made == []
    assert picked(lazy, [3, 0])[0] == 4
    assert made == [4]
