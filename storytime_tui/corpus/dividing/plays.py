"""Planning plays: each is one story whose chapters are its acts; a volume of several comes apart into its plays.

Scenes stay in the text as lines of their own, below their act, and so do the list of characters and the songs.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from storytime_tui.corpus.dividing.blocks import Block, is_prose, lines_in
from storytime_tui.corpus.dividing.contents_list import Contents
from storytime_tui.corpus.dividing.endings import end_of_text
from storytime_tui.corpus.dividing.heading_rules import label_of, matter_of
from storytime_tui.corpus.dividing.play_lines import Mark, Speeches, marks_in
from storytime_tui.corpus.dividing.published import Plan
from storytime_tui.corpus.dividing.title_page import TitlePage, title_page_of
from storytime_tui.corpus.dividing.titles import as_title, is_capitals, key_of
from storytime_tui.corpus.dividing.unpublished import BookPlan

_SECOND = 2  # "ACT I. SCENE II." continues an act
_BODY = 3  # speeches; a list of acts or characters has fewer
_ACT_TEXT = 200  # characters of an act without speeches
_FRAME_TEXT = 100  # characters of a prologue; its line in a list has fewer below it
_IN_ACTS = 0.7  # of a text without speakers' names is in its acts
_HEADINGS = 8  # blocks above a list of characters that may be the play's title
_CLOSE = 2  # blank lines above notes and music
_LONGEST_TITLE = 120  # characters
_SHARED = 0.5  # of the parts of one play share speakers with the part before
_LIST = 0.1  # of the acts' length; a list of the acts, or a synopsis, is shorter
_MANY = 30  # speeches; more are no list of the players
_LATE = 0.5  # of the last act; an epilogue comes after that
_SUBTITLE = re.compile(
    r"(?:a|an|in|by|eine?|une?)\b.*|.*\bin (?:one|two|three|four|five|six) acts?.*", re.IGNORECASE | re.DOTALL
)


def play_plan(
    text: str, blocks: Sequence[Block], contents: Contents, title: str, speeches: Speeches, *, published: bool
) -> BookPlan | None:
    """The plan for a play, or for a volume of plays; None if there are no acts, scenes and lists of characters.

    Of a published play, what comes before its list of characters (or its first act) and after its last speech is left
    out. Of an unpublished one nothing is.
    """
    marks = marks_in(text, blocks, spoken=bool(speeches.places))
    acts = [mark for mark in marks if mark.kind == "act"]
    if not (speeches.places or _is_in_acts(text, blocks, acts)):
        return None
    units = _units(_real(marks, speeches, blocks), speeches)
    if not units:
        return None
    page = TitlePage() if published else title_page_of(text, blocks)
    whole = page.title or title
    front = page.blocks or contents.end
    plans: list[Plan] = []
    begins: list[_Beginning] = []
    for unit in units:
        begins.append(_beginning(text, blocks, unit, speeches, contents, front))
        front = unit[-1].block + 1
    ends = [*[begin.start for begin in begins[1:]], blocks[-1].end]
    for unit, begin, end in zip(units, begins, ends, strict=True):
        if published:
            end = _end(text, blocks, unit, speeches, contents, end, last=unit is units[-1])
        name = begin.title if len(units) > 1 and begin.title else whole or begin.title
        plans.append(_plan(text, unit, name, begin, end))
    if not published:
        plans[0] = _with_front(text, blocks, plans[0], page.blocks)
    return BookPlan(whole, page.author, tuple(plans), keeps_brackets=True)


def one_play(text: str, book_plan: BookPlan, speeches: Speeches) -> BookPlan:
    """The plan for a play whose acts have no headings: if the same people speak in its parts, they are its chapters.

    A speaker's name is no title: such a part belongs to the part before it.
    """
    names = {key_of(name) for name in speeches.names}
    plans = [_without_speakers(plan, names) for plan in book_plan.plans]
    kept: list[Plan] = []
    for plan in plans:
        if kept and key_of(plan.title) in names:
            title, start, _ = kept[-1].parts[-1]
            parts = (*kept[-1].parts[:-1], (title, start, plan.parts[0][2]), *plan.parts[1:])
            kept[-1] = replace(kept[-1], end=plan.end, parts=parts)
        else:
            kept.append(plan)
    if len(kept) > 1 and _share_speakers(kept, speeches):
        titles = [plan.title if plan.title != book_plan.title else "" for plan in kept]
        parts = tuple(
            (title if n == 0 else name, start, end)
            for plan, title in zip(kept, titles, strict=True)
            for n, (name, start, end) in enumerate(plan.parts)
        )
        kept = [Plan(book_plan.title or kept[0].title, kept[0].start, kept[-1].end, parts, True)]
    return replace(book_plan, plans=tuple(kept), keeps_brackets=True)


def _without_speakers(plan: Plan, names: set[str]) -> Plan:
    parts: list[tuple[str, int, int]] = []
    for title, start, end in plan.parts:
        if parts and key_of(title) in names:
            parts[-1] = (parts[-1][0], parts[-1][1], end)
        else:
            parts.append((title, start, end))
    return replace(plan, parts=tuple(parts))


def _share_speakers(plans: Sequence[Plan], speeches: Speeches) -> bool:
    """Whether the people of one part speak in the next part too, as a rule."""
    people = [speeches.speakers(plan.start, plan.end) for plan in plans]
    people = [names for names in people if names]
    shared = [2 * len(one & other) >= min(len(one), len(other), 4) for one, other in pairwise(people)]
    return sum(shared) >= _SHARED * len(shared)


def _real(marks: Sequence[Mark], speeches: Speeches, blocks: Sequence[Block]) -> list[Mark]:
    """The marks that are no lines of a contents list, no synopsis, and no part of a play within the play."""
    if not marks:
        return []
    lists: set[int] = set()
    runs = _runs_of_acts(marks, speeches)
    longest = max((run[-1].start - run[0].start for run in runs), default=0)
    bounds = [mark.start for mark in marks if mark.kind in ("act", "persons")]
    for run in runs:
        after = bisect_right(bounds, run[-1].start)
        end = bounds[after] if after < len(bounds) else blocks[-1].end
        said = speeches.count(run[0].start, end)
        if run[-1].start - run[0].start < _LIST * longest and said < _MANY:
            lists |= {mark.start for mark in run}
    acts = [mark for mark in marks if mark.kind == "act" and mark.start not in lists]
    first, last = (acts[0].start, acts[-1].start) if acts else (blocks[-1].end, 0)
    late = last + _LATE * (blocks[-1].end - last)
    spoken = set(speeches.places)
    kept: list[Mark] = []
    for mark, after in zip(marks, [*[mark.start for mark in marks[1:]], blocks[-1].end], strict=True):
        if mark.kind == "frame":
            said = mark.start in spoken and not acts
            if first < mark.start < late or said or after - mark.end < _FRAME_TEXT:
                continue
        if mark.start not in lists:
            kept.append(mark)
    return kept


def _runs_of_acts(marks: Sequence[Mark], speeches: Speeches) -> list[list[Mark]]:
    """The acts in runs of rising numbers; an act may be named again for each of its scenes."""
    runs: list[list[Mark]] = []
    for mark in marks:
        if mark.kind == "act":
            last = runs[-1][-1] if runs else None
            again = last is not None and mark.number == last.number
            unsaid = last is not None and speeches.count(last.start, mark.start) < _BODY
            if last is None or mark.number < last.number or (again and unsaid):
                runs.append([])
            runs[-1].append(mark)
    return runs


def _is_in_acts(text: str, blocks: Sequence[Block], acts: Sequence[Mark]) -> bool:
    """Whether a text without speakers' names is divided into acts, as its headings say."""
    numbers = [act.number for act in acts]
    if len(acts) < 2 or numbers != list(range(1, len(acts) + 1)):
        return False
    bounds = [*[act.start for act in acts[1:]], blocks[-1].end]
    if any(end - act.rest < _ACT_TEXT for act, end in zip(acts, bounds, strict=True)):
        return False
    if blocks[-1].end - acts[0].start < _IN_ACTS * (blocks[-1].end - blocks[0].start):
        return False
    labels = (label_of(text[block.start : block.end]) for block in blocks if block.level)
    return not any(label is not None and label.noun == "chapter" for label in labels)


