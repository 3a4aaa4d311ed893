"""Deciding which headings of a book begin stories, which chapters, and which front or back matter."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from storytime_tui.corpus.dividing.blocks import Block, is_prose
from storytime_tui.corpus.dividing.contents_list import Contents
from storytime_tui.corpus.dividing.endings import end_of_text
from storytime_tui.corpus.dividing.heading_rules import PART_NOUNS, STORY_NOUNS, is_frame_title
from storytime_tui.corpus.dividing.headings import CLOSE, WIDE, BookHeading, headings_of
from storytime_tui.corpus.dividing.heroes import OF_STORIES, have_one_hero
from storytime_tui.corpus.dividing.numbering import (
    class_of,
    heading_number,
    in_sequence,
    is_wide,
    noun_of,
    runs_of,
)
from storytime_tui.corpus.dividing.part_titles import marked_parts
from storytime_tui.corpus.dividing.titles import as_title, key_of
from storytime_tui.corpus.dividing.whole_titles import one_title

Kind = Literal["front", "story", "chapter", "section", "back"]

_FEW = 400  # characters; a subtitle or a motto
_MOSTLY = 0.7  # notes repeat this share of the titles named before
_HALF = 0.5  # of a book; notes are in its second half
_CROSSED = 0.1  # of a book's stories; at most this share may stand between two chapters of one run


@dataclass(frozen=True)
class Division:
    """A part of a book. `start`, `body`: the characters at which its heading and its text begin.

    `listed`: the contents list has it.
    """

    kind: Kind
    title: str
    start: int
    body: int
    listed: bool = False


def divisions_of(
    text: str, blocks: Sequence[Block], contents: Contents, book_title: str = ""
) -> list[Division]:
    """The parts of a book, in order; empty if there are no headings.

    In a book of stories each is a "story", followed by its chapters if it has any; in a novel all are chapters. Text
    before the first part belongs to none.
    """
    every = headings_of(text, blocks, contents)
    parts = marked_parts(every, {block.start: block.level for block in blocks if block.level}, book_title)
    headings = _after_title_page(text, blocks, every, contents, parts)
    if not headings:
        return []
    headings, back = _before_notes(text, headings)
    headings = _before_the_end(text, blocks, headings)
    chosen = chosen_of(text, headings, contents, book_title)
    return [*_as_divisions(headings, _matters(headings, chosen) | chosen, parts), *back]


def chosen_of(
    text: str, headings: Sequence[BookHeading], contents: Contents, book_title: str
) -> dict[int, Kind]:
    """The kinds of the headings that begin stories and chapters, by their indices in `headings`."""
    numbered = in_sequence(headings)
    stories = _unnumbered(headings, numbered)
    if _is_omnibus(headings, stories, numbered):
        return _as_omnibus(text, headings, stories, numbered, contents, book_title)
    return _as_numbered(text, headings, stories, numbered, contents, book_title)


def _as_omnibus(
    text: str,
    headings: Sequence[BookHeading],
    stories: list[int],
    numbered: list[int],
    contents: Contents,
    book_title: str,
) -> dict[int, Kind]:
    """The kinds of headings of a book of stories, or of a novel with chapters that have names only."""
    half_titles = set(_half_titles(headings, stories))
    stories = [at for at in stories if at not in half_titles]
    few = 2 * len(numbered) < len(stories)
    if contents.of_chapters and few and _is_one_story(text, headings, stories, book_title):
        return dict.fromkeys(stories, "chapter")
    # the title of a story inside a frame is repeated where the story itself begins
    repeated = {
        next_at for at, next_at in pairwise(stories) if _is_same_title(headings[at], headings[next_at])
    }
    before = [at for at in numbered if at < stories[0] and headings[at].has_text]
    return {
        **dict.fromkeys(before, "chapter"),
        **_inner_chapters(headings, stories, numbered),
        **dict.fromkeys(half_titles, "front"),
        **dict.fromkeys(stories, "story"),
        **dict.fromkeys(repeated, "section"),
    }


def _as_numbered(
    text: str,
    headings: Sequence[BookHeading],
    stories: list[int],
    numbered: list[int],
    contents: Contents,
    book_title: str,
) -> dict[int, Kind]:
    """The kinds of headings of a book with numbered parts, which are a novel's chapters or stories."""
    if tops := set(_numbered_stories(text, headings, numbered, contents, book_title)):
        return {
            at: "story" if at in tops else "chapter" for at in numbered if headings[at].has_text or at in tops
        }
    taken = {headings[at].entry for at in numbered}
    named = [
        at
        for at in stories
        if (headings[at].is_listed and headings[at].entry not in taken) or is_frame_title(headings[at].title)
    ]
    chapters: dict[int, Kind] = {at: "chapter" for at in sorted({*numbered, *named}) if headings[at].has_text}
    return chapters | _sections(headings, numbered)


