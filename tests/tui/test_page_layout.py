"""Where a story's characters stand on the page: none is lost, none is shown twice, however the story grew."""

import dataclasses
import itertools

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from storytime_tui.stories.story import Passage
from storytime_tui.tui.page_layout import PageLayout, wrapped_ranges

SIGNS = st.sampled_from(
    [
        *"abc .,\"'-",
        "\n",
        "\n\n",
        " \n \n",
        "word ",
        "猫",
        "́",
        "\t",
        "\x1b[2J",
        "שלום ",
        "👩‍👧",
        "x" * 90,
        "  verse\n",
    ]
)
TEXTS = st.lists(SIGNS, max_size=40).map("".join)
WIDTHS = st.integers(10, 80)


def passage(id: int, text: str, edited_from: int | None = None) -> Passage:
    return Passage(id, 1, None, "model" if id % 2 else "you", text, "", "", 0.0, edited_from=edited_from)


def words_shown(page: PageLayout) -> str:
    """All that the page shows, without the white space at which rows may break."""
    return "".join("".join(page.text[row.start : row.end].split()) for row in page.rows if not row.kind)


@given(TEXTS.map(lambda text: text.replace("\n", "")), WIDTHS)
@example("  " + "x" * 40, 10)
@example("猫" * 30, 11)
def test_rows_fit_the_width_and_hold_every_word_in_order(line: str, width: int) -> None:
    ranges = list(wrapped_ranges(line, width)) if line.strip() else []
    assert "".join("".join(line[a:b].split()) for a, b in ranges) == "".join(line.split())
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(ranges))
    for a, b in ranges:
        assert a < b and cell_len(line[a:b].replace("\t", " ")) <= width


@given(st.lists(TEXTS, max_size=6), WIDTHS, st.integers(10, 80))
def test_a_story_that_grew_stands_as_one_that_was_opened(texts: list[str], width: int, other: int) -> None:
    passages = [passage(at + 1, text) for at, text in enumerate(texts)]
    opened, grown = PageLayout(width), PageLayout(other)
    opened.load(passages)
    for each in passages:
        for start in range(0, len(each.text), 7):
            grown.append(each.writer, each.text[start : start + 7], each.id)
    grown.resize(width)
    assert (grown.text, grown.rows, grown.pieces) == (opened.text, opened.rows, opened.pieces)
    assert words_shown(opened) == "".join("".join(texts).split())


@given(st.lists(TEXTS, min_size=1, max_size=6), WIDTHS, st.data())
def test_every_place_is_found_on_the_page_and_back(texts: list[str], width: int, data: st.DataObject) -> None:
    page = PageLayout(width)
    page.load([passage(at + 1, text) for at, text in enumerate(texts)])
    for number, row in enumerate(page.rows):
        if not row.kind:
            assert page.row_at(row.start) == number
            place = page.place_at(number, data.draw(st.integers(0, width)))
            assert place is not None and row.start <= place < row.end
    for at, text in enumerate(texts):
        extent = page.extent(at + 1)
        assert (extent is None) == (not text)
        if extent is not None:
            assert page.text[slice(*extent)] == text
            assert page.passage_at(extent[0]) == at + 1


@given(st.lists(TEXTS, min_size=1, max_size=6), WIDTHS, st.data())
def test_the_rule_stands_once_above_the_paragraph_where_the_view_begins(
    texts: list[str], width: int, data: st.DataObject
) -> None:
    page = PageLayout(width)
    page.load([passage(at + 1, text) for at, text in enumerate(texts)])
    visible = [at for at, sign in enumerate(page.text) if not sign.isspace()]
    if not visible:
        return
    begins = data.draw(st.sampled_from(visible))
    without = [row for row in page.rows if row.kind != "rule"]
    page.show_view(begins)
    rules = [number for number, row in enumerate(page.rows) if row.kind == "rule"]
    assert len(rules) == (1 if begins else 0)
    assert [row for row in page.rows if row.kind != "rule"] == without
    if rules:
        below = page.rows[rules[0] + 1]
        line_end = page.text.find("\n", below.start)
        assert below.start <= begins or not page.text[begins : below.start].strip()
        assert begins <= (line_end if line_end >= 0 else len(page.text))
    page.show_view(None)
    assert page.rows == without


def test_an_edited_passage_is_told_from_its_writers_other_words() -> None:
    page = PageLayout()
    edited = dataclasses.replace(passage(1, "One."), edited_from=7)
    page.load([edited, passage(3, " Two."), passage(2, " Three.")])
    assert [piece.writer for piece in page.pieces] == ["edited", "model", "you"]
