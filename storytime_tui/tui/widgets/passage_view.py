"""A passage of text whose tokens are tinted by surprise, with a cursor on one token."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from storytime_tui.terminal import cells, printable_line
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.passage_lines import LEGEND, Line, line_at, lines_of, place_above, step_of
from storytime_tui.tui.widgets.tall_view import TallView

# Blue tints: red is for failures and gold for the cursor. Where there are no colours, the text's style says the same.
TINTS = (
    "color: $foreground;",
    "color: $foreground; background: $told 12%;",
    "color: $foreground; background: $told 26%;",
    "color: $foreground; background: $told 42%;",
    "color: $background; background: $told 85%;",
)
_STYLES = ("none", "none", "underline", "bold underline", "reverse")
CLASSES = {f"surprise--{step}" for step in range(len(LEGEND))}


def surprise_css(widget: str) -> str:
    """The styles of a widget class's tokens by their step of surprise, in colours and without."""
    rules = [f"{widget} > .surprise--{step} {{ {look} }}" for step, look in enumerate(TINTS)]
    for plain in (":nocolor", ":ansi"):
        rules += [
            f"{widget}{plain} > .surprise--{step} "
            f"{{ background: $background; color: $foreground; text-style: {style}; }}"
            for step, style in enumerate(_STYLES)
        ]
    return "\n".join(rules)


class PassageView(TallView, can_focus=False):
    """Shows a passage. `PassagePair` moves the cursor, which two passages share."""

    COMPONENT_CLASSES = {*CLASSES, "passage--cursor", "passage--quiet"}
    DEFAULT_CSS = f"""
    PassageView {{ border-top: solid $line; border-title-color: $quiet; padding: 0 1; scrollbar-size-vertical: 1; }}
    PassageView.-chosen {{ border-top: solid $primary; border-title-color: $foreground; }}
    PassageView > .passage--cursor {{ background: $primary; color: $background; text-style: bold; }}
    PassageView > .passage--quiet {{ color: $quiet; }}
    PassageView:nocolor > .passage--cursor {{ text-style: bold reverse underline; }}
    PassageView:ansi > .passage--cursor {{
        background: ansi_default; color: ansi_default; text-style: bold reverse underline;
    }}
    {surprise_css("PassageView")}
    """

    class Picked(Message):
        """A token was clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._texts: Sequence[str] = ()
        self._nats: Sequence[float] = ()
        self._counts: Sequence[bool] = ()
        self._words = ""
        self._lines: list[Line] = []
        self._cursor = 0

    def say(self, words: str) -> None:
        """Show a sentence in place of a passage."""
        self._texts, self._words = (), words
        self._lay()

    def show(self, texts: Sequence[str], nats: Sequence[float], counts: Sequence[bool] = ()) -> None:
        """Show a passage's tokens with their losses in nats. `counts`: which of them have one; empty for all."""
        same = texts == self._texts and bool(texts)
        self._texts, self._nats, self._counts, self._words = texts, nats, counts, ""
        if same:
            self.refresh()
        else:
            self._lay()

    def set_title(self, title: str) -> None:
        """Name what the passage shows."""
        self.border_title = Content(printable_line(title))

    def move_to(self, place: int) -> None:
        """Put the cursor on a token and bring it into view."""
        self._cursor = place
        self._follow()
        self.refresh()

    def place_above(self, place: int, by: int) -> int:
        """The token `by` lines below this one."""
        return place_above(self._lines, place, by)

    def on_resize(self) -> None:
        """Lay out the passage for the new width."""
        self._lay()

    def _lay(self) -> None:
        self._lines = lines_of(self._texts, max(10, self.room))
        self.set_height(len(self._lines))
        self._follow()

    def _follow(self) -> None:
        height = self.scrollable_content_region.height
        line = line_at(self._lines, self._cursor)
        if height > 0 and not self.top <= line < self.top + height:
            self.jump(max(0, line - height // 2))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        if self._words:
            quiet = self.base + self.get_component_rich_style("passage--quiet", partial=True)
            text = dict(enumerate(wrapped(printable_line(self._words), max(10, self.room)))).get(y, "")
            return Strip([Segment(text, quiet)]).adjust_cell_length(self.room, self.base)
        row = y + self.top
        line = self._lines[row] if row < len(self._lines) else ()
        segments = [Segment(piece.text, self._style(piece.place)) for piece in line]
        return Strip(segments).adjust_cell_length(self.room, self.base)

    def _style(self, place: int) -> Style:
        if place == self._cursor:
            return self.get_component_rich_style("passage--cursor")
        if self._counts and not self._counts[place]:
            return self.get_component_rich_style("passage--quiet")
        return self.get_component_rich_style(
            f"surprise--{step_of(self._nats[place])}"
        )  # blended with the page

    def on_click(self, event: Click) -> None:
        """Pick the clicked token."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row, x = offset.y + self.top, offset.x
        for piece in self._lines[row] if row < len(self._lines) else ():
            x -= cells(piece.text)
            if x < 0:
                self.post_message(self.Picked(piece.place))
                return


class SurpriseLegend(Widget):
    """What the tints mean."""

    COMPONENT_CLASSES = CLASSES
    DEFAULT_CSS = f"""
    SurpriseLegend {{ height: 1; width: auto; padding-left: 1; }}
    {surprise_css("SurpriseLegend")}
    """

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """The cells of all steps, with a space after each."""
        return sum(len(words) + 3 for words in LEGEND)

    def render_line(self, y: int) -> Strip:
        """Draw each step's tint with its least probability; side by side where there is no room between."""
        segments: list[Segment] = []
        gap = " " if self.size.width >= self.get_content_width(self.size, self.size) else ""
        for step, words in enumerate(LEGEND):
            segments += [Segment(f" {words} ", self.get_component_rich_style(f"surprise--{step}"))]
            segments += [Segment(gap, self.rich_style)]
        return Strip(segments)
