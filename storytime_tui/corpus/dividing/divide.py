"""Dividing a document into clean stories with titles and chapters."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from storytime_tui.corpus.cleaning.apparatus import mark_pages
from storytime_tui.corpus.cleaning.clean import (
    Setting,
    caseless_wrap,
    clean_once,
    clean_parts,
    legible,
    passes_over,
    setting_of,
    wrap_width,
)
from storytime_tui.corpus.cleaning.gutenberg_marks import book_spans, credit_spans
from storytime_tui.corpus.cleaning.site_marks import site_text
from storytime_tui.corpus.dividing.blocks import blocks_of
from storytime_tui.corpus.dividing.borders import border_spans
from storytime_tui.corpus.dividing.collected import collected_plan
from storytime_tui.corpus.dividing.contents_list import contents_of
from storytime_tui.corpus.dividing.endings import trimmed
from storytime_tui.corpus.dividing.last_contents import before_last_contents
from storytime_tui.corpus.dividing.letters import one_novel
from storytime_tui.corpus.dividing.play_lines import speeches_in
from storytime_tui.corpus.dividing.plays import one_play, play_plan
from storytime_tui.corpus.dividing.poems import poem_plan
from storytime_tui.corpus.dividing.published import Plan, plans_of
from storytime_tui.corpus.dividing.screenplays import is_scene_line
from storytime_tui.corpus.dividing.structure import divisions_of
from storytime_tui.corpus.dividing.titles import as_title, key_of, title_and_body
from storytime_tui.corpus.dividing.unpublished import BookPlan, is_published, read_unpublished
from storytime_tui.corpus.document import Book, Chapter, Document, Heading, Row, Tale
from storytime_tui.stopping import stoppable

__all__ = ["Book", "divide", "read_book", "title_and_body"]

_NO_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")  # only newlines end the lines of a document
_HEADER_TITLE = re.compile(
    r"^Title:[ \t]*(\S[^\n]*(?:\n[ \t]+\S[^\n]*)*)"
    r"|^[ *]*(?:The )?Project Gutenberg(?:['’]s| E-?text,? of) (\S[^\n]*?)[* ]*(?:,? by(?: [^\n]*)?)?$",
    re.MULTILINE | re.IGNORECASE,
)
_HEADER = 20_000  # characters before a book that may contain its header


def divide(document: Document, *, plain: bool = True) -> tuple[Tale, ...]:
    """The clean stories of a document; () if it has none (licence text only, for example).

    A collection of stories is divided; a novel is one story with chapters; a text without recognised structure is
    one story. Quotes and dashes become ASCII unless `plain` is False.
    """
    return read_book(document, plain=plain).tales


def read_book(document: Document, *, plain: bool = True) -> Book:
    """The stories of a document, as from `divide`, with the title and author of the whole.

    Of a published book, front matter, notes and advertisements are dropped. Of an unpublished text only what is
    certainly not part of it is dropped: every word under its title or a heading is in one of its stories.
    """
    text = document.text
    if any(sign in text for sign in "\r\x85\u2028\u2029"):
        text = _NO_LINE_ENDS.sub(" ", text)
    text = legible(text, plain=plain)
    given_title = " ".join(document.title.split())
    if document.rows:
        return Book(_divided_into_rows(text, document.rows), as_title(given_title), document.author)
    if borders := border_spans(text):
        parts = _between(text, borders)
        if len([part for part in parts if part.strip()]) > 1:
            tales = _divided_tales(parts, wrapped=document.wrapped)
            return Book(tales, as_title(given_title), document.author)
        text = "".join(parts)  # a border before or after a single text
    given_author = document.author
    outside: list[tuple[int, int, str]] = []
    if (site := site_text(text)) is not None:
        text = site.text
        reason = "licence" if site.printed else "about the story"
        outside += [(first, last, reason) for first, last in site.lines]
        given_title, given_author = given_title or site.title, given_author or site.author
        document = replace(document, published=document.published or (site.printed and bool(site.title)))
    document = replace(document, headings=_headings_in(document, text))
    books: list[Book] = []
    line = at = 0
    for start, end in stoppable(book_spans(text)):
        before, line = line, line + text.count("\n", at, start)
        outside.append((before, line + (start > 0 and text[start - 1] != "\n"), "licence"))
        if text[start:end].strip():
            is_marked = end - start < len(text)
            book = _without_blank_end(text[start:end]) if is_marked else text
            if is_marked:
                credits = credit_spans(book)
                outside += [(*_lines_of(book, span, line), "credits") for span in credits]
                book = _blanked(book, credits)
            title = given_title or _title_in(text[max(at, start - _HEADER) : start])
            books.append(_read_one(book, document, title, line, published=is_marked or document.published))
            outside += books[-1].outside
        line += text.count("\n", start, end)
        at = end
    if at < len(text):
        outside.append((line, line + text.count("\n", at) + 1, "licence"))
    tales = tuple([tale for book in books for tale in book.tales])
    title = next((book.title for book in books if book.title), "") or as_title(given_title)
    author = given_author or next((book.author for book in books if book.author), "")
    return Book(tales, title, author, tuple(sorted(each for each in outside if each[0] < each[1])))


def _headings_in(document: Document, text: str) -> tuple[Heading, ...]:
    """The headings that the format marks, in order, without the scenes of a screenplay."""
    lines = text.split("\n") if document.headings else []
    scenes = {heading.line for heading in document.headings if is_scene_line(lines[heading.line])}
    marked = (heading for heading in document.headings if heading.line not in scenes)
    return tuple(sorted(marked, key=lambda heading: heading.line))


def _lines_of(text: str, span: tuple[int, int], first_line: int) -> tuple[int, int]:
    """The half-open range of lines with these characters; the text begins at `first_line`."""
    first = first_line + text.count("\n", 0, span[0])
    return first, first + text.count("\n", span[0], max(span[0], span[1] - 1)) + 1


def _without_blank_end(book: str) -> str:
    """A book without white space at its end, where the next marker may be in the same line."""
    words_end = len(book.rstrip())
    return book[: max(words_end, book.rfind("\n", words_end) + 1)]


def _between(text: str, borders: Sequence[tuple[int, int]]) -> list[str]:
    """The parts of a text before, between and after its borders, none of which contains a line end."""
    ends = [0, *[end for _, end in borders]]
    starts = [*[start for start, _ in borders], len(text)]
    return [text[start:end] for start, end in zip(ends, starts, strict=True)]


def _divided_tales(parts: Sequence[str], *, wrapped: bool) -> tuple[Tale, ...]:
    """The stories of a data set, one a part; they have no titles."""
    lines, line = [], 0
    for part in parts:
        after = line + part.count("\n")
        lines.append((line, after + 1))
        line = after
    cleaned = clean_parts(parts, setting_of("\n\n".join(parts), wrapped=wrapped))
    texts = [trimmed(part, sources=False) for part in cleaned]
    tales = [Tale("", text, lines=at) for text, at in zip(texts, lines, strict=True)]
    return tuple([tale for tale in _stable(tales, sources=False) if tale.text.strip()])


def _divided_into_rows(text: str, rows: Sequence[Row]) -> tuple[Tale, ...]:
    """One story for each row of a data set, or several if the row has borders in it."""
    lines = text.split("\n")
    places: list[tuple[Row, int, int]] = []
    parts: list[str] = []
    for row, (line, end) in zip(rows, pairwise([*[row.line for row in rows], len(lines)]), strict=True):
        if row.chapters:
            for first, last in pairwise([*[each.line for each in row.chapters], end]):
                places.append((row, first, last))
                parts.append("\n".join(lines[first:last]))
            continue
        told = "\n".join(lines[line:end])
        for part in _between(told, border_spans(told)):
            places.append((row, line, line + part.count("\n") + 1))
            parts.append(part)
            line += part.count("\n")
    tales = []
    cleaned = clean_parts(parts, setting_of(""))
    for row, own_parts in groupby(zip(places, cleaned, strict=True), key=lambda each: each[0][0]):
        each_part = [(*place, trimmed(part, sources=False)) for place, part in own_parts]
        if row.chapters:
            tales.append(_with_chapters(row, each_part))
            continue
        for _, line, end, part in each_part:
            title, body = title_and_body(part)
            own = bool(title) and (not row.title or key_of(title) == key_of(row.title))
            tales.append(Tale(row.title or title, body if own else part, lines=(line, end)))
    return tuple([tale for tale in _stable(tales, sources=False) if tale.text.strip()])


def _with_chapters(row: Row, parts: Sequence[tuple[Row, int, int, str]]) -> Tale:
    """The story of a row that is a book. A title with which a chapter's text begins is its own."""
    text, chapters = "", []
    for chapter, (_, _, _, part) in zip(row.chapters, parts, strict=True):
        title, body = title_and_body(part)
        is_own = bool(title) and (not chapter.title or key_of(title) == key_of(chapter.title))
        if not part.strip():
            continue
        text += "\n\n" if text else ""
        if chapter.title or title:
            chapters.append(Chapter(as_title(chapter.title) or title, len(text)))
        text += body if is_own else part
    return Tale(row.title, text, tuple(chapters), (parts[0][1], parts[-1][2]))


