"""Cleaning keeps the words and the verse, and takes off wraps, licence text and typists' punctuation."""

import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.cleaning.clean import (
    clean,
    plain_punctuation,
    single_blank_lines,
    strip_gutenberg,
    unix_lines,
    unwrap,
    wrap_width,
)
from storytime_tui.corpus.formats.read import read_text
from tests.examples import many

PROSE = (
    "There was once a miller who had three sons and a cat, and when he died the eldest took the mill, the "
    "second took the donkey, and nothing was left for the youngest but the cat. He sat down by the road and "
    "wondered what was to become of him, for a cat does not bring much money, and he had no other trade."
)
VERSE = "Shake, shake, hazel-tree,\nGold and silver over me,\nLeaves of green and berries red,\nFall on me"
MARKERS = (
    "*** START OF THIS PROJECT GUTENBERG EBOOK X ***",
    "***START OF THE PROJECT GUTENBERG EBOOK X***",
    "*** END OF THIS PROJECT GUTENBERG EBOOK X ***",
    "End of the Project Gutenberg EBook of X",
    "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
    "The Project Gutenberg Etext of X",
    "Produced by Y",
)

MARKS = (
    "[Illustration: a hen]",
    "[Illustration",
    "[Transcriber's Note: none]",
    "Transcriber's Note",
    "[Pg 12]",
    "{12}",
    "12",
    "word[1]",
    "[1] A note.",
    "word(2)",
    "(2) A note.",
    "word*",
    "* A note.",
    "_so_",
    "_so",
    "un_so_",
    "=so=",
    "* * *",
    "-----------",
    "the house of Hans the mer-",
    "ry hens",
    "FOOTNOTES:",
)

BITS = ["the", "a", "Once", "upon", "king", "Fox", "said", "well-", "known--", "she.", "He'd", "—so"]
PLAIN_WORDS = [
    "the",
    "a",
    "Once",
    "upon",
    "time",
    "king",
    "fox",
    "Hans",
    "said",
    "well-known",
    "she.",
    "went",
]

lines = st.one_of(
    st.text(max_size=30),
    st.sampled_from(MARKERS),
    st.sampled_from(MARKS),
    st.text(alphabet="aB c.,-\t—’“…\u00ad\x1b", max_size=90),
    st.builds(
        lambda indent, words: indent + " ".join(words),
        st.sampled_from(["", "", " ", "    ", "\t"]),
        st.lists(st.sampled_from(BITS), max_size=16),
    ),
)
texts = st.lists(st.one_of(st.just(""), lines), max_size=14).map("\n".join)
wrapped_texts = st.lists(
    st.builds(
        lambda words, width: textwrap.fill(" ".join(words), width, break_long_words=False),
        st.lists(st.sampled_from(PLAIN_WORDS), max_size=60),
        st.integers(35, 80),
    ),
    max_size=4,
).map("\n\n".join)


def words(text: str) -> list[str]:
    """The letters and digits that stand together, once invisible signs are out."""
    return re.findall(r"[^\W_]+", plain_punctuation(text))


def letters(text: str) -> list[str]:
    """Every letter and digit by itself: where a word was torn, or a mark stood in it, it is one again."""
    return re.findall(r"[^\W_]", plain_punctuation(text))


def is_subsequence(few: list[str], many: list[str]) -> bool:
    rest = iter(many)
    return all(word in rest for word in few)


@settings(max_examples=many(100), deadline=None)
@given(st.one_of(texts, wrapped_texts), st.booleans())
@example("End of\nthe Project Gutenberg EBook of", True)
@example(
    "    Once upon a time there was a very old king who lived in\na castle by the sea and\n    had a fox",
    True,
)
def test_clean_is_idempotent_and_makes_no_word(text: str, plain: bool) -> None:
    cleaned = clean(text, plain=plain)
    assert clean(cleaned, plain=plain) == cleaned
    assert is_subsequence(letters(cleaned), letters(text))
    if "[" not in text and "_" not in text and "{" not in text and "-" not in plain_punctuation(text):
        assert is_subsequence(words(cleaned), words(text))
    assert "\r" not in cleaned
    assert "\n\n\n" not in cleaned
    assert not re.search(r"[ \t]\n", cleaned)
    assert cleaned == cleaned.strip("\n")


@settings(max_examples=many(80), deadline=None)
@given(wrapped_texts)
def test_without_markers_no_word_is_lost(text: str) -> None:
    assert words(clean(text)) == words(text)


@pytest.mark.parametrize("width", [50, 60, 72, 79])
def test_wrapped_prose_comes_back_as_it_was_before(width: int) -> None:
    paragraphs = [PROSE, PROSE.replace("miller", "tailor"), "‘Who is there?’ said the cat."]
    wrapped = "\n\n".join(textwrap.fill(paragraph, width) for paragraph in paragraphs)
    assert clean(wrapped) == "\n\n".join(paragraphs).replace("‘", "'").replace("’", "'")


