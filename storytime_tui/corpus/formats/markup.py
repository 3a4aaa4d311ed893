"""HTML to a Document: parsed by lxml, keeping only the lines and headings of the book itself."""

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
    is_speaker,
    is_stage_direction,
    meaning_of,
    names,
)
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import check_stop

_PARAGRAPHS = names(
    "p div blockquote section article main header footer aside body center address figure form fieldset details "
    "summary hgroup table caption thead tbody tfoot hr dir menu"
)
_LINES = names("li dt dd tr option legend")
_LISTS = frozenset(("ul", "ol", "dl"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DROP_CAP = re.compile("[\"'“‘]?[A-Z]")
_MOST_ELEMENTS = 2_000_000  # each takes about 200 bytes of memory
# A tag and its attributes as browsers read them; possessive quantifiers keep matching linear.
_ATTRIBUTE = r"""=?[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_TAG = re.compile(rf"<[a-zA-Z](?:[\s/]++|{_ATTRIBUTE})*+")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_LONG_TAG = 1000  # characters
_MOST_COMPARED = (
    300_000_000  # the parser compares all pairs of a tag's attributes; this many take about a second
)
_PAGE_ENDS = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
_CHARSET = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml\s[^>]*?encoding\s*=\s*["']([\w.-]+)""", re.I
)


@dataclass(frozen=True)
class Page:
    """A page's document, and the line at or after each requested place."""

    document: Document
    places: dict[str, int]


def html_text(data: bytes, name: str) -> str:
    """A page's source, decoded by its byte order mark or its declared encoding. Raises CorpusError."""
    declared = _CHARSET.search(data[:4096])
    encoding = (declared[1] or declared[2]).decode("ascii") if declared else ""
    return decode(data, name, encoding)


def read_html(source: str, name: str, places: frozenset[str] = frozenset()) -> Page:
    """The text of a page: one line for each paragraph, with blank lines between; verse, lists and <pre> keep lines.

    Everything around the book is left out (see `markup_rules`). `places`: ids whose lines are returned. A heading is
    always one line. The text is "" if nothing is left. `name` is for messages. Raises CorpusError if the page is
    nested too deeply.
    """
    root = parse_html(source, name)
    if root is None:
        return Page(Document("", wrapped=False), {})
    walk = _Walk(places)
    walk.through(root)
    writer = walk.writer
    title, author = title_and_author(root, _main_heading(root, writer))
    wrapped = writer.preformatted > 0.9 * writer.written  # a plain text inside a page
    text = "\n".join(writer.lines)
    return Page(Document(text, wrapped, tuple(writer.headings), title, author), writer.places)


def _main_heading(root: Any, writer: LineWriter) -> str | None:
    """The page's only h1, or the only h1 in its article; "" if there are several or none, None without headings."""
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
    """The root element; None for an empty page. Raises CorpusError."""
    from lxml import etree

    if source.count("<") > _MOST_ELEMENTS or _compared(source) > _MOST_COMPARED:
        raise CorpusError(f"{name} holds more markup than any book: save its text as .txt.")

    # huge_tree: allows more than 256 levels and 10 MB; no_network: fetches nothing
    parser = etree.HTMLParser(
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        no_network=True,
        huge_tree=True,
        default_doctype=False,
    )
    try:
        # the parser ignores what follows these end tags, but concatenated pages continue there
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
    """The number of pairs of attributes in the same tag, summed over all long tags."""
    long_tags = (tag[0] for tag in _TAG.finditer(source) if tag.end() - tag.start() > _LONG_TAG)
    return sum(len(_ATTRIBUTES.findall(tag)) ** 2 for tag in long_tags)


# -- elements to lines ------------------------------------------------------------------------------------


class _Walk:
    """Walks through the elements of a page and writes their lines."""

    def __init__(self, places: frozenset[str]) -> None:
        self.writer = LineWriter()
        self._places = places
        self._lists = 0
        self._quotes = 0
        self._title_group = False
        self._plays = False  # a table of speakers and speeches has begun
        self._fallback = ""  # the words for a heading without text, for example a picture's description

    def through(self, root: Any) -> None:
        """Write the text of every element, in order."""
        from lxml import etree

        ends: list[tuple[str, int]] = []
        steps = etree.iterwalk(root, events=("start", "end"))
        for event, element in steps:
            check_stop()
            if event == "start":
                tag = element.tag.rpartition(":")[2]
                meaning = meaning_of(element)
                if self._places:
                    self._note_places(element)
                if is_dropped(element, tag, meaning):
                    self._pass_over(element)
                    steps.skip_subtree()
                    ends.append(("", 0))
                    continue
                ends.append((self._begin(element, tag, meaning), meaning.verse))
                self.writer.verse += meaning.verse
                self._text(element.text)
            else:
                kind, verse = ends.pop()
                self._end(kind)
                self.writer.verse -= verse
                self._text(element.tail)
        self.writer.finish()

    def _begin(self, element: Any, tag: str, meaning: Meaning) -> str:
        """Handle the start of an element; returns the kind of end that `_end` must handle."""
        writer = self.writer
        if tag in _HEADINGS and not self._title_group:
            self._fallback = element.get("title") or ""
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
        if tag in _HEADINGS:  # inside a title group
            writer.end_line()
            return "line"
        if tag == "br":
            writer.line_break()
        elif tag in ("td", "th"):
            if is_speaker(element):  # the speech follows in the same paragraph
                writer.end_paragraph()
                self._plays = True
                return "speaker"
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
        elif tag in ("i", "em") and is_stage_direction(element):
            self._text("(")
            return "stage direction"
        elif tag in _LISTS:
            self._end("line" if self._lists else "paragraph")
            self._lists += 1
            return "list"
        elif tag in _LINES:
            if tag == "tr" and self._plays:  # a stage direction between speeches
                writer.end_paragraph()
                return "paragraph"
            writer.end_line()
            return "line"
        elif writer.verse and is_line(element, tag, meaning):
            writer.end_line(indent_of(element, meaning))
            return "line"
        elif tag in _PARAGRAPHS:
            writer.end_paragraph()
            if meaning.verse and follows_line(element):
                writer.no_gap()
            return "paragraph"
        return ""

    def _end(self, kind: str) -> None:
        writer = self.writer
        if kind == "paragraph":
            writer.end_paragraph()
        elif kind == "line":
            writer.end_line()
        elif kind == "speaker":
            writer.end_speaker()
        elif kind == "stage direction":
            self._text(")")
        elif kind == "heading":
            writer.end_heading(self._fallback)
        elif kind == "title group":
            self._title_group = False
            writer.end_heading(self._fallback)
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

    def _picture(self, description: str) -> None:
        if self.writer.heading:
            self._fallback = self._fallback or description
        elif _DROP_CAP.fullmatch(description.strip()):
            self.writer.drop_cap = description.strip()

    def _pass_over(self, element: Any) -> None:
        """Skip an element. If it begins with a space, words stay separated; a picture in it may be a drop cap."""
        if (element.text or "")[:1].isspace() and not self.writer.keeps:
            self.writer.text(" ")
        if self._places:
            for inner in element.iterdescendants():
                self._note_places(inner)
        for image in element.iter("img"):
            self._picture(image.get("alt") or "")

    def _note_places(self, element: Any) -> None:
        for name in (element.get("id"), element.get("name")):
            if name in self._places:
                self.writer.place(name)
