"""Screenplays: where a scene is set is text, never a title of the story or of a chapter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.dividing.screenplays import is_scene_line
from storytime_tui.corpus.document import Document, Heading
from storytime_tui.corpus.formats.markdown import read_markdown
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.corpus.formats.plain import plain_document

PLACES = ["INT. KITCHEN - DAY", "EXT. RIVERBANK - NIGHT", "INT./EXT. MILL - LATER"]
ACTIONS = [
    "MARTHA stands at the sink. A kettle whistles on the stove behind her, and nobody turns it off.",
    "The boat lies upside down in the grass. Tom kneels beside it with a torch and reaches under it.",
    "A lamp burns in the window. The miller sits behind it, and he is asleep with his mouth open.",
]
TALK = "                    TOM\n               (not looking up)\n          Under the old boat."


def script(*places: str) -> str:
    return "\n\n".join(
        f"{place}\n\n{action}\n\n{TALK}" for place, action in zip(places, ACTIONS, strict=True)
    )


def flush(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n"))


def titles_in(document: Document) -> list[str]:
    return [
        title
        for tale in read_book(document).tales
        for title in (tale.title, *(each.title for each in tale.chapters))
    ]


@pytest.mark.parametrize(
    "text",
    [
        script(*PLACES),
        flush(script(*PLACES)),
        "FADE IN:\n\n" + script(*PLACES) + "\n\nFADE OUT.\n\nTHE END",
        script(*[f"{number}   {place}" for number, place in enumerate(PLACES, 1)]),
        script("I/E BOAT — DUSK", "EXT RIVERBANK NIGHT", "INT. MILL"),
        flush(script("Int. Kitchen - Day", "Ext. Riverbank - Night", "Int. Mill - Later")),
        "\n\n\n\n".join(flush(script(*PLACES)).split("\n\n")),
    ],
)
def test_the_scenes_of_a_screenplay_are_no_titles(text: str) -> None:
    book = read_book(plain_document(text))
    assert len(book.tales) == 1 and titles_in(plain_document(text)) == [""]
    assert (
        sum(
            "KITCHEN" in line.upper() or line.startswith("I/E BOAT")
            for line in book.tales[0].text.split("\n")
        )
        == 1
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_screenplay_has_the_title_above_its_first_scene(place: str) -> None:
    body = script(place, *PLACES[1:])
    for text in (
        f"THE LAMP\n\nby Ann Reed\n\n{body}",
        f"The Lamp\n\nWritten by\n\nAnn Reed\n\n{flush(body)}",
    ):
        book = read_book(plain_document(text))
        assert (book.title, book.author) == ("The Lamp", "Ann Reed")
        assert titles_in(plain_document(text)) == ["The Lamp"]
        assert place in book.tales[0].text


def test_scenes_that_a_format_marks_as_headings_are_text() -> None:
    page = "".join(f"<h2>{place}</h2><p>{action}</p>" for place, action in zip(PLACES, ACTIONS, strict=True))
    marked = "\n\n".join(f"## {place}\n\n{action}" for place, action in zip(PLACES, ACTIONS, strict=True))
    for document, titles in (
        (read_html(f"<h1>The Lamp</h1>{page}", "a.html").document, ["The Lamp"]),
        (read_html(page, "a.html").document, [""]),
        (read_markdown(f"# The Lamp\n\n{marked}", "a.md"), ["The Lamp"]),
    ):
        assert titles_in(document) == titles
        (tale,) = read_book(document).tales
        assert all(place in tale.text for place in PLACES)


@pytest.mark.parametrize(
    "line",
    [
        "INT. HOUSE - DAY",
        "EXT. SEA",
        "int. mill - night",
        "INT/EXT CAR",
        "I/E. CAR - DAY",
        "12. EXT. BARN",
        "12A INT. HALL",
        "FADE IN:",
        "CUT TO:",
    ],
)
def test_lines_of_scenes_are_known(line: str) -> None:
    assert is_scene_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "Into the Woods",
        "Extra Bread",
        "INTERLUDE",
        "EXTRAORDINARY TALES",
        "Est. 1901",
        "The Interior",
        "I",
        "Chapter 1. Int",
        "Fade In",
        "The Cut",
    ],
)
def test_titles_are_no_lines_of_scenes(line: str) -> None:
    assert not is_scene_line(line)


def test_chapters_between_scenes_stay_chapters() -> None:
    text = "\n\n\n".join(
        f"CHAPTER {number}\n\n{action}\n\n{TALK}" for number, action in zip("123", ACTIONS, strict=True)
    )
    assert titles_in(plain_document(text)) == ["", "Chapter 1", "Chapter 2", "Chapter 3"]


@given(st.text(max_size=40), st.lists(st.integers(0, 3), max_size=3))
def test_any_lines_can_be_marked(text: str, lines: list[int]) -> None:
    content = f"INT. MILL - DAY\n\n{text}\n\nThe end of it all came late in the year."
    count = content.count("\n") + 1
    document = Document(content, headings=tuple(Heading(line, 1) for line in lines if line < count))
    assert not any(is_scene_line(title) for title in titles_in(document))
