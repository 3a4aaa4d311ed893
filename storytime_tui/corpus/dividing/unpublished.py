"""Dividing an unpublished text into stories and chapters, so that every word of it is in one of them."""

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
from storytime_tui.corpus.dividing.contents_list import Contents, contents_of, is_repeated
from storytime_tui.corpus.dividing.endings import IMPRINT
from storytime_tui.corpus.dividing.heading_rules import (
    PART_NOUNS,
    STORY_NOUNS,
    is_frame,
    is_frame_title,
    is_heading_like,
    label_of,
    matter_of,
)
from storytime_tui.corpus.dividing.headings import CLOSE, BookHeading, headings_of
from storytime_tui.corpus.dividing.heroes import OF_STORIES, have_one_hero
from storytime_tui.corpus.dividing.label import Label
from storytime_tui.corpus.dividing.narrow_headings import numbered_lines
from storytime_tui.corpus.dividing.numbering import in_sequence, noun_of
from storytime_tui.corpus.dividing.published import Plan
from storytime_tui.corpus.dividing.structure import Kind, chosen_of
from storytime_tui.corpus.dividing.title_page import TitlePage, title_page_of
from storytime_tui.corpus.dividing.titles import is_capitals
from storytime_tui.corpus.dividing.whole_titles import PLACES, one_title, shown_title, titled
from storytime_tui.stopping import stoppable

_FEW = 4  # paragraphs at a text's end that may be an imprint
_FRONT = 40  # blocks at a book's beginning that may name its publisher
_SHORT = 60  # characters of a heading with no larger gap than a paragraph
_LONGEST_IMPRINT = 250  # characters
_MOSTLY = 0.6  # of a novel's headings have a number
_OPENING = 0.3  # of a part's usual length; this much text under a title is story, not a dedication
_LONG_OPENING = 300  # characters; the same, whatever the usual length
_LETTER = re.compile(r"\w")


@dataclass(frozen=True)
class BookPlan:
    """A text's title and author, and the plans for its stories.

    `keeps_brackets`: a last line in brackets is no source; in a play it is a stage direction.
    """

    title: str
    author: str
    plans: tuple[Plan, ...]
    keeps_brackets: bool = False


@dataclass(frozen=True)
class _Mark:
    """A heading that begins a story or a chapter. `start`: the heading. `body`: the text after it."""

    kind: Kind
    title: str
    start: int
    body: int


def is_published(text: str, blocks: Sequence[Block], contents: Contents) -> bool:
    """Whether a text without Project Gutenberg's markers is still from a printed book.

    It is if it has credits for the file, or a contents list with a publisher before it.
    """
    if any(is_credit(text[block.start : block.end]) for block in blocks[:_FEW]):
        return True
    return bool(contents.entries) and any(
        block.end - block.start < _LONGEST_IMPRINT and IMPRINT.search(text, block.start, block.end)
        for block in blocks[: min(contents.end, _FRONT)]
    )


def read_unpublished(text: str, blocks: Sequence[Block], book_title: str = "") -> BookPlan:
    """The plans for a text's stories, with the title and author in its first lines. `book_title`: from its format.

    Only contents lists whose lines are repeated in the text are dropped, and an imprint after THE END.
    """
    blocks = _before_imprint(text, blocks)
    is_marked = any(block.level for block in blocks)
    page = _marked_title(text, blocks) if is_marked else title_page_of(text, blocks)
    if is_marked:
        marks, contents = _marked(text, blocks[page.blocks :], page, book_title), Contents()
    else:
        page, marks, contents = _unmarked(text, blocks, page, book_title)
    rest = blocks[page.blocks :]
    title = page.title or book_title
    if not marks:
        start = rest[0].start if rest else blocks[-1].end
        whole = Plan(title, blocks[0].start, blocks[-1].end, (("", start, blocks[-1].end),))
        return BookPlan(title, page.author, (whole,))
    plans = _plans(blocks, _opening(rest, contents, marks[0].start), marks, title)
    return BookPlan(title, page.author, tuple(plans))


