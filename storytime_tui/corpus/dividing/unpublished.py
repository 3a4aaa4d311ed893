"""A text that nobody published: its title, its tales and its chapters, with every word of it in one of them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from storytime_tui.corpus.cleaning.gutenberg_marks import is_credit
from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.contents_list import Contents, contents_of, stands_again
from storytime_tui.corpus.dividing.endings import IMPRINT
from storytime_tui.corpus.dividing.heading_lines import (
    FRAME,
    PART_NOUNS,
    STORY_NOUNS,
    Label,
    is_frame,
    is_heading_like,
    label_of,
    matter_of,
)
from storytime_tui.corpus.dividing.headings import CLOSE, Head, heads_of
from storytime_tui.corpus.dividing.numbering import in_sequence, noun_of
from storytime_tui.corpus.dividing.published import Plan
from storytime_tui.corpus.dividing.structure import OF_STORIES, Kind, chosen_of, have_one_hero
from storytime_tui.corpus.dividing.title_page import TitlePage, title_page_of
from storytime_tui.corpus.dividing.titles import is_capitals
from storytime_tui.corpus.dividing.whole_titles import PLACES, one_title, shown_title, titled
from storytime_tui.stopping import watched

_FEW = 4  # paragraphs, at a text's end, that may name its printer
_FRONT = 40  # blocks of a book, among which its publisher is named
_SHORT = 60  # characters of a heading that stands no further from its text than paragraphs do
_LONGEST_IMPRINT = 250  # characters
_MOSTLY = 0.6  # of the headings of a novel have a number
_OPENING = 0.3  # of a part's usual length: so much text under a title begins the story, and is no dedication
_LONG_OPENING = 300  # characters
_LETTER = re.compile(r"\w")


@dataclass(frozen=True)
class Outline:
    """What a text says of itself, and which part of it makes which story."""

    title: str
    author: str
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class _Mark:
    """A heading that begins a story or a chapter: `start` is where it stands, `body` where its text does."""

    kind: Kind
    title: str
    start: int
    body: int


def is_published(text: str, blocks: Sequence[Block], contents: Contents) -> bool:
    """Whether a text without Project Gutenberg's marks is a printed book's all the same.

    Somebody says that he made the file, or a publisher is named before a list of contents.
    """
    if any(is_credit(text[block.start : block.end]) for block in blocks[:_FEW]):
        return True
    return bool(contents.entries) and any(
        block.end - block.start < _LONGEST_IMPRINT and IMPRINT.search(text, block.start, block.end)
        for block in blocks[: min(contents.end, _FRONT)]
    )


def read_private(text: str, blocks: Sequence[Block], book_title: str = "") -> Outline:
    """The stories of a text, and what its first lines say of it. `book_title`: what its format calls it.

    Only lists of contents go, whose titles stand again over the text, and a printer's name after THE END.
    """
    blocks = _before_imprint(text, blocks)
    marked = any(block.level for block in blocks)
    page = _marked_title(text, blocks) if marked else title_page_of(text, blocks)
    if marked:
        marks, contents = _marked(text, blocks[page.blocks :], page, book_title), Contents()
    else:
        page, marks, contents = _unmarked(text, blocks, page, book_title)
    rest = blocks[page.blocks :]
    title = page.title or book_title
    if not marks:
        start = rest[0].start if rest else blocks[-1].end
        whole = Plan(title, blocks[0].start, blocks[-1].end, (("", start, blocks[-1].end),))
        return Outline(title, page.author, (whole,))
    plans = _plans(blocks, _opening(rest, contents, marks[0].start), marks, title)
    return Outline(title, page.author, tuple(plans))


def _before_imprint(text: str, blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks up to THE END, where only a printer's name follows."""
    for at in range(len(blocks) - 1, max(0, len(blocks) - 1 - _FEW), -1):
        shown = text[blocks[at].start : blocks[at].end]
        if matter_of(shown) == "end":
            return blocks[:at]
        if not IMPRINT.search(shown) or len(shown) > _LONGEST_IMPRINT or not is_capitals(shown):
            break
    return blocks


