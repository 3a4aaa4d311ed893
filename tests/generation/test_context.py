"""What the model sees: never too much, never nothing, the same for the same story, cut where a backend could begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.context import NOTE_DEPTH, lay_out, view_start

BREAK, START = 1, 99
IDS = st.lists(st.integers(0, 3), max_size=300)


def is_break(token: int) -> bool:
    return token == BREAK


@given(IDS, st.integers(1, 120), st.lists(st.just(50), max_size=150), st.lists(st.just(60), max_size=150))
def test_the_view_fits(story: list[int], window: int, memory: list[int], note: list[int]) -> None:
    view = lay_out(story, window, is_break, start=START, memory=memory, note=note)
    assert 1 <= len(view.ids) <= window
    seen = [token for token in view.ids if token < 50]
    assert seen == story[view.begins :]
    assert seen or not story
    assert view.memory + view.memory_left_out == len(memory)
    assert view.note + view.note_left_out == len(note)
    assert view.ids.count(50) == view.memory <= window // 2
    assert view.ids.count(60) == view.note <= window // 4


@given(IDS, st.integers(4, 120))
def test_a_story_that_fits_is_seen_whole_behind_an_end_of_text(story: list[int], window: int) -> None:
    view = lay_out(story, window, is_break, start=START)
    if len(story) + 1 <= window:
        assert view.ids == (START, *story)
    if view.begins:
        assert view.ids == tuple(story[view.begins :])


@given(st.lists(st.integers(0, 3), min_size=300, max_size=300), st.integers(4, 100))
def test_the_beginning_moves_seldom_and_never_back(story: list[int], room: int) -> None:
    begins = [view_start(story[:length], room, is_break) for length in range(1, 301)]
    assert begins == sorted(begins)
    block = max(1, room // 4)
    assert len(set(begins)) <= -(-300 // block) + 1
    for length, start in enumerate(begins, 1):
        assert 1 <= length - start <= room
        assert start == 0 or length - start > room - 2 * block


def test_it_begins_after_a_paragraph_where_one_ends_nearby() -> None:
    story = [0] * 130
    assert view_start(story, 100, is_break) == 50
    story[55] = BREAK
    assert view_start(story, 100, is_break) == 56
    story[55], story[70] = 0, BREAK
    assert view_start(story, 100, is_break) == 50  # too far away


def test_the_note_stands_a_few_lines_from_the_end_after_a_line() -> None:
    story = [0] * 200
    view = lay_out(story, 400, is_break, start=START, note=[60, 60])
    assert view.ids.index(60) == 1 + 200 - NOTE_DEPTH
    story[120] = BREAK
    view = lay_out(story, 400, is_break, start=START, note=[60, 60])
    assert view.ids.index(60) == 1 + 121 and view.note_at == 121


@pytest.mark.parametrize("depth", [0, 16, 128, 1000])
def test_the_note_stands_as_deep_as_it_should(depth: int) -> None:
    story = [0] * 200
    view = lay_out(story, 400, is_break, start=START, note=[60, 60], note_depth=depth)
    assert view.note_at == max(0, 200 - depth)
    story[150] = BREAK
    view = lay_out(story, 400, is_break, start=START, note=[60, 60], note_depth=depth)
    assert view.note_at == (151 if depth <= 49 else max(0, 200 - depth))


def test_memory_stays_when_the_story_has_long_moved_on() -> None:
    view = lay_out([0] * 1000, 64, is_break, start=START, memory=[50] * 10)
    assert view.ids[:11] == (START, *[50] * 10)
    assert view.begins > 900
