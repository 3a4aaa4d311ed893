"""Lays out a story in rows: which characters of its text stand in each, and who wrote them. Knows no widget.

A row is a range of the story's text, so that any place in the text is found on the page, and the other way round.
A story that grows costs its last paragraph only, however long it is.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from storytime_tui.stories.paragraphs import are_paragraphs
from storytime_tui.stories.story import Passage, Writer
from storytime_tui.tui.line_breaks import clusters, is_right_to_left, one_line, wrapped_ranges

WIDEST = 72  # cells; longer lines are hard to read
BEING_TOLD = 0  # the passage of words that are not in the store yet
VIEW_RULE = "the model sees from here"


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

    def append(self, writer: Writer, text: str, passage: int = BEING_TOLD) -> int:
        """Add text at the end. Only the last paragraph is laid out again. Returns the first row that changed."""
        if not text:
            return len(self.rows)
        last = self.pieces[-1] if self.pieces else None
        if last is None or (last.writer, last.passage) != (writer, passage):
            self.pieces.append(Piece(len(self.text), writer, passage))
        self.text += text
        first = max(0, len(self._paragraphs) - 1)
        row = self._paragraphs[first].row if self._paragraphs else 0
        before = self.rows[row:]
        self._lay(first)
        pairs = zip(before, self.rows[row:], strict=False)
        return row + sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

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
        used, last = self.indent(row), start
        for sign in clusters(self.text[start:end]):
            used, last = used + sign.cells, start + sign.start
            if used > cell:
                break
        return last

    def indent(self, row: int) -> int:
        """The cells before a row of text: rows of a paragraph that is written from right to left end at the margin."""
        start, end, kind = self.rows[row]
        if kind or self.text.isascii():
            return 0
        at = bisect_right(self._paragraphs, start, key=lambda paragraph: paragraph.start) - 1
        if not is_right_to_left(self.text[self._paragraphs[at].start : end]):
            return 0
        return max(0, self.width - cell_len(one_line(self.text[start:end])))

    def is_break_after(self, row: int, start: int, end: int) -> bool:
        """Whether these characters are a line break between this row and the next one with text."""
        if self.text[start:end].strip():
            return False
        after = next(
            (each.start for each in self.rows[row + 1 : row + 4] if not each.kind), len(self.text) + 1
        )
        return not self.rows[row].kind and self.rows[row].end <= start < after

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