def _opening(blocks: Sequence[Block], contents: Contents, first: int) -> list[tuple[int, int]]:
    """What stands before the first heading, around a list of contents: ranges of characters."""
    before = [block for block in blocks[: contents.start] if block.end <= first]
    after = [block for block in blocks[contents.end :] if block.end <= first]
    return [(some[0].start, some[-1].end) for some in (before, after) if some]


def _plans(
    blocks: Sequence[Block], opening: Sequence[tuple[int, int]], marks: Sequence[_Mark], title: str
) -> list[Plan]:
    """Which part of a text makes which story: none of it is left over."""
    plans: list[Plan] = []
    parts = tuple(("", start, end) for start, end in opening)
    bounds = [mark.start for mark in marks[1:]] + [blocks[-1].end]
    if parts or marks[0].kind != "story":
        plans.append(Plan(title, blocks[0].start, marks[0].start, parts, marks[0].kind != "story"))
    for mark, end in zip(marks, bounds, strict=True):
        part = ("" if mark.kind == "story" else mark.title, mark.body, end)
        if mark.kind == "story":
            plans.append(Plan(mark.title, mark.start, end, (part,)))
        else:
            plans[-1] = replace(plans[-1], end=end, parts=(*plans[-1].parts, part), chaptered=True)
    return plans


# -- a text whose format marks no headings ----------------------------------------------------------------


def _unmarked(
    text: str, blocks: Sequence[Block], page: TitlePage, book_title: str
) -> tuple[TitlePage, list[_Mark], Contents]:
    """The headings of a plain text; its title page, if it is not the heading of its first tale; its contents."""
    if not page.is_sure:
        marks, contents = _found(text, blocks, book_title or page.title)
        first_is_tale = bool(marks) and marks[0].start <= blocks[0].start
        if first_is_tale or not marks:
            return TitlePage(), marks, contents
        if all(mark.kind != "story" for mark in marks) and not contents.end:
            return page, marks, contents
    rest = blocks[page.blocks :]
    return page, *_found(text, rest, book_title or page.title, apart=page.is_sure)


def _found(
    text: str, blocks: Sequence[Block], title: str, *, apart: bool = False
) -> tuple[list[_Mark], Contents]:
    """The headings over stories and chapters, and the contents list. `apart`: a title page stands before."""
    contents = contents_of(text, blocks) if blocks else Contents()
    if not stands_again(text, blocks, contents):
        contents = Contents()
    apart_in_capitals = _in_capitals(text, blocks) if apart else frozenset()
    heads = heads_of(text, blocks, contents, _frames(text, blocks) | apart_in_capitals)
    if not heads:
        return [], contents
    chosen: dict[int, Kind] = {
        at: kind
        for at, kind in chosen_of(text, heads, contents, title).items()
        if kind in ("story", "chapter", "section")
    }
    if apart_in_capitals and "chapter" not in chosen.values() and not contents.end:
        chosen = {
            at: "story" for at, head in enumerate(heads) if head.start in apart_in_capitals and head.text
        }
    chosen = _with_short_ones(heads, chosen)
    if list(chosen.values()) == ["story"] and heads[min(chosen)].start > blocks[0].start and not contents.end:
        chosen = {}  # a single line like a heading is as likely a notice on a gate
    marks = _marks(text, blocks, heads, chosen)
    if apart and len(marks) == 1:  # a title page's only story is the one that it names
        marks = [replace(marks[0], kind="chapter")]
    return marks, contents


def _frames(text: str, blocks: Sequence[Block]) -> frozenset[int]:
    """Where the word Prologue (Epilogue, ...) stands on a line of its own."""
    return frozenset(
        block.start
        for block in watched(blocks)
        if block.end - block.start < _SHORT and is_frame(text[block.start : block.end])
    )


