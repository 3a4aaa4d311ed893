"""What the model sees: the newest ids, never too many, never none, cut where a reader could begin."""

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.context import fit

BREAK = 1


def is_break(token: int) -> bool:
    return token == BREAK


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.integers(1, 100), st.integers(0, 120))
def test_the_view_fits_and_is_never_empty(ids: list[int], window: int, room: int) -> None:
    start = fit(ids, window, room, is_break)
    kept = len(ids) - start
    assert 1 <= kept <= max(1, window - room)
    if len(ids) + room <= window:
        assert start == 0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.integers(8, 100), st.integers(1, 50))
def test_it_begins_after_the_first_break_that_is_near(ids: list[int], window: int, room: int) -> None:
    kept = max(1, window - room)
    earliest = max(0, len(ids) - kept)
    near = range(earliest, min(len(ids), earliest + min(window // 4, kept // 2) + 1))
    after_breaks = [start for start in near if start > 0 and is_break(ids[start - 1])]
    expected = after_breaks[0] if earliest and after_breaks else earliest
    assert fit(ids, window, room, is_break) == expected


def test_a_break_within_a_quarter_of_the_window_is_taken() -> None:
    ids = [0] * 40
    ids[25] = BREAK
    assert fit(ids, window=24, room=4, is_break=is_break) == 26
    assert fit(ids, window=24, room=6, is_break=is_break) == 26
    ids[25], ids[27] = 0, BREAK
    assert fit(ids, window=24, room=4, is_break=is_break) == 20  # too far away


def test_a_break_just_before_the_cut_needs_no_move() -> None:
    ids = [0] * 40
    ids[19] = ids[21] = BREAK
    assert fit(ids, window=24, room=4, is_break=is_break) == 20
