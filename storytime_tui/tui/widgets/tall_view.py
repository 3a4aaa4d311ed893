"""Base for widgets that draw their own lines; changing the number of lines triggers no layout."""

from rich.style import Style
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget


class TallView(ScrollView):
    """Lines are drawn when they come into view. The scroll bar keeps its column, and is seen only when needed."""

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
    ]
    DEFAULT_CSS = """
    TallView { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; background: $background; }
    """

    base = (
        Style()
    )  # of the frame that is being drawn: asked for at every line, it would take most of the time

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines in view."""
        self.base = self.rich_style
        return super().render_lines(crop)

    def set_height(self, lines: int) -> None:
        """There are so many lines from now on."""
        # Assigned in the usual way, a virtual size lays the whole screen out: 20 ms at every letter of a filter.
        # Nothing moves here, whatever the size.
        self.set_reactive(Widget.virtual_size, Size(1, lines))
        self._scroll_update(self.virtual_size)
        self.refresh()

    @property
    def room(self) -> int:
        """How many cells a line may have; 0 before the first layout."""
        return self.scrollable_content_region.width

    @property
    def top(self) -> int:
        """The number of the line at the top of the view."""
        return round(self.scroll_y)

    def jump(self, line: float) -> None:
        """Show this line at the top, or as near to it as can be, at once."""
        self.scroll_to(y=line, animate=False, immediate=True)

    def notify_style_update(self) -> None:
        """Other colours: draw anew."""
        super().notify_style_update()
        self.refresh()
