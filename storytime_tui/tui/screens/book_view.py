"""The book view: a story's text alone, page by page."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from storytime_tui.formatting import count
from storytime_tui.stories.story import Story
from storytime_tui.tui.book_pages import BookPage, page_at, pages_of
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.story_rows import WORDS_PER_MINUTE, reading_time
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.word_count import count_words


class BookScreen(StyledOnce, Screen[None]):
    """Shows a story to be read. The place is remembered while the app runs."""

    CSS_PATH = "book_view.tcss"
    help_topic = "book"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right", "turn(1)", "Next page", key_display="→ space", id="book.next", tooltip="Turn to the next page"
        ),
        Binding(
            "space,pagedown,down,enter", "turn(1)", "Next page", show=False, id="book.next_too",
            tooltip="Turn to the next page",
        ),
        Binding("left", "turn(-1)", "Page before", key_display="←", id="book.before", tooltip="Turn a page back"),
        Binding(
            "pageup,up,backspace", "turn(-1)", "Page before", show=False, id="book.before_too",
            tooltip="Turn a page back",
        ),
        Binding("home", "first", "Beginning", id="book.home", tooltip="Turn to the first page"),
        Binding("end", "last", "End", id="book.end", tooltip="Turn to the last page"),
        Binding("escape", "close", "Bookshelf", id="book.close", tooltip="Back to the bookshelf"),
    ]  # fmt: skip

    def __init__(self, desk: Desk, story: Story) -> None:
        super().__init__()
        self._desk, self._story = desk, story
        self._sheet = Static(id="book-page", markup=False)
        self._facts = Static(id="book-facts", markup=False)
        self._message = MessageLine()
        self._lays: Debounced[tuple[str, list[BookPage]]] = Debounced(self, self._lay, self._broken)
        self._text: str | None = None  # None until it was read
        self._pages: list[BookPage] = []
        self._at = 0  # the page that is shown
        self._words = 0

    def compose(self) -> ComposeResult:
        """The page, and a line of facts below it."""
        with Vertical(id="book"):
            yield self._sheet
        yield self._message
        yield self._facts
        yield KeyLine()

    def on_resize(self) -> None:
        """Lay out the pages for the new size; the place stays."""
        self.call_after_refresh(self._request)

    def _request(self) -> None:
        size = self._sheet.content_size
        if size.width <= 0 or size.height <= 0:
            return
        story, known, store_thread = self._story, self._text, self._desk.store_thread

        def lay() -> tuple[str, list[BookPage]]:
            text = store_thread.store().text(story.id) if known is None else known
            return text, pages_of(story.title, text, size.width, size.height)

        self._lays.request(lay, at_once=True)

    def _lay(self, laid: tuple[str, list[BookPage]]) -> None:
        if self._text is None:
            self._words = count_words(laid[0])
        self._text, self._pages = laid
        self._show(page_at(self._pages, self._desk.bookshelf.places.get(self._story.id, 0)))

    def _broken(self, error: Exception) -> None:
        self._message.complain(sentence_of(error))

    def _show(self, page: int) -> None:
        if not self._pages:
            return
        self._at = max(0, min(page, len(self._pages) - 1))
        shown = self._pages[self._at]
        title = "\n".join(shown.lines[: shown.title])
        text = "\n".join(shown.lines[shown.title :])
        joined = [(title, "bold"), "\n", text] if title else [text]
        self._sheet.update(Content.assemble(*joined), layout=False)
        self._facts.update(Content(self._words_about()))

    def _words_about(self) -> str:
        number, pages = f"{self._at + 1:,}", f"{len(self._pages):,}"
        page = f"page {number.rjust(len(pages))} of {pages}"
        time = f"{reading_time(self._words)} to read at {WORDS_PER_MINUTE} words a minute"
        return " · ".join([page, count(self._words, "word"), time] if self._words else [page, "no words yet"])

    def _turn_to(self, page: int) -> None:
        self._show(page)
        if self._pages:
            self._desk.bookshelf.places[self._story.id] = self._pages[self._at].before

    def action_turn(self, by: int) -> None:
        """Turn this many pages."""
        self._turn_to(self._at + by)

    def action_first(self) -> None:
        """Turn to the first page."""
        self._turn_to(0)

    def action_last(self) -> None:
        """Turn to the last page."""
        self._turn_to(len(self._pages) - 1)

    def action_close(self) -> None:
        """Go back to the bookshelf."""
        self.dismiss(None)
