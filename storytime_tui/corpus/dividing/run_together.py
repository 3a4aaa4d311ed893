"""Tales that stand one after the other in an unmarked text, each under its title, with a row of stars or THE END
between them, or with a line "by Somebody" under each title."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from storytime_tui.corpus.dividing.blocks import blocks_of
from storytime_tui.corpus.dividing.heading_rules import has_title_case, is_frame, label_of, matter_of
from storytime_tui.corpus.dividing.heroes import OF_STORIES, have_one_hero
from storytime_tui.corpus.dividing.pieces import END, Piece, pieces_of
from storytime_tui.corpus.dividing.title_page import author_in, title_page_of
from storytime_tui.corpus.dividing.titles import as_title, is_capitals, is_title, key_of
from storytime_tui.stopping import stoppable

_ALMOST_ALL = 0.8  # of the parts between rows begin with a title
_DISTINCT = (
    0.9  # of the titles differ; the scenes of a novel are often called after two or three people in turn
)
_FEW = 0.3  # of the titles may say when a scene takes place
_HEAD, _PAGE = 400, 4  # characters and pieces in which a title page is looked for
_LONGEST_TITLE, _MOST_LINES = 120, 4  # characters and lines of a title with an author under it
_MOST_KINDS = 12  # of rows; more are no signs between parts
_LONGEST_FRONT = 12  # paragraphs between the title of the whole and that of the first tale
_LEAST_TALE = 200  # characters of each of two tales that only one row parts
_OPENING_SIGNS = "\"'“‘„«¡¿(*_…"
_SIGNS = "*_~=-–—#<>•·+"  # around a title
_UNDERLINES = frozenset("-=~_")
_QUOTES = "\"“”„‘’'«»"
_DEDICATION = re.compile(r"(?:for|to|dedicated|in memory|an?|für|pour|para|per|aan|а|для)\b", re.IGNORECASE)
_TIME = re.compile(
    r"\b\d{4}\b|\b\d{1,2}[:.]\d\d\b|^(?:day|week|year|month) \w+$"
    r"|\b(?:later|earlier|afterwards?|meanwhile|ago|today|tomorrow|yesterday|now|then|before|present)\b"
    r"|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september"
    r"|october|november|december)\b"
    r"|(?:the )?(?:next|same|following|that|first|last) (?:day|morning|evening|night|afternoon|week|month|year)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Told:
    """A tale among others: its title and author ("" if it names none); `start`: its title; `body` to `end`: its text.

    `may_be_chapter`: a number stands before its title, or a row under it.
    """

    title: str
    author: str
    start: int
    body: int
    end: int
    may_be_chapter: bool = False


@dataclass(frozen=True)
class Together:
    """The tales of a text, with the title and author of the whole; `before`: the range of its text above the first."""

    title: str
    author: str
    before: tuple[int, int] | None
    tales: tuple[Told, ...]


@dataclass(frozen=True)
class _Opening:
    """A title at piece `at`, with the text under it from piece `body` on."""

    at: int
    title: str
    author: str
    body: int
    may_be_chapter: bool = False


def tales_together(text: str, book_title: str = "") -> Together | None:
    """The tales of a text without marked headings; None if it has no such tales, as a story in scenes.

    `book_title`: from the file's format, "" if it gives none.
    """
    pieces = pieces_of(text)
    openings = _Openings(text, pieces)
    best: Together | None = None
    for kind in _kinds(pieces):
        starts = _starts(openings, kind)
        together = _together(openings, starts, book_title) if len(starts) > 1 else None
        if together is None or (best is not None and len(together.tales) <= len(best.tales)):
            continue
        if kind == END or _are_tales(text, together):
            best = together
    return best


# -- titles -----------------------------------------------------------------------------------------------


def _signed(text: str, pieces: Sequence[Piece]) -> Iterator[tuple[int, _Opening]]:
    """The titles with a line "by Somebody" under them, by their pieces."""
    for at, piece in stoppable(enumerate(pieces)):
        if piece.kind or piece.end - piece.start > _LONGEST_TITLE:
            continue
        lines = [line.strip() for line in text[piece.start : piece.end].split("\n")]
        body = at + 1
        if author := author_in(lines[-1]):
            lines.pop()
        elif body < len(pieces) and not pieces[body].kind:
            author, body = _author_at(text, pieces, body)
        if author and 0 < len(lines) <= _MOST_LINES and _may_be_signed(title := " ".join(lines)):
            yield at, _Opening(at, as_title(title), author, body)


def _author_at(text: str, pieces: Sequence[Piece], at: int) -> tuple[str, int]:
    """The author whom a piece names, or it and the next together; and the piece after that."""
    shown = text[pieces[at].start : pieces[at].end].strip()
    if shown.lower() in ("by", "written by") and at + 1 < len(pieces) and not pieces[at + 1].kind:
        at += 1
        shown += " " + text[pieces[at].start : pieces[at].end].strip()
    return author_in(shown), at + 1


def _underlined(text: str, pieces: Sequence[Piece]) -> Iterator[tuple[int, _Opening]]:
    """The titles with a row of dashes directly under them, by their pieces."""
    for at, (piece, row) in stoppable(enumerate(pairwise(pieces))):
        if (
            not piece.kind
            and row.start == piece.end + 1
            and set(row.kind) <= _UNDERLINES
            and len(row.kind) > 2
        ):
            opening = _marked_title_at(text, piece, at)
            if opening is not None:
                yield at, replace(opening, body=at + 2, may_be_chapter=True)


def _may_be_signed(title: str) -> bool:
    """Whether a line above "by Somebody" is a title; it may end like a sentence: "Who Goes There?"."""
    begins = title[0].isalnum() or title[0] in _OPENING_SIGNS or title.startswith("...")
    return begins and title[-1] not in ",;:" and not title[0].islower() and not author_in(title)


class _Openings:
    """The titles of a text that stand alone, or with an author, or with a row under them; each is looked for once."""

    def __init__(self, text: str, pieces: Sequence[Piece]) -> None:
        self.text, self.pieces = text, pieces
        self.sure = dict(_signed(text, pieces)) | dict(_underlined(text, pieces))
        self._known: dict[int, _Opening | None] = {}

    def at(self, place: int) -> _Opening | None:
        """The title at this piece; None if there is none, or no text under it."""
        if place not in self._known:
            self._known[place] = self._found(place)
        return self._known[place]

    def _found(self, at: int) -> _Opening | None:
        pieces = self.pieces
        opening = self.sure.get(at)
        if opening is None and pieces[at].end - pieces[at].start <= _LONGEST_TITLE:
            opening = _title_page_at(self.text, pieces, at) or _marked_title_at(self.text, pieces[at], at)
        if opening is None:
            return None
        body = opening.body
        if (
            body + 1 < len(pieces)
            and at
            and pieces[body].kind
            and pieces[body].kind == pieces[at - 1].kind != END
        ):
            body += 1  # rows above and below the title
        return replace(opening, body=body) if body < len(pieces) and not pieces[body].kind else None


def _title_page_at(text: str, pieces: Sequence[Piece], at: int) -> _Opening | None:
    start = pieces[at].start
    head = text[start : min(start + _HEAD, pieces[min(at + _PAGE, len(pieces) - 1)].end)]
    blocks = blocks_of(head)
    page = title_page_of(head, blocks)
    if not page.title:
        return None
    after = start + blocks[page.blocks - 1].end
    body = next((n for n in range(at, len(pieces)) if pieces[n].start >= after), len(pieces))
    return _Opening(at, page.title, page.author, body)


def _marked_title_at(text: str, piece: Piece, at: int) -> _Opening | None:
    """A title after a number, in quotes or between signs, in capitals with a full stop, or with a row under it."""
    shown = text[piece.start : piece.end].strip()
    label = label_of(shown)
    if label is not None and not label.noun and label.rest and "\n" not in shown:
        shown = label.rest
    bare = shown.strip(_SIGNS).strip()
    if bare and bare[0] in _QUOTES and bare[-1] in _QUOTES and has_title_case(bare[1:-1]):
        bare = bare[1:-1]
    elif bare.endswith(".") and is_capitals(bare):
        bare = bare[:-1]
    is_plain = is_title(bare) and label_of(bare) is None and matter_of(bare) is None and not is_frame(bare)
    return _Opening(at, as_title(bare), "", at + 1, may_be_chapter=label is not None) if is_plain else None


# -- where tales begin ------------------------------------------------------------------------------------


def _kinds(pieces: Sequence[Piece]) -> list[str]:
    """The signs that may part tales: THE END, each kind of row, and "" for none."""
    rows = list(dict.fromkeys(piece.kind for piece in pieces if piece.kind not in ("", END)))
    return [END, *(rows if len(rows) <= _MOST_KINDS else ()), ""]


def _starts(openings: _Openings, kind: str) -> list[_Opening]:
    """The titles after signs of this kind, those with an author, and that of the first tale.

    [] if some of the signs have no title after them.
    """
    pieces = openings.pieces
    found = {at: each for at in openings.sure if (each := openings.at(at)) is not None}
    after = list(_after(pieces, kind)) if kind else []
    for at in after:
        if (opening := openings.at(at)) is not None:
            found[at] = opening
    bodies = {opening.body for opening in found.values()}  # under a title between two rows
    after = [at for at in after if at in found or at not in bodies]
    if kind == END and after and after[-1] not in found:
        after.pop()  # what the author says after the last tale
    if kind and (not after or sum(at in found for at in after) < _ALMOST_ALL * len(after)):
        return []
    first = after[0] if after else min(found, default=0)
    # the first tale's title begins the text, or stands after signs of another kind, below a title page
    for at in range(first):
        if not pieces[at].kind and (at == 0 or pieces[at - 1].kind):
            opening = openings.at(at)
            found |= {at: opening} if opening is not None else {}
    return _with_text([found[at] for at in sorted(found)])


def _after(pieces: Sequence[Piece], kind: str) -> Iterator[int]:
    """The first paragraphs after signs of this kind, with or without other signs between."""
    is_after = False
    for at, piece in enumerate(pieces):
        if piece.kind:
            is_after = is_after or piece.kind == kind
        elif is_after:
            yield at
            is_after = False


def _with_text(starts: Sequence[_Opening]) -> list[_Opening]:
    """The titles that do not stand directly above the next one, except for the first of all."""
    return [
        each
        for n, each in enumerate(starts)
        if n == 0 or n + 1 == len(starts) or each.body < starts[n + 1].at
    ]


# -- the tales and what stands above them -----------------------------------------------------------------


def _together(openings: _Openings, starts: list[_Opening], book_title: str) -> Together | None:
    """The tales that begin with these titles; above the first there may be a title page, and a text under it."""
    text, pieces = openings.text, openings.pieces
    title, author = book_title, ""
    first = next(at for at, piece in enumerate(pieces) if not piece.kind)
    under = first  # the first piece that is neither the title nor the author of the whole
    if starts[0].at == first:
        inner = _first_tale(openings, starts[0], starts[1].at)
        if inner is not None:
            title, author, under = starts[0].title, starts[0].author, starts[0].body
            starts = [inner, *starts[1:]] if inner.at < starts[1].at else starts[1:]
    elif (page := _page_above(text, pieces, first, starts[0].at)) is not None:
        title, author, under = page.title, page.author, page.body
    if len(starts) < 2:
        return None
    tales = []
    for opening, after in zip(starts, [*[each.at for each in starts[1:]], len(pieces)], strict=True):
        last = _last_text(pieces, opening.body, after)
        tales.append(
            Told(
                opening.title,
                opening.author,
                pieces[opening.at].start,
                pieces[opening.body].start,
                pieces[last].end,
                opening.may_be_chapter,
            )
        )
    before = None
    if any(not piece.kind for piece in pieces[under : starts[0].at]):
        start = next(at for at in range(under, starts[0].at) if not pieces[at].kind)
        before = pieces[start].start, pieces[_last_text(pieces, start, starts[0].at)].end
    authors = {tale.author for tale in tales if tale.author}
    return Together(title, author or (authors.pop() if len(authors) == 1 else ""), before, tuple(tales))


def _last_text(pieces: Sequence[Piece], first: int, end: int) -> int:
    """The last of some pieces that is no row and no THE END."""
    return max((at for at in range(first, end) if not pieces[at].kind), default=first)


def _page_above(text: str, pieces: Sequence[Piece], first: int, end: int) -> _Opening | None:
    """The title of the whole, and its author, in the first pieces, below which no text stands."""
    page = dict(_signed(text, pieces[first : min(end, first + 3)])).get(0)
    if page is not None:
        return _Opening(first, page.title, page.author, first + page.body)
    shown = text[pieces[first].start : pieces[first].end]
    return _Opening(first, as_title(shown), "", first + 1) if is_title(shown) else None


def _first_tale(openings: _Openings, opening: _Opening, end: int) -> _Opening | None:
    """The title of the first tale, if `opening`, at a text's beginning, is the title of the whole; else None.

    It stands directly below, or below an introduction if the title speaks of stories.
    """
    if opening.body >= end:
        return _Opening(end, "", "", end)
    of_stories = OF_STORIES.search(opening.title) is not None
    below = min(end, opening.body + _LONGEST_FRONT) if of_stories else opening.body + 1
    for at in range(opening.body, below):
        piece = openings.pieces[at]
        if piece.kind or piece.end - piece.start > _LONGEST_TITLE:
            continue
        shown = openings.text[piece.start : piece.end]
        inner = openings.at(at)
        if inner is not None and inner.body < end and _is_title_in_style(shown):
            return inner
    return None


def _is_title_in_style(shown: str) -> bool:
    """Whether a line below a title is a title too, and no dedication or first line."""
    if "\n" in shown or _DEDICATION.match(shown):
        return False
    return is_capitals(shown) or has_title_case(shown) or not any(map(str.isupper, shown))


def _are_tales(text: str, together: Together) -> bool:
    """Whether parts with titles are tales, and not the scenes of a novel, called after times or people in turn."""
    tales = together.tales
    if len({key_of(tale.title) for tale in tales}) < _DISTINCT * len(tales):
        return False
    unsigned = [tale for tale in tales if not tale.author]
    if 2 * len(unsigned) < len(tales):
        return True
    if sum(_TIME.search(tale.title) is not None for tale in unsigned) > _FEW * len(unsigned):
        return False
    if len(tales) == 2 and min(tale.end - tale.body for tale in tales) < _LEAST_TALE:
        return False
    may_be_chapters = bool(together.title) or any(tale.may_be_chapter for tale in tales)
    if OF_STORIES.search(together.title) or not may_be_chapters:
        return True
    return not have_one_hero(text, [(tale.body, tale.end) for tale in tales])
