"""The command palette's own entries: every collection, every written story, every model."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import from_store, in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.shelf_rows import folded

_MOST = 60  # entries: more are not looked through
_AT_ONCE = 50  # entries, after which a key may come in between


@dataclass(frozen=True)
class Command:
    """One command: what it is called, how that is sought, a word on it, what it does."""

    title: str
    sought: str
    help: str
    run: Callable[[], Awaitable[None]]


class Opens(Protocol):
    """The app, as far as an entry needs it: the app knows this module, so that this one cannot know the app."""

    desk: Desk

    async def open_collection(self, name: str, story: int | None) -> None:
        """Show a collection, or one of its stories, in the library."""

    async def open_story(self, story: Story) -> None:
        """Go on with a written story."""

    async def write_with(self, model: str) -> None:
        """Write with a model."""


class DeskProvider(Provider):
    """Finds collections, stories and models by their titles. Titles are data: they are never read as markup."""

    async def startup(self) -> None:
        """Begin to gather what there is, once for each opening of the palette.

        In a task of its own: the next letter typed cancels the search before it, and with it whatever that search
        awaits. Textual would not start a cancelled `startup` again, and the palette would find nothing at all.
        """
        self._gathered = asyncio.create_task(self._gather())

    async def shutdown(self) -> None:
        """The palette is closed."""
        self._gathered.cancel()

    async def _gather(self) -> None:
        app = cast(Opens, self.app)
        desk = app.desk
        self._entries: list[Command] = []
        for collection in desk.collections:
            name = collection.name
            self._add(collection.title, "collection", partial(app.open_collection, name, None))
            for i, story in enumerate(collection.stories):
                if i % _AT_ONCE == 0:
                    await asyncio.sleep(0)
                if len(collection.stories) == 1 and story.title == collection.title:
                    continue  # a book that is one story: it would stand there twice
                self._add(story.title, f"in {collection.title}", partial(app.open_collection, name, i))
        try:
            written = await from_store(desk.keeper, lambda store: store.stories())
            models = await in_thread(desk.writing.look_for_models)
        except Exception as error:
            sentence_of(error)  # to the log; the palette simply offers less
            return
        for kept in written:
            self._add(kept.title, "a story you write", partial(app.open_story, kept))
        for model in models:
            self._add(f"Write with {model.title}", model.note, partial(app.write_with, model.name))

    def _add(self, title: str, help: str, run: Callable[[], Awaitable[None]]) -> None:
        title = printable_line(title[:400])
        self._entries.append(Command(title, folded(title), printable_line(help), run))

    async def discover(self) -> Hits:
        """What is offered before anything is typed: models and collections are enough to see."""
        await asyncio.shield(self._gathered)
        for entry in [
            e for e in self._entries if e.help == "collection" or e.title.startswith("Write with ")
        ][:12]:
            yield DiscoveryHit(Content(entry.title), entry.run, text=entry.title, help=Content(entry.help))  # type: ignore[arg-type]

    async def search(self, query: str) -> Hits:
        """The entries whose title holds the words; where there are none, those that hold the letters."""
        await asyncio.shield(self._gathered)
        matcher = self.matcher(query)
        terms = folded(query).split()
        near = [entry for entry in self._entries if all(term in entry.sought for term in terms)]
        # the letters are sought as fuzzily as one types, which takes its time with thousands of titles
        for number, entry in enumerate(near[:_MOST] or self._entries):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            score = matcher.match(entry.title)
            if score > 0 or near:
                # not matcher.highlight: it would read the title as markup
                shown, word = Content(entry.title), Content(entry.help)
                yield Hit(max(score, 0.1), shown, entry.run, text=entry.title, help=word)  # type: ignore[arg-type]
