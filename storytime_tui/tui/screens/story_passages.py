"""What the keys of the Story screen do with passages: undo, tell again, leaf through takes, move, edit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from textual.screen import Screen

from storytime_tui.errors import StoryError, StoryMoved
from storytime_tui.stories import history, tree
from storytime_tui.stories.story import Opened, Passage
from storytime_tui.tui import clipboard, wording
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.page_layout import BEING_TOLD
from storytime_tui.tui.screens.story_edit import Edited, Editing
from storytime_tui.tui.screens.story_turns import Turns
from storytime_tui.tui.story_map import Stretch
from storytime_tui.tui.widgets.copied_line import CopiedLine
from storytime_tui.tui.widgets.find_bar import FindBar
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.passage_line import PassageLine
from storytime_tui.tui.widgets.writing_status import WritingStatus
from storytime_tui.tui.writing import Act, Writing

ALTERNATIVES = 3  # takes told at once


class Passages:
    """Acts on the chosen passage of the page: by default the last. Each act waits for the end of the telling."""

    def __init__(
        self,
        screen: Screen[None],
        writing: Writing,
        message: MessageLine,
        editing: Editing,
        turns: Turns,
        show: Callable[[Opened], object],
        moved: Callable[[str], object],
    ) -> None:
        """`show` shows a story that has changed.

        `moved` is called when another window has changed it, with a sentence to add to what is said then.
        """
        self._screen, self._writing, self._message = screen, writing, message
        self._editing, self._turns, self._show, self._moved = editing, turns, show, moved
        self._turn = asyncio.Lock()
        self._takes: Mapping[int, tuple[int, int]] = {}  # of the passages that have several

    @property
    def _page(self) -> Page:
        return self._screen.query_one(Page)

    # -- called by the screen -------------------------------------------------------------------------

    def shown(self) -> None:
        """Another text is shown: look for its takes."""
        self._takes = {}
        self.show_line()
        self._screen.run_worker(self._look())

    def told(self, passage: int | None) -> None:
        """The model has told this passage, or nothing: then the page shows the story as it is again."""
        if passage is not None:
            self._page.adopt(passage)
            self._screen.run_worker(self._look())
        elif self._writing.story_id is not None:
            self._screen.run_worker(self._act(lambda store, story: store.story(story)))

    def show_line(self) -> None:
        """Show the takes of the chosen passage, and while the page has the focus, its place."""
        page = self._page
        chosen, passages = page.chosen, page.laid.passages()
        place, count = self._takes.get(chosen or BEING_TOLD, (1, 1))
        focused = page.has_focus and chosen in passages
        where = f"passage {passages.index(chosen) + 1:,} of {len(passages):,}" if focused and chosen else ""
        self._screen.query_one(PassageLine).show_takes(place, count, where)
        self._copied.look()

    async def _look(self) -> None:
        story = self._writing.story_id
        if story is None:
            return
        with self._message.saying():
            takes = await self._writing.read(lambda store: tree.counts_of_takes(store, story))
            if story == self._writing.story_id:
                self._takes = takes
                self.show_line()

    # -- undo -----------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Undo the last act: a passage, an edit, a move to another take or branch."""
        self._after_telling(history.undo, "There is nothing to undo.")

    def redo(self) -> None:
        """Redo the last undone act."""
        self._after_telling(history.redo, "There is nothing to redo.")

    # -- takes and branches ---------------------------------------------------------------------------

    def retry(self) -> None:
        """Tell the chosen passage again; for a passage of yours, the model's after it."""
        self._in_turn(self._retry)

    async def _retry(self) -> None:
        story, chosen = self._writing.story_id, self._page.chosen
        if story is None or not self._turns.can_tell():
            self._message.say(
                ""
                if story is not None
                else f"There is nothing to tell again yet. {own_key('prompt.send', 'Enter')} lets the model begin."
            )
            return
        with self._message.saying():
            path = await self._writing.read(lambda store: store.passages(story))
            before = before_take(path, chosen)
            text = "".join(passage.text for passage in before)
            self._page.load(self._writing.manuscript.title, before)
            self._page.choose(None)
            self._page.anchor_end()
            parent = before[-1].id if before else None
            self._screen.query_one(WritingStatus).count(text)
            self._turns.tell(story, text, parent)

    def alternatives(self) -> None:
        """Tell several takes of the next passage at once; the story goes on with the first."""
        self._in_turn(self._alternatives)

    async def _alternatives(self) -> None:
        story = self._writing.story_id
        if story is None:
            self._message.say(wording.no_story())
        elif self._turns.can_tell():
            with self._message.saying():
                text = await self._writing.read(lambda store: store.text(story))
                self._page.choose(None)
                self._page.anchor_end()
                self._turns.tell(story, text, takes=ALTERNATIVES, go_on=True)

    def next_take(self) -> None:
        """Show the next take of the chosen passage."""
        self._in_turn(lambda: self._leaf(1))

    def previous_take(self) -> None:
        """Show the take before the chosen passage."""
        self._in_turn(lambda: self._leaf(-1))

    async def _leaf(self, by: int) -> None:
        chosen = self._page.chosen
        if chosen is None:
            return
        with self._message.saying():
            takes = await self._writing.read(lambda store: tree.takes_of(store, chosen))
            count = len(takes.passages)
            if not 0 <= takes.place + by < count:
                which = "the last" if by > 0 else "the first"
                only = "This passage has only one take" if count == 1 else f"This is {which} of {count} takes"
                self._message.say(f"{only}: {own_key('story.retry', 'r')} tells another.")
                return
            take = takes.passages[takes.place + by].id
            await self._act(lambda store, story: tree.go_to_branch(store, story, take), choose=take)

    def parent(self) -> None:
        """Go back before the last passage."""
        self._after_telling(tree.go_up, "This is the beginning.")

    def child(self) -> None:
        """Go on to the newest passage after the last one."""
        self._after_telling(tree.go_down, "Nothing follows on this branch.")

    # -- copied words, and finding ----------------------------------------------------------------------

    @property
    def _copied(self) -> CopiedLine:
        return self._screen.query_one(CopiedLine)

    def mark_copied(self) -> None:
        """Mark copied words, or no longer."""
        self._copied.toggle()

    def show_source(self) -> None:
        """Show where the chosen passage's copied words stand."""
        self._copied.show_source()

    def avoid_copying(self) -> None:
        """Avoid copying from now on, or allow it again."""
        self._copied.avoid()

    def find(self) -> None:
        """Look for words in the story."""
        self._screen.query_one(FindBar).open()

    def map(self) -> None:
        """Show the map of the branches, and go where the user goes."""
        if self._writing.story_id is None:
            self._message.say(
                f"There are no branches yet: {own_key('story.retry', 'r')} tells a passage again and makes one."
            )
            return
        from storytime_tui.tui.screens.story_map import MapScreen

        def went(row: Stretch | None) -> None:
            if row is None:
                self.shown()  # a branch may be pruned
            else:
                self.go(row)

        self._screen.app.push_screen(MapScreen(self._writing), went)

    def go(self, row: Stretch) -> None:
        """Show the text of a branch; in the present text, choose its first passage."""
        if row.current:
            self._page.choose(row.first)
            return
        act = partial(tree.go_to_branch, passage_id=row.first)
        self._in_turn(lambda: self._act(act, choose=row.first))

    def copy_passage(self) -> None:
        """Copy the chosen passage to the clipboard."""
        extent = self._page.laid.extent(self._page.chosen or BEING_TOLD)
        self._screen.run_worker(self._copy(self._page.text[slice(*extent)] if extent else ""))

    def copy_story(self) -> None:
        """Copy the whole text to the clipboard."""
        self._screen.run_worker(self._copy(self._page.text))

    async def _copy(self, text: str) -> None:
        self._message.say(await clipboard.copy(self._screen.app, text.strip()))

    # -- editing --------------------------------------------------------------------------------------

    def edit(self) -> None:
        """Edit the chosen passage in its place."""
        self._in_turn(self._edit)

    async def _edit(self) -> None:
        story, chosen = self._writing.story_id, self._page.chosen
        if story is None or chosen is None:
            self._message.say(
                f"There is nothing to edit yet. {own_key('story.write', 'Enter')} goes to your line."
            )
            return
        with self._message.saying():
            path = await self._writing.read(lambda store: store.passages(story))
            self._editing.begin(self._writing.manuscript.title, path, chosen)

    def finish_edit(self, text: str, keep_rest: bool) -> None:
        """Keep what was edited."""
        edited = self._editing.finish(text, keep_rest)
        if edited is not None:
            self._in_turn(lambda: self._keep(edited))

    async def _keep(self, edited: Edited) -> None:
        with self._message.saying():
            try:
                result = await self._writing.act(edited.act)
            except StoryError as error:
                await self._writing.write(edited.beside)
                if isinstance(error, StoryMoved):
                    self._moved(_beside())
                else:
                    self._message.say(f"Another window took this passage out of the story. {_beside()}")
                return
            if result is not None and (story := self._writing.story_id) is not None:
                self._show(result[0])
                path = await self._writing.read(lambda store: store.passages(story))
                self._page.choose(path[edited.place].id if edited.place < len(path) - 1 else None)
                self._message.say(f"Changed on a new branch: {own_key('story.undo', 'u')} takes it back.")

    # -- acting ---------------------------------------------------------------------------------------

    def _after_telling(self, act: Act, nothing: str) -> None:
        self._in_turn(lambda: self._act(act, nothing))

    def _in_turn(self, act: Callable[[], Awaitable[None]]) -> None:
        """Act after the telling, and after earlier acts: each begins with the page that they leave."""

        async def wait() -> None:
            async with self._turn:
                await act()

        self._turns.after_telling(lambda: self._screen.run_worker(wait()))

    async def _act(self, act: Act, nothing: str = "", choose: int | None = None) -> None:
        """Change the story in the store, show it, and choose a passage; say `nothing` if its text did not change."""
        with self._message.saying():
            try:
                result = await self._writing.act(act)
            except StoryMoved:
                self._moved("")
                return
            if result is not None:
                opened, changed = result
                self._show(opened)
                self._page.choose(choose)
            if nothing and (result is None or not changed):
                self._message.say(nothing)


def before_take(path: tuple[Passage, ...], chosen: int | None) -> tuple[Passage, ...]:
    """The passages before the one to tell again: the chosen one if the model told it, else the one after it."""
    at = next((at for at, passage in enumerate(path) if passage.id == chosen), len(path) - 1)
    if at >= 0 and path[at].author == "you":
        at += 1
    return path[: max(0, at)]


def _beside() -> str:
    return f"Your edit is a branch of its own: {own_key('story.map', 'g')} shows it."
