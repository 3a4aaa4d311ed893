"""Word's documents, as Word, Google Docs and LibreOffice write them."""

from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import divide, read_book
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.errors import CorpusError
from tests.corpus.formats.documents import W, docx, headings, left_out, paragraph, run, zipped

LONG = "Once upon a time there was a hat, and it sat on a shelf in the hall, where it was never worn by anyone at all."


def test_headings_are_known_by_their_styles_in_any_language(tmp_path: Path) -> None:
    body = paragraph("The Hedge Book", "Titel")
    for style in ("berschrift1", "Mine", "Out"):
        body += paragraph(f"By {style}", style) + paragraph(LONG)
    body += paragraph("Deeper", "Heading2") + paragraph(LONG)
    body += paragraph("Direct", facts='<w:outlineLvl w:val="0"/>') + paragraph(LONG)
    read = read_document(docx(tmp_path, body))
    assert read.title == "The Hedge Book"
    assert headings(read) == [
        *(("The Hedge Book", 1), ("By berschrift1", 2), ("By Mine", 2), ("By Out", 2)),
        *(("Deeper", 3), ("Direct", 2)),
    ]
    assert [tale.title for tale in divide(read)] == ["By berschrift1", "By Mine", "By Out", "Direct"]
    assert not read.wrapped


def test_a_novel_is_one_story_with_the_numbers_that_word_writes_itself(tmp_path: Path) -> None:
    level = '<w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Chapter %1"/>'
    numbering = (
        f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="4"><w:lvl w:ilvl="0">{level}</w:lvl>'
        '</w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="4"/></w:num></w:numbering>'
    )
    number = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="7"/></w:numPr>'
    body = paragraph("A Novel", "Titel")
    for title in ("", "The Fox", "", "The End of It"):
        body += paragraph(title, "berschrift1", number) + paragraph(LONG)
    read = read_document(docx(tmp_path, body, numbering=numbering))
    assert [title for title, _ in headings(read)] == [
        "A Novel", "Chapter I", "Chapter II The Fox", "Chapter III", "Chapter IV The End of It"
    ]  # fmt: skip
    (tale,) = divide(read)
    assert tale.title == "A Novel"
    assert len(tale.chapters) == 4


def test_tracked_changes_are_accepted_and_what_was_deleted_is_no_text(tmp_path: Path) -> None:
    gone = '<w:del w:id="1"><w:r><w:delText>never </w:delText></w:r></w:del>'
    new = f'<w:ins w:id="2">{run("always ")}</w:ins>'
    moved = (
        f'<w:moveFrom w:id="3">{run("far away ")}</w:moveFrom><w:moveTo w:id="4">{run("near ")}</w:moveTo>'
    )
    joined = "<w:rPr><w:del/></w:rPr>"
    body = paragraph(run("The hat was ") + gone + new + moved + run("there."))
    body += paragraph("A paragraph ", facts=joined) + paragraph("that goes on.")
    read = read_document(docx(tmp_path, body))
    assert read.text == "The hat was always near there.\n\nA paragraph that goes on."
    assert left_out(read) == [("deleted text", "never far away")]


def test_notes_comments_page_heads_and_hidden_text_are_recorded_and_no_text(tmp_path: Path) -> None:
    body = paragraph(run("The hat") + '<w:r><w:footnoteReference w:id="2"/></w:r>' + run(" sat."))
    body += paragraph(
        run("It was ")
        + run("secretly ", "<w:vanish/>")
        + run("quite ", '<w:rStyle w:val="Hide"/>')
        + run("blue.")
    )
    body += paragraph(run("Red", '<w:vanish w:val="0"/>'))
    notes = (
        f'<w:footnotes xmlns:w="{W}"><w:footnote w:type="separator" w:id="0">{paragraph("---")}</w:footnote>'
        f'<w:footnote w:id="2">{paragraph("A note on hats.")}{paragraph("Two lines.")}</w:footnote></w:footnotes>'
    )
    comments = (
        f'<w:comments xmlns:w="{W}"><w:comment w:id="5">{paragraph("Check this!")}</w:comment></w:comments>'
    )
    header = f'<w:hdr xmlns:w="{W}">{paragraph("RUNNING HEAD")}</w:hdr>'
    read = read_document(
        docx(tmp_path, body, footnotes=notes, comments=comments, header1=header, footer2=header)
    )
    assert read.text == "The hat sat.\n\nIt was blue.\n\nRed"
    assert left_out(read) == [
        *(("hidden text", "secretly quite"), ("comment", "Check this!"), ("page footer", "RUNNING HEAD")),
        *(("note", "A note on hats.\nTwo lines."), ("page header", "RUNNING HEAD")),
    ]
    assert {each.place for each in read.left_out} >= {"footnote 2", "comment 5", "header1.xml"}


def test_lines_tabs_hyphens_and_fields(tmp_path: Path) -> None:
    inner = (
        run("One")
        + "<w:r><w:br/></w:r>"
        + run("two")
        + "<w:r><w:tab/><w:noBreakHyphen/><w:softHyphen/></w:r>"
        + run("three")
    )
    field = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    link = (
        field.format("begin")
        + "<w:r><w:instrText> HYPERLINK x </w:instrText></w:r>"
        + field.format("separate")
    )
    page = field.format("begin") + "<w:r><w:instrText> PAGE </w:instrText></w:r>" + field.format("separate")
    body = paragraph(inner) + paragraph(
        link + run("a link") + field.format("end") + page + run("17") + field.format("end")
    )
    body += paragraph(
        '<w:fldSimple w:instr=" PAGE ">'
        + run("3")
        + "</w:fldSimple>"
        + f"<w:hyperlink>{run('another')}</w:hyperlink>"
    )
    body += paragraph('<w:r><w:pict><v:rect o:hr="t"/></w:pict></w:r>')
    body += paragraph(f"<w:ruby><w:rt>{run('kan')}</w:rt><w:rubyBase>{run('漢')}</w:rubyBase></w:ruby>")
    read = read_document(docx(tmp_path, body))
    assert read.text.split("\n\n") == ["One\ntwo -three", "a link", "another", "* * *", "漢"]


