"""The account of a file: how many words it has, how many its stories keep, and which stretches are left out, and why.

The stories are compared with the file itself, letter by letter and in order, so that no rule of cleaning or dividing
can leave a word out unseen. Cleaning only removes letters, and never moves any. What was removed is explained by the
divider's own marks where it has some, else by what stands there.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

from storytime_tui.corpus.cleaning.apparatus import notes_heading, opens_bracketed
from storytime_tui.corpus.dividing.heading_rules import label_of, matter_of
from storytime_tui.corpus.dividing.title_page import author_in
from storytime_tui.corpus.dividing.titles import is_capitals
from storytime_tui.corpus.document import UNKNOWN, Account, Book, Document, Omitted, Tale
from storytime_tui.word_count import count_words

_SMALL = bytes(range(256)).lower()  # ASCII alone
_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum() and code != 10)
_PROBES = ((16, 600), (40, 0), (16, 0), (6, 200))  # letters to find again, and how far to look; 0: to the end
_STEP = 8  # letters skipped that stand nowhere in the file
_PAGE_NUMBER = re.compile(r"\W*(?:(?:pg|page|p)\W*)?(?:\d{1,4}|[ivxlc]{1,7})\W*", re.IGNORECASE)
_NOTE = re.compile(
    r"\s*(?:\[(?:\d{1,3}|[A-Z*†‡]+|FN ?#?\d+)\]|\(\d{1,2}\)|\*\s?\w|Footnotes?\b)", re.IGNORECASE
)
_IN_BRACKETS = re.compile(r"\s*[\[(][^\[\]()]*[\])]\.?\s*")
_NOTES_AT_END = re.compile(r"\s*(?:foot|end)?notes\b", re.IGNORECASE)
_BORDERS = frozenset(
    {b"endoftext", b"startoftext", b"s", b"bos", b"eos"}
)  # marks between stories, and no words
_BY = ("by", "written by")  # above the author's name
_NESTED = 4  # marks of the divider that may lie within each other
_HEADING = 90  # characters
_NAMED = 20  # characters of a bracket that say what it is
_PICTURE = re.compile(r"\s*\[?\s*(?:illustration|frontispiece|picture|decoration|drawing)", re.IGNORECASE)


def account_of(file: str, document: Document, book: Book) -> tuple[Account, tuple[str, ...]]:
    """The account of a file that was read and divided, and the texts of what is left out, in the account's order."""
    aligned = _Aligned(document)
    gaps = [*_gaps(aligned, book.tales)]
    found: list[tuple[str, str, tuple[int, int], str]] = []  # reason, place, lines, text
    for start, end, tale in gaps:
        for reason, first, last in _explained(aligned, start, end, tale, book):
            text = aligned.text_between(first, last)
            lines = aligned.lines_between(first, last)
            found.append((reason, _place(*lines), lines, text))
    found += [(each.reason, each.place, (0, 0), each.text) for each in document.left_out]
    places = _told_apart([place for _, place, _, _ in found])
    omitted = tuple(
        Omitted(reason, place, count_words(text), lines)
        for place, (reason, _, lines, text) in zip(places, found, strict=True)
    )
    words = count_words(document.text) + sum(count_words(each.text) for each in document.left_out)
    return Account(file, words, omitted, document.remarks), tuple(text for *_, text in found)


def _place(first: int, last: int) -> str:
    return f"line {last}" if last - first < 2 else f"lines {first + 1} to {last}"


def _told_apart(places: Sequence[str]) -> list[str]:
    """The places, each once: a part is known by its place, and a saved page may have all its words on one line."""
    seen: Counter[str] = Counter()
    apart = []
    for place in places:
        seen[place] += 1
        apart.append(place if seen[place] == 1 else f"{place} part {seen[place]}")
    return apart


# -- which letters are in no story ------------------------------------------------------------------------


def _letters(text: str) -> bytes:
    """The letters and digits of a text in UTF-8, and its line ends: without case, and ligatures as their letters.

    Every kind of sign is replaced at once: one pass over the text for each takes a tenth of a regular expression's.
    """
    if not text.isascii():
        for sign in set(text):
            if sign > "\x7f" and (plain := _plain(sign)) != sign:
                text = text.replace(sign, plain)
    return text.encode("utf-8", "surrogatepass").translate(_SMALL, _SIGNS)


