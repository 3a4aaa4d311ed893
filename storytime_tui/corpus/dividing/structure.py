"""Which headings of a book begin stories, which chapters, and which stand over what is neither."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from storytime_tui.corpus.dividing.blocks import Block, is_prose
from storytime_tui.corpus.dividing.contents_list import Contents
from storytime_tui.corpus.dividing.endings import end_of_text
from storytime_tui.corpus.dividing.heading_lines import FRAME, PART_NOUNS, STORY_NOUNS
from storytime_tui.corpus.dividing.headings import CLOSE, WIDE, Head, heads_of
from storytime_tui.corpus.dividing.numbering import (
    class_of,
    heading_number,
    in_sequence,
    is_wide,
    noun_of,
    runs_of,
)
from storytime_tui.corpus.dividing.titles import as_title, key_of

Kind = Literal["front", "story", "chapter", "section", "back"]

_FEW = 400  # characters: a subtitle or a motto
_MOSTLY = 0.7  # of the stories that notes name, the book has named so many before
_HALF = 0.5  # of a book: notes to it stand in its second half
_CROSSED = 0.1  # of a book's stories: so few may stand between two chapters of one run
OF_STORIES = re.compile(
    r"\b(?:tales|stories|fables|legends|myths|folk-?lore|nursery rhymes|fairy[- ]books?|story[- ]books?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}")
_TITLES = (
    "King Queen Prince Princess God Sir Lord Lady Mother Father Mrs Miss Uncle Aunt Brother Sister Master"
)
_OTHERS = "Captain Emperor Majesty Christmas Fairy Heaven Yes Now Then English England French Sunday "
_OTHERS += "North South East West"
_NO_NAMES = frozenset(_TITLES.split() + _OTHERS.split())
_SHORT_PART = 2000  # characters: in more, a name that is said once is a stranger's
_HERO = 0.6  # of a novel's chapters name its hero


@dataclass(frozen=True)
class Division:
    """A part of a book: `start` is where its heading begins, `body` where its text does (characters).

    `listed`: the contents list names it.
    """

    kind: Kind
    title: str
    start: int
    body: int
    listed: bool = False


def divisions_of(
    text: str, blocks: Sequence[Block], contents: Contents, book_title: str = ""
) -> list[Division]:
    """The parts of a book, in order; empty where no heading tells of any.

    Of a book of tales each is a "story", with "chapter"s after it where it has some; of a novel all are
    chapters. What stands before the first of them is no part of any.
    """
    heads = _after_title_page(text, blocks, heads_of(text, blocks, contents), contents)
    if not heads:
        return []
    heads, back = _before_notes(text, heads)
    heads = _before_the_end(text, blocks, heads)
    chosen = chosen_of(text, heads, contents, book_title)
    return [*_as_divisions(heads, _matters(heads, chosen) | chosen), *back]


def chosen_of(text: str, heads: Sequence[Head], contents: Contents, book_title: str) -> dict[int, Kind]:
    """Which of a book's headings begin its stories, which their chapters: by their places among the headings."""
    numbered = in_sequence(heads)
    stories = _unnumbered(heads, numbered)
    if _is_omnibus(heads, stories, numbered):
        return _as_omnibus(text, heads, stories, numbered, contents, book_title)
    return _as_numbered(text, heads, stories, numbered, contents, book_title)


def _as_omnibus(
    text: str,
    heads: Sequence[Head],
    stories: list[int],
    numbered: list[int],
    contents: Contents,
    book_title: str,
) -> dict[int, Kind]:
    """What each heading of a book of tales begins; of a novel, too, whose chapters have names and no numbers."""
    half_titles = set(_half_titles(heads, stories))
    stories = [at for at in stories if at not in half_titles]
    few = 2 * len(numbered) < len(stories)
    if contents.of_chapters and few and _is_one_story(text, heads, stories, book_title):
        return dict.fromkeys(stories, "chapter")
    # a story told within a frame has its title once more where the telling begins
    again = {following for at, following in pairwise(stories) if _is_same_title(heads[at], heads[following])}
    before = [at for at in numbered if at < stories[0] and heads[at].has_text]
    return {
        **dict.fromkeys(before, "chapter"),
        **_inner_chapters(heads, stories, numbered),
        **dict.fromkeys(half_titles, "front"),
        **dict.fromkeys(stories, "story"),
        **dict.fromkeys(again, "section"),
    }


def _as_numbered(
    text: str,
    heads: Sequence[Head],
    stories: list[int],
    numbered: list[int],
    contents: Contents,
    book_title: str,
) -> dict[int, Kind]:
    """What each heading of a book begins whose parts have numbers: a novel's chapters, or stories."""
    if tops := set(_numbered_stories(text, heads, numbered, contents, book_title)):
        return {
            at: "story" if at in tops else "chapter" for at in numbered if heads[at].has_text or at in tops
        }
    taken = {heads[at].entry for at in numbered}
    named = [
        at
        for at in stories
        if (heads[at].is_listed and heads[at].entry not in taken) or FRAME.fullmatch(heads[at].title)
    ]
    chapters: dict[int, Kind] = {at: "chapter" for at in sorted({*numbered, *named}) if heads[at].has_text}
    return chapters | _sections(heads, numbered)


