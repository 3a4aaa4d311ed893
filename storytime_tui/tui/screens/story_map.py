"""The map of a story's branches: to move in, name, mark and prune them."""

from __future__ import annotations

from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.stories import tree
from storytime_tui.stories.story import Passage
from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.screens.dialogs import AskScreen
from storytime_tui.tui.story_map import Stretch, number_of_branches, stretches
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.line_list import LineList
from storytime_tui.tui.widgets.map_list import MapList
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.wording import count
from storytime_tui.tui.writing import Writing

_SHOWN = 1_200  # characters of a branch below the map


class MapScreen(StyledOnce, ModalScreen[Stretch | None]):
    """Returns the branch to show; None if it was only looked at. Names, marks and prunings are kept at once."""

    CSS_PATH = "story_map.tcss"
    help_topic = "map"
    BINDINGS = [
        Binding("n", "name", "Name", id="map.name", tooltip="Give this branch a name"),
        Binding("m", "mark", "Mark", id="map.mark", tooltip="Mark this branch, to find it again"),
        Binding("d", "prune", "Prune", id="map.prune", tooltip="Leave this branch out, or bring it back"),
        Binding("h", "pruned", "Pruned", id="map.pruned", tooltip="Show pruned branches, or leave them out"),
        Binding("escape,g", "dismiss(None)", "Close", id="map.close", tooltip="Back to the story"),
    ]

    def __init__(self, writing: Writing) -> None:
        super().__init__()
        self._writing = writing
        self._passages: dict[int, Passage] = {}
        self._head: int | None = None
        self._with_pruned = False

    def compose(self) -> ComposeResult:
        """The map, and the words of the branch under the cursor."""
        with Vertical(id="map"):
            yield Static(Content("Branches"), id="map-title")
            yield MapList(id="map-list")
            yield Static(id="map-words", markup=False)
            yield MessageLine()
            yield KeyLine(words={"dismiss(None)": "Close"}.get)

    def on_mount(self) -> None:
        """Read the tree."""
        self._read()

    @work(exclusive=True)
    async def _read(self, first: int | None = None) -> None:
        story = self._writing.story_id
        if story is None:
            return
        with self.query_one(MessageLine).saying():
            passages = await self._writing.read(lambda store: tree.passages_of(store, story))
            self._head = (await self._writing.read(lambda store: store.story(story))).head
            self._passages = {passage.id: passage for passage in passages}
            self._show(first)

    def _show(self, first: int | None) -> None:
        rows = stretches(tuple(self._passages.values()), self._head, with_pruned=self._with_pruned)
        ends = number_of_branches(tuple(self._passages.values()), with_pruned=self._with_pruned)
        branches = count(ends, "branch", "branches")
        title = f"{printable_line(self._writing.manuscript.title)} · {branches}"
        self.query_one("#map-title", Static).update(Content(title))
        self.query_one(MapList).show(rows, first)

    @on(LineList.Moved)
    def _moved(self) -> None:
        row = self.query_one(MapList).row
        words = ""
        if row is not None:
            facts = f"{count(row.passages, 'passage')}, {count(row.words, 'word')}"
            words = f"{facts}\n{self._words_of(row)}"
        self.query_one("#map-words", Static).update(Content(words))

    def _words_of(self, row: Stretch) -> str:
        """The first words of a stretch."""
        path: list[str] = []
        at: int | None = row.last
        while at is not None:
            path.append(self._passages[at].text)
            at = None if at == row.first else self._passages[at].parent
        return printable("".join(reversed(path)).strip()[:_SHOWN])

    @on(MapList.Went)
    def _went(self, event: MapList.Went) -> None:
        self.dismiss(event.row)

    # -- names, marks, prunings -----------------------------------------------------------------------

    def action_name(self) -> None:
        """Ask for the branch's name; an empty one is removed."""
        row = self.query_one(MapList).row
        if row is None:
            return

        def answered(name: str | None) -> None:
            if name is not None and name.strip() != row.name:
                self._label(row, name=name.strip())

        question = AskScreen(
            "Name this branch", "A few words. An empty name is removed.", enter="Keep", value=row.name
        )
        self.app.push_screen(question, answered)

    def action_mark(self) -> None:
        """Mark the branch, or remove its mark."""
        if (row := self.query_one(MapList).row) is not None:
            self._label(row, marked=not row.marked)

    def action_prune(self) -> None:
        """Leave the branch out of the map and of the takes, or bring it back. Its words are kept."""
        row = self.query_one(MapList).row
        if row is None:
            return
        if row.current:
            self.query_one(MessageLine).say(
                "The text on the page is on this branch: go to another one first."
            )
        else:
            shows, back = own_key("map.pruned", "h"), own_key("map.prune", "d")
            said = "" if row.pruned else f"Pruned: {shows} shows pruned branches, {back} brings one back."
            self._label(row, said, pruned=not row.pruned)

    def action_pruned(self) -> None:
        """Show pruned branches, or leave them out."""
        self._with_pruned = not self._with_pruned
        row = self.query_one(MapList).row
        self._show(row.first if row is not None else None)

    @work
    async def _label(
        self,
        row: Stretch,
        said: str = "",
        name: str | None = None,
        marked: bool | None = None,
        pruned: bool | None = None,
    ) -> None:
        message = self.query_one(MessageLine)
        with message.saying():
            change = partial(tree.label, passage_id=row.first, name=name, marked=marked, pruned=pruned)
            await self._writing.write(change)
            message.say(said)
            self._read(row.first)
