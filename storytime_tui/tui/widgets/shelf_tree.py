"""The shelf as a tree: collections and their stories with ticks of three states."""

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable_line
from storytime_tui.tui.ticks import Ticks

_MARKS = {"all": "x", "some": "-", "none": " "}
_TICK = {"tick": True}  # meta data of the tick's own cells, so that a click on them ticks


@dataclass(frozen=True)
class Leaf:
    """What a line of the tree stands for: a collection, or (index not None) one of its stories."""

    collection: Collection
    index: int | None = None

    @property
    def key(self) -> tuple[str, int | None]:
        """What stays the same when the shelf is read anew."""
        return self.collection.name, self.index


class ShelfTree(Tree[Leaf]):
    """Collections and stories; `ticks` is shown, never changed here: a wish to tick is a message."""

    COMPONENT_CLASSES = {"shelf--tick"}
    DEFAULT_CSS = """
    ShelfTree { overflow-x: hidden; }
    ShelfTree:focus { background-tint: $foreground 0%; }
    ShelfTree > .shelf--tick { color: $primary; text-style: bold; }
    """
    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "

    BINDINGS = [
        Binding(
            "space", "tick", "Tick", id="library.tick", tooltip="Learn from this story or collection, or not"
        ),
        Binding(
            "enter", "read", "Read", id="library.read", tooltip="Read this story; open or close a collection"
        ),
        Binding(
            "right", "unfold(True)", "Open", show=False, id="library.open", tooltip="Open the collection"
        ),
        Binding(
            "left", "unfold(False)", "Close", show=False, id="library.close", tooltip="Close the collection"
        ),
    ]

    class TickWished(Message):
        """The user wants the line ticked the other way."""

        def __init__(self, leaf: Leaf) -> None:
            super().__init__()
            self.leaf = leaf

    class ReadWished(Message):
        """The user wants to read a story."""

        def __init__(self, leaf: Leaf) -> None:
            super().__init__()
            self.leaf = leaf

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id)
        self.show_root = False
        self.show_guides = False
        self.guide_depth = 2
        self.ticks = Ticks()

    def show(self, collections: tuple[Collection, ...], ticks: Ticks, wanted: str = "") -> None:
        """Build the lines anew: those whose title, or whose collection's title, holds `wanted`."""
        self.ticks = ticks
        leaf = self.cursor_node.data if self.cursor_node else None
        opened = {node.data.collection.name for node in self.root.children if node.is_expanded and node.data}
        first = not self.root.children and not wanted
        self.clear()
        sought = wanted.casefold()
        for collection in collections:
            whole = sought in collection.title.casefold()
            shown = [i for i, s in enumerate(collection.stories) if whole or sought in s.title.casefold()]
            if not shown and not whole:
                continue
            unfold = bool(sought and not whole) or collection.name in opened
            unfold = unfold or (first and collection is collections[0])
            node = self.root.add(Text(collection.title), Leaf(collection), expand=unfold)
            for i in shown:
                node.add_leaf(Text(collection.stories[i].title), Leaf(collection, i))
        self.root.expand()
        self._put_cursor(leaf)

    def go_to(self, collection: str, index: int | None) -> None:
        """Put the cursor on a collection or a story of it."""
        for node in self.root.children:
            if node.data and node.data.collection.name == collection:
                if index is not None:
                    node.expand()
                self._put_cursor(Leaf(node.data.collection, index))

    def _put_cursor(self, leaf: Leaf | None) -> None:
        nodes = [n for c in self.root.children for n in (c, *(c.children if c.is_expanded else ()))]
        if not nodes:
            return
        for node in nodes:
            if leaf and node.data and node.data.key == leaf.key:
                break
        else:
            node = nodes[0]
        self.call_after_refresh(self.move_cursor, node)

    def show_ticks(self, ticks: Ticks) -> None:
        """Draw the same lines with other ticks."""
        self.ticks = ticks
        for node in self.root.children:
            node.refresh()
            for child in node.children:
                child.refresh()

    def render_label(self, node: TreeNode[Leaf], base_style: Style, style: Style) -> Text:
        """Fold mark, tick, title, and the number of stories on the right."""
        leaf = node.data
        if leaf is None:
            return Text()
        if leaf.index is None:
            fold = self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
            state, title = self.ticks.state(leaf.collection), leaf.collection.title
            number = len(leaf.collection.stories)
        else:
            fold, number = "  ", 0
            state = "all" if self.ticks.has(leaf.collection, leaf.index) else "none"
            title = leaf.collection.stories[leaf.index].title
        indent = 0 if leaf.index is None else self.guide_depth
        right = f" {number:,}" if number else ""
        room = max(4, self.scrollable_content_region.width - indent - 6 - len(right) - 1)
        label = Text(printable_line(title) or "(no title)", style, no_wrap=True, end="")
        label.truncate(room, overflow="ellipsis", pad=True)
        mark = self.get_component_rich_style("shelf--tick", partial=True) if state != "none" else Style()
        return Text.assemble(
            (fold, base_style + Style(dim=True)),
            ("[", base_style + Style(dim=True, meta=_TICK)),
            (_MARKS[state], base_style + mark + Style(meta=_TICK)),
            ("] ", base_style + Style(dim=True, meta=_TICK)),
            label,
            (right, base_style + Style(dim=True)),
            no_wrap=True,
            end="",
        )

    def on_click(self, event: Click) -> None:
        """A click on the tick ticks; elsewhere it does what Enter does."""
        if event.style.meta.get("tick"):
            event.prevent_default()
            line = event.style.meta.get("line", -1)
            node = self.get_node_at_line(line)
            if node is not None and node.data is not None:
                self.move_cursor(node)
                self.post_message(self.TickWished(node.data))

    def on_tree_node_selected(self, event: Tree.NodeSelected[Leaf]) -> None:
        """A click on a title: read it (a collection has unfolded by itself)."""
        if event.node.data is not None and event.node.data.index is not None:
            self.post_message(self.ReadWished(event.node.data))

    def action_tick(self) -> None:
        """Tick the line under the cursor the other way."""
        if self.cursor_node is not None and self.cursor_node.data is not None:
            self.post_message(self.TickWished(self.cursor_node.data))

    def action_read(self) -> None:
        """Read a story; unfold or fold a collection."""
        node = self.cursor_node
        if node is None or node.data is None:
            return
        if node.data.index is None:
            node.toggle()
        else:
            self.post_message(self.ReadWished(node.data))

    def action_unfold(self, opened: bool) -> None:
        """Open or close the collection of the line under the cursor."""
        node = self.cursor_node
        if node is None or node.data is None:
            return
        if node.data.index is not None:
            if opened or node.parent is None:
                return
            node = node.parent
            self.move_cursor(node)
        if opened:
            node.expand()
        else:
            node.collapse()
