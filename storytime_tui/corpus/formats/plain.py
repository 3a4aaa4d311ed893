"""Plain text to a Document: headings marked as Markdown marks them are known for what they are."""

import re

from storytime_tui.corpus.document import Document, Heading

_MARKED = re.compile(r"(#{1,6}) +(\S.*?)(?: +#+)?")


def plain_document(text: str) -> Document:
    """A plain text; where each line that begins with "#" is a heading, one line between blank ones, with them.

    A single one is the title, which needs no mark: other headings may have none either.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith("#"):
        return Document(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headings: list[Heading] = []
    for at, line in enumerate(lines):
        if not line.lstrip().startswith("#"):
            continue
        found = _MARKED.fullmatch(line.strip(" \t\ufeff"))
        alone = (
            not "".join(lines[max(0, at - 1) : at]).strip() and not "".join(lines[at + 1 : at + 2]).strip()
        )
        if found is None or not alone:
            return Document(text)
        headings.append(Heading(at, len(found[1])))
        lines[at] = found[2]
    return Document("\n".join(lines), headings=tuple(headings) if len(headings) > 1 else ())
