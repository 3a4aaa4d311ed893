"""One file's text as the stories in it, cleaned, with their titles and chapters."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from storytime_tui.corpus.cleaning import clean, clean_parts, legible, setting_of, wrap_width
from storytime_tui.corpus.document import Chapter, Document, Tale
from storytime_tui.corpus.layout.apparatus import mark_pages
from storytime_tui.corpus.layout.blocks import Block, blocks_of, is_prose
from storytime_tui.corpus.layout.contents import contents_of
from storytime_tui.corpus.layout.endings import end_of_text, trimmed
from storytime_tui.corpus.layout.gutenberg_marks import book_spans, credit_spans
from storytime_tui.corpus.layout.structure import Division, divisions_of
from storytime_tui.corpus.layout.titles import as_title, key_of
from storytime_tui.terminal import printable_line


def title_and_body(text: str) -> tuple[str, str]:
    """A clean text's title and the rest, where its first line is a heading; else "" and the whole text.

    A heading stands alone before a blank line, is short, begins with a capital or a digit, and does not end
    as a sentence does; one that ends with "!" or "?" must have a capital on each of its longer words.
    """
    line, separator, body = text.partition("\n\n")
    heading = line.strip()
    words = heading.split()
    if not separator or "\n" in heading or not body.strip() or not 1 <= len(words) <= 12 or len(heading) > 70:
        return "", text
    if not (heading[0].isupper() or heading[0].isdigit()) or heading[-1] in ".,;:-'\"":
        return "", text
    if heading[-1] in "!?" and not all(word[0].isupper() for word in words if len(word) > 4):
        return "", text
    return as_title(heading) or printable_line(heading), body.strip("\n")


_NO_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")  # a document's lines are parted by newlines alone
_BLANK_END = re.compile(r"[^\S\n]+\Z")  # a marker may stand in the middle of a line: the book ends before it
_END_OF_TEXT = "<|endoftext|>"  # it ends a text wherever it stands: no model may learn it as a word
_HEADER_TITLE = re.compile(
    r"^Title:[ \t]*(\S[^\n]*(?:\n[ \t]+\S[^\n]*)*)"
    r"|^[ *]*(?:The )?Project Gutenberg(?:['’]s| E-?text,? of) (\S[^\n]*?)[* ]*(?:,? by [^\n]*)?$",
    re.MULTILINE | re.IGNORECASE,
)
_HEADER = 20_000  # characters before a book: its own header stands there
_MOST_PASSES = 12
_PREAMBLE = 0.05  # of a published book: so much text before its first heading is more than front matter
_PROSE = (
    800  # characters: as much is more where front matter has been told apart already, before a contents list
)


def divide(document: Document, *, plain: bool = True) -> tuple[Tale, ...]:
    """The stories of a document, cleaned; () where it holds none (licence text alone, or nothing).

    An omnibus becomes its stories; a novel is one story with chapters; where no structure shows, everything
    is one story. Quotes and dashes become plain ASCII unless `plain` is False.
    """
    text = legible(_NO_LINE_ENDS.sub(" ", document.text), plain=plain)
    if _END_OF_TEXT in text:
        return _divided_at_marks(text, wrapped=document.wrapped)
    document = replace(document, headings=tuple(sorted(document.headings, key=lambda heading: heading.line)))
    tales: list[Tale] = []
    line = at = 0
    for start, end in book_spans(text):
        line += text.count("\n", at, start)
        if text[start:end].strip():
            book = _without_credits(_BLANK_END.sub("", text[start:end])) if end - start < len(text) else text
            title = " ".join(document.title.split()) or _title_in(text[max(at, start - _HEADER) : start])
            tales += _tales_of(book, document, title, line)
        line += text.count("\n", start, end)
        at = end
    return tuple(tales)


def title_of(document: Document) -> str:
    """What a document is called, by its format or by Project Gutenberg's header; "" where neither says."""
    start = book_spans(document.text)[0][0]
    found = document.title or _title_in(document.text[max(0, start - _HEADER) : start])
    return as_title(found.strip().split("\n")[0])


