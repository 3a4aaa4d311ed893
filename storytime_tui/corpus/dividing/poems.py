"""Planning books of verse: each poem is a story with its title; a long poem's cantos and numbers are its chapters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from statistics import median

from storytime_tui.corpus.dividing.blocks import Block
from storytime_tui.corpus.dividing.contents_list import Contents, is_repeated
from storytime_tui.corpus.dividing.endings import end_of_text
from storytime_tui.corpus.dividing.heading_rules import label_of
from storytime_tui.corpus.dividing.published import Plan
from storytime_tui.corpus.dividing.title_page import TitlePage, title_page_of
from storytime_tui.corpus.dividing.titles import as_title, is_capitals, one_line
from storytime_tui.corpus.dividing.unpublished import BookPlan
from storytime_tui.corpus.dividing.verse_headings import (
    VerseHeading,
    lines_of_verse,
    marked_headings,
    unmarked_headings,
)
from storytime_tui.corpus.dividing.whole_titles import one_title

_VERSE = 0.6  # of a book's characters are in verse
_SAMPLE = 400  # blocks
_STOPPED = re.compile(r"[.!?][\"'”’]?$", re.MULTILINE)
_SENTENCES = 0.6  # of a primer's lines end like sentences
_STANZA, _LONG = 8, 80  # lines; a numbered part is a poem if it is longer than the one and not than the other
_TITLED = 0.3  # of numbered poems have a title too
_LONGEST_TITLE = 60  # characters of a first line that serves as a title
_WIDE = 3  # blank lines between poems without headings
_FEWEST, _FEWEST_LINES = 2, 8  # poems, and lines of verse
_MOSTLY = 0.5
_CANTO = 40  # lines; a numbered part of a canto with more is a chapter
_COLLECTION = re.compile(
    r"\b(?:sonnets|poems|songs|lyrics|odes|elegies|rhymes|verses|epigrams|hymns|ballads|psalms|limericks|haiku|"
    r"gedichte|lieder|sonette|balladen|poèmes|poésies|chansons|poesie|poemas|sonetos|sonetti|стихи|сонеты)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Poem:
    """A poem or a chapter of one: its title, its heading's start, its text's start.

    `is_slight`: it is a line or two, as on a title page. `above`: headings of parts that its title takes in.
    """

    title: str
    start: int
    body: int
    is_chapter: bool = False
    is_number: bool = False
    is_slight: bool = False
    above: tuple[str, ...] = ()


def poem_plan(
    text: str, blocks: Sequence[Block], contents: Contents, title: str, *, published: bool
) -> BookPlan | None:
    """The plan for a book of verse; None if the text is something else, or has no headings and gaps.

    Of a published book, what comes before the first poem and after the last is left out.
    """
    if not _is_verse(text, blocks):
        return None
    page = TitlePage() if published else title_page_of(text, blocks)
    if not (published or is_repeated(text, blocks, contents)):
        contents = Contents()
    own = [
        block for n, block in enumerate(blocks) if n >= page.blocks and not contents.start <= n < contents.end
    ]
    if any(block.level for block in own):
        heads = marked_headings(text, own)
    else:
        heads = unmarked_headings(text, blocks, contents, own[0].start if own else 0)
    poems = [*_poems(heads, page.title or title)]
    if published:
        poems = [*dropwhile(lambda poem: poem.is_slight, poems)]
    if len(poems) < _FEWEST:
        poems = [*_apart(own)]
    if len(poems) < _FEWEST:
        return None
    poems = _with_parts(poems, heads, joined=not published)
    plans = _plans(text, blocks, heads, poems, page.title or title, published=published)
    if not published:
        plans = [*_front(text, blocks, contents, page.blocks, poems[0].start), *plans]
    return BookPlan(page.title or title, page.author, tuple(plans), keeps_brackets=True)


def _is_verse(text: str, blocks: Sequence[Block]) -> bool:
    """Whether most of a text is verse, judged by some of its blocks.

    A primer has short lines too, but most of them are whole sentences.
    """
    verse = others = lines = stopped = 0
    for block in blocks[:: 1 + len(blocks) // _SAMPLE]:
        if block.skip or block.level:
            continue
        if own := lines_of_verse(text, block):
            verse += block.end - block.start
            lines += own
            stopped += len(_STOPPED.findall(text, block.start, block.end))
        elif block.end - block.start > _LONGEST_TITLE or text[block.end - 1] in ".!?\"'":
            others += block.end - block.start
    return lines >= _FEWEST_LINES and verse > _VERSE * (verse + others) and stopped < _SENTENCES * lines


# -- which headings begin poems ---------------------------------------------------------------------------


def _poems(heads: Sequence[VerseHeading], book_title: str) -> Iterator[_Poem]:
    """The poems and their chapters, in order."""
    heads = [head for head in heads if not head.dropped]
    tops = _tops(heads)
    while len(tops) == 1 and len(heads) > 1 and tops[0] is heads[0]:  # the book's title
        if tops[0].lines:
            yield replace(_poem(tops[0]), title=tops[0].title or book_title)
        book_title = tops[0].title or book_title
        heads = [head for head in heads if head is not tops[0]]
        tops = _tops(heads)
    cantos = [top for top in tops if top.is_canto]
    if 3 * len(cantos) >= 2 * len(tops) and not _hold_poems(heads, cantos):
        yield from _cantos(heads, cantos)
    elif all(top.label is not None for top in tops) and not _are_poems(tops, book_title):
        yield from (_Poem(top.title or top.shown, top.start, top.end, True) for top in tops)
    elif tops:
        yield from _below(heads, tops)


def _poem(head: VerseHeading) -> _Poem:
    return _Poem(head.title, head.start, head.end, False, head.is_number, not head.has_poem)


def _tops(heads: Sequence[VerseHeading]) -> list[VerseHeading]:
    """The headings on the highest level."""
    highest = min((head.level for head in heads), default=0)
    return [head for head in heads if head.level == highest]


def _hold_poems(heads: Sequence[VerseHeading], cantos: Sequence[VerseHeading]) -> bool:
    """Whether poems with titles stand under "Book I", so that it is a part and no canto."""
    inner = [head for head in heads if head not in cantos and head.lines]
    return sum(bool(head.title) for head in inner) > len(cantos)


def _cantos(heads: Sequence[VerseHeading], cantos: Sequence[VerseHeading]) -> Iterator[_Poem]:
    """The chapters of a long poem: its cantos, and long numbered parts of them."""
    inner = [head for head in heads if head.is_number and head not in cantos]
    long = bool(inner) and median(head.lines for head in inner) > _CANTO
    for head in heads:
        if head in cantos or (long and head in inner):
            yield _Poem(head.title or head.shown, head.start, head.end, True)


def _below(heads: Sequence[VerseHeading], tops: Sequence[VerseHeading]) -> Iterator[_Poem]:
    """The poems under each of these headings, which are poems themselves or parts of the book."""
    places = [n for n, head in enumerate(heads) if head in tops]
    groups = [
        (heads[n], heads[n + 1 : end]) for n, end in zip(places, [*places[1:], len(heads)], strict=True)
    ]
    alone = sum(not inner and top.has_poem for top, inner in groups) / len(groups)
    for head in heads[: places[0]]:
        if head.lines:
            yield _poem(head)
    for top, inner in groups:
        is_part = bool(inner) and _is_part(top, inner, alone)
        if top.lines or (inner and not is_part):
            yield _poem(top)
        if is_part:
            yield from _below(inner, _tops(inner))
        elif inner:
            yield from (
                _Poem(child.title or child.shown, child.start, child.end, True) for child in _tops(inner)
            )


def _is_part(top: VerseHeading, inner: Sequence[VerseHeading], alone: float) -> bool:
    """Whether a heading is that of a part of the book, with poems under it; else they are parts of a poem.

    `alone`: the share of the headings on its level that have a poem and no headings under them.
    """
    children = _tops(inner)
    if len(children) == 1:
        return False
    numbered = [child for child in children if child.label is not None]
    if 5 * len(numbered) < 4 * len(children):
        return True
    if _COLLECTION.search(top.title):
        return True
    titled = sum(bool(child.title) for child in children) >= _TITLED * len(children)
    return (alone <= _MOSTLY if titled else alone == 0) and _are_poems(children, "")


def _are_poems(tops: Sequence[VerseHeading], book_title: str) -> bool:
    """Whether numbered parts of a book are poems of their own, not stanzas or cantos of one."""
    if _COLLECTION.search(book_title):
        return True
    usual = median(top.lines for top in tops)
    titled = sum(bool(top.title) for top in tops) >= _TITLED * len(tops)
    return not any(top.is_canto for top in tops) and usual <= _LONG and (titled or usual > _STANZA)


def _roman(number: int) -> str:
    shown = ""
    for value, sign in (
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ):
        shown += sign * (number // value)
        number %= value
    return shown


def _apart(blocks: Sequence[Block]) -> Iterator[_Poem]:
    """Poems without headings, with wider gaps between them than between stanzas."""
    gaps = [n for n, block in enumerate(blocks) if n and block.gap >= _WIDE and not block.level]
    if len(gaps) >= _FEWEST - 1 and 2 * len(gaps) <= len(blocks):
        for n in [0, *gaps]:
            yield _Poem("", blocks[n].start, blocks[n].start)


# -- the plan ---------------------------------------------------------------------------------------------


def _with_parts(poems: Sequence[_Poem], heads: Sequence[VerseHeading], *, joined: bool) -> list[_Poem]:
    """The poems, each beginning with the headings above it that have no text, such as that of a part of the book.

    `joined`: these are in its title too.
    """
    places = {head.start: n for n, head in enumerate(heads)}
    own = {poem.start for poem in poems}
    made = []
    for poem in poems:
        first = places.get(poem.start, 0)
        while first > 0 and _is_bare(heads[first - 1]) and heads[first - 1].start not in own:
            first -= 1
        above = heads[first : places.get(poem.start, 0)]
        if above:
            poem = replace(
                poem,
                start=above[0].start,
                above=tuple(head.title or head.shown for head in above) if joined else (),
            )
        made.append(poem)
    return made


def _is_bare(head: VerseHeading) -> bool:
    return not head.lines and not head.dropped


def _plans(
    text: str,
    blocks: Sequence[Block],
    heads: Sequence[VerseHeading],
    poems: Sequence[_Poem],
    title: str,
    *,
    published: bool,
) -> list[Plan]:
    """The plans for these poems."""
    last = blocks[-1].end
    if published:
        last = end_of_text(text, blocks, poems[-1].body, last, is_omnibus=not poems[-1].is_chapter)
    cuts = [head.start for head in heads if head.dropped] if published else []
    plans: list[Plan] = []
    for poem, after in zip(poems, [*[other.start for other in poems[1:]], last], strict=True):
        cut = bisect_right(cuts, poem.body)
        end = min(after, cuts[cut]) if cut < len(cuts) else after
        if end <= poem.body:
            continue
        part = (one_title([*poem.above, poem.title]) if poem.is_chapter else "", poem.body, end)
        if poem.is_chapter and plans and (plans[-1].title or plans[-1].chaptered):
            before = plans[-1]
            plans[-1] = Plan(before.title, before.start, end, (*before.parts, part), True)
        else:
            name = title if poem.is_chapter else one_title([*poem.above, _title(text, poem, end)])
            plans.append(Plan(name, poem.start, end, (part,), poem.is_chapter))
    return plans


def _front(
    text: str, blocks: Sequence[Block], contents: Contents, after_page: int, first: int
) -> Iterator[Plan]:
    """What stands before the first poem of an unpublished book, without a list that the poems repeat."""
    own = [
        block
        for n, block in enumerate(blocks)
        if n >= after_page and not contents.start <= n < contents.end and block.start < first
    ]
    if own:
        gap = contents.end and own[0].start < blocks[contents.start].start < own[-1].start
        middle = blocks[contents.start].start if gap else own[-1].end
        parts = [("", own[0].start, min(middle, first))]
        if gap:
            parts.append(("", blocks[contents.end].start, first))
        yield Plan("", blocks[0].start, first, tuple(parts))


def _title(text: str, poem: _Poem, end: int) -> str:
    """A poem's title; without one, its first line, with its number before it."""
    if poem.title and not poem.is_number:
        return poem.title
    first = next((line.strip() for line in text[poem.body : end].split("\n") if line.strip()), "")
    label = label_of(one_line(text[poem.start : poem.body]))
    first = (
        first.strip(" _.,;:-\"'")
        if len(first) <= _LONGEST_TITLE
        else first[:_LONGEST_TITLE].rsplit(" ", 1)[0] + "..."
    )
    first = as_title(first) if is_capitals(first) else first
    return f"{_roman(label.number)}: {first}" if poem.is_number and label is not None else first
