"""Removing page headings and page numbers from the text of printed pages, and joining what the pages tore."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from storytime_tui.corpus.cleaning.chapter_lines import names_chapter
from storytime_tui.stopping import stoppable

_NUMBER = r"\d{1,4}|[ivxlc]{1,7}"
_ALONE = re.compile(
    rf"\W{{0,4}}(?:page |seite |p\. ?|стр\. ?|第)?(?P<number>{_NUMBER})(?: ?(?:of|von|/) ?\d+| ?[页頁])?\W{{0,4}}",
    re.I,
)
_LAST = re.compile(r"(?P<text>\S.{0,70}?)[\s|.·•—–-]*\s(?P<number>\d{1,4})\W{0,2}")
_FIRST = re.compile(r"\W{0,2}(?P<number>\d{1,4})\s[\s|.·•—–-]*(?P<text>\S.{0,70})")
_FORM_FEED = re.compile(r"\f(?:(?<=\n\f)|(?<=^\f)|(?=\n|\Z))")
_AT_EDGE = re.compile(r"\n(?:(?<=\d\n)|(?=[ \t]*\d))")  # a literal first, so that it is fast
_MOST_MISSING = 20  # pages in a row whose heading is not found
_EDGE = 2  # lines at the top and at the bottom of a page that may be headings
_SURE, _SHARE = 3, 0.3  # a heading is on this many pages, or numbers fit on this many and on this share
_LONGEST = 80  # characters of a page heading
_LONGEST_TITLE = 60  # characters of one without a number
_TEXT_ENDS = ".,;:!?-…\"'”’»。，；：！？、」』"
_FEWEST_LINES, _MOST_LINES = 12, 90  # of a page
_TORN = 0.25  # of the pages end inside a sentence
_END = frozenset(".!?:…\"'”’»)」』。！？；：*")
_FEWEST_ENDS = 3  # of pages, all at the end of a sentence
_FULL = 0.7  # of the usual width: a shorter line ends a paragraph
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Removed:
    """Lines that were removed: the number of the first one, from 0, and their text."""

    line: int
    text: str


def without_pages(text: str) -> tuple[str, tuple[Removed, ...]]:
    """A text without page headings and page numbers, and what was removed.

    Pages are known by form feeds, or by headings that recur with a rising number at the distance of a page, some of
    them inside a sentence. A sentence or word that a page's end tore is joined. Expects newlines.
    """
    if "\f" in text:
        return _without_form_feeds(text)
    return _without_recurring(text)


# -- pages that form feeds part ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edge:
    """A line at the top or the bottom of a page. `number`: None if it has none. `words`: its letters without it.

    `may_recur`: it looks like a title, so that it is a heading if it recurs. `names_chapter`: it has a chapter's
    number, and no page's.
    """

    page: int
    line: int
    number: int | None
    words: str
    top: bool
    roman: bool = False
    may_recur: bool = False
    names_chapter: bool = False


def _without_form_feeds(text: str) -> tuple[str, tuple[Removed, ...]]:
    """A text with form feeds; each stands at the end of a line, at the beginning of one, or alone."""
    parts = _FORM_FEED.split(text)
    if len(parts) == 1:
        return text, ()
    pages: list[list[str]] = []
    first_lines: list[int] = []
    line = 0
    for part in parts:
        pages.append(part.split("\n"))
        first_lines.append(line)
        line += part.count("\n")
    edges = [edge for at, page in enumerate(pages) for edge in _edges(at, page)]
    if not _are_torn(pages):  # what begins there are chapters, and a number above one is its own
        edges = [edge for edge in edges if edge.number is None or not edge.top]
    headings = _headings_among(edges, len([page for page in pages if any(map(str.strip, page))]))
    removed = []
    for page, at in sorted(headings):
        removed.append(Removed(first_lines[page] + at, pages[page][at].strip()))
        pages[page][at] = ""
    return _joined([page for page in pages if any(map(str.strip, page))]), tuple(removed)


def _edges(at: int, page: Sequence[str]) -> Iterator[_Edge]:
    filled = [line for line, shown in enumerate(page) if shown.strip()]
    for line in dict.fromkeys([*filled[:_EDGE], *filled[-_EDGE:]]):
        shown = page[line].strip()
        if len(shown) <= _LONGEST:
            top = line in filled[:_EDGE]
            number, words, roman = _numbered(shown)
            may_recur = (
                len(shown) <= _LONGEST_TITLE and not shown[0].islower() and shown[-1] not in _TEXT_ENDS
            )
            chapter = number is None and names_chapter(shown)
            yield _Edge(at, line, number, words, top, roman, may_recur, chapter)


def _numbered(shown: str) -> tuple[int | None, str, bool]:
    """The number of a page heading, its letters, and whether the number is a Roman one.

    The number of a chapter is none of a page, and belongs to the letters.
    """
    for pattern in (_LAST, _FIRST):
        match = pattern.fullmatch(shown)
        if match is not None and names_chapter(match["text"]):  # "CHAPTER 3      45"
            return int(match["number"]), _letters_and_digits(match["text"]), False
    if names_chapter(shown):
        return None, _letters_and_digits(shown), False
    match = _ALONE.fullmatch(shown) or _LAST.fullmatch(shown) or _FIRST.fullmatch(shown)
    if match is None:
        return None, _letters(shown), False
    words = _letters(match.groupdict().get("text") or "")
    number = match["number"]
    return (int(number), words, False) if number.isdecimal() else (_roman(number), words, True)


def _letters(shown: str) -> str:
    return "".join(_LETTERS.findall(shown)).casefold()


def _letters_and_digits(shown: str) -> str:
    return "".join(filter(str.isalnum, shown)).casefold()


def _roman(numeral: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[letter] for letter in numeral.lower()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _headings_among(edges: Sequence[_Edge], pages: int) -> set[tuple[int, int]]:
    """The pages and lines of headings: numbers that rise with the pages, and words that recur there."""
    fewest = min(_SURE, max(2, pages - 1))
    found: set[tuple[int, int]] = set()
    for roman in (False, True):
        own = [edge for edge in edges if edge.number is not None and edge.roman == roman]
        offsets = Counter(edge.number - edge.page for edge in own if edge.number is not None)
        for offset, many in offsets.items():
            if many >= fewest and (many >= _SHARE * pages or roman):
                found |= {
                    (e.page, e.line) for e in own if e.number is not None and e.number - e.page == offset
                }
    words = {edge.words for edge in edges if (edge.page, edge.line) in found and edge.words}
    places: dict[tuple[str, bool], set[int]] = {}
    for edge in edges:
        if edge.words and edge.number is None and edge.may_recur:
            places.setdefault((edge.words, edge.top), set()).add(edge.page)
    recurring = {key for key, where in places.items() if len(where) >= _SURE and len(where) >= 0.1 * pages}
    begun: set[str] = set()  # chapters whose heading is on this page or an earlier one
    for edge in edges:
        if edge.number is None and ((edge.words, edge.top) in recurring or edge.words in words):
            if edge.names_chapter and edge.words not in begun:
                begun.add(edge.words)
            elif edge.words:
                found.add((edge.page, edge.line))
    return found


def _are_torn(pages: Sequence[Sequence[str]]) -> bool:
    """Whether some page ends inside a sentence; chapters, each on new pages, do not. Two pages are too few to tell."""
    filled = [lines for page in pages if (lines := [line.strip() for line in page if line.strip()])]
    inner = [[line for line in lines if _numbered(line)[0] is None] or lines for lines in filled]
    ends = [(before[-1], after[0]) for before, after in pairwise(inner)]
    return len(ends) < _FEWEST_ENDS or any(
        before[-1] not in _END or after[0].islower() for before, after in ends
    )


def _joined(pages: Sequence[Sequence[str]]) -> str:
    """The pages as one text: a sentence or word that a page's end tore goes on in the next line."""
    width = _usual_width(pages)
    indented = _are_indented(pages)
    whole = ""
    for page in stoppable(pages):
        shown = "\n".join(page)
        before, after = whole.rstrip(), shown.strip("\n")
        if not before:
            whole = after
            continue
        last = before[before.rfind("\n") + 1 :]
        whole = before + ("\n" if _goes_on(last, after, width, indented=indented) else "\n\n") + after
    return whole + "\n"