def _units(marks: Sequence[Mark], speeches: Speeches) -> list[list[Mark]]:
    """The marks of each play. A list of characters after speeches begins a new one, and so does another Act I."""
    units: list[list[Mark]] = []
    for mark in marks:
        unit = units[-1] if units else []
        spoken = bool(unit) and speeches.count(unit[0].start, mark.start) >= _BODY
        acts = [other.number for other in unit if other.kind == "act"]
        first = mark.kind == "act" and mark.number == 1 and mark.scene < _SECOND
        again = first and bool(acts) and (spoken or max(acts) > 1)
        if not units or (mark.kind == "persons" and spoken) or again:
            units.append([])
        units[-1].append(mark)
    units = [unit for unit in units if any(mark.kind in ("act", "persons", "scene") for mark in unit)]
    said = [
        speeches.count(unit[0].start, after[0].start)
        if after
        else speeches.count(unit[0].start, speeches.last + 1)
        for unit, after in zip(units, [*units[1:], []], strict=False)
    ]
    least = min(_MANY, _LIST * max(said, default=0))
    return [unit for unit, many in zip(units, said, strict=True) if many >= least]


@dataclass(frozen=True)
class _Beginning:
    """Where a play's title and its text begin (characters), and its title."""

    start: int
    body: int
    title: str = ""