def _in_capitals(text: str, blocks: Sequence[Block]) -> frozenset[int]:
    """Where lines in capitals begin tales, in a text that begins with one under its title and has several.

    What a sentence leads up to, as "On the gate was written:", is none.
    """
    found = [
        block.start
        for before, block in watched(pairwise([blocks[0], *blocks]))
        if block.end - block.start < _SHORT
        and not block.skip
        and _is_title_in_capitals(text[block.start : block.end])
        and (block is blocks[0] or text[before.end - 1] not in ":,")
    ]
    return frozenset(found) if len(found) > 1 and found[0] == blocks[0].start else frozenset()


def _is_title_in_capitals(shown: str) -> bool:
    plain = shown[-1] not in "!?:,;-0123456789" and "\n" not in shown and label_of(shown) is None
    return plain and is_capitals(shown) and matter_of(shown) is None and is_heading_like(shown, 1)


def _with_short_ones(heads: Sequence[Head], chosen: dict[int, Kind]) -> dict[int, Kind]:
    """The chosen headings with those of their kind under which there is little text."""
    numbered = [at for at in in_sequence(heads) if heads[at].text]
    kinds: dict[str, Kind] = {noun_of(heads[at]): kind for at, kind in chosen.items() if heads[at].label}
    if not chosen and len(numbered) > 1:
        kinds = {noun_of(heads[at]): "chapter" for at in numbered if noun_of(heads[at])}
    found: dict[int, Kind] = {at: kinds[noun_of(heads[at])] for at in numbered if noun_of(heads[at]) in kinds}
    stories = [heads[at] for at, kind in chosen.items() if kind == "story" and not heads[at].label]
    alike = {(head.gap, head.capitals) for head in stories} if len(stories) > 1 else set()
    listed = any(head.is_listed for head in stories)
    for at, head in enumerate(heads):
        if at in found or at in chosen or not head.text or head.label is not None:
            continue
        in_style = head.capitals and (head.gap, True) in alike and head.title[-1:] not in ("!", "?")
        if is_frame(head.title) and "chapter" in (*chosen.values(), *found.values()):
            found[at] = "chapter"
        elif head.is_listed if listed else in_style:
            found[at] = "story"
    return found | chosen


def _marks(text: str, blocks: Sequence[Block], heads: Sequence[Head], chosen: dict[int, Kind]) -> list[_Mark]:
    """The chosen headings; one without any text is the first part of the title after it."""
    marks: list[_Mark] = []  # the last first: where a text ends is known when what follows it is
    for at in watched(sorted(chosen, reverse=True)):
        holds_chapters = bool(marks) and chosen[at] == "story" and marks[-1].kind != "story"
        end = marks[-1].start if marks else blocks[-1].end
        if not holds_chapters and not _has_words(text, blocks, heads[at].end, end):
            continue
        first = at
        while (
            first > 0
            and first - 1 not in chosen
            and not heads[first - 1].text
            and _may_join(heads[first - 1])
        ):
            first -= 1
        names = [titled(text, head) for head in heads[first : at + 1]]
        title = one_title([title for title, _ in names])
        marks.append(_Mark(chosen[at], title, heads[first].start, names[-1][1]))
    return marks[::-1]


def _may_join(head: Head) -> bool:
    return not head.matter and (head.gap >= CLOSE or noun_of(head) in (*PART_NOUNS, *PLACES))


def _has_words(text: str, blocks: Sequence[Block], start: int, end: int) -> bool:
    """Whether there is more in a part of a text than THE END or a row of stars."""
    return any(
        not block.skip
        and matter_of(text[block.start : block.end]) != "end"
        and _LETTER.search(text, block.start, block.end)
        for block in blocks[_first_at(blocks, start) : _first_at(blocks, end)]
    )


def _first_at(blocks: Sequence[Block], start: int) -> int:
    return bisect_left(blocks, start, key=lambda block: block.start)


# -- a text whose format marks its headings ---------------------------------------------------------------


def _marked_title(text: str, blocks: Sequence[Block]) -> TitlePage:
    """The title of a text whose first heading is the only one of its level, and above all others."""
    levels = [block.level for block in blocks if block.level]
    if not blocks[0].level or (len(levels) > 1 and levels[0] >= min(levels[1:])):
        return TitlePage()
    shown = text[blocks[0].start : blocks[0].end]
    label = label_of(shown)
    if len(levels) > 1 and label is not None and label.noun:
        return TitlePage()
    return title_page_of(text, blocks)


