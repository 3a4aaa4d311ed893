"""The page: shows a story as it is written, one widget per line; while it streams, only the last one changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storytime_tui.stories.paragraphs import are_paragraphs
from storytime_tui.terminal import printable, printable_line

HINT = "A blank page. Write the first line and press Enter: the model continues."
MOUNTED = 200  # lines mounted at once; widgets for all lines of a novel would slow down every token


@dataclass
class StoryLine:
    """One line of the story (a paragraph or a verse), in parts by author, and the line before it."""

    parts: list[tuple[str, str]] = field(default_factory=list)  # author, text
    gap: bool = False  # after an empty line
    before: "StoryLine | None" = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The line's text by all authors."""
        return "".join(text for _, text in self.parts)

    @property
    def apart(self) -> bool:
        """Whether a gap is shown before the line: models end a paragraph with one or two line ends."""
        return self.gap or (self.before is not None and are_paragraphs(self.before.text, self.text))

    def add(self, author: str, text: str) -> None:
        """Append text to the line."""
        if self.parts and self.parts[-1][0] == author:
            self.parts[-1] = (author, self.parts[-1][1] + text)
        else:
            self.parts.append((author, text))


def write(lines: list[StoryLine], author: str, text: str) -> int:
    """Append text to the lines in place; returns the index of the first changed line.

    Empty lines do not become lines; they are the gap before the next one.
    """
    if not lines:
        lines.append(StoryLine())
    changed = len(lines) - 1
    first, *rest = text.split("\n")
    if first:
        lines[-1].add(author, first)
    for part in rest:
        if lines[-1].parts:
            lines.append(StoryLine(before=lines[-1]))
        else:
            lines[-1].gap = True
        if part:
            lines[-1].add(author, part)
    return changed


class LineView(Widget):
    """Draws one line; the model's words are tinted."""

    COMPONENT_CLASSES = {"line--told", "line--cursor"}
    DEFAULT_CSS = """
    LineView { height: auto; width: 100%; }
    LineView.-gap { margin-top: 1; }
    LineView > .line--told { color: $told; }
    LineView > .line--cursor { color: $primary; }
    """

    def __init__(self, line: StoryLine) -> None:
        super().__init__()
        self._line = line
        self.set_class(line.apart, "-gap")

    def render(self) -> Content:
        """The line's parts in their authors' colours."""
        told = self.get_visual_style("line--told", partial=True)
        parts = [
            Content.styled(printable(text), told) if author == "model" else Content(printable(text))
            for author, text in self._line.parts
        ]
        if self.has_class("-writing"):
            parts.append(Content.styled("▌", self.get_visual_style("line--cursor", partial=True)))
        return Content("").join(parts)

    def on_mount(self) -> None:
        """Redraw: text may have come during mounting, when a refresh has no effect."""
        self.call_after_refresh(self.changed)

    def changed(self) -> None:
        """Redraw the line: it has more text."""
        self.set_class(self._line.apart, "-gap")
        self.clear_cached_dimensions()  # else the old height would stay
        self.refresh(layout=True)


class Page(VerticalScroll, can_focus=True):
    """Title and lines. A long story is mounted from its end; scrolling up mounts earlier lines."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[StoryLine] = []
        self._views: list[LineView] = []  # of the last lines, which are mounted
        self._writing = False
        self._mounting = False  # earlier lines are being mounted

    def compose(self) -> ComposeResult:
        """The sheet is at least as high as the page, or the anchor would move a short story to the bottom."""
        yield Vertical(id="sheet")

    @property
    def _sheet(self) -> Vertical:
        return self.query_one("#sheet", Vertical)

    @property
    def beginning(self) -> str:
        """The story's first line; "" on a blank page."""
        return self._lines[0].text if self._lines else ""

    def load(self, title: str, passages: Iterable[tuple[str, str]]) -> None:
        """Show a story from its passages (author, text), or a hint if there are none."""
        self._lines, self._writing = [], False
        for author, text in passages:
            write(self._lines, author, text)
        self._views = [LineView(line) for line in self._lines[-MOUNTED:]]
        sheet = self._sheet
        sheet.remove_children()
        sheet.mount(Static(Content(printable_line(title)), classes="page--title"))
        if self._views:
            sheet.mount(*self._views)
        else:
            sheet.mount(Static(Content(HINT), classes="page--hint"))
        self.anchor()

    def set_title(self, title: str) -> None:
        """Show another title."""
        self.query(".page--title").last(Static).update(Content(printable_line(title)))

    def append(self, author: str, text: str) -> None:
        """Append text. Only the last line and new lines change."""
        self.query(".page--hint").remove()
        before = len(self._lines)
        write(self._lines, author, text)
        if self._views and before:
            self._views[-1].changed()
        new = [LineView(line) for line in self._lines[before:]]
        if new:
            self._mark(False)
            self._views += new
            self._sheet.mount(*new)
            self._mark(self._writing)

    def writing(self, on: bool) -> None:
        """Show or hide the cursor behind the last word."""
        self._writing = on
        self._mark(on)

    def _mark(self, on: bool) -> None:
        if self._views:
            self._views[-1].set_class(on, "-writing")
            self._views[-1].changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Near the top, mount earlier lines; the visible lines do not move."""
        super().watch_scroll_y(old_value, new_value)
        earlier = len(self._lines) - len(self._views)
        if new_value > 5 or new_value >= old_value or earlier <= 0:
            return
        if not self._mounting:
            self._mounting = True
            self.run_worker(self._mount_earlier(earlier))

    async def _mount_earlier(self, earlier: int) -> None:
        first = self._views[0]
        below = first.virtual_region.y - self.scroll_y
        more = [LineView(line) for line in self._lines[max(0, earlier - MOUNTED) : earlier]]
        self._views = more + self._views
        await self._sheet.mount(*more, before=first)

        def keep_in_view() -> None:
            self.scroll_to(y=first.virtual_region.y - below, animate=False, immediate=True)
            self._mounting = False

        self.call_after_refresh(keep_in_view)
