"""A book's headings: neighbouring blocks joined, with number and title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.contents_list import Contents, ContentsLine, better_title
from storytime_tui.corpus.dividing.heading_rules import (
    Matter,
    has_title_case,
    heading_key,
    is_heading_like,
    label_of,
    matter_of,
    may_be_label,
)
from storytime_tui.corpus.dividing.label import Label
from storytime_tui.corpus.dividing.screenplays import is_scene_line
from storytime_tui.corpus.dividing.titles import as_title, is_capitals, key_of, one_line
from storytime_tui.stopping import check_stop

CLOSE, WIDE = 2, 3  # blank lines: at most between the blocks of one heading; at least before a story
_STORY_GAP = 4  # the gap that `blocks_of` gives to headings on the level of stories
_LONGEST = 250  # characters of a heading's block
_SHORT = 90  # characters of a title with no larger gap than a paragraph
_MANY, _DENSE = 200, 150  # a text may have this many headings, and one more in this many characters
_LEAST_TEXT = 40  # characters under a heading; a line of a title page has less
_BYLINE = re.compile(
    r"\(?(?:by|adapted|retold|told|translated|edited|selected|compiled|from the|after|a story (?:for|by))\b.{0,80}",
    re.IGNORECASE | re.DOTALL,
)
_UNFINISHED = ("of", "the", "and", "or", "a", "an", "from", "to", "in")  # no title ends with these


@dataclass(frozen=True)
class BookHeading:
    """A heading of one or more blocks. `start`, `end`: characters, from its first to its last block.

    `gap`: blank lines before it. `titles`: its blocks without the number, one line each; `number`: the number as
    written. `entry`: its entry in the contents list. `capitals`: its title is in capitals. `text`: the characters
    of text under it, up to the next heading.
    """

    start: int
    end: int
    gap: int
    titles: tuple[str, ...]
    label: Label | None = None
    number: str = ""
    matter: Matter | None = None
    entry: ContentsLine | None = None
    capitals: bool = False
    text: int = 0

    @property
    def has_text(self) -> bool:
        """Whether text follows it, and not just the next heading."""
        return self.text >= _LEAST_TEXT

    @property
    def title(self) -> str:
        """Its title in normal case; "" for a number alone."""
        return as_title(self.titles[0]) if self.titles else ""

    @property
    def is_listed(self) -> bool:
        """Whether the contents list has it, and not below a preface or appendix."""
        return self.entry is not None and not self.entry.dropped and self.matter is None


def headings_of(
    text: str, blocks: Sequence[Block], contents: Contents, surely: frozenset[int] = frozenset()
) -> list[BookHeading]:
    """The headings after a book's contents list (of the whole book if there is none), in order.

    `surely`: starts of blocks (characters) that are certainly headings, whatever their gap. Too many headings are
    returned as none: they are a list, a table or verse in capitals.
    """
    headings: list[BookHeading] = []
    named: set[str] = set()
    places: list[tuple[int, int]] = []
    at = contents.end
    while at < len(blocks):
        check_stop()
        block = blocks[at]
        opens = block.start in surely or _opens(text, block, contents)
        if opens and not is_scene_line(text[block.start : block.end]):
            heading, after = _heading_at(text, blocks, at, contents, named)
            named |= {heading.entry.key} if heading.entry is not None else set()
            headings.append(heading)
            places.append((at, after))
            at = after
        else:
            at += 1
        if len(headings) > _MANY + len(text) // _DENSE:
            return []
    if not headings:
        return []
    ends = [first for first, _ in places[1:]] + [len(blocks)]
    sizes = [
        sum(block.end - block.start for block in blocks[after:end] if not block.skip)
        for (_, after), end in zip(places, ends, strict=True)
    ]
    return _without_repeats(
        [
            _named_by_number(replace(heading, text=size), contents)
            for heading, size in zip(headings, sizes, strict=True)
        ]
    )


def _without_repeats(headings: Sequence[BookHeading]) -> list[BookHeading]:
    """The headings, with immediate repetitions joined."""
    kept: list[BookHeading] = []
    for heading in headings:
        last = kept[-1] if kept else None
        if last is not None and not last.has_text and (last.titles or last.label):
            same = key_of(last.title) == key_of(heading.title) and last.label in (None, heading.label)
            if same:
                kept[-1] = replace(heading, start=last.start, gap=last.gap)
                continue
        kept.append(heading)
    return kept


def _named_by_number(heading: BookHeading, contents: Contents) -> BookHeading:
    """A heading; if it is a number alone, with its title from the contents list."""
    if (
        heading.label is None
        or heading.titles
        or heading.gap < WIDE
        or heading.label.number not in contents.by_number
    ):
        return heading
    entry = contents.by_number[heading.label.number]
    return replace(heading, titles=(entry.title,), entry=entry)


def _opens(text: str, block: Block, contents: Contents) -> bool:
    """Whether a heading begins with this block."""
    if block.skip or block.end - block.start > _LONGEST:
        return False
    if block.level is not None:
        return block.level > 0
    shown = text[block.start : block.end]
    if block.gap >= 2:
        return is_heading_like(shown, block.gap) or (
            shown.count("\n") < 3 and contents.entry_for(one_line(shown)) is not None
        )
    if not shown.isupper() and not may_be_label(shown):
        return len(shown) < _SHORT and heading_key(shown) in contents.by_key
    if not is_heading_like(shown, block.gap):
        return False
    label = label_of(shown)
    if label is not None and (label.noun or is_capitals(shown)):
        return True
    return heading_key(shown) in contents.by_key


def _heading_at(
    text: str, blocks: Sequence[Block], at: int, contents: Contents, named: set[str]
) -> tuple[BookHeading, int]:
    """The heading that begins with this block, and the number of the block after it.

    `named`: keys of the entries whose headings were already found.
    """
    first = blocks[at]
    shown = text[first.start : first.end]
    label = label_of(shown)
    titles = [label.rest if label else shown] if label is None or label.rest else []
    end, following = at + 1, at + 1
    while following < len(blocks) and (
        blocks[following].level is not None or blocks[following].gap <= CLOSE + (not titles)
    ):
        block = blocks[following]
        following += 1
        if block.skip:
            continue
        more = text[block.start : block.end]
        if block.level is not None:
            belongs = _is_under(block, first, titles, more)
        else:
            other = not titles and label is not None and _is_other_title(more, label, contents)
            belongs = not other and _goes_on(more, block, titles, contents)
        if not belongs:
            break
        titles.append(more)
        end = following
    lines = [one_line(title) for title in titles]
    matters = [matter_of(line) for line in lines]
    entries = [contents.entry_for(line) for line in lines]
    listed = [
        n for n, (matter, entry) in enumerate(zip(matters, entries, strict=True)) if entry and not matter
    ]
    noted = matters[:1] == ["back"] and all((entry := entries[n]) and entry.key in named for n in listed)
    if listed and not noted and (matters[0] or entries[0] is None):  # half-titles come before it
        lines, matters, entries = lines[listed[0] :], matters[listed[0] :], entries[listed[0] :]
    entry = entries[0] if entries else contents.entry_for(one_line(shown))
    capitals = bool(lines) and is_capitals(lines[0])
    if lines:
        lines = _whole_title(lines, entry)
        lines[0] = better_title(lines[0], entry)
    heading = BookHeading(
        first.start,
        blocks[end - 1].end,
        first.gap,
        tuple(lines),
        label,
        one_line(shown.removesuffix(label.rest)) if label else "",
        matters[0] if matters and label is None else None,
        entry,
        capitals,
    )
    return heading, end


def _is_other_title(more: str, label: Label, contents: Contents) -> bool:
    """Whether a line under a number is not its title, because the contents list has another title for the number."""
    entry = contents.by_number.get(label.number)
    return entry is not None and contents.entry_for(one_line(more)) is None and not is_capitals(more)


def _whole_title(lines: list[str], entry: ContentsLine | None) -> list[str]:
    """The lines of a heading, with the first lines joined as far as the contents list has them as one title."""
    while len(lines) > 1 and lines[0].split()[-1].lower() in _UNFINISHED:
        lines = [" ".join(lines[:2]), *lines[2:]]
    if entry is None:
        return lines
    for count in range(2, len(lines) + 1):
        if entry.key == key_of("".join(lines[:count])):
            return [" ".join(lines[:count]), *lines[count:]]
    return lines


def _goes_on(more: str, block: Block, titles: list[str], contents: Contents) -> bool:
    """Whether a block belongs to the heading before it."""
    if is_scene_line(more):
        return False
    label = label_of(more)
    if label is not None and (titles or label.noun or not label.rest or block.gap > 1):
        return False
    if not titles:
        if contents.entry_for(one_line(more)) is not None:
            return True
        if more.lstrip()[0] in "[(" and not is_capitals(more):
            return False
        speech = more.lstrip()[0] in "\"“'‘„«»" and not has_title_case(more)
        return len(more) < 160 and is_heading_like(more, WIDE) and not speech
    if not is_heading_like(more, WIDE) or len(titles) > 4:
        return False
    if titles[-1].split()[-1].lower() in _UNFINISHED:
        return True  # "Story of", then "Coquerico"
    if is_capitals(more) or (len(more) < 100 and _BYLINE.fullmatch(more.strip()) is not None):
        return True
    return contents.entry_for(one_line(more)) is not None


def _is_under(block: Block, first: Block, titles: list[str], more: str) -> bool:
    """Whether a marked heading belongs to the one before it, as a number's title or as a subtitle."""
    if not block.level or label_of(more) is not None:
        return False
    return not titles or (first.gap <= _STORY_GAP and first.level is not None and block.level > first.level)
