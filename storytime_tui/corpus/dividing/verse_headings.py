"""The headings of a book of verse: by the file's marks, or by a plain text's blank lines and numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.contents_list import Contents
from storytime_tui.corpus.dividing.heading_rules import label_of, matter_of
from storytime_tui.corpus.dividing.headings import headings_of
from storytime_tui.corpus.dividing.label import Label
from storytime_tui.corpus.dividing.title_page import author_in
from storytime_tui.corpus.dividing.titles import as_title, key_of, one_line

CANTO_NOUNS = frozenset({"canto", "book", "part", "stave", "chapter", "volume"})
_LONGEST_LINE = 130  # characters of a line of verse
_CAPITALS = 0.6  # of its lines begin with a capital
_FEW = 4  # lines
_FEWEST_NUMBERS = 2
_LONGEST_NUMBER, _INDENTED = 12, 60  # characters, without and with the indent
_LEAST_TEXT = 200  # characters of a poem in prose; a line of a title page has less


@dataclass(frozen=True)
class VerseHeading:
    """A heading of a book of verse. `level`: smaller is higher. `shown`: all of it; `title`: without its number.

    `lines`: of text below it, up to the next heading; `verse`: those of verse; `size`: all its characters. `dropped`: a
    preface, notes or a list.
    """

    start: int
    end: int
    level: int
    shown: str
    title: str
    label: Label | None
    lines: int = 0
    verse: int = 0
    size: int = 0
    dropped: bool = False

    @property
    def has_poem(self) -> bool:
        """Whether verse stands below it, or more prose than on a title page."""
        return self.verse > 0 or self.size > _LEAST_TEXT

    @property
    def is_number(self) -> bool:
        """Whether it is a number alone."""
        return self.label is not None and not self.title

    @property
    def is_canto(self) -> bool:
        """Whether it begins a part of a long poem, or a part of the book."""
        return self.label is not None and self.label.noun in CANTO_NOUNS


def marked_headings(text: str, blocks: Sequence[Block]) -> list[VerseHeading]:
    """The headings that the file's format marks, and numbers between them that stand alone."""
    numbers = _numbers(text, blocks)
    deepest = max(block.level or 0 for block in blocks) + 1
    places = [n for n, block in enumerate(blocks) if not block.skip and (block.level or n in numbers)]
    heads = []
    for n, end in zip(places, [*places[1:], len(blocks)], strict=True):
        shown = one_line(text[blocks[n].start : blocks[n].end])
        label = label_of(shown)
        title = as_title(label.rest if label is not None else shown)
        level = blocks[n].level or deepest
        head = VerseHeading(blocks[n].start, blocks[n].end, level, as_title(shown), title, label)
        heads.append(_measured(text, head, blocks[n + 1 : end]))
    return _without_lists(heads)


def unmarked_headings(
    text: str, blocks: Sequence[Block], contents: Contents, first: int
) -> list[VerseHeading]:
    """The headings of a plain text, with levels by their kind: parts, titles, numbered titles, numbers.

    `first`: the character at which the text begins after its title page.
    """
    heads: list[VerseHeading] = []
    last_number = 0  # of a poem that has a number
    found = [heading for heading in headings_of(text, blocks, contents) if heading.start >= first]
    starts = [block.start for block in blocks]
    ends = [*[heading.start for heading in found], blocks[-1].end][1:]
    for heading, end in zip(found, ends, strict=True):
        label, title = heading.label, heading.title
        if label is None:
            level = 2
        elif label.noun in CANTO_NOUNS:
            level = 1
        elif (
            title or label.number == last_number + 1 or (label.number == 1 and heads and not heads[-1].lines)
        ):
            level, last_number = 3, label.number
        else:
            level = 4
        shown = as_title(one_line(text[heading.start : heading.end]))
        head = VerseHeading(heading.start, heading.end, level, shown, title, label)
        below = blocks[bisect_left(starts, heading.end) : bisect_left(starts, end)]
        head = _measured(text, head, below)
        heads.append(replace(head, dropped=head.dropped and not heading.is_listed))
    return _without_lists(heads)


def _measured(text: str, head: VerseHeading, below: Sequence[Block]) -> VerseHeading:
    """A heading with the lines below it. A poem may be called "Introduction"."""
    own = [block for block in below if not block.skip]
    lines = sum(text.count("\n", block.start, block.end) + 1 for block in own)
    verse = sum(lines_of_verse(text, block) for block in own)
    matter = matter_of(head.shown)
    dropped = matter is not None and (matter != "front" or 2 * verse < lines or verse < _FEW)
    size = sum(block.end - block.start for block in own)
    dropped = dropped or (bool(author_in(head.shown)) and not verse)
    return replace(head, lines=lines, verse=verse, size=size, dropped=dropped)


def _without_lists(heads: Sequence[VerseHeading]) -> list[VerseHeading]:
    """The headings; those in a contents list are dropped, and a title that is repeated at once counts once."""
    kept: list[VerseHeading] = []
    if not heads:
        return []
    listing: int | None = None  # the level of the contents list above
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        if listing is not None and head.level <= listing:
            listing = None
        if matter_of(head.shown) == "contents":
            listing = head.level
        same = after is not None and key_of(after.title) == key_of(head.title) and bool(head.title)
        half_title = same and head.lines < _FEW
        kept.append(replace(head, dropped=head.dropped or listing is not None or half_title))
    return kept


def _numbers(text: str, blocks: Sequence[Block]) -> set[int]:
    """The blocks that are a number alone, if they count up from one."""
    kept: set[int] = set()
    expected = 1
    for at, block in enumerate(blocks):
        if block.end - block.start > _INDENTED or block.level or block.skip:
            continue
        shown = text[block.start : block.end].strip()
        label = label_of(shown) if len(shown) <= _LONGEST_NUMBER else None
        if label is not None and not label.rest and (label.number == 1 or 0 <= label.number - expected < 3):
            kept.add(at)
            expected = label.number + 1
    return kept if len(kept) > _FEWEST_NUMBERS else set()


def lines_of_verse(text: str, block: Block) -> int:
    """The number of a block's lines if it is verse, else 0."""
    lines = text[block.start : block.end].split("\n")
    if len(lines) < 2 or max(map(len, lines)) > _LONGEST_LINE:
        return 0
    firsts = [line.lstrip(" \t\"'“‘([_-")[:1] for line in lines]
    capitals = sum(first.isupper() for first in firsts)
    return len(lines) if capitals >= _CAPITALS * len(lines) else 0
