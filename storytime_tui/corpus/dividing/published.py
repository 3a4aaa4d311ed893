"""Planning the stories of a published book, without front matter, notes and advertisements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from storytime_tui.corpus.dividing.blocks import Block, is_prose
from storytime_tui.corpus.dividing.endings import end_of_text
from storytime_tui.corpus.dividing.heading_rules import is_frame_title, label_of, matter_of
from storytime_tui.corpus.dividing.structure import Division
from storytime_tui.corpus.dividing.titles import as_title

_PREAMBLE = 0.05  # of a book; more text than this before its first heading is not front matter
_TITLE_PAGE = 300  # characters of its text
_PROSE = 800  # characters; the same if the book has a contents list, as front matter comes before it


@dataclass(frozen=True)
class Plan:
    """The place of a story in its book. `parts`: for each chapter its title and range of characters."""

    title: str
    start: int
    end: int
    parts: tuple[tuple[str, int, int], ...]
    chaptered: bool = False


def plans_of(
    book: str, blocks: Sequence[Block], contents_end: int, divisions: Sequence[Division], title: str
) -> list[Plan]:
    """The plans for a book's stories. `contents_end`: the block after the contents list."""
    if not any(division.kind in ("story", "chapter") for division in divisions):
        outside = [division for division in divisions if division.kind in ("front", "back")]
        return [_whole(book, blocks, outside, title)]
    is_omnibus = any(division.kind == "story" for division in divisions)
    tops = [
        n for n, division in enumerate(divisions) if division.kind == ("story" if is_omnibus else "chapter")
    ]
    last = max([n for n in tops if divisions[n].listed], default=tops[-1])
    after = [division.start for division in divisions[tops[-1] :] if division.kind in ("front", "back")]
    limit = end_of_text(
        book, blocks, divisions[last].body, min(after, default=blocks[-1].end), is_omnibus=is_omnibus
    )
    divisions = [division for division in divisions if division.start < limit]
    bounds = [division.start for division in divisions[1:]] + [limit]
    plans: list[Plan] = []
    for division, end in zip(divisions, bounds, strict=True):
        part = (division.title if division.kind == "chapter" else "", division.body, end)
        if division.kind == "story" or (division.kind == "chapter" and not plans):
            name = division.title if division.kind == "story" else title
            plans.append(Plan(name, division.start, end, (part,), division.kind == "chapter"))
        elif division.kind in ("chapter", "section") and plans:
            plan = plans[-1]
            plans[-1] = replace(plan, end=end, parts=(*plan.parts, part), chaptered=True)
    if is_omnibus and len(plans) == 1 and title and not plans[0].chaptered:
        own = next((block for block in blocks if block.start == plans[0].start), blocks[0])
        plans = [_named(plans[0], title, is_marked=bool(own.level))]
    least = _PROSE if contents_end else _PREAMBLE * len(book) if title else 1
    before = _preamble(book, blocks[contents_end:], divisions[0].start, least)
    if before is not None and is_omnibus:
        return [Plan("", before[0], before[1], (("", *before),)), *plans]
    if before is not None:
        plans[0] = replace(plans[0], start=before[0], parts=(("", *before), *plans[0].parts))
    return plans


def _whole(book: str, blocks: Sequence[Block], outside: Sequence[Division], title: str) -> Plan:
    """A book without recognised story headings as one story, up to notes at its end."""
    back = min((division.start for division in outside if division.kind == "back"), default=blocks[-1].end)
    end = end_of_text(book, blocks, blocks[0].start, back, is_omnibus=False)
    first, page_end = _first_text(book, blocks)
    marked = [book[block.start : block.end] for block in blocks[page_end:first] if block.level]
    if not marked or blocks[first].start >= end:
        return Plan(title, blocks[0].start, end, (("", blocks[0].start, end),))
    # headings that the format marks, above the text: the story's title, and that of its only chapter
    names = [as_title(each) for each in marked if _is_name(each)]
    chapter = next((as_title(each) for each in reversed(marked) if not _is_name(each)), "")
    name = names[0] if len(names) == 1 else title
    return Plan(name, blocks[0].start, end, ((chapter, blocks[first].start, end),), chaptered=bool(chapter))


def _named(plan: Plan, title: str, *, is_marked: bool) -> Plan:
    """A book's only story, by its own heading if the format marks it as one, else by the book's title."""
    if not is_marked:
        return replace(plan, title=title)
    if _is_name(plan.title):
        return plan
    parts = tuple((plan.title, start, end) for _, start, end in plan.parts)
    return replace(plan, title=title, parts=parts, chaptered=True)


def _is_name(heading: str) -> bool:
    """Whether a heading is a story's name: not a chapter's number, and not "Foreword" or "Prologue"."""
    number = label_of(f"Chapter {heading}")
    if number is not None and not number.rest:
        return False
    return label_of(heading) is None and matter_of(heading) is None and not is_frame_title(heading)


def _first_text(book: str, blocks: Sequence[Block]) -> tuple[int, int]:
    """The number of the first block of text, and of the block after a title page before it.

    A title page is short, and ends where the heading above the first prose begins.
    """
    texts = [at for at, block in enumerate(blocks) if not block.level and not block.skip] or [0]
    prose = next((at for at in texts if is_prose(book, blocks[at])), 0)
    marked = [at for at in range(texts[0], prose) if blocks[at].level]
    if not marked:
        return texts[0], 0
    page = [at for at in texts if at < marked[-1]]
    if sum(blocks[at].end - blocks[at].start for at in page) > _TITLE_PAGE:
        return texts[0], 0
    return next(at for at in texts if at > marked[-1]), page[-1] + 1


def _preamble(book: str, blocks: Sequence[Block], first: int, least: float) -> tuple[int, int] | None:
    """The text before a book's first heading, if it has too much prose to be front matter."""
    before = [block for block in blocks if block.end <= first]
    prose = [block for block in before if is_prose(book, block)]
    if sum(block.end - block.start for block in prose) < least:
        return None
    return (before[0].start, before[-1].end) if prose else None
