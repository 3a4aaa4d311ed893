"""Names for files: like the story or the run, cut between words, without signs that files cannot have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.stories.joining import title_from
from storytime_tui.tui.saved_names import LONGEST, file_stem


def test_a_file_is_called_like_the_story_without_signs_that_files_cannot_have() -> None:
    assert file_stem('A/B: "C"?\x1b', "story") == "A-B- -C"
    assert file_stem(" ../ ", "story") == "story"
    assert file_stem("קצר", "story") == "קצר"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("night by sang.", "night by sang"),
        ("The end. . ", "The end"),
        ("Once there was a mouse…", "Once there was a mouse"),
        ("Who is there?!", "Who is there"),
        ("hedgerow-tales-1", "hedgerow-tales-1"),
        ("gpt2.finetuned", "gpt2.finetuned"),
        ("...", "plan"),
        ("", "plan"),
    ],
)
def test_a_files_name_does_not_end_in_a_dot_or_another_mark(name: str, stem: str) -> None:
    assert file_stem(name, "plan") == stem


def test_a_long_title_is_cut_between_words() -> None:
    title = "The Hedgehog Who Lent His Umbrella, and the Long Wet Winter That Followed"
    assert file_stem(title, "story") == "The Hedgehog Who Lent His Umbrella, and the Long Wet Winter"
    assert file_stem("a" * 100, "story") == "a" * LONGEST  # one word
    assert file_stem("The end, " + "a" * 100, "story") == "The end"


@given(st.text(alphabet="ab .,…-!", max_size=90))
def test_no_word_of_a_files_name_is_half_a_word(title: str) -> None:
    stem = file_stem(title, "story")
    assert 0 < len(stem) <= LONGEST
    assert stem[-1] not in " .…,;:!?-"
    if max(map(len, title.split()), default=0) < LONGEST / 2 and stem != "story":
        marks = str.maketrans("", "", ".,…-!")
        assert set(stem.translate(marks).split()) <= set(title.translate(marks).split())


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("There was a mouse in the kitchen, and all, but nobody saw it", "There was a mouse in the kitchen, and all…"),
        ("Once upon a time there was a little mouse, who kept a shop", "Once upon a time there was a little mouse…"),
        ("It rained …", "It rained"),
        ("She said –", "She said"),
    ],
)  # fmt: skip
def test_a_title_made_from_a_line_has_no_mark_before_its_end(line: str, title: str) -> None:
    assert title_from(line) == title
