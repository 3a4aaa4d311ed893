"""A dialog that asks for a path, which Tab completes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from storytime_tui.terminal import printable_path
from storytime_tui.tui.bridge import in_thread
from storytime_tui.tui.path_completion import Completion, Entry, ListFolder, complete
from storytime_tui.tui.screens.dialogs import AskScreen
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.path_choices import PathChoices

_PATIENCE = 3.0  # seconds that a folder has to answer: one on a network may never do
_MOST_WAITING = 4  # folders that are waited for at a time


class PathField(Input):
    """A field for a path."""

    BINDINGS = [
        Binding("tab", "screen.complete", "Complete", id="path.complete", tooltip="Complete the path"),
        Binding(
            "down", "screen.choose(1)", "Choose", key_display="↑↓", id="path.down", tooltip="The next name"
        ),
        Binding("up", "screen.choose(-1)", "Up", show=False, id="path.up", tooltip="The name before"),
    ]

    def __init__(self, take_chosen: Callable[[], bool], value: str, placeholder: str) -> None:
        """`take_chosen` takes the chosen name, and says whether one is chosen."""
        super().__init__(value, placeholder=placeholder, compact=True, select_on_focus=bool(value))
        self._take_chosen = take_chosen

    async def action_submit(self) -> None:
        """Take the chosen name; where none is chosen, the line is the answer."""
        if not self._take_chosen():
            await super().action_submit()


class AskPathScreen(AskScreen):
    """Asks for a path, as `AskScreen` does. Tab completes it, and lists the names that fit below the field.

    Enter takes the name under the cursor of that list; where there is none, it is the answer.
    """

    def __init__(
        self, title: str, explanation: str, list_folder: ListFolder, *, one_path: bool = True, **more: Any
    ) -> None:
        """`list_folder` gives the entries of a folder as it is typed; it is called in a thread, and may block.

        `one_path`: the line is one path as it stands; otherwise it may be several, in quotes as in a shell.
        `more`: what `AskScreen` takes.
        """
        super().__init__(title, explanation, **more)
        self._list_folder, self._one_path = list_folder, one_path
        self._field = PathField(self.take_chosen, self._value, self._placeholder)
        self._choices = PathChoices()
        self._known: Completion | None = None  # what is known of the folder that is typed
        self._waiting: set[str] = set()  # the lines whose folders have not answered yet

    def compose(self) -> ComposeResult:
        """A title, an explanation, the field, the names that fit."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="dialog--title")
            yield Static(Content(self._explanation), classes="dialog--note")
            yield self._field
            yield self._choices
            yield MessageLine()
            yield KeyLine(shows=self._is_of_use, words=self._word)

    def _is_of_use(self, action: str) -> bool:
        return action != "screen.choose(1)" or bool(self._choices.display)

    def _word(self, action: str) -> str | None:
        if action != "submit":
            return None
        return self._enter if self._choices.chosen is None else "Take it"

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        """Keep the list right while a name is typed on; no folder is read for that."""
        self.query_one(MessageLine).clear()
        known = self._known
        if known is not None and self._choices.display and event.value != known.text + known.rest:
            self._choices.show(known.narrowed(event.value))
            self.refresh_bindings()

    def action_choose(self, by: int) -> None:
        """Move in the list."""
        self._choices.move(by)
        self.refresh_bindings()

    def action_complete(self) -> None:
        """Complete the path; where that is done already, go to the first name of the list, or take the chosen one."""
        if not self.take_chosen():
            self.run_worker(self._complete(None))

    def take_chosen(self) -> bool:
        """Put the chosen name into the field; False if none is chosen."""
        entry = self._choices.chosen
        if entry is not None:
            self.run_worker(self._complete(entry))
        return entry is not None

    async def _complete(self, chosen: Entry | None) -> None:
        field, message = self._field, self.query_one(MessageLine)
        value, cursor = field.value, field.cursor_position
        text, rest = value[:cursor], value[cursor:]
        if text in self._waiting or len(self._waiting) >= _MOST_WAITING:
            return
        self._waiting.add(text)

        def call() -> Completion | None:
            try:
                return complete(text, self._list_folder, chosen, one_path=self._one_path)
            finally:
                self._waiting.discard(text)

        try:
            found = await asyncio.wait_for(in_thread(call), _PATIENCE)
        except TimeoutError:
            message.complain("This folder does not answer. It may be on a network that is not reached.")
            return
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            message.complain(f"{printable_path(str(error.filename or text))[:200]}: {reason}.")
            return
        if not self.is_current or (field.value, field.cursor_position) != (value, cursor):
            return  # more was typed meanwhile
        if found is None:
            self._choices.show(())
            message.say("Nothing here begins like this. Delete some letters.")
        else:
            self._show(found, text, "" if rest in ("'", '"') else rest)
        self.refresh_bindings()

    def _show(self, found: Completion, before: str, rest: str) -> None:
        done = found.text == before and self._choices.display and bool(found.choices)
        self._known = found
        with self._field.prevent(Input.Changed):
            self._field.value = found.text + found.rest + rest
        self._field.cursor_position = len(found.text)
        if done:
            self._choices.move(1)
        else:
            self._choices.show(found.choices)
