"""Page headings and page numbers go, and sentences across pages are joined; every other word stays."""

import random
import textwrap

import pytest

from storytime_tui.corpus.cleaning.chapter_lines import names_chapter
from storytime_tui.corpus.cleaning.pages import without_pages
from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.formats.plain import plain_document

WORDS = (
    "goose",
    "lamp",
    "moth",
    "miller",
    "pike",
    "heron",
    "thread",
    "button",
    "snow",
    "bell",
    "under",
    "kept",
)


def invented(paragraphs: int) -> list[str]:
    chance = random.Random(4)
    told = []
    for _ in range(paragraphs):
        sentences = [
            " ".join(chance.choices(WORDS, k=chance.randint(6, 18))) for _ in range(chance.randint(2, 6))
        ]
        told.append(" ".join(f"{sentence.capitalize()}." for sentence in sentences))
    return told


MANNERS = {
    "alternating": lambda n: (f"{n}      A. AUTHOR" if n % 2 == 0 else f"THE FOX      {n}", ""),
    "number below": lambda n: ("", str(n).rjust(35)),
    "number above": lambda n: (str(n), ""),
    "page of": lambda n: ("", f"Page {n} of 300"),
    "title above, number below": lambda n: ("The Fox and Other Things" if n % 2 else "The Mill", f"- {n} -"),
}


def paged(told: list[str], manner: str, *, indent: str, feed: str) -> str:
    lines: list[str] = []
    for paragraph in told:
        lines += textwrap.wrap(paragraph, 60, initial_indent=indent) + ([] if indent else [""])
    pages = []
    for n, at in enumerate(range(0, len(lines), 30), 9):
        above, below = MANNERS[manner](n)
        shown = "\n".join(lines[at : at + 30])
        pages.append((f"{above}\n\n" if above else "") + shown + (f"\n\n{below}" if below else ""))
    return f"\n{feed}".join(pages) + "\n"


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("indent", ["", "   "])
def test_the_prose_of_pages_is_whole(manner: str, indent: str) -> None:
    told = invented(60)
    read = plain_document(paged(told, manner, indent=indent, feed="\f"))
    text = "\n\n".join(tale.text for tale in read_book(read).tales)
    assert text.split() == " ".join(told).split()
    assert {part.reason for part in read.left_out} == {"page number"}
    assert "were taken out" in read.remarks[0]
    if indent:
        assert text.split("\n\n") == told


@pytest.mark.parametrize("manner", ["alternating", "page of"])
def test_pages_without_form_feeds_are_known_by_their_headings(manner: str) -> None:
    told = invented(60)
    text = paged(told, manner, indent="   ", feed="")
    _, removed = without_pages(text)
    assert len(removed) > 3
    assert all("AUTHOR" in each.text or "FOX" in each.text or "Page" in each.text for each in removed)
    lines = text.split("\n")
    assert [lines[each.line].strip() for each in removed] == [each.text for each in removed]


def test_a_word_torn_by_a_page_is_whole() -> None:
    page = "The fox, who was hungry, went down to the river with the re-\n"
    after = "markable goose, and the remarkable goose was hungry as well.\n"
    text = "\f".join(f"{page if n % 2 else after}{n}\n" for n in range(1, 9))
    assert "re-" not in read_book(plain_document(text)).tales[0].text


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"Chapter {n}\n\n" + "It rained on the mill.\n" * 30 for n in range(1, 9)),
        "".join(f"ACT I SCENE {n}\n\n" + "It rained on the mill.\n" * 30 for n in range(1, 9)),
        "".join(f"In {1980 + n} it rained.\n" for n in range(30)),
        "Bell and form feed\f, and on it went.\n",
        "",
    ],
)
def test_chapters_and_years_are_no_pages(text: str) -> None:
    assert without_pages(text) == (text, ())


HEADINGS = (
    "Chapter {}", "CHAPTER {}", "Kapitel {}", "{}. Kapitel", "Chapitre {}", "\u0413\u043b\u0430\u0432\u0430 {}",
    "\u7b2c{}\u7ae0", "\uc81c{}\uc7a5", "Part {}", "Tale {}", "Chapter {}: The Mill", "Act {}", "{}", "{} The Mill",
)  # fmt: skip


@pytest.mark.parametrize("heading", HEADINGS)
def test_chapters_that_begin_pages_keep_their_headings(heading: str) -> None:
    told = [f"{heading.format(n)}\n\n{textwrap.fill(text, 60)}\n" for n, text in enumerate(invented(7), 1)]
    text, removed = without_pages("\f".join(told))
    assert removed == ()
    assert text.split() == "\n".join(told).split()


@pytest.mark.parametrize("heading", HEADINGS[:-2])
@pytest.mark.parametrize("below", ["{}", "- {} -"])
def test_a_heading_on_every_page_of_its_chapter_stays_once(heading: str, below: str) -> None:
    told = invented(16)
    pages = [
        f"{heading.format(1 + n // 4)}\n\n{textwrap.fill(text, 60)[:-1]}\n\n{below.format(n + 1)}"
        for n, text in enumerate(told)
    ]
    text, removed = without_pages("\n\f".join(pages))
    assert len(removed) == 16 + 12
    for chapter in range(1, 5):
        assert text.count(heading.format(chapter)) == 1
    assert sorted([*text.split(), *(word for each in removed for word in each.text.split())]) == sorted(
        "\n".join(pages).split()
    )


def test_a_chapters_name_beside_a_page_number_is_no_heading() -> None:
    told = invented(12)
    pages = [
        f"CHAPTER {['ONE', 'TWO', 'THREE'][n // 4]}{f'    {n + 1}' if n % 4 else ''}\n\n{textwrap.fill(text, 60)[:-1]}"
        for n, text in enumerate(told)
    ]
    text, removed = without_pages("\n\f".join(pages))
    assert [each.text.split()[-1] for each in removed] == [str(n + 1) for n in range(12) if n % 4]
    assert [text.count(f"CHAPTER {name}") for name in ("ONE", "TWO", "THREE")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Chapter 3", True),
        ("CHAPTER THE THIRD", False),
        ("Chapter Twenty-One: The Mill", True),
        ("Drittes Kapitel", False),
        ("XII. Kapitel", True),
        ("Part of the Fox", False),
        ("Books 3", False),
        ("Page 3", False),
        ("The Fox 13", False),
        ("\u7b2c\u5341\u4e8c\u56de", True),
    ],
)
def test_chapters_are_named_by_noun_and_number(line: str, names: bool) -> None:
    assert names_chapter(line) is names
