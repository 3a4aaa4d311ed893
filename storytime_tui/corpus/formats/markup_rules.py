"""Rules for the elements of web pages and e-books: which are verse, and which are not part of the book."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from storytime_tui.corpus.formats.markup_left import UNSHOWN, has_at_most, names, shown_text
from storytime_tui.corpus.formats.page_kinds import AROUND, holds_story

_DROPPED_TAGS = {
    **dict.fromkeys(UNSHOWN, "hidden"),
    **dict.fromkeys(names("noscript noframes object embed applet iframe audio video canvas"), "not shown"),
    **dict.fromkeys(names("button select textarea input"), "form"),
    **dict.fromkeys(names("rt rp rtc"), "ruby"),
    "nav": "navigation",
    "svg": "picture",
    "figcaption": "caption",
}
# Class names by which e-book makers mark notes, captions and the like.
_DROPPED = re.compile(
    r"(?P<licence>pg-?(?:header|footer|boilerplate)\w*)"
    r"|(?P<note>(?:foot|end|side)-?_?notes?"
    r"|(?:foot|end)-?_?note-?_?(?:text|body|block|list|content|section)|footnotes-end-of-[a-z]+)"
    r"|(?P<caption>(?:fig|figure|img|image|illus|illustration)?-?_?(?:caption\w*|captioned)|figcap\w*)"
    r"|(?P<transcriber>trans(?:criber|cribers|cription)?-?_?notes?|tn|tnote|tnbox|transnote\w*)"
    r"|(?P<navigation>pagelist|page-list)"
)
_REASONS = {"transcriber": "transcriber's note"}
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
_DROPPED_TYPES = {kind: reason for kind, reason in AROUND.items() if "." not in kind and kind != "notes"}
_DROPPED_TYPES["backlink"] = "note mark"
_LONGEST_PAGE_NUMBER = 40  # characters; a longer "page number" is a page
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
_BACK = re.compile(r"[↩↑⤴⏎↵^]\ufe0e?|back|return|\[?back\]?", re.IGNORECASE)
_MARGIN = re.compile(r"(?:margin-left|text-indent|padding-left)\s*:\s*(\d{1,2})(?:\.\d+)?em", re.IGNORECASE)


@dataclass(frozen=True)
class Meaning:
    """What an element's class names (or `epub:type`) say about it.

    `dropped`: why it is not part of the text, or "". `indent`: in columns, -1 if not given.
    """

    dropped: str = ""
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
        dropped=next(
            (
                _REASONS.get(match.lastgroup or "", match.lastgroup or "")
                for token in tokens
                if (match := _DROPPED.fullmatch(token))
            ),
            "",
        ),
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
        dropped=next((_DROPPED_TYPES[token] for token in sorted(tokens) if token in _DROPPED_TYPES), ""),
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


def reason_to_drop(element: Any, tag: str, meaning: Meaning) -> str:
    """Why an element and everything in it is not part of the text, in a few words; "" if it is."""
    if reason := _DROPPED_TAGS.get(tag, ""):
        return reason
    if meaning.dropped:
        return meaning.dropped
    if tag in ("sup", "a") and _is_note_mark(element, tag):
        return "note mark"
    if tag == "footer" and _is_page_footer(element):
        return "page's foot"
    if not element.keys():
        return "note" if tag in ("p", "li", "dd") and _is_note(element) else ""
    if meaning.page_number or meaning.anchor:
        reason = "page number" if meaning.page_number else "note mark"
        return reason if has_at_most(element, _LONGEST_PAGE_NUMBER) else ""
    if (meaning.figure or tag == "figure") and _is_picture(element):
        return "caption"
    if (element.get("id") or "").startswith(("pg-header", "pg-footer", "pg-boilerplate", "pg-machine")):
        return "licence"
    if tag in _MENU_TAGS and _is_menu(element):
        return "navigation"
    return "note" if tag in ("p", "li", "dd", "aside") and _is_note(element) else ""


def is_stand_in(element: Any) -> bool:
    """Whether a hidden element is a single letter, which stands for a drop cap that is shown as a picture."""
    return has_at_most(element, 1)


def _is_page_footer(element: Any) -> bool:
    """Whether a footer belongs to the page. The footer of a quotation names its author and stays."""
    parent = element.getparent()
    if parent is None:
        return False
    if parent.tag == "body":
        return not holds_story(shown_text(element).split("\n"), "")
    return has_at_most(element, _LONGEST_CAPTION) and _RIGHTS.search("".join(element.itertext())) is not None


def _is_menu(element: Any) -> bool:
    """Whether an element is named a menu and contains only links."""
    tokens = f"{element.get('id') or ''} {element.get('class') or ''}"[:_LONGEST_NAMES].lower().split()
    if not any(_MENU.fullmatch(token) for token in tokens) or not has_at_most(element, _LONGEST_MENU):
        return False
    all_text = "".join("".join(element.itertext()).split())
    return all_text == "".join("".join("".join(link.itertext()) for link in element.iter("a")).split())


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
    """Whether a paragraph begins with a note's mark that links back to the text, or ends with a link back."""
    if _ends_with_way_back(element):
        return True
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


def _ends_with_way_back(element: Any) -> bool:
    """Whether the last thing in an element is an arrow that leads back to where a note is called."""
    last = element
    while len(last) and last.tag != "a":
        last = last[-1]
        if (last.tail or "").strip(" .\n\t\xa0"):
            return False
    if last.tag != "a" or last is element or not has_at_most(last, 10):
        return False
    place = (last.get("href") or "").partition("#")[2][:_LONGEST_PLACE]
    shown = "".join(last.itertext()).strip()
    return _BACK.fullmatch(shown) is not None and _NOTE_PLACE.fullmatch(place) is not None
