"""Samples by the time at which they were told, and what each is told from."""

from storytime_tui.training.events import Sampled
from storytime_tui.tui.samplings import samplings, told_from, when

OLD = [Sampled(step, "Once", f" {step}") for step in (0, 3, 6)]
NEW = [
    each
    for step in (9, 12)
    for each in (Sampled(step, "The wind", " blew", "Mill", held_out=True), Sampled(step, "Once", " on"))
]


def test_samples_of_one_time_stand_together_those_of_older_journals_alone() -> None:
    assert samplings([]) == []
    assert samplings([*OLD, *NEW]) == [*((each,) for each in OLD), tuple(NEW[:2]), tuple(NEW[2:])]
    asked_again = [*NEW[2:], *NEW[2:]]  # by a key, at the same step
    assert samplings(asked_again) == [tuple(NEW[2:]), tuple(NEW[2:])]


def test_a_line_says_what_a_sample_is_told_from() -> None:
    assert told_from(NEW[0]) == "a held-out story of Mill"
    assert told_from(Sampled(0, "The wind", "", held_out=True)) == "the first words of a held-out story"
    assert told_from(OLD[0]) == "“Once”"
    assert told_from(Sampled(0, "Once\nmore", "", "Mill")) == "“Once more”, as Mill"
    assert told_from(Sampled(0, " ", "")) == "nothing"
    assert len(told_from(Sampled(0, "word " * 99, "", "title " * 99))) < 60
    assert [when(each) for each in OLD[:2]] == ["untouched", "step 3"]
