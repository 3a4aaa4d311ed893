"""A book comes apart into its stories: with their titles, with nothing lost and nothing made up."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.cleaning.clean import clean, plain_punctuation
from storytime_tui.corpus.dividing.divide import divide, read_book, title_and_body
from storytime_tui.corpus.document import Document, Heading
from storytime_tui.corpus.formats.read import read_document
from tests.examples import many

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


BORDERS = [
    "<|endoftext|>{}", "<|startoftext|>{}<|endoftext|>\n", "<|startoftext|>\n{}\n<|endoftext|>\n", "<s>{}</s>\n",
    "<s> {} </s>", "<s>\n{}\n</s>\n\n", "[BOS]{}[EOS]\n", "[BOS]\n{}\n[EOS]\n", "{}\n[EOS]\n", "{}</s>\n",
    "<|bos|>{}<|eos|>\n", "<bos>{}<eos>\n",
]  # fmt: skip


@pytest.mark.parametrize("form", BORDERS)
@pytest.mark.parametrize("number", [2, 3, 40])
def test_the_special_tokens_of_data_sets_are_borders_and_no_words(form: str, number: int) -> None:
    told = [f"Tale {at} of a goose. {PARAGRAPHS[at % len(PARAGRAPHS)]}".strip() for at in range(number)]
    tales = divide(Document("".join(form.format(each) for each in told)))
    assert [words(tale.text) for tale in tales] == [words(each) for each in told]
    assert not [tale for tale in tales if re.search(r"</?s>|OS\]|text\|>|[be]os", tale.text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "It was a <s>dark</s> night, and the goose said <s> for nothing.",
        "He wrote <s>and struck it out</s>",
        "<s>Dark</s> it was, the goose said.",
        "The sign [BOS] means a beginning, and [EOS] an end, of course.",
    ],
)
def test_a_token_within_a_sentence_is_text(sentence: str) -> None:
    (tale,) = divide(Document(f"{PARAGRAPHS[0].strip()}\n\n{sentence}\n\n{PARAGRAPHS[1].strip()}\n"))
    assert sentence in tale.text


@pytest.mark.parametrize("form", ["{}\n<|endoftext|>\n", "<s>{}</s>\n", "<|startoftext|>\n{}"])
def test_a_border_around_a_single_book_leaves_its_title_and_chapters(form: str) -> None:
    book = f"THE MILL\n\nCHAPTER I\n\n{PARAGRAPHS[0]}\n\nCHAPTER II\n\n{PARAGRAPHS[1]}"
    (tale,) = divide(Document(form.format(book)))
    (same,) = divide(Document(book))
    assert (tale.title, tale.chapters, tale.text) == (same.title, same.chapters, same.text)


def test_the_data_set_beside_the_checkout(shared: Path) -> None:
    tales = divide(read_document(shared / "tries" / "books" / "05_startoftext.txt"))
    assert [tale.text.partition(".")[0] for tale in tales] == [
        "Once upon a time there was a fox",
        "There was a goose",
    ]
    assert all("text|>" not in tale.text for tale in tales)


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


def test_a_private_text_keeps_what_stands_before_its_first_heading() -> None:
    before = "It had rained for a week when the letter came, and nobody had wanted to go to the gate for it, "
    before += (
        "so that it lay there in the wet until the goose, who was curious, had eaten all but the address."
    )
    (tale,) = divide(Document(f"{before}\n\nCHAPTER I\n\n{PARAGRAPHS[0]}\n\nCHAPTER II\n\n{PARAGRAPHS[1]}"))
    assert tale.text.startswith(before)
    assert [chapter.title for chapter in tale.chapters] == ["Chapter I", "Chapter II"]


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


@settings(deadline=None, max_examples=many(100))
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


def letters(text: str) -> str:
    return "".join(sign for sign in plain_punctuation(text) if sign.isalnum())


@settings(deadline=None, max_examples=many(80))
@given(documents, st.booleans())
def test_what_the_tales_say_stands_in_the_document_in_the_same_order(document: Document, plain: bool) -> None:
    rest = iter(letters(document.text))
    assert all(sign in rest for tale in divide(document, plain=plain) for sign in letters(tale.text))


@settings(deadline=None, max_examples=many(80))
@given(books)
def test_every_tale_is_a_clean_text(text: str) -> None:
    for tale in divide(Document(text)):
        assert clean(tale.text) == tale.text


@settings(deadline=None, max_examples=many(80))
@given(books)
def test_a_tale_that_is_kept_as_a_file_reads_as_the_same_text(text: str) -> None:
    for tale in divide(Document(text)):
        if "CONTENTS" in tale.text:  # what stands before a list of contents is a title page
            continue
        again = letters("\n\n".join(other.text for other in divide(Document(tale.text))))
        for paragraph in tale.text.split("\n\n"):
            assert len(paragraph) < 75 or letters(paragraph) in again  # a short one may be read as a heading


# -- whole books in small ---------------------------------------------------------------------------------

HEADER = "The Project Gutenberg EBook of Wendel, by N. O. Body\n\nTitle: Wendel\n       or, The Goose\n\n"
START = "*** START OF THIS PROJECT GUTENBERG EBOOK WENDEL ***\n\n\nProduced by A. Typist\n\n\n\n"
END = "\n\n\nEnd of the Project Gutenberg EBook of Wendel\n\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***\nTerms.\n"


def test_a_book_in_its_licence_is_called_as_its_header_says() -> None:
    (tale,) = divide(Document(HEADER + START + novel() + "\n\nTHE END\n" + END))
    assert (tale.title, len(tale.chapters)) == ("Wendel", 3)
    assert words(tale.text)[-5:] == words(PARAGRAPHS[2])[-5:]
    assert tale.text.startswith("Wendel went out again.")


def test_a_header_whose_author_stands_on_the_next_line_gives_the_title_alone() -> None:
    header = "The Project Gutenberg Etext of The Adventures of Wendel the Goose by\nN. O. Body\n\n"
    assert read_book(Document(header + START + novel() + END)).title == "The Adventures of Wendel the Goose"


def test_two_books_in_one_file_are_two() -> None:
    one = HEADER + START + novel() + END
    assert [len(tale.chapters) for tale in divide(Document(one + one))] == [3, 3]


def test_front_and_back_matter_go() -> None:
    advertisement = "".join(f"\n\nTHE GOOSE BOOK {n}. 12mo, cloth, $1.50 net." for n in range(5))
    text = (
        f"{omnibus()}\n\n\n\nNOTES\n\nTHE MILLER'S CAT. From the mill.\n\n\n\nBOOKS BY N. O. BODY{advertisement}"
        "\n\n\n\nTranscriber's Note\n\nA goose was corrected.\n"
    )
    text = text.replace("CONTENTS", f"PREFACE\n\n{PARAGRAPHS[0]}\n\n\n\nCONTENTS", 1)
    tales = divide(Document(HEADER + START + text + END))
    assert [words(tale.text) for tale in tales] == [words(each) for each in PARAGRAPHS]


def test_the_end_and_what_follows_are_no_story() -> None:
    text = f"{novel()}\n\n\nTHE END\n\n\n\nPRINTED BY N. O. BODY & CO., THE MILL"
    (tale,) = divide(Document(text))
    assert words(tale.text)[-5:] == words(PARAGRAPHS[2])[-5:]


def test_text_before_the_first_chapter_is_not_lost() -> None:
    before = PARAGRAPHS[1] * 3
    (tale,) = divide(
        Document(
            f"{before}\n\n\n{novel().split('CHAPTER I', 1)[0]}"
            + "CHAPTER I"
            + novel().split("CHAPTER I", 1)[1]
        )
    )
    assert words(tale.text)[:20] == words(PARAGRAPHS[1])[:20]
    assert tale.chapters[0].start > 0


def test_a_fable_of_three_lines_is_a_story_too() -> None:
    fables = [
        (f"The Goose and the {name}", f"A Goose and a {name} met. They parted.\n\nMeet well.")
        for name in ("Fox", "Pike", "Heron", "Mole", "Moth", "Miller", "Cat", "Rat", "Bat", "Hen")
    ]
    text = "".join(f"\n\n\n\n\n{title}\n\n{fable}" for title, fable in fables)
    tales = divide(Document(HEADER + START + text.lstrip() + END))
    assert [tale.title for tale in tales] == [title for title, _ in fables]
    assert [words(tale.text) for tale in tales] == [words(fable) for _, fable in fables]


def test_titles_and_paragraphs_with_one_blank_line_between_them_come_apart_by_the_contents() -> None:
    text = (
        "CONTENTS\n\n"
        + "\n".join(TITLES)
        + "".join(f"\n\n{t}\n\n{PARAGRAPHS[i].strip()}" for i, t in enumerate(TITLES))
    )
    assert [tale.title for tale in divide(Document(text))] == list(TITLES)


def test_a_text_without_structure_is_one_story_with_everything_in_it() -> None:
    text = "".join(PARAGRAPHS)
    (tale,) = divide(Document(text))
    assert (tale.title, tale.chapters) == ("", ())
    assert words(tale.text) == words(text)
    (titled,) = divide(Document(f"THE MILL\n\n{text}"))
    assert titled.title == "The Mill"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6, "\n" * 10**6, "[" * 10**5, "* " * 500_000, "CHAPTER I\n\n\n\n" * 7_500, "THE FOX\n\n\n" * 7_500,
        "CONTENTS\n\n" * 7_500, "CONTENTS\n\n" + "The Fox\n" * 60_000, "I\n\n\n" * 15_000, "THE END\n\n" * 7_500,
        "[Illustration: " * 30_000, "Transcriber's Note\n\n" * 10_000, "gutenberg " * 90_000,
        "Produced by X\n\n" * 12_500,
        "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n" * 20_000, "<|endoftext|>\n" * 30_000,
    ],
    ids=lambda text: repr(text[:16]),
)  # fmt: skip
@pytest.mark.timeout(60)  # a second; with a way through them that goes back and forth it is many minutes
def test_hostile_texts_come_apart_in_good_time(text: str) -> None:
    tales = divide(Document(text))
    assert sum(len(tale.text) for tale in tales) <= len(text)
