r"""Rich text, as Word, WordPad, LibreOffice and Apple's programs write it: \'xx in many code pages, and \u."""

import contextlib
import time
from pathlib import Path

import pytest

from storytime_tui.corpus.dividing.divide import divide
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.rtf import read_rtf
from storytime_tui.errors import CorpusError
from tests.corpus.formats.documents import headings, left_out, written

LONG = "Once upon a time there was a hat, and it sat on a shelf in the hall, where it was never worn by anyone at all."


def rtf(body: str, head: str = r"\ansi\ansicpg1252\deff0{\fonttbl{\f0 Times;}}") -> Document:
    return read_rtf(("{\\rtf1" + head + "\n" + body + "}").encode("latin-1"), "tale.rtf")


def hexed(text: str, encoding: str) -> str:
    return "".join(f"\\'{byte:02x}" for byte in text.encode(encoding))


def test_paragraphs_lines_and_characters(tmp_path: Path) -> None:
    body = r"\pard One\tab two\line three\~four\_five\-six \lquote a\rquote \ldblquote b\rdblquote\emdash c"
    body += r"\endash\bullet\par"
    body += "\n{\\b Bold} and {\\i it}alic,\nover lines.\\par\\par \\{braces\\} and a \\\\.\\par"
    read = rtf(body)
    assert read.text.split("\n") == [
        *("One two", "three\u00a0four-fivesix ‘a’“b”—c–•", "", "Bold and italic,over lines.", "", ""),
        "{braces} and a \\.",
    ]
    assert not read.wrapped


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        (204, "cp1251", "Жила-была шляпа"),
        (238, "cp1250", "Žluťoučký kůň úpěl"),
        (161, "cp1253", "Μια φορά κι έναν καιρό"),
        (162, "cp1254", "Bir varmış, bir yokmuş"),
        (177, "cp1255", "היה היה"),
        (128, "cp932", "むかしむかし、ソース"),
        (134, "gb18030", "从前有一顶帽子"),
        (136, "big5", "從前有一頂帽子，功"),
        (129, "cp949", "옛날 옛적에"),
        (0, "cp1252", "Es war einmal: Äpfel „gut“"),
    ],
)
def test_every_code_page_by_its_fonts(charset: int, encoding: str, text: str) -> None:
    fonts = r"\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 A;}{\f1\fnil\fcharset" + str(charset) + " B;}}"
    assert rtf(rf"Hat {{\f1 {hexed(text, encoding)}}} end\'e9.", fonts).text == f"Hat {text} endé."
    if charset:  # the program names the code page of the document only
        page = {"gb18030": "936", "big5": "950"}.get(encoding, encoding[2:])
        head = rf"\ansi\ansicpg{page}\deff0{{\fonttbl{{\f0\fcharset0 A;}}}}"
        assert rtf(hexed(text, encoding), head).text == text
        raw = ("{\\rtf1" + head).encode() + text.encode(encoding).replace(b"\\", b"\\\\") + b"}"
        if encoding in ("cp1251", "cp1250", "cp1253"):  # single bytes may stand unescaped
            assert read_rtf(raw, "tale.rtf").text == text


def test_unicode_and_what_stands_for_it_in_old_programs() -> None:
    assert rtf(r"\u1046?\u1080\'e8\u1083? a").text == "Жил a"
    assert rtf(r"\uc0\u1046\u1080 \u1083  a").text == "Жил a"
    assert rtf(r"{\uc2\u26085\'93\'fa\u26412\'96\'7b}\u233e x").text == "日本é x"
    assert rtf(r"\u-10179?\u-8704? cat").text == "😀 cat"  # two halves, as negative numbers
    assert rtf(r"\u8220\'93Hi\u8221\'94").text == "“Hi”"


def test_headings_title_and_contents_by_styles() -> None:
    styles = (
        r"{\stylesheet{\ql\f0 \snext0 Normal;}{\s1\outlinelevel0\b \sbasedon0\snext0 heading 1;}"
        r"{\s2 \sbasedon1 Chapter head;}{\s3 Heading 2;}{\s4 Title;}"
        r"{\s5\sbasedon4 Author;}{\s9 toc 1;}{\*\cs10 Strong;}}"
        r"{\info{\title The Book}{\author Wren, Ann}{\*\company Nobody}{\operator x}{\creatim\yr2020}}"
    )
    body = r"\pard\s4 The Hedge Book\par\pard\s5 Ann Wren\par\pard\s9 One 3\par"
    for style, title in ((1, "The Hat"), (2, r"The\line Fox"), (3, "Deeper")):
        body += rf"\pard\plain\s{style} {title}\par\pard {LONG}\par"
    body += rf"\pard\outlinelevel0 Direct\par\pard {LONG}\par"
    read = rtf(styles + body)
    assert headings(read) == [
        *(("The Hedge Book", 1), ("The Hat", 2), ("The Fox", 2), ("Deeper", 3), ("Direct", 2))
    ]
    assert (read.title, read.author) == ("The Hedge Book", "Ann Wren")
    assert left_out(read) == [("contents list", "One 3")]
    assert [tale.title for tale in divide(read)] == ["The Hat", "The Fox", "Direct"]


