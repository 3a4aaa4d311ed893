"""Library: the shelf of stories, the ticks that say what to learn from, and a pane to read in."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur, DescendantFocus, Key, Paste
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from storytime_tui.tui import breakpoints
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens.library_keys import KEYS, SELDOM
from storytime_tui.tui.screens.shelf_edits import ShelfEdits
from storytime_tui.tui.screens.shelf_filter import ShelfFilter
from storytime_tui.tui.screens.shelf_imports import ShelfImports
from storytime_tui.tui.screens.shelf_reading import ShelfReading
from storytime_tui.tui.shelf_memory import ShelfState, state_of, ticks_of
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.totals import Copies, ticked_duplicates, totals_of, training_stories
from storytime_tui.tui.widgets.counts import Counts
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Estimate

REMEMBER = 1.0  # seconds after which the cursor's place is saved
LEAVING = 2.0  # seconds that the last write has when the app closes


class LibraryScreen(StyledOnce, Screen[None]):
    """The tree of the shelf, the reading pane, the counts; `imports` adds to the shelf, `edits` changes it."""

    CSS_PATH = "library.tcss"
    HORIZONTAL_BREAKPOINTS = breakpoints.WIDTHS
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    BINDINGS = KEYS
    AUTO_FOCUS = "#tree"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._shelf = Vertical(id="shelf")
        self._filter_field = FilterField("library.filter", "find titles and texts")
        self.shelf_tree = ShelfTree(id="tree")
        self._reading = Reading(desk.services.original_text, id="reading")
        self._message = MessageLine(more_key="l")
        self._counts = Counts(id="counts")
        self.imports = ShelfImports(self, desk, self._message, self.open_shelf, self.go_to)
        self._edits = ShelfEdits(self, desk, self._message, self.open_shelf, self.go_to)
        self._filter = ShelfFilter(
            desk, self._filter_field, self.shelf_tree, self._shelf, self._message, self._moved
        )
        self._reader = ShelfReading(
            desk,
            self.shelf_tree,
            self._reading,
            self._filter,
            self._message,
            lambda: self.run_worker(self.open_shelf()),
        )
        self._estimates: Debounced[Estimate] = Debounced(self, self._show_estimate, self._show_estimate)
        self._copies: Debounced[Copies] = Debounced(self, self._show_copies, lambda error: sentence_of(error))
        self._opening = asyncio.Lock()
        self._unreadable: Sequence[str] = ()  # a sentence on each thing that cannot be shown
        self._seen: set[str] = set()  # the names of all collections since the app was opened
        self._remembering: Timer | None = None  # runs while the cursor's place is not saved yet

    def compose(self) -> ComposeResult:
        """The tree on the left, the reading pane on the right, messages, counts and keys below."""
        yield Header(self._desk, "library")
        with Horizontal(id="shelves"):
            with self._shelf:
                yield self._filter_field
                yield self.shelf_tree
            yield self._reading
        yield self._message
        yield self._counts
        yield KeyLine(SELDOM, self._is_of_use)

    def on_mount(self) -> None:
        """Show the frame first, then open the shelf."""
        self._desk.shelf_changed.subscribe(self, self._shelf_changed)
        self._desk.collections_changed.subscribe(self, lambda _: self.run_worker(self.open_shelf()))
        self.call_after_refresh(lambda: self.run_worker(self.open_shelf()))

    # -- the shelf ------------------------------------------------------------------------------------

    async def open_shelf(self, show: str | None = None) -> None:
        """Read the shelf again; put the cursor on the collection named `show`, if any, and tick it."""
        async with self._opening:  # one after the other: the last result counts
            await self._open_shelf(show)

    async def _open_shelf(self, show: str | None) -> None:
        desk = self._desk
        try:
            collections, unreadable = await in_thread(desk.services.shelf)
        except Exception as error:
            self._message.complain(sentence_of(error))
            self._counts.say("the shelf could not be opened")
            return
        if not self.is_running:
            return  # the app is closing
        first_time = not desk.collections
        kept = await self._remembered() if first_time else None
        in_texts = await self._filter.look_in(collections)
        desk.ticks = desk.ticks.carried(desk.collections, collections)
        if first_time:
            desk.ticks = ticks_of(kept, collections)
        for each in () if first_time else collections:
            if each.name not in self._seen and not each.bundled:  # imported since
                desk.ticks = desk.ticks.with_all_of(each)
        self._seen.update(each.name for each in collections)
        desk.collections = collections
        if show is not None:
            self._drop_filter()
            for collection in collections:
                if collection.name == show:
                    desk.ticks = desk.ticks.with_all_of(collection)
        self.shelf_tree.show(collections, desk.ticks, in_texts)
        self._filter.say()
        if kept is not None:
            self._reading.places.restore(kept.read)
            self.shelf_tree.restore(kept.opened, kept.cursor)
        if show is not None:
            self.shelf_tree.go_to(show, None, unfold=True)
        if not collections:
            self._reading.say(
                "An empty shelf",
                f"Press {own_key('library.import', 'i')} to add a file or a folder with "
                f"stories, {own_key('library.gutenberg', 'g')} to fetch a book.",
            )
        desk.shelf_changed.publish(None)
        self._say_unreadable(unreadable)
        self._copies.request(lambda: desk.services.copies(collections))
        # A large shelf is many objects that live long. Scanning them again at each garbage collection would delay a
        # key by a tenth of a second.
        gc.freeze()
        if first_time:
            self.run_worker(desk.writing.open_starter_early(), exit_on_error=False)
            self.run_worker(desk.look_back(), exit_on_error=False)  # if it fails, Train says so

    async def _remembered(self) -> ShelfState | None:
        try:
            return await in_thread(self._desk.services.load_shelf)
        except Exception as error:
            self._message.complain(f"{sentence_of(error)} So the ticks of last time are not known.")
            return None

    def _remember(self) -> None:
        """Save the ticks and the cursor's place for the next time; the ticks survive a kill."""
        if self._remembering is not None:
            self._remembering.stop()
            self._remembering = None
        desk, tree = self._desk, self.shelf_tree
        if desk.collections:  # a shelf that could not be read must not erase what was saved
            read = self._reading.places.all
            desk.shelf_memory.keep(state_of(desk.collections, desk.ticks, tree.opened, tree.place, read))

    def on_unmount(self) -> None:
        """Save the ticks before the app closes."""
        self._remember()
        self._desk.shelf_memory.drain(LEAVING)

    def _say_unreadable(self, sentences: Sequence[str]) -> None:
        """Say what is on the disk and cannot be shown, if that has changed."""
        if sentences and tuple(sentences) != tuple(self._unreadable):
            many = (
                f"{len(sentences):,} things on the shelf cannot be read (l): " if len(sentences) > 1 else ""
            )
            self._message.complain(many + sentences[0])
        self._unreadable = tuple(sentences)
        self.refresh_bindings()

    # -- counts ---------------------------------------------------------------------------------------

    def _shelf_changed(self, _: None) -> None:
        """Other stories are ticked, or another base is chosen."""
        self._remember()
        desk, estimate = self._desk, self._desk.services.estimate
        ticks, collections, copies, base = desk.ticks, desk.collections, desk.copies, desk.base
        duplicates = ticked_duplicates(ticks, collections, copies)
        self.shelf_tree.show_ticks(ticks, duplicates)
        totals = totals_of(ticks, collections, duplicates)
        self._counts.show(totals, base)
        if totals.stories:
            self._estimates.request(lambda: estimate(training_stories(ticks, collections, copies), base))
        else:
            self._estimates.forget()

    def _show_estimate(self, estimate: Estimate | Exception) -> None:
        self._counts.show_estimate(estimate)

    def _show_copies(self, copies: Copies) -> None:
        self._desk.copies = copies
        if copies:
            self._desk.shelf_changed.publish(None)
            self._reader.show(stay=True)

    # -- ticking and reading --------------------------------------------------------------------------

    @on(ShelfTree.TickRequested)
    def _tick(self, event: ShelfTree.TickRequested) -> None:
        self._desk.set_ticks(self._desk.ticks.switched(event.collection, event.places))
        self._desk.training.plan_anew()

    @on(ShelfTree.ReadRequested)
    def _read(self) -> None:
        self._reading.focus()

    def action_story(self, by: int) -> None:
        """Read the next story, or the one before."""
        self._reader.go_on(by)

    @on(Reading.Read)
    def _remember_soon(self) -> None:
        if self._remembering is None:  # at most this long after a move: the cursor may never rest
            self._remembering = self.set_timer(REMEMBER, self._remember)

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._remember_soon()
        self._reader.follow()

    @on(Reading.Lost)
    def _mend(self, event: Reading.Lost) -> None:
        self._reader.mend(event.leaf)

    def action_before(self) -> None:
        """Show the story as its file has it, or as it was cleaned."""
        self._reader.switch_version()

    def on_resize(self) -> None:
        """The terminal may have become narrow."""
        self.call_after_refresh(self._give_room)

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _give_room(self) -> None:
        # the reading pane has the whole width of a narrow terminal while it has the focus
        self._shelf.display = not (self.has_class("-narrow") and isinstance(self.focused, Reading))

    def go_to(self, collection: str, index: int | None) -> None:
        """Put the cursor on a collection or one of its stories, and show it."""
        self.action_all()
        self.shelf_tree.go_to(collection, index)

    # -- filtering ------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type words that the titles or the texts must have."""
        self.set_focus(self._filter_field)  # `focus` would let the next letters be keys
        self._filter.prepare()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        self._clear_message()  # a typed letter does not reach `on_key`
        self._filter.narrow(event.value)

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self.shelf_tree.focus()

    def action_tree(self, by: int) -> None:
        """Move in the tree while the filter is being typed."""
        self.shelf_tree.action_move(by)

    def action_all(self) -> None:
        """Drop the filter and show every title; the cursor stays on its story."""
        self._drop_filter()
        self.shelf_tree.focus()

    def _drop_filter(self) -> None:
        self._filter.drop()
        self.refresh_bindings()

    # -- adding and changing --------------------------------------------------------------------------

    def action_import(self) -> None:
        """Import files, folders or an address."""
        self.imports.ask()

    def action_gutenberg(self) -> None:
        """Fetch a book of Project Gutenberg."""
        self.imports.choose_book()

    def on_paste(self, event: Paste) -> None:
        """Import what is pasted or dropped on the window."""
        event.stop()
        self._clear_message()
        self.imports.paste(event.text)

    def action_rename(self) -> None:
        """Rename the collection or story under the cursor."""
        if leaf := self.shelf_tree.leaf:
            self._edits.rename(leaf)

    def action_remove(self) -> None:
        """Remove the collection or story under the cursor."""
        if leaf := self.shelf_tree.leaf:
            self._edits.remove(leaf)

    def action_punctuation(self) -> None:
        """Make the punctuation of the collection under the cursor plain, or leave it as written."""
        if leaf := self.shelf_tree.leaf:
            self._edits.set_punctuation(leaf)

    def action_left_out(self) -> None:
        """Show what the files of the collection under the cursor hold that is in none of its stories."""
        if leaf := self.shelf_tree.leaf:
            from storytime_tui.tui.screens.left_out import LeftOutScreen

            self.app.push_screen(LeftOutScreen(self._desk, leaf.collection, self.open_shelf))

    def action_undo(self) -> None:
        """Bring back what was removed."""
        self._edits.undo()

    def action_train(self) -> None:
        """Go to Train with the ticked stories."""
        self.post_message(GoTo("train"))

    # -- messages and keys ----------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """A message goes with the next key, except the key that shows it in full. This runs before the key's action."""
        if event.key != "l":
            self._clear_message()

    def _clear_message(self) -> None:
        self._message.say(self.imports.under_way)

    def _remarks(self) -> list[str]:
        """All that can be read in full: a message that was too long, and remarks on the last import and the shelf."""
        return list(
            dict.fromkeys(filter(None, [self._message.in_full, *self.imports.remarks, *self._unreadable]))
        )

    def action_remarks(self) -> None:
        """Show every remark in full."""
        from storytime_tui.tui.screens.dialogs import ListScreen

        remarks = self._remarks()
        if not remarks:
            self._message.say("There are no remarks.")
        else:
            lines = [line for sentence in remarks for line in (sentence, "")][:-1]
            self.app.push_screen(ListScreen("Remarks", lines))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys work now."""
        if action == "filter":
            return not isinstance(self.focused, Input)
        if action == "before":
            leaf = self.shelf_tree.leaf
            return leaf is not None and leaf.index is not None
        return True

    def _is_of_use(self, action: str) -> bool:
        """Whether the footer shows a key now. Other keys work, too, and say why they can do nothing."""
        if isinstance(self.focused, FilterField):  # a letter is a letter there
            known = ("submit", "screen.tree(1)", "screen.all", "help")
            return action in known or action.startswith("mode(")
        if isinstance(self.focused, Reading) and action in ("filter", "import", "gutenberg", "remarks"):
            return False
        leaf = self.shelf_tree.leaf
        match action:
            case "all":
                return bool(self.shelf_tree.query_text)
            case "remarks":
                return bool(self._remarks())
            case "undo":
                return self._edits.can_undo
            case "left_out":
                return leaf is not None and any(each.omitted for each in leaf.collection.accounts)
            case "rename" | "remove":
                return leaf is not None and not leaf.collection.bundled
            case "punctuation":
                return leaf is not None and not leaf.collection.bundled and leaf.index is None
        return True