def _divided_at_marks(text: str, *, wrapped: bool) -> tuple[Tale, ...]:
    """The stories between lines of `<|endoftext|>`, which have no titles."""
    parts, lines, line = [], [], 0
    for part in text.split(_END_OF_TEXT):
        after = line + part.count("\n")
        parts.append(part)
        lines.append((line, after + 1))
        line = after
    texts = [trimmed(part) for part in clean_parts(parts, setting_of(text, wrapped=wrapped))]
    tales = [Tale("", text, lines=at) for text, at in zip(texts, lines, strict=True)]
    return tuple([tale for tale in _settled(tales) if tale.text.strip()])


def _title_in(header: str) -> str:
    """The title that Project Gutenberg's header gives; "" where there is none."""
    found = {bool(match[1]): match[1] or match[2] for match in reversed(list(_HEADER_TITLE.finditer(header)))}
    return found.get(True) or found.get(False) or ""


def _without_credits(book: str) -> str:
    """A book with blank lines in place of those that say who made the file: no line changes its number."""
    pieces, at = [], 0
    for start, end in credit_spans(book):
        pieces += [book[at:start], "\n" * book.count("\n", start, end)]
        at = end
    return "".join([*pieces, book[at:]])


# -- one book ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """Where a story stands in its book. `parts`: for each chapter its title and its range of characters."""

    title: str
    start: int
    end: int
    parts: tuple[tuple[str, int, int], ...]
    chaptered: bool = False


def _tales_of(book: str, document: Document, title: str, first_line: int) -> list[Tale]:
    """The stories of one book; `first_line` is the document's line that it begins with."""
    setting = setting_of(book, wrapped=document.wrapped)
    if setting.numbered_pages:
        book = mark_pages(book)
    headings = document.headings
    first = bisect_left(headings, first_line, key=lambda heading: heading.line)
    last = bisect_left(headings, first_line + book.count("\n") + 1, key=lambda heading: heading.line)
    blocks = blocks_of(book, headings[first:last], first_line)
    if not blocks:
        return []
    contents = contents_of(book, blocks)
    divisions = divisions_of(book, blocks, contents, title)
    title = as_title(title.strip().split("\n")[0])  # its second line says "or, ...", "and other tales"
    plans = _plans(book, blocks, contents.end, divisions, title)
    parts = [book[start:end] for plan in plans for _, start, end in plan.parts]
    cleaned = iter(clean_parts(parts, setting))
    tales = []
    line, at = first_line, 0
    for plan in plans:
        texts = [next(cleaned) for _ in plan.parts]
        line += book.count("\n", at, plan.start)
        last = line + book.count("\n", plan.start, plan.end)
        starts_line = (
            plan.end > 0 and book[plan.end - 1] == "\n"
        )  # the next heading's, which is not of this one
        tales.append(_tale(plan, texts, (line, last if starts_line else last + 1), title))
        line, at = last, plan.end
    return [tale for tale in _settled(tales) if tale.text]


def _plans(
    book: str, blocks: Sequence[Block], contents_end: int, divisions: Sequence[Division], title: str
) -> list[_Plan]:
    """Which part of a book makes which story; its contents list ends before block `contents_end`."""
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
    plans: list[_Plan] = []
    for division, end in zip(divisions, bounds, strict=True):
        part = (division.title if division.kind == "chapter" else "", division.body, end)
        if division.kind == "story" or (division.kind == "chapter" and not plans):
            name = division.title if division.kind == "story" else title
            plans.append(_Plan(name, division.start, end, (part,), division.kind == "chapter"))
        elif division.kind in ("chapter", "section") and plans:
            plan = plans[-1]
            plans[-1] = replace(plan, end=end, parts=(*plan.parts, part), chaptered=True)
    if is_omnibus and len(plans) == 1 and title and not plans[0].chaptered:
        plans = [replace(plans[0], title=title)]
    least = _PROSE if contents_end else _PREAMBLE * len(book) if title else 1
    before = _preamble(book, blocks[contents_end:], divisions[0].start, least)
    if before is not None and is_omnibus:
        return [_Plan("", before[0], before[1], (("", *before),)), *plans]
    if before is not None:
        plans[0] = replace(plans[0], start=before[0], parts=(("", *before), *plans[0].parts))
    return plans


