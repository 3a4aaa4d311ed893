"""Rules for the elements of web pages and e-books: which are verse, and which are not part of the book."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any


def names(text: str) -> frozenset[str]:
    """The words of a string, as a set."""
    return frozenset(text.split())


_DROPPED_TAGS = names(
    "script style nav template head title noscript noframes svg object embed applet iframe audio video canvas "
    "button select textarea input figcaption rt rp"
)
# Class names by which e-book makers mark notes, captions and the like.
_DROPPED = re.compile(
    r"pg-?(?:header|footer|boilerplate)\w*"
    r"|(?:foot|end|side)-?_?notes?|(?:foot|end)-?_?note-?_?(?:text|body|block|list|content|section)"
    r"|(?:fig|figure|img|image|illus|illustration)?-?_?(?:caption\w*|captioned)|figcap\w*"
    r"|trans(?:criber|cribers|cription)?-?_?notes?|tn|tnote|tnbox|transnote\w*|pagelist|page-list"
)
_PAGE_NUMBER = re.compile(r"pagenum\w*|page-?_?(?:no|nums?|numbers?|break|marker)|pg-?_?(?:num|no)|folio")
_ANCHOR = re.compile(
    r"fn-?_?(?:anchor|ref|link|mark|marker)|(?:foot-?|end-?)?note-?_?(?:ref|reference|anchor|link|mark|marker)"
)
_FIGURE = re.compile(
    r"fig(?:center|left|right|ure)?|figure\w*|illus(?:tration|trations|tr)?|im(?:g|age)\w*|plate"
)
_VERSE = re.compile(
    r"(?:poem|poetry|verse|stanza|strophe|rhyme|lyric|song|ballad)s?(?:(?:[-_]|container)[-\w]*)?|lg"
)
_STANZA = re.compile(r"(?:stanza|strophe|linegroup)s?(?:[-_][-\w]*)?|lg")
_LINE = re.compile(r"line|verse-?line|poem-?line|l")
_INDENT = re.compile(r"(?:i|in|ind|indent|verse-?indent|line-?indent)-?_?(\d{1,2})")
# Values of `epub:type` and `role` for notes, and for front and back matter.
_DROPPED_TYPES = names(
    "footnote footnotes endnote endnotes rearnote rearnotes toc landmarks page-list loi lot lov loa index cover "
    "titlepage halftitlepage copyright-page imprint colophon other-credits pagelist backlink"
)
_LONGEST_PAGE_NUMBER = 40  # characters; a longer "page number" is a page
_EMPTY_ELEMENTS = 50  # an element with this many more children than characters is not a mark, picture or line
_LONGEST_NAMES = 500  # characters of a `class`
_LONGEST_PLACE = 100  # characters of a fragment that names a note
_LONGEST_CAPTION = 600  # characters; a longer text beside a picture is story
_LONGEST_LINE = 120  # characters; a longer line is prose
_LONGEST_MENU = 2000  # characters
_MENU_TAGS = names("div ul ol p section header aside")
_MENU = re.compile(r"(?:[a-z]+[-_])?(?:menu|nav|navbar|navigation|breadcrumbs?|toolbar)(?:[-_]?[a-z]+)?")
_RIGHTS = re.compile(r"©|\bcopyright\b|\ball rights reserved\b|\bpowered by\b", re.IGNORECASE)
_BREAKS = names("br p div ul ol dl table blockquote pre section h1 h2 h3 h4 h5 h6")
_LARGEST_INDENT = 20  # columns
_MARK = r"(?:\d{1,4}|[a-z]|[ivxl]{1,6}|[*†‡§¶]+)"
_BRACKETED = re.compile(rf"[\[({{]\s*{_MARK}\s*[\])}}]|[*†‡§]+", re.IGNORECASE)
_BARE = re.compile(_MARK, re.IGNORECASE)
_NOTE_PLACE = re.compile(
    r"_?(?:f|fn|ft|ftn|foot|footnote|n|note|en|edn|endnote|r|ref)[-_]?\w*?\d[-_\w]*", re.IGNORECASE
)
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)
_MARGIN = re.compile(r"(?:margin-left|text-indent|padding-left)\s*:\s*(\d{1,2})(?:\.\d+)?em", re.IGNORECASE)


@dataclass(frozen=True)
class Meaning:
    """What an element's class names (or `epub:type`) say about it. `indent`: in columns, -1 if not given."""

    dropped: bool = False
    page_number: bool = False
    anchor: bool = False
    figure: bool = False
    verse: bool = False
    stanza: bool = False
    line: bool = False
    indent: int = -1