def _marked(text: str, blocks: Sequence[Block], page: TitlePage, book_title: str) -> list[_Mark]:
    """The headings of a text by their levels: those of tales with their chapters, or those of one tale's chapters."""
    places = [at for at, block in enumerate(blocks) if block.level and not block.skip]
    if not places:
        return []
    ends = [*places[1:], len(blocks)]
    sizes = [_size(blocks[at + 1 : end]) for at, end in zip(places, ends, strict=True)]
    levels = [blocks[at].level or 0 for at in places]
    titles = [text[blocks[at].start : blocks[at].end] for at in places]
    top = _level_of_tales(levels, sizes, titles)
    tops = [n for n, level in enumerate(levels) if level <= top]
    opening = _size(blocks[: places[0]]) if page.blocks else 0
    one_story = (
        (page.blocks > 0 and len(tops) == 1)
        or _are_chapters(text, blocks, places, tops, titles, page.title or book_title)
        or (not OF_STORIES.search(page.title) and opening > min(_OPENING * median(sizes), _LONG_OPENING))
    )
    marks: list[_Mark] = []
    waiting: list[int] = []  # headings without text of their own
    for n, at in watched(enumerate(places)):
        is_story = levels[n] <= top and not one_story
        if waiting and is_story and levels[waiting[-1]] > top:
            waiting.clear()  # they end the story before: their words stay in it
        holds_chapters = is_story and n + 1 < len(places) and levels[n + 1] > top
        if not sizes[n] and not holds_chapters:
            waiting.append(n)  # after the last heading nothing follows that could take it
            continue
        start = blocks[places[waiting[0]]].start if waiting else blocks[at].start
        names = [shown_title(text, blocks[places[m]]) for m in (*waiting, n)]
        kind: Kind = "story" if is_story or (not marks and not one_story) else "chapter"
        marks.append(_Mark(kind, one_title(names), start, blocks[at].end))
        waiting = []
    return marks


def _level_of_tales(levels: Sequence[int], sizes: Sequence[int], titles: Sequence[str]) -> int:
    """The level at which tales (or a novel's chapters) begin: the highest with several headings.

    Where none of those has a text of its own and those under them have no numbers, they part a book of tales.
    """
    several = sorted(level for level, many in Counter(levels).items() if many > 1)
    if not several:
        return min(levels)
    for level, deeper in zip(several, [*several[1:], 0], strict=True):
        own = [size for size, one in zip(sizes, levels, strict=True) if one <= level]
        below = [title for title, one in zip(titles, levels, strict=True) if one == deeper]
        if any(own) or not below or all(label_of(title) for title in below):
            return level
    return several[-1]


def _are_chapters(
    text: str,
    blocks: Sequence[Block],
    places: Sequence[int],
    tops: Sequence[int],
    titles: Sequence[str],
    book_title: str,
) -> bool:
    """Whether the highest headings are numbered, as chapters are, and not those of tales with numbers."""
    labels = [label_of(titles[n]) for n in tops if not FRAME.fullmatch(titles[n])]
    named = [label for label in labels if label is not None and label.noun not in STORY_NOUNS]
    if not named or len(named) < _MOSTLY * len(labels) or not _rise(named):
        return False
    if any(label.noun for label in named) or not all(label.rest for label in named):
        return not OF_STORIES.search(book_title) or not all(label.rest for label in named)
    ends = [places[n] for n in tops[1:]] + [len(blocks)]
    ranges = [(blocks[places[n]].end, blocks[end - 1].end) for n, end in zip(tops, ends, strict=True)]
    return not OF_STORIES.search(book_title) and have_one_hero(text, ranges)


def _rise(labels: Sequence[Label]) -> bool:
    return labels[0].number <= 1 or len(labels) > 1


def _size(blocks: Sequence[Block]) -> int:
    return sum(block.end - block.start for block in blocks if not block.skip)
