"""Plain text to a Document, with headings if they are marked as in Markdown."""

import re

from storytime_tui.corpus.document import Document, Heading
from storytime_tui.corpus.formats.aozora_text import aozora_document

_MARKED = re.compile(r"(#{1,6}) +(\S.*?)(?: +#+)?")


def plain_document(text: str) -> Document:
    """A plain text; one of Aozora Bunko is read by its own marks.

    If every line that begins with "#" is a Markdown heading between blank lines, they are headings. A single one is
    the title and is not marked, as the other headings may be unmarked.
    """
    if not text.isascii() and (document := aozora_document(text)):
        return document
    if not text.lstrip("\ufeff \t\r\n").startswith("#"):
        return Document(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headings: list[Heading] = []
    for at, line in enumerate(lines):
        if not line.lstrip().startswith("#"):
            continue
        heading = _MARKED.fullmatch(line.strip(" \t\ufeff"))
        alone = (
            not "".join(lines[max(0, at - 1) : at]).strip() and not "".join(lines[at + 1 : at + 2]).strip()
        )
        if heading is None or not alone:
            return Document(text)
        headings.append(Heading(at, len(heading[1])))
        lines[at] = heading[2]
    return Document("\n".join(lines), headings=tuple(headings) if len(headings) > 1 else ())