@lru_cache(maxsize=4096)
def meaning_of_class(names: str) -> Meaning:
    """The meaning of a `class` attribute. It is cached, as a book has few different ones."""
    tokens = names.lower().split()[:50]

    def any_is(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(token) for token in tokens)

    indents = [int(match[1]) for token in tokens if (match := _INDENT.fullmatch(token))]
    return Meaning(
        dropped=any_is(_DROPPED),
        page_number=any_is(_PAGE_NUMBER),
        anchor=any_is(_ANCHOR),
        figure=any_is(_FIGURE),
        verse=any_is(_VERSE),
        stanza=any_is(_STANZA),
        line=any_is(_LINE) or bool(indents),
        indent=min(indents[0], _LARGEST_INDENT) if indents else -1,
    )


@lru_cache(maxsize=4096)
def meaning_of_type(types: str) -> Meaning:
    """The meaning of an `epub:type` or `role`."""
    tokens = {token.removeprefix("doc-").rpartition(":")[2] for token in types.lower().split()}
    return Meaning(
        dropped=not tokens.isdisjoint(_DROPPED_TYPES),
        page_number="pagebreak" in tokens,
        anchor="noteref" in tokens,
        verse=not tokens.isdisjoint({"poem", "verse", "song", "stanza", "hymn", "lyrics"}),
        stanza="stanza" in tokens,
    )


NOTHING = Meaning()


def meaning_of(element: Any) -> Meaning:
    """The meaning of an element's class and type together."""
    names = (element.get("class") or "")[:_LONGEST_NAMES]
    types = element.get("epub:type") or element.get("role")
    if not types:
        return meaning_of_class(names) if names else NOTHING
    one, other = meaning_of_class(names), meaning_of_type(types[:_LONGEST_NAMES])
    both = {field: getattr(one, field) or getattr(other, field) for field in _TYPE_FIELDS}
    return replace(one, **both)


_TYPE_FIELDS = ("dropped", "page_number", "anchor", "verse", "stanza")


def is_dropped(element: Any, tag: str, meaning: Meaning) -> bool:
    """Whether an element and everything in it is not part of the text."""
    if tag in _DROPPED_TAGS or meaning.dropped:
        return True
    if tag in ("sup", "a") and _is_note_mark(element, tag):
        return True
    if tag == "footer" and _is_page_footer(element):
        return True
    if not element.keys():
        return tag == "p" and _is_note(element)
    if meaning.page_number or meaning.anchor:
        return has_at_most(element, _LONGEST_PAGE_NUMBER)
    if (meaning.figure or tag == "figure") and _is_picture(element):
        return True
    if element.get("hidden") is not None or _HIDDEN.search(element.get("style", "")):
        return not has_at_most(element, 1)  # a hidden single letter replaces a drop cap shown as a picture
    if (element.get("id") or "").startswith(("pg-header", "pg-footer", "pg-boilerplate", "pg-machine")):
        return True
    if tag in _MENU_TAGS and _is_menu(element):
        return True
    return tag in ("p", "li", "dd") and _is_note(element)


def _is_page_footer(element: Any) -> bool:
    """Whether a footer belongs to the page. The footer of a quotation names its author and stays."""
    parent = element.getparent()
    if parent is None or parent.tag == "body":
        return parent is not None
    return has_at_most(element, _LONGEST_CAPTION) and _RIGHTS.search("".join(element.itertext())) is not None


def _is_menu(element: Any) -> bool:
    """Whether an element is named a menu and contains only links."""
    tokens = f"{element.get('id') or ''} {element.get('class') or ''}"[:_LONGEST_NAMES].lower().split()
    if not any(_MENU.fullmatch(token) for token in tokens) or not has_at_most(element, _LONGEST_MENU):
        return False
    all_text = "".join("".join(element.itertext()).split())
    return all_text == "".join("".join("".join(link.itertext()) for link in element.iter("a")).split())


def has_at_most(element: Any, most: int) -> bool:
    """Whether an element has at most `most` characters (without white space at ends) and few children."""
    length = 0
    for number, inner in enumerate(element.iter()):
        length += len((inner.text or "").strip())
        if number:
            length += len((inner.tail or "").strip())
        if length > most or number > most + _EMPTY_ELEMENTS:
            return False
    return True


