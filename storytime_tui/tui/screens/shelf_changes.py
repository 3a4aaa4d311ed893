"""What changes the shelf from the Library: importing, fetching, pasting, renaming, removing and taking back."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from textual.content import Content
from textual.events import Paste
from textual.screen import Screen
from textual.widgets import Static

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable, printable_line, printable_path
from storytime_tui.tui.book_rows import on_the_shelf
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.errand import Errand
from storytime_tui.tui.pasted import Sources, Words, read_paste, typed_sources
from storytime_tui.tui.services import Added, Book, Removed, Report
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from storytime_tui.tui.widgets.trouble import Trouble
from storytime_tui.tui.wording import clipped, count

Job = Callable[[Report, threading.Event], Added]
OpenShelf = Callable[[str | None], Awaitable[None]]
Result = TypeVar("Result")


class ShelfChanges(Screen[None]):
    """The half of the Library that changes the shelf. What went wrong is said in one line, in red."""

    def __init__(self, desk: Desk, open_shelf: OpenShelf) -> None:
        """`open_shelf` reads the shelf anew; the cursor goes to the collection of the name it is given, if any."""
        super().__init__()
        self._desk, self._read_shelf = desk, open_shelf
        self.shelf_tree = ShelfTree(id="tree")
        self._trouble = Trouble(id="trouble")
        self._notice = Static(id="notice", markup=False)
        self._said = ("", "")
        self._left_out: Sequence[str] = ()  # of the last import: a sentence each
        self._removed: list[Removed] = []
        self._errand: Errand | None = None  # the import in hand

    def _say(self, notice: str, trouble: str = "") -> None:
        """What came of the last wish, in place of what was said before."""
        if (notice, trouble) != self._said:  # each changes the layout
            self._said = (notice, trouble)
            self._trouble.say(trouble)
            self._notice.update(Content(printable(notice)))
            self._notice.display = bool(notice)

    # -- bringing texts in ----------------------------------------------------------------------------

    def action_import(self) -> None:
        """Ask for a path or an address, and add what is there."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        if self._still_busy():
            return
        self._say("")
        ask = AskScreen(
            "Import stories",
            "A file (.txt .md .html .epub .zip), a folder of them, or an address on the web. It is copied; yours "
            "stays as it is. You can also drop files on this window, or paste a story.",
            placeholder="~/books/fairy-tales",
        )
        self.app.push_screen(ask, lambda typed: self._import(typed_sources(typed or "")))

    def _import(self, sources: Sequence[str]) -> None:
        if sources:
            named = f"Importing {_named(sources[0])}"
            named += f" and {len(sources) - 1} more" if len(sources) > 1 else ""
            self.bring(named, lambda report, stop: self._desk.services.add(sources, report, stop))

    def on_paste(self, event: Paste) -> None:
        """Paths and addresses are imported, a text becomes a story: after a question, each."""
        event.stop()
        if self._still_busy():
            return
        self._say("")
        pasted = read_paste(event.text)
        if isinstance(pasted, Sources):
            self._ask_for_sources(pasted.sources)
        elif isinstance(pasted, Words):
            self._ask_for_words(pasted)
        elif event.text.strip():
            self._say("What was pasted is neither a path nor an address, and too short for a story.")

    def _ask_for_sources(self, sources: Sequence[str]) -> None:
        from storytime_tui.tui.screens.dialogs import ListScreen

        title = "Import this?" if len(sources) == 1 else f"Import these {len(sources)}?"
        question = ListScreen(title, [printable_path(s) for s in sources], "enter imports · escape leaves")
        self.app.push_screen(question, lambda yes: self._import(sources if yes else ()))

    def _ask_for_words(self, words: Words) -> None:
        from storytime_tui.tui.screens.dialogs import AskScreen

        length = count(len(words.text.split()), "word")
        ask = AskScreen("Keep what was pasted as a story?", f"{length}. Its title:", value=words.title)

        def keep(title: str | None) -> None:
            if title is not None:
                name = title.strip() or "Pasted"
                self.bring(f"Keeping {name}", lambda *_: self._desk.services.add_text(words.text, name))

        self.app.push_screen(ask, keep)

    def action_gutenberg(self) -> None:
        """Choose a book of Project Gutenberg, and fetch it; one that is on the shelf is shown there."""
        from storytime_tui.tui.screens.search_books import SearchScreen

        if self._still_busy():
            return
        self._say("")
        shelf = on_the_shelf(self._desk.collections)

        def chosen(book: Book | None) -> None:
            if book is not None and book.number in shelf:
                self.shelf_tree.go_to(shelf[book.number], None)
            elif book is not None:
                title = f"Fetching {clipped(book.title, 50)}"
                self.bring(title, lambda report, stop: self._desk.services.fetch_book(book, report, stop))

        self.app.push_screen(SearchScreen(self._desk.services, shelf), chosen)

    def bring(self, title: str, job: Job) -> None:
        """Do an errand that ends with a new collection, and show how far it has come."""
        self._say("")
        self._errand = Errand(title)
        self.run_worker(self._bring(self._errand, job))
        self._watch(self._errand)

    def _watch(self, errand: Errand) -> None:
        from storytime_tui.tui.screens.importing import ImportingScreen

        def left(_: None) -> None:
            if not errand.over and not errand.stop.is_set():
                self._say(f"{printable_line(errand.title)}… i shows how far it has come.")

        self.app.push_screen(ImportingScreen(errand), left)

    def _still_busy(self) -> bool:
        """Whether an errand goes on that was left to itself: then it is shown again."""
        if self._errand is not None:
            self._watch(self._errand)
        return self._errand is not None

    async def _bring(self, errand: Errand, job: Job) -> None:
        added: Added | None = None
        try:
            added = await in_thread(lambda: job(errand.report, errand.stop))
        except Exception as error:
            sentence = sentence_of(error)
            self._say(*((sentence, "") if errand.stop.is_set() else ("", sentence)))
        if added is not None:
            await self._read_shelf(added.collection.name)
            self._tell_of(added)
        errand.over = True
        self._errand = None
        self.refresh_bindings()

    def _tell_of(self, added: Added) -> None:
        collection = added.collection
        stories = count(len(collection.stories), "story", "stories")
        notice = f"Added “{printable_line(clipped(collection.title, 40))}”: {stories}."
        if added.copies:
            notice += (
                f" {len(added.copies):,} known before." if len(added.copies) > 1 else f" {added.copies[0]}"
            )
        self._left_out = (*added.problems, *added.copies)
        trouble = ""
        if added.problems:
            trouble = clipped(added.problems[0], 220)
        more = len(self._left_out) - bool(added.problems)
        if more > 1 or (more and added.problems):
            notice += f" l lists all {len(self._left_out):,} remarks."
        self._say(notice, trouble)

    def action_left_out(self) -> None:
        """Every sentence that the last import had to say, in full."""
        from storytime_tui.tui.screens.dialogs import ListScreen

        if self._left_out:
            lines = [line for sentence in self._left_out for line in (sentence, "")][:-1]
            self.app.push_screen(
                ListScreen("What the import had to say", lines, "↑ ↓ scroll · escape closes")
            )

    # -- changing what is there -----------------------------------------------------------------------

    def _change(self, call: Callable[[], Result], then: Callable[[Result], str]) -> None:
        """Do something to the shelf, read it anew, and say what was done."""

        async def work() -> None:
            try:
                result = await in_thread(call)
            except Exception as error:
                self._say("", sentence_of(error))
                return
            notice = then(result)
            await self._read_shelf(None)
            self._say(notice)
            self.refresh_bindings()

        self.run_worker(work(), group="changes")

    def action_rename(self) -> None:
        """Give the collection or the story under the cursor another title."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        leaf = self.shelf_tree.leaf
        if leaf is None:
            return
        self._say("")
        collection, index = leaf.collection, leaf.index
        old = collection.title if index is None else collection.stories[index].title

        def rename(typed: str | None) -> None:
            title = " ".join((typed or "").split())
            if title and title != old:
                self._change(
                    lambda: self._desk.services.rename(collection, index, title),
                    lambda _: f"Now called “{title}”.",
                )

        what = "collection" if index is None else "story"
        self.app.push_screen(AskScreen(f"Rename this {what}", "Its new title:", value=old), rename)

    def action_remove(self) -> None:
        """Take the collection or the story under the cursor off the shelf; `u` brings it back."""
        leaf = self.shelf_tree.leaf
        if leaf is None:
            return

        def done(removed: Removed) -> str:
            self._removed.append(removed)
            return f"{removed.sentence} u brings it back."

        self._change(lambda: self._desk.services.remove(leaf.collection, leaf.index), done)

    def action_undo(self) -> None:
        """Bring back what was removed last."""
        if self._removed:
            removed = self._removed.pop()
            self._change(lambda: self._desk.services.undo(removed), lambda _: "It is back.")

    def action_punctuation(self) -> None:
        """Have the quotes and dashes of the collection under the cursor made plain, or left as written."""
        leaf = self.shelf_tree.leaf
        if leaf is None:
            return
        collection: Collection = leaf.collection
        plain = not collection.plain_punctuation
        title = printable_line(clipped(collection.title, 40))
        how = "made plain" if plain else "left as written"
        if not collection.bundled:
            self._say(f"Cleaning “{title}” anew…")
        self._change(
            lambda: self._desk.services.set_punctuation(collection, plain),
            lambda _: f"Quotes and dashes in “{title}” are {how}.",
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what means something now."""
        if action == "undo":
            return bool(self._removed)
        if action == "left_out":
            return bool(self._left_out)
        return True


def _named(source: str) -> str:
    """The last part of a path or an address, short enough for a title."""
    return clipped(printable_path(source.rstrip("/").rsplit("/", 1)[-1] or source), 50)
