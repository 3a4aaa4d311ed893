"""A list of lines with a cursor, of any length: only the lines in view are drawn."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.vim_keys import vim_keys
from storytime_tui.tui.widgets.tall_view import TallView

Parts = Sequence[tuple[str, str]]  # a line's texts from left to right, each with a name of `LineList.STYLES`


class LineList(TallView, can_focus=True, inherit_bindings=False):
    """A list of lines with a cursor. Subclasses define the number of lines and their contents."""

    COMPONENT_CLASSES = {"lines--cursor", "lines--quiet", "lines--mark", "lines--strong"}
    DEFAULT_CSS = """
    LineList > .lines--quiet { color: $quiet; }
    LineList > .lines--mark { color: $primary; text-style: bold; }
    LineList > .lines--strong { text-style: bold; }
    LineList > .lines--cursor {
        color: $block-cursor-blurred-foreground; background: $block-cursor-blurred-background;
        text-style: $block-cursor-blurred-text-style;
    }
    LineList:focus > .lines--cursor, LineList.-active > .lines--cursor {
        color: $block-cursor-foreground; background: $block-cursor-background;
        text-style: $block-cursor-text-style;
    }
    """
    BINDINGS = [
        Binding("up", "move(-1)", "Up", show=False, id="list.up", tooltip="The line above"),
        Binding("down", "move(1)", "Down", show=False, id="list.down", tooltip="The line below"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.pageup", tooltip="A screen up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.pagedown", tooltip="A screen down"),
        Binding("home", "first", "First", show=False, id="list.home", tooltip="The first line"),
        Binding("end", "last", "Last", show=False, id="list.end", tooltip="The last line"),
        *vim_keys("list", ("move(1)", "move(-1)", "first", "last", "half(1)", "half(-1)")),
    ]

    class Moved(Message):
        """The cursor is on another line, or its line changed."""

    nothing = ""  # what stands in an empty list: what will be there, and what to do for it

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.cursor = 0

    # -- for subclasses --------------------------------------------------------------------------------

    def count(self) -> int:
        """The number of lines."""
        return 0

    def parts(self, row: int, width: int) -> Parts:
        """A line's texts, `width` cells together."""
        return ()

    def pressed(self, row: int, column: int) -> None:
        """Called after a click on a line, `column` cells from its left end; the cursor is already there."""

    # -- the lines ------------------------------------------------------------------------------------

    def lines_changed(self, cursor: int) -> None:
        """Show other lines, with the cursor on this one."""
        count = self.count()
        self.set_height(count)
        self.cursor = max(0, min(cursor, count - 1))
        self._show_cursor()
        self.post_message(self.Moved())

    def move_to(self, row: int) -> None:
        """Move the cursor to a line."""
        row = max(0, min(row, self.count() - 1))
        if row != self.cursor:
            before, self.cursor = self.cursor, row
            self.refresh_line(before)
            self.refresh_line(row)
            self._show_cursor()
            self.post_message(self.Moved())

    def _show_cursor(self) -> None:
        height = self.scrollable_content_region.height
        if height <= 0:  # not laid out yet, perhaps for long: `on_resize` comes then
            return
        if not self.top <= self.cursor < self.top + height:
            self.jump(self.cursor if self.cursor < self.top else self.cursor - height + 1)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        width = self.room
        row = y + self.top
        base = self.base
        if row >= self.count():
            words = (
                list(wrapped(self.nothing, max(1, width - 2))) if self.nothing and not self.count() else []
            )
            text = f" {words[row]}" if row < len(words) else ""
            return Strip([Segment(text, self._style("quiet", -1, base))]).adjust_cell_length(width, base)
        segments = [
            Segment(text, self._style(name, row, base)) for text, name in self.parts(row, width) if text
        ]
        return Strip(segments).adjust_cell_length(width, self._style("", row, base))

    def _style(self, name: str, row: int, base: Style) -> Style:
        own = self.get_component_rich_style(f"lines--{name}", partial=True) if name else Style()
        if row != self.cursor:
            return base + own
        cursor = self.get_component_rich_style("lines--cursor", partial=True)
        return base + cursor if cursor.reverse else base + cursor + own

    def on_resize(self) -> None:
        """Keep the cursor's line in view."""
        self._show_cursor()

    # -- keys and the mouse ---------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by this many lines."""
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the view and the cursor by a page."""
        height = max(1, self.scrollable_content_region.height - 1)
        self.jump(self.top + by * height)
        self.move_to(self.cursor + by * height)

    def action_half(self, by: int) -> None:
        """Move the view and the cursor by half a page."""
        half = by * max(1, self.scrollable_content_region.height // 2)
        self.jump(self.top + half)
        self.move_to(self.cursor + half)

    def action_first(self) -> None:
        """Move to the first line."""
        self.move_to(0)

    def action_last(self) -> None:
        """Move to the last line."""
        self.move_to(self.count() - 1)

    def on_click(self, event: Click) -> None:
        """Move the cursor to the clicked line."""
        row = event.y + self.top
        if 0 <= row < self.count():
            self.move_to(row)
            self.pressed(row, event.x)

    def refresh_line(self, y: int) -> None:
        """Redraw one line if it is in view."""
        self.refresh(Region(0, y - self.top, self.room, 1))
