"""Shows a text of any length, for reading and copying. Its lines are laid out before; only visible ones are drawn."""

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from storytime_tui.tui.marking import in_text, with_margin
from storytime_tui.tui.sheets import Sheet
from storytime_tui.tui.widgets.tall_view import TallView


class SheetView(TallView, can_focus=True):
    """Shows a `Sheet`, centred in a wide pane."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES = {"sheet--title", "sheet--quiet", "sheet--heading", "sheet--error"}
    DEFAULT_CSS = """
    SheetView { padding: 0 1; }
    SheetView > .sheet--title { text-style: bold; }
    SheetView > .sheet--quiet { color: $quiet; }
    SheetView > .sheet--heading { color: $primary; text-style: bold; }
    SheetView > .sheet--error { color: $error; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.sheet = Sheet(1)

    @property
    def place(self) -> float:
        """The share of the sheet that is above the view, 0 to 1."""
        return self.scroll_y / max(1, len(self.sheet.lines))

    def lay(self, sheet: Sheet, place: float = 0.0) -> None:
        """Show a sheet, scrolled to `place`."""
        self.sheet = sheet
        self.set_height(len(sheet.lines))
        self.screen.selections.pop(self, None)
        self.jump(round(place * len(sheet.lines)))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        width, base = self.room, self.base
        row = y + self.top
        if row >= len(self.sheet.lines):
            return Strip.blank(width, base)
        style = base
        kind = self.sheet.kinds.get(row)
        if kind:
            style += self.get_component_rich_style(f"sheet--{kind}", partial=True)
        line = self._segments(self.sheet.lines[row], row, style)
        margin = max(0, (width - self.sheet.width) // 2)
        return with_margin(margin, line, row, base).adjust_cell_length(width, base)

    def _segments(self, text: str, row: int, style: Style) -> list[Segment]:
        selection = self.text_selection
        span = in_text(selection).get_span(row) if selection is not None else None
        if span is None:
            return [Segment(text, style)]
        begin, end = span[0], len(text) if span[1] == -1 else span[1]
        marked = style + self.screen.get_component_rich_style("screen--selection")
        parts = ((text[:begin], style), (text[begin:end], marked), (text[end:], style))
        return [Segment(part, look) for part, look in parts if part]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, line by line as shown."""
        return in_text(selection).extract("\n".join(self.sheet.lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    def action_scroll_home(self) -> None:
        """Jump to the top."""
        self.jump(0)

    def action_scroll_end(self) -> None:
        """Jump to the bottom."""
        self.jump(self.max_scroll_y)