def _goes_on(last: str, after: str, width: int, *, indented: bool) -> bool:
    """Whether a paragraph goes on after the last line of a page."""
    first = after.lstrip()[:1]
    if first.islower():
        return True
    if len(last) < _FULL * width or after[:1].isspace():
        return False
    if indented:
        return True
    return last[-1] not in _END and first.isalnum() and not after.split("\n", 1)[0].isupper()


def _usual_width(pages: Sequence[Sequence[str]]) -> int:
    lengths = sorted(len(line) for page in pages for line in page if line.strip())
    return lengths[len(lengths) * 3 // 4] if lengths else 0


def _are_indented(pages: Sequence[Sequence[str]]) -> bool:
    """Whether paragraphs begin with an indented line and not after a blank one."""
    pairs = [pair for page in pages for pair in pairwise(page) if pair[1].strip()]
    indents = sum(bool(a.strip()) and not a[0].isspace() and b[0].isspace() for a, b in pairs)
    blanks = sum(not a.strip() for a, b in pairs)
    return indents > 2 * len(pages) and indents > blanks


# -- pages that nothing parts -----------------------------------------------------------------------------


def _without_recurring(text: str) -> tuple[str, tuple[Removed, ...]]:
    """A text without headings that recur at the distance of a page with a rising number."""
    groups = [(words, found) for words, places in _groups(text).items() if (found := _regular(places, words))]
    if not groups:
        return text, ()
    lines = text.split("\n")
    headings: set[int] = set()
    for _, places in groups:
        torn = sum(_tears(lines, line) for line in places)
        headings |= places if torn >= _TORN * len(places) else set()
    if not headings:
        return text, ()
    removed = tuple([Removed(line, lines[line].strip()) for line in sorted(headings)])
    kept: list[str] = []
    width = _usual_width([lines])
    torn = False
    for line, shown in enumerate(lines):
        if line in headings:
            while kept and not kept[-1].strip():
                kept.pop()
            torn = True
        elif torn and not shown.strip():
            continue
        else:
            if torn and kept:
                kept += [] if _goes_on(kept[-1], shown, width, indented=False) else [""]
            torn = False
            kept.append(shown)
    return "\n".join(kept), removed


def _groups(text: str) -> dict[str, list[tuple[int, int]]]:
    """The lines and numbers of short lines that begin or end with a number, by their words."""
    groups: dict[str, list[tuple[int, int]]] = {}
    line = at = 0
    for edge in stoppable(_AT_EDGE.finditer(text)):
        for start in (text.rfind("\n", 0, edge.start()) + 1, edge.end()):
            end = text.find("\n", start)
            shown = text[start:end].strip() if 0 <= end - start <= _LONGEST else ""
            if start < at or not shown or not (shown[0].isdecimal() or shown[-1].isdecimal()):
                continue
            line += text.count("\n", at, start)
            at = start
            number, words, roman = _numbered(shown)
            at_once = groups.setdefault(words, []) if number is not None and not roman else []
            if number is not None and (not at_once or at_once[-1][0] != line):
                at_once.append((line, number))
    return groups


def _regular(places: Sequence[tuple[int, int]], words: str) -> set[int]:
    """The lines among these that are one page apart for each number; none if they are too few."""
    fitting: set[int] = set()
    for (line, number), (next_line, next_number) in pairwise(places):
        pages = next_number - number
        if 0 < pages <= _MOST_MISSING and _FEWEST_LINES * pages <= next_line - line <= _MOST_LINES * pages:
            fitting |= {line, next_line}
    return fitting if len(fitting) >= (_SURE if words else 2 * _SURE) else set()


def _tears(lines: Sequence[str], line: int) -> bool:
    """Whether a line stands inside a sentence."""
    before = next(
        (lines[at].rstrip() for at in range(line - 1, max(-1, line - 4), -1) if lines[at].strip()), ""
    )
    after = next(
        (lines[at].strip() for at in range(line + 1, min(len(lines), line + 4)) if lines[at].strip()), ""
    )
    return bool(before and after) and before[-1] not in _END and (after[0].islower() or before[-1] in ",-")
