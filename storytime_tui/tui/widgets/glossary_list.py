"""The glossary's terms with their meanings, as a list with a cursor that moves from term to term."""

from rich.segment import Segment
from textual.binding import Binding
from textual.strip import Strip

from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.glossary import GLOSSARY
from storytime_tui.tui.vim_keys import vim_keys
from storytime_tui.tui.widgets.tall_view import TallView

_KEYS = 16  # cells for a term


class GlossaryList(TallView, can_focus=True, inherit_bindings=False):
    """Shows the glossary from a term on."""

    COMPONENT_CLASSES = {"glossary--term", "glossary--here"}
    DEFAULT_CSS = """
    GlossaryList { padding: 0 1; }
    GlossaryList > .glossary--term { text-style: bold; }
    GlossaryList > .glossary--here { color: $primary; text-style: bold; }
    """
    BINDINGS = [
        Binding("down", "move(1)", "Terms", key_display="↑↓", id="glossary.down", tooltip="The next term"),
        Binding("up", "move(-1)", "Up", show=False, id="glossary.up", tooltip="The term before"),
        Binding("pagedown", "move(5)", "Down", show=False, id="glossary.pagedown", tooltip="Five terms on"),
        Binding("pageup", "move(-5)", "Up", show=False, id="glossary.pageup", tooltip="Five terms back"),
        Binding("home", "move(-999)", "First", show=False, id="glossary.home", tooltip="The first term"),
        Binding("end", "move(999)", "Last", show=False, id="glossary.end", tooltip="The last term"),
        *vim_keys("glossary", ("move(1)", "move(-1)", "move(-999)", "move(999)", "move(5)", "move(-5)")),
    ]

    def __init__(self, term: str, *, id: str) -> None:
        """`term`: where the cursor stands at first; the first term if the glossary lacks it."""
        super().__init__(id=id)
        self._terms = sorted(GLOSSARY, key=str.casefold)
        self.cursor = self._terms.index(term) if term in GLOSSARY else 0
        self._lines: list[tuple[str, str, int]] = []  # term, a line of its meaning, number of the term

    @property
    def term(self) -> str:
        """The term under the cursor."""
        return self._terms[self.cursor]

    def on_resize(self) -> None:
        """Lay out the meanings for the new width."""
        width = max(10, self.room - _KEYS)
        self._lines = []
        for number, term in enumerate(self._terms):
            for row, line in enumerate(wrapped(GLOSSARY[term], width)):
                self._lines.append((term if row == 0 else "", line, number))
            self._lines.append(("", "", -1))
        self.set_height(len(self._lines))
        self._show_cursor(top=True)

    def action_move(self, by: int) -> None:
        """Move the cursor by this many terms."""
        self.cursor = max(0, min(len(self._terms) - 1, self.cursor + by))
        self._show_cursor(top=False)
        self.refresh()

    def _show_cursor(self, *, top: bool) -> None:
        rows = [row for row, line in enumerate(self._lines) if line[2] == self.cursor]
        height = self.scrollable_content_region.height
        if not rows or height <= 0:
            return
        if top or rows[0] < self.top:
            self.jump(rows[0])
        elif rows[-1] >= self.top + height:
            self.jump(rows[-1] - height + 1)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        row = y + self.top
        term, line, number = self._lines[row] if row < len(self._lines) else ("", "", -1)
        name = "glossary--here" if number == self.cursor else "glossary--term"
        segments = [
            Segment(term.ljust(_KEYS), self.base + self.get_component_rich_style(name, partial=True)),
            Segment(line, self.base),
        ]
        return Strip(segments).adjust_cell_length(self.room, self.base)
