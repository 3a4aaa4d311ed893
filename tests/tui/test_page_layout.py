"""Where a story's characters stand on the page: none is lost, none is shown twice, however the story grew."""

import dataclasses
import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from storytime_tui.stories.story import Passage
from storytime_tui.tui.line_breaks import clusters, wrapped_ranges
from storytime_tui.tui.page_layout import PageLayout

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
        "🇩🇪",
        "。",
        "「",
        "क्षि",
        "ที่",
        "\u200b",
        "\xa0",
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
            before = list(grown.rows)
            changed = grown.append(each.writer, each.text[start : start + 7], each.id)
            assert grown.rows[:changed] == before[:changed]
            assert (
                changed == len(grown.rows) == len(before) or grown.rows[changed:][:1] != before[changed:][:1]
            )
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


def rows(text: str, width: int) -> list[str]:
    return [text[a:b] for a, b in wrapped_ranges(text, width)]


@given(TEXTS.map(lambda text: text.replace("\n", "")), WIDTHS)
def test_no_row_tears_a_mark_a_joiner_or_a_flag_from_its_base(line: str, width: int) -> None:
    inside = {at for sign in clusters(line) for at in range(sign.start + 1, sign.end)}
    assert not inside & {at for row in wrapped_ranges(line, width) for at in row} if line.strip() else True


def test_chinese_and_japanese_rows_break_between_signs_but_not_before_closing_punctuation() -> None:
    assert rows("小さな猫が台所の階段の下で店を開いた。", 12) == [
        "小さな猫が台",
        "所の階段の下",
        "で店を開い",
        "た。",
    ]
    assert rows("彼は「三つください」と言った。", 10) == ["彼は「三つ", "ください」", "と言った。"]
    assert rows("彼女は言う「はい」と。", 12) == [
        "彼女は言う",
        "「はい」と。",
    ]  # nothing opens at the end of a row
    assert rows("老狐狸說：「你好。」", 10) == ["老狐狸說：", "「你好。」"]
    assert rows("a cat 猫 and 大きな犬", 12) == ["a cat 猫 and", "大きな犬"]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("한국어는 낱말 사이에서만 줄을 바꾼다", 12, ["한국어는", "낱말", "사이에서만", "줄을 바꾼다"]),
        ("एक छोटी क्षत्रिय रानी", 7, ["एक छोटी", "क्षत्रिय", "रानी"]),
        ("แมวตัวเล็ก นอนหลับ", 12, ["แมวตัวเล็ก", "นอนหลับ"]),
        ("แมว\u200bตัวเล็ก\u200bนอนหลับ", 10, ["แมว\u200bตัวเล็ก\u200b", "นอนหลับ"]),
        ("میروم به خانه", 10, ["میروم به", "خانه"]),
        ("un petit mot\xa0! deux", 12, ["un petit", "mot\xa0! deux"]),
        ("👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧", 10, ["👩‍👧" * 5, "👩‍👧"]),
        ("🇩🇪🇫🇷🇮🇹🇪🇸🇵🇹🇬🇷", 10, ["🇩🇪🇫🇷🇮🇹🇪🇸🇵🇹", "🇬🇷"]),
        ("e\u0301" * 12, 10, ["e\u0301" * 10, "e\u0301" * 2]),
    ],
)
def test_rows_of_other_scripts_break_at_their_spaces(text: str, width: int, expected: list[str]) -> None:
    assert rows(text, width) == expected


def test_paragraphs_from_right_to_left_end_at_the_right_margin() -> None:
    page = PageLayout(20)
    texts = ["A cat and שלום.\n\n", "«שלום», אמר החתול הקטן.\n\n", "مرحبا\n\n", "12 گربه\n\n", "…?"]
    page.load([passage(at + 1, text) for at, text in enumerate(texts)])
    shown = [
        (page.text[row.start : row.end], page.indent(number))
        for number, row in enumerate(page.rows)
        if not row.kind
    ]
    assert shown == [
        ("A cat and שלום.", 0),
        ("«שלום», אמר החתול", 3),
        ("הקטן.", 15),
        ("مرحبا", 15),
        ("12 گربه", 13),
        ("…?", 0),
    ]
    number = next(number for number, row in enumerate(page.rows) if page.indent(number) == 15)
    assert page.place_at(number, 14) == page.place_at(number, 15) == page.rows[number].start
    assert page.place_at(number, 16) == page.rows[number].start + 1
