"""A book of verse comes apart into its poems, each with its title, and every line of verse stays a line."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.document import Document, Heading
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.dividing.test_divide import novel
from tests.corpus.formats import ebooks
from tests.corpus.invented_plays import gutenberg
from tests.examples import many

STANZAS = (
    "The kettle sat upon the hob\nAnd hummed a tune of going,\nThe cat had finished with her job,\n"
    "The wind had done with blowing.",
    "A button rolled beneath the chair\nAnd there it lay a season,\nIt found a penny lying there\n"
    "And asked it for the reason.",
    "The lamp went out at half past ten,\nThe moon came in to see,\nAnd what she said to the kettle then\n"
    "She has not said to me.",
    "Old Winter has a coat of wool\nAnd buttons made of ice,\nHis pockets are forever full\nOf acorns and of mice.",
    "Three ducks went out upon the pond\nTo look for yesterday,\nThey looked before, they looked beyond,\n"
    "And then they swam away.",
)
TITLES = ("The Kettle", "The Button", "The Lamp", "Old Winter", "Three Ducks")


def poem(number: int, stanzas: int = 3) -> str:
    """Some stanzas, of which the first is this one."""
    return "\n\n".join(STANZAS[(number + n) % len(STANZAS)] for n in range(stanzas))


def indented(text: str, by: str = "    ") -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))


def roman(number: int) -> str:
    return ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")[number]


def first_line(number: int) -> str:
    return STANZAS[number % len(STANZAS)].split("\n")[0].rstrip(",.")


def both(text: str) -> tuple[Document, Document]:
    """A book as Project Gutenberg sends it, and as one's own file."""
    return Document(gutenberg(text, "RHYMES OF THE HOB")), Document(
        f"RHYMES OF THE HOB\n\nby N. O. Body\n\n\n\n{text}"
    )


def test_titled_poems_are_stories_and_keep_their_lines() -> None:
    contents = "CONTENTS\n\n" + "\n".join(f"  {title}" for title in TITLES)
    poems = [f"{title.upper()}\n\n{indented(poem(n))}" for n, title in enumerate(TITLES)]
    for front in ("", contents + "\n\n\n\n"):
        for document in both(front + "\n\n\n\n".join(poems)):
            tales = divide(document)
            assert [tale.title for tale in tales] == list(TITLES)
            assert [tale.text for tale in tales] == [poem(n) for n in range(len(TITLES))]


def test_numbered_poems_have_their_first_lines_as_titles() -> None:
    text = "\n\n\n\n".join(f"{roman(n)}\n\n{poem(n)}" for n in range(7))
    for document in both(text):
        tales = divide(document)
        assert [tale.title for tale in tales] == [f"{roman(n)}: {first_line(n)}" for n in range(7)]
        assert [tale.text for tale in tales] == [poem(n) for n in range(7)]


def test_numbers_with_and_without_titles_are_poems_of_one_book() -> None:
    heads = [f"{roman(n)}.\n\n{TITLES[n].upper()}." if n % 2 else f"{roman(n)}." for n in range(5)]
    text = "I. LIFE.\n\n\n" + "\n\n\n\n".join(f"{head}\n\n{poem(n)}" for n, head in enumerate(heads))
    for document in both(text):
        titles = [tale.title.removeprefix("Life: ") for tale in divide(document)]
        assert titles == [TITLES[n] if n % 2 else f"{roman(n)}: {first_line(n)}" for n in range(5)]


def test_poems_of_a_books_parts_are_stories() -> None:
    parts = [
        f"THE {name}\n\n\n\n"
        + "\n\n\n\n".join(f"{roman(n)}\n{title}\n\n{poem(n)}" for n, title in enumerate(TITLES))
        for name in ("MORNING", "EVENING")
    ]
    tales = divide(both("\n\n\n\n".join(parts))[0])
    assert [tale.title for tale in tales] == [*TITLES, *TITLES]


def test_poems_with_wide_gaps_and_no_headings_come_apart() -> None:
    text = "\n\n\n\n".join(poem(n) for n in range(5))
    tales = divide(Document(text))
    assert [tale.text for tale in tales] == [poem(n) for n in range(5)]
    assert [tale.title for tale in tales] == [first_line(n) for n in range(5)]


@pytest.mark.parametrize("heading", ["CANTO {}", "BOOK {}", "PART {}"])
def test_a_long_poem_in_cantos_is_one_story(heading: str) -> None:
    text = "\n\n\n\n".join(f"{heading.format(roman(n))}\n\n{poem(n, 25)}" for n in range(4))
    for document in both(text):
        (tale,) = divide(document)
        assert tale.title == "Rhymes of the Hob"
        noun = heading.split()[0].capitalize()
        assert [chapter.title for chapter in tale.chapters] == [f"{noun} {roman(n)}" for n in range(4)]
        assert all(poem(n, 25) in tale.text for n in range(4))


def test_numbered_stanzas_are_one_poem() -> None:
    text = "\n\n".join(f"{roman(n)}\n\n{STANZAS[n % 5]}" for n in range(9))
    for document in (gutenberg(text, "THE LONG RIDE"), f"THE LONG RIDE\n\nby N. O. Body\n\n\n\n{text}"):
        (tale,) = divide(Document(document))
        assert all(stanza in tale.text for stanza in STANZAS)


