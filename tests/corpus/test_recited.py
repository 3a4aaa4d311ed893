"""The share of runs of eight words that stand in the stories."""

from storytime_tui.corpus.recited import recited

STORY = "The mouse went up the stair, and the clock struck one. Down it ran again, as quick as it could go!"


def test_the_share_of_the_runs_that_stand_in_a_story() -> None:
    words = STORY.split()
    assert recited([STORY], [STORY]) == 1.0
    assert recited(["the MOUSE went up: the stair -- and the"], ["Nothing.", STORY]) == 1.0
    assert recited([" ".join(words[:9]) + " fell and broke in two and more"], [STORY]) == 2 / 9
    assert recited(["One two three four five six seven eight."], [STORY]) == 0.0


def test_what_is_too_short_to_be_recited() -> None:
    assert recited([], [STORY]) == recited(["Too short."], [STORY]) == recited([STORY], []) == 0.0
    assert recited([STORY], ["Too short.", ""]) == 0.0


def test_no_run_goes_from_one_story_to_the_next() -> None:
    assert recited(["a b c d e f g h"], ["x a b c d", "e f g h x"]) == 0.0
