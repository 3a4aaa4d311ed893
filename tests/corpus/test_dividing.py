"""A book comes apart into its stories: with their titles, with nothing lost and nothing made up."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing import divide, title_and_body
from storytime_tui.corpus.document import Document, Heading, Tale

PARAGRAPHS = (
    "There was once a miller who had nothing left in the world but a mill, a cat, and a very good opinion\n"
    "of himself; and of these the cat was the only one that earned its keep, as it often told him.\n\n"
    "One morning the wind stopped. The miller looked at the sails, and the cat looked at the miller, and\n"
    "neither of them said what both were thinking, which was that there would be no bread on Friday.\n\n",
    "A heron and a pike shared one pool between them. The heron had the top of it and the pike had the\n"
    "bottom, and the small fish in the middle belonged to whoever woke up first on any given morning.\n\n"
    "It went on like that for years. Then somebody put up a notice, and after the notice came a man with\n"
    "a rope, and the pool was a good deal quieter than either of them had been used to before that.\n\n",
    "The tailor's youngest daughter could sew anything, so they gave her the torn evening to mend, and she\n"
    "sat upon the step with a long grey thread. By the time the lamps were lit it held together again.\n\n"
    "She kept the scraps in a tin. On winter afternoons, when it grew dark too early, she would take one\n"
    "out, and look at it against the window, and put it carefully away for another day of the same kind.\n\n",
)
TITLES = ("The Miller's Cat", "The Heron and the Pike", "A Torn Evening")


def omnibus(titles: tuple[str, ...] = TITLES) -> str:
    listed = "".join(f"     {title}\n" for title in titles)
    tales = "".join(f"\n\n\n{title.upper()}\n\n\n{PARAGRAPHS[i % 3]}" for i, title in enumerate(titles))
    return f"THREE EVENINGS\n\nby N. O. Body\n\n\n\nCONTENTS\n\n{listed}\n{tales}"


def novel() -> str:
    chapters = "".join(
        f"\n\n\nCHAPTER {number}\n\nOf what Wendel did\n\n\nWendel went out again. So Wendel said.\n\n{text}"
        for number, text in zip(("I", "II", "III"), PARAGRAPHS, strict=True)
    )
    return f"WENDEL\n\nby N. O. Body\n\n\n{chapters}"


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_an_omnibus_comes_apart_into_its_tales_with_their_titles() -> None:
    tales = divide(Document(omnibus()))
    assert [tale.title for tale in tales] == list(TITLES)
    for tale, text in zip(tales, PARAGRAPHS, strict=True):
        assert words(tale.text) == words(text)
        assert tale.text.count("\n") == 2  # two paragraphs, each one line
        assert tale.chapters == ()


def test_a_title_that_is_listed_twice_is_two_tales() -> None:
    tales = divide(Document(omnibus((*TITLES, TITLES[1]))))
    assert [tale.title for tale in tales] == [*TITLES, TITLES[1]]


def test_a_novel_stays_one_story_and_knows_its_chapters() -> None:
    (tale,) = divide(Document(novel()))
    assert len(tale.chapters) == 3
    assert tale.chapters[0].start == 0
    for chapter in tale.chapters:
        assert tale.text[chapter.start :].startswith("Wendel went out again.")
    assert "CHAPTER" not in tale.text and "Of what" not in tale.text


def test_headings_that_the_format_names_are_believed() -> None:
    lines: list[str] = []
    headings = []
    for title, text in zip(("The Cat", "The Pike"), PARAGRAPHS, strict=False):
        headings.append(Heading(len(lines), 2))
        lines += [title, "", text.replace("\n", " ").strip(), ""]
    tales = divide(Document("\n".join(lines), wrapped=False, headings=tuple(headings)))
    assert [tale.title for tale in tales] == ["The Cat", "The Pike"]
    assert [words(tale.text) for tale in tales] == [words(text) for text in PARAGRAPHS[:2]]


def test_each_tale_knows_its_lines() -> None:
    document = Document(omnibus())
    lines = document.text.split("\n")
    for tale, text in zip(divide(document), PARAGRAPHS, strict=True):
        first, last = tale.lines
        assert words("\n".join(lines[first:last]))[-20:] == words(text)[-20:]
        assert tale.title.split()[-1].casefold() in "\n".join(lines[first : first + 2]).casefold()


def test_stories_between_end_of_text_signs_come_apart() -> None:
    text = "<|endoftext|>\n".join(PARAGRAPHS)
    tales = divide(Document(text))
    assert [words(tale.text) for tale in tales] == [words(each) for each in PARAGRAPHS]
    assert {tale.title for tale in tales} == {""}


def test_quotes_stay_as_written_where_that_is_wished() -> None:
    text = "The Cat\n\n“Well,” said the cat—and went."
    assert divide(Document(text))[0].text == '"Well," said the cat--and went.'
    assert divide(Document(text), plain=False)[0].text == "“Well,” said the cat—and went."


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n ",
        "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n*** END OF THE PROJECT GUTENBERG EBOOK X ***\nOur terms.",
    ],
)
def test_what_holds_no_story_gives_none(text: str) -> None:
    assert divide(Document(text)) == ()


TITLED = [
    ("The Clever Fox\n\nOnce upon a time.", "The Clever Fox"),
    ("Who Stole the Moon?\n\nOnce.", "Who Stole the Moon?"),
    ("3 Foxes\n\nOnce.", "3 Foxes"),
    ("It was a dark night.\n\nThe fox ran.", ""),
    ("He said,\n\n'Come in.'", ""),
    ("Who is there?\n\nThe fox ran.", ""),
    ("and so it went\n\nThe fox ran.", ""),
    ("The Clever Fox\nOnce upon a time.", ""),
    ("The Clever Fox", ""),
    ("There was once a king who had a daughter and she had a golden ball to play with\n\nOnce.", ""),
]


@pytest.mark.parametrize(("text", "title"), TITLED)
def test_a_heading_is_the_title_and_an_ordinary_line_is_not(text: str, title: str) -> None:
    assert title_and_body(text) == (title, text.split("\n\n", 1)[1] if title else text)


pieces = st.sampled_from(
    [
        "CONTENTS", "CHAPTER I", "CHAPTER II.", "I", "II", "THE FOX", "The Fox", "The Fox  12", "THE END", "INDEX",
        "PREFACE", "FIRST STORY", "* * *", "[Illustration: a hen]", "[1] A note.", "12", "{12}", "[Pg 3]", "_so_",
        "<|endoftext|>", "Transcriber's Note: none", "*** START OF THE PROJECT GUTENBERG EBOOK X ***",
        "*** END OF THE PROJECT GUTENBERG EBOOK X ***", "    He ran,\n    she ran.", "the fox ran to-\nday—and “so”",
        PARAGRAPHS[0].strip(), PARAGRAPHS[1].strip(), "He said:", "By N. O. Body", "ÀÉ œuf", "",
    ]
)  # fmt: skip
gaps = st.sampled_from(["\n", "\n\n", "\n\n\n\n", " "])
books = st.lists(st.tuples(pieces, gaps), max_size=25).map(lambda parts: "".join(a + b for a, b in parts))
documents = st.builds(
    lambda text, wrapped, lines: Document(
        text,
        wrapped=wrapped,
        headings=()
        if wrapped
        else tuple(Heading(n, 1 + n % 3) for n in sorted(lines) if n <= text.count("\n")),
    ),
    st.one_of(books, st.text(max_size=120)),
    st.booleans(),
    st.frozensets(st.integers(0, 40), max_size=6),
)


@settings(deadline=None, max_examples=200)
@given(documents, st.booleans())
def test_no_word_is_made_up_and_every_tale_is_whole(document: Document, plain: bool) -> None:
    letters = {sign for sign in document.text.casefold() if sign.isalnum()}
    known = "".join(sign for sign in document.text.casefold() if sign.isalnum())
    for tale in divide(document, plain=plain):
        assert tale.text.strip()
        assert tale.text == tale.text.strip("\n")
        assert 0 <= tale.lines[0] < tale.lines[1] <= document.text.count("\n") + 1
        assert [chapter.start for chapter in tale.chapters] == sorted({c.start for c in tale.chapters})
        assert all(0 <= chapter.start < len(tale.text) for chapter in tale.chapters)
        assert {sign for sign in tale.text.casefold() if sign.isalnum()} <= letters
        for word in words(tale.text.casefold()):
            assert "".join(sign for sign in word if sign.isalnum()) in known


@settings(deadline=None, max_examples=150)
@given(books)
def test_a_tale_that_is_kept_as_a_file_reads_as_the_same_text(text: str) -> None:
    def again(tale: Tale) -> str:
        return "\n\n".join(other.text for other in divide(Document(tale.text)))

    for tale in divide(Document(text)):
        if not tale.chapters and divide(Document(tale.text)):
            assert set(words(again(tale))) <= set(words(tale.text))
