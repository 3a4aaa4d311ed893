"""Lays a story out as a book: paragraphs in a narrow column, cut into pages. Pure functions."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui.stories.paragraphs import paragraphs
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import wrapped
from storytime_tui.word_count import count_words

MEASURE = 66  # cells of a line; longer ones are hard to read


@dataclass(frozen=True)
class BookPage:
    """One page: its lines, and how many words of the story stand before it."""

    lines: tuple[str, ...]
    before: int
    title: int = 0  # lines at its top that are the title


def pages_of(title: str, text: str, width: int, height: int) -> list[BookPage]:
    """The story in pages of at most `height` lines of at most `width` cells; the first one begins with the title."""
    width, height = max(1, min(width, MEASURE)), max(1, height)
    heading = list(wrapped(printable_line(title[:1000]), width))[: max(0, height - 2)]
    lines = [*heading, *([""] if heading else [])]
    words = [0] * len(lines)
    read = 0
    for number, paragraph in enumerate(paragraphs(text) or [["This story has no words yet."]]):
        if number:
            lines.append("")
            words.append(read)
        for verse in paragraph:
            for line in wrapped(verse, width):
                lines.append(line)
                words.append(read)
                read += count_words(line)
    return _cut(lines, words, height, len(heading))


def _cut(lines: Sequence[str], words: Sequence[int], height: int, heading: int) -> list[BookPage]:
    pages: list[BookPage] = []
    start = 0
    while start < len(lines):
        if not lines[start]:  # no page begins with a gap
            start += 1
            continue
        end = min(len(lines), start + height)
        if _leaves_one_line(lines, start, end):
            end -= 1
        page = tuple(lines[start:end])
        pages.append(BookPage(page, words[start], 0 if pages else heading))
        start = end
    return pages


def _leaves_one_line(lines: Sequence[str], start: int, end: int) -> bool:
    """Whether the page would end with the first line of a longer paragraph, which reads better on the next page."""
    if end >= len(lines) or end - start < 4:
        return False
    return bool(lines[end - 1]) and not lines[end - 2] and bool(lines[end])


def page_at(pages: Sequence[BookPage], word: int) -> int:
    """The number of the page on which this word stands, from 0 on."""
    return max(0, bisect_right([page.before for page in pages], word) - 1)
