"""HTML to a Document: a real parser reads it, and only the book's own lines and headings are taken."""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import title_and_author
from storytime_tui.corpus.formats.encodings import decode
from storytime_tui.corpus.formats.markup_lines import FEW, LineWriter
from storytime_tui.corpus.formats.markup_rules import (
    Meaning,
    follows_line,
    indent_of,
    is_dropped,
    is_line,
    meaning_of,
    names,
)
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import look_up

_PARAGRAPHS = names(
    "p div blockquote section article main header footer aside body center address figure form fieldset details "
    "summary hgroup table caption thead tbody tfoot hr dir menu"
)
_LINES = names("li dt dd tr option legend")
_LISTS = frozenset(("ul", "ol", "dl"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DROP_CAP = re.compile("[\"'“‘]?[A-Z]")
_MOST_ELEMENTS = 2_000_000  # each takes some 200 bytes of memory
# A tag and its attributes, as browsers tell them apart; possessive, so that no sign is looked at twice.
_ATTRIBUTE = r"""=?[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_TAG = re.compile(rf"<[a-zA-Z](?:[\s/]++|{_ATTRIBUTE})*+")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_LONG_TAG = 1000  # characters
_MOST_COMPARED = 300_000_000  # the parser compares each attribute with those before it: about a second
_PAGE_ENDS = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
_CHARSET = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml\s[^>]*?encoding\s*=\s*["']([\w.-]+)""", re.I
)


@dataclass(frozen=True)
class Page:
    """A page's document, and for each place in it that was asked for the line where it is, or follows."""

    document: Document
    places: dict[str, int]


def html_text(data: bytes, name: str) -> str:
    """The source of a page, by its mark or by the encoding that it names. Raises CorpusError."""
    declared = _CHARSET.search(data[:4096])
    encoding = (declared[1] or declared[2]).decode("ascii") if declared else ""
    return decode(data, name, encoding)


def read_html(source: str, name: str, places: frozenset[str] = frozenset()) -> Page:
    """The text of a page: a paragraph a line with a blank one between; verse, lists and <pre> keep their lines.

    What stands around the book is left out (see `markup_rules`). `places`: ids whose lines are wanted.
    A heading is one line, whatever breaks are in it. The text is "" where nothing is left. Raises
    CorpusError, with `name`, for a page that is nested too deeply to be read.
    """
    root = parse_html(source, name)
    if root is None:
        return Page(Document("", wrapped=False), {})
    walk = _Walk(places)
    walk.through(root)
    writer = walk.writer
    title, author = title_and_author(root, _main_heading(root, writer))
    wrapped = writer.preformatted > 0.9 * writer.written  # a plain text that was made a page
    text = "\n".join(writer.lines)
    return Page(Document(text, wrapped, tuple(writer.headings), title, author), writer.places)


def _main_heading(root: Any, writer: LineWriter) -> str | None:
    """The words of a page's only first heading, or of the only one in its article; "" where it has several.

    None where the page has no headings at all.
    """
    if not writer.headings:
        return None
    first = [writer.lines[heading.line] for heading in writer.headings if heading.level == 1]
    if len(first) > 1:
        within = [
            " ".join("".join(heading.itertext()).split())
            for heading in root.iter("h1")
            if any(around.tag in ("article", "main") for around in heading.iterancestors())
        ]
        first = [line for line in first if line in within]
    return first[0] if len(first) == 1 else ""


def parse_html(source: str, name: str) -> Any:
    """The root element, or None for a page without any. Raises CorpusError."""
    from lxml import etree

    if source.count("<") > _MOST_ELEMENTS or _compared(source) > _MOST_COMPARED:
        raise CorpusError(f"{name} holds more markup than any book: save its text as .txt.")

    # huge_tree: deeper than 256 elements and longer than 10 MB; no_network and no entities: nothing is fetched
    parser = etree.HTMLParser(
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        no_network=True,
        huge_tree=True,
        default_doctype=False,
    )
    try:
        # the parser takes nothing after these end tags, but pages that were joined go on there
        root = etree.fromstring(_PAGE_ENDS.sub("", source).encode("utf-8", "replace"), parser)
    except etree.ParserError:
        return None
    except etree.XMLSyntaxError as error:
        if "empty" in str(error):
            return None
        raise CorpusError(f"{name} is not a web page that can be read: save its text as .txt.") from None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise CorpusError(f"{name} is nested too deeply to be a book: save its text as .txt.")
    return root


def _compared(source: str) -> int:
    """How many pairs of attributes stand in one tag each, over all tags; those of short ones count for nothing."""
    long_tags = (tag[0] for tag in _TAG.finditer(source) if tag.end() - tag.start() > _LONG_TAG)
    return sum(len(_ATTRIBUTES.findall(tag)) ** 2 for tag in long_tags)


# -- from elements to lines -------------------------------------------------------------------------------


class _Walk:
    """One way through the elements of a page, into a writer."""

    def __init__(self, places: frozenset[str]) -> None:
        self.writer = LineWriter()
        self._wanted = places
        self._lists = 0
        self._quotes = 0
        self._title_group = False
        self._instead = ""  # what a heading without words shows, as a picture's description

    def through(self, root: Any) -> None:
        """Write the text of every element, in order."""
        from lxml import etree

        ends: list[tuple[str, int]] = []
        steps = etree.iterwalk(root, events=("start", "end"))
        for event, element in steps:
            look_up()
            if event == "start":
                tag = element.tag.rpartition(":")[2]
                says = meaning_of(element)
                if self._wanted:
                    self._note_places(element)
                if is_dropped(element, tag, says):
                    self._pass_over(element)
                    steps.skip_subtree()
                    ends.append(("", 0))
                    continue
                ends.append((self._begin(element, tag, says), says.verse))
                self.writer.verse += says.verse
                self._text(element.text)
            else:
                kind, verse = ends.pop()
                self._end(kind)
                self.writer.verse -= verse
                self._text(element.tail)
        self.writer.finish()

    def _begin(self, element: Any, tag: str, says: Meaning) -> str:
        """What an element does to the lines when it begins, and the name of what its end will do."""
        writer = self.writer
        if tag in _HEADINGS and not self._title_group:
            self._instead = element.get("title") or ""
            writer.begin_heading(_HEADINGS[tag])
            return "heading"
        if tag == "hgroup":
            level = next(
                (_HEADINGS[inner.tag] for inner in islice(element.iter(), FEW) if inner.tag in _HEADINGS), 0
            )
            if level and not self._title_group:
                self._title_group = True
                writer.begin_heading(level)
                return "title group"
        if tag in _HEADINGS:  # within a title group
            writer.end_line()
            return "line"
        if tag == "br":
            writer.line_break()
        elif tag in ("td", "th"):
            writer.cell()
        elif tag == "img":
            self._picture(element.get("alt") or "")
        elif tag == "pre":
            writer.end_paragraph()
            writer.keeps += 1
            return "preformatted"
        elif tag == "q":
            self._quotes += 1
            self._text("“‘"[(self._quotes - 1) % 2])
            return "quote"
        elif tag in _LISTS:
            self._end("line" if self._lists else "paragraph")
            self._lists += 1
            return "list"
        elif tag in _LINES:
            writer.end_line()
            return "line"
        elif writer.verse and is_line(element, tag, says):
            writer.end_line(indent_of(element, says))
            return "line"
        elif tag in _PARAGRAPHS:
            writer.end_paragraph()
            if says.verse and follows_line(element):
                writer.no_gap()
            return "paragraph"
        return ""

    def _end(self, kind: str) -> None:
        writer = self.writer
        if kind == "paragraph":
            writer.end_paragraph()
        elif kind == "line":
            writer.end_line()
        elif kind == "heading":
            writer.end_heading(self._instead)
        elif kind == "title group":
            self._title_group = False
            writer.end_heading(self._instead)
        elif kind == "preformatted":
            writer.end_preformatted()
            writer.keeps -= 1
        elif kind == "list":
            self._lists -= 1
            self._end("line" if self._lists else "paragraph")
        elif kind == "quote":
            self._text("”’"[(self._quotes - 1) % 2])
            self._quotes -= 1

    def _text(self, text: str | None) -> None:
        if text:
            (self.writer.preformatted_text if self.writer.keeps else self.writer.text)(text)

    def _picture(self, shows: str) -> None:
        if self.writer.heading:
            self._instead = self._instead or shows
        elif _DROP_CAP.fullmatch(shows.strip()):
            self.writer.drop_cap = shows.strip()

    def _pass_over(self, element: Any) -> None:
        """What is left out still parts words, where it has a space of its own; or is a word's first letter."""
        if (element.text or "")[:1].isspace() and not self.writer.keeps:
            self.writer.text(" ")
        if self._wanted:
            for inner in element.iterdescendants():
                self._note_places(inner)
        for image in element.iter("img"):
            self._picture(image.get("alt") or "")

    def _note_places(self, element: Any) -> None:
        for name in (element.get("id"), element.get("name")):
            if name in self._wanted:
                self.writer.place(name)
