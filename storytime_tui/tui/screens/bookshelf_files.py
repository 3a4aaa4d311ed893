"""Stories in and out of the bookshelf: to the page, to the clipboard, to a file, from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from textual.screen import Screen

from storytime_tui.formatting import size
from storytime_tui.stories.export.formats import FORMATS
from storytime_tui.stories.export.write import write_story
from storytime_tui.stories.importing import import_story
from storytime_tui.stories.story import Story
from storytime_tui.terminal import printable_path
from storytime_tui.tui.bridge import from_store
from storytime_tui.tui.clipboard import copy
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.saved_names import file_stem
from storytime_tui.tui.screens.bookshelf_edits import quoted
from storytime_tui.tui.widgets.message_line import MessageLine

_ENDINGS = f"{', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}"


class _App(Protocol):
    """The app's method to open a story. The app imports this module, so this one cannot import the app."""

    async def open_story(self, story: Story) -> None:
        """Open a written story."""


class BookshelfFiles:
    """Opens, copies, exports and imports stories for the bookshelf."""

    def __init__(
        self, screen: Screen[None], desk: Desk, message: MessageLine, read: Callable[[int | None], object]
    ) -> None:
        """`read` reads the stories again, with the cursor on the one of this id."""
        self._screen, self._desk, self._message, self._read = screen, desk, message, read

    async def open(self, story: Story) -> None:
        """Open the story on the Story screen."""
        await cast(_App, self._screen.app).open_story(story)

    def copy(self, story: Story) -> None:
        """Copy the story's text to the clipboard."""

        async def work() -> None:
            with self._message.saying():
                text = await from_store(self._desk.store_thread, lambda store: store.text(story.id))
                self._message.say(await copy(self._screen.app, text))

        self._screen.run_worker(work(), group="copy")

    def export(self, story: Story) -> None:
        """Ask for a file, and write the story to it, in the format of its ending."""
        from storytime_tui.tui.screens.ask_path import AskPathScreen

        store_thread = self._desk.store_thread
        written: list[Path] = []

        def attempt(typed: str) -> None:
            written[:] = [write_story(store_thread.store(), story.id, Path(typed.strip()))]

        def answered(typed: str | None) -> None:
            if typed is not None:
                path = written[0]
                self._message.say(
                    f"{quoted(story)} is in {printable_path(path)} ({size(path.stat().st_size)})."
                )

        question = AskPathScreen(
            f"Export {quoted(story)}",
            f"The file to write. Its ending is the format: {_ENDINGS} (all its takes, to import again).",
            self._desk.services.list_folder,
            enter="Export",
            value=f"~/{file_stem(story.title, 'story')}.epub",
            check=_wrong_ending,
            attempt=attempt,
        )
        self._screen.app.push_screen(question, answered)

    def ask_for_import(self) -> None:
        """Ask for a file, and add it as a new story."""
        from storytime_tui.tui.screens.ask_path import AskPathScreen

        store_thread = self._desk.store_thread
        added: list[Story] = []

        def attempt(typed: str) -> None:
            added[:] = [import_story(store_thread.store(), Path(typed.strip()))]

        def answered(typed: str | None) -> None:
            if typed is not None:
                self._message.say(f"Imported {quoted(added[0])}.")
                self._read(added[0].id)

        question = AskPathScreen(
            "Import a story",
            "The file: .txt or .md, or .json of an earlier export, with all its takes.",
            self._desk.services.list_folder,
            enter="Import",
            placeholder="~/owl.json",
            check=lambda typed: "" if typed.strip() else "Type the path of a file.",
            attempt=attempt,
        )
        self._screen.app.push_screen(question, answered)


def _wrong_ending(typed: str) -> str:
    return "" if Path(typed.strip()).suffix.lower() in FORMATS else f"End the file's name in {_ENDINGS}."
