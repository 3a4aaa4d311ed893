"""A book's headings: the blocks that stand together as one, with number, title and what is under them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.contents_list import Contents, ContentsLine, better_title
from storytime_tui.corpus.dividing.heading_lines import (
    Label,
    Matter,
    has_title_case,
    heading_key,
    is_heading_like,
    label_of,
    matter_of,
    may_be_label,
)
from storytime_tui.corpus.dividing.titles import as_title, is_capitals, key_of, one_line
from storytime_tui.stopping import look_up

CLOSE, WIDE = 2, 3  # blank lines: between the lines of one heading; before a story
_STORY_GAP = 4  # what blocks_of gives a heading on the level of the stories
_LONGEST = 250  # characters of a heading's block
_SHORT = 90  # characters of a title that stands no further from its text than paragraphs do
_MANY, _DENSE = 200, 150  # so many headings may a text have, and one in so many characters
_LEAST_TEXT = 40  # characters under a heading that make it more than a title page's line
_BYLINE = re.compile(
    r"\(?(?:by|adapted|retold|told|translated|edited|selected|compiled|from the|after|a story (?:for|by))\b.{0,80}",
    re.IGNORECASE | re.DOTALL,
)
_UNFINISHED = ("of", "the", "and", "or", "a", "an", "from", "to", "in")  # no title ends with one of them


@dataclass(frozen=True)
class Head:
    """A heading: blocks that stand together. `start` and `end` are characters, the first block's and the last's.

    `gap`: blank lines before it. `titles`: its blocks without its number, one line each; `number`: that as it
    stands there. `entry`: what the contents list has for it. `capitals`: its title is in capitals. `text`: how
    many characters stand under it before the next.
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
        """Whether a text stands under it, and not just the next heading."""
        return self.text >= _LEAST_TEXT

    @property
    def title(self) -> str:
        """What it is called, as people write titles; "" for a mere number."""
        return as_title(self.titles[0]) if self.titles else ""

    @property
    def is_listed(self) -> bool:
        """Whether the contents list names it, and not as part of a preface or an appendix."""
        return self.entry is not None and not self.entry.dropped and self.matter is None


def heads_of(
    text: str, blocks: Sequence[Block], contents: Contents, surely: frozenset[int] = frozenset()
) -> list[Head]:
    """The headings after a book's contents list (of a whole book that has none), in order.

    `surely`: where blocks begin (characters) that are headings, whatever space is before them.
    Where there are more of them than any book has, they are none: a list, a table, verses in capitals.
    """
    heads: list[Head] = []
    named: set[str] = set()
    places: list[tuple[int, int]] = []
    at = contents.end
    while at < len(blocks):
        look_up()
        if _opens(text, blocks[at], contents) or blocks[at].start in surely:
            head, after = _head_at(text, blocks, at, contents, named)
            named |= {head.entry.key} if head.entry is not None else set()
            heads.append(head)
            places.append((at, after))
            at = after
        else:
            at += 1
        if len(heads) > _MANY + len(text) // _DENSE:
            return []
    if not heads:
        return []
    ends = [first for first, _ in places[1:]] + [len(blocks)]
    sizes = [
        sum(block.end - block.start for block in blocks[after:end] if not block.skip)
        for (_, after), end in zip(places, ends, strict=True)
    ]
    return _without_repeats(
        [
            _named_by_number(replace(head, text=size), contents)
            for head, size in zip(heads, sizes, strict=True)
        ]
    )


def _without_repeats(heads: Sequence[Head]) -> list[Head]:
    """The headings, where one that stands twice with nothing between is one."""
    kept: list[Head] = []
    for head in heads:
        last = kept[-1] if kept else None
        if last is not None and not last.has_text and (last.titles or last.label):
            same = key_of(last.title) == key_of(head.title) and last.label in (None, head.label)
            if same:
                kept[-1] = replace(head, start=last.start, gap=last.gap)
                continue
        kept.append(head)
    return kept


def _named_by_number(head: Head, contents: Contents) -> Head:
    """A heading that is a number alone, with the title that the contents list has for it."""
    if head.label is None or head.titles or head.gap < WIDE or head.label.number not in contents.by_number:
        return head
    entry = contents.by_number[head.label.number]
    return replace(head, titles=(entry.title,), entry=entry)


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


def _head_at(
    text: str, blocks: Sequence[Block], at: int, contents: Contents, named: set[str]
) -> tuple[Head, int]:
    """The heading that begins with this block, and the number of the block after it.

    `named`: the keys of those entries of the contents list that have had their heading.
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
    if listed and not noted and (matters[0] or entries[0] is None):  # half-titles stand before it
        lines, matters, entries = lines[listed[0] :], matters[listed[0] :], entries[listed[0] :]
    entry = entries[0] if entries else contents.entry_for(one_line(shown))
    capitals = bool(lines) and is_capitals(lines[0])
    if lines:
        lines = _whole_title(lines, entry)
        lines[0] = better_title(lines[0], entry)
    head = Head(
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
    return head, end


def _is_other_title(more: str, label: Label, contents: Contents) -> bool:
    """Whether a line under a number is none of its title: the contents list has another for that number."""
    entry = contents.by_number.get(label.number)
    return entry is not None and contents.entry_for(one_line(more)) is None and not is_capitals(more)


def _whole_title(lines: list[str], entry: ContentsLine | None) -> list[str]:
    """The blocks of a heading, the first joined with those that the contents list names together with it."""
    while len(lines) > 1 and lines[0].split()[-1].lower() in _UNFINISHED:
        lines = [" ".join(lines[:2]), *lines[2:]]
    if entry is None:
        return lines
    for many in range(2, len(lines) + 1):
        if entry.key == key_of("".join(lines[:many])):
            return [" ".join(lines[:many]), *lines[many:]]
    return lines


def _goes_on(more: str, block: Block, titles: list[str], contents: Contents) -> bool:
    """Whether a block belongs to the heading before it."""
    label = label_of(more)
    if label is not None and (titles or label.noun or not label.rest or block.gap > 1):
        return False
    if not titles:
        if contents.entry_for(one_line(more)) is not None:
            return True
        if more.lstrip()[0] in "[(" and not is_capitals(more):
            return False
        speech = more.lstrip()[0] in "\"“'‘" and not has_title_case(more)
        return len(more) < 160 and is_heading_like(more, WIDE) and not speech
    if not is_heading_like(more, WIDE) or len(titles) > 4:
        return False
    if titles[-1].split()[-1].lower() in _UNFINISHED:
        return True  # "Story of", then "Coquerico"
    if is_capitals(more) or (len(more) < 100 and _BYLINE.fullmatch(more.strip()) is not None):
        return True
    return contents.entry_for(one_line(more)) is not None


def _is_under(block: Block, first: Block, titles: list[str], more: str) -> bool:
    """Whether a heading that the format marks belongs to the one before it: a number's title, or a subtitle."""
    if not block.level or label_of(more) is not None:
        return False
    return not titles or (first.gap <= _STORY_GAP and first.level is not None and block.level > first.level)