def _whole(book: str, blocks: Sequence[Block], outside: Sequence[Division], title: str) -> _Plan:
    """A book in which no story's heading was found, as one story; what stands under "Notes" at its end is cut."""
    back = min((division.start for division in outside if division.kind == "back"), default=blocks[-1].end)
    end = end_of_text(book, blocks, blocks[0].start, back, is_omnibus=False)
    return _Plan(title, blocks[0].start, end, (("", blocks[0].start, end),))


def _preamble(book: str, blocks: Sequence[Block], first: int, least: float) -> tuple[int, int] | None:
    """The text before a book's first heading, where there is so much prose in it that it can be no front matter."""
    before = [block for block in blocks if block.end <= first]
    prose = [block for block in before if is_prose(book, block)]
    if sum(block.end - block.start for block in prose) < least:
        return None
    return (before[0].start, before[-1].end) if prose else None


def _tale(plan: _Plan, texts: Sequence[str], lines: tuple[int, int], book_title: str) -> Tale:
    """A story of its cleaned parts."""
    text, chapters = "", []
    for (title, _, _), part in zip(plan.parts, texts, strict=True):
        part = trimmed(part)
        if part:
            text += "\n\n" if text else ""
            if title:
                chapters.append(Chapter(title, len(text)))
            text += part
    if chapters or (plan.title and plan.title != book_title):
        return Tale(plan.title, text, tuple(chapters), lines)
    title, body = title_and_body(text)
    if plan.title and key_of(title) != key_of(plan.title):
        return Tale(plan.title, text, (), lines)
    return Tale(title or plan.title, body, (), lines)


def _settled(tales: Sequence[Tale]) -> list[Tale]:
    """The stories as cleaning leaves them alone: each is, by itself, a clean text."""
    again = clean_parts([tale.text for tale in tales], setting_of(""))
    return [
        tale if text == tale.text and _stands(text) else _cleaned_again(tale)
        for tale, text in zip(tales, again, strict=True)
    ]


def _stands(text: str) -> bool:
    """Whether a text read by itself is taken neither for wrapped prose nor for Project Gutenberg's."""
    blocks = [block.split("\n") for block in text.split("\n\n") if "\n" in block]
    return wrap_width(blocks) is None and book_spans(text) == [(0, len(text))]


def _cleaned_again(tale: Tale) -> Tale:
    """A story cleaned as a text of its own; its chapters are found again where each still begins a paragraph."""
    bounds = [0, *[chapter.start for chapter in tale.chapters], len(tale.text)]
    parts = [_cleaned_alone(tale.text[a:b]) for a, b in pairwise(bounds)]
    text = "\n\n".join([part for part in parts if part])
    alone = _cleaned_alone(text)
    if alone != text:
        return replace(tale, text=alone, chapters=())
    chapters, at = [], 0
    for number, part in enumerate(parts):
        if number and part:
            chapters.append(replace(tale.chapters[number - 1], start=at))
        at += len(part) + 2 if part else 0
    return replace(tale, text=text, chapters=tuple(chapters))


def _cleaned_alone(text: str) -> str:
    """A text cleaned and trimmed until both leave it as it is."""
    for _ in range(_MOST_PASSES):
        once = trimmed(clean(text, plain=False))
        if once == text:
            break
        text = once
    return text