def test_tables_lists_text_boxes_and_contents_lists(tmp_path: Path) -> None:
    def table(rows: list[list[str]]) -> str:
        cells = ["".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows]
        return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"

    item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    box = f"<w:txbxContent>{paragraph('A box.')}</w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    gallery = '<w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
    body = f"<w:sdt>{gallery}<w:sdtContent>{paragraph('Contents')}{paragraph('One 3')}</w:sdtContent></w:sdt>"
    body += paragraph("Two 9", "TOC1")
    body += f"<w:sdt><w:sdtContent>{paragraph('Kept.')}</w:sdtContent></w:sdt>"
    body += table([[paragraph("Fox"), paragraph("3")], [paragraph("Hen"), paragraph("")]])
    body += table([[paragraph("She said.") + paragraph("He said."), paragraph("Aside.")]])
    body += paragraph("one", facts=item) + paragraph("two", facts=item)
    body += paragraph(run("Before the box.") + f"<w:r>{both}</w:r>")
    read = read_document(docx(tmp_path, body))
    assert [block.strip() for block in read.text.split("\n\n") if block.strip()] == [
        "Kept.", "Fox 3\nHen", "She said.", "He said.", "Aside.", "one\ntwo", "Before the box.", "A box."
    ]  # fmt: skip
    assert left_out(read) == [("contents list", "Contents\nOne 3\nTwo 9")]


def test_title_and_author_come_from_the_file_unless_a_program_made_them(tmp_path: Path) -> None:
    read = read_document(docx(tmp_path, paragraph(LONG), title="The Hat", author="Wren, Ann"))
    assert (read.title, read.author) == ("The Hat", "Ann Wren")
    for title, author in (
        ("Document1", "python-docx"),
        ("Microsoft Word - hat.doc", "Microsoft Office User"),
        ("", ""),
    ):
        read = read_document(docx(tmp_path, paragraph(LONG), title=title, author=author))
        assert (read.title, read.author) == ("", "")
    book = read_book(
        read_document(
            docx(
                tmp_path,
                paragraph("The Hat", "Titel")
                + paragraph("Ann Wren", "Author")
                + paragraph("One", "berschrift1")
                + paragraph(LONG),
                author="Ann Wren",
            )
        )
    )
    assert (book.title, book.author, len(book.tales)) == ("The Hat", "Ann Wren", 1)


def test_the_text_may_lie_elsewhere_in_the_package(tmp_path: Path) -> None:
    assert read_document(docx(tmp_path, paragraph("Hat."), main="word/document2.xml")).text == "Hat."


def test_blank_paragraphs_and_new_pages_widen_the_gap(tmp_path: Path) -> None:
    body = paragraph(LONG) + paragraph("") * 3 + paragraph("CHAPTER TWO") + paragraph("")
    body += (
        paragraph(LONG)
        + paragraph('<w:r><w:br w:type="page"/></w:r>')
        + paragraph("CHAPTER THREE")
        + paragraph(LONG)
    )
    assert read_document(docx(tmp_path, body)).text.split("\n") == [
        *(LONG, "", "", "", "", "CHAPTER TWO", "", "", LONG, "", "", "", "", "CHAPTER THREE", "", LONG)
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "locked with a password, or an old .doc"),
        (b"{\\rtf1 Once.}", "is not a Word document"),
        (b"", "is empty"),
        (b"PK\x03\x04" + b"\0" * 50, "damaged or cut off"),
    ],
)
def test_what_is_no_document_gets_a_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "tale.docx").write_bytes(data)
    with pytest.raises(CorpusError, match=said):
        read_document(tmp_path / "tale.docx")


def test_hostile_documents_are_refused_in_time(tmp_path: Path) -> None:
    nested = paragraph("x")
    for _ in range(200):
        nested = f"<w:tbl><w:tr><w:tc>{nested}{nested if len(nested) < 200 else ''}</w:tc></w:tr></w:tbl>"
    with pytest.raises(CorpusError, match="nested too deeply"):
        read_document(docx(tmp_path, nested))
    with pytest.raises(CorpusError, match=r"zip bomb|larger than"):
        read_document(docx(tmp_path, paragraph("a" * 60_000_000)))
    with pytest.raises(CorpusError, match=r"more markup than any book|zip bomb"):
        read_document(docx(tmp_path, "<w:p/>" * 5_000_000))
    with pytest.raises(CorpusError, match="not a Word document, or not a whole one"):
        read_document(zipped(tmp_path, "tale.docx", {"word/document.xml": "<x/>"}))
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    hat = paragraph("<w:r><w:t>&b;Hat</w:t></w:r>")
    path = zipped(
        tmp_path,
        "tale.docx",
        {"word/document.xml": f'{entities}<w:document xmlns:w="{W}"><w:body>{hat}</w:body></w:document>'},
    )
    assert read_document(path).text == "Hat"
