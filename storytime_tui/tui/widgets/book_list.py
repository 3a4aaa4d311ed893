"""A list of books, with an optional offer as its last line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.message import Message

from storytime_tui.formatting import size
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.widgets.line_list import LineList, Parts

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.books import GutenbergBook

_RIGHT = 10  # cells of the last column


class BookList(LineList):
    """Shows title, author, year and size, and which books are on the shelf."""

    BINDINGS = []

    class Chosen(Message):
        """A line was clicked on."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.books: Sequence[GutenbergBook] = ()
        self.offer = ""
        self.shelf: Mapping[int, str] = {}

    def show(self, books: Sequence[GutenbergBook], offer: str = "") -> None:
        """Show these books from the top."""
        self.books, self.offer = books, offer
        self.jump(0)
        self.lines_changed(0)

    @property
    def book(self) -> GutenbergBook | None:
        """The book under the cursor; None on the offer or in an empty list."""
        return self.books[self.cursor] if self.cursor < len(self.books) else None

    def count(self) -> int:
        """The number of lines: the books and the offer."""
        return len(self.books) + bool(self.offer)

    def parts(self, row: int, width: int) -> Parts:
        """Three columns; a wide list also shows the year."""
        if row >= len(self.books):
            return ((fitted(" " + printable_line(self.offer), width), "mark"),)
        book = self.books[row]
        year = f" {book.year[:4]:>4}" if width >= 88 else ""
        author = (width - _RIGHT) * 3 // 10
        known = book.number in self.shelf
        last = "on shelf" if known else size(book.bytes) if book.bytes else ""
        return (
            (" " + fitted(printable_line(book.title), width - author - len(year) - _RIGHT - 3) + "  ", ""),
            (fitted(printable_line(book.author), author) + year, "quiet"),
            (last.rjust(_RIGHT - 1) + " ", "mark" if known else "quiet"),
        )

    def pressed(self, row: int, column: int) -> None:
        """Choose the clicked line."""
        self.post_message(self.Chosen())