def _beginning(
    text: str, blocks: Sequence[Block], unit: list[Mark], speeches: Speeches, contents: Contents, first: int
) -> _Beginning:
    """The beginning of a play. `first`: the first block that may be its title."""
    opened = _opening_mark(unit, speeches)
    top = opened.block
    while top > max(first, opened.block - _HEADINGS) and _may_be_title(text, blocks[top - 1], speeches):
        top -= 1
    above = [block for block in blocks[top : opened.block] if not block.skip]
    shown = [" ".join(lines_in(text, block)) for block in above]
    listed = [n for n, line in enumerate(shown) if contents.entry_for(line) is not None]
    plain = [
        n
        for n, line in enumerate(shown)
        if not _SUBTITLE.fullmatch(line) and line[0] not in "[(" and not line[-1].isdigit()
    ]
    chosen = listed[-1:] or [n for n in plain if is_capitals(shown[n])][-1:] or plain[-1:]
    if not chosen:
        return _Beginning(opened.start, opened.start)
    named = above[chosen[0]]
    return _Beginning(named.start, min(named.end, opened.start), as_title(shown[chosen[0]]))


def _opening_mark(unit: list[Mark], speeches: Speeches) -> Mark:
    """The first mark of a play: its list of characters, its prologue, or its first act."""
    acts = [mark for mark in unit if mark.kind == "act"]
    before = [mark for mark in unit if not acts or mark.start <= acts[0].start]
    persons = [mark for mark in before if mark.kind == "persons"]
    frames = [mark for mark in before if mark.kind == "frame"]
    chosen = [*persons[-1:], *frames, *acts[:1]]
    return min(chosen, key=lambda mark: mark.start) if chosen else unit[0]


def _may_be_title(text: str, block: Block, speeches: Speeches) -> bool:
    if block.skip:
        return True
    shown = text[block.start : block.end]
    if len(shown) > _LONGEST_TITLE or shown.count("\n") > 3 or is_prose(text, block):
        return False
    if matter_of(shown) is not None or "curtain" in shown.lower():
        return False
    return block.gap > 2 or bool(block.level) or not speeches.count(block.start, block.end)


def _end(
    text: str,
    blocks: Sequence[Block],
    unit: list[Mark],
    speeches: Speeches,
    contents: Contents,
    end: int,
    *,
    last: bool,
) -> int:
    """Where a published play ends: before notes, music and the like after its last speech."""
    if last:
        end = end_of_text(text, blocks, unit[-1].end, end, is_omnibus=False)
    said = bisect_left(speeches.places, end)
    spoken = speeches.places[said - 1] if said else unit[-1].end
    for block in blocks[bisect_right(blocks, spoken, key=lambda block: block.start) :]:
        if block.start >= end:
            break
        if block.gap < _CLOSE or block.skip:
            continue
        first_line = text[block.start : block.end].split("\n")[0]
        if len(first_line) < _LONGEST_TITLE and (
            matter_of(first_line) in ("back", "front") or contents.entry_for(first_line) is not None
        ):
            return block.start
    return end


def _plan(text: str, unit: list[Mark], title: str, begin: _Beginning, end: int) -> Plan:
    """The plan for one play: its opening without a title, then a chapter for each act, prologue and epilogue."""
    chapters = _chapters(unit, begin.body, end)
    parts: list[tuple[str, int, int]] = []
    first = chapters[0].start if chapters else end
    if first > begin.body:
        parts.append(("", begin.body, first))
    bounds = [*[chapter.start for chapter in chapters[1:]], end]
    for chapter, bound in zip(chapters, bounds, strict=False):
        label = text[chapter.start : chapter.end]
        parts.append((as_title(label), min(chapter.rest, bound), bound))
    return Plan(title, begin.start, end, tuple(parts), bool(chapters))


def _with_front(text: str, blocks: Sequence[Block], plan: Plan, after_page: int) -> Plan:
    """An unpublished play with all that stands before its list of characters, but for the title page."""
    front, first = blocks[after_page].start, plan.parts[0][1]
    if plan.parts[0][0]:
        return replace(
            plan,
            start=blocks[0].start,
            parts=(("", front, plan.start), *plan.parts) if front < plan.start else plan.parts,
        )
    return replace(
        plan, start=blocks[0].start, parts=(("", min(front, first), plan.parts[0][2]), *plan.parts[1:])
    )


def _chapters(unit: list[Mark], body: int, end: int) -> list[Mark]:
    """The acts of a play; its scenes if it has no acts. An act that is named again for each scene is one chapter."""
    own = [mark for mark in unit if body <= mark.start < end]
    acts = [mark for mark in own if mark.kind in ("act", "frame")]
    if not any(mark.kind == "act" for mark in acts):
        acts = [mark for mark in own if mark.kind == "frame" or (mark.kind == "scene" and mark.number)]
        if sum(mark.kind == "scene" for mark in acts) < 2:
            return []
    chapters: list[Mark] = []
    for mark in acts:
        before = chapters[-1] if chapters else None
        if before is None or mark.kind == "frame" or (mark.kind, mark.number) != (before.kind, before.number):
            chapters.append(mark)
    return chapters