@pytest.mark.parametrize("indent", ["", "  "])
def test_verse_in_wrapped_prose_stays_verse(indent: str) -> None:
    verse = textwrap.indent(VERSE, indent)
    prose = textwrap.fill(PROSE, 72)
    assert clean(f"{prose}\n\n{verse}\n\n{prose}") == f"{PROSE}\n\n{verse}\n\n{PROSE}"


def test_indented_verse_without_blank_lines_around_it_stays_verse() -> None:
    prose = textwrap.fill(PROSE, 72)
    assert clean(f"{prose}\n  Back again, back again,\n  look to the shoe!\n{prose}") == (
        f"{PROSE}\n  Back again, back again,\n  look to the shoe!\n{PROSE}"
    )


def test_a_poem_alone_is_left_as_it_is() -> None:
    assert clean(VERSE) == VERSE


def test_unwrapped_prose_is_left_as_it_is() -> None:
    text = f"{PROSE}\nand this line begins small.\n\n{PROSE}"
    assert unwrap(text) == text


def test_paragraphs_begun_by_an_indent_are_prose() -> None:
    one = textwrap.fill(PROSE, 68, initial_indent="    ")
    assert clean(f'{one}\n{one}\n\n    "Indeed?" said the cat.\n\n{one}') == (
        f'{PROSE}\n\n{PROSE}\n\n"Indeed?" said the cat.\n\n{PROSE}'
    )


def test_hyphens_and_dashes_at_a_line_end_are_not_torn() -> None:
    text = (
        "The long road went on and on past the mill and the house of the merry-\nhearted tailor--\nwho sang--"
    )
    long = (
        "and then the fox went home, as it was late, and told his wife about the farm--\nwho laughed at him."
    )
    assert "merry-hearted tailor--who" in clean(f"{text}\n\n{long}")
    assert "farm--who laughed" in clean(f"{text}\n\n{long}")


LONG = "The old goose went down to the water again in the grey of the morning, as she had every day of her life,\n"


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("and said good morn-\ning to the pike.\n\nEvery morning it was so.", "good morning to"),
        ("and met the well-\nknown pike.\n\nHe was well-known to all.", "the well-known pike"),
        (
            "and met the merry-\nhearted pike, who sang to her.",
            "the merry-hearted pike",
        ),  # nothing tells: it stays
        ("and met the pike--\nhe sang.\n\nThe pikehe is no fish.", "the pike--he sang"),
        ("and saw the gray Jean-\nBaptiste again.\n\nJeanBaptiste ran.", "gray Jean-Baptiste again"),
        ("and said 'good morn-\ning' to him.\n\n'Morning,' said he.", "'good morning' to"),
    ],
)
def test_a_word_that_a_line_end_has_torn_is_one_again(text: str, joined: str) -> None:
    assert joined in clean(LONG + text + "\n\n" + LONG + LONG)


def test_where_most_words_are_torn_an_unknown_one_is_taken_for_torn() -> None:
    text = (
        "She went along the dyke and said to everybody whom she met good morn-\n"
        "ing, and nobody had the time or the breath or the courage to an-\n"
        "swer her; so that by noon the goose, who was proud, was feel-\n"
        "ing poorly, and went home in the rain without so much as an egg.\n"
    )
    known = "In the morning he would answer."
    assert "who was proud, was feeling poorly" in clean(f"{text}\n{known}\n\n{text}")
    assert "who was proud, was feel-ing poorly" in clean(f"{text}\n{text}")  # nothing tells


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        (
            "A frog sat on a log and it\nwas a long log in-\ndeed.",
            "A frog sat on a log and it was a long log in-deed.",
        ),
        ("So in the morning, in-\ndeed, it was.\n\nIndeed!", "So in the morning, indeed, it was.\n\nIndeed!"),
        (
            "Dear Mole,\n\nThe Sett,\nBramble Lane\n\nThe rain came in at the back door, and I have moved the\n"
            "potatoes upstairs.\n\nYours,\nBadger",
            "Dear Mole,\n\nThe Sett,\nBramble Lane\n\nThe rain came in at the back door, and I have moved the "
            "potatoes upstairs.\n\nYours,\nBadger",
        ),
    ],
)
def test_a_short_text_is_unwrapped_where_nothing_else_can_be_meant(text: str, joined: str) -> None:
    assert clean(text) == joined
    assert clean(joined) == joined


@pytest.mark.parametrize(
    "verse",
    [
        "the moon came over the hill\nand shone on the sheep\nand the lamb",
        "Hush, said the vole,\nhush, said the rain",
        "so much of it\nhung upon\n\na red lamp\nlit with\n\nfish oil\nbeside the white\n\ngeese",
    ],
)
def test_verse_is_never_joined(verse: str) -> None:
    assert clean(verse) == verse


def test_quotes_and_dashes_stay_as_written_where_that_is_wished() -> None:
    text = "“Don’t”—she said – ‘no…’"
    assert clean(text, plain=False) == text
    prose = PROSE.replace(", ", "—").replace("mill", "“mill”").replace("his eldest", "‘his’ eldest")
    assert clean(textwrap.fill(prose, 66), plain=False) == prose