def is_line(element: Any, tag: str, meaning: Meaning) -> bool:
    """Whether an element inside verse is a line of it, not a stanza."""
    if tag == "span":
        return meaning.line or meaning.verse
    if tag not in ("p", "div") or meaning.stanza:
        return False
    return meaning.line or not _has_lines(element)


def is_speaker(element: Any) -> bool:
    """Whether a table's cell names who speaks the next cell, as in the plays of Standard Ebooks."""
    return _is_of_type(element, ("persona", "speaker"))


def is_stage_direction(element: Any) -> bool:
    """Whether an element is a stage direction that only its italics tell from the speech around it."""
    if not _is_of_type(element, ("stage-direction",)) or has_at_most(element, 0):
        return False
    first = next((text.strip() for text in element.itertext() if text.strip()), "")
    return first[0] not in "[("


def _is_of_type(element: Any, kinds: tuple[str, ...]) -> bool:
    types = (element.get("epub:type") or "")[:_LONGEST_NAMES].lower().split()
    return any(kind.rpartition(":")[2] in kinds for kind in types)


def follows_line(element: Any) -> bool:
    """Whether a verse element without line breaks is the next line after an element like it."""
    before = element.getprevious()
    return (
        before is not None
        and before.get("class") == element.get("class")
        and before.tag == element.tag
        and all(not _has_lines(each) and has_at_most(each, _LONGEST_LINE) for each in (before, element))
    )


def _has_lines(element: Any) -> bool:
    """Whether an element has line breaks or blocks among its children or grandchildren."""
    return any(
        each.tag in _BREAKS or any(inner.tag in _BREAKS for inner in each.iterchildren()) for each in element
    )


def indent_of(element: Any, meaning: Meaning) -> int:
    """The indent of a line of verse in columns; 0 if not given."""
    if meaning.indent >= 0:
        return meaning.indent
    margin = _MARGIN.search(element.get("style", ""))
    return min(int(margin[1]), _LARGEST_INDENT) if margin else 0


def _is_picture(element: Any) -> bool:
    """Whether an element is a picture with its caption, without a heading or story."""
    if not has_at_most(element, _LONGEST_CAPTION):
        return False
    tags = {inner.tag for inner in element.iter()}
    return not tags.isdisjoint(("img", "svg")) and not any(
        not has_at_most(heading, 0) for heading in element.iter("h1", "h2", "h3", "h4", "h5", "h6")
    )


def _is_note_mark(element: Any, tag: str) -> bool:
    """Whether an element is a raised number or star, or a link with such text that leads to a note."""
    if not has_at_most(element, 8):
        return False
    shown = "".join(element.itertext()).strip()
    link = element if tag == "a" else next(iter(element.iter("a")), None)
    place = (link.get("href") or "").partition("#")[2][:_LONGEST_PLACE] if link is not None else ""
    if tag == "a":
        if not place:
            return False
        raised = next(iter(element.iter("sup")), None) is not None
        return _BRACKETED.fullmatch(shown) is not None or (
            _BARE.fullmatch(shown) is not None and (raised or _NOTE_PLACE.fullmatch(place) is not None)
        )
    if _BRACKETED.fullmatch(shown):
        return True
    before = element.getprevious()
    text = (element.getparent().text if before is None else before.tail) or ""
    return _BARE.fullmatch(shown) is not None and (
        bool(place) or (shown.isdigit() and text[-1:] != "" and not text[-1].isdigit())
    )


def _is_note(element: Any) -> bool:
    """Whether a paragraph begins with a note's mark that links back to the text."""
    if (element.text or "").strip() or len(element) == 0:
        return False
    first = element[0]
    if (
        first.tag == "a"
        and not first.get("href")
        and not (first.tail or "").strip()
        and len(element) > 1
        and has_at_most(first, 0)
    ):
        first = element[1]  # after an empty anchor, the target of the note's mark
    if first.tag == "sup" and len(first) == 1:
        first = first[0]
    if first.tag != "a" or not has_at_most(first, 8):
        return False
    shown = "".join(first.itertext()).strip().rstrip(".:")
    place = (first.get("href") or "").partition("#")[2][:_LONGEST_PLACE]
    return bool(place and shown) and (
        _BRACKETED.fullmatch(shown) is not None
        or (_BARE.fullmatch(shown) is not None and _NOTE_PLACE.fullmatch(place) is not None)
    )
