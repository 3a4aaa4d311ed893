"""HTML to a Document: parsed by lxml, keeping only the lines and headings of the book itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.bylines import title_and_author
from storytime_tui.corpus.formats.encodings import Decoded, decode
from storytime_tui.corpus.formats.markup_left import joined, lines_in_words
from storytime_tui.corpus.formats.markup_lines import LineWriter
from storytime_tui.corpus.formats.markup_posts import posts_of
from storytime_tui.corpus.formats.markup_styles import Styles, styles_of
from storytime_tui.corpus.formats.markup_walk import Walk
from storytime_tui.errors import CorpusError

_NO_STYLES = Styles()
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
    """A page's document, the line at or after each requested place, and the share of its text that is links."""

    document: Document
    places: dict[str, int]
    linked: float = 0.0


def html_text(data: bytes, name: str) -> Decoded:
    """A page's source, decoded by its byte order mark or its declared encoding. Raises CorpusError."""
    declared = _CHARSET.search(data[:4096])
    encoding = (declared[1] or declared[2]).decode("ascii") if declared else ""
    return decode(data, name, encoding)


def read_html(
    source: str,
    name: str,
    places: frozenset[str] = frozenset(),
    *,
    styles: Styles = _NO_STYLES,
    place_of: Callable[[int, int], str] = lines_in_words,
    of_site: bool = False,
    rules: bool = False,
) -> Page:
    """The text of a page: one line for each paragraph, with blank lines between; verse, lists and <pre> keep lines.

    What stands around the book is in `left_out` (see `markup_rules` and `markup_sites`). `places`: ids whose lines are
    returned. `styles`: rules of the page's style sheets. `place_of`: names a range of lines for `left_out`. `of_site`:
    a saved web page, which may be one of posts (see `markup_posts`). `rules`: on a page without headings, rules become
    rows of stars, which may part tales. A heading is always one line. The text is "" if nothing is left. `name` is for
    messages. Raises CorpusError if the page is nested too deeply.
    """
    root = parse_html(source, name)
    if root is None:
        return Page(Document("", wrapped=False), {})
    for sheet in root.iter("style"):
        styles += styles_of(sheet.text or "")
    walk = Walk(places, styles, _length(root), posts_of(root) if of_site else None, rules=rules)
    walk.through(root)
    writer = walk.writer
    title, author = title_and_author(root, _main_heading(root, writer))
    wrapped = writer.preformatted > 0.9 * writer.written  # a plain text inside a page
    document = Document(
        "\n".join(writer.lines),
        wrapped,
        tuple(writer.headings),
        title,
        author or walk.author,
        left_out=joined(walk.left_out, place_of),
    )
    return Page(document, writer.places, walk.linked / max(1, writer.written))


def _length(root: Any) -> int:
    """The number of characters of all text in a page."""
    return sum(map(len, root.itertext()))


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
