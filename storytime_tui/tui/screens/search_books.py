"""Project Gutenberg: a list of children's classics that is always there, and all of Gutenberg where one asks for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from storytime_tui.terminal import printable
from storytime_tui.tui.book_rows import Catalogue, in_order
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.widgets.book_list import BookList
from storytime_tui.tui.wording import count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.books import FoundBooks, GutenbergBook  # noqa: F401  # the screen's own type, in quotes
    from storytime_tui.tui.services import Services

_KEYS = "enter fetches · ctrl+s searches all of Gutenberg · escape leaves"


class SearchScreen(ModalScreen["GutenbergBook | None"]):
    """Gives back the book to fetch; None when it is left with Escape."""

    CSS_PATH = "search_books.tcss"
    BINDINGS = [
        Binding("escape", "leave", "Leave", id="search.leave", tooltip="Stop the search; leave"),
        Binding("ctrl+s", "everywhere", "Search all", id="search.all", tooltip="Search all of Gutenberg"),
        # the field keeps the focus, and these keys move in the list
        Binding("up", "list('move', -1)", "Up", show=False, id="search.up", tooltip="The book above"),
        Binding("down", "list('move', 1)", "Down", show=False, id="search.down", tooltip="The book below"),
        Binding(
            "pageup", "list('page', -1)", "Page up", show=False, id="search.pageup", tooltip="A screen up"
        ),
        Binding(
            "pagedown",
            "list('page', 1)",
            "Page down",
            show=False,
            id="search.pagedown",
            tooltip="A screen down",
        ),
    ]

    def __init__(self, services: Services, shelf: Mapping[int, str]) -> None:
        super().__init__()
        self._services = services
        self._shelf = shelf
        self._catalogue = Catalogue(())
        self._found = False  # the list shows what a search of all of Gutenberg found
        self._stop: threading.Event | None = None  # of the search that goes on

    def compose(self) -> ComposeResult:
        """What is sought, a note, the books."""
        with Vertical(id="search"):
            yield Input(placeholder="title, author or number…", id="query", compact=True)
            yield Static(Content("opening the list…"), id="note", markup=False)
            yield BookList(id="books")
            yield Static(Content(_KEYS), classes="dialog--keys")

    def on_mount(self) -> None:
        """Open the list that came with the program."""
        self.query_one("#search").border_title = "Project Gutenberg"
        books = self._list
        books.shelf, books.can_focus = self._shelf, False
        books.add_class("-active")
        self.run_worker(self._open())

    @property
    def _list(self) -> BookList:
        return self.query_one(BookList)

    @property
    def _query(self) -> str:
        return " ".join(self.query_one("#query", Input).value.split())

    def _say(self, note: str) -> None:
        self.query_one("#note", Static).update(Content(printable(note)))

    async def _open(self) -> None:
        try:
            books = await in_thread(self._services.browse_books)
        except Exception as error:
            self._say(sentence_of(error))
            return
        self._catalogue = Catalogue(in_order(books))
        self._narrow()

    @on(Input.Changed, "#query")
    def _narrow(self) -> None:
        """Show what the words leave of the list."""
        if self._stop is not None:  # typed on: what is being searched for is no longer wanted
            self._stop.set()
            self._stop = None
        self._found = False
        books = self._catalogue.matching(self._query)
        nearly = [] if books else self._catalogue.nearly(self._query)
        if nearly:
            books = nearly
            self._say(
                f"no book has “{self._query}”; {count(len(books), 'book')} with a word spelled nearly so"
            )
        elif self._query:
            self._say(f"{count(len(books), 'book')} of the list of children's classics")
        else:
            self._say(
                f"{count(len(books), 'children’s classic')}, listed offline; fetching needs the network"
            )
        offer = f"search all of Gutenberg for “{self._query}”" if self._query else ""
        self._list.show(books, offer)

    # -- all of Gutenberg -----------------------------------------------------------------------------

    def action_everywhere(self) -> None:
        """Ask the network."""
        if self._query and self._stop is None:
            self._stop = threading.Event()
            self._say(f"asking Gutenberg for “{self._query}”… escape stops")
            self.run_worker(self._search(self._query, self._stop))

    async def _search(self, query: str, stop: threading.Event) -> None:
        trouble, found = "", None
        try:
            found = await in_thread(lambda: self._services.search_books(query, stop))
        except Exception as error:
            trouble = sentence_of(error)
        if self._stop is not stop:  # stopped, or something else was typed
            return
        self._stop = None
        if found is None:
            self._say(trouble)
        else:
            self._show_found(found)

    def _show_found(self, found: FoundBooks) -> None:
        self._found = True
        note = f"{count(len(found.books), 'book')} found" if found.books else "nothing found"
        self._say(" · ".join(filter(None, [note, found.note])))
        self._list.show(found.books)

    # -- choosing -------------------------------------------------------------------------------------

    def action_list(self, what: str, by: int) -> None:
        """Move in the list."""
        (self._list.action_move if what == "move" else self._list.action_page)(by)

    @on(Input.Submitted, "#query")
    @on(BookList.Chosen)
    def _choose(self) -> None:
        book = self._list.book
        if book is not None:
            self.dismiss(book)
        elif self._list.offer and not self._found:
            self.action_everywhere()

    def action_leave(self) -> None:
        """Stop the search, and else leave."""
        if self._stop is not None:
            self._narrow()
            self._say("Stopped; ctrl+s asks again.")
            return
        self.dismiss(None)
