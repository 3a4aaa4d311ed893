"""Word's .docx to a Document: headings by their styles, tracked changes accepted, notes and comments left out.

python-docx is not used: it passes over inserted words and notes, and reads whole archives into memory.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.docx_looks import DocxLooks
from storytime_tui.corpus.formats.docx_numbers import Numbers
from storytime_tui.corpus.formats.docx_styles import Styles, is_on
from storytime_tui.corpus.formats.look_headings import LONGEST_TITLE
from storytime_tui.corpus.formats.ordinary import open_ordinary
from storytime_tui.corpus.formats.paragraphs import Paragraphs
from storytime_tui.corpus.formats.tables import read_table
from storytime_tui.corpus.formats.xml_parts import Parts, attribute, child, children, local, words_in
from storytime_tui.corpus.formats.zip_archive import Archive
from storytime_tui.errors import CorpusError

_OLE = b"\xd0\xcf\x11\xe0"  # the container of .doc, and of a .docx with a password
_DEEPEST = 60  # tables and text boxes within each other
_DELETED = ("del", "moveFrom")
_NO_TEXT = (
    "instrText",
    "delInstrText",
    "fldData",
    "rPr",
    "pPr",
    "sectPr",
    "tblPr",
    "trPr",
    "tcPr",
    "Fallback",
    "rt",
)
_PAGE_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b", re.IGNORECASE)
_PAGE_GAP = 3  # blank lines
_AROUND = {"header": "page header", "footer": "page footer"}


def read_docx(path: Path, name: str) -> Document:
    """The text of a Word document. Raises CorpusError if it is damaged, locked or of another kind; OSError."""
    with open_ordinary(path, name) as file:
        start = file.read(4)
    if start == _OLE:
        raise CorpusError(
            f"{name} is locked with a password, or an old .doc under a new name: open it in Word or LibreOffice, "
            "save it as .docx without a password, and add that."
        )
    with Archive(path, kind="a Word document") as archive:
        parts = Parts(archive)
        main = _main_part(parts)
        body = child(parts.root(main), "body")
        if body is None:
            raise CorpusError(
                f"{name} is not a Word document, or not a whole one: open it in Word and save it again."
            )
        folder = posixpath.dirname(main)
        named = parts.root(posixpath.join(folder, "styles.xml"))
        numbers = Numbers(parts.root(posixpath.join(folder, "numbering.xml")))
        paragraphs = Paragraphs()
        _Reader(paragraphs, Styles(named), DocxLooks(named), numbers, name).blocks(body)
        _leave_out_notes(parts, folder, paragraphs)
        facts = parts.root("docProps/core.xml")
    return paragraphs.document(words_in(facts, "title"), people([words_in(facts, "creator")]))


def _main_part(parts: Parts) -> str:
    """The path of the document's text; it is named by the package, and usually word/document.xml."""
    for relation in children(parts.root("_rels/.rels"), "Relationship"):
        if attribute(relation, "Type").endswith("/officeDocument"):
            return attribute(relation, "Target").lstrip("/")
    return "word/document.xml"


def _leave_out_notes(parts: Parts, folder: str, paragraphs: Paragraphs) -> None:
    """Record the words of notes, comments, and the heads and feet of pages."""
    for path in parts.paths():
        kind = re.fullmatch(r"(footnotes|endnotes|comments|header|footer)\d*\.xml", posixpath.basename(path))
        if kind is None or posixpath.dirname(path) != folder:
            continue
        root = parts.root(path)
        if kind[1] in _AROUND:
            paragraphs.leave_out(_AROUND[kind[1]], _shown(root), posixpath.basename(path))
            continue
        for note in children(root, "footnote", "endnote", "comment"):
            if attribute(note, "type") in ("", "normal"):  # others are the lines above notes
                what = local(note)
                number = attribute(note, "id")
                paragraphs.leave_out(
                    "comment" if what == "comment" else "note", _shown(note), f"{what} {number}"
                )


def _shown(element: Any) -> str:
    """The words of a note or header, one paragraph on a line."""
    if element is None:
        return ""
    lines = []
    for paragraph in element.iter():
        if local(paragraph) == "p":
            lines.append(
                "".join(each.text or " " for each in paragraph.iter() if local(each) in ("t", "tab", "br"))
            )
    return "\n".join(lines)