def _before_imprint(text: str, blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks up to THE END, if only an imprint follows."""
    for at in range(len(blocks) - 1, max(0, len(blocks) - 1 - _FEW), -1):
        shown = text[blocks[at].start : blocks[at].end]
        if matter_of(shown) == "end":
            return blocks[:at]
        if not IMPRINT.search(shown) or len(shown) > _LONGEST_IMPRINT or not is_capitals(shown):
            break
    return blocks


def _opening(blocks: Sequence[Block], contents: Contents, first: int) -> list[tuple[int, int]]:
    """The ranges of characters before the first heading, without the contents list."""
    before = [block for block in blocks[: contents.start] if block.end <= first]
    after = [block for block in blocks[contents.end :] if block.end <= first]
    return [(some[0].start, some[-1].end) for some in (before, after) if some]


def _plans(
    blocks: Sequence[Block], opening: Sequence[tuple[int, int]], marks: Sequence[_Mark], title: str
) -> list[Plan]:
    """The plans for a text's stories, which cover all of it."""
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


# -- formats that don't mark headings ---------------------------------------------------------------------


def _unmarked(
    text: str, blocks: Sequence[Block], page: TitlePage, book_title: str
) -> tuple[TitlePage, list[_Mark], Contents]:
    """A plain text's title page (empty if it is its first story's heading), its headings, its contents list."""
    if not page.is_sure:
        marks, contents = _marks_in(text, blocks, book_title or page.title)
        first_is_story = bool(marks) and marks[0].start <= blocks[0].start
        if first_is_story or not marks:
            return TitlePage(), marks, contents
        if all(mark.kind != "story" for mark in marks) and not contents.end:
            return page, marks, contents
    rest = blocks[page.blocks :]
    return page, *_marks_in(text, rest, book_title or page.title, apart=page.is_sure)


def _marks_in(
    text: str, blocks: Sequence[Block], title: str, *, apart: bool = False
) -> tuple[list[_Mark], Contents]:
    """The headings of stories and chapters, and the contents list. `apart`: a title page comes before."""
    contents = contents_of(text, blocks) if blocks else Contents()
    if not is_repeated(text, blocks, contents):
        contents = Contents()
    apart_in_capitals = _in_capitals(text, blocks) if apart else frozenset()
    surely = _frames(text, blocks) | numbered_lines(text, blocks) | apart_in_capitals
    headings = headings_of(text, blocks, contents, surely)
    if not headings:
        return [], contents
    chosen: dict[int, Kind] = {
        at: kind
        for at, kind in chosen_of(text, headings, contents, title).items()
        if kind in ("story", "chapter", "section")
    }
    if apart_in_capitals and "chapter" not in chosen.values() and not contents.end:
        chosen = {
            at: "story"
            for at, heading in enumerate(headings)
            if heading.start in apart_in_capitals and heading.text
        }
    chosen = _with_short_parts(headings, chosen)
    if (
        list(chosen.values()) == ["story"]
        and headings[min(chosen)].start > blocks[0].start
        and not contents.end
    ):
        chosen = {}  # a single heading-like line may be, for example, a notice in the story
    marks = _marks(text, blocks, headings, chosen)
    if apart and len(marks) == 1:  # the only story after a title page is the one that it names
        marks = [replace(marks[0], kind="chapter")]
    return marks, contents


def _frames(text: str, blocks: Sequence[Block]) -> frozenset[int]:
    """The starts of blocks that are exactly "Prologue", "Epilogue" or the like."""
    return frozenset(
        block.start
        for block in stoppable(blocks)
        if block.end - block.start < _SHORT and is_frame(text[block.start : block.end])
    )


def _in_capitals(text: str, blocks: Sequence[Block]) -> frozenset[int]:
    """The starts of lines in capitals that are titles, if the text begins with one and has several.

    A line after a colon or comma, as after "On the gate was written:", is not a title.
    """
    titles = [
        block.start
        for before, block in stoppable(pairwise([blocks[0], *blocks]))
        if block.end - block.start < _SHORT
        and not block.skip
        and _is_title_in_capitals(text[block.start : block.end])
        and (block is blocks[0] or text[before.end - 1] not in ":,")
    ]
    return frozenset(titles) if len(titles) > 1 and titles[0] == blocks[0].start else frozenset()


def _is_title_in_capitals(shown: str) -> bool:
    plain = shown[-1] not in "!?:,;-0123456789" and "\n" not in shown and label_of(shown) is None
    return plain and is_capitals(shown) and matter_of(shown) is None and is_heading_like(shown, 1)


def _with_short_parts(headings: Sequence[BookHeading], chosen: dict[int, Kind]) -> dict[int, Kind]:
    """The chosen headings, and those like them that have little text."""
    numbered = [at for at in in_sequence(headings) if headings[at].text]
    kinds: dict[str, Kind] = {
        noun_of(headings[at]): kind for at, kind in chosen.items() if headings[at].label
    }
    if not chosen and len(numbered) > 1:
        kinds = {noun_of(headings[at]): "chapter" for at in numbered if noun_of(headings[at])}
    more: dict[int, Kind] = {
        at: kinds[noun_of(headings[at])] for at in numbered if noun_of(headings[at]) in kinds
    }
    stories = [headings[at] for at, kind in chosen.items() if kind == "story" and not headings[at].label]
    alike = {(heading.gap, heading.capitals) for heading in stories} if len(stories) > 1 else set()
    listed = any(heading.is_listed for heading in stories)
    for at, heading in enumerate(headings):
        if at in more or at in chosen or not heading.text or heading.label is not None:
            continue
        in_style = heading.capitals and (heading.gap, True) in alike and heading.title[-1:] not in ("!", "?")
        if is_frame(heading.title) and "chapter" in (*chosen.values(), *more.values()):
            more[at] = "chapter"
        elif heading.is_listed if listed else in_style:
            more[at] = "story"
    return more | chosen


def _marks(
    text: str, blocks: Sequence[Block], headings: Sequence[BookHeading], chosen: dict[int, Kind]
) -> list[_Mark]:
    """The chosen headings; titles of headings without text are joined with the next one's."""
    marks: list[_Mark] = []  # last first, as a part's end is the next part's start
    for at in stoppable(sorted(chosen, reverse=True)):
        holds_chapters = bool(marks) and chosen[at] == "story" and marks[-1].kind != "story"
        end = marks[-1].start if marks else blocks[-1].end
        if not holds_chapters and not _has_words(text, blocks, headings[at].end, end):
            continue
        first = at
        while (
            first > 0
            and first - 1 not in chosen
            and not headings[first - 1].text
            and _may_join(headings[first - 1])
        ):
            first -= 1
        names = [titled(text, heading) for heading in headings[first : at + 1]]
        title = one_title([title for title, _ in names])
        marks.append(_Mark(chosen[at], title, headings[first].start, names[-1][1]))
    return marks[::-1]


def _may_join(heading: BookHeading) -> bool:
    return not heading.matter and (heading.gap >= CLOSE or noun_of(heading) in (*PART_NOUNS, *PLACES))


def _has_words(text: str, blocks: Sequence[Block], start: int, end: int) -> bool:
    """Whether a part of a text has more than THE END or a row of stars."""
    return any(
        not block.skip
        and matter_of(text[block.start : block.end]) != "end"
        and _LETTER.search(text, block.start, block.end)
        for block in blocks[_first_at(blocks, start) : _first_at(blocks, end)]
    )


def _first_at(blocks: Sequence[Block], start: int) -> int:
    return bisect_left(blocks, start, key=lambda block: block.start)


# -- formats that mark headings ---------------------------------------------------------------------------


def _marked_title(text: str, blocks: Sequence[Block]) -> TitlePage:
    """The title page of a text whose first heading is alone on its level, above all others."""
    levels = [block.level for block in blocks if block.level]
    if not blocks[0].level or (len(levels) > 1 and levels[0] >= min(levels[1:])):
        return TitlePage()
    shown = text[blocks[0].start : blocks[0].end]
    label = label_of(shown)
    if len(levels) > 1 and label is not None and label.noun:
        return TitlePage()
    return title_page_of(text, blocks)


def _marked(text: str, blocks: Sequence[Block], page: TitlePage, book_title: str) -> list[_Mark]:
    """The headings of a text by their levels: stories with chapters, or the chapters of one story."""
    places = [at for at, block in enumerate(blocks) if block.level and not block.skip]
    if not places:
        return []
    ends = [*places[1:], len(blocks)]
    sizes = [_size(blocks[at + 1 : end]) for at, end in zip(places, ends, strict=True)]
    levels = [blocks[at].level or 0 for at in places]
    titles = [text[blocks[at].start : blocks[at].end] for at in places]
    top = _level_of_stories(levels, sizes, titles)
    tops = [n for n, level in enumerate(levels) if level <= top]
    opening = _size(blocks[: places[0]]) if page.blocks else 0
    one_story = (
        (page.blocks > 0 and len(tops) == 1)
        or _are_chapters(text, blocks, places, tops, titles, page.title or book_title)
        or (not OF_STORIES.search(page.title) and opening > min(_OPENING * median(sizes), _LONG_OPENING))
    )
    marks: list[_Mark] = []
    waiting: list[int] = []  # headings without text of their own
    for n, at in stoppable(enumerate(places)):
        is_story = levels[n] <= top and not one_story
        if waiting and is_story and levels[waiting[-1]] > top:
            waiting.clear()  # they end the previous story and stay in it
        holds_chapters = is_story and n + 1 < len(places) and levels[n + 1] > top
        if not sizes[n] and not holds_chapters:
            waiting.append(n)  # the next heading with text includes it
            continue
        start = blocks[places[waiting[0]]].start if waiting else blocks[at].start
        names = [shown_title(text, blocks[places[m]]) for m in (*waiting, n)]
        kind: Kind = "story" if is_story or (not marks and not one_story) else "chapter"
        marks.append(_Mark(kind, one_title(names), start, blocks[at].end))
        waiting = []
    return marks


def _level_of_stories(levels: Sequence[int], sizes: Sequence[int], titles: Sequence[str]) -> int:
    """The level at which stories (or a novel's chapters) begin: the highest with several headings.

    If none of these has text of its own and those below have no numbers, they are parts of a book of stories.
    """
    several = sorted(level for level, many in Counter(levels).items() if many > 1)
    if not several:
        return min(levels)
    for level, deeper in zip(several, [*several[1:], 0], strict=True):
        own = [size for size, each in zip(sizes, levels, strict=True) if each <= level]
        below = [title for title, each in zip(titles, levels, strict=True) if each == deeper]
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
    """Whether the highest headings are numbered like chapters, and are not numbered stories."""
    labels = [label_of(titles[n]) for n in tops if not is_frame_title(titles[n])]
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
