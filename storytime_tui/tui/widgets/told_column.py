"""One column of a comparison: what one model tells, below its name."""

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip

from storytime_tui.terminal import printable_line
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.side_session import ColumnView
from storytime_tui.tui.widgets.tall_view import TallView


class ToldColumn(TallView, can_focus=False):
    """The text of a column, as it streams. The view follows its end unless the user scrolls up."""

    COMPONENT_CLASSES = {"column--told", "column--state", "column--failure"}
    DEFAULT_CSS = """
    ToldColumn { border-top: solid $line; border-title-color: $quiet; padding: 0 1; }
    ToldColumn.-chosen { border-top: solid $primary; border-title-color: $primary; border-title-style: bold; }
    ToldColumn > .column--told { color: $told; }
    ToldColumn > .column--state { color: $quiet; }
    ToldColumn > .column--failure { color: $error; }
    ToldColumn:nocolor > .column--told { text-style: none; }
    ToldColumn:nocolor > .column--failure { text-style: bold; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._view: ColumnView | None = None
        self._lines: list[tuple[str, str]] = []  # the text, and its component class
        self._following = True

    def show(self, view: ColumnView, *, chosen: bool, where: str = "") -> None:
        """Show a column. `where`: its place among the others, where only one is seen."""
        if self._view is not None and not view.text:
            self._following = True
        self._view = view
        title = f"{where} {view.title}" if where else view.title
        self.border_title = Content(printable_line(title))
        self.set_class(chosen, "-chosen")
        self._lay()

    def scroll_by(self, lines: int) -> None:
        """Scroll down, or up for a negative number."""
        self.jump(max(0, min(self.max_scroll_y, self.top + lines)))
        self._following = self.top >= self.max_scroll_y

    def on_resize(self) -> None:
        """Lay out the text for the new width."""
        self._lay()

    def _lay(self) -> None:
        view, width = self._view, max(10, self.room)
        if view is None:
            return
        text = view.text.strip("\n").lstrip()
        self._lines = [(line, "column--told") for line in wrapped(text, width)] if text else []
        gap = [("", "column--told")] if self._lines else []
        below, kind = (view.failure, "column--failure") if view.failure else (view.state, "column--state")
        self._lines += gap + [(line, kind) for line in wrapped(printable_line(below), width)]
        self.set_height(len(self._lines))
        if self._following:
            self.jump(self.max_scroll_y)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        row = y + self.top
        segments = []
        if row < len(self._lines):
            line, kind = self._lines[row]
            segments.append(Segment(line, self.base + self.get_component_rich_style(kind, partial=True)))
        return Strip(segments).adjust_cell_length(self.room, self.base)
