"""The command palette: every command, collection, story, run, model and setting, found by typing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.palette import AppActions, Command, Entries, Group, gathered, search
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.command_list import CommandList
from storytime_tui.tui.widgets.key_line import KeyLine


class PaletteField(Input):
    """The words to find; its arrows move in the list."""

    BINDINGS = [
        Binding("enter", "submit", "Choose", id="palette.choose", tooltip="Run this command"),
        Binding(
            "down", "screen.list('move', 1)", "Move", key_display="↑↓", id="palette.down", tooltip="The next command"
        ),
        Binding("up", "screen.list('move', -1)", "Up", show=False, id="palette.up", tooltip="The one before"),
        Binding(
            "pagedown", "screen.list('page', 1)", "Down", show=False, id="palette.pagedown", tooltip="A screen down"
        ),
        Binding(
            "pageup", "screen.list('page', -1)", "Up", show=False, id="palette.pageup", tooltip="A screen up"
        ),
    ]  # fmt: skip


class PaletteScreen(StyledOnce, ModalScreen["Command | None"]):
    """Gives the chosen command; None if it is closed with Escape."""

    CSS_PATH = "palette.tcss"
    AUTO_FOCUS = "#palette-query"
    BINDINGS = [Binding("escape", "dismiss(None)", "Close", id="palette.close", tooltip="Back to the screen")]

    def __init__(self, fixed: Sequence[Command]) -> None:
        """`fixed`: the commands of the screen below and of the app."""
        super().__init__()
        self._entries = Entries.of(fixed)
        self._fixed = fixed
        self._query = self._shown = ""
        self._searches: Debounced[tuple[str, Sequence[Group]]] = Debounced(
            self, self._show, lambda error: None
        )

    def compose(self) -> ComposeResult:
        """The words to find, the commands."""
        with Vertical(id="palette"):
            yield PaletteField(
                placeholder="a command, story, collection, run, model or setting…",
                id="palette-query",
                compact=True,
            )
            yield CommandList(id="commands")
            yield KeyLine()

    def on_mount(self) -> None:
        """Show the fixed commands at once, and gather the others."""
        self.query_one("#palette").border_title = "Commands"
        self._list.can_focus = False
        self._list.add_class("-active")
        self._show(("", search(self._entries, "")))
        self._gathering = asyncio.create_task(self._gather())

    def on_unmount(self) -> None:
        """Stop gathering."""
        self._gathering.cancel()

    async def _gather(self) -> None:
        found = await gathered(cast(AppActions, self.app))
        self._entries = Entries.of([*self._fixed, *found])
        self._search()  # the cursor stays: the query is the same

    @property
    def _list(self) -> CommandList:
        return self.query_one(CommandList)

    @on(Input.Changed, "#palette-query")
    def _typed(self, event: Input.Changed) -> None:
        self._query = event.value
        self._search()

    def _search(self) -> None:
        entries, query = self._entries, self._query  # a fuzzy search of thousands of titles takes long
        self._searches.request(lambda: (query, search(entries, query)), at_once=True)

    def _show(self, found: tuple[str, Sequence[Group]]) -> None:
        query, groups = found
        nothing = "" if groups else f"Nothing has “{query}”. Delete some letters."
        self._list.show(groups, nothing, stay=query == self._shown)
        self._shown = query

    def action_list(self, what: str, by: int) -> None:
        """Move in the list."""
        (self._list.action_move if what == "move" else self._list.action_page)(by)

    @on(Input.Submitted, "#palette-query")
    @on(CommandList.Chosen)
    async def _choose(self) -> None:
        if self._shown != self._query:  # Enter came faster than the search
            self._show((self._query, search(self._entries, self._query)))
        if self._list.command is None:
            await asyncio.shield(self._gathering)
            self._show((self._query, search(self._entries, self._query)))
        if command := self._list.command:
            self.dismiss(command)
