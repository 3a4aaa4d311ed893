"""OpenDocument texts, as LibreOffice writes them."""

from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError
from tests.corpus.formats.documents import headings, left_out, odt, zipped

LONG = "Once upon a time there was a hat, and it sat on a shelf in the hall, where it was never worn by anyone at all."
STYLES = """
<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>
<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Heading_20_2"/>
<style:style style:name="Heading_20_2" style:family="paragraph"/>
<style:style style:name="P3"><style:paragraph-properties fo:break-before="page"/></style:style>
<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>
"""


@pytest.mark.parametrize("name", ["tale.odt", "tale.fodt", "tale.ott"])
def test_headings_paragraphs_and_metadata(tmp_path: Path, name: str) -> None:
    body = f"""
    <text:sequence-decls><text:sequence-decl text:name="x"/></text:sequence-decls>
    <text:p text:style-name="P1">The Hedge Book</text:p><text:p text:style-name="Author">Ann Wren</text:p>
    <text:h text:outline-level="1">The <text:span>Hat</text:span></text:h><text:p>{LONG}</text:p>
    <text:section>
    <text:h text:outline-level="1">The Fox<text:line-break/>again</text:h><text:p>{LONG}</text:p></text:section>
    <text:p text:style-name="P2">Deeper</text:p><text:p>{LONG}</text:p>
    """
    read = read_document(odt(tmp_path, body, styles=STYLES, title="Another", author="Ann Wren", name=name))
    assert headings(read) == [("The Hedge Book", 1), ("The Hat", 2), ("The Fox again", 2), ("Deeper", 3)]
    assert (read.title, read.author) == ("The Hedge Book", "Ann Wren")
    assert [tale.title for tale in divide(read)] == ["The Hat", "The Fox again"]


def test_spaces_lines_lists_tables_and_frames(tmp_path: Path) -> None:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    row = "<table:table-row>{}{}</table:table-row>"
    body = f"""
    <text:p>One<text:s/>two<text:s text:c="3"/>three<text:tab/>four<text:line-break/>five
    <text:a>six</text:a><text:soft-page-break/>, seven</text:p>
    <text:list><text:list-item><text:p>a</text:p></text:list-item><text:list-item><text:p>b</text:p>
    <text:list><text:list-item><text:p>c</text:p></text:list-item></text:list></text:list-item></text:list>
    <table:table>{row.format(cell.format("Fox"), cell.format("3"))}
    {row.format(cell.format("Hen"), cell.format(""))}</table:table>
    <text:p text:style-name="Horizontal_20_Line"/>
    <text:p>Before.<draw:frame><draw:text-box><text:p>In a box.</text:p></draw:text-box></draw:frame> After.</text:p>
    <text:p><text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>kan</text:ruby-text></text:ruby></text:p>
    """
    styles = '<style:style style:name="Horizontal_20_Line"/>'
    read = read_document(odt(tmp_path, body, styles=styles))
    assert [block.strip() for block in read.text.split("\n\n") if block.strip()] == [
        *("One two three four\nfive six, seven", "a\nb\nc", "Fox 3\nHen", "* * *"),
        *("Before. After.", "In a box.", "漢"),
    ]


def test_what_is_no_text_is_recorded(tmp_path: Path) -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body>"
        "</text:note>"
    )
    psst = '<text:hidden-text text:string-value="psst"/>'
    body = f"""
    <text:tracked-changes><text:changed-region><text:deletion><text:p>was deleted</text:p></text:deletion>
    </text:changed-region><text:changed-region><text:insertion/></text:changed-region></text:tracked-changes>
    <text:table-of-content><text:index-body><text:p>One 3</text:p></text:index-body></text:table-of-content>
    <text:p>The hat{note} sat<text:change/><office:annotation><text:p>Check!</text:p></office:annotation>.</text:p>
    <text:p>It was <text:span text:style-name="T1">secretly </text:span>blue.{psst}</text:p>
    <text:section text:display="none"><text:p>All hidden.</text:p></text:section>
    """
    read = read_document(odt(tmp_path, body, styles=STYLES))
    assert read.text == "The hat sat.\n\nIt was blue."
    assert left_out(read) == [
        *(
            ("deleted text", "was deleted"),
            ("contents list", "One 3"),
            ("note", "A note."),
            ("comment", "Check!"),
        ),
        *(("hidden text", "secretly\npsst"), ("hidden text", "All hidden."), ("page header", "RUNNING HEAD")),
    ]


def test_what_is_no_document_or_hostile_gets_a_sentence(tmp_path: Path) -> None:
    manifest = '<m:manifest xmlns:m="x"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    with pytest.raises(CorpusError, match="locked with a password"):
        read_document(zipped(tmp_path, "tale.odt", {"META-INF/manifest.xml": manifest, "content.xml": "\0"}))
    for content in ("<x/>", "", "\0"):
        with pytest.raises(CorpusError, match=r"tale\.odt is not an OpenDocument text, or not a whole one"):
            read_document(zipped(tmp_path, "tale.odt", {"content.xml": content}))
    for tag in ("text:list", "text:section"):
        with pytest.raises(CorpusError, match=r"nested too deeply|not an OpenDocument text"):
            read_document(odt(tmp_path, f"<{tag}>" * 3000 + f"</{tag}>" * 3000))
    with pytest.raises(CorpusError, match=r"zip bomb|larger than"):
        read_document(odt(tmp_path, f"<text:p>{'a' * 60_000_000}</text:p>"))
    spaces = read_document(odt(tmp_path, '<text:p>a<text:s text:c="999999999"/>b</text:p>', name="tale.fodt"))
    assert spaces.text == "a b"
