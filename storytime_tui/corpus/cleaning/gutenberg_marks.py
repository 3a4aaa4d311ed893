"""Project Gutenberg's own words around a book: header, licence, the small print, and who made the file."""

import re
from collections.abc import Iterator

from storytime_tui.stopping import watched

# Three generations of files: "*** START OF THIS PROJECT GUTENBERG EBOOK ..." (a marker may run over three
# lines, and may be fused to the line before it), the SMALL PRINT before the book (until about 2001), and the
# SMALL PRINT after it.
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
_EDGE_PARAGRAPHS = 12  # credits stand within so many paragraphs of a book's first line and of its last


def strip_gutenberg(text: str) -> str:
    """Only the book (or books) of a Project Gutenberg file: no header, licence, or note of who typed it.

    Expects newlines. A text without Gutenberg's markers comes back as it is.
    """
    spans = book_spans(text)
    if spans == [(0, len(text))]:
        return text
    books = [without_credits(text[start:end]) for start, end in spans]
    return "\n\n".join([book for book in books if book])


def book_spans(text: str) -> list[tuple[int, int]]:
    """Where the books of a file stand: half-open ranges of characters; the whole file where nothing is marked."""
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
        # two beginnings without an end between them: what stands there is kept, it may be a book
        if opened is not None:
            spans.append((opened, mark.start()))
        opened = None if mark["end"] else mark.end()
    if opened is not None:
        spans.append((opened, len(text)))
    return spans


def _markers(text: str) -> Iterator[re.Match[str]]:
    """The lines that begin or end a book, in order: looked for only where their one rare word stands."""
    at, small = 0, text.lower()
    for named in watched(sorted([*_places(small, "gutenberg"), *_places(small, "small print!")])):
        if named < at:
            continue
        start = max(at, text.rfind("\n", at, named) + 1)
        line_end = _line_end(text, named, lines=1)
        mark = _MARKER.search(text, start, _line_end(text, named, lines=3))
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
    """Whether a line is the file's own name: "The Project Gutenberg Etext of ..."."""
    return _TITLE_LINE.fullmatch(line) is not None


def is_credit(paragraph: str) -> bool:
    """Whether a paragraph says who made the file, or where else it is to be had."""
    return _CREDIT.match(paragraph) is not None


def without_credits(book: str) -> str:
    """A book without the lines around it that speak of the file: who made it, and its name once more."""
    pieces, at = [], 0
    for start, end in credit_spans(book):
        pieces.append(book[at:start].rstrip())
        at = end
    return "\n\n".join([piece.strip("\n") for piece in [*pieces, book[at:]] if piece.strip()])


def credit_spans(book: str) -> list[tuple[int, int]]:
    """Where a book's first and last paragraphs speak of the file: half-open ranges of characters, in order.

    It ends when a dozen paragraphs of the book's own have been read from either side.
    """
    found = set()
    for paragraphs, tail in ((_forwards(book), False), (_backwards(book), True)):
        own = 0
        for start, end in paragraphs:
            paragraph = book[start:end]
            first_line = paragraph.split("\n", 1)[0]
            if is_credit(paragraph):
                found.add((start, end))
            elif is_title_line(first_line) and (not tail or own == 0):
                # the oldest files end with their name, and an author after it; in front the rest is the book's
                found.add((start, end if tail else start + len(first_line)))
                own += not tail and len(first_line) < len(paragraph)
            else:
                own += 1
            if own == _EDGE_PARAGRAPHS:
                break
    return _apart(sorted(found))


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order without those that begin within one before them."""
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
        else:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
    return apart


def _forwards(book: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _PARAGRAPH.finditer(book))


def _backwards(book: str) -> Iterator[tuple[int, int]]:
    end = len(book.rstrip("\n"))
    while end > 0:
        start = book.rfind("\n\n", 0, end)
        start = start + 2 if start >= 0 else 0
        yield start, end
        end = len(book[max(0, start - 4000) : start].rstrip("\n")) + max(0, start - 4000)
