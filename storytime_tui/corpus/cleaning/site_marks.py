"""Removing what sites other than Project Gutenberg put around a text: heads, metadata, links and feet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FLAGS = re.IGNORECASE
_EDGE = 40  # paragraphs at a text's beginning and end that may be a site's
_OWN = 4  # paragraphs of the text itself after which the search stops
_HEAD, _FOOT = 12_000, 6_000  # characters that are searched
_LONGEST = 1500  # characters of such a paragraph


def _beginning(*phrases: str) -> re.Pattern[str]:
    """A pattern for a paragraph that begins with one of these phrases, whatever signs stand before it."""
    return re.compile(rf"\W*(?:{'|'.join(phrases)})", _FLAGS)


# Sites of printed books, then of stories that their authors posted. A paragraph that begins so is the site's.
_PRINTED = _beginning(
    r"(?:the |an? |this )?project gutenberg (?:of )?(?:australia|canada)\b",
    r"(?:the |an? |this )?distributed proofreaders canada\b",
    r"projekt gutenberg-?de\b",
    r"faded ?page\b",
    r"full text of [\"“]",
    r"this (?:site|e-?book) (?:is full of free ebooks|is made available at no cost)",
    r"(?:google\s+)?this is a digital copy of a book that was preserved",
    r"digiti[sz]ed by (?:the internet archive|google|microsoft)",
    r"end of (?:the |this )?project gutenberg (?:of )?(?:australia|canada)",
)
_POSTED = _beginning(
    r"posted originally on the archive of our own",
    r"story url ?:",
    r"packaged ?: ?\d",
    r"generated (?:by|with|using) (?:fanficfare|ficlab)",
    r"(?:read|find|more of|you(?:'|’)re reading|you are reading)\b.{0,80}\bwattpad\b",
    r"(?:read|find|published on|exported from|downloaded from)\b.{0,80}"
    r"\b(?:wattpad|fanfiction\.net|royalroad|fictionpress)\b",
    r"https?://\S*(?:fanfiction\.net|archiveofourown\.org|wattpad\.com|fictionpress\.com|royalroad\.com)\S*\s*$",
)
_MORE = _beginning(
    r"see other formats\s*$",
    r"copyright laws are changing all over the world",
    r"to contact project gutenberg",
    r"this work is in the canadian public domain",
    r"if the book is under copyright in your country",
    r"if you live outside canada",
    r"this e-?book (?:was|has been) (?:produced|prepared) by",
    r"(?:usage guidelines|about google book search)\s*$",
    r"google is proud to partner",
    r"google's mission is to organi[sz]e",
    r"public domain books are our gateways",
    r"marks, notations and other margin",
    r"it has survived long enough for the copyright",
    r"we also ask that you",
    r"make non-?commercial use of the files",
    r"refrain from automated quer",
    r"maintain attribution",
    r"keep it legal",
    r"whatever your use, remember",
    r"at https? ?: ?// ?(?:www\. ?)?books ?\. ?google",
    r"in \d{4} with funding from",
    r"https?://\S+\s*$",
    r"quellenangabe\b",
    r"(?:zurück|inhalt|weiter)\b[^\w\n]*(?:(?:zurück|inhalt|weiter)[^\w\n]*)*$",
    r"please drop by the archive and comment",
    r"end file\W*$",
    r"(?:please )?(?:vote|comment|follow)(?:,? (?:and |& )?(?:vote|comment|follow|share|add to your library))+\W*$",
    r"end of [^\]\n]{2,150}\]\s*$",
)
_KEYS = (
    r"title|titel|author|autor|by|e-?book no|ebook|edition|language|posting date|character set encoding"
    r"|date first posted|date (?:most recently|last) updated|date of first publication"
    r"|edition used as base for this e-?book"
    r"|produced by|status|genres?|rating|rated|stats|source|archive warnings?|category|categories"
    r"|fandoms?|relationships?|characters?|additional tags|published|updated|completed|packaged"
    r"|chapters|words|publisher|story url|author url|url|series|collections|summary|created|corrector"
    r"|sender|projectid|type|isbn|year|firstpub|printrun|volume|translator|illustrator|faded page e-?book"
    r"|project gutenberg (?:of )?(?:australia|canada) e-?book"
)
# Fields that only programs and sites write above a story; this many of them are a head, whoever wrote it.
_OF_STORIES = frozenset(
    (
        *(
            "rating",
            "rated",
            "words",
            "chapters",
            "status",
            "summary",
            "genre",
            "genres",
            "category",
            "categories",
        ),
        *("fandom", "fandoms", "relationship", "relationships", "archive warning", "archive warnings"),
        *("additional tags", "published", "updated", "completed", "packaged", "story url"),
    )
)
_FEWEST_FIELDS = 2
_KEY = re.compile(rf"[ \t*]*(?P<key>{_KEYS})\.?[ \t]*[:#\t][ \t]*(?P<value>.*)", _FLAGS)
_BY = re.compile(r"by:? +(\S[^\n]{0,60})", _FLAGS)  # an author on such a site may have no capital
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")
_LINE = re.compile(r"[^\n]+")
_ROW = re.compile(r"\W+")


@dataclass(frozen=True)
class SiteText:
    """A text without a site's head and foot; blank lines replace them, so that line numbers don't change.

    `lines`: the half-open ranges of lines that were the site's. `title` and `author`: from the head, or "". `printed`:
    the site's texts are printed books.
    """

    text: str
    lines: tuple[tuple[int, int], ...]
    title: str
    author: str
    printed: bool


def site_text(text: str) -> SiteText | None:
    """A text from one of the known sites; None for any other. Expects newlines, no white space at line ends."""
    head, foot = text[:_HEAD].lower(), text[-_FOOT:].lower()
    if not any(word in head or word in foot for word in _HINTS):
        return None
    first, fields, printed, posted = _edge(text, _forwards(text))
    last, _, printed_below, posted_below = _edge(text, _backwards(text))
    if not (printed or posted or printed_below or posted_below):
        return None
    spans = sorted(set(first + last))
    lines = tuple([(text.count("\n", 0, start), text.count("\n", 0, end) + 1) for start, end in spans])
    for start, end in reversed(spans):
        text = text[:start] + "\n" * text.count("\n", start, end) + text[end:]
    title = fields.get("title") or fields.get("titel") or fields.get("full", "")
    author = fields.get("author") or fields.get("autor", "")
    return SiteText(text, lines, title, _YEARS.sub("", author).strip(), printed or printed_below)


_HINTS = (
    *("gutenberg", "proofreaders canada", "faded", "full text of", "digital copy", "digitized", "digitised"),
    *(
        "archive of our own",
        "archiveofourown",
        "fanfic",
        "ficlab",
        "wattpad",
        "story url",
        "fictionpress",
        "royalroad",
    ),
    *(
        "rating:",
        "rated:",
        "words:",
        "chapters:",
        "status:",
        "summary:",
        "genre:",
        "genres:",
        "fandom:",
        "fandoms:",
    ),
)
_YEARS = re.compile(r"\s*\((?:pseudonym of [^()]*|\d{4}\??-(?:\d{4})?|[^()]*\d{4}[^()]*)\)")
_YEAR_ALONE = re.compile(r"\s*\(\d{4}\)$")
_FULL_TEXT = re.compile(r"full text of [\"“](.+?)[\"”]?$", _FLAGS | re.MULTILINE)


def _edge(
    text: str, paragraphs: Iterator[tuple[int, int]]
) -> tuple[list[tuple[int, int]], dict[str, str], bool, bool]:
    """The paragraphs at one end of a text that are a site's, the fields there, and which kind of site it is."""
    spans: list[tuple[int, int]] = []
    fields: dict[str, str] = {}
    printed = posted = False
    bylines: list[tuple[int, int]] = []
    own = 0
    for number, (start, end) in enumerate(paragraphs):
        shown = text[start:end]
        if number >= _EDGE or own >= _OWN:
            break
        if _ROW.fullmatch(shown):
            spans.append((start, end))
            continue
        is_funder = bool(spans) and text[spans[-1][0] : spans[-1][1]].endswith("with funding from")
        found = _fields(shown)
        is_printed, is_posted = _PRINTED.match(shown) is not None, _POSTED.match(shown) is not None
        if len(shown) <= _LONGEST and (is_printed or is_posted or is_funder or found or _MORE.match(shown)):
            spans.append((start, end))
            fields = found | fields if found else fields
            printed |= is_printed
            posted |= is_posted or len(_OF_STORIES & found.keys()) >= _FEWEST_FIELDS
            if full := _FULL_TEXT.search(shown):
                fields.setdefault("full", full[1])
            own = 0
        elif line := next((each for each in _LINE.finditer(shown) if _POSTED.match(each[0])), None):
            spans.append((start + line.start(), start + line.end()))
            posted = True
        elif by := _BY.fullmatch(shown):
            bylines.append((start, end))
            fields.setdefault("author", by[1])
        else:
            own += 1
    if posted:
        spans = sorted(spans + bylines)
    return _without_rows_alone(text, spans), fields, printed, posted


def _without_rows_alone(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without rows of stars or dashes that don't lie between the site's own paragraphs."""
    kinds = [_ROW.fullmatch(text[start:end]) is None for start, end in spans]
    last = max((at for at, is_words in enumerate(kinds) if is_words), default=-1)
    return spans[: last + 2]


def _fields(shown: str) -> dict[str, str]:
    """The fields of a block of metadata; {} if fewer than two of its lines, or not most of them, are fields."""
    fields: dict[str, str] = {}
    others = 0
    for line in shown.split("\n"):
        field = _KEY.fullmatch(line)
        if field is not None:
            fields.setdefault(
                " ".join(field["key"].lower().split()), _YEAR_ALONE.sub("", field["value"].strip(" \t*"))
            )
        elif not line.startswith((" ", "\t")) or not fields:
            others += _PRINTED.match(line) is None
    return fields if len(fields) >= 2 and 2 * others <= len(fields) else {}


def _forwards(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _PARAGRAPH.finditer(text, 0, _HEAD))


def _backwards(text: str) -> Iterator[tuple[int, int]]:
    start = max(0, len(text) - _FOOT)
    return reversed([match.span() for match in _PARAGRAPH.finditer(text, start)][0 if not start else 1 :])
