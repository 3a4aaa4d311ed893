"""Samples by the time at which they were told, and what each is told from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training.events import Sampled
from storytime_tui.tui.sample_groups import (
    first_of_beginning,
    group_samples,
    last_of_beginning,
    prompt_label,
    step_label,
    steps_line,
)

OLD = [Sampled(step, "Once", f" {step}") for step in (0, 3, 6)]
NEW = [
    each
    for step in (9, 12)
    for each in (Sampled(step, "The wind", " blew", "Mill", held_out=True), Sampled(step, "Once", " on"))
]


def test_samples_of_one_time_stand_together_those_of_older_journals_alone() -> None:
    assert group_samples([]) == []
    assert group_samples([*OLD, *NEW]) == [*((each,) for each in OLD), tuple(NEW[:2]), tuple(NEW[2:])]
    asked_again = [*NEW[2:], *NEW[2:]]  # by a key, at the same step
    assert group_samples(asked_again) == [tuple(NEW[2:]), tuple(NEW[2:])]


@pytest.mark.parametrize(
    ("samples", "shown", "first"),
    [
        (OLD, OLD[2], OLD[0]),
        (OLD, OLD[0], None),  # it is the first
        (OLD[1:], OLD[2], OLD[1]),  # the run has none from before training
        ([*OLD, *NEW], NEW[3], OLD[0]),  # each beginning has its own
        ([*OLD, *NEW], NEW[2], NEW[0]),
        ([*OLD[:1], *OLD[:1]], OLD[0], None),  # asked for again at the same step
        (
            [Sampled(0, "Once", " as Mill", "Mill"), *OLD[1:]],
            OLD[2],
            OLD[1],
        ),  # another voice is no comparison
    ],
)
def test_a_sample_is_compared_with_the_first_of_the_same_beginning(
    samples: list[Sampled], shown: Sampled, first: Sampled | None
) -> None:
    assert first_of_beginning(samples, shown) is first


def test_new_words_are_those_since_the_last_sample_of_the_same_beginning() -> None:
    assert last_of_beginning([*OLD, *NEW], NEW[3]) is NEW[1]
    assert last_of_beginning([*OLD, *NEW], NEW[1]) is OLD[2]
    assert last_of_beginning([*OLD, *NEW], OLD[0]) is None
    assert last_of_beginning([*OLD, OLD[2]], OLD[2]) is OLD[1]  # not of the same step


def test_the_steps_stand_on_a_line_around_the_shown_one() -> None:
    assert steps_line([0, 25, 1050], 1, 40) == (" 0 ·[25]· 1,050 ", ((0, 0, 3), (1, 4, 8), (2, 9, 16)))
    assert steps_line(list(range(0, 90, 10)), 4, 20)[0] == "… 30 ·[40]· 50 …"
    assert steps_line(list(range(0, 90, 10)), 8, 20)[0] == "… 50 · 60 · 70 ·[80]"
    assert steps_line(list(range(0, 90, 10)), 0, 20)[0] == "[0]· 10 · 20 · 30 …"


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=30), st.data(), st.integers(20, 120))
def test_the_line_of_steps_fits_and_says_where_each_stands(
    steps: list[int], data: st.DataObject, width: int
) -> None:
    place = data.draw(st.integers(0, len(steps) - 1))
    line, standings = steps_line(steps, place, width)
    assert len(line) <= width
    for at, first, end in standings:
        assert line[first:end].strip(" []") == f"{steps[at]:,}"
        assert (line[first] == "[") == (at == place)
    places = [at for at, _, _ in standings]
    assert place in places and places == list(range(places[0], places[-1] + 1))


def test_a_line_says_what_a_sample_is_told_from() -> None:
    assert prompt_label(NEW[0]) == "a held-out story of Mill"
    assert prompt_label(Sampled(0, "The wind", "", held_out=True)) == "the first words of a held-out story"
    assert prompt_label(OLD[0]) == "“Once”"
    assert prompt_label(Sampled(0, "Once\nmore", "", "Mill")) == "“Once more”, as Mill"
    assert prompt_label(Sampled(0, " ", "")) == "nothing"
    assert len(prompt_label(Sampled(0, "word " * 99, "", "title " * 99))) < 60
    assert [step_label(each) for each in OLD[:2]] == ["before training", "step 3"]