def _before_notes(text: str, headings: list[BookHeading]) -> tuple[list[BookHeading], list[Division]]:
    """The headings before notes or an index at the end, which repeat the titles of the stories."""
    for at, heading in enumerate(headings):
        if heading.matter != "back" or heading.gap < CLOSE or heading.start < _HALF * len(text):
            continue
        named = {each.entry.key for each in headings[:at] if each.entry is not None and each.is_listed}
        after = {each.entry.key for each in headings[at:] if each.entry is not None and each.is_listed}
        if len(after & named) >= _MOSTLY * len(after):
            return headings[:at], [Division("back", heading.title, heading.start, heading.end)]
    return headings, []


def _before_the_end(text: str, blocks: Sequence[Block], headings: list[BookHeading]) -> list[BookHeading]:
    """The headings before THE END and advertisements, if list or numbers show which heading is the last story's."""
    numbered = set(in_sequence(headings))
    known = [
        heading
        for at, heading in enumerate(headings)
        if heading.is_listed or (at in numbered and (is_wide(heading) or noun_of(heading)))
    ]
    if not known:
        return headings
    limit = end_of_text(text, blocks, known[-1].end, blocks[-1].end, is_omnibus=not numbered)
    return [heading for heading in headings if heading.start < limit]


def _after_title_page(
    text: str,
    blocks: Sequence[Block],
    headings: list[BookHeading],
    contents: Contents,
    parts: Mapping[int, str],
) -> list[BookHeading]:
    """The headings from the last one before the first prose on, with the parts that it stands in.

    All headings if there is a contents list.
    """
    if contents.entries:
        return headings
    prose = next((block.start for block in blocks if is_prose(text, block)), None)
    if prose is None:
        return headings
    last = max((n for n, heading in enumerate(headings) if heading.end <= prose), default=0)
    while last > 0 and headings[last].label is not None and headings[last].gap <= CLOSE:
        last -= 1  # "THE PRINCESS", then "I"
    if (
        last > 0
        and heading_number(headings[last]) == 1
        and not headings[last - 1].has_text
        and not headings[last - 1].label
    ):
        last -= 1  # the same with a wider gap
    while last > 0 and headings[last - 1].start in parts:
        last -= 1
    return headings[last:]


def _is_same_title(one: BookHeading, other: BookHeading) -> bool:
    return bool(one.titles) and key_of(one.title) == key_of(other.title)


def _half_titles(headings: Sequence[BookHeading], stories: Sequence[int]) -> list[int]:
    """The headings of stories that are repeated after at most a line or two."""
    return [
        at
        for at, next_at in pairwise(stories)
        if headings[at].text < _FEW and next_at == at + 1 and _is_same_title(headings[at], headings[next_at])
    ]


def _unnumbered(headings: Sequence[BookHeading], numbered: Sequence[int]) -> list[int]:
    """The headings without a number that begin a story, or a chapter with a name only."""
    chapters = set(numbered)
    plain = [
        at
        for at, heading in enumerate(headings)
        if at not in chapters
        and heading.matter is None
        and (heading.entry is None or heading.is_listed)
        and (heading.has_text or (at + 1 in chapters and heading_number(headings[at + 1]) == 1))
    ]
    listed = [at for at in plain if headings[at].is_listed]
    if len(listed) < 2:
        wide = [at for at in plain if is_wide(headings[at])]
        return wide or [at for at in plain if headings[at].capitals]
    usual_gap = max(WIDE, median(headings[at].gap for at in listed[1:]))
    capitals = 2 * sum(headings[at].capitals for at in listed) > len(listed)
    apart = {heading.entry for heading in headings if heading.gap >= CLOSE}
    chosen = []
    for at in plain:
        heading = headings[at]
        # a caption or a line of the story may repeat a heading that has a wider gap
        is_repetition = heading.gap < CLOSE and heading.entry in apart
        alike = heading.gap >= usual_gap and heading.capitals == capitals
        if (not is_repetition) if heading.is_listed else alike:
            chosen.append(at)
    return chosen


def _is_omnibus(headings: Sequence[BookHeading], stories: list[int], numbered: list[int]) -> bool:
    """Whether the headings without numbers begin stories, and the numbered ones their chapters."""
    if not stories:
        return False
    if not numbered:
        return True
    wide = [at for at in numbered if is_wide(headings[at])]
    if median(headings[at].gap for at in stories) >= WIDE and 2 * len(wide) < len(stories):
        return len(stories) > 1
    members = set(numbered)
    runs = [run for run in runs_of(headings) if members.issuperset(run)]
    crossed = {
        story
        for run in runs
        for story in stories[bisect_left(stories, run[0]) : bisect_left(stories, run[-1])]
    }
    firsts = sorted(run[0] for run in runs)
    nested = [
        story
        for story, end in zip(stories, [*stories[1:], len(headings)], strict=True)
        if story not in crossed and bisect_left(firsts, story) < bisect_left(firsts, end)
    ]
    return (len(nested) > 1 and len(crossed) <= _CROSSED * len(stories)) or len(stories) > len(numbered)


