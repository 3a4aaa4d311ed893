"""Base for widgets that draw their own lines; changing the number of lines triggers no layout."""

from rich.style import Style
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from storytime_tui.tui.vim_keys import is_free, vim_keys


class TallView(ScrollView):
    """A scrolled view that draws only the visible lines. The scroll bar always keeps its column."""

    BINDINGS = [  # as `ScrollView` has it, with the sign of both directions for a line of keys
        Binding(
            "down",
            "scroll_down",
            "Scroll",
            key_display="↑↓",
            show=False,
            id="view.scroll",
            tooltip="Scroll down",
        ),
        *vim_keys("view", ("scroll_down", "scroll_up", "scroll_home", "scroll_end", "half(1)", "half(-1)")),
    ]
    DEFAULT_CSS = """
    TallView { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; background: $background; }
    """

    base = Style()  # of the current frame; computing it for every line would take most of the time

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines in view."""
        self.base = self.rich_style
        return super().render_lines(crop)

    def set_height(self, lines: int) -> None:
        """Set the number of lines."""
        # A normal assignment of the virtual size lays out the whole screen: 20 ms for every letter of a filter.
        # Here no widget moves, whatever the size.
        if self.virtual_size != Size(1, lines):
            self.set_reactive(Widget.virtual_size, Size(1, lines))
            self._scroll_update(self.virtual_size)
        self.refresh()

    @property
    def room(self) -> int:
        """The width of a line in cells; 0 before the first layout."""
        return self.scrollable_content_region.width

    @property
    def top(self) -> int:
        """The index of the top line."""
        return round(self.scroll_y)

    def jump(self, line: float) -> None:
        """Scroll at once so that this line is at the top, if possible."""
        self.scroll_to(y=line, animate=False, immediate=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave vim's letters to the screen where they mean something else."""
        return action != "vim" or is_free(self, str(parameters[0]))

    async def action_vim(self, key: str, move: str) -> None:
        """Do what vim's key does: `move` is another action of this widget."""
        await self.run_action(move)

    def action_half(self, by: int) -> None:
        """Scroll by half a screen."""
        self.jump(self.top + by * max(1, self.scrollable_content_region.height // 2))

    def notify_style_update(self) -> None:
        """Redraw with other colours."""
        super().notify_style_update()
        self.refresh()