@cache
def _plain(sign: str) -> str:
    folded = unicodedata.normalize("NFKC", sign.casefold()).casefold()
    return "".join(each for each in folded if each.isalnum())


class _Aligned:
    """A document's text and its letters; `starts` has the first letter of each line, and the end.

    `headings`: the lines that its format marks as headings."""

    def __init__(self, document: Document) -> None:
        text = document.text
        self.headings = {heading.line for heading in document.headings}
        self.lines = text.split("\n")
        self.of_lines = _letters(text).split(b"\n")
        self.letters = b"".join(self.of_lines)
        self.starts = [0, *accumulate(map(len, self.of_lines))]

    def line_at(self, letter: int) -> int:
        """The line with this letter."""
        return bisect_right(self.starts, letter) - 1

    def line_start(self, letter: int) -> int:
        """The first letter of the line with this letter."""
        return self.starts[min(self.line_at(letter), len(self.starts) - 1)]

    def lines_between(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of the lines with these letters."""
        return self.line_at(start), self.line_at(end - 1) + 1

    def text_between(self, start: int, end: int) -> str:
        """The text with these letters; of whole lines with all their signs."""
        first, last = self.lines_between(start, end)
        head = self._cut(
            first, start - self.starts[first], min(end, self.starts[first + 1]) - self.starts[first]
        )
        if last - first < 2:
            return head
        tail = self._cut(last - 1, 0, end - self.starts[last - 1])
        return "\n".join([head, *self.lines[first + 1 : last - 1], tail])

    def _cut(self, line: int, start: int, end: int) -> str:
        """The part of a line with these of its letters."""
        text = self.lines[line]
        if start == 0 and end >= len(self.of_lines[line]):
            return text
        ends = [*accumulate(len(_letters(sign)) for sign in text)]
        first, last = bisect_right(ends, start), bisect_left(ends, end) + 1
        while first > 0 and text[first - 1] in "[({*":
            first -= 1
        while last < len(text) and text[last] in "])}*":
            last += 1
        return text[first:last]


def _gaps(aligned: _Aligned, tales: Sequence[Tale]) -> Iterator[tuple[int, int, Tale | None]]:
    """The ranges of letters that are in no story; with the story whose lines they stand in, if any."""
    at = 0
    for tale in tales:
        first, last = tale.lines
        start, end = (
            aligned.starts[min(first, len(aligned.lines))],
            aligned.starts[min(last, len(aligned.lines))],
        )
        if start > at:
            yield at, start, None
        start = max(at, start)
        for gap in _missing(aligned, start, max(start, end), _letters(tale.text).replace(b"\n", b"")):
            yield *gap, tale
        at = max(start, end)
    if at < len(aligned.letters):
        yield at, len(aligned.letters), None


def _missing(aligned: _Aligned, start: int, end: int, kept: bytes) -> Iterator[tuple[int, int]]:
    """The ranges of the document's letters `start` to `end` that are not among the `kept` ones."""
    letters, at, place = aligned.letters, start, 0
    while True:
        same = _common(letters, at, end, kept, place)
        at, place = at + same, place + same
        if place == len(kept):
            break
        found = _found_again(letters, at, end, kept, place)
        if found < 0:  # the letters stand nowhere: they are not the file's
            place = min(len(kept), place + _STEP)
            continue
        back = at - aligned.line_start(at)  # a left out line may begin as the one after it does
        if 0 < back <= same and letters[at - back : at] == letters[found - back : found]:
            at, found, place = at - back, found - back, place - back
        yield at, found
        at = found
    if at < end:
        yield at, end


def _common(letters: bytes, at: int, end: int, kept: bytes, place: int) -> int:
    """How many letters are the same from here on."""
    first, step = at, 1 << 12
    most = min(end - at, len(kept) - place)
    while step:
        done = at - first
        size = min(step, most - done)
        if size > 0 and letters[at : at + size] == kept[place + done : place + done + size]:
            at += size
            step *= 2
        elif size <= 0:
            break
        else:
            step = size // 2
    return at - first


def _found_again(letters: bytes, at: int, end: int, kept: bytes, place: int) -> int:
    """Where the kept letters go on in the document; -1 if nowhere. A near place is more likely than a far one."""
    for size, reach in _PROBES:
        probe = kept[place : place + size]
        found = letters.find(probe, at, min(end, at + reach + size) if reach else end)
        if found >= 0:
            return found
    return -1


# -- why --------------------------------------------------------------------------------------------------


def _explained(
    aligned: _Aligned, start: int, end: int, tale: Tale | None, book: Book
) -> Iterator[tuple[str, int, int]]:
    """The parts of a gap, each with its reason; titles are not left out."""
    titles = _titles(tale, book)
    found: list[tuple[str, int, int]] = []
    after_by = False
    outside = "" if tale is not None else _outside(aligned.line_at(start), book)
    for begins, ends in _paragraphs(aligned, start, end):
        reason = _marked(book, aligned.line_at(begins))
        text = aligned.text_between(begins, ends)
        letters = aligned.letters[begins:ends]
        is_title = letters in titles or (tale is not None and _is_heading(text, titles))
        if letters in _BORDERS or (is_title and not reason):
            continue
        if outside == "back matter" and _NOTES_AT_END.match(text):
            outside = "notes"  # all that follow
        reason = reason or (outside if outside == "notes" else "") or _reason(text, alone=bool(tale))
        reason = reason or outside or ("heading" if aligned.line_at(begins) in aligned.headings else "")
        line = text.rpartition("\n")[2].strip()
        names_author = line.lower() in _BY or author_in(line) or (after_by and author_in(f"by {line}"))
        after_by = line.lower() in _BY
        reason = reason or ("author" if names_author else UNKNOWN)
        if found and found[-1][0] == reason and found[-1][2] == begins:
            begins = found.pop()[1]
        found.append((reason, begins, ends))
    yield from found


def _paragraphs(aligned: _Aligned, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A gap's letters by paragraphs: what is between blank lines, and a line that names the author."""
    first, last = aligned.lines_between(start, end)
    begins = start
    for line in range(first, last - 1):
        below = aligned.lines[line + 1]
        if (not below.strip() or author_in(below)) and begins < (ends := aligned.starts[line + 1]):
            yield begins, ends
            begins = ends
    if begins < end:
        yield begins, end


def _marked(book: Book, line: int) -> str:
    """The reason of the divider's mark on this line; "" if it has none."""
    after = bisect_right(book.outside, line, key=lambda each: each[0])
    marks = reversed(book.outside[max(0, after - _NESTED) : after])
    return next((reason for _, last, reason in marks if line < last), "")


def _titles(tale: Tale | None, book: Book) -> list[bytes]:
    """The titles of which a paragraph in or outside a story may be one."""
    titles = [book.title, book.author]
    if tale is not None:
        titles = [tale.title, *(chapter.title for chapter in tale.chapters), *titles]
    return [_letters(title).replace(b"\n", b"") for title in titles]


def _is_heading(text: str, titles: Sequence[bytes]) -> bool:
    """Whether a paragraph is (a part of) a title of the story: its number, its name, or both."""
    label = label_of(text)
    letters = _letters(text if label is None else label.rest).replace(b"\n", b"")
    if not letters:
        return True
    return any(letters in title if len(letters) > 3 else letters == title for title in titles)


def _reason(text: str, *, alone: bool) -> str:
    """The reason that a paragraph itself shows; "" if it shows none. `alone`: the text around it is a story's."""
    text = text.strip()
    if notes_heading(text):
        return "transcriber's note"
    if _PICTURE.match(text):
        return "illustration"
    if matter_of(text) == "end":
        return "end of the text"
    if not alone:
        return ""
    if _NOTE.match(text) or (opens_bracketed(text) and "ote" in text[:_NAMED]):
        return "note"
    if _PAGE_NUMBER.fullmatch(text):
        return "page number"
    if _IN_BRACKETS.fullmatch(text):
        return "source"
    return "heading" if is_capitals(text) and len(text) <= _HEADING else ""


def _outside(line: int, book: Book) -> str:
    if not book.tales or line < book.tales[0].lines[0]:
        return "front matter"
    return "back matter" if line >= book.tales[-1].lines[1] - 1 else "between stories"
