"""Headers: counted from the story, on one line each, and on the share of stories that was asked for."""

from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.headers import (
    TONES,
    characters_in,
    header_before,
    header_of,
    shelf_line,
    tone_of,
    voice_in,
)

LILY = (
    "One day Lily found a kite. The kite was red. Lily and her friend Tom laughed. "
    "Then a silly bird took the kite. It was funny, and Tom giggled when Lily ran."
)
texts = st.text(alphabet="aT eb.,'\nLil y", max_size=300) | st.sampled_from([LILY, "", "The fox. " * 4])


def test_a_header_says_who_and_what_and_how() -> None:
    assert header_of("The Kite", LILY) == "Title: The Kite\nCharacters: Lily, Tom\nTone: funny\n"
    assert header_of("", LILY).startswith("Title: Lily and the Kite\n")
    assert header_of("The Kite (2)", "").splitlines() == ["Title: The Kite"]
    assert header_of("", "") == ""


def test_a_word_with_a_capital_that_begins_a_sentence_is_no_name() -> None:
    assert characters_in("Snow fell. Snow fell again. Snow lay. Yesterday Ann saw it, and Ann sang.") == [
        "Ann"
    ]
    fable = "A fox met a hen. The fox bowed. The sly fox smiled, and the hen did not. So the fox went."
    assert characters_in(fable) == ["the fox"]


def test_the_tone_is_that_of_the_most_telling_words_or_none() -> None:
    for tone, words in TONES.items():
        assert tone_of(" ".join(words.split()[:5])) == tone
    assert tone_of("He put the box on the shelf. " * 20 + "He laughed, he joked.") in ("funny", "")
    assert tone_of("He put the box on the shelf.") == ""


@given(st.text(max_size=20), texts, st.integers(0, 9))
def test_a_header_is_the_story_s_own_and_ends_with_a_blank_line(title: str, text: str, seed: int) -> None:
    whole = header_of(title, text)
    lines = whole.splitlines(keepends=True)
    header = header_before(title, text, share=1.0, seed=seed)
    assert header == header_before(title, text, share=1.0, seed=seed)
    assert bool(header) == bool(whole)
    assert header == "" or header.endswith("\n\n")
    kept = header.splitlines(keepends=True)[:-1]
    assert kept == [line for line in lines if line in kept]
    assert header_before(title, text, share=0.0, seed=seed) == ""


def test_about_the_share_asked_for_gets_one_and_half_of_them_the_whole() -> None:
    headers = [header_before(f"Tale {n}", LILY, share=0.3, seed=1) for n in range(2000)]
    some = [header for header in headers if header]
    assert 0.26 < len(some) / len(headers) < 0.34
    assert 0.4 < sum(header.count("\n") == 4 for header in some) / len(some) < 0.6
    assert headers != [header_before(f"Tale {n}", LILY, share=0.3, seed=2) for n in range(2000)]


def test_a_header_names_its_voice() -> None:
    assert voice_in(f"{shelf_line('Mill: Tales')}Title: The Fox\n") == "Mill: Tales"
    assert voice_in("Title: The Fox\n") == voice_in("") == ""
