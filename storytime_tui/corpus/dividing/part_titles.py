"""The titles of a novel's parts, which have a page of their own between the chapters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from storytime_tui.corpus.dividing.heading_rules import PART_NOUNS
from storytime_tui.corpus.dividing.headings import BookHeading
from storytime_tui.corpus.dividing.numbering import noun_of
from storytime_tui.corpus.dividing.titles import as_title, key_of

_EPIGRAPH = 600  # characters that may stand between a part's title and its first chapter


def marked_parts(
    headings: Sequence[BookHeading], levels: Mapping[int, int | None], book_title: str
) -> dict[int, str]:
    """The titles of a book's parts, by the characters at which they begin: "Part I: The Old Mill".

    `levels`: of the headings that the file's format marks, by the same characters. A part's heading is marked, is
    followed by a deeper one with at most an epigraph between, and is numbered as a part; or there are several of its
    level without a number and without text.
    """
    parts: dict[int, str] = {}
    named: dict[int, tuple[int, str]] = {}
    for heading, following in pairwise(headings):
        level, deeper = levels.get(heading.start), levels.get(following.start)
        if not level or not deeper or deeper <= level or heading.matter is not None:
            continue
        if noun_of(heading) in PART_NOUNS and heading.text <= _EPIGRAPH:
            number = as_title(heading.number.rstrip(" .:\u2013\u2014-"))
            parts[heading.start] = ": ".join(filter(None, (number, heading.title)))
        elif heading.label is None and not heading.text and key_of(heading.title) != key_of(book_title):
            named[heading.start] = (level, heading.title)
    several = Counter(level for level, _ in named.values())
    return parts | {start: title for start, (level, title) in named.items() if several[level] > 1}
