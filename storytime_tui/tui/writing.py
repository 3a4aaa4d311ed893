"""Reads and changes the current story: each request goes to the store's thread and is awaited. Knows no widget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from storytime_tui.errors import StoryError, StoryUnavailable
from storytime_tui.jobs.told_record import told_line
from storytime_tui.stories.joining import full_title
from storytime_tui.stories.story import Added, Opened, Story
from storytime_tui.stories.tree import passage_of
from storytime_tui.tui.bridge import from_store
from storytime_tui.tui.manuscript import Manuscript, last_story
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.store_thread import StoreThread, done

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

MOVED = "This story was changed in another window and is loaded again."
POLL = 2.0  # seconds between two checks for changes by other windows
RETRY = 1.0  # seconds between two attempts to open the stories
Result = TypeVar("Result")
Act = Callable[["StoryStore", int], Story]  # on the story with this id


class Writing:
    """The current story and its changes, one at a time. Raises StoryError as the store does."""

    def __init__(self, store_thread: StoreThread) -> None:
        self._store_thread = store_thread
        self._turn = asyncio.Lock()
        self.manuscript = Manuscript()
        self._removed: int | None = None  # the story that is known to be removed

    @property
    def story_id(self) -> int | None:
        """The current story's id; None for a blank page."""
        return self.manuscript.story.id if self.manuscript.story is not None else None

    def full_title(self, beginning: str) -> str:
        """The suggestion for a new title, from the story's first line; "" for a blank page."""
        return full_title(self.manuscript.story.title, beginning) if self.manuscript.story is not None else ""

    async def open_last(self, say: Callable[[str], object]) -> Opened | None:
        """Open the most recently changed story, if any. While the store is unavailable, say why and retry."""

        def opened(store: StoryStore) -> Opened | None:
            last = last_story(store)
            return store.open_story(last.id) if last is not None else None

        while True:
            try:
                return await from_store(self._store_thread, opened)
            except StoryUnavailable as error:
                say(str(error))
                await asyncio.sleep(RETRY)

    async def open(self, story_id: int) -> Opened:
        """Open a story."""
        async with self._turn:
            return await from_store(self._store_thread, lambda store: store.open_story(story_id))

    def save_draft(self, line: str) -> Future[None]:
        """Save an unsent line."""
        return self._store_thread.write(partial(self.manuscript.save_draft, line=line))

    async def told_line(self, passage: int) -> str:
        """How a passage was told, in one line; the last one's for 0. "" for a passage of yours, or if unknown."""
        story = self.story_id

        def line(store: StoryStore) -> str:
            head = passage or (store.story(story).head if story is not None else None)
            return told_line(passage_of(store, head)) if head is not None else ""

        try:
            return await from_store(self._store_thread, line)
        except StoryError:
            return ""

    async def add(self, line: str) -> Added:
        """Append the user's line and wait until it is saved."""
        async with self._turn:
            return await done(self._store_thread.write(partial(self.manuscript.add, line=line)))

    async def begin(self, text: str, model: str, settings: str, ids: str) -> Opened:
        """Start the story with a told opening. Raises StoryMoved if it has words by now."""
        async with self._turn:
            begin = partial(self.manuscript.begin, text=text, model=model, settings=settings, ids=ids)
            story = await done(self._store_thread.write(begin))
            return await from_store(self._store_thread, lambda store: store.open_story(story.id))

    async def rename(self, title: str) -> None:
        """Give the story a title."""
        async with self._turn:
            await done(self._store_thread.write(partial(self.manuscript.rename, title=title)))

    async def act(self, act: Act) -> tuple[Opened, bool] | None:
        """Undo, edit or move in the tree; returns the story and whether its text changed, or None for a blank page.

        Raises StoryMoved if another window changed the story.
        """
        async with self._turn:
            story = self.story_id
            if story is None:
                return None
            before = await self.read(lambda store: store.story(story).head)
            head = (await done(self._store_thread.write(lambda store: act(store, story)))).head
            return await self.read(lambda store: store.open_story(story)), head != before

    async def write(self, change: Callable[[StoryStore], Result]) -> Result:
        """Change the store, and wait until it is on the disk."""
        async with self._turn:
            return await done(self._store_thread.write(change))

    async def read(self, read: Callable[[StoryStore], Result]) -> Result:
        """Read from the store."""
        return await from_store(self._store_thread, read)

    async def news(self) -> str:
        """What another window did to the current story: `MOVED`, that it is gone (once), or "" if nothing."""
        story = self.story_id
        if story is None:
            return ""
        try:
            moved, removed = await self.read(lambda store: (store.moved(story), store.story(story).removed))
        except StoryError:
            return ""  # the next action reports it
        if story != self.story_id:
            return ""
        known, self._removed = self._removed == story, story if removed else None
        return MOVED if moved else _removed() if removed and not known else ""


def _removed() -> str:
    return (
        f"This story was removed elsewhere. Its words stay, and new ones, too: {own_key('story.open', 'o')}, "
        f"then {own_key('bookshelf.undo', 'u')} brings it back."
    )
