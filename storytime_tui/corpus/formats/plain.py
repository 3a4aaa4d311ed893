"""Plain text to a Document: page headings removed, paragraphs set apart, headings marked as in Markdown found."""

import re
from dataclasses import replace

from storytime_tui.corpus.cleaning.clean import strip_line_ends
from storytime_tui.corpus.cleaning.pages import without_pages
from storytime_tui.corpus.cleaning.paragraph_marks import set_apart, single_spaced
from storytime_tui.corpus.document import Document, Heading, LeftOut
from storytime_tui.corpus.formats.aozora_text import aozora_document

_MARKED = re.compile(r"(#{1,6}) +(\S.*?)(?: +#+)?")


def plain_document(text: str) -> Document:
    """A plain text, with a blank line between paragraphs whatever marked them, and without page headings.

    If every line that begins with "#" is a Markdown heading between blank lines, they are headings. A single one is
    the title and is not marked, as the other headings may be unmarked.
    """
    aozora = None if text.isascii() else aozora_document(text)
    if aozora is not None:
        if aozora.headings:
            return aozora
        text = aozora.text
    document = _with_paragraphs(text)
    if aozora is not None:
        document = replace(document, left_out=aozora.left_out + document.left_out)
    if not document.text.lstrip("\ufeff \t\r\n").startswith("#"):
        return document
    return _with_headings(document)


def _with_paragraphs(text: str) -> Document:
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if " \n" in text or "\t\n" in text or "\u3000\n" in text:
        text = strip_line_ends(text)
    left_out: tuple[LeftOut, ...] = ()
    remarks = []
    plain, pages = without_pages(text)
    if pages:
        left_out = tuple([LeftOut("page number", f"line {page.line + 1}", page.text) for page in pages])
        remarks.append(
            "The headings and numbers of its pages were taken out, and sentences across pages joined."
        )
    single = single_spaced(plain)
    if single != plain:
        remarks.append("Every line was followed by an empty one: these were taken out.")
    apart = set_apart(single)
    if apart != single:
        remarks.append("Its paragraphs had no blank lines between them: they were set apart.")
    return Document(apart, left_out=left_out, remarks=tuple(remarks))


def _with_headings(document: Document) -> Document:
    lines = document.text.split("\n")
    headings: list[Heading] = []
    for at, line in enumerate(lines):
        if not line.lstrip().startswith("#"):
            continue
        heading = _MARKED.fullmatch(line.strip(" \t\ufeff"))
        alone = (
            not "".join(lines[max(0, at - 1) : at]).strip() and not "".join(lines[at + 1 : at + 2]).strip()
        )
        if heading is None or not alone:
            return document
        headings.append(Heading(at, len(heading[1])))
        lines[at] = heading[2]
    return replace(document, text="\n".join(lines), headings=tuple(headings) if len(headings) > 1 else ())
