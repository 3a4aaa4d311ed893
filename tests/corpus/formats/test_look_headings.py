"""Word files without heading styles: the short bold, larger or centred lines that stand alone are their headings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.read import read_document
from tests.corpus.formats.documents import docx, headings, odt, paragraph, run
from tests.examples import many

RIVER = (
    "Old Martin Reed went down to the river, and there he found a boat without an oar. He sat in it and sang."
)
LAMP = "The fox went down to the mill, and she found a lamp. It burned all night, and in the morning there was snow."
SIGN = "On the gate there was a board, and on it was written:"

# a document: its paragraphs, each with a mark: b bold, l larger, c centred, m some words bold, H heading, T title
Lines = list[tuple[str, str]]
TEXT: Lines = [("", RIVER), ("", LAMP)]


def word_file(folder: Path, lines: Lines) -> Document:
    body = []
    for marks, text in lines:
        facts = "<w:b/>" * ("b" in marks) + '<w:sz w:val="36"/>' * ("l" in marks)
        first, _, rest = text.partition(" ")
        shown = run(first, "<w:b/>") + run(" " + rest) if "m" in marks else run(text, facts)
        style = "berschrift1" if "H" in marks else "Titel" if "T" in marks else ""
        body.append(paragraph(shown, style, '<w:jc w:val="center"/>' * ("c" in marks)))
    return read_document(docx(folder, "".join(body)))


def open_file(folder: Path, lines: Lines) -> Document:
    styles, body = [], []
    for at, (marks, text) in enumerate(lines):
        facts = 'fo:font-weight="bold" ' * ("b" in marks) + 'fo:font-size="18pt" ' * ("l" in marks)
        place = '<style:paragraph-properties fo:text-align="center"/>' * ("c" in marks)
        parent = 'style:parent-style-name="Title"' * ("T" in marks)
        styles.append(
            f'<style:style style:name="P{at}" style:family="paragraph" {parent}>'
            f"<style:text-properties {facts}/>{place}</style:style>"
        )
        tag = "text:h" if "H" in marks else "text:p"
        first, _, rest = text.partition(" ")
        shown = f'<text:span text:style-name="B">{first}</text:span> {rest}' if "m" in marks else text
        body.append(f'<{tag} text:style-name="P{at}">{shown}</{tag}>')
    bold = '<style:style style:name="B"><style:text-properties fo:font-weight="bold"/></style:style>'
    return read_document(odt(folder, "".join(body), styles=bold + "".join(styles)))


KINDS = [word_file, open_file]


Read = Callable[..., Document]


@pytest.fixture(params=KINDS)
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    return lambda *parts: request.param(tmp_path, [line for part in parts for line in part])


def one(text: str, marks: str = "b") -> Lines:
    return [(marks, text)]


def shape(document: Document) -> list[tuple[str, list[str]]]:
    return [(tale.title, [chapter.title for chapter in tale.chapters]) for tale in read_book(document).tales]


@pytest.mark.parametrize("marks", ["b", "l", "bl", "c", "bc", "blc"])
def test_lines_that_look_like_titles_divide_a_file_into_its_tales(read: Read, marks: str) -> None:
    document = read(
        one("The Boat", marks), TEXT, one("Who Lit the Lamp?", marks), TEXT, one("Snow", marks), TEXT
    )
    assert shape(document) == [("The Boat", []), ("Who Lit the Lamp?", []), ("Snow", [])]
    assert [level for _, level in headings(document)] == [1, 1, 1]
    assert any("heading styles" in remark for remark in document.remarks)


@pytest.mark.parametrize(
    "title", [one("The Mill", "blc"), one("The Mill"), one("The Mill", "T"), one("The Mill", "l")]
)
@pytest.mark.parametrize("number", ["Chapter {}", "Chapter {}:", "{}."])
def test_numbered_lines_are_the_chapters_of_the_titled_story(read: Read, title: Lines, number: str) -> None:
    chapters = [one(number.format(at)) + TEXT for at in (1, 2, 3)]
    ((name, found),) = shape(read(title, *chapters))
    assert name == "The Mill" and len(found) == 3
    assert read_book(read(title, one("by Ann Reed", ""), *chapters)).author == "Ann Reed"


def test_a_single_bold_line_at_the_beginning_is_the_title(read: Read) -> None:
    assert shape(read(one("The Boat"), TEXT, TEXT)) == [("The Boat", [])]


@pytest.mark.parametrize(
    "lines",
    [
        [("m", RIVER), ("m", LAMP), ("", RIVER)],  # bold words in prose
        [("b", "The Boat"), ("b", RIVER), ("b", LAMP), ("b", "Snow"), ("b", RIVER), ("b", LAMP)],  # all of it
        [*TEXT, ("b", "KEEP OUT"), *TEXT, *TEXT, ("b", "Stop"), *TEXT],  # signs in the middle of a tale
        [
            ("", SIGN),
            ("b", "KEEP OUT"),
            *TEXT,
            ("", SIGN),
            ("b", "COME IN"),
            *TEXT,
            ("", SIGN),
            ("b", "GO"),
            *TEXT,
        ],
        [
            ("b", "ANNA"),
            ("", RIVER),
            ("b", "TOM"),
            ("", LAMP),
            ("b", "ANNA"),
            ("", RIVER),
            ("b", "TOM"),
            ("", LAMP),
        ],
        [
            ("b", "Name"),
            ("", "Ann Reed"),
            ("b", "Date"),
            ("", "May 4"),
            ("b", "Place"),
            ("", "The mill"),
        ],  # a form
        [*TEXT, ("c", "* * *"), *TEXT, ("c", "* * *"), *TEXT],
        [*TEXT, ("b", "The End")],
        [("b", "“Where are you?”"), *TEXT, ("b", "He ran away."), *TEXT, ("b", "and he sang"), *TEXT],
    ],
)
def test_what_is_only_stressed_is_no_heading(read: Read, lines: Lines) -> None:
    document = read(lines)
    assert headings(document) == [] and document.remarks == ()


def test_if_heading_styles_are_used_they_alone_count(read: Read) -> None:
    document = read(one("The Boat", "H"), TEXT, one("Not a Tale"), TEXT, one("The Lamp", "H"), TEXT)
    assert [title for title, _ in headings(document)] == ["The Boat", "The Lamp"]
    assert document.remarks == ()


def test_the_end_is_no_tale(read: Read) -> None:
    document = read(one("The Boat"), TEXT, one("The Lamp"), TEXT, one("The End"))
    assert [title for title, _ in shape(document)] == ["The Boat", "The Lamp"]


marked_lines = st.lists(
    st.tuples(
        st.sampled_from(["", "", "b", "l", "c", "bc"]),
        st.sampled_from(
            [RIVER, LAMP, "The Boat", "Stop!", "1.", "by Ann Reed", "* * *", "und dann", "The Mill"]
        ),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=many(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(marked_lines, st.sampled_from(KINDS))
def test_how_a_paragraph_looks_changes_no_word(
    tmp_path: Path, lines: Lines, kind: Callable[[Path, Lines], Document]
) -> None:
    document = kind(tmp_path, lines)
    assert document.text == "\n\n".join(text for _, text in lines)
    assert document.text == kind(tmp_path, [("", text) for _, text in lines]).text
    assert all(lines[heading.line // 2][0] for heading in document.headings)
