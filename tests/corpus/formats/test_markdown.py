"""Markdown: its paragraphs unwrapped, its headings known, its notes and its front matter gone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.markdown import read_markdown
from tests.examples import many


def markdown(source: str) -> Document:
    return read_markdown(source, "tale.md")


def test_markdown_is_unwrapped_and_its_headings_known() -> None:
    document = markdown(
        "The Hat\n=======\n\nIt *rained*\nand **rained**.\n\n## Two ##\n\n- a hat\n- shoes\n\n> Hush\n> now\n"
    )
    assert document.text == "The Hat\n\nIt rained and rained.\n\nTwo\n\na hat\nshoes\n\nHush now"
    assert [(h.level, document.text.split("\n")[h.line]) for h in document.headings] == [
        (1, "The Hat"),
        (2, "Two"),
    ]
    assert not document.wrapped


def test_lines_that_markdown_breaks_stay() -> None:
    assert markdown("Hush  \nnow\\\nvole\n\n    one\n      two\n").text == "Hush\nnow\nvole\n\none\n  two"


@pytest.mark.parametrize(
    ("front", "title", "author"),
    [
        ("---\ntitle: The Hat\nauthor: 'A. Vole'\ntags: [a, b]\n---\n", "The Hat", "A. Vole"),
        ('---\nTitle: "The: Hat"\n...\n', "The: Hat", ""),
        ("---\ntitle: [a]\nauthor:\n  - x\n---\n", "", ""),
        ("", "", ""),
    ],
)
def test_front_matter_names_the_tale_and_goes(front: str, title: str, author: str) -> None:
    document = markdown(f"{front}It rained.\n")
    assert (document.text, document.title, document.author) == ("It rained.", title, author)


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert markdown("---\n\nIt rained.\n\nAll day.\n").text == "It rained.\n\nAll day."


def test_notes_of_markdown_go() -> None:
    source = "The vole[^1] went.[^b]\n\n[^1]: A note\n    that goes on.\n\n    And on.\n"
    source += "[^b]: Another\none.\n\nIt rained.\n"
    assert markdown(source).text == "The vole went.\n\nIt rained."


def test_html_within_markdown_and_signs_that_are_none() -> None:
    assert markdown("It <b>rained</b> & 2 < 3 [/b] <script>no</script>\n\n<div hidden>no</div>").text == (
        "It rained & 2 < 3 [/b]"
    )


@settings(max_examples=many(100), deadline=None)
@given(st.text(alphabet="ab \n#*_`>[]()!<&-=|:^\\1.'\"", max_size=120))
def test_any_markdown_is_a_document_of_its_own_letters(source: str) -> None:
    document = markdown(source)
    assert set(document.text) <= set(source) | set(" ␀“”‘’�")
