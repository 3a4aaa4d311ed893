"""Pages that are no books, made to do harm or to take long: a text comes out, or one sentence, and soon."""

import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.markup import read_html
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError


def page(source: str) -> Document:
    return read_html(source, "page.html").document


def text_of(body: str) -> str:
    return page(f"<html><body>{body}</body></html>").text


@pytest.mark.parametrize("depth", [300, 2_000])
def test_deep_nesting_is_read(depth: int) -> None:
    assert text_of("<div>" * depth + "deep" + "</div>" * depth + "after") == "deep\n\nafter"


def test_nesting_that_no_book_has_is_refused_in_one_sentence() -> None:
    with pytest.raises(CorpusError, match=r"page\.html is nested too deeply") as caught:
        page("<div>" * 200_000 + "deep")
    assert "\n" not in str(caught.value)


def test_entities_are_not_expanded_nor_files_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    source = (
        f'<!DOCTYPE html [<!ENTITY a0 "lol">{bomb}<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
        f'<html xmlns:xi="http://www.w3.org/2001/XInclude"><p>It rained. &x; &a11;'
        f'<xi:include href="{secret.as_uri()}" parse="text"/><iframe src="{secret.as_uri()}"></iframe></p></html>'
    )
    text = page(source).text
    assert "It rained." in text
    assert "SECRET" not in text
    assert "lollol" not in text


def test_huge_attributes_and_paragraphs_are_taken_as_they_are() -> None:
    assert text_of(f'<p class="{"x " * 500_000}" title="{"y" * 1_000_000}">It rained.') == "It rained."
    long = "rain " * 3_000_000
    assert text_of(f"<p>{long}</p><p>end") == f"{long.strip()}\n\nend"


@pytest.mark.parametrize(
    "piece", ["<p>", "<b>", "<a href='#f1'>", "<table><tr><td>", "<sup>", "<li>", "<q>", "<h2>"]
)
@pytest.mark.timeout(60)  # it takes a moment; by going through all of them for each it would be hours
def test_many_unclosed_elements_take_no_time(piece: str) -> None:
    try:
        page(f"{piece}x" * 1_500)
    except CorpusError as error:
        assert "nested" in str(error)  # noqa: PT017


DEEP = {
    "sidebars": "<div class='sidebar'>",
    "contents": "<section epub:type='toc'>",
    "frames": "<div class='meta'>",
    "feet": "<div id='footer'>",
    "facts": "<dl><dt>Rating: x<dd>y<dt>",
    "hidden": "<div style='display:none'>",
    "lines": "<div style='white-space:pre'>",
    "notes": "<li id='fn1'><a href='#ref1'>↩</a>",
}


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.timeout(60)
def test_what_may_stand_around_a_story_is_weighed_in_no_time_however_deep(name: str) -> None:
    filled = "It rained. <b>x</b>" * 1_000
    document = page(f"<p>It rained.</p>{(DEEP[name] + 'x') * 600}{filled}")
    assert "It rained." in document.text


def test_style_sheets_and_readings_that_never_end_take_no_time() -> None:
    for sheet in ("a{" * 100_000, ".a," * 100_000 + "{display:none}", "/*" * 100_000, "@media x{" * 100_000):
        assert text_of(f"<style>{sheet} .x{{display:none}}</style><p>It rained.") == "It rained."
    for marks in ("［＃" * 50_000, "漢《か" * 50_000, "｜" * 50_000 + "《", "※［＃「" * 50_000):
        assert text_of(f"<p>{marks}") == marks


WORDS = ("vole", "hat", "rain", "café", "don’t", "&", "<", "x1")
TAGS = ("p", "div", "i", "b", "span", "h1", "h2", "h4", "ul", "li", "table", "tr", "td", "pre", "blockquote")
TAGS += ("br", "hr", "a", "sup", "q", "img", "section", "em", "center", "nav", "style")
CLASSES = (
    "",
    ' class="poem"',
    ' class="stanza"',
    ' class="i2"',
    ' class="pagenum"',
    " hidden",
    ' class="footnote"',
)


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, list[str]]:
    source, written = "", []
    for _ in range(draw(st.integers(0, 25))):
        tag, attribute = draw(st.sampled_from(TAGS)), draw(st.sampled_from(CLASSES))
        source += draw(
            st.sampled_from([f"<{tag}{attribute}>", f"</{tag}>", " ", "\n", "&nbsp;", f"<{tag}/>"])
        )
        word = draw(st.sampled_from(WORDS))
        written.append(word)
        source += f" {html.escape(word)} "
    return source, written


@given(pages())
def test_no_word_is_made_up_and_every_line_is_a_line(made: tuple[str, list[str]]) -> None:
    source, written = made
    document = page(source)
    found = re.sub(
        r"[“”‘]|’(?!t)", " ", document.text
    ).split()  # `q` makes quotes; "don’t" has one of its own
    remaining = list(written)
    for word in found:  # in the order of the source, each as often as there
        assert word in remaining
        del remaining[: remaining.index(word) + 1]
    lines = document.text.split("\n")
    assert all(lines[heading.line].strip() for heading in document.headings)
    assert all(1 <= heading.level <= 6 for heading in document.headings)
    assert "\n\n\n" not in document.text
    assert document.text == document.text.strip("\n")


def test_a_long_page_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.html"
    body = "".join(f"<h2>Tale {n}</h2><p>{'It rained on the vole. ' * 30}</p>" for n in range(200))
    path.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    document = read_document(path)
    assert len(document.headings) == 200
    assert document.text.count("It rained") == 6_000