class _Reader:
    """Reads the blocks of a document in order."""

    def __init__(
        self, paragraphs: Paragraphs, styles: Styles, looks: DocxLooks, numbers: Numbers, name: str
    ) -> None:
        self._out = paragraphs
        self._styles = styles
        self._looks = looks
        self._numbers = numbers
        self._name = name
        self._fields: list[str] = []  # of each open field: its instruction, or "shown" after it
        self._carried = ""  # a paragraph whose mark was deleted goes on in the next one
        self._boxes: list[Any] = []  # text boxes in the current paragraph

    def blocks(self, parent: Any, depth: int = 0) -> None:
        """Read paragraphs and tables, also those inside content controls."""
        if depth > _DEEPEST:
            raise CorpusError(f"{self._name} is nested too deeply to be a book: save its text as .txt.")
        for block in parent:
            what = local(block)
            if what == "p":
                self._paragraph(block, depth)
            elif what == "tbl":
                self._table(block, depth)
            elif what == "sdt":
                gallery = child(block, "sdtPr", "docPartObj", "docPartGallery")
                if gallery is not None and attribute(gallery, "val") == "Table of Contents":
                    self._out.leave_out("contents list", _shown(block))
                else:
                    for content in children(block, "sdtContent"):
                        self.blocks(content, depth + 1)
            elif what in _DELETED:
                self._out.leave_out("deleted text", _deleted(block))
            elif what in ("ins", "moveTo", "customXml", "smartTag", "body"):
                self.blocks(block, depth + 1)

    # -- paragraphs ----------------------------------------------------------------------------------------

    def _paragraph(self, paragraph: Any, depth: int) -> None:
        facts = child(paragraph, "pPr")
        style = self._styles.of_paragraph(facts)
        self._boxes = []
        text = self._carried + "".join(self._runs(paragraph, style.hidden))
        boxes, self._boxes, self._carried = self._boxes, [], ""
        if facts is not None and child(facts, "rPr", "del") is not None:
            self._carried = text
        elif style.contents:
            self._out.leave_out("contents list", text)
        else:
            if is_on(child(facts, "pageBreakBefore")) or text.startswith("\f"):
                self._out.space(_PAGE_GAP)
            level = style.level
            numbered = self._numbers.label(facts, style.numbering)
            if level > 0 and numbered:
                text = f"{numbered} {text.lstrip()}" if text.strip("\f \n") else numbered
            look = self._looks.of_paragraph(paragraph, long=len(text) > LONGEST_TITLE)
            for number, piece in enumerate(text.strip("\f").split("\f")):
                if number:
                    self._out.space(_PAGE_GAP)
                self._out.add(piece, level, item=style.listed and not level, look=look)
            if text.rstrip(" \n").endswith("\f") and text.strip("\f \n"):
                self._out.space(_PAGE_GAP)
        for box in boxes:
            self.blocks(box, depth + 1)

    def _runs(self, parent: Any, hidden: bool) -> Iterator[str]:
        """The text of a paragraph in pieces: "\\n" is a line break, "\\f" a page break."""
        stack = [(iter(parent), hidden)]
        while stack:
            elements, hidden = stack[-1]
            element = next(elements, None)
            if element is None:
                stack.pop()
                continue
            what = local(element)
            if what in _DELETED:
                self._out.leave_out("deleted text", _deleted(element), within=True)
            elif what == "rect" and attribute(element, "hr") in ("t", "true"):
                yield "* * *"  # a rule between scenes
            elif what == "txbxContent":
                self._boxes.append(element)
            elif what == "fldChar":
                self._field(attribute(element, "fldCharType"))
            elif what == "instrText" and self._fields and self._fields[-1] != "shown":
                self._fields[-1] += element.text or ""
            elif what == "fldSimple" and _PAGE_FIELD.match(attribute(element, "instr")):
                continue
            elif what == "r":
                stack.append((iter(element), self._styles.hides(child(element, "rPr"), hidden)))
            elif what in ("t", "tab", "ptab", "br", "cr", "noBreakHyphen"):
                yield from self._shown(element, what, hidden)
            elif what not in _NO_TEXT:
                stack.append((iter(element), hidden))

    def _shown(self, element: Any, what: str, hidden: bool) -> Iterator[str]:
        if any(field != "shown" for field in self._fields):  # an instruction, or the number of a page
            return
        text = {"t": element.text or "", "noBreakHyphen": "-", "br": "\n", "cr": "\n"}.get(what, " ")
        if what == "br" and attribute(element, "type") == "page":
            text = "\f"
        if hidden:
            self._out.leave_out("hidden text", text, within=True)
        else:
            yield text.replace("\f", " ") if what == "t" else text

    def _field(self, kind: str) -> None:
        if kind == "begin" and len(self._fields) < _DEEPEST:
            self._fields.append("")
        elif kind == "separate" and self._fields and not _PAGE_FIELD.match(self._fields[-1]):
            self._fields[-1] = "shown"
        elif kind == "end" and self._fields:
            self._fields.pop()

    # -- tables --------------------------------------------------------------------------------------------

    def _table(self, table: Any, depth: int) -> None:
        """A row on a line; but if cells hold several paragraphs, the table only lays out a page."""
        rows = [list(_within(row, "tc")) for row in _within(table, "tr") if child(row, "trPr", "del") is None]
        read_table(
            self._out,
            rows,
            blocks_in=_paragraphs_in,
            blocks=lambda cell: self.blocks(cell, depth + 1),
            words=self._words_of,
        )

    def _words_of(self, cell: Any) -> str:
        return " ".join("".join(self._runs(each, hidden=False)) for each in _within(cell, "p"))


def _within(parent: Any, name: str) -> Iterator[Any]:
    """The children with a name, also those inside content controls and inserted rows."""
    for element in parent:
        what = local(element)
        if what == name:
            yield element
        elif what in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _within(element, name)


def _paragraphs_in(cell: Any) -> int:
    """How many paragraphs with words a cell has; two if it has a table."""
    if next(_within(cell, "tbl"), None) is not None:
        return 2
    return sum(
        any((each.text or "").strip() for each in p.iter() if local(each) == "t") for p in _within(cell, "p")
    )


def _deleted(element: Any) -> str:
    return "".join(each.text or "" for each in element.iter() if local(each) in ("delText", "t"))
