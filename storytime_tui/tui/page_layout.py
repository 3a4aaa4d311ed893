"""Lays out a story in rows: which characters of its text stand in each, and who wrote them. Knows no widget.

A row is a range of the story's text, so that any place in the text is found on the page, and the other way round.
A story that grows costs its last paragraph only, however long it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from storytime_tui.stories.paragraphs import are_paragraphs
from storytime_tui.stories.story import Passage, Writer
from storytime_tui.terminal import printable

WIDEST = 72  # cells; longer lines are hard to read
BEING_TOLD = 0  # the passage of words that are not in the store yet
VIEW_RULE = "the model sees from here"

# characters that may not be one cell wide: all but Latin ones and the quotes and dashes of English
_UNEVEN = re.compile("[^\x20-\u02ff\u2010-\u2027\u2030-\u205e]")


class Row(NamedTuple):
    """A row of the page: the characters `start` to `end` of the story, or a blank row or the rule, which have none."""

    start: int
    end: int
    kind: str = ""  # "blank" or "rule", else text


class Piece(NamedTuple):
    """Some text of the story by one writer: it ends before the next piece begins."""

    start: int
    writer: Writer
    passage: int


class _Paragraph(NamedTuple):
    start: int  # its first character
    row: int  # its first row, which is blank or the rule if something stands before it


class PageLayout:
    """The rows of a story for one width. Changed in place, as the story grows."""

    def __init__(self, width: int = WIDEST) -> None:
        self.width = max(1, width)
        self.text = ""
        self.rows: list[Row] = []
        self.pieces: list[Piece] = []
        self.view_begins: int | None = None  # the first character that the model sees; None without a rule
        self._paragraphs: list[_Paragraph] = []

    def load(self, passages: Iterable[Passage]) -> None:
        """Lay out these passages, from the first to the last."""
        passages = tuple(passages)
        self.pieces, start = [], 0
        for passage in passages:
            if passage.text:
                self.pieces.append(Piece(start, passage.writer, passage.id))
                start += len(passage.text)
        self.text = "".join(passage.text for passage in passages)
        self._lay(0)

    def append(self, writer: Writer, text: str, passage: int = BEING_TOLD) -> None:
        """Add text at the end. Only the last paragraph is laid out again."""
        if not text:
            return
        last = self.pieces[-1] if self.pieces else None
        if last is None or (last.writer, last.passage) != (writer, passage):
            self.pieces.append(Piece(len(self.text), writer, passage))
        self.text += text
        self._lay(max(0, len(self._paragraphs) - 1))

    def name(self, passage: int, new: int) -> None:
        """Give a passage another id."""
        self.pieces = [
            each._replace(passage=new) if each.passage == passage else each for each in self.pieces
        ]

    def resize(self, width: int) -> None:
        """Lay out all rows for another width."""
        if max(1, width) != self.width:
            self.width = max(1, width)
            self._lay(0)

    def show_view(self, begins: int | None) -> None:
        """Draw the rule above the paragraph with this character; None or 0: without a rule."""
        begins = begins or None
        if begins != self.view_begins:
            self.view_begins = begins
            self._lay(0)

    # -- places ---------------------------------------------------------------------------------------

    def row_at(self, place: int) -> int:
        """The row with this character, or the nearest before it; 0 on an empty page."""
        at = bisect_right(self._paragraphs, place, key=lambda paragraph: paragraph.start) - 1
        if at < 0:
            return 0
        row = self._paragraphs[at].row
        best = row
        while row < len(self.rows) and (self.rows[row].kind or self.rows[row].start <= place):
            best = row if not self.rows[row].kind else best
            row += 1
        return best

    def place_at(self, row: int, cell: int) -> int | None:
        """The character in this row at this cell, or the last one before it; None outside the text."""
        if not 0 <= row < len(self.rows) or self.rows[row].kind:
            return None
        start, end, _ = self.rows[row]
        used = 0
        for place in range(start, end):
            used += cell_len(self.text[place])
            if used > cell:
                return place
        return max(start, end - 1)

    def piece_at(self, place: int) -> int:
        """The index of the piece with this character; -1 on an empty page."""
        return bisect_right(self.pieces, place, key=lambda piece: piece.start) - 1

    def passage_at(self, place: int) -> int | None:
        """The passage of a character; None on an empty page."""
        at = self.piece_at(place)
        return self.pieces[at].passage if at >= 0 else None

    def extent(self, passage: int) -> tuple[int, int] | None:
        """The characters of a passage: its first and the one after its last; None if it has no text here."""
        for at, piece in enumerate(self.pieces):
            if piece.passage == passage:
                after = self.pieces[at + 1].start if at + 1 < len(self.pieces) else len(self.text)
                return piece.start, after
        return None

    def passages(self) -> Sequence[int]:
        """The passages with text, from the first to the last."""
        return [piece.passage for piece in self.pieces]

    # -- rows -----------------------------------------------------------------------------------------

    def _lay(self, first: int) -> None:
        """Lay out the paragraphs from this one on."""
        start = self._paragraphs[first].start if first < len(self._paragraphs) else 0
        before = self._before(first) if first else ""
        if first < len(self._paragraphs):
            del self.rows[self._paragraphs[first].row :]
        elif not first:
            self.rows = []
        del self._paragraphs[first:]
        gap = False
        for line in self.text[start:].split("\n"):
            if line.strip():
                self._paragraphs.append(_Paragraph(start, len(self.rows)))
                if before and (gap or self._gap_before(start) or are_paragraphs(before, line)):
                    self.rows.append(Row(start, start, "blank"))
                if self.view_begins is not None and self._begins_view(start, start + len(line)):
                    self.rows.append(Row(start, start, "rule"))
                self.rows.extend(Row(start + a, start + b) for a, b in wrapped_ranges(line, self.width))
                before, gap = line, False
            else:
                gap = True
            start += len(line) + 1

    def _before(self, paragraph: int) -> str:
        """The text of the paragraph before this one."""
        start = self._paragraphs[paragraph - 1].start
        return self.text[start : self.text.index("\n", start)]

    def _gap_before(self, start: int) -> bool:
        """Whether an empty line stands before the paragraph."""
        end = start - 1  # of the line before
        return end > 0 and not self.text[self.text.rfind("\n", 0, end) + 1 : end].strip()

    def _begins_view(self, start: int, end: int) -> bool:
        """Whether the view begins in this paragraph, or in the empty lines before it."""
        assert self.view_begins is not None
        earlier = self._paragraphs[-2].start if len(self._paragraphs) > 1 else -1
        shown = any(row.kind == "rule" for row in self.rows[-3:])
        after_last = earlier < 0 or self.view_begins >= self._end_of(earlier)
        return not shown and after_last and self.view_begins <= end and bool(self.view_begins or start)

    def _end_of(self, start: int) -> int:
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end


def wrapped_ranges(line: str, width: int) -> Iterator[tuple[int, int]]:
    """Break a line into rows of at most `width` cells: the range of characters of each, without spaces at its end.

    Rows break between words; a word breaks only if it is wider than a row. Spaces at the line's start are kept, for the
    shape of verse, up to half a row.
    """
    end = len(line.rstrip())
    indent = len(line) - len(line.lstrip())
    start = max(0, indent - width // 2)
    if not _UNEVEN.search(line):
        if end - start <= width:
            yield start, end
        else:
            yield from _simple(line[:end], start, indent, width)
    else:
        yield from _by_cells(line[:end], start, indent, width)


@lru_cache(maxsize=8)
def _rows_of(width: int) -> re.Pattern[str]:
    # as many words as fit; a word wider than a row is cut
    return re.compile(rf"(?=\S)(?:(.{{1,{width}}})(?:\s+|$)|(.{{{width}}}))")


def _simple(line: str, start: int, indent: int, width: int) -> Iterator[tuple[int, int]]:
    first = _rows_of(width - (indent - start)).match(line, indent)
    assert first is not None  # the line is not empty and wider than a row
    yield start, first.end(1) if first[1] else first.end(2)
    for row in _rows_of(width).finditer(line, first.end()):
        yield row.start(), row.end(1) if row[1] else row.end(2)


def _by_cells(line: str, start: int, indent: int, width: int) -> Iterator[tuple[int, int]]:
    begin, end, used = start, start, indent - start  # of the current row, and its cells
    for word in re.finditer(r"\S+", line):
        at, length = word.start(), cell_len(_one_line(word[0]))
        gap = at - end if end > start else 0
        if used + gap + length <= width:
            end, used = word.end(), used + gap + length
            continue
        if end > begin and end > indent:
            yield begin, end
        begin = at
        while cell_len(_one_line(line[begin : word.end()])) > width:
            head = chop_cells(_one_line(line[begin : begin + 4 * width]), width)[0] or line[begin]
            yield begin, begin + len(head)
            begin += len(head)
        end, used = word.end(), cell_len(_one_line(line[begin : word.end()]))
    if end > begin:
        yield begin, end


def _one_line(text: str) -> str:
    """The text as a row shows it: control characters become visible signs, a tab is a space. The length stays."""
    return printable(text).replace("\t", " ").replace("\n", " ")
