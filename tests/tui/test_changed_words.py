"""New words of a sample are found, and its text stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.tui.changed_words import LONGEST, changed_parts

WORDS = st.lists(st.sampled_from(["the", "mouse", "[/]", "kettle,", "é", "\n\n", " "]), max_size=12).map(
    " ".join
)


def is_in_order(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(word in rest for word in part)


@given(WORDS, WORDS)
def test_the_parts_are_the_text_and_old_words_stand_in_the_old_text(before: str, after: str) -> None:
    parts = changed_parts(before, after)
    assert "".join(text for text, _ in parts) == after
    old = [word for text, is_new in parts if not is_new for word in text.split()]
    if any(is_new for _, is_new in parts):
        assert is_in_order(old, before.split())


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        (" and she was happy.", " and she was late.", [" late."]),
        (" and she was happy.", " and she was happy.", []),
        (" and she was happy.", " a frog hopped in", []),  # a new text needs no marks
        ("", " a frog", []),
        (" a frog", " once a frog", [" once"]),
        (" a frog", "\n\na frog", []),  # only the space differs
    ],
)
def test_new_words_are_marked_unless_all_are_new(before: str, after: str, new: list[str]) -> None:
    assert [text for text, is_new in changed_parts(before, after) if is_new] == new


def test_a_very_long_text_is_not_compared() -> None:
    long = " word" * (LONGEST + 1)
    assert changed_parts(" word", long) == [(long, False)]
