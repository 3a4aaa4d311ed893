"""Library: the shelf of stories, what is ticked to learn from, and a page to read them on."""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static, Tree

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.desk import Desk
from storytime_tui.tui.messages import GoTo
from storytime_tui.tui.widgets.header import Header
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import Leaf, ShelfTree


class LibraryScreen(Screen[None]):
    """Tick what to learn from; read; filter; import."""

    CSS_PATH = "library.tcss"
    BINDINGS = [
        Binding(
            "slash", "filter", "Filter", id="library.filter", tooltip="Show only titles with these letters"
        ),
        Binding("i", "import", "Import", id="library.import", tooltip="Add a folder or files of your own"),
        Binding(
            "t", "train", "Train with these", id="library.train", tooltip="Go on with the ticked stories"
        ),
        Binding("escape", "all", "Show all", show=False, id="library.all", tooltip="Leave the filter"),
    ]
    AUTO_FOCUS = "#tree"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        """Tree on the left, reading on the right, counts below."""
        yield Header(self._desk, "library")
        with Horizontal(id="shelves"):
            with Vertical(id="shelf"):
                yield Input(placeholder="filter…", id="filter", compact=True)
                yield ShelfTree(id="tree")
            yield Reading(id="reading")
        yield Static("opening the shelf…", id="counts", markup=False)
        yield Static(id="trouble", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the frame first, then open the shelf."""
        self.query_one("#filter").display = False
        self.query_one("#trouble").display = False
        self._desk.shelf_changed.subscribe(self, self._show_counts)
        self.call_after_refresh(lambda: self.run_worker(self._open_shelf()))

    async def _open_shelf(self, show: Collection | None = None) -> None:
        desk = self._desk
        try:
            collections = await in_thread(desk.services.shelf)
        except Exception as error:
            self._complain(sentence_of(error))
            self.query_one("#counts", Static).update(Content("the shelf could not be opened"))
            return
        newcomer = not desk.collections
        desk.collections = collections
        if newcomer and collections:  # so that one can go straight on
            desk.ticks = desk.ticks.with_all_of(collections[0])
        if show is not None:
            desk.ticks = desk.ticks.with_all_of(show)
        self._tree.show(collections, desk.ticks, self.query_one("#filter", Input).value)
        if show is not None:
            self._tree.go_to(show.name, None)
        if not collections:
            self.query_one(Reading).say("An empty shelf", "Press i to add a folder or a file with stories.")
        desk.shelf_changed.publish(None)

    @property
    def _tree(self) -> ShelfTree:
        return self.query_one(ShelfTree)

    def _show_counts(self, _: None) -> None:
        desk = self._desk
        self._tree.show_ticks(desk.ticks)
        stories = desk.ticks.stories(desk.collections)
        if not stories:
            text = "nothing ticked: space ticks a story or a whole collection"
        else:
            words = sum(story.words for _, story in stories)
            tokens = desk.tokens_of(words)
            text = (
                f"ticked  {wording.count(len(stories), 'story', 'stories')} · {wording.count(words, 'word')}"
            )
            text += f" · about {tokens:,} tokens for {desk.base}" if tokens is not None else ""
        self.query_one("#counts", Static).update(Content(printable(text)))

    def _complain(self, sentence: str) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.update(Content(printable(sentence)))
        trouble.display = bool(sentence)

    def go_to(self, collection: str, index: int | None) -> None:
        """Put the cursor on a collection or one of its stories, and show it."""
        self.action_all()
        self._tree.go_to(collection, index)
        self._tree.focus()

    # -- ticking and reading --------------------------------------------------------------------------

    @on(ShelfTree.TickWished)
    def _tick(self, event: ShelfTree.TickWished) -> None:
        self._desk.set_ticks(self._desk.ticks.toggled(event.leaf.collection, event.leaf.index))

    @on(ShelfTree.ReadWished)
    def _read(self) -> None:
        self.query_one(Reading).focus()

    @on(Tree.NodeHighlighted)
    def _preview(self, event: Tree.NodeHighlighted[Leaf]) -> None:
        if event.node.data is not None:
            self.query_one(Reading).show(event.node.data.collection, event.node.data.index)

    # -- filtering ------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type letters that the titles must hold."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        self._tree.show(self._desk.collections, self._desk.ticks, event.value)

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self.query_one("#filter").display = bool(self.query_one("#filter", Input).value)
        self._tree.focus()

    def action_all(self) -> None:
        """Drop the filter and show every title."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self._complain("")
        self._tree.focus()

    # -- going on -------------------------------------------------------------------------------------

    def action_train(self) -> None:
        """Go to Train with the ticked stories."""
        self.post_message(GoTo("train"))

    def action_import(self) -> None:
        """Ask for a path, and add what is there."""
        from storytime_tui.tui.screens.dialogs import AskScreen

        ask = AskScreen(
            "Import stories",
            "A folder of .txt files, or one of them. It is copied; yours stays as it is.",
            placeholder="~/books/fairy-tales",
        )
        self.app.push_screen(ask, self._import)

    def _import(self, path: str | None) -> None:
        if path and path.strip():
            self.run_worker(self._add(path.strip()))

    async def _add(self, typed: str) -> None:
        self._complain("")
        path = Path(typed.strip("'\"")).expanduser()
        self.query_one("#counts", Static).update(Content(printable(f"reading {path}…")))
        try:
            added = await in_thread(lambda: self._desk.services.add_collection([path], None))
        except Exception as error:
            self._complain(sentence_of(error))
            self._show_counts(None)
            return
        if added.problems:
            more = f" (and {len(added.problems) - 1} more left out)" if len(added.problems) > 1 else ""
            self._complain(added.problems[0] + more)
        await self._open_shelf(show=added.collection)
