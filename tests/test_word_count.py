"""Words are counted by the script, and each way to count them gives the same."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui import word_count
from storytime_tui.word_count import WordCount, count_words
from tests.corpus.formats.tongues import sentences_in, tale_in
from tests.examples import many

SPACED = st.text(
    st.characters(max_codepoint=0xDFF) | st.characters(min_codepoint=0x1800, max_codepoint=0x2E7F)
)
MIXED = st.text("aé 1'-\n\u3000他说，。「」ひらカタナー한국กาลครั้ง\u200b\U00020000") | st.text()


@settings(max_examples=many(100))
@given(SPACED)
def test_in_scripts_with_spaces_words_stand_between_them_and_have_a_letter_or_digit(text: str) -> None:
    assert count_words(text) == sum(any(map(str.isalnum, word)) for word in text.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("The fox ran -- home.", 4),
        ("***", 0),
        ("one\n\n* * *\n\ntwo", 2),
        ("- 3 -", 1),
        ("__ _a_ \u2014 \u201cb\u201d ?! \u2042", 2),
        ("\u043e\u043d \u2014 \u043b\u0438\u0441", 2),
        ("\u4ed6\u8bf4 * * * \u5979\u8bf4", 4),
        ("\u4ed6 __ -a- \u2014\u2014", 2),
        ("\uc219 * * * \uc5d0\u3001", 2),
        ("숲에 가서 땔감을 좀 찾아보아라.", 5),
        ("从前，有一位老人。", 7),
        ("從前，有一位老人。", 7),
        ("他说：“Hello, world!”三遍。", 6),
        ("用GPT2写的12个故事", 8),
        ("むかし、おじいさんとキツネがいた。", 13),
        ("ランプとストーブ", 3),
        ("囁いた。", 3),
        ("他说。\n\n她说。", 4),
        ("กาลครั้งหนึ่งนานมาแล้ว", 6),
        ("。、「」", 0),
    ],
)
def test_words_are_counted_by_the_script(text: str, words: int) -> None:
    assert count_words(text) == words


def test_a_chinese_novel_has_about_as_many_words_as_characters() -> None:
    text = tale_in("Chinese", 753_000)
    characters = sum("\u4e00" <= sign <= "\u9fff" for sign in text)
    assert count_words(text) == characters > 600_000


@pytest.mark.parametrize("language", ["Chinese", "Japanese", "Korean", "Thai", "Russian", "French"])
def test_a_text_in_two_parts_has_the_words_of_both(language: str) -> None:
    first, second = " ".join(sentences_in(language)), tale_in(language, 3000)
    assert count_words(f"{first}\n{second}") == count_words(first) + count_words(second)


@settings(max_examples=many(100))
@given(MIXED, st.integers(1, 12))
def test_long_texts_are_counted_as_short_ones(text: str, short: int) -> None:
    expected = count_words(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_count, "_SHORT", short)
        assert count_words(text) == expected


@settings(max_examples=many(100))
@given(st.lists(MIXED, max_size=8))
def test_a_text_that_grows_has_the_words_of_the_whole(pieces: list[str]) -> None:
    counted = WordCount()
    for at, piece in enumerate(pieces):
        counted.add(piece)
        assert counted.words == count_words("".join(pieces[: at + 1]))


@pytest.mark.parametrize("text", ["one two 'three' ", "caf\u00e9 \u2018two\u2019 three ", "森へ行った。"])
def test_counting_takes_little_memory(text: str) -> None:
    expected = 400_000 * count_words(text)
    text *= 400_000
    count_words(text[:100_000])  # makes the tables
    tracemalloc.start()
    try:
        assert count_words(text) == expected
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
