"""Books of Project Gutenberg: a list of children's classics, available offline, and a search of all of Gutenberg."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from storytime_tui.tui.book_rows import BookIndex, in_order
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.book_list import BookList
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.wording import count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.books import FoundBooks, GutenbergBook  # the screen's own type, in quotes
    from storytime_tui.tui.services import Services


class SearchScreen(StyledOnce, ModalScreen["GutenbergBook | None"]):
    """Fetches the chosen book, and stays as it is until the book is there; Enter then tries again.

    Gives the book if it is on the shelf already; None when it is closed with Escape.
    """

    CSS_PATH = "search_books.tcss"
    BINDINGS = [
        Binding("ctrl+s", "everywhere", "Search all", id="search.all", tooltip="Search all of Gutenberg"),
        Binding("escape", "stop", "Stop", id="search.stop", tooltip="Stop the search"),
        Binding("escape", "dismiss(None)", "Cancel", id="search.leave", tooltip="Close without choosing"),
        # the field keeps the focus while these keys move in the list
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

    def __init__(
        self, services: Services, shelf: Mapping[int, str], fetch: Callable[[GutenbergBook], object]
    ) -> None:
        """`shelf`: the numbers of the books on it. `fetch` closes this screen once it has the book."""
        super().__init__()
        self._fetch = fetch
        self._services = services
        self._shelf = shelf
        self._catalogue = BookIndex(())
        self._found = False  # whether the list shows the results of a search of all of Gutenberg
        self._stop: threading.Event | None = None  # stops the search in progress; None if there is none

    def compose(self) -> ComposeResult:
        """The words to find, the books."""
        with Vertical(id="search"):
            yield Input(placeholder="title, author or number…", id="query", compact=True)
            yield BookList(id="books")
            yield MessageLine()
            yield KeyLine(words=self._word)

    def on_mount(self) -> None:
        """Open the list that comes with the program."""
        self.query_one("#search").border_title = "Project Gutenberg"
        books = self._list
        books.shelf, books.can_focus = self._shelf, False
        books.add_class("-active")
        self.message.say("Opening the list…")
        self.run_worker(self._open())

    @property
    def message(self) -> MessageLine:
        """Says what is found, and why a book could not be fetched."""
        return self.query_one(MessageLine)

    @property
    def _list(self) -> BookList:
        return self.query_one(BookList)

    @property
    def _query(self) -> str:
        return " ".join(self.query_one("#query", Input).value.split())

    async def _open(self) -> None:
        with self.message.saying():
            books = await in_thread(self._services.browse_books)
            self._catalogue = BookIndex(in_order(books))
            self._narrow()

    @on(Input.Changed, "#query")
    def _narrow(self) -> None:
        """Show the books of the list that have the words. A search in progress is for other words: stop it."""
        self._end_search()
        self._found = False
        books = self._catalogue.matching(self._query)
        nearly = [] if books else self._catalogue.fuzzy(self._query)
        if nearly:
            books = nearly
            self.message.say(
                f"No book has “{self._query}”; {count(len(books), 'book')} with a word spelled like it."
            )
        elif self._query:
            found = count(len(books), "children’s classic") if books else "No children’s classic"
            self.message.say(f"{found} with “{self._query}”.")
        else:
            self.message.say(
                f"{count(len(books), 'children’s classic')}, listed offline. Fetching needs the network."
            )
        offer = f"Search all of Gutenberg for “{self._query}”" if self._query else ""
        self._list.show(books, offer)

    # -- all of Gutenberg -----------------------------------------------------------------------------

    def action_everywhere(self) -> None:
        """Search all of Gutenberg, over the network."""
        if self._query and self._stop is None:
            self._stop = threading.Event()
            self.message.say(f"Searching Gutenberg for “{self._query}”…")
            self.refresh_bindings()
            self.run_worker(self._search(self._query, self._stop))

    async def _search(self, query: str, stop: threading.Event) -> None:
        found, error = None, ""
        try:
            found = await in_thread(lambda: self._services.search_books(query, stop))
        except Exception as exception:
            error = sentence_of(exception)
        if self._stop is not stop:  # it was stopped, or other words were typed
            return
        self._end_search()
        if found is None:
            self.message.complain(error)
        else:
            self._show_found(found)

    def _show_found(self, found: FoundBooks) -> None:
        self._found = True
        note = f"{count(len(found.books), 'book')} found" if found.books else "Nothing found"
        self.message.say(" · ".join(filter(None, [note, found.note])))
        self._list.show(found.books)

    def _end_search(self) -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop = None
            self.refresh_bindings()

    def action_stop(self) -> None:
        """Stop the search, and show the list again."""
        self._narrow()
        self.message.say(f"Stopped. {own_key('search.all', 'ctrl+s')} searches again.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape stops the search in progress; without one it closes the dialog."""
        return {"stop": self._stop is not None, "dismiss": self._stop is None}.get(action, True)

    # -- choosing -------------------------------------------------------------------------------------

    def _word(self, action: str) -> str | None:
        """What Enter does with the line under the cursor."""
        book = self._list.book
        if action != "submit" or (book is None and not self._list.offer):
            return None
        return "Search all" if book is None else "Show" if book.number in self._shelf else "Fetch"

    @on(BookList.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()

    def action_list(self, what: str, by: int) -> None:
        """Move in the list."""
        (self._list.action_move if what == "move" else self._list.action_page)(by)

    @on(Input.Submitted, "#query")
    @on(BookList.Chosen)
    def _choose(self) -> None:
        book = self._list.book
        if book is not None and book.number in self._shelf:
            self.dismiss(book)
        elif book is not None:
            self._fetch(book)
        elif self._list.offer and not self._found:
            self.action_everywhere()
