"""OpenDocument's .odt and .fodt to a Document, read with lxml alone: a library would bring little beyond its XML."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import people
from storytime_tui.corpus.formats.odt_looks import OdtLooks
from storytime_tui.corpus.formats.paragraphs import Paragraphs
from storytime_tui.corpus.formats.tables import read_table
from storytime_tui.corpus.formats.xml_parts import (
    Parts,
    attribute,
    child,
    children,
    local,
    parse_xml,
    words_in,
)
from storytime_tui.corpus.formats.zip_archive import Archive
from storytime_tui.errors import CorpusError

_DEEPEST = 60  # lists, sections and frames within each other
_TITLES = ("Title", "Titel", "Titre")  # the style's name in files of older versions
_RULE = "Horizontal_20_Line"  # between scenes
_HEADING = "Heading_20_"
_AUTOMATIC = re.compile(r"P\d+")  # a paragraph's own changes of a style
_LONGEST_CHAIN = 20  # styles based on each other
_MOST_SPACES = 100  # that one element may stand for
_CONTENTS = (
    *("table-of-content", "illustration-index", "table-index", "object-index", "user-index"),
    *("alphabetical-index", "bibliography"),
)
_NO_TEXT = (
    "page-number",
    "page-count",
    "ruby-text",
    "sequence-decls",
    "title",
    "desc",
    "forms",
    "binary-data",
)


def read_odt(path: Path, name: str) -> Document:
    """The text of an OpenDocument file. Raises CorpusError if it is damaged, locked or of another kind; OSError."""
    with Archive(path, kind="an OpenDocument text") as archive:
        parts = Parts(archive)
        if any(local(each) == "encryption-data" for each in _all(parts.root("META-INF/manifest.xml"))):
            raise CorpusError(
                f"{name} is locked with a password: open it, save it without one, and add that."
            )
        content, styles, facts = (parts.root(f"{part}.xml") for part in ("content", "styles", "meta"))
    return _document(content, styles, facts, name)


def read_fodt(data: bytes, name: str) -> Document:
    """The text of an OpenDocument file that is one XML file. Raises CorpusError."""
    root = parse_xml(data, name)
    return _document(root, root, root, name)


def _document(content: Any, styles: Any, facts: Any, name: str) -> Document:
    text = child(content, "body", "text")
    if text is None:
        raise CorpusError(
            f"{name} is not an OpenDocument text, or not a whole one: open it and save it again."
        )
    paragraphs = Paragraphs()
    named = _styles_in(content, styles)
    _Reader(paragraphs, named, OdtLooks(named, styles, content), name).blocks(text)
    for part in _all(child(styles, "master-styles")):
        if local(part) in ("header", "footer", "header-left", "footer-left", "header-first", "footer-first"):
            what = "page header" if local(part).startswith("header") else "page footer"
            paragraphs.leave_out(
                what, "\n".join("".join(each.itertext()) for each in children(part, "p", "h")), what
            )
    author = words_in(facts, "initial-creator") or words_in(facts, "creator")
    return paragraphs.document(words_in(child(facts, "meta"), "title"), people([author]))


def _styles_in(*roots: Any) -> dict[str, Any]:
    """The styles by name; those of the content itself win."""
    found: dict[str, Any] = {}
    for root in roots:
        for around in children(root, "automatic-styles", "styles"):
            for style in children(around, "style"):
                found.setdefault(attribute(style, "name"), style)
    return found


def _all(element: Any) -> Iterator[Any]:
    return element.iter() if element is not None else iter(())


class _Reader:
    """Reads the blocks of a document in order."""

    def __init__(self, paragraphs: Paragraphs, styles: dict[str, Any], looks: OdtLooks, name: str) -> None:
        self._out = paragraphs
        self._styles = styles
        self._looks = looks
        self._name = name
        self._frames: list[Any] = []  # text boxes in the current paragraph

    def blocks(self, parent: Any, depth: int = 0, *, listed: bool = False) -> None:
        """Read paragraphs, lists, tables and sections."""
        if depth > _DEEPEST:
            raise CorpusError(f"{self._name} is nested too deeply to be a book: save its text as .txt.")
        for block in parent:
            what = local(block)
            if what in ("p", "h"):
                self._paragraph(block, what, depth, listed=listed)
            elif what == "tracked-changes":
                self._changes(block)
            elif what in _CONTENTS:
                self._out.leave_out("contents list", _shown(block))
            elif what == "section" and attribute(block, "display") in ("none", "condition"):
                self._out.leave_out("hidden text", _shown(block))
            elif what == "table":
                self._table(block, depth)
            elif what == "annotation":
                self._out.leave_out("comment", _shown(block))
            elif what in ("list", "list-item", "list-header"):
                self.blocks(block, depth + 1, listed=True)
            elif what not in _NO_TEXT:
                self.blocks(block, depth + 1, listed=listed)

    def _changes(self, changes: Any) -> None:
        """Record deleted text; what was inserted stands in the text."""
        for region in children(changes, "changed-region"):
            for deletion in children(region, "deletion"):
                shown = "\n".join("".join(each.itertext()) for each in children(deletion, "p", "h", "list"))
                self._out.leave_out("deleted text", shown, "tracked changes")

    def _paragraph(self, paragraph: Any, what: str, depth: int, *, listed: bool) -> None:
        style = attribute(paragraph, "style-name")
        level = self._level(paragraph, what, style)
        frames, self._frames = self._frames, []
        if self._starts_page(style):
            self._out.space(3)
        text = "".join(self._runs(paragraph, self._hides(style)))
        if not text.strip() and any(attribute(each, "name") == _RULE for each in self._chain(style)):
            text = "* * *"
        self._out.add(text, level, item=listed and not level, look=self._looks.of_paragraph(paragraph))
        here, self._frames = self._frames, frames
        for frame in here:
            self.blocks(frame, depth + 1)

    def _level(self, paragraph: Any, what: str, style: str) -> int:
        names = list(self._names(style))
        if names[0] in _TITLES or (_AUTOMATIC.fullmatch(names[0]) and names[1:2] and names[1] in _TITLES):
            return -1  # but not what is based on it, as a style for authors
        given = attribute(paragraph, "outline-level")
        if what == "h":
            return min(int(given), 6) if given.isdigit() and int(given) else 1
        for name in names:
            if name.startswith(_HEADING) and name[len(_HEADING) :].isdigit():
                return min(max(int(name[len(_HEADING) :]), 1), 6)
        return 0

    def _names(self, style: str) -> Iterator[str]:
        """The name of a style, and of those that it is based on, even if the file does not describe them."""
        yield style
        for each in self._chain(style):
            yield attribute(each, "parent-style-name")

    def _chain(self, name: str) -> Iterator[Any]:
        """A style and those that it is based on."""
        for _ in range(_LONGEST_CHAIN):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = attribute(style, "parent-style-name")

    def _starts_page(self, name: str) -> bool:
        return any(
            attribute(facts, "break-before") == "page"
            for style in self._chain(name)
            for facts in children(style, "paragraph-properties")
        )

    def _hides(self, name: str) -> bool:
        return any(
            attribute(facts, "display") == "none"
            for style in self._chain(name)
            for facts in children(style, "text-properties")
        )

    def _runs(self, paragraph: Any, hidden: bool) -> Iterator[str]:
        """The text of a paragraph in pieces; a newline is a line break."""
        yield from self._words(paragraph.text, hidden)
        stack: list[tuple[Any, bool, Any]] = [(iter(paragraph), hidden, None)]
        while stack:
            elements, hidden, around = stack[-1]
            element = next(elements, None)
            if element is None:
                stack.pop()
                if around is not None:
                    yield from self._words(around.tail, stack[-1][1])
                continue
            what = local(element)
            if what == "note":
                self._out.leave_out("note", _shown(child(element, "note-body")), f"note {_citation(element)}")
            elif what == "annotation":
                self._out.leave_out("comment", _shown(element))
            elif what in ("hidden-text", "hidden-paragraph"):
                self._out.leave_out("hidden text", attribute(element, "string-value") or _shown(element))
            elif what == "text-box":
                self._frames.append(element)
            elif what == "s":
                count = attribute(element, "c")
                yield " " * min(int(count), _MOST_SPACES) if count.isdigit() else " "
            elif what in ("tab", "line-break"):
                yield "\n" if what == "line-break" else " "
            elif what not in _NO_TEXT:
                style = attribute(element, "style-name") if what in ("span", "a") else ""
                inside = hidden or (bool(style) and self._hides(style))
                yield from self._words(element.text, inside)
                stack.append((iter(element), inside, element))
                continue
            yield from self._words(element.tail, hidden)

    def _words(self, text: str | None, hidden: bool) -> Iterator[str]:
        if text and hidden:
            self._out.leave_out("hidden text", text, within=True)
        elif text:
            yield text.replace("\n", " ")

    def _table(self, table: Any, depth: int) -> None:
        """A row on a line; but if cells hold several paragraphs, the table only lays out a page."""
        rows = [
            list(children(row, "table-cell"))
            for row in table.iter()
            if local(row) == "table-row" and next(_above(row, table), None) is None
        ]
        read_table(
            self._out,
            rows,
            blocks_in=_blocks_in,
            blocks=lambda cell: self.blocks(cell, depth + 1),
            words=self._words_of,
        )

    def _words_of(self, cell: Any) -> str:
        return " ".join("".join(self._runs(each, hidden=False)) for each in children(cell, "p", "h"))


def _above(row: Any, table: Any) -> Iterator[Any]:
    """The tables around a row that are inside `table`."""
    for around in row.iterancestors():
        if around is table:
            return
        if local(around) == "table":
            yield around


def _blocks_in(cell: Any) -> int:
    """How many paragraphs with words a cell has; two if it has more than paragraphs."""
    if any(local(each) not in ("p", "h") for each in cell):
        return 2
    return sum(bool("".join(each.itertext()).strip()) for each in cell)


def _citation(note: Any) -> str:
    return words_in(note, "note-citation")[:20]


def _shown(element: Any) -> str:
    """The words of a part, one paragraph on a line."""
    if element is None:
        return ""
    return "\n".join("".join(each.itertext()) for each in element.iter() if local(each) in ("p", "h"))