def test_a_preface_is_left_out_but_a_poem_of_that_name_is_not() -> None:
    prose = (
        "These rhymes were written on the backs of bills, which explains why so many of them are about money. "
        * 6
    )
    text = f"PREFACE\n\n{prose}\n\n\n\nINTRODUCTION\n\n{poem(4)}\n\n\n\n" + "\n\n\n\n".join(
        f"{title.upper()}\n\n{poem(n)}" for n, title in enumerate(TITLES)
    )
    tales = divide(both(text)[0])
    assert [tale.title for tale in tales] == ["Introduction", *TITLES]
    assert not any("bills" in tale.text for tale in tales)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_novel_with_songs_is_no_book_of_verse(wrapped: bool) -> None:
    before = divide(Document(novel(), wrapped=wrapped))
    sung = novel().replace(
        "\n\n\n\nCHAPTER II", f"\n\n{indented(poem(0))}\n\n{indented(poem(3))}\n\n\n\nCHAPTER II", 1
    )
    after = divide(Document(sung, wrapped=wrapped))
    assert [(tale.title, len(tale.chapters)) for tale in after] == [
        (tale.title, len(tale.chapters)) for tale in before
    ]


def test_a_primer_of_short_sentences_is_no_book_of_verse() -> None:
    page = "Here is Ned.\nNed has a hat.\nThe hat is red.\nRun, Ned, run!\nCan the hat run?\nNo, it can not."
    text = "\n\n\n\n".join(f"LESSON {roman(n)}\n\n{page}\n\n{page}" for n in range(4))
    (tale,) = divide(Document(f"NED AND THE HAT\n\n\n\n{text}"))
    assert [chapter.title for chapter in tale.chapters] != [] and tale.text.count("Here is Ned.") == 8


@settings(max_examples=many(60), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["title", "number", "both", "none"]), st.integers(0, 4), st.integers(1, 6)),
        min_size=2,
        max_size=9,
    ),
    st.integers(1, 4),
)
def test_no_word_of_an_unpublished_book_of_verse_is_lost(made: list[tuple[str, int, int]], gap: int) -> None:
    pieces = []
    for n, (kind, which, stanzas) in enumerate(made):
        head = {
            "title": TITLES[which].upper(),
            "number": roman(n),
            "both": f"{roman(n)}. {TITLES[which]}",
            "none": "",
        }[kind]
        pieces.append(f"{head}\n\n{poem(which, stanzas)}".strip())
    text = ("\n" * (gap + 1)).join(pieces)
    tales = divide(Document(text))
    lines = [line for tale in tales for line in tale.text.split("\n") if line.strip()]
    verse = [line for _, which, stanzas in made for line in poem(which, stanzas).split("\n") if line.strip()]
    assert [line.strip() for line in lines if line.strip() in set(verse)] == verse
    shown = " ".join(
        [*(tale.title for tale in tales), *(c.title for tale in tales for c in tale.chapters), *lines]
    )
    numbers = {roman(n).casefold() for n in range(10)}  # a title stands without its number
    assert set(re.findall(r"\w+", text.casefold())) - numbers <= set(re.findall(r"\w+", shown.casefold()))


# -- e-books ----------------------------------------------------------------------------------------------


def verse(text: str) -> str:
    stanzas = [
        "<br/>".join(f"<span>{line}</span>" for line in stanza.split("\n")) for stanza in text.split("\n\n")
    ]
    return "".join(f"<p>{stanza}</p>" for stanza in stanzas)


def test_an_e_book_of_verse_comes_apart_at_its_headings(tmp_path: Path) -> None:
    alone = "".join(
        f'<article epub:type="z3998:poem"><h2>{title}</h2>{verse(poem(n))}</article>'
        for n, title in enumerate(TITLES)
    )
    numbered = "".join(
        f'<section epub:type="z3998:poem"><h3>{roman(n)}</h3>{verse(poem(n))}</section>' for n in range(3)
    )
    book = "".join(
        f'<article epub:type="z3998:poem"><h3>{title} Again</h3>{verse(poem(n))}</article>'
        for n, title in enumerate(TITLES)
    )
    body = f"{alone}<article><h2>The Long Night</h2>{numbered}</article><section><h2>Second Book</h2>{book}</section>"
    pages = {"poetry.xhtml": ebooks.xhtml(body)}
    path = ebooks.write(tmp_path, ebooks.book(pages, metadata="<dc:title>Poetry</dc:title>"))
    tales = divide(read_document(path))
    assert [tale.title for tale in tales] == [
        *TITLES,
        "The Long Night",
        *(f"{title} Again" for title in TITLES),
    ]
    assert tales[0].text == poem(0)
    assert [chapter.title for chapter in tales[5].chapters] == ["I", "II", "III"]


def test_the_first_poem_under_a_title_page_in_headings_is_kept() -> None:
    lines = ["RHYMES OF THE HOB", "", "by N. O. Body", ""]
    headings = [Heading(0, 1), Heading(2, 2)]
    for n, title in enumerate(TITLES):
        headings.append(Heading(len(lines), 2))
        lines += [title, "", *poem(n).split("\n"), ""]
    book = Document("\n".join(lines), wrapped=False, headings=tuple(headings), published=True)
    assert [(tale.title, tale.text) for tale in divide(book)] == [(t, poem(n)) for n, t in enumerate(TITLES)]
