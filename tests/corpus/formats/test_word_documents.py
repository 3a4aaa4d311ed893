"""All formats of word processors alike: every word is in the text, in its order, or left out for a reason."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.cli import main
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.fb2 import read_fb2
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.formats.registry import FORMATS, MEDIA_TYPES, SUFFIXES
from storytime_tui.corpus.formats.rtf import read_rtf
from storytime_tui.errors import CorpusError
from tests.corpus.formats import documents
from tests.examples import many


@dataclass(frozen=True)
class Block:
    """A paragraph of a made-up document: what it is, its words, and a note on it."""

    kind: str
    words: str
    note: str


word = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P"), exclude_characters="\u0378\ufeff"),
    min_size=1,
    max_size=6,
)
words = st.lists(word, min_size=1, max_size=8).map(" ".join)
kinds = st.sampled_from(["text", "heading", "item", "deleted", "hidden"])
blocks = st.lists(st.builds(Block, kinds, words, st.one_of(st.just(""), words)), min_size=1, max_size=8)


def as_docx(folder: Path, made: list[Block]) -> Document:
    body, notes = "", ""
    item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    for number, block in enumerate(made):
        inner = documents.run(block.words)
        if block.kind == "deleted":
            inner = f"<w:del><w:r><w:delText>{escape(block.words)}</w:delText></w:r></w:del>"
        elif block.kind == "hidden":
            inner = documents.run(block.words, "<w:vanish/>")
        if block.note:
            notes += (
                f'<w:footnote w:id="{number}">{documents.paragraph(documents.run(block.note))}</w:footnote>'
            )
        style = "berschrift1" if block.kind == "heading" else ""
        body += documents.paragraph(inner, style, item if block.kind == "item" else "")
    footnotes = f'<w:footnotes xmlns:w="{documents.W}">{notes}</w:footnotes>'
    return read_document(documents.docx(folder, body, footnotes=footnotes))


def as_odt(folder: Path, made: list[Block]) -> Document:
    styles = '<style:style style:name="T"><style:text-properties text:display="none"/></style:style>'
    body, changes = "", ""
    for block in made:
        inner = escape(block.words)
        if block.note:
            note = f"<text:note-body><text:p>{escape(block.note)}</text:p></text:note-body>"
            inner += f"<text:note><text:note-citation>1</text:note-citation>{note}</text:note>"
        if block.kind == "heading":
            body += f'<text:h text:outline-level="1">{inner}</text:h>'
        elif block.kind == "item":
            body += f"<text:list><text:list-item><text:p>{inner}</text:p></text:list-item></text:list>"
        elif block.kind == "deleted":
            words = escape(block.words)
            gone = f"<text:deletion><text:p>{words}</text:p></text:deletion>"
            changes += f"<text:changed-region>{gone}</text:changed-region>"
            body += f"<text:p>{inner[len(words) :]}</text:p>"
        elif block.kind == "hidden":
            body += f'<text:p><text:span text:style-name="T">{inner}</text:span></text:p>'
        else:
            body += f"<text:p>{inner}</text:p>"
    body = f"<text:tracked-changes>{changes}</text:tracked-changes>{body}"
    return read_document(documents.odt(folder, body, styles=styles, name="tale.fodt"))


def as_rtf(_: Path, made: list[Block]) -> Document:
    def shown(text: str) -> str:
        units = text.encode("utf-16-le")
        pairs = [int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2)]
        return "".join(chr(n) if 0 < n < 128 and chr(n) not in "\\{}" else f"\\u{n}?" for n in pairs)

    body = ""
    for block in made:
        facts = {"heading": r"\s1 ", "deleted": r"{\deleted ", "hidden": r"{\v "}.get(block.kind, "")
        note = rf"{{\footnote \pard {shown(block.note)}}}" if block.note else ""
        end = "}" if block.kind in ("deleted", "hidden") else ""
        body += rf"\pard\plain {facts}{shown(block.words)}{end}{note}\par" + "\n"
    head = r"{\rtf1\ansi{\fonttbl{\f0 A;}}{\stylesheet{\s1 heading 1;}}"
    return read_rtf((head + body + "}").encode("latin-1"), "tale.rtf")


def as_fb2(_: Path, made: list[Block]) -> Document:
    body, notes = "", ""
    for number, block in enumerate(made):
        shown = escape(block.words)
        if block.kind == "heading":
            body += f"<section><title><p>{shown}</p></title></section>"
        elif block.kind == "item":
            body += f"<poem><stanza><v>{shown}</v></stanza></poem>"
        else:
            body += f"<p>{shown}</p>"
        notes += f'<section id="n{number}"><p>{escape(block.note)}</p></section>'
    return read_fb2(documents.fb2(body, more=f'<body name="notes">{notes}</body>'), "tale.fb2")


def counted(text: str) -> list[str]:
    return re.findall(r"\S+", text)


@pytest.mark.parametrize("written", [as_docx, as_odt, as_rtf, as_fb2])
@settings(max_examples=many(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=blocks)
def test_every_word_is_in_the_text_or_accounted_for(
    tmp_path: Path, written: object, made: list[Block]
) -> None:
    gone = [] if written is as_fb2 else ["deleted", "hidden"]
    kept = [block.words for block in made if block.kind not in gone]
    if not kept:
        made = [*made, Block("text", "end", "")]
        kept = ["end"]
    read = written(tmp_path, made)  # type: ignore[operator]
    assert counted(read.text) == counted(" ".join(kept))
    others = [block.words for block in made if block.kind in gone] + [block.note for block in made]
    assert sorted(counted(" ".join(each.text for each in read.left_out))) == sorted(counted(" ".join(others)))
    assert len(read.headings) == sum(block.kind == "heading" for block in made)
    assert all(each.reason and each.place for each in read.left_out)


pieces = st.sampled_from(
    [
        "{",
        "}",
        "\\par ",
        "\\u8364?",
        "\\'e4",
        "{\\*\\x ",
        "{\\footnote ",
        "\\cell",
        "\\row ",
        "\\bin3 ",
        "a b",
        "\\",
        "\\s1 ",
        "\\deleted ",
    ]
)


@settings(max_examples=many(100), deadline=None)
@given(st.lists(pieces, max_size=40).map("".join))
def test_any_rich_text_is_read_or_refused_with_a_sentence(source: str) -> None:
    try:
        read = read_rtf(("{\\rtf1 " + source).encode("latin-1"), "tale.rtf")
    except CorpusError as error:
        said = str(error)
    else:
        said = "tale.rtf"
        read.text.encode()
        assert not {"\f", "\0", "\v"} & set(read.text)
    assert "tale.rtf" in said


def test_every_format_of_the_table_is_offered_and_known_to_the_web(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["corpus", "add", "--help"])
    offered = " ".join(capsys.readouterr().out.split())
    manual = (Path(__file__).parents[3] / ".github/docs/library.md").read_text(encoding="utf-8")
    for each in FORMATS:
        assert f"{each.suffixes[0]}" in offered
        assert f"`{each.suffixes[0]}`" in manual
        assert each.media_types
    assert set(MEDIA_TYPES.values()) <= {*SUFFIXES, ".zip"}
    assert len(SUFFIXES) == len(set(SUFFIXES))
