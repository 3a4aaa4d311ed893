"""NO_COLOR (no-color.org): no colour is sent. What colours said is said by bold, dim and reversed letters.

Textual's own filter for it turns colours into greys, and a screen into a dark one (Textual 8.2.8). With this one the
app is drawn in the terminal's own two colours.
"""

from functools import lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_BRIGHT_BLACK = 8  # of frames, in the theme of sixteen colours
_BOLD, _DIM, _REVERSE = Style(bold=True), Style(dim=True), Style(reverse=True)


class NoColours(LineFilter):
    """Takes all colours away, of the theme of sixteen colours: there nearly all text has the terminal's own."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line without colours."""
        return [
            segment if segment.style is None else Segment(segment.text, plain(segment.style), segment.control)
            for segment in segments
        ]


@lru_cache(4096)
def plain(style: Style) -> Style:
    """A style without colours: a ground of its own is reversed, marked letters are bold, frames dim."""
    kept = style.without_color
    if style.meta:  # what a click means
        kept += Style.from_meta(style.meta)
    if _stands_out(style.bgcolor):
        return kept + _REVERSE
    if _stands_out(style.color):
        return kept + (_DIM if style.color and style.color.number == _BRIGHT_BLACK else _BOLD)
    return kept


def _stands_out(color: RichColor | None) -> bool:
    return color is not None and not color.is_default
