"""Library: the shelf of stories, what is ticked to learn from, and a page to read them on."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur, DescendantFocus
from textual.timer import Timer
from textual.widgets import Input

from storytime_tui.terminal import printable_line
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.newest import Newest
from storytime_tui.tui.screens.shelf_changes import ShelfChanges
from storytime_tui.tui.shelf_memory import ShelfState, state_of, ticks_of
from storytime_tui.tui.tally import Copies, learned, tally, told_again
from storytime_tui.tui.widgets.counts import Counts
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import Leaf, ShelfTree

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Estimate

REMEMBER = 1.0  # seconds after which the cursor's place is kept
LEAVING = 2.0  # seconds that the last writing has when the app closes


class LibraryScreen(ShelfChanges):
    """Tick what to learn from; read; filter; bring in more."""

    CSS_PATH = "library.tcss"
    BINDINGS = [
        Binding(
            "slash", "filter", "Find", id="library.filter", tooltip="Show only titles with these letters"
        ),
        Binding("i", "import", "Add", id="library.import", tooltip="Add files, folders or an address"),
        Binding(
            "g", "gutenberg", "Books", id="library.gutenberg", tooltip="Fetch a book of Project Gutenberg"
        ),
        Binding("t", "train", "Train", id="library.train", tooltip="Go on with the ticked stories"),
        Binding(
            "b", "before", "File", id="library.before", tooltip="The story before it was cleaned, or after"
        ),
        Binding("r", "rename", "Rename", id="library.rename", tooltip="Another title for this line"),
        Binding("d", "remove", "Remove", id="library.remove", tooltip="Take this line off the shelf"),
        Binding(
            "delete",
            "remove",
            "Remove",
            show=False,
            id="library.delete",
            tooltip="Take this line off the shelf",
        ),
        Binding("u", "undo", "Undo", id="library.undo", tooltip="Bring back what was removed"),
        Binding(
            "minus",
            "punctuation",
            "Quotes",
            key_display="-",
            id="library.punctuation",
            tooltip="Quotes and dashes of this collection: plain, or as written",
        ),
        Binding("l", "left_out", "Remarks", id="library.left_out", tooltip="What an import said, in full"),
        Binding("escape", "all", "Show all", show=False, id="library.all", tooltip="Leave the filter"),
        # while the filter is typed, these move in the tree
        Binding("up", "tree(-1)", "Up", show=False, id="library.up", tooltip="The line above"),
        Binding("down", "tree(1)", "Down", show=False, id="library.down", tooltip="The line below"),
    ]
    AUTO_FOCUS = "#tree"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, self.open_shelf, self.go_to)
        self._shelf = Vertical(id="shelf")
        self._filter_field = FilterField(placeholder="/ filter…", id="filter", compact=True)
        self._reading = Reading(desk.services.before, id="reading")
        self._counts = Counts(id="counts")
        self._estimates: Newest[Estimate] = Newest(self, self._show_estimate, self._show_estimate)
        self._copies: Newest[Copies] = Newest(self, self._show_copies, lambda error: sentence_of(error))
        self._previewed: Leaf | None = None
        self._opening = asyncio.Lock()
        self._seen: set[str] = set()  # the collections that were on the shelf in this sitting, by name
        self._remembering: Timer | None = None  # runs while the cursor's place is not kept yet
        self._mended: set[tuple[str, int | None]] = set()  # stories whose text was sought anew

    def compose(self) -> ComposeResult:
        """Tree on the left, reading on the right, counts below."""
        yield Header(self._desk, "library")
        with Horizontal(id="shelves"):
            with self._shelf:
                yield self._filter_field
                yield self.shelf_tree
            yield self._reading
        yield self._remark
        yield self._counts
        seldom = ("remove", "rename", "undo", "left_out", "before", "train", "punctuation")
        yield KeyLine(seldom, self.is_of_use)

    def on_mount(self) -> None:
        """Show the frame first, then open the shelf."""
        self._desk.shelf_changed.subscribe(self, self._shelf_changed)
        self.call_after_refresh(lambda: self.run_worker(self.open_shelf()))

    async def open_shelf(self, show: str | None = None) -> None:
        """Read the shelf anew; put the cursor on the collection `show`, and tick it."""
        async with self._opening:  # one reading after the other: the last one counts
            await self._open_shelf(show)

    async def _open_shelf(self, show: str | None) -> None:
        desk = self._desk
        try:
            collections, unreadable = await in_thread(desk.services.shelf)
        except Exception as error:
            self._say("", sentence_of(error))
            self._counts.say("the shelf could not be opened")
            return
        if not self.is_running:
            return  # the app is being left
        newcomer = not desk.collections
        kept = await self._remembered() if newcomer else None
        desk.ticks = desk.ticks.carried(desk.collections, collections)
        if newcomer:
            desk.ticks = ticks_of(kept, collections)
        for each in () if newcomer else collections:
            if each.name not in self._seen and not each.bundled:  # imported meanwhile
                desk.ticks = desk.ticks.with_all_of(each)
        self._seen.update(each.name for each in collections)
        desk.collections = collections
        if show is not None:
            self._drop_filter()
            for collection in collections:
                if collection.name == show:
                    desk.ticks = desk.ticks.with_all_of(collection)
        self.shelf_tree.show(collections, desk.ticks)
        if kept is not None:
            self.shelf_tree.restore(kept.opened, kept.cursor)
        if show is not None:
            self.shelf_tree.go_to(show, None, unfold=True)
        if not collections:
            self._reading.say(
                "An empty shelf", "Press i to add a file or a folder with stories, g to fetch a book."
            )
        desk.shelf_changed.publish(None)
        self._tell_of_unreadable(unreadable)
        self._copies.want(lambda: desk.services.copies(collections))
        # A large shelf is many objects, and they stay: looked through for garbage again and again, they would
        # make a key wait for a tenth of a second.
        gc.freeze()
        if newcomer:
            self.run_worker(desk.writing.wake_starter(), exit_on_error=False)
            self.run_worker(desk.training.look_back(), exit_on_error=False)  # where it fails, Train says so

    async def _remembered(self) -> ShelfState | None:
        try:
            return await in_thread(self._desk.services.load_shelf)
        except Exception as error:
            self._say("", sentence_of(error) + " So the ticks of last time are not known.")
            return None

    def _remember(self) -> None:
        """Keep ticks and place for the next sitting; a kill loses nothing of the ticks."""
        if self._remembering is not None:
            self._remembering.stop()
            self._remembering = None
        desk, tree = self._desk, self.shelf_tree
        if desk.collections:  # a shelf that could not be read forgets nothing
            desk.shelf_memory.keep(state_of(desk.collections, desk.ticks, tree.opened, tree.place))

    def on_unmount(self) -> None:
        """The app closes."""
        self._remember()
        self._desk.shelf_memory.drain(LEAVING)

    def _tell_of_unreadable(self, sentences: Sequence[str]) -> None:
        """What is on the disk and cannot be shown, when that is new."""
        if sentences and tuple(sentences) != tuple(self._unreadable):
            many = (
                f"{len(sentences):,} things on the shelf cannot be read (l): " if len(sentences) > 1 else ""
            )
            self._say("", many + sentences[0])
        self._unreadable = tuple(sentences)
        self.refresh_bindings()

    # -- counts ---------------------------------------------------------------------------------------

    def _shelf_changed(self, _: None) -> None:
        """Other stories are ticked, or another base is chosen."""
        self._remember()
        desk = self._desk
        ticks, collections, copies, base = desk.ticks, desk.collections, desk.copies, desk.base
        again = told_again(ticks, collections, copies)
        self.shelf_tree.show_ticks(ticks, again)
        counted = tally(ticks, collections, again)
        self._counts.show(counted, base)
        if counted.stories:
            self._estimates.want(lambda: desk.services.estimate(learned(ticks, collections, copies), base))
        else:
            self._estimates.forget()

    def _show_estimate(self, estimate: Estimate | Exception) -> None:
        self._counts.show_estimate(estimate)

    def _show_copies(self, copies: Copies) -> None:
        self._desk.copies = copies
        if copies:
            self._desk.shelf_changed.publish(None)
            self._preview(self.shelf_tree.leaf, stay=True)

    # -- ticking and reading --------------------------------------------------------------------------

    @on(ShelfTree.TickWished)
    def _tick(self, event: ShelfTree.TickWished) -> None:
        self._desk.set_ticks(self._desk.ticks.switched(event.collection, event.places))

    @on(ShelfTree.ReadWished)
    def _read(self) -> None:
        self._reading.focus()

    @on(LineList.Moved)
    def _moved(self) -> None:
        if self._remembering is None:  # a ceiling, not a pause: the cursor may never rest
            self._remembering = self.set_timer(REMEMBER, self._remember)
        leaf = self.shelf_tree.leaf
        before = self._previewed
        if (
            leaf is None
            or before is None
            or leaf.index != before.index
            or leaf.collection is not before.collection
        ):
            same = leaf is not None and before is not None and _same_place(leaf, before)
            self._preview(leaf, stay=same)

    @on(Reading.Lost)
    def _mend(self, event: Reading.Lost) -> None:
        """A story's cleaned text has gone from the disk: the shelf, read anew, makes it again."""
        key = event.leaf.collection.name, event.leaf.index
        if key not in self._mended:
            self._mended.add(key)
            self.run_worker(self.open_shelf())

    def _preview(self, leaf: Leaf | None, *, stay: bool = False) -> None:
        if _kind(leaf) != _kind(self._previewed):
            self.refresh_bindings()
        self._previewed = leaf
        if leaf is None and self.shelf_tree.wanted:
            self._reading.say("No story has these words", "")
        if leaf is not None:
            self._reading.show(leaf, self._told_again(leaf), stay=stay)

    def _told_again(self, leaf: Leaf) -> str:
        """Where else a story is told, in words; "" for nearly all."""
        desk = self._desk
        copy = desk.copies.get((leaf.collection.name, leaf.index if leaf.index is not None else -1))
        if copy is None:
            return ""
        name, place = copy.of
        for collection in desk.collections:
            if collection.name == name and place < len(collection.stories):
                how = (
                    "word for word"
                    if copy.share > 0.999
                    else f"{min(99, round(100 * copy.share))}% the same as"
                )
                title = printable_line(collection.stories[place].title)
                where = "" if name == leaf.collection.name else f" in {printable_line(collection.title)}"
                return f"told again: {how} “{title}”{where}"
        return ""

    def action_before(self) -> None:
        """Show the story as its file has it, or as it was cleaned."""
        reading, leaf = self._reading, self.shelf_tree.leaf
        if leaf is not None and leaf.index is not None:
            reading.as_written = not reading.as_written
            self._preview(leaf, stay=True)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Who reads has the whole width where there is little."""
        self._give_room()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """The shelf is back."""
        self._give_room()

    def on_resize(self) -> None:
        """There may be little now."""
        self.call_after_refresh(self._give_room)

    def _give_room(self) -> None:
        self._shelf.display = not (self.has_class("-narrow") and isinstance(self.focused, Reading))

    def go_to(self, collection: str, index: int | None) -> None:
        """Put the cursor on a collection or one of its stories, and show it."""
        self.action_all()
        self.shelf_tree.go_to(collection, index)

    # -- filtering ------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type letters that the titles must hold."""
        self._filter_field.focus()

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    def _narrow(self, wanted: str) -> None:
        self._say("")
        tree = self.shelf_tree
        tree.narrow(wanted)
        found = wording.count(tree.found(), "story", "stories") if tree.wanted else ""
        self._shelf.border_subtitle = f"{found} · escape shows all" if found else ""

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self.shelf_tree.focus()

    def action_tree(self, by: int) -> None:
        """Move in the tree while the filter is being typed."""
        self.shelf_tree.action_move(by)

    def action_all(self) -> None:
        """Drop the filter and what was said, and show every title; the cursor stays on the story it stands on."""
        self._drop_filter()
        self._say("")
        self.shelf_tree.focus()

    def _drop_filter(self) -> None:
        field = self._filter_field
        with field.prevent(Input.Changed):
            field.value = ""
        self._narrow("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what means something now."""
        if action == "filter":
            return not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    # -- going on -------------------------------------------------------------------------------------

    def action_train(self) -> None:
        """Go to Train with the ticked stories."""
        self.post_message(GoTo("train"))


def _same_place(leaf: Leaf, other: Leaf) -> bool:
    return leaf.collection.name == other.collection.name and leaf.index == other.index


def _kind(leaf: Leaf | None) -> tuple[bool, bool] | None:
    """What the keys depend on: whether it is a story, and whether it came with the program."""
    return None if leaf is None else (leaf.index is not None, leaf.collection.bundled)
