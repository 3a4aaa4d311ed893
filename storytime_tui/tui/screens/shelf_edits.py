"""Changes to what is on the shelf: rename, remove, bring back, make punctuation plain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from textual.screen import Screen

from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.shelf_tree import Leaf
from storytime_tui.tui.wording import clipped

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.shelves import Removed, Restored

Result = TypeVar("Result")


class ShelfEdits:
    """Makes each change in a thread, reads the shelf again, and says what was done."""

    def __init__(
        self,
        screen: Screen[None],
        desk: Desk,
        message: MessageLine,
        read_shelf: Callable[[str | None], Awaitable[None]],
        go_to: Callable[[str, int | None], None],
    ) -> None:
        """Change the shelf for a screen.

        `read_shelf(None)` reads the shelf again. `go_to` puts the cursor on a collection, or on one of its stories.
        """
        self._screen, self._desk, self._message = screen, desk, message
        self._read_shelf, self._go_to = read_shelf, go_to
        self._removed: list[Removed] = []  # since the app was opened, the last one at the end

    def rename(self, leaf: Leaf) -> None:
        """Ask for another title of the collection or the story."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        collection, index = leaf.collection, leaf.index
        old = collection.title if index is None else collection.stories[index].title

        def answered(typed: str | None) -> None:
            title = " ".join((typed or "").split())
            if title and title != old:
                self._change(
                    lambda: self._desk.services.rename(collection, index, title),
                    lambda remark: f"Now called “{title}”. {remark}",
                )

        what = "collection" if index is None else "story"
        question = AskScreen(f"Rename this {what}", "Its new title:", enter="Rename", value=old)
        self._screen.app.push_screen(question, answered)

    def remove(self, leaf: Leaf) -> None:
        """Remove the collection or the story from the shelf; `undo` brings it back."""

        def done(removed: Removed) -> str:
            self._removed.append(removed)
            return f"Removed “{_quoted(removed.title)}”. {own_key('library.undo', 'u')} brings it back."

        self._change(lambda: self._desk.services.remove(leaf.collection, leaf.index), done)

    def set_punctuation(self, leaf: Leaf) -> None:
        """Make the quotes and dashes of the collection plain, or use them as written if they are plain now."""
        collection = leaf.collection
        plain = not collection.plain_punctuation
        title = _quoted(collection.title)
        how = "made plain" if plain else "used as written"
        if not collection.bundled:
            self._message.say(f"Cleaning “{title}” again…")
        self._change(
            lambda: self._desk.services.set_punctuation(collection, plain),
            lambda _: f"Quotes and dashes in “{title}” are {how}.",
        )

    # -- bringing back --------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether something was removed since the app was opened."""
        return bool(self._removed)

    def undo(self) -> None:
        """Bring back what was removed last; if nothing was, ask which earlier removal to bring back."""
        if self._removed:
            self._bring_back(self._removed.pop())
        else:
            self._screen.run_worker(self._offer_earlier(), group="changes")

    async def _offer_earlier(self) -> None:
        from storytime_tui.tui.screens.dialogs import ChooseScreen, Row

        collections = self._desk.collections
        try:
            removed = await in_thread(lambda: self._desk.services.removed(collections))
        except Exception as error:
            self._message.complain(sentence_of(error))
            return
        if not removed:
            self._message.say("There is nothing to bring back.")
        elif self._screen.is_current:
            rows = [
                Row(str(i), gone.title, f"of {gone.collection}" if gone.collection else "a collection")
                for i, gone in enumerate(removed)
            ]
            self._screen.app.push_screen(
                ChooseScreen("Bring back what was removed earlier?", rows),
                lambda chosen: self._bring_back(removed[int(chosen)]) if chosen is not None else None,
            )

    def _bring_back(self, removed: Removed) -> None:
        self._change(
            lambda: self._desk.services.undo(removed),
            lambda restored: restored.sentence,
            self._go_to_restored,
        )

    def _go_to_restored(self, restored: Restored) -> None:
        for collection in self._desk.collections:
            if collection.name == restored.name:
                places = [story.place for story in collection.stories]
                index = places.index(restored.place) if restored.place in places else None
                self._go_to(restored.name, index)

    # -- every change ---------------------------------------------------------------------------------

    def _change(
        self,
        change: Callable[[], Result],
        said: Callable[[Result], str],
        show: Callable[[Result], None] = lambda result: None,
    ) -> None:
        """Make a change in a thread, read the shelf again, `show` the result there, and say what was done."""

        async def work() -> None:
            try:
                result = await in_thread(change)
            except Exception as error:
                await self._read_shelf(None)  # another program may have changed what is shown here
                self._message.complain(sentence_of(error))
                return
            notice = said(result)
            await self._read_shelf(None)
            show(result)
            self._message.say(notice)
            self._screen.refresh_bindings()

        self._screen.run_worker(work(), group="changes")


def _quoted(title: str) -> str:
    return printable_line(clipped(title, 40))
