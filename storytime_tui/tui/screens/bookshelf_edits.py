"""Changes to the written stories: favourite, rename, suggest a title, duplicate, remove, bring back, learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.screen import Screen

from storytime_tui.formatting import count
from storytime_tui.stories.shelf import duplicate, set_favourite
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import from_store, in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens.titling import Titling
from storytime_tui.tui.store_thread import done
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.wording import clipped

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

Result = TypeVar("Result")


class BookshelfEdits:
    """Makes each change in the store's thread, reads the stories again, and says what was done."""

    def __init__(
        self,
        screen: Screen[None],
        desk: Desk,
        message: MessageLine,
        read: Callable[[int | None], object],
        changed: Callable[[Story], object],
    ) -> None:
        """Change stories for a screen.

        `read` reads them again, with the cursor on the story of this id, if any. `changed` gets each story whose title
        or place on the shelf has changed.
        """
        self._screen, self._desk, self._message = screen, desk, message
        self._read, self._changed = read, changed
        self._titling = Titling(desk, message, self.rename)
        self.on_telling = self._titling.on_telling

    def favourite(self, story: Story) -> None:
        """Mark the story as a favourite, or not."""
        title, on = quoted(story), not story.favourite
        self._change(
            lambda store: set_favourite(store, story.id, on),
            lambda _: f"{title} is a favourite." if on else f"{title} is no longer a favourite.",
            story.id,
        )

    def rename(self, story: Story, suggested: str = "", why: str = "The story's title:") -> None:
        """Ask for another title of the story, with a suggestion in the field."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        def answered(typed: str | None) -> None:
            title = " ".join((typed or "").split())
            if title and title != story.title:
                self._change(
                    lambda store: store.rename(story.id, title),
                    lambda renamed: f"Now called {quoted(renamed)}.",
                    story.id,
                )

        question = AskScreen("Rename this story", why, enter="Rename", value=suggested or story.title)
        self._screen.app.push_screen(question, answered)

    def suggest_title(self, story: Story) -> None:
        """Let the model suggest a title, which then stands in the field of `rename`."""
        self._screen.run_worker(self._titling.suggest(story), group="title", exclusive=True)

    def duplicate(self, story: Story) -> None:
        """Copy the story with all its takes; the cursor goes to the copy."""

        async def work() -> None:
            with self._message.saying():
                copy = await done(self._desk.store_thread.write(lambda store: duplicate(store, story.id)))
                self._message.say(f"{quoted(copy)} is a story of its own.")
                self._read(copy.id)

        self._screen.run_worker(work(), group="changes")

    # -- removing and bringing back -------------------------------------------------------------------

    def remove(self, story: Story) -> None:
        """Remove the story; `undo` brings it back."""

        def said(removed: Story) -> str:
            self._desk.bookshelf.removed.append(removed.id)
            return f"Removed {quoted(removed)}. {own_key('bookshelf.undo', 'u')} brings it back."

        self._change(lambda store: store.remove(story.id), said)

    def undo(self) -> None:
        """Bring back the story that was removed last; if none was, ask which earlier one."""
        removed = self._desk.bookshelf.removed
        if removed:
            self._bring_back(removed.pop())
        else:
            self._screen.run_worker(self._offer_earlier(), group="changes")

    async def _offer_earlier(self) -> None:
        from storytime_tui.tui.screens.dialogs import ChooseScreen, Row

        with self._message.saying():
            stories = await from_store(self._desk.store_thread, lambda store: store.stories(removed=True))
            if not stories:
                self._message.say("There is nothing to bring back.")
            elif self._screen.is_current:
                self._screen.app.push_screen(
                    ChooseScreen(
                        "Bring back a story that was removed earlier?",
                        [Row(str(story.id), story.title) for story in stories],
                    ),
                    lambda chosen: self._bring_back(int(chosen)) if chosen is not None else None,
                )

    def _bring_back(self, story_id: int) -> None:
        self._change(
            lambda store: store.restore(story_id), lambda story: f"{quoted(story)} is back.", story_id
        )

    # -- learning from them ---------------------------------------------------------------------------

    def learn(self, stories: Sequence[int]) -> None:
        """Put the present texts of the stories on the Library's shelf, in place of earlier versions of them."""

        async def work() -> None:
            store_thread, services = self._desk.store_thread, self._desk.services
            try:
                learned = await in_thread(lambda: services.learn_from_stories(store_thread.store(), stories))
            except Exception as error:
                self._message.complain(sentence_of(error))
                return
            what = count(learned.stories, "story is", "stories are")
            replaced = f" ({learned.replaced:,} in place of an earlier version)" if learned.replaced else ""
            self._message.say(
                f"{what} in the collection {learned.title} now{replaced}. Next: tick it in the Library (1), then train "
                "(2)."
            )
            self._desk.collections_changed.publish(None)

        self._message.say("Putting them into your collection…")
        self._screen.run_worker(work(), group="learn")

    # -- every change ---------------------------------------------------------------------------------

    def _change(
        self, change: Callable[[StoryStore], Story], said: Callable[[Story], str], at: int | None = None
    ) -> None:
        """Change a story in the store's thread, say what was done, and read the stories again."""

        async def work() -> None:
            try:
                story = await done(self._desk.store_thread.write(change))
            except Exception as error:
                self._message.complain(sentence_of(error))
                self._read(None)  # another window may have changed the stories
                return
            self._message.say(said(story))
            self._read(at)
            self._changed(story)

        self._screen.run_worker(work(), group="changes")


def quoted(story: Story) -> str:
    """A story's title in a sentence."""
    return f"“{printable_line(clipped(story.title, 40))}”"