def test_what_is_no_text_is_recorded() -> None:
    body = (
        r"{\header \pard RUNNING \chpgn HEAD\par}{\footerr 3\par}"
        r"The hat{\super\chftn{\footnote \pard\plain A note.\par}} sat"
        r"{\deleted\revauthdel1 down }{\revised up}.{\v secret}{\*\atnid AW}{\*\annotation Check!}\par"
        r"{\field{\*\fldinst  TOC \\o }{\fldrslt One 3\par Two 9\par}}"
        r'{\field{\*\fldinst {HYPERLINK "http://x"}}{\fldrslt {\ul A link}}} on.'
        r"{\field{\*\fldinst PAGE}{\fldrslt 7}}\par"
        r"{\*\unknown lost{ words}}{\pict\pngblip 89504e47}{\listtext 1.\tab}Item.\par"
        r"{\shp{\*\shpinst\shpleft1{\sp{\sn x}{\sv y}}{\shptxt In a box.\par}}{\shprslt In a box.}}"
        r"{\bkmkstart a}{\*\bkmkend a}The end.\par"
    )
    read = rtf(body)
    assert [block.strip() for block in read.text.split("\n\n") if block.strip()] == [
        *("The hat satup.", "A link on.", "Item.", "In a box.", "The end.")
    ]
    assert left_out(read) == [
        *(
            ("page header", "RUNNING HEAD"),
            ("page footer", "3"),
            ("note", "A note."),
            ("deleted text", "down"),
        ),
        *(("hidden text", "secret"), ("comment", "Check!"), ("contents list", "One 3\nTwo 9")),
    ]


def test_tables_are_rows_or_a_layout_of_paragraphs() -> None:
    row = r"\trowd\cellx100\cellx200\pard\intbl {}\cell {}\cell\row "
    assert (
        rtf(row.format("Fox", "3") + row.format("Hen", "4") + r"\pard After.\par").text
        == "Fox 3\nHen 4\n\nAfter."
    )
    assert rtf(row.format(r"She said.\par He said.", "Aside.")).text == "She said.\n\nHe said.\n\nAside."


def test_apples_programs_end_paragraphs_with_a_backslash(tmp_path: Path) -> None:
    source = (
        "{\\rtf1\\ansi\\ansicpg1252\\cocoartf2639\n{\\fonttbl\\f0\\fswiss\\fcharset0 Helvetica;}\n"
        "{\\*\\expandedcolortbl;;}\n\\pard\\tx560\\pardirnatural\\partightenfactor0\n\n"
        "\\f0\\fs24 \\cf0 \\'93Hello,\\'94 she said.\\\n\\\nThe \\uc0\\u8364  sign.}"
    )
    read = written(tmp_path, "tale.rtf", source)
    assert [block.strip() for block in read.text.split("\n\n")] == ["“Hello,” she said.", "The € sign."]


def test_binary_pictures_and_a_cut_file(tmp_path: Path) -> None:
    picture = b"{\\pict\\wmetafile8\\bin13 {}\\par}{}{{\\\\}"
    read = written(tmp_path, "tale.rtf", b"{\\rtf1\\ansi Before." + picture + b" After.\\par}")
    assert read.text == "Before. After."
    read = written(tmp_path, "tale.rtf", b"{\\rtf1\\ansi {\\b Once upon\\par a ti")
    assert read.text == "Once upon\n\na ti"
    assert "ends too early" in read.remarks[0]
    read = written(tmp_path, "tale.rtf", b"{\\rtf1\\ansi Once.}\0\0 more")
    assert (read.text, left_out(read)) == ("Once.", [("after the end of the document", "more")])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Once.", "is not a rich-text file"),
        (b"{\\rtf1 }", "is empty"),
        (b"{\\rtf1 " + b"{" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_rich_text_gets_a_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        written(tmp_path, "tale.rtf", data)


@pytest.mark.parametrize(
    "piece", ["{\\b ", "\\'", "\\u1046", "\\*", "}{", "\\par ", "\\bin9999999999 ", "{\\*\\x{", "\\cell "]
)
def test_hostile_files_take_no_time(piece: str) -> None:
    started = time.process_time()
    with contextlib.suppress(CorpusError):
        rtf(piece * (400_000 // len(piece)))
    assert time.process_time() - started < 10
