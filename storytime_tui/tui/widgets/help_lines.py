"""The help text, laid out in lines by one widget: one widget per row took a quarter of a second."""

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.help_parts import Section
from storytime_tui.tui.widgets.tall_view import TallView

HelpLine = tuple[tuple[str, str], ...]  # texts from left to right, each with a style's name or ""
KEYS = 20  # cells for a key or a number


@lru_cache(maxsize=16)
def lines_of(sections: tuple[Section, ...], width: int) -> list[HelpLine]:
    """Lay out the help in lines of `width` cells: titles, paragraphs, and rows of a key and its meaning."""
    lines: list[HelpLine] = []
    for title, introduction, rows in sections:
        lines += [(), ((title, "title"),)]
        lines += [((line, ""),) for line in wrapped(introduction, width)] if introduction else []
        lines += [()] if introduction else []
        for key, meaning in rows:
            keys = list(wrapped(key, KEYS - 1))
            meanings = list(wrapped(meaning, max(10, width - KEYS)))
            for i in range(max(len(keys), len(meanings))):
                left = keys[i] if i < len(keys) else ""
                right = meanings[i] if i < len(meanings) else ""
                lines.append(((left.ljust(KEYS), "key"), (right, "")))
    return lines


class HelpLines(TallView, can_focus=True):
    """Shows the help's sections."""

    COMPONENT_CLASSES = {"help--title", "help--key"}
    DEFAULT_CSS = """
    HelpLines { padding: 0 1; }
    HelpLines > .help--title { color: $primary; text-style: bold; }
    HelpLines > .help--key { text-style: bold; }
    """

    def __init__(self, sections: tuple[Section, ...], *, id: str) -> None:
        super().__init__(id=id)
        self._sections = sections
        self._lines: list[HelpLine] = []

    def on_resize(self) -> None:
        """Lay out the text for the new width."""
        self._lines = lines_of(self._sections, max(1, self.room))
        self.set_height(len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        row = y + self.top
        line = self._lines[row] if row < len(self._lines) else ()
        segments = [Segment(text, self.base + self._style(name)) for text, name in line]
        return Strip(segments).adjust_cell_length(self.room, self.base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"help--{name}", partial=True) if name else Style()
