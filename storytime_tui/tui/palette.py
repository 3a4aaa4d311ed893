"""The command palette's entries for collections, written stories and models."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from storytime_tui.formatting import folded
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import from_store, in_thread, sentence_of
from storytime_tui.tui.desk import Desk

_MOST = 60  # matches at most
_AT_ONCE = 50  # entries between two pauses for the event loop


@dataclass(frozen=True)
class Command:
    """One entry: title, title for searching (folded), help line, and what it does."""

    title: str
    folded_title: str
    help: str
    run: Callable[[], Awaitable[None]]


class AppActions(Protocol):
    """The app's methods that entries call. The app imports this module, so this one cannot import the app."""

    desk: Desk

    async def open_collection(self, name: str, story: int | None) -> None:
        """Show a collection, or one of its stories, in the Library."""

    async def open_story(self, story: Story) -> None:
        """Open a written story."""

    async def write_with(self, model: str) -> None:
        """Write with a model."""


class DeskProvider(Provider):
    """Finds collections, stories and models by title. Titles are never markup."""

    async def startup(self) -> None:
        """Start to gather the entries, once for each opening of the palette.

        A separate task gathers them: the next typed letter cancels the search and all it awaits, and Textual does
        not start a cancelled `startup` again.
        """
        self._gathered = asyncio.create_task(self._gather())

    async def shutdown(self) -> None:
        """Stop gathering: the palette was closed."""
        self._gathered.cancel()

    async def _gather(self) -> None:
        app = cast(AppActions, self.app)
        desk = app.desk
        self._entries: list[Command] = []
        for collection in desk.collections:
            name = collection.name
            self._add(collection.title, "collection", partial(app.open_collection, name, None))
            for i, story in enumerate(collection.stories):
                if i % _AT_ONCE == 0:
                    await asyncio.sleep(0)
                if len(collection.stories) == 1 and story.title == collection.title:
                    continue  # a book of one story would be listed twice
                self._add(story.title, f"in {collection.title}", partial(app.open_collection, name, i))
        try:
            written = await from_store(desk.store_thread, lambda store: store.stories())
            models = await in_thread(desk.writing.list_models)
        except Exception as error:
            sentence_of(error)  # logs it; the palette offers what was found
            return
        for kept in written:
            self._add(kept.title, "your story", partial(app.open_story, kept))
        for model in models:
            self._add(f"Write with {model.title}", model.note, partial(app.write_with, model.name))

    def _add(self, title: str, help: str, run: Callable[[], Awaitable[None]]) -> None:
        title = printable_line(title[:400])
        self._entries.append(Command(title, folded(title), printable_line(help), run))

    async def discover(self) -> Hits:
        """The first collections and models, shown before the user types."""
        await asyncio.shield(self._gathered)
        for entry in [
            e for e in self._entries if e.help == "collection" or e.title.startswith("Write with ")
        ][:12]:
            yield DiscoveryHit(Content(entry.title), entry.run, text=entry.title, help=Content(entry.help))  # type: ignore[arg-type]

    async def search(self, query: str) -> Hits:
        """The entries whose title contains every word; if there are none, a fuzzy match of the letters."""
        await asyncio.shield(self._gathered)
        matcher = self.matcher(query)
        terms = folded(query).split()
        exact = [entry for entry in self._entries if all(term in entry.folded_title for term in terms)]
        # a fuzzy match of thousands of titles takes long
        for number, entry in enumerate(exact[:_MOST] or self._entries):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            score = matcher.match(entry.title)
            if score > 0 or exact:
                title, help = Content(entry.title), Content(entry.help)
                yield Hit(max(score, 0.1), title, entry.run, text=entry.title, help=help)  # type: ignore[arg-type]
