"""What is asked of the story in view: each wish goes to the store's thread and is awaited; no widget is in sight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryError, StoryUnavailable
from storytime_tui.stories.story import Added, Opened
from storytime_tui.tui.bridge import from_store
from storytime_tui.tui.joining import uncut
from storytime_tui.tui.manuscript import Manuscript, last_story
from storytime_tui.tui.store_thread import StoreThread, done

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

LOOK = 2.0  # seconds between two looks at what other windows do
AGAIN = 1.0  # seconds between two tries to open the stories
Change = Callable[[Manuscript, "StoryStore"], bool]  # whether it changed anything


class Writing:
    """The story in view and what may be done with it, one thing at a time. Raises StoryError as the store does."""

    def __init__(self, keeper: StoreThread) -> None:
        self._keeper = keeper
        self._turn = asyncio.Lock()
        self.manuscript = Manuscript()

    @property
    def story_id(self) -> int | None:
        """The story in view; None for a blank page."""
        return self.manuscript.story.id if self.manuscript.story is not None else None

    def whole_title(self, beginning: str) -> str:
        """The title to begin a renaming with, by the story's first line; "" where it has none yet."""
        return uncut(self.manuscript.story.title, beginning) if self.manuscript.story is not None else ""

    async def open_last(self, say: Callable[[str], object]) -> Opened | None:
        """The story that was changed last, if any; waits, and says why, while the store is unavailable."""

        def opened(store: StoryStore) -> Opened | None:
            last = last_story(store)
            return store.open_story(last.id) if last is not None else None

        while True:
            try:
                return await from_store(self._keeper, opened)
            except StoryUnavailable as error:
                say(str(error))
                await asyncio.sleep(AGAIN)

    async def open(self, story_id: int) -> Opened:
        """A story as it is now."""
        async with self._turn:
            return await from_store(self._keeper, lambda store: store.open_story(story_id))

    def keep_draft(self, line: str) -> Future[None]:
        """Keep a line that is not sent yet."""
        return self._keeper.keep(partial(self.manuscript.keep_draft, line=line))

    async def add(self, line: str) -> Added:
        """Add your line; it is on the disk when this returns."""
        async with self._turn:
            return await done(self._keeper.keep(partial(self.manuscript.add, line=line)))

    async def begin(self, text: str, model: str, settings: str) -> Opened:
        """Begin the story with what a model told; the story afterwards. Raises StoryMoved where it has words by now."""
        async with self._turn:
            begin = partial(self.manuscript.begin, text=text, model=model, settings=settings)
            story = await done(self._keeper.keep(begin))
            return await from_store(self._keeper, lambda store: store.open_story(story.id))

    async def rename(self, title: str) -> None:
        """Give the story a title."""
        async with self._turn:
            await done(self._keeper.keep(partial(self.manuscript.rename, title=title)))

    async def change(self, change: Change) -> tuple[Opened, bool] | None:
        """Undo or redo: the story afterwards, and whether that changed anything; None for a blank page.

        Raises StoryMoved where another window was at the story.
        """
        async with self._turn:
            manuscript = self.manuscript
            before = manuscript.story
            if before is None:
                return None
            changed = await done(self._keeper.keep(partial(change, manuscript)))
            opened = await from_store(self._keeper, lambda store: store.open_story(before.id))
            return opened, changed

    async def moved(self) -> int | None:
        """The story in view where another window has changed it; None where not, or where that cannot be said now."""
        story = self.story_id
        if story is None:
            return None
        try:
            moved = await from_store(self._keeper, lambda store: store.moved(story))
        except StoryError:
            return None  # whatever is done next says so
        return story if moved and story == self.story_id else None
