"""E-books: a tale's own heading is its title, parts keep theirs, and a paragraph cut between two pages is one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.formats.ebooks import book, write, xhtml
from tests.examples import many

NAMED = "<dc:title>The Mill at Sorrow</dc:title>"


def prose(count: int = 3, hero: str = "Martin Reed") -> str:
    return "".join(
        f"<p>Old {hero} went down to the river, and there he found a boat without an oar. He sat in it until evening "
        f"came, and then {hero} sang a song about the moon and the mill, which had {at + 3} verses.</p>"
        for at in range(count)
    )


def read(folder: Path, *pages: str, named: str = NAMED) -> Document:
    numbered = {f"p{at:03}.xhtml": xhtml(body) for at, body in enumerate(pages)}
    return read_document(write(folder, book(numbered, metadata=named)))


def shape(document: Document) -> list[tuple[str, list[str]]]:
    return [(tale.title, [chapter.title for chapter in tale.chapters]) for tale in read_book(document).tales]


# -- one heading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pages",
    [
        ("<h1>The Boat</h1>" + prose(9),),
        ("<h2>The Boat</h2>" + prose(2), prose(4), prose(4)),
        ("<h1>The Mill at Sorrow</h1><p>by Ann Reed</p>", "<h2>The Boat</h2>" + prose(6)),
        ("<h1>Preface</h1>" + prose(2), "<h1>The Boat</h1>" + prose(6)),
        ('<div class="title"><h3>The<br/>Boat</h3></div>' + prose(2),),
    ],
)
def test_the_only_heading_of_an_e_book_is_the_title_of_its_tale(
    tmp_path: Path, pages: tuple[str, ...]
) -> None:
    document = read(tmp_path, *pages)
    assert shape(document) == [("The Boat", [])]
    assert read_book(document).title == "The Mill at Sorrow"


def test_a_tale_without_a_heading_before_it_has_no_title(tmp_path: Path) -> None:
    assert shape(read(tmp_path, prose(5), "<h2>The Boat</h2>" + prose(5))) == [("", []), ("The Boat", [])]


@pytest.mark.parametrize("heading", ["Chapter 1", "Prologue", "Foreword", "One", "II"])
def test_a_number_or_a_frame_is_no_tales_title(tmp_path: Path, heading: str) -> None:
    document = read(tmp_path, f"<h1>{heading}</h1>" + prose(2), prose(6), prose(6))
    assert shape(document) == [("The Mill at Sorrow", [heading])]


# -- parts ------------------------------------------------------------------------------------------------


def part(number: str, title: str, inside: str = "") -> str:
    return (
        f'<section epub:type="part"><hgroup><h2><span epub:type="se:label">Part</span> <span epub:type="z3998:ordinal '
        f'z3998:roman">{number}</span></h2><p epub:type="title">{title}</p></hgroup>{inside}</section>'
    )


def chapter(number: str, title: str = "", level: int = 3) -> str:
    name = f'<p epub:type="title">{title}</p>' if title else ""
    return (
        f'<section epub:type="chapter"><hgroup><h{level} epub:type="ordinal z3998:roman">{number}</h{level}>{name}'
        f"</hgroup>{prose()}</section>"
    )


ONE, TWO = part("I", "The Old Mill"), part("II", "The Sea")
GATE, LAMP, BOAT, OAR = (
    chapter(number, title)
    for number, title in (("I", "The Gate"), ("II", "The Lamp"), ("III", "The Boat"), ("IV", "The Oar"))
)


@pytest.mark.parametrize(
    ("pages", "titles"),
    [
        (
            (ONE, GATE, LAMP, TWO, BOAT, OAR),
            ["Part I: The Old Mill: The Gate", "The Lamp", "Part II: The Sea: The Boat", "The Oar"],
        ),
        (
            (part("I", "The Old Mill", GATE + LAMP) + part("II", "The Sea", BOAT + OAR),),
            ["Part I: The Old Mill: The Gate", "The Lamp", "Part II: The Sea: The Boat", "The Oar"],
        ),
        (
            (
                '<h1 epub:type="title">The Mill at Sorrow</h1>',
                ONE,
                chapter("I"),
                chapter("II"),
                TWO,
                chapter("I"),
                chapter("II"),
            ),
            ["Part I: The Old Mill: I", "II", "Part II: The Sea: I", "II"],
        ),
        (
            (
                "<h2>Book the First: Recalled</h2>",
                GATE,
                LAMP,
                "<h2>Book the Second: The Thread</h2>",
                BOAT,
                OAR,
            ),
            [
                "Book the First: Recalled: The Gate",
                "The Lamp",
                "Book the Second: The Thread: The Boat",
                "The Oar",
            ],
        ),
        (
            (
                '<section epub:type="part"><h2>Morning</h2></section>',
                GATE,
                LAMP,
                "<h2>Evening</h2>",
                BOAT,
                OAR,
            ),
            ["Morning: The Gate", "The Lamp", "Evening: The Boat", "The Oar"],
        ),
    ],
)
def test_the_title_of_a_part_stands_before_its_first_chapter(
    tmp_path: Path, pages: tuple[str, ...], titles: list[str]
) -> None:
    assert shape(read(tmp_path, *pages)) == [("The Mill at Sorrow", titles)]


def test_a_title_page_is_no_part(tmp_path: Path) -> None:
    pages = ("<h1>The Mill at Sorrow</h1>", "<h2>A Tale of Wind</h2>", GATE, LAMP, BOAT)
    assert shape(read(tmp_path, *pages)) == [("The Mill at Sorrow", ["The Gate", "The Lamp", "The Boat"])]


# -- paragraphs between two pages -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "start", "joined"),
    [
        ("<p>He went to the old</p>", "<p>house by the sea.</p>", "He went to the old house by the sea."),
        (
            "<p>The lamp, the oar,</p>",
            "<div><p>and the gate.</p></div>",
            "The lamp, the oar, and the gate.",
        ),
        (
            "<p>And the boat was</p>",
            "<p>“gone,” said he. It was late.</p>",
            "And the boat was “gone,” said he. It was late.",
        ),
        (
            "<p>They met in the half-</p>",
            "<p>light of the mill.</p>",
            "They met in the half-light of the mill.",
        ),
        ("<p>They were hesi\u00ad</p>", "<p>tating, all of them.</p>", "They were hesitating, all of them."),
        ("<p>Wer kommt da über die</p>", "<p>öde Wiese?</p>", "Wer kommt da über die öde Wiese?"),
    ],
)
def test_a_paragraph_cut_between_two_pages_is_one(tmp_path: Path, end: str, start: str, joined: str) -> None:
    document = read(
        tmp_path, "<h2>Chapter 1</h2>" + prose() + end, start + prose(), "<h2>Chapter 2</h2>" + prose()
    )
    lines = document.text.split("\n")
    assert joined in lines
    assert [lines[heading.line] for heading in document.headings] == ["Chapter 1", "Chapter 2"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (prose() + "<p>He went to the old house.</p>", "<p>and then he sat there.</p>" + prose()),
        (prose() + "<p>He went to the old</p>", "<p>House by the sea.</p>" + prose()),
        (prose() + "<p>He went to the old</p>", "<h2>house by the sea</h2>" + prose()),
        (prose() + "<h3>He went to the old</h3>", "<p>house by the sea.</p>" + prose()),
        ("<p>by Ann Reed</p>", "<p>for my mother</p>" + prose()),
        (prose() + "<ul><li>an oar</li><li>a lamp</li></ul>", "<p>house by the sea.</p>" + prose()),
        (prose() + "<p>* * *</p>", "<p>house by the sea.</p>" + prose()),
        (
            prose() + "<blockquote><p>The moon is up<br/>the mill</p></blockquote>",
            "<p>down and down.</p>" + prose(),
        ),
    ],
)
def test_paragraphs_that_are_whole_stay_apart(tmp_path: Path, first: str, second: str) -> None:
    document = read(tmp_path, first, second)
    alone = [read(tmp_path, page).text.split("\n") for page in (first, second)]
    assert [line for line in document.text.split("\n") if line] == [
        line for page in alone for line in page if line
    ]


@settings(max_examples=many(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=6))
def test_a_book_cut_anywhere_keeps_every_word_in_order(tmp_path: Path, cuts: list[tuple[int, bool]]) -> None:
    words = prose(4).replace("</p><p>", " ").removeprefix("<p>").removesuffix("</p>").split()
    pages, at = [], 0
    for size, is_named in cuts:
        pages.append(f"{'<h2>A Heading</h2>' * is_named}<p>{' '.join(words[at : at + size])}</p>")
        at += size
    document = read(tmp_path, *[page for page in pages if page != "<p></p>"])
    headings = {heading.line for heading in document.headings}
    kept = [
        word
        for at, line in enumerate(document.text.split("\n"))
        if at not in headings
        for word in line.split()
    ]
    assert kept == words[:at]
