"""A sentence's end is where a backend would see it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.generation.sentences import ends_sentence, sentence_cut


@pytest.mark.parametrize(
    "text",
    [
        "The owl slept.",
        "The owl slept. \n\n",
        "Who goes there?",
        "Oh!",
        '"Come in," said the owl. "It is late."',
        "“Come in,” said the owl. “It is late.”",
        "'It is late.'",
        "(The owl slept.)",
        "And then he waited...",
        "And then he waited…",
        "It was I.",
        "The price was 3.14.",
        "What?!",
        "They met at No. 4.",
        '"One paragraph goes on.\n\n"The next one closes it."',
        "The dogs' bones. It was theirs.",
    ],
)
def test_these_end_whole(text: str) -> None:
    assert ends_sentence(text)
    assert sentence_cut(text) == len(text.rstrip())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "The owl",
        "The owl slept,",
        "Once there was Mr.",
        "The house of Mrs. and Dr.",
        "written by J. R.",
        "fruit, e.g.",
        '"Come in.',
        "“Come in.",
        "The owl didn't",
        "The owl slept. It",
    ],
)
def test_these_do_not(text: str) -> None:
    assert not ends_sentence(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The owl slept. It dreamt of", "The owl slept."),
        ('"Stop!" he said. "Or I', '"Stop!" he said.'),
        ('He cried, "Stop!" and ran', ""),
        ("Mr. Tod slept. Then Mr. Brock", "Mr. Tod slept."),
        ("He waited... and waited. Then", "He waited... and waited."),
        ('"It is late. Go home," she', ""),
        ("It was 3.14 or so. But", "It was 3.14 or so."),
        ("Nothing at all", ""),
        ("He slept.\n\nChapter Two\n\nThe cat sat on", "He slept."),
        ("He slept. At No. 4 there", "He slept."),
        ("He said No. Then", "He said No."),
        ("J. R. slept. He", "J. R. slept."),
        ("“Go.” He went. “Now", "“Go.” He went."),
    ],
)
def test_the_cut_is_behind_the_last_whole_sentence(text: str, kept: str) -> None:
    assert text[: sentence_cut(text)] == kept


def test_nothing_before_the_start_is_cut() -> None:
    text = "The prompt ends. And it goes on"
    assert sentence_cut(text, len("The prompt ends.")) == len("The prompt ends.")
    assert sentence_cut(text, 20) == 20


prose = st.lists(
    st.sampled_from(
        [
            "The owl",
            " slept",
            ".",
            "!",
            "?",
            "...",
            "…",
            '"',
            "“",
            "”",
            "'",
            " Mr.",
            " I",
            " J.",
            "\n\n",
            "\n",
            " ",
            " he",
        ]
    ),
    max_size=25,
).map("".join)


@given(prose, st.integers(0, 30))
def test_a_cut_ends_a_sentence_and_cutting_again_changes_nothing(text: str, start: int) -> None:
    start = min(start, len(text))
    cut = sentence_cut(text, start)
    assert start <= cut <= len(text)
    if cut > start:
        assert ends_sentence(text[:cut])
        assert sentence_cut(text[:cut], start) == cut
        assert text[cut - 1] in ".!?…\"”'"


@given(prose)
def test_a_text_ends_a_sentence_when_nothing_is_to_be_cut(text: str) -> None:
    trimmed = text.rstrip()
    assert ends_sentence(text) == (bool(trimmed) and sentence_cut(text) == len(trimmed))
