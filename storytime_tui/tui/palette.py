"""The command palette's own entries: every collection, every written story, every model."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import in_thread, sentence_of

if TYPE_CHECKING:
    from storytime_tui.tui.app import StorytimeApp


@dataclass(frozen=True)
class Entry:
    """One command: what it is called, a word on it, what it does."""

    title: str
    help: str
    run: Callable[[], Awaitable[None]]


class DeskProvider(Provider):
    """Finds collections, stories and models by their titles. Titles are data: they are never read as markup."""

    async def startup(self) -> None:
        """Gather what there is, once for each opening of the palette."""
        app = cast("StorytimeApp", self.app)
        desk = app.desk
        self._entries: list[Entry] = []
        for collection in desk.collections:
            name = collection.name
            self._add(collection.title, "collection", partial(app.open_collection, name, None))
            for i, story in enumerate(collection.stories):
                self._add(story.title, f"in {collection.title}", partial(app.open_collection, name, i))
        try:
            written = await in_thread(lambda: desk.store().stories())
            models = await in_thread(desk.services.model_choices)
        except Exception as error:
            sentence_of(error)  # to the log; the palette simply offers less
            return
        for kept in written:
            self._add(kept.title, "a story you write", partial(app.open_story, kept))
        for model in models:
            self._add(f"Write with {model.title}", model.note, partial(app.write_with, model.name))

    def _add(self, title: str, help: str, run: Callable[[], Awaitable[None]]) -> None:
        self._entries.append(Entry(printable_line(title), printable_line(help), run))

    async def discover(self) -> Hits:
        """What is offered before anything is typed: models and collections are enough to see."""
        for entry in [
            e for e in self._entries if e.help == "collection" or e.title.startswith("Write with ")
        ][:12]:
            yield DiscoveryHit(Content(entry.title), entry.run, text=entry.title, help=Content(entry.help))  # type: ignore[arg-type]

    async def search(self, query: str) -> Hits:
        """The entries whose title matches."""
        matcher = self.matcher(query)
        for entry in self._entries:
            score = matcher.match(entry.title)
            if score > 0:
                # not matcher.highlight: it would read the title as markup
                yield Hit(score, Content(entry.title), entry.run, text=entry.title, help=Content(entry.help))  # type: ignore[arg-type]
