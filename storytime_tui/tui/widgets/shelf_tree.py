"""The shelf as a tree: collections and their stories with ticks of three states, for any number of them."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.shelf_memory import Place
from storytime_tui.tui.shelf_rows import TITLE, Row, Shown, Titles, rows_of
from storytime_tui.tui.ticks import Key, Ticks
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import compact

_MARKS = {"all": "x", "some": "-", "none": " "}
_ROOMY = 46  # cells from which on words are said in full


@dataclass(frozen=True)
class Leaf:
    """What a line of the tree stands for: a collection, or (index not None) one of its stories."""

    collection: Collection
    index: int | None = None

    @property
    def title(self) -> str:
        """The collection's or the story's title; never empty."""
        title = self.collection.title if self.index is None else self.collection.stories[self.index].title
        return title if title.strip() else "(no title)"


class ShelfTree(LineList):
    """Collections and stories; `ticks` is shown, never changed here: a wish to tick is a message."""

    BINDINGS = [
        Binding(
            "space", "tick", "Tick", id="library.tick", tooltip="Learn from this story or collection, or not"
        ),
        Binding(
            "enter",
            "read",
            "Read",
            key_display="↵",
            id="library.read",
            tooltip="Read this story; open or close a collection",
        ),
        Binding(
            "right", "unfold(True)", "Open", show=False, id="library.open", tooltip="Open the collection"
        ),
        Binding(
            "left", "unfold(False)", "Close", show=False, id="library.close", tooltip="Close the collection"
        ),
    ]

    class TickWished(Message):
        """The user wants these stories of a collection ticked the other way."""

        def __init__(self, collection: Collection, places: Sequence[int]) -> None:
            super().__init__()
            self.collection = collection
            self.places = places

    class ReadWished(Message):
        """The user wants to read the story under the cursor."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.collections: tuple[Collection, ...] = ()
        self.ticks = Ticks()
        self.again: Set[Key] = frozenset()  # ticked stories that another ticked one tells
        self.wanted = ""
        self._titles = Titles(())
        self._shown: list[Shown] = []
        self._rows: list[Row] = []
        self._opened: set[str] = set()  # by name, without a filter
        self._found_open: set[str] = set()  # with one
        self._widths = (1, 1, 1)  # of the columns: stories, words in full, words in short

    # -- what is shown --------------------------------------------------------------------------------

    def show(self, collections: tuple[Collection, ...], ticks: Ticks) -> None:
        """Show this shelf; the cursor stays with what it stands on, or else where it is."""
        leaf = self.leaf
        if not self.collections and collections:
            self._opened.add(collections[0].name)
        self.collections, self.ticks = collections, ticks
        self._titles = Titles(collections)
        most = max((c.words for c in collections), default=0)
        self._widths = (
            len(f"{max((len(c.stories) for c in collections), default=0):,}"),
            len(f"{most:,}"),
            max((len(compact(c.words)) for c in collections), default=1),
        )
        self._shown = self._titles.matching(self.wanted)
        self._draw(leaf)

    def narrow(self, wanted: str) -> None:
        """Show only what holds the words of `wanted`; everything, where it is empty: then with the story under the
        cursor, which is what was sought."""
        if wanted.split() == self.wanted.split():
            return
        leaf = self.leaf
        self.wanted = wanted.strip()
        if not self.wanted and leaf is not None and leaf.index is not None:
            self._opened.add(leaf.collection.name)
        self._shown = self._titles.matching(self.wanted)
        self._found_open = {self.collections[part.place].name for part in self._shown if not part.whole}
        first = 1 if self._shown and not self._shown[0].whole else 0  # what was sought: a story
        if leaf is not None and self.wanted and not self._is_sought(leaf):
            leaf = None
        self.jump(0)
        self._draw(leaf, first)

    def _is_sought(self, leaf: Leaf) -> bool:
        """Whether the filter lets it through for itself, not a collection only for its stories."""
        for part in self._shown:
            if self.collections[part.place].name == leaf.collection.name:
                return part.whole if leaf.index is None else leaf.index in part.stories
        return False

    def show_ticks(self, ticks: Ticks, again: Set[Key]) -> None:
        """Draw the same lines with other ticks; of the ticked stories, those in `again` are told by another one."""
        if ticks is not self.ticks or again != self.again:
            self.ticks, self.again = ticks, again
            self.refresh()

    def go_to(self, collection: str, index: int | None, *, unfold: bool = False) -> None:
        """Put the cursor on a collection or a story of it; `unfold`: with what it holds below it."""
        for found in self.collections:
            if found.name == collection:
                if unfold or index is not None:
                    self._open_set.add(collection)
                self._draw(Leaf(found, index))
                if unfold:
                    self.jump(self.cursor)

    def restore(self, opened: Set[str], cursor: Place | None) -> None:
        """Open these collections, and no others, and put the cursor where it was, as far as that is still there."""
        self._opened = set(opened)
        self._draw(self.leaf)
        name, place = cursor or ("", "")
        for found in self.collections:
            if found.name == name:
                index = next((i for i, story in enumerate(found.stories) if story.place == place), None)
                self._draw(Leaf(found, index))

    @property
    def opened(self) -> Set[str]:
        """The open collections, by name, as they are without a filter."""
        return self._opened

    @property
    def place(self) -> Place | None:
        """What the cursor stands on, in words that hold beyond this sitting."""
        leaf = self.leaf
        if leaf is None:
            return None
        return leaf.collection.name, "" if leaf.index is None else leaf.collection.stories[leaf.index].place

    def found(self) -> int:
        """How many stories the filter lets through."""
        return sum(len(part.stories) for part in self._shown)

    @property
    def leaf(self) -> Leaf | None:
        """What the cursor stands on; None where there is nothing."""
        if not self._rows:
            return None
        place, index = self._rows[self.cursor]
        return Leaf(self.collections[place], None if index == TITLE else index)

    @property
    def _open_set(self) -> set[str]:
        return self._found_open if self.wanted else self._opened

    def _draw(self, leaf: Leaf | None, otherwise: int | None = None) -> None:
        """Show the lines that there are now, with the cursor on a leaf.

        Where that is not shown, the cursor goes to its collection; else to `otherwise`, or stays where it is.
        """
        opened = self._open_set
        self._rows = rows_of(
            self._shown, {p.place for p in self._shown if self.collections[p.place].name in opened}
        )
        self.lines_changed(self._row_of(leaf, self.cursor if otherwise is None else otherwise))

    def _row_of(self, leaf: Leaf | None, otherwise: int) -> int:
        if leaf is not None:
            for place, collection in enumerate(self.collections):
                if collection.name == leaf.collection.name:
                    for row in ((place, TITLE if leaf.index is None else leaf.index), (place, TITLE)):
                        if row in self._rows:
                            return self._rows.index(row)
        return otherwise

    # -- the lines ------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many lines there are now."""
        return len(self._rows)

    def parts(self, row: int, width: int) -> Parts:
        """Fold mark, tick, title; on the right how many stories and words."""
        place, index = self._rows[row]
        collection = self.collections[place]
        stories, words, short = self._widths
        roomy = width >= _ROOMY
        column = words if roomy else short
        say = "{:,}".format if roomy else compact
        if index == TITLE:
            fold = "▾ " if collection.name in self._open_set else "▸ "
            state, title, own = self.ticks.state(collection), collection.title, collection.words
            many = " story  " if len(collection.stories) == 1 else " stories"
            many = many + "  " if roomy else "  "
            right = f"  {len(collection.stories):>{stories},}{many}{say(own):>{column}} "
        else:
            fold = "    "
            story = collection.stories[index]
            state = "all" if self.ticks.has(collection, index) else "none"
            title, own = story.title, story.words
            again = "again  " if (collection.name, index) in self.again else ""
            right = f"  {again}{say(own):>{column}} "
        title = printable_line(title[:400]) or "(no title)"
        return (
            (fold + "[", "quiet"),
            (_MARKS[state], "mark" if state != "none" else ""),
            ("] ", "quiet"),
            (fitted(title, width - len(fold) - 4 - len(right)), "strong" if index == TITLE else ""),
            (right, "quiet"),
        )

    def pressed(self, row: int, column: int) -> None:
        """A click on the tick ticks; elsewhere it does what Enter does."""
        left = 2 if self._rows[row][1] == TITLE else 4
        if left <= column < left + 4:
            self.action_tick()
        else:
            self.action_read()

    # -- keys -----------------------------------------------------------------------------------------

    def action_tick(self) -> None:
        """Tick the line under the cursor the other way; of a collection, the stories that are shown."""
        if not self._rows:
            return
        place, index = self._rows[self.cursor]
        shown = next(part.stories for part in self._shown if part.place == place)
        self.post_message(self.TickWished(self.collections[place], shown if index == TITLE else (index,)))

    def action_read(self) -> None:
        """Read a story; unfold or fold a collection."""
        leaf = self.leaf
        if leaf is None:
            return
        if leaf.index is None:
            self.action_unfold(leaf.collection.name not in self._open_set)
        else:
            self.post_message(self.ReadWished())

    def action_unfold(self, opened: bool) -> None:
        """Open or close the collection of the line under the cursor."""
        leaf = self.leaf
        if leaf is None or (opened and leaf.index is not None):
            return
        name = leaf.collection.name
        if opened == (name in self._open_set):
            return
        (self._open_set.add if opened else self._open_set.discard)(name)
        self._draw(Leaf(leaf.collection))
