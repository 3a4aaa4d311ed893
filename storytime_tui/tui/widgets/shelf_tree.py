"""The shelf as a tree: any number of collections and stories, with three-state ticks."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.shelf_memory import Place
from storytime_tui.tui.shelf_rows import TITLE, InTexts, ShownCollection, Titles, TreeRow, rows_of
from storytime_tui.tui.ticks import Key, Ticks
from storytime_tui.tui.widgets.line_list import LineList, Parts
from storytime_tui.tui.wording import compact

_MARKS = {"all": "x", "some": "-", "none": " "}
_ROOMY = 46  # cells; a wider tree shows full numbers
_WHERE = 6  # cells of where a story was found: "title" or "text"


@dataclass(frozen=True)
class Leaf:
    """A line of the tree: a collection, or (index not None) one of its stories."""

    collection: Collection
    index: int | None = None

    @property
    def title(self) -> str:
        """The collection's or the story's title; never empty."""
        title = self.collection.title if self.index is None else self.collection.stories[self.index].title
        return title if title.strip() else "(no title)"


class ShelfTree(LineList):
    """Shows collections and stories. It never changes `ticks`: a request to tick is a message."""

    BINDINGS = [
        Binding(
            "space", "tick", "Tick", id="library.tick", tooltip="Tick or untick this story or collection"
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

    class TickRequested(Message):
        """A request to toggle these stories of a collection."""

        def __init__(self, collection: Collection, places: Sequence[int]) -> None:
            super().__init__()
            self.collection = collection
            self.places = places

    class ReadRequested(Message):
        """A request to read the story under the cursor."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.collections: tuple[Collection, ...] = ()
        self.ticks = Ticks()
        self.duplicates: Set[Key] = frozenset()  # ticked stories that repeat another ticked one
        self.query_text = ""
        self.in_texts = InTexts()  # what the last search of the texts found
        self._titles = Titles(())
        self._shown: list[ShownCollection] = []
        self._parts: dict[int, ShownCollection] = {}  # the same, by place
        self._rows: list[TreeRow] = []
        self._before: Leaf | None = None  # the line that the cursor was moved to last
        self._placed: Leaf | None = None  # the line that a filter has put it on
        self._opened: set[str] = set()  # names of open collections, without a filter
        self._found_open: set[str] = set()  # with a filter
        self._widths = (1, 1, 1)  # widths of the columns: stories, words, short words

    # -- what is shown --------------------------------------------------------------------------------

    def show(self, collections: tuple[Collection, ...], ticks: Ticks, in_texts: InTexts) -> None:
        """Show a shelf; the cursor stays on its story, or else on its line. `in_texts`: for a filter."""
        leaf = self.leaf
        self.in_texts = in_texts
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
        self._shown = self._titles.matching(self.query_text, self.in_texts)
        self._draw(leaf)

    def narrow(self, query: str) -> None:
        """Show only stories with the words of `query`. An empty one shows all and opens the collection of the cursor.

        The stories found by their texts follow those found by their titles (see `show_found`).
        """
        if query.split() == self.query_text.split():
            return
        before = self._wanted()
        self.query_text = query.strip()
        if not self.query_text:
            self.in_texts = InTexts()
            before = self.leaf or before
            if before is not None and before.index is not None:
                self._opened.add(before.collection.name)
        self._shown = self._titles.matching(self.query_text, self.in_texts)
        self._found_open = self._to_open()
        leaf = before if before is not None and (not self.query_text or self._matches(before)) else None
        self.jump(0)
        self._draw(leaf, self._first)
        self._placed = self.leaf if leaf is None else None

    def _wanted(self) -> Leaf | None:
        """The line that the cursor was moved to last, by a key and not because a filter hid that line."""
        if self.leaf is not None and self.leaf != self._placed:
            self._before = self.leaf
        return self._before

    def show_found(self, in_texts: InTexts) -> None:
        """Show the stories whose texts hold the words, too; the cursor stays on its story."""
        leaf, opened, by_key = self.leaf, self._to_open(), self.leaf != self._placed
        before = self._wanted()
        self.in_texts = in_texts
        self._shown = self._titles.matching(self.query_text, in_texts)
        self._found_open |= self._to_open() - opened
        if leaf is None or (leaf.index is not None and not self._matches(leaf)):
            leaf = before if before is not None and self._matches(before) else None
            by_key = leaf is not None
        self._draw(leaf, self._first if leaf is None else None)
        self._placed = None if by_key else self.leaf

    def _to_open(self) -> set[str]:
        """The collections that a filter opens: those with stories that were found, rather than all stories."""
        return {self.collections[part.place].name for part in self._shown if not part.whole}

    @property
    def _first(self) -> int:
        """The line of the first story that was found."""
        return 1 if self._shown and not self._shown[0].whole else 0

    def _matches(self, leaf: Leaf) -> bool:
        """Whether a line matches the filter itself, not as the collection of a matching story."""
        for part in self._shown:
            if self.collections[part.place].name == leaf.collection.name:
                return part.whole if leaf.index is None else leaf.index in part.stories
        return False

    def show_ticks(self, ticks: Ticks, duplicates: Set[Key]) -> None:
        """Show other ticks and duplicates."""
        if ticks is not self.ticks or duplicates != self.duplicates:
            self.ticks, self.duplicates = ticks, duplicates
            self.refresh()

    def go_to(self, collection: str, index: int | None, *, unfold: bool = False) -> None:
        """Move the cursor to a collection or a story; `unfold`: also open the collection."""
        for found in self.collections:
            if found.name == collection:
                if unfold or index is not None:
                    self._open_set.add(collection)
                self._draw(Leaf(found, index))
                if unfold:
                    self.jump(self.cursor)

    def restore(self, opened: Set[str], cursor: Place | None) -> None:
        """Open exactly these collections, and move the cursor to its former place if that still exists."""
        self._opened = set(opened)
        self._draw(self.leaf)
        name, place = cursor or ("", "")
        for found in self.collections:
            if found.name == name:
                index = next((i for i, story in enumerate(found.stories) if story.place == place), None)
                if index is not None:  # it may have been found in a collection that was closed
                    self._opened.add(name)
                self._draw(Leaf(found, index))

    def go_on(self, by: int) -> bool:
        """Move to the next story (`by` 1) or the one before (-1), also of another collection; False if there is none.

        With a filter, among the stories that it shows.
        """
        if not self._rows:
            return False
        place, index = self._rows[self.cursor]
        parts = [part for part in self._shown if part.stories or part.place == place]
        at = next(i for i, part in enumerate(parts) if part.place == place)
        if index == TITLE:
            among = 0 if by > 0 else -1
        else:
            among = parts[at].stories.index(index) + by
        if not 0 <= among < len(parts[at].stories):
            at += by
            if not 0 <= at < len(parts):
                return False
            among = 0 if by > 0 else len(parts[at].stories) - 1
        found = self.collections[parts[at].place]
        self._open_set.add(found.name)
        self._draw(Leaf(found, parts[at].stories[among]))
        return True

    @property
    def opened(self) -> Set[str]:
        """The names of the collections that are open without a filter."""
        return self._opened

    @property
    def place(self) -> Place | None:
        """The cursor's place, in a form that can be saved."""
        leaf = self.leaf or self._before
        if leaf is None:
            return None
        return leaf.collection.name, "" if leaf.index is None else leaf.collection.stories[leaf.index].place

    def match_count(self) -> int:
        """The number of stories that match the filter."""
        return sum(len(part.stories) for part in self._shown)

    def text_count(self) -> int:
        """How many of them only their texts brought here."""
        return sum(len(part.by_text) for part in self._shown)

    @property
    def found_in_text(self) -> bool:
        """Whether only its text brought the story under the cursor here."""
        if not self._rows:
            return False
        place, index = self._rows[self.cursor]
        return index in self._parts[place].by_text

    @property
    def leaf(self) -> Leaf | None:
        """The line under the cursor; None in an empty tree."""
        if not self._rows:
            return None
        place, index = self._rows[self.cursor]
        return Leaf(self.collections[place], None if index == TITLE else index)

    @property
    def _open_set(self) -> set[str]:
        return self._found_open if self.query_text else self._opened

    def _draw(self, leaf: Leaf | None, otherwise: int | None = None) -> None:
        """Rebuild the lines, with the cursor on a leaf.

        If the leaf is hidden, the cursor goes to its collection; else to `otherwise`, or it stays on its line.
        """
        opened = self._open_set
        self._parts = {part.place: part for part in self._shown}
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
        """The number of lines."""
        return len(self._rows)

    def parts(self, row: int, width: int) -> Parts:
        """Fold mark, tick, title; on the right the numbers of stories and words."""
        place, index = self._rows[row]
        collection = self.collections[place]
        stories, words, short = self._widths
        roomy = width >= _ROOMY
        column = words if roomy else short
        number = "{:,}".format if roomy else compact
        if index == TITLE:
            fold = "▾ " if collection.name in self._open_set else "▸ "
            state, title, own = self.ticks.state(collection), collection.title, collection.words
            noun = " story  " if len(collection.stories) == 1 else " stories"
            noun = noun + "  " if roomy else "  "
            right = f"  {len(collection.stories):>{stories},}{noun}{number(own):>{column}} "
        else:
            fold = "    "
            story = collection.stories[index]
            state = "all" if self.ticks.has(collection, index) else "none"
            title, own = story.title, story.words
            copy = "copy  " if (collection.name, index) in self.duplicates else ""
            right = f"  {copy}{self._where(row)}{number(own):>{column}} "
        title = printable_line(title[:400]) or "(no title)"
        return (
            (fold + "[", "quiet"),
            (_MARKS[state], "mark" if state != "none" else ""),
            ("] ", "quiet"),
            (fitted(title, width - len(fold) - 4 - len(right)), "strong" if index == TITLE else ""),
            (right, "quiet"),
        )

    def _where(self, row: int) -> str:
        """Where a filter found the story of this line; "" where it shows the whole collection."""
        place, index = self._rows[row]
        part = self._parts.get(place) if self.query_text else None
        return (
            "" if part is None or part.whole else fitted("text" if index in part.by_text else "title", _WHERE)
        )

    def pressed(self, row: int, column: int) -> None:
        """Toggle the tick if it was clicked; elsewhere a click acts like Enter."""
        left = 2 if self._rows[row][1] == TITLE else 4
        if left <= column < left + 4:
            self.action_tick()
        else:
            self.action_read()

    # -- keys -----------------------------------------------------------------------------------------

    def action_tick(self) -> None:
        """Request to toggle the line under the cursor; of a collection, the shown stories."""
        if not self._rows:
            return
        place, index = self._rows[self.cursor]
        shown = next(part.stories for part in self._shown if part.place == place)
        self.post_message(self.TickRequested(self.collections[place], shown if index == TITLE else (index,)))

    def action_read(self) -> None:
        """Read a story; open or close a collection."""
        leaf = self.leaf
        if leaf is None:
            return
        if leaf.index is None:
            self.action_unfold(leaf.collection.name not in self._open_set)
        else:
            self.post_message(self.ReadRequested())

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
        if opened:
            self._show_stories_below()

    def _show_stories_below(self) -> None:
        """Scroll just so far that the stories below the cursor's collection fill half the view, or are all in it."""
        height = self.scrollable_content_region.height
        place, _ = self._rows[self.cursor]
        last = self.cursor + min(len(self._parts[place].stories), height // 2)
        if last >= self.top + height:
            self.jump(last - height + 1)
