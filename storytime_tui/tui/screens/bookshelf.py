"""The bookshelf: every written story, to find, read, open, rename, copy, export, remove and learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input

from storytime_tui.formatting import count
from storytime_tui.stories.pages import Listed, listed
from storytime_tui.stories.search import Hits, search
from storytime_tui.stories.story import Story
from storytime_tui.tui import breakpoints
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.phrases import phrases_of
from storytime_tui.tui.screens.bookshelf_edits import BookshelfEdits
from storytime_tui.tui.screens.bookshelf_files import BookshelfFiles
from storytime_tui.tui.screens.bookshelf_keys import KEYS, OF_A_STORY, SELDOM
from storytime_tui.tui.story_rows import Order, StoryRow, in_order, row_of
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.filter_field import FilterField
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.story_list import StoryList, StoryTitles
from storytime_tui.tui.widgets.story_preview import StoryPreview
from storytime_tui.tui.writing import Writing

BOOKSHELF = "bookshelf"  # the name under which the app keeps the screen
FOUND = 60  # stories that a search shows; more typed letters find fewer


def install_bookshelf(
    screen: Screen[None],
    desk: Desk,
    writing: Writing,
    leave: Callable[[], object],
    open_story: Callable[[Story], object],
) -> None:
    """Install the bookshelf for the Story screen, which follows what happens to its own story.

    It is kept while it is not shown, so that it opens at once. `leave` begins a blank page, as the story was removed;
    `open_story` opens it again when it is brought back, unless another story stands there by then.
    """
    left: list[int] = []  # the story that was on the page when it was removed

    def changed(story: Story) -> None:
        if story.id == writing.story_id and story.removed:
            left[:] = [story.id]
            leave()
        elif story.id == writing.story_id:
            writing.manuscript.story = story
            screen.query_one(Page).set_title(story.title)
        elif story.id in left and not story.removed and writing.story_id is None:
            open_story(story)

    if not screen.app.is_screen_installed(BOOKSHELF):
        screen.app.install_screen(BookshelfScreen(desk, lambda: writing.story_id, changed), BOOKSHELF)


class BookshelfScreen(StyledOnce, Screen[None]):
    """The list of stories, what is searched for above it, and the first lines of one beside it."""

    CSS_PATH = "bookshelf.tcss"
    HORIZONTAL_BREAKPOINTS = breakpoints.WIDTHS
    VERTICAL_BREAKPOINTS = breakpoints.HEIGHTS
    AUTO_FOCUS = "#story-list"
    BINDINGS = KEYS
    help_topic = "bookshelf"

    def __init__(
        self, desk: Desk, current: Callable[[], int | None], changed: Callable[[Story], object]
    ) -> None:
        """`current`: the id of the story on the page, if any. `changed` gets each story that was changed here."""
        super().__init__()
        self._desk, self._state, self._current = desk, desk.bookshelf, current
        self._go_to: int | None = None  # the story that the cursor goes to, once it is in the list
        self._opened = False  # shown, or under a dialog or a book
        self._keys: object = None  # the state that the offered keys depend on
        self._filter_field = FilterField("bookshelf.filter", "find words in all stories")
        self._titles = StoryTitles()
        self._list = StoryList(desk.services.wall_clock, id="story-list")
        self._box = Vertical(id="story-box")
        self._preview = StoryPreview(desk.store_thread, id="first-lines")
        self._message = MessageLine()
        self._edits = BookshelfEdits(self, desk, self._message, self._read, changed)
        self._files = BookshelfFiles(self, desk, self._message, self._read)
        self._reads: Debounced[tuple[Listed, ...]] = Debounced(self, self._show_all, self._complain)
        self._searches: Debounced[Hits] = Debounced(self, self._show_found, self._complain)
        self._all: Sequence[StoryRow] | None = None  # None until they were read
        self._found: Hits | None = None  # of the present search
        self._phrases: tuple[str, ...] = ()  # that are searched for
        self._ticked: dict[int, None] = {}  # ids, in the order of their ticks

    def compose(self) -> ComposeResult:
        """What to find, the list and the first lines; messages and keys."""
        yield Header(self._desk, "story")
        self._box.border_title = "Bookshelf"
        with Container(id="shelf-panes"):
            with self._box:
                yield self._filter_field
                yield self._titles
                yield self._list
            yield self._preview
        yield self._message
        yield KeyLine(SELDOM, self._is_of_use)

    def on_mount(self) -> None:
        """Follow the store and the model."""
        self._desk.store_notice.subscribe(self, self._notice)
        self._desk.told.subscribe(self, self._edits.on_telling, immediate=True)
        self._show()

    def on_screen_resume(self) -> None:
        """Read the stories, with the cursor on the one on the page. After a dialog everything stays."""
        if not self._opened:
            self._opened = True
            self._message.clear()
            self._list.focus()
            self._read(self._current())

    def on_screen_suspend(self) -> None:
        """Stay as it is under a dialog or a book; else the screen is left."""
        self._opened = self in self.app.screen_stack

    def _notice(self, sentence: str) -> None:
        if self.is_current:
            self._message.complain(sentence)

    # -- the list -------------------------------------------------------------------------------------

    def _read(self, at: int | None = None) -> None:
        """Read the stories again, and put the cursor on the one with this id, if any."""
        self._go_to = at if at is not None else self._go_to
        store_thread = self._desk.store_thread
        self._reads.request(lambda: listed(store_thread.store()), at_once=True)

    def _complain(self, error: Exception) -> None:
        self._message.complain(sentence_of(error))

    def _show_all(self, stories: tuple[Listed, ...]) -> None:
        self._all = tuple(map(row_of, stories))
        known = {row.story.id for row in self._all}
        self._ticked = {story: None for story in self._ticked if story in known}
        self._list.tick(self._ticked)
        if self._phrases:
            self._search()  # what was found may have changed, too
        else:
            self._show()

    def _show_found(self, found: Hits) -> None:
        self._found = found
        self._show()

    def _show(self, *, top: bool = False) -> None:
        """Show what was read or found, with the cursor on the story that is waited for, else where it is."""
        rows: Sequence[StoryRow] = self._all or ()
        if self._phrases and self._found is not None:
            rows = tuple(map(row_of, self._found.hits))
        self._show_rows(in_order(rows, self._state.order), top=top)

    def _show_rows(self, rows: Sequence[StoryRow], *, top: bool = False) -> None:
        before = self._list.row
        at = self._go_to if self._go_to is not None else before.story.id if before else None
        if self._all is not None and any(row.story.id == self._go_to for row in rows):
            self._go_to = None
        found = bool(self._phrases) and self._found is not None
        self._titles.show(self._state.order, found=found)
        self._list.nothing = self._why_nothing()
        self._list.show(rows, self._phrases if found else (), None if top else at)
        how_many = self._how_many(len(rows))
        if self._box.border_subtitle != how_many:
            self._box.border_subtitle = how_many

    def _how_many(self, shown: int) -> str:
        stories = count(len(self._all or ()), "story", "stories")
        if not self._phrases or self._found is None:
            return stories if self._all else ""
        if self._found.total > shown:
            return f"the {shown:,} changed last of {self._found.total:,} found"
        return f"{shown:,} of {stories}"

    def _why_nothing(self) -> str:
        if self._all is None:
            return "Reading the stories…"
        if self._all:
            return f"No story holds this. {own_key('bookshelf.all', 'Escape')} shows all."
        return (
            f"No stories yet. {own_key('bookshelf.close', 'Escape')} goes back to write "
            f"one, {own_key('bookshelf.import', 'i')} imports a file."
        )

    @on(LineList.Moved)
    def _show_story(self) -> None:
        row = self._list.row
        self._preview.show(row, self._phrases if self._found is not None else ())
        keys = row is None, bool(self._state.removed), bool(self._filter_field.value)
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    # -- sorting and finding --------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort(self._state.order.following)

    def action_favourites_first(self) -> None:
        """List the favourites first, or not."""
        order = self._state.order
        self._sort(Order(order.field, not order.favourites_first))
        first = not order.favourites_first
        self._message.say("Favourites come first." if first else "Favourites are among the others.")

    @on(StoryTitles.Chosen)
    def _sort_by(self, event: StoryTitles.Chosen) -> None:
        if event.field in ("changed", "title", "words"):
            self._sort(Order(event.field, self._state.order.favourites_first))

    def _sort(self, order: Order) -> None:
        self._state.order = order
        self._show()

    def action_filter(self) -> None:
        """Type words to find."""
        self._filter_field.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self) -> None:
        self._message.clear()  # a typed letter does not reach `on_key`
        self._phrases = phrases_of(self._filter_field.value)
        if self._phrases:
            self._search()
        else:
            self._searches.forget()
            self._found = None
            self._show()

    def _search(self) -> None:
        phrases, store_thread = self._phrases, self._desk.store_thread
        self._searches.request(lambda: search(store_thread.store(), phrases, FOUND), at_once=True)

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self._list.focus()

    def action_tree(self, by: int) -> None:
        """Move in the list while the words to find are typed."""
        self._list.action_move(by)

    def action_all(self) -> None:
        """Show all stories; the cursor stays on its story."""
        self._filter_field.value = ""
        self._list.focus()

    def action_close(self) -> None:
        """Go back to the page."""
        self.dismiss(None)

    # -- one story ------------------------------------------------------------------------------------

    @on(StoryList.Opened)
    async def action_open(self) -> None:
        """Open the story on the Story screen."""
        if row := self._list.row:
            await self._files.open(row.story)

    def action_read(self) -> None:
        """Read the story as a book."""
        from storytime_tui.tui.screens.book_view import BookScreen

        if row := self._list.row:
            self.app.push_screen(BookScreen(self._desk, row.story))

    def action_favourite(self) -> None:
        """Mark the story as a favourite, or not."""
        if row := self._list.row:
            self._edits.favourite(row.story)

    def action_rename(self) -> None:
        """Ask for another title of the story."""
        if row := self._list.row:
            self._edits.rename(row.story)

    def action_title(self) -> None:
        """Let the model suggest a title."""
        if row := self._list.row:
            self._edits.suggest_title(row.story)

    def action_duplicate(self) -> None:
        """Copy the story with all its takes."""
        if row := self._list.row:
            self._edits.duplicate(row.story)

    def action_remove(self) -> None:
        """Remove the story; `undo` brings it back."""
        if row := self._list.row:
            self._edits.remove(row.story)

    def action_undo(self) -> None:
        """Bring back the story that was removed last; if none was, ask which earlier one."""
        self._edits.undo()

    def action_copy(self) -> None:
        """Copy the story to the clipboard."""
        if row := self._list.row:
            self._files.copy(row.story)

    def action_export(self) -> None:
        """Ask for a file, and write the story to it."""
        if row := self._list.row:
            self._files.export(row.story)

    def action_import(self) -> None:
        """Ask for a file, and add it as a story."""
        self._files.ask_for_import()

    def action_tick(self) -> None:
        """Tick the story, or take its tick away; the cursor moves on."""
        if row := self._list.row:
            if row.story.id in self._ticked:
                del self._ticked[row.story.id]
            else:
                self._ticked[row.story.id] = None
            self._list.tick(self._ticked)
            self._list.action_move(1)
            if self._ticked:
                ticked = count(len(self._ticked), "story", "stories")
                them = "it" if len(self._ticked) == 1 else "them"
                self._message.say(
                    f"{ticked} ticked. {own_key('bookshelf.learn', 'l')} puts "
                    f"{them} into your own collection, to train on."
                )

    def action_learn(self) -> None:
        """Put the ticked stories, or the one under the cursor, on the Library's shelf."""
        if row := self._list.row:
            self._edits.learn(tuple(self._ticked) or (row.story.id,))

    # -- messages and keys ----------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """A message goes with the next key. This runs before the key's action."""
        self._message.clear()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys work now."""
        match action:
            case "filter":
                return not isinstance(self.focused, Input)
            case "all":
                return bool(self._filter_field.value) or isinstance(self.focused, Input)
            case "close":
                return not self._filter_field.value
        return True

    def _is_of_use(self, action: str) -> bool:
        """Whether the footer shows a key now. Other keys work, too, and say why they can do nothing."""
        if isinstance(self.focused, FilterField):  # a letter is a letter there
            known = ("submit", "screen.tree(1)", "screen.all", "help")
            return action in known or action.startswith("mode(")
        if action == "undo":
            return bool(self._state.removed)
        return self._list.row is not None if action in OF_A_STORY else True