def _sections(headings: Sequence[BookHeading], numbered: list[int]) -> dict[int, Kind]:
    """The unnamed numbers inside chapters, for a novel whose chapters are headed "chapter"."""
    if sum(noun_of(headings[at]) == "chapter" for at in numbered) < 2:
        return {}
    return {at: "section" for at in numbered if not noun_of(headings[at])}


def _numbered_stories(
    text: str, headings: Sequence[BookHeading], numbered: list[int], contents: Contents, book_title: str
) -> list[int]:
    """The numbered headings that begin stories: "STORY IV", or "IV. The Frog" in a book of stories.

    In a book of stories the title says so, or no name occurs throughout.
    """
    for noun in STORY_NOUNS:
        tales = [at for at in numbered if noun_of(headings[at]) == noun]
        if len(tales) > 1:
            return tales
    classes = Counter(class_of(headings[at]) for at in numbered)
    top = max(classes, key=lambda each: (each[1], classes[each]), default=("chapter", True))
    own = [at for at in numbered if class_of(headings[at]) == top]
    named = [at for at in own if headings[at].titles]
    # a text with a title, and two parts with names, is rather one story
    fewest = 2 if not top[0] and (not book_title or OF_STORIES.search(book_title)) else 3
    if top[0] in PART_NOUNS or len(named) < fewest or 10 * len(named) < 9 * len(own):
        return []
    if (top[0] == "chapter" or contents.of_chapters) and not OF_STORIES.search(book_title):
        return []
    return [] if _is_one_story(text, headings, own, "" if top[0] == "chapter" else book_title) else own


def _is_one_story(text: str, headings: Sequence[BookHeading], own: Sequence[int], book_title: str) -> bool:
    """Whether these headings are a novel's: its title does not mention stories, and a name occurs throughout."""
    if OF_STORIES.search(book_title):
        return False
    bounds = [headings[at].start for at in own[1:]] + [len(text)]
    return have_one_hero(text, [(headings[at].end, end) for at, end in zip(own, bounds, strict=True)])


def _inner_chapters(
    headings: Sequence[BookHeading], stories: list[int], numbered: list[int]
) -> dict[int, Kind]:
    """The chapters of the stories in a collection: numbered ones, or those in capitals with a wide gap."""
    inner: dict[int, Kind] = {}
    for story, end in zip(stories, [*stories[1:], len(headings)], strict=True):
        own = [
            at
            for at in numbered[bisect_right(numbered, story) : bisect_left(numbered, end)]
            if headings[at].has_text
        ] or [at for at in range(story + 1, end) if _is_inner_title(headings[at])]
        title = key_of(headings[story].title)
        for at in own:
            inner[at] = (
                "section" if headings[at].titles and key_of(headings[at].title) == title else "chapter"
            )
    return inner


def _is_inner_title(heading: BookHeading) -> bool:
    return heading.gap >= CLOSE and heading.has_text and heading.capitals and not heading.matter


def _matters(headings: Sequence[BookHeading], chosen: dict[int, Kind]) -> dict[int, Kind]:
    """The headings of front and back matter: before the first story, after the last, or between if listed so."""
    first, last = (min(chosen), max(chosen)) if chosen else (len(headings), -1)
    kinds: dict[int, Kind] = {}
    for at, heading in enumerate(headings):
        under = heading.entry is not None and heading.entry.dropped
        if at in chosen or not (heading.matter in ("front", "back", "contents") or under):
            continue
        if at < first:
            kinds[at] = "front"
        elif at > last and (heading.gap >= CLOSE or under):
            kinds[at] = "back"
        elif heading.gap >= WIDE:
            kinds[at] = "front"
    return kinds


def _as_divisions(
    headings: Sequence[BookHeading], chosen: dict[int, Kind], parts: Mapping[int, str]
) -> list[Division]:
    """The chosen headings as divisions. Headings without text right before one are included in it.

    `parts`: the titles of parts, by where they begin. Each is kept before the title of its first chapter.
    """
    divisions = []
    for at in sorted(chosen):
        start = at
        while (
            start > 0
            and start - 1 not in chosen
            and not headings[start - 1].has_text
            and headings[start - 1].gap >= CLOSE
        ):
            start -= 1
        heading = headings[at]
        title = heading.title or as_title(heading.number)
        if chosen[at] == "chapter":
            around = [parts[each.start] for each in headings[start:at] if each.start in parts]
            title = one_title([*around, parts.get(heading.start, title)])
        divisions.append(Division(chosen[at], title, headings[start].start, heading.end, heading.is_listed))
    return divisions