def test_hostile_texts_are_cleaned_in_good_time() -> None:
    for text in (
        "a" * 10**6,
        "\n" * 10**6,
        "[" * 10**5,
        "* " * 500_000,
        "_a" * 300_000,
        "[Illustration: " * 30_000,
    ):
        clean(text)


def test_a_long_text_without_blank_lines_becomes_one_paragraph_a_line() -> None:
    prose = textwrap.fill(PROSE, 72)
    assert clean("\n".join([prose] * 50)) == "\n".join([PROSE] * 50)
    endless = " ".join([PROSE] * 2000)  # joined piece by piece, this would take minutes
    assert clean(textwrap.fill(endless, 72)) == endless


def test_plain_punctuation() -> None:
    assert plain_punctuation("“Don’t”—she said – ‘no…’\u00a0so\u00ad") == "\"Don't\"--she said - 'no...' so"


def test_line_ends_and_blank_lines() -> None:
    assert unix_lines("a\r\nb\rc\u2028d") == "a\nb\nc\nd"
    assert single_blank_lines("a\n\n\n\nb\n\nc") == "a\n\nb\n\nc"
    assert clean("\n\n a  \n\n\n\n b.  c \n") == "a\n\nb. c"


HEADER = (
    "The Project Gutenberg EBook of The Fox, by A. Hare\n\nFor the use of anyone\n\nLanguage: English\n\n"
)
FOOTER = "\n*** START: FULL LICENSE ***\n\nTHE FULL PROJECT GUTENBERG LICENSE\n"
START = HEADER + "*** START OF THE PROJECT GUTENBERG EBOOK THE FOX ***"
SMALL_PRINT = (
    "*******The Project Gutenberg Etext of The Fox*******\n\n"
    "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\nYou know: lawyers.\n"
)
HTML_NOTE = "Note: Project Gutenberg also has an HTML version of this\n      file."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (START, "*** END OF THE PROJECT GUTENBERG EBOOK THE FOX ***"),
        (START.replace("THE PROJECT", "THIS PROJECT"), "*** END OF THIS PROJECT GUTENBERG EBOOK THE FOX ***"),
        (START.replace("*** ", "***"), "***END OF THE PROJECT GUTENBERG EBOOK THE FOX***"),
        (START.replace("THE FOX", "THE\nFOX"), "End of the Project Gutenberg EBook of The Fox"),
        (f"{START}\n\nProduced by A. Typist\nand others", "End of Project Gutenberg's The Fox, by A. Hare"),
        (f"{START}\n\nE-text prepared by X\n\n{HTML_NOTE}\n\n", "End of this Project Gutenberg Etext"),
        (
            START,
            "*** END OF THE PROJECT GUTENBERG EBOOK\n\n***START**THE SMALL PRINT!**\n*END*THE SMALL PRINT!*",
        ),
        (
            f"{SMALL_PRINT}*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n\n"
            "This etext was prepared by X",
            "End of The Project Gutenberg Etext of The Fox",
        ),
        (
            f"{SMALL_PRINT}*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.07.00*END*\n\n"
            "  The Project Gutenberg Etext of The Fox",
            "The Project Gutenberg Etext of The Fox\nby A. Hare",
        ),
    ],
)
def test_gutenberg_headers_and_footers_of_every_age(before: str, after: str) -> None:
    body = "THE FOX\n\nOnce upon a time.\n\nThe End"
    footer = "" if after.startswith("The Project") else FOOTER  # the oldest files end with their name
    assert clean(f"{before}\n\n\n{body}\n\n\n{after}\n{footer}") == body


def test_two_books_in_one_file_are_both_kept() -> None:
    book = f"{HEADER}\n{MARKERS[0]}\n\n%s tale.\n\n{MARKERS[2]}\n{FOOTER}"
    assert strip_gutenberg(book % "One" + book % "Another") == "One tale.\n\nAnother tale."


def test_a_story_about_gutenberg_loses_nothing() -> None:
    text = (
        "He worked on Project Gutenberg, and at the end of the Project Gutenberg smiled.\n\nThe small print!"
    )
    assert strip_gutenberg(text) == text


def test_real_books_are_freed_of_their_licence_and_wraps(shared: Path) -> None:
    for path in sorted((shared / "gutenberg_raw").glob("*.txt"))[::4]:
        text = clean(read_text(path))
        assert "gutenberg" not in text.casefold()
        assert "small print!" not in text.casefold()
        in_lines = sum(len(block) for block in text.split("\n\n") if "\n" in block)
        assert in_lines < 0.06 * len(text)  # verse, contents, title pages
        assert text.endswith(tuple('.!?"])')) or text[-20:].isupper()  # or with the printer's name


def test_real_tales_keep_their_verse(shared: Path) -> None:
    text = clean(read_text(shared / "corpora" / "grimm" / "raw_text" / "Ashputtle.txt"))
    assert (
        "\n\n 'Shake, shake, hazel-tree,\n  Gold and silver over me!'\n\nThen her friend the bird flew"
        in text
    )
    assert wrap_width([block.split("\n") for block in text.split("\n\n")]) is None