def _title_in(header: str) -> str:
    """The title in Project Gutenberg's header; "" if there is none."""
    titles = {
        bool(match[1]): match[1] or match[2] for match in reversed(list(_HEADER_TITLE.finditer(header)))
    }
    return titles.get(True) or titles.get(False) or ""


def _blanked(book: str, spans: Sequence[tuple[int, int]]) -> str:
    """A book with blank lines in place of these characters, so that line numbers don't change."""
    pieces, at = [], 0
    for start, end in spans:
        pieces += [book[at:start], "\n" * book.count("\n", start, end)]
        at = end
    return "".join([*pieces, book[at:]])


# -- one book ---------------------------------------------------------------------------------------------


def _read_one(book: str, document: Document, title: str, first_line: int, *, published: bool) -> Book:
    """One book of a document; it begins at the document's line `first_line`."""
    setting = setting_of(book, wrapped=document.wrapped)
    if setting.numbered_pages:
        book = mark_pages(book)
    headings = document.headings
    first = bisect_left(headings, first_line, key=lambda heading: heading.line)
    last = bisect_left(headings, first_line + book.count("\n") + 1, key=lambda heading: heading.line)
    every = blocks_of(book, headings[first:last], first_line)
    blocks = before_last_contents(book, every)
    if not blocks:
        return Book(())
    contents = contents_of(book, blocks)
    # the second line of a title is like "or, ...", "and other tales"
    short_title = as_title(title.strip().split("\n")[0])
    outside: list[tuple[int, int, str]] = []
    if contents.end:
        listed = blocks[contents.start].start, blocks[contents.end - 1].end
        outside.append((*_lines_of(book, listed, first_line), "contents list"))
    if len(blocks) < len(every):
        listed = every[len(blocks)].start, every[-1].end
        outside.append((*_lines_of(book, listed, first_line), "contents list"))
    published = published or is_published(book, blocks, contents)
    speeches = speeches_in(book, blocks)
    if play := play_plan(book, blocks, contents, short_title, speeches, published=published):
        book_plan = play
    elif poems := poem_plan(book, blocks, contents, short_title, published=published):
        book_plan = poems
    elif published:
        divisions = divisions_of(book, blocks, contents, title)
        plans = plans_of(book, blocks, contents.end, divisions, short_title)
        book_plan = BookPlan(short_title, "", tuple(plans))
    elif collected := collected_plan(book, blocks, contents, short_title):
        book_plan = collected
    else:
        book_plan = read_unpublished(book, blocks, short_title)
    if speeches.places and not play:
        book_plan = one_play(book, book_plan, speeches)
    book_plan = one_novel(book, book_plan)
    sources = published and not book_plan.keeps_brackets
    tales = _planned(book, book_plan, setting, first_line, sources=sources)
    return Book(
        tuple([tale for tale in _stable(tales, sources=sources) if tale.text]),
        book_plan.title,
        book_plan.author,
        tuple(outside),
    )