def _before_notes(text: str, heads: list[Head]) -> tuple[list[Head], list[Division]]:
    """The headings before the notes (the index, ...) at a book's end, which name its stories once more."""
    for at, head in enumerate(heads):
        if head.matter != "back" or head.gap < CLOSE or head.start < _HALF * len(text):
            continue
        named = {one.entry.key for one in heads[:at] if one.entry is not None and one.is_listed}
        after = {one.entry.key for one in heads[at:] if one.entry is not None and one.is_listed}
        if len(after & named) >= _MOSTLY * len(after):
            return heads[:at], [Division("back", head.title, head.start, head.end)]
    return heads, []


def _before_the_end(text: str, blocks: Sequence[Block], heads: list[Head]) -> list[Head]:
    """The headings before THE END and advertisements, where list or numbers tell which is the last story's."""
    numbered = set(in_sequence(heads))
    known = [
        head
        for at, head in enumerate(heads)
        if head.is_listed or (at in numbered and (is_wide(head) or noun_of(head)))
    ]
    if not known:
        return heads
    limit = end_of_text(text, blocks, known[-1].end, blocks[-1].end, is_omnibus=not numbered)
    return [head for head in heads if head.start < limit]


def _after_title_page(
    text: str, blocks: Sequence[Block], heads: list[Head], contents: Contents
) -> list[Head]:
    """The headings from the last before the first running text on, where no contents list parts them."""
    if contents.entries:
        return heads
    prose = next((block.start for block in blocks if is_prose(text, block)), None)
    if prose is None:
        return heads
    last = max((n for n, head in enumerate(heads) if head.end <= prose), default=0)
    while last > 0 and heads[last].label is not None and heads[last].gap <= CLOSE:
        last -= 1  # "THE PRINCESS", then "I"
    if (
        last > 0
        and heading_number(heads[last]) == 1
        and not heads[last - 1].has_text
        and not heads[last - 1].label
    ):
        last -= 1  # the same with more space
    return heads[last:]


def _is_same_title(one: Head, other: Head) -> bool:
    return bool(one.titles) and key_of(one.title) == key_of(other.title)


def _half_titles(heads: Sequence[Head], stories: Sequence[int]) -> list[int]:
    """The stories' headings that are followed, after a line or two, by the same once more."""
    return [
        at
        for at, following in pairwise(stories)
        if heads[at].text < _FEW and following == at + 1 and _is_same_title(heads[at], heads[following])
    ]


def _unnumbered(heads: Sequence[Head], numbered: Sequence[int]) -> list[int]:
    """The headings without a number that begin a story (or a chapter with a name alone)."""
    chapters = set(numbered)
    plain = [
        at
        for at, head in enumerate(heads)
        if at not in chapters
        and head.matter is None
        and (head.entry is None or head.is_listed)
        and (head.has_text or (at + 1 in chapters and heading_number(heads[at + 1]) == 1))
    ]
    listed = [at for at in plain if heads[at].is_listed]
    if len(listed) < 2:
        wide = [at for at in plain if is_wide(heads[at])]
        return wide or [at for at in plain if heads[at].capitals]
    usual_gap = max(WIDE, median(heads[at].gap for at in listed[1:]))
    capitals = 2 * sum(heads[at].capitals for at in listed) > len(listed)
    apart = {head.entry for head in heads if head.gap >= CLOSE}
    found = []
    for at in plain:
        head = heads[at]
        # a caption, or a line of the story, may say again what a heading further from its text has said
        says_again = head.gap < CLOSE and head.entry in apart
        alike = head.gap >= usual_gap and head.capitals == capitals
        if (not says_again) if head.is_listed else alike:
            found.append(at)
    return found


def _is_omnibus(heads: Sequence[Head], stories: list[int], numbered: list[int]) -> bool:
    """Whether the headings without numbers are those of stories, and the numbered ones of their chapters."""
    if not stories:
        return False
    if not numbered:
        return True
    wide = [at for at in numbered if is_wide(heads[at])]
    if median(heads[at].gap for at in stories) >= WIDE and 2 * len(wide) < len(stories):
        return len(stories) > 1
    members = set(numbered)
    runs = [run for run in runs_of(heads) if members.issuperset(run)]
    crossed = {
        story
        for run in runs
        for story in stories[bisect_left(stories, run[0]) : bisect_left(stories, run[-1])]
    }
    firsts = sorted(run[0] for run in runs)
    nested = [
        story
        for story, end in zip(stories, [*stories[1:], len(heads)], strict=True)
        if story not in crossed and bisect_left(firsts, story) < bisect_left(firsts, end)
    ]
    return (len(nested) > 1 and len(crossed) <= _CROSSED * len(stories)) or len(stories) > len(numbered)


