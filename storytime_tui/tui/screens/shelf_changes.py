"""What changes the shelf from the Library: importing, fetching, pasting, renaming, removing and taking back."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.events import Key, Paste
from textual.screen import Screen

from storytime_tui.corpus.collection import Collection
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_line
from storytime_tui.tui.book_rows import on_the_shelf
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.errand import Errand
from storytime_tui.tui.pasted import Sources, Words, read_paste, typed_sources
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.remark import Remark
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from storytime_tui.tui.wording import clipped, count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.books import GutenbergBook
    from storytime_tui.jobs.shelves import AddedCollection, Removed, Restored

Job = Callable[[Report, threading.Event], "AddedCollection"]
GoTo = Callable[[str, int | None], None]
OpenShelf = Callable[[str | None], Awaitable[None]]
Result = TypeVar("Result")


_PATIENCE = 0.4  # seconds that an errand has to stop by itself; then nobody waits for it


class ShelfChanges(Screen[None]):
    """The half of the Library that changes the shelf. What came of it is said in one place, in red what went wrong."""

    def __init__(self, desk: Desk, open_shelf: OpenShelf, go_to: GoTo) -> None:
        """`open_shelf` reads the shelf anew; the cursor goes to the collection of the name it is given, if any.
        `go_to` puts the cursor on a collection, or on the story of that number in it, and shows it."""
        super().__init__()
        self._desk, self._read_shelf, self._go_to = desk, open_shelf, go_to
        self.shelf_tree = ShelfTree(id="tree")
        self._remark = Remark(id="remark")
        self._long = ""  # the last remark that there was no room for
        self._left_out: Sequence[str] = ()  # of the last import: a sentence each
        self._unreadable: Sequence[str] = ()  # of the shelf: a sentence each
        self._removed: list[Removed] = []
        self._errand: Errand | None = None  # the import in hand

    def _say(self, notice: str, trouble: str = "") -> None:
        """What came of the last wish, in place of what was said before."""
        errand = self._errand
        if not notice and not trouble and errand is not None and not errand.stop.is_set():
            notice = f"{printable_line(errand.title)}… i shows how far it has come."
        self._remark.say(notice, trouble)
        if self._remark.cut:
            self._long = " ".join(filter(None, [notice, trouble]))
            self.refresh_bindings()

    def on_key(self, event: Key) -> None:
        """A key goes to what it is for; what was said before is over, unless it is the key to read it in full."""
        if event.key != "l":
            self._say("")

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
        from storytime_tui.jobs.shelves import source_shown
        from storytime_tui.tui.screens.dialogs import ListScreen

        title = "Import this?" if len(sources) == 1 else f"Import these {len(sources)}?"
        question = ListScreen(title, [source_shown(s) for s in sources], "enter imports · escape leaves")
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

        def chosen(book: GutenbergBook | None) -> None:
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
            if errand.over:
                return
            if errand.stop.is_set():
                self._say("Stopping…")
                self.set_timer(_PATIENCE, lambda: self._leave_behind(errand))
            else:
                self._say("")  # says that it goes on

        self.app.push_screen(ImportingScreen(errand), left)

    def _leave_behind(self, errand: Errand) -> None:
        """Wait no longer for an errand that was stopped: it looks at that when it is through with its file."""
        if self._errand is errand:
            self._errand = None
            self._say("Stopped; nothing was imported.")

    def _still_busy(self) -> bool:
        """Whether an errand goes on that was left to itself: then it is shown again."""
        errand = self._errand
        if errand is not None and errand.stop.is_set():
            self._leave_behind(errand)
        elif errand is not None:
            self._watch(errand)
        return self._errand is not None

    async def _bring(self, errand: Errand, job: Job) -> None:
        added: AddedCollection | None = None
        trouble: Exception | None = None
        try:
            added = await in_thread(lambda: job(errand.report, errand.stop))
        except Exception as error:
            trouble = error
        in_hand = self._errand is errand
        errand.over = True
        if in_hand:
            self._errand = None
        if added is not None:  # where it was stopped, too: that came too late
            await self._read_shelf(added.collection.name if in_hand else None)
            self._tell_of(added)
        elif trouble is not None and in_hand:
            sentence = sentence_of(trouble)
            self._say(*((sentence, "") if errand.stop.is_set() else ("", sentence)))
        self.refresh_bindings()

    def _tell_of(self, added: AddedCollection) -> None:
        collection = added.collection
        stories = count(len(collection.stories), "story", "stories")
        notice = f"Added “{printable_line(clipped(collection.title, 40))}”: {stories}."
        self._left_out = (*added.problems, *added.copies, *added.notes)
        if len(self._left_out) > 1:
            known = f" {len(added.copies):,} known before." if added.copies else ""
            notice += f"{known} l lists all {len(self._left_out):,} remarks."
        elif not added.problems:
            notice += " " + "".join(self._left_out)
        self._say(notice, added.problems[0] if added.problems else "")
        self._long = ""  # `l` has all of that already

    def remarks(self) -> list[str]:
        """All that there is to read in full: of the shelf, of the last import, what was too long for its place."""
        return list(dict.fromkeys([*filter(None, [self._long]), *self._left_out, *self._unreadable]))

    def action_left_out(self) -> None:
        """Every sentence that the last import had to say, in full."""
        from storytime_tui.tui.screens.dialogs import ListScreen

        remarks = self.remarks()
        if not remarks:
            self._say("There are no remarks.")
        else:
            lines = [line for sentence in remarks for line in (sentence, "")][:-1]
            self.app.push_screen(ListScreen("Remarks", lines, "↑ ↓ scroll · escape closes"))

    # -- changing what is there -----------------------------------------------------------------------

    def _change(
        self,
        call: Callable[[], Result],
        then: Callable[[Result], str],
        show: Callable[[], None] = lambda: None,
    ) -> None:
        """Do something to the shelf, read it anew, `show` it, and say what was done."""

        async def work() -> None:
            try:
                result = await in_thread(call)
            except Exception as error:
                await self._read_shelf(None)  # another program may have changed what is shown here
                self._say("", sentence_of(error))
                return
            notice = then(result)
            await self._read_shelf(None)
            show()
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
                    lambda remark: f"Now called “{title}”. {remark}",
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
            return f"Removed “{printable_line(clipped(removed.title, 40))}”. u brings it back."

        self._change(lambda: self._desk.services.remove(leaf.collection, leaf.index), done)

    def action_undo(self) -> None:
        """Bring back what was removed last; or else choose from what was removed in earlier days."""
        if self._removed:
            self._bring_back(self._removed.pop())
        else:
            self.run_worker(self._offer_earlier(), group="changes")

    def _bring_back(self, removed: Removed) -> None:
        restored: list[Restored] = []

        def undo() -> Restored:
            restored.append(self._desk.services.undo(removed))
            return restored[0]

        self._change(undo, lambda back: back.sentence, lambda: self._go_to_restored(restored[0]))

    def _go_to_restored(self, back: Restored) -> None:
        for collection in self._desk.collections:
            if collection.name == back.name:
                places = [story.place for story in collection.stories]
                self._go_to(back.name, places.index(back.place) if back.place in places else None)

    async def _offer_earlier(self) -> None:
        from storytime_tui.tui.screens.dialogs import ChooseScreen, Row

        collections = self._desk.collections
        try:
            removed = await in_thread(lambda: self._desk.services.removed(collections))
        except Exception as error:
            self._say("", sentence_of(error))
            return
        if not removed:
            self._say("Nothing was removed since the app was opened.")
        elif self.is_current:
            rows = [
                Row(str(i), gone.title, f"of {gone.collection}" if gone.collection else "a collection")
                for i, gone in enumerate(removed)
            ]
            self.app.push_screen(
                ChooseScreen("Bring back what was removed earlier?", rows),
                lambda chosen: self._bring_back(removed[int(chosen)]) if chosen is not None else None,
            )

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
        if action == "before":
            leaf = self.shelf_tree.leaf
            return leaf is not None and leaf.index is not None
        return True

    def is_of_use(self, action: str) -> bool:
        """Whether the footer should name a key now: not what would only say that it cannot be done."""
        if isinstance(self.focused, FilterField):  # a letter is a letter there
            known = ("submit", "screen.tree(1)", "screen.all", "help")
            return action in known or action.startswith("mode(")
        if isinstance(self.focused, Reading) and action in ("filter", "import", "gutenberg", "left_out"):
            return False
        if action == "left_out":
            return bool(self.remarks())
        leaf = self.shelf_tree.leaf
        if action in ("rename", "remove", "punctuation"):
            return (
                leaf is not None
                and not leaf.collection.bundled
                and (action != "punctuation" or leaf.index is None)
            )
        return action != "undo" or bool(self._removed)


def _named(source: str) -> str:
    """The last part of a path or an address, short enough for a title."""
    from storytime_tui.jobs.shelves import source_shown

    shown = source_shown(source)
    return clipped(shown.rstrip("/").rsplit("/", 1)[-1] or shown, 50)
