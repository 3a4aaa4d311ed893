"""Reading on the Library screen: the pane follows the tree's cursor, and keys in the pane move the cursor."""

from __future__ import annotations

from collections.abc import Callable

from storytime_tui.tui.desk import Desk
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.repeats import repeats
from storytime_tui.tui.screens.shelf_filter import ShelfFilter
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import Leaf, ShelfTree


class ShelfReading:
    """Shows the story or collection under the cursor, with the words that the filter looks for."""

    def __init__(
        self,
        desk: Desk,
        tree: ShelfTree,
        pane: Reading,
        filter: ShelfFilter,
        message: MessageLine,
        read_shelf: Callable[[], object],
    ) -> None:
        """`read_shelf` reads the shelf again."""
        self._desk, self._tree, self._pane, self._filter = desk, tree, pane, filter
        self._message, self._read_shelf = message, read_shelf
        self._shown: tuple[Leaf | None, object] = None, None  # and what was looked for
        self._mended: set[tuple[str, int | None]] = set()  # stories whose text was looked for again

    def follow(self) -> None:
        """Show what is under the cursor now, unless it is shown already."""
        leaf, (before, sought) = self._tree.leaf, self._shown
        same = leaf is not None and before is not None and _place(leaf) == _place(before)
        unchanged = same and leaf is not None and before is not None and leaf.collection is before.collection
        if not unchanged or sought != self._sought:
            self.show(stay=same and not self._tree.found_in_text)

    @property
    def _sought(self) -> object:
        """What the pane depends on besides the story: the words, and whether it opens where they are."""
        tree = self._tree
        return self._filter.phrases, tree.found_in_text, tree.leaf is None and self._filter.searching

    def show(self, *, stay: bool) -> None:
        """Show what is under the cursor; `stay`: the view stays."""
        leaf = self._tree.leaf
        if _kind(leaf) != _kind(self._shown[0]):
            self._pane.refresh_bindings()
        self._shown = leaf, self._sought
        if leaf is not None:
            key = leaf.collection.name, leaf.index if leaf.index is not None else -1
            note = repeats(key, self._desk.collections, self._desk.copies)
            phrases, seek = self._filter.phrases, self._tree.found_in_text
            self._pane.show(leaf, note, stay=stay, phrases=phrases, seek=seek)
        elif self._filter.searching:
            self._pane.say("Searching the texts…", "")
        elif self._tree.query_text:
            self._pane.say(
                "No story has these words",
                f"Try fewer or shorter words; {own_key('library.all', 'esc')} shows all stories.",
            )

    def switch_version(self) -> None:
        """Show stories as their files have them, or as they were cleaned."""
        leaf = self._tree.leaf
        if leaf is not None and leaf.index is not None:
            self._pane.as_written = not self._pane.as_written
            self.show(stay=True)

    def go_on(self, by: int) -> None:
        """Read the next story (1), or the one before (-1)."""
        if not self._tree.go_on(by):
            self._message.say("This is the last story." if by > 0 else "This is the first story.")

    def mend(self, leaf: Leaf) -> None:
        """A story's cleaned text is missing on the disk: reading the shelf again makes it again."""
        if _place(leaf) not in self._mended:
            self._mended.add(_place(leaf))
            self._read_shelf()


def _place(leaf: Leaf) -> tuple[str, int | None]:
    return leaf.collection.name, leaf.index


def _kind(leaf: Leaf | None) -> tuple[bool, bool] | None:
    """What the keys depend on: whether it is a story, and whether it is bundled."""
    return None if leaf is None else (leaf.index is not None, leaf.collection.bundled)