def _sections(heads: Sequence[Head], numbered: list[int]) -> dict[int, Kind]:
    """Of a novel whose chapters say that they are chapters: the mere numbers within them."""
    if sum(noun_of(heads[at]) == "chapter" for at in numbered) < 2:
        return {}
    return {at: "section" for at in numbered if not noun_of(heads[at])}


def _numbered_stories(
    text: str, heads: Sequence[Head], numbered: list[int], contents: Contents, book_title: str
) -> list[int]:
    """The numbered headings that are those of stories: "STORY IV", or "IV. The Frog" in a book of tales.

    A book of tales says so in its title, or no name goes through all of it.
    """
    for noun in STORY_NOUNS:
        tales = [at for at in numbered if noun_of(heads[at]) == noun]
        if len(tales) > 1:
            return tales
    classes = Counter(class_of(heads[at]) for at in numbered)
    top = max(classes, key=lambda one: (one[1], classes[one]), default=("chapter", True))
    own = [at for at in numbered if class_of(heads[at]) == top]
    named = [at for at in own if heads[at].titles]
    if top[0] in PART_NOUNS or len(named) < 3 or 10 * len(named) < 9 * len(own):
        return []
    if (top[0] == "chapter" or contents.of_chapters) and not OF_STORIES.search(book_title):
        return []
    return [] if _is_one_story(text, heads, own, "" if top[0] == "chapter" else book_title) else own


def _is_one_story(text: str, heads: Sequence[Head], own: Sequence[int], book_title: str) -> bool:
    """Whether these headings are those of a novel: its title speaks of no tales, and one name goes through them."""
    if OF_STORIES.search(book_title):
        return False
    bounds = [heads[at].start for at in own[1:]] + [len(text)]
    return have_one_hero(text, [(heads[at].end, end) for at, end in zip(own, bounds, strict=True)])


def have_one_hero(text: str, parts: Sequence[tuple[int, int]]) -> bool:
    """Whether the same people go through a book, as they do in a novel: one name, or from part to part another."""
    people = []
    for start, end in parts:
        names = Counter(_NAME.findall(text, start, end))
        fewest = 2 if end - start > _SHORT_PART else 1
        people.append({name for name, times in names.items() if times >= fewest} - _NO_NAMES)
    many = Counter(name for names in people for name in names)
    shared = [bool(before & after) for before, after in pairwise(people)]
    return bool(many) and (max(many.values()) >= _HERO * len(parts) or sum(shared) >= _HERO * len(shared))


def _inner_chapters(heads: Sequence[Head], stories: list[int], numbered: list[int]) -> dict[int, Kind]:
    """The chapters of an omnibus's stories: numbered ones, and those in capitals that stand well apart."""
    inner: dict[int, Kind] = {}
    for story, end in zip(stories, [*stories[1:], len(heads)], strict=True):
        own = [
            at
            for at in numbered[bisect_right(numbered, story) : bisect_left(numbered, end)]
            if heads[at].has_text
        ] or [at for at in range(story + 1, end) if _is_inner_title(heads[at])]
        title = key_of(heads[story].title)
        for at in own:
            inner[at] = "section" if heads[at].titles and key_of(heads[at].title) == title else "chapter"
    return inner


def _is_inner_title(head: Head) -> bool:
    return head.gap >= CLOSE and head.has_text and head.capitals and not head.matter


def _matters(heads: Sequence[Head], chosen: dict[int, Kind]) -> dict[int, Kind]:
    """The headings over what is no story: before the first, between them where the list says so, after the last."""
    first, last = (min(chosen), max(chosen)) if chosen else (len(heads), -1)
    found: dict[int, Kind] = {}
    for at, head in enumerate(heads):
        under = head.entry is not None and head.entry.dropped
        if at in chosen or not (head.matter in ("front", "back", "contents") or under):
            continue
        if at < first:
            found[at] = "front"
        elif at > last and (head.gap >= CLOSE or under):
            found[at] = "back"
        elif head.gap >= WIDE:
            found[at] = "front"
    return found


def _as_divisions(heads: Sequence[Head], chosen: dict[int, Kind]) -> list[Division]:
    """The chosen headings as divisions; a heading without text right before one is taken into it."""
    divisions = []
    for at in sorted(chosen):
        start = at
        while (
            start > 0
            and start - 1 not in chosen
            and not heads[start - 1].has_text
            and heads[start - 1].gap >= CLOSE
        ):
            start -= 1
        head = heads[at]
        title = head.title or as_title(head.number)
        divisions.append(Division(chosen[at], title, heads[start].start, head.end, head.is_listed))
    return divisions
