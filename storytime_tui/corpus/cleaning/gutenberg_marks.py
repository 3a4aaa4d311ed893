"""Removing Project Gutenberg's text around a book: header, licence, small print and credits."""

import re
from collections.abc import Iterator

from storytime_tui.stopping import stoppable

# Three generations of files: "*** START OF THIS PROJECT GUTENBERG EBOOK ..." (a marker may span three lines, and may
# follow text on the same line); the SMALL PRINT before the book (until about 2001); the SMALL PRINT after it.
_FLAGS = re.IGNORECASE | re.MULTILINE
_MARKER = re.compile(
    r"(?P<start>\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG"
    r"(?:(?:[^*\n]+\n){0,2}?[^*\n]+\*{3}[* \t]*$|.*$))"
    r"|(?P<small>^[ \t]*\*END\*? ?THE SMALL PRINT!.*$)"
    r"|(?P<end>\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG"
    r"|^[ \t]*\**End of (?:the |this )?Project Gutenberg(?:['’]s\b|\W+e?-?(?:text|book)\b))",
    _FLAGS,
)
_TITLE_LINE = re.compile(
    r"[ \t*]*(?:The )?Project Gutenberg(?:['’]s| e?-?(?:text|book),? of)\b.*", re.IGNORECASE
)
_CREDIT = re.compile(
    r"\s*(?:[\[(*]+\s*)?(?:"
    r"(?:this )?(?:e-?text|e-?book|file) (?:was |has been |is )?"
    r"(?:prepared|produced|created|transcribed|scanned|proofread|courtesy) "
    r"|(?:e-?text |html version |scanned and )?"
    r"(?:produced|prepared|transcribed|scanned|digiti[sz]ed|typed|proofread|proofed)"
    r"(?:,? (?:and |& )?(?:proofed|proofread|proof-read|edited|formatted|converted|corrected|typed))* (?:by|for) "
    r"|transcribed from the "
    r"|html version by "
    r"|note: +project gutenberg['’]?s? (?:also )?(?:has|library) "
    r"|(?:note: +)?images of the original pages are available "
    r"|portions of this header are copyright "
    r"|project gutenberg (?:also )?(?:has|etexts) "
    r"|https?://\S+\s*$"
    r"|note: [^\n]{0,80}this e-?(?:text|book) was "
    r")",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")
_EDGE_PARAGRAPHS = 12  # credits are within this many paragraphs of a book's beginning or end


def strip_gutenberg(text: str) -> str:
    """The book (or books) in a Project Gutenberg file, without header, licence and credits.

    Expects newlines. A text without Gutenberg's markers is returned unchanged.
    """
    spans = book_spans(text)
    if spans == [(0, len(text))]:
        return text
    books = [without_credits(text[start:end]) for start, end in spans]
    return "\n\n".join([book for book in books if book])


def book_spans(text: str) -> list[tuple[int, int]]:
    """The half-open character ranges of the books in a file; the whole file if nothing is marked."""
    marks = list(_markers(text))
    first_end = next((at for at, mark in enumerate(marks) if mark["end"]), len(marks))
    if any(mark["start"] for mark in marks[:first_end]):
        marks = [mark for mark in marks if not mark["small"]]
    else:
        marks = [mark for at, mark in enumerate(marks) if not mark["small"] or at < first_end]
    if not marks:
        return [(0, len(text))]
    spans = []
    opened: int | None = 0 if marks[0]["end"] else None
    for mark in marks:
        # after two start markers without an end, the text between them is kept, as it may be a book
        if opened is not None:
            spans.append((opened, mark.start()))
        opened = None if mark["end"] else mark.end()
    if opened is not None:
        spans.append((opened, len(text)))
    return spans


def _markers(text: str) -> Iterator[re.Match[str]]:
    """The markers that begin or end a book, in order; searched for only near a rare word that each contains."""
    at, small = 0, text.lower()
    for hint in stoppable(sorted([*_places(small, "gutenberg"), *_places(small, "small print!")])):
        if hint < at:
            continue
        start = max(at, text.rfind("\n", at, hint) + 1)
        line_end = _line_end(text, hint, lines=1)
        mark = _MARKER.search(text, start, _line_end(text, hint, lines=3))
        if mark is not None and mark.start() < line_end:
            yield mark
            at = mark.end()
        else:
            at = line_end


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _line_end(text: str, start: int, *, lines: int) -> int:
    """The end of the nth line from here."""
    for _ in range(lines):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    return start - 1


def is_title_line(line: str) -> bool:
    """Whether a line is the file's own title: "The Project Gutenberg Etext of ..."."""
    return _TITLE_LINE.fullmatch(line) is not None


def is_credit(paragraph: str) -> bool:
    """Whether a paragraph says who made the file, or where else to get it."""
    return _CREDIT.match(paragraph) is not None


def without_credits(book: str) -> str:
    """A book without credits and the file's title at its beginning and end."""
    pieces, at = [], 0
    for start, end in credit_spans(book):
        pieces.append(book[at:start].rstrip())
        at = end
    return "\n\n".join([piece.strip("\n") for piece in [*pieces, book[at:]] if piece.strip()])


def credit_spans(book: str) -> list[tuple[int, int]]:
    """The half-open ranges of a book's first and last paragraphs that are credits or the file's title, in order.

    From each end, the search stops after a dozen paragraphs of the book itself.
    """
    spans = set()
    for paragraphs, tail in ((_forwards(book), False), (_backwards(book), True)):
        own = 0
        for start, end in paragraphs:
            paragraph = book[start:end]
            first_line = paragraph.split("\n", 1)[0]
            if is_credit(paragraph):
                spans.add((start, end))
            elif is_title_line(first_line) and (not tail or own == 0):
                # at the end of old files the author follows the title; at the beginning the rest is the book's
                spans.add((start, end if tail else start + len(first_line)))
                own += not tail and len(first_line) < len(paragraph)
            else:
                own += 1
            if own == _EDGE_PARAGRAPHS:
                break
    return _merged(sorted(spans))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans, overlapping ones merged."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if not merged or start >= merged[-1][1]:
            merged.append((start, end))
        else:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
    return merged


def _forwards(book: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _PARAGRAPH.finditer(book))


def _backwards(book: str) -> Iterator[tuple[int, int]]:
    end = len(book.rstrip("\n"))
    while end > 0:
        start = book.rfind("\n\n", 0, end)
        start = start + 2 if start >= 0 else 0
        yield start, end
        end = len(book[max(0, start - 4000) : start].rstrip("\n")) + max(0, start - 4000)