def _planned(
    book: str, book_plan: BookPlan, setting: Setting, first_line: int, *, sources: bool
) -> list[Tale]:
    """The planned stories, cleaned. `sources`: a last line in brackets gives the source and is dropped."""
    parts = [book[start:end] for plan in book_plan.plans for _, start, end in plan.parts]
    cleaned = iter(clean_parts(parts, setting))
    tales = []
    line, at = first_line, 0
    for plan in stoppable(book_plan.plans):
        texts = [trimmed(next(cleaned), sources=sources) for _ in plan.parts]
        line += book.count("\n", at, plan.start)
        last = line + book.count("\n", plan.start, plan.end)
        # a last line that only begins is the next heading's
        starts_line = plan.end > 0 and book[plan.end - 1] == "\n"
        tales.append(_tale(plan, texts, (line, last if starts_line else last + 1), book_plan.title))
        line, at = last, plan.end
    return tales


def _tale(plan: Plan, texts: Sequence[str], lines: tuple[int, int], book_title: str) -> Tale:
    """A story, made of its cleaned parts."""
    text, chapters = "", []
    for (title, _, _), part in zip(plan.parts, texts, strict=True):
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


def _stable(tales: Sequence[Tale], *, sources: bool) -> list[Tale]:
    """The stories, cleaned until cleaning each one alone changes nothing."""
    again = clean_parts([tale.text for tale in tales], setting_of(""))
    return [
        tale if text == tale.text and _is_stable(text) else _cleaned_again(tale, sources=sources)
        for tale, text in stoppable(zip(tales, again, strict=True))
    ]


def _is_stable(text: str) -> bool:
    """Whether a text, cleaned alone, is taken neither for wrapped prose nor for a Gutenberg file."""
    blocks = [block.split("\n") for block in text.split("\n\n") if "\n" in block]
    return wrap_width(blocks) is None and caseless_wrap(text) is None and book_spans(text) == [(0, len(text))]


def _cleaned_again(tale: Tale, *, sources: bool) -> Tale:
    """A story cleaned alone. Chapters stay if they still begin a paragraph."""
    bounds = [0, *[chapter.start for chapter in tale.chapters], len(tale.text)]
    parts = [_cleaned_alone(tale.text[a:b], sources=sources) for a, b in pairwise(bounds)]
    text = "\n\n".join([part for part in parts if part])
    alone = _cleaned_alone(text, sources=sources)
    if alone != text:
        return replace(tale, text=alone, chapters=())
    chapters, at = [], 0
    for number, part in enumerate(parts):
        if number and part:
            chapters.append(replace(tale.chapters[number - 1], start=at))
        at += len(part) + 2 if part else 0
    return replace(tale, text=text, chapters=tuple(chapters))


def _cleaned_alone(text: str, *, sources: bool) -> str:
    """A text cleaned and trimmed until nothing changes."""
    for _ in range(passes_over(text)):
        once = trimmed(clean_once(text, plain=False), sources=sources)
        if once == text:
            break
        text = once
    return text
