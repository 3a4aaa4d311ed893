"""FictionBook's .fb2 to a Document: one XML file, whose sections and titles are chapters."""

import re
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.paragraphs import Paragraphs
from storytime_tui.corpus.formats.xml_parts import attribute, child, children, local, parse_xml, words_in
from storytime_tui.corpus.formats.zip_archive import Archive
from storytime_tui.errors import CorpusError

_DEEPEST = 60  # sections within each other
_BINARY = re.compile(rb"<binary\b[^>]*>[^<]*(?:</binary\s*>)?", re.IGNORECASE)  # pictures
_NOTES = ("notes", "comments", "footnotes", "endnotes")
_LINES = ("v", "text-author", "date")


def read_fb2(data: bytes, name: str) -> Document:
    """The text of a FictionBook. Raises CorpusError if it is none, or nested too deeply."""
    data = _BINARY.sub(b"", data)
    if b"FictionBook" not in data[:4000] and "FictionBook".encode("utf-16-le") not in data[:8000]:
        raise CorpusError(f"{name} is not a FictionBook despite its name: get it again.")
    root = parse_xml(data, name)
    bodies = list(children(root, "body"))
    if not bodies:
        raise CorpusError(f"{name} is damaged or cut off: get it again.")
    out = Paragraphs()
    for body in bodies:
        what = attribute(body, "name").lower()
        if what in _NOTES or (what and body is not bodies[0]):
            for section in children(body, "section"):
                place = f"note {attribute(section, 'id')}".strip()
                out.leave_out("note", "\n".join(_lines(section)), place)
            out.leave_out("note", "\n".join(_lines(child(body, "title"))), "heading of the notes")
        else:
            _read(body, out, name, 0)
    facts = child(root, "description", "title-info")
    out.leave_out("description of the book", "\n".join(_lines(child(facts, "annotation"))), "annotation")
    authors = [_person(author) for author in children(facts, "author")]
    return out.document(words_in(facts, "book-title"), " and ".join(dict.fromkeys(filter(None, authors))))


def read_fb2_zip(path: Path, name: str) -> Document:
    """The text of a FictionBook in a zip file of its own. Raises CorpusError, OSError."""
    with Archive(path) as archive:
        books = [member for member in archive.members() if member.filename.lower().endswith(".fb2")]
        if len(books) != 1:
            what = "no book" if not books else f"{len(books):,} books"
            raise CorpusError(f"{name} holds {what} in .fb2: unpack it and add what is in it.")
        return read_fb2(archive.read(books[0]), name)


def _read(element: Any, out: Paragraphs, name: str, depth: int) -> None:
    """Read a body, a section or what is in it. Titles get levels by the depth of their sections."""
    if depth > _DEEPEST:
        raise CorpusError(f"{name} is nested too deeply to be a book: save its text as .txt.")
    for block in element:
        what = local(block)
        if what == "title":
            out.space(2)
            out.add(_heading(block), depth + 1)
        elif what == "section":
            out.space(2)
            _read(block, out, name, depth + 1)
        elif what == "poem" or what == "stanza":
            _verse(block, out)
        elif what == "empty-line":
            out.space(1)
        elif what == "table":
            for row in block.iter():
                if local(row) == "tr":
                    out.add(" ".join(_text(cell) for cell in children(row, "td", "th")), item=True)
        elif what == "annotation":
            out.leave_out("description", "\n".join(_lines(block)))
        elif what in ("epigraph", "cite"):
            _read(block, out, name, depth + 1)
        elif what in ("p", "subtitle", *_LINES):
            out.add(_text(block))


def _verse(poem: Any, out: Paragraphs) -> None:
    """A poem: a stanza is a paragraph of several lines."""
    lines: list[str] = []
    for block in poem:
        what = local(block)
        if what in _LINES:
            lines.append(_text(block))
        elif what == "stanza":
            out.add("\n".join(lines))
            lines = []
            _verse(block, out)
        elif what in ("title", "subtitle", "epigraph"):
            out.add("\n".join(_lines(block) if what != "subtitle" else [_text(block)]))
    out.add("\n".join(lines))


def _heading(title: Any) -> str:
    """A title's lines as one: "Chapter 1: The Hat"."""
    lines = [text for text in (_text(line).strip() for line in children(title, "p")) if text]
    return "".join(
        line if not n else f" {line}" if lines[n - 1][-1] in ".:!?" else f": {line}"
        for n, line in enumerate(lines)
    )


def _lines(element: Any) -> list[str]:
    if element is None:
        return []
    return [
        text
        for each in element.iter()
        if local(each) in ("p", "v", "subtitle", "text-author") and (text := _text(each))
    ]


def _text(element: Any) -> str:
    """The words of a paragraph, without the marks of notes."""
    pieces = [element.text or ""]
    for inner in element:
        if local(inner) == "a" and attribute(inner, "type") == "note":
            pieces.append("")
        elif local(inner) not in ("image",):
            pieces.append(_text(inner) if len(inner) < 10_000 else "".join(inner.itertext()))
        pieces.append(inner.tail or "")
    return "".join(pieces).replace("\n", " ")


def _person(author: Any) -> str:
    names = [words_in(author, part) for part in ("first-name", "middle-name", "last-name")]
    return " ".join(filter(None, names)) or words_in(author, "nickname")
