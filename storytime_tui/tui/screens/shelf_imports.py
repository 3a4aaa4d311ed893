"""Imports into the shelf, one at a time: from files, addresses, pasted text and Project Gutenberg."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from textual.screen import Screen

from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_line
from storytime_tui.tui.book_rows import on_the_shelf
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.import_task import ImportTask
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.pasted import PastedText, Sources, read_paste, typed_sources
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.wording import clipped, count
from storytime_tui.word_count import count_words

if TYPE_CHECKING:  # see services
    from storytime_tui.corpus.collection import Collection
    from storytime_tui.jobs.books import GutenbergBook
    from storytime_tui.jobs.shelves import AddedCollection
    from storytime_tui.tui.screens.importing import ImportingScreen
    from storytime_tui.tui.screens.search_books import SearchScreen

Job = Callable[[Report, threading.Event], "AddedCollection"]

_PATIENCE = 0.4  # seconds that a stopped import has to end; after that nobody waits for it


class ShelfImports:
    """Asks what to import, runs the import in a thread while a dialog shows its progress, and says what was added."""

    def __init__(
        self,
        screen: Screen[None],
        desk: Desk,
        message: MessageLine,
        read_shelf: Callable[[str | None], Awaitable[None]],
        go_to: Callable[[str, int | None], None],
    ) -> None:
        """Import for a screen.

        `read_shelf` reads the shelf again; the cursor goes to the collection with the given name, if any. `go_to`
        puts the cursor on a collection.
        """
        self._screen, self._desk, self._message = screen, desk, message
        self._read_shelf, self._go_to = read_shelf, go_to
        self._task: ImportTask | None = None  # the import in progress
        self.remarks: Sequence[str] = ()  # a sentence on each problem of the last import

    # -- what to import -------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for paths or addresses, and import them."""
        from storytime_tui.jobs.shelves import formats_in_words
        from storytime_tui.tui.screens.ask_path import AskPathScreen

        if self._show_running():
            return
        question = AskPathScreen(
            "Import stories",
            f"A {formats_in_words()}, a folder of them, or a web address. Storytime copies it; your own file stays as "
            "it is. You can also drop files on this window, or paste a story.",
            self._desk.services.list_folder,
            one_path=False,
            enter="Import",
            placeholder="~/books/fairy-tales",
        )
        self._screen.app.push_screen(question, lambda typed: self._import(typed_sources(typed or "")))

    def paste(self, text: str) -> None:
        """Import pasted paths or addresses, or add pasted text as a story; ask before each."""
        if self._show_running():
            return
        pasted = read_paste(text)
        if isinstance(pasted, Sources):
            self._confirm(pasted.sources)
        elif isinstance(pasted, PastedText):
            self._ask_title(pasted)
        elif text.strip():
            self._message.say("The pasted text is neither a path nor an address, and too short for a story.")

    def _confirm(self, sources: Sequence[str]) -> None:
        from storytime_tui.jobs.shelves import source_shown
        from storytime_tui.tui.screens.dialogs import ListScreen

        title = "Import this?" if len(sources) == 1 else f"Import these {len(sources)}?"
        question = ListScreen(title, [source_shown(each) for each in sources], enter="Import")
        self._screen.app.push_screen(question, lambda yes: self._import(sources if yes else ()))

    def _import(self, sources: Sequence[str]) -> None:
        if sources:
            title = f"Importing {_short_name(sources[0])}"
            title += f" and {len(sources) - 1} more" if len(sources) > 1 else ""
            self.start(title, lambda report, stop: self._desk.services.add(sources, report, stop))

    def _ask_title(self, words: PastedText) -> None:
        from storytime_tui.tui.screens.dialogs import AskScreen

        length = count(count_words(words.text), "word")
        question = AskScreen(
            "Add the pasted text as a story?", f"{length}. Its title:", enter="Add", value=words.title
        )

        def add(title: str | None) -> None:
            if title is not None:
                name = title.strip() or "Pasted"
                self.start(f"Adding {name}", lambda *_: self._desk.services.add_text(words.text, name))

        self._screen.app.push_screen(question, add)

    def choose_book(self) -> None:
        """Ask for a book of Project Gutenberg, and fetch it; show a book that is on the shelf already."""
        from storytime_tui.tui.screens.search_books import SearchScreen

        if self._show_running():
            return
        shelf = on_the_shelf(self._desk.collections)

        def fetch(book: GutenbergBook) -> None:
            title = f"Fetching {clipped(book.title, 50)}"
            job = lambda report, stop: self._desk.services.fetch_book(book, report, stop)  # noqa: E731
            self.start(title, job, search)

        def chosen(book: GutenbergBook | None) -> None:
            if book is not None:
                self._go_to(shelf[book.number], None)

        search = SearchScreen(self._desk.services, shelf, fetch)
        self._screen.app.push_screen(search, chosen)

    # -- the import in progress -----------------------------------------------------------------------

    @property
    def under_way(self) -> str:
        """A sentence on the import in progress; "" if there is none or it was stopped."""
        task = self._task
        if task is None or task.stop.is_set():
            return ""
        return f"{printable_line(task.title)}… {own_key('library.import', 'i')} shows the progress."

    def start(self, title: str, job: Job, search: SearchScreen | None = None) -> None:
        """Run `job` in a thread and show its progress. `job` gets a function to report with and a flag to stop at.

        `search`: where the book was chosen. It is told what goes wrong, and closes once the book is there.
        """
        self._message.clear()
        self._task = ImportTask(title)
        window = self._show(self._task, search)
        self._screen.run_worker(self._run(self._task, job, window, search))

    def _show_running(self) -> bool:
        """Show the progress of the import that runs in the background; whether there is one."""
        task = self._task
        if task is not None and task.stop.is_set():
            self._abandon(task, self._message)
        elif task is not None:
            self._show(task)
        return self._task is not None

    def _show(self, task: ImportTask, search: SearchScreen | None = None) -> ImportingScreen:
        from storytime_tui.tui.screens.importing import ImportingScreen

        def closed(_: None) -> None:
            if task.over:
                return
            if task.stop.is_set():
                line = self._line(search)
                line.say("Stopping…")
                self._screen.set_timer(_PATIENCE, lambda: self._abandon(task, line))
            else:  # it goes on without a window
                self._message.say(self.under_way)
                if search is not None:
                    search.call_later(_close, search)

        window = ImportingScreen(task)
        self._screen.app.push_screen(window, closed)
        return window

    def _line(self, search: SearchScreen | None) -> MessageLine:
        """Where to say what became of an import."""
        return search.message if search is not None and search.is_attached else self._message

    def _abandon(self, task: ImportTask, line: MessageLine) -> None:
        """Wait no longer for an import that was stopped: it notices the flag only after its current file."""
        if self._task is task:
            self._task = None
            line.say("Stopped; nothing was imported.")

    async def _run(
        self, task: ImportTask, job: Job, window: ImportingScreen, search: SearchScreen | None
    ) -> None:
        added: AddedCollection | None = None
        error = ""
        try:
            added = await in_thread(lambda: job(task.report, task.stop))
        except Exception as exception:
            error = sentence_of(exception)
        awaited = self._task is task
        task.over = True
        if awaited:
            self._task = None
        if added is not None:  # the stop, if there was one, came too late
            if search is not None and awaited:
                for screen in (window, search):
                    if screen.is_current:
                        await screen.dismiss(None)
            await self._read_shelf(added.collection.name if awaited else None)
            self._say_added(added)
        elif awaited and task.stop.is_set():
            self._line(search).say(error)
        elif awaited:
            self._line(search).complain(error)
        self._screen.refresh_bindings()

    def _say_added(self, added: AddedCollection) -> None:
        collection = added.collection
        stories = count(len(collection.stories), "story", "stories")
        notice = f"Added “{printable_line(clipped(collection.title, 40))}”: {stories}."
        asked, how_read = _about_words(collection)
        self.remarks = (*asked, *added.problems, *added.copies, *added.notes, *how_read)
        if len(self.remarks) > 1:
            known = f" {len(added.copies):,} known before." if added.copies else ""
            notice += f"{known} {own_key('library.remarks', 'l')} lists all {len(self.remarks):,} remarks."
        elif not (asked or added.problems):
            notice += " " + "".join(self.remarks)
        self._message.say(notice, (*asked, *added.problems, "")[0])
        self._message.in_full = ""  # the remarks have all of it


def _close(search: SearchScreen) -> None:
    if search.is_current:
        search.dismiss(None)


def _about_words(collection: Collection) -> tuple[list[str], list[str]]:
    """Questions about large parts that were left out, and remarks on what was kept and how the files were read."""
    from storytime_tui.jobs.left_out import questions, sentence_of

    asked = [
        f"Is this a story? {account.file}, {omitted.place} ({omitted.reason}, {count(omitted.words, 'word')}) is left "
        f"out. {own_key('library.left_out', 'o')} shows it and puts it back."
        for _, account, omitted in questions(collection)
    ]
    kept = [
        f"{each.file}: {each.kept:,} of {count(each.words, 'word')} are in its stories and titles. "
        f"Left out: {sentence_of(each)}."
        for each in collection.accounts
        if each.omitted
    ]
    return asked, kept + [f"{each.file}: {remark}" for each in collection.accounts for remark in each.remarks]


def _short_name(source: str) -> str:
    """The last part of a path or an address, short enough for a title."""
    from storytime_tui.jobs.shelves import source_shown

    shown = source_shown(source)
    return clipped(shown.rstrip("/").rsplit("/", 1)[-1] or shown, 50)
