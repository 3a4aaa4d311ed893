"""The page: a story as it is written, a widget for each line; while it streams only the last one changes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storytime_tui.terminal import printable, printable_line

HINT = "A blank page. Write how it begins, and press Enter: the model goes on from there."
MOUNTED = 200  # lines mounted at once: a widget for each of a novel's would make every token slow
VERSE = 60  # characters: a longer line is prose
_QUOTES = "\"'“”‘’"
_ENDED = re.compile(r"""[.!?…:]["”’')\]*_]*$""")


@dataclass
class StoryLine:
    """One line of the story (a paragraph, or a verse): who wrote which part, and what comes before."""

    parts: list[tuple[str, str]] = field(default_factory=list)  # author, text
    gap: bool = False  # an empty line comes before
    before: "StoryLine | None" = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """What stands in it, whoever wrote it."""
        return "".join(text for _, text in self.parts)

    @property
    def apart(self) -> bool:
        """Whether a gap is shown before it: models end a paragraph with one line end or with two."""
        return self.gap or (self.before is not None and are_paragraphs(self.before.text, self.text))

    def add(self, author: str, text: str) -> None:
        """Write more at the end of the line."""
        if self.parts and self.parts[-1][0] == author:
            self.parts[-1] = (author, self.parts[-1][1] + text)
        else:
            self.parts.append((author, text))


def are_paragraphs(line: str, following: str) -> bool:
    """Whether two lines without an empty one between are two paragraphs of prose, not two verses."""
    line, following = line.rstrip(), following.strip()
    if not _ENDED.search(line):
        return False
    spoken = not {line[0], line[-1], following[:1]}.isdisjoint(_QUOTES)
    return spoken or max(len(line), len(following)) > VERSE


def write(lines: list[StoryLine], author: str, text: str) -> int:
    """Append text to the lines in place; gives the index of the first line that changed.

    Empty lines do not become lines of their own: they are the gap before the next one.
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
    """Draws one line; the model's words carry a quiet tint."""

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
        """The line's parts, each author's in its own colour."""
        told = self.get_visual_style("line--told", partial=True)
        parts = [
            Content.styled(printable(text), told) if author == "model" else Content(printable(text))
            for author, text in self._line.parts
        ]
        if self.has_class("-writing"):
            parts.append(Content.styled("▌", self.get_visual_style("line--cursor", partial=True)))
        return Content("").join(parts)

    def on_mount(self) -> None:
        """Text may have come while it was being mounted, when a refresh does nothing."""
        self.call_after_refresh(self.changed)

    def changed(self) -> None:
        """Draw the line anew: it has more text."""
        self.set_class(self._line.apart, "-gap")
        self.clear_cached_dimensions()  # or it would keep the height that it had
        self.refresh(layout=True)


class Page(VerticalScroll, can_focus=True):
    """Title and lines. Long stories are mounted from the end; scrolling up mounts what came before."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[StoryLine] = []
        self._views: list[LineView] = []  # of the last lines
        self._writing = False
        self._mounting = False  # earlier lines are on their way

    def compose(self) -> ComposeResult:
        """The sheet is at least as high as the page: an anchored page would hang a short story from its foot."""
        yield Vertical(id="sheet")

    @property
    def _sheet(self) -> Vertical:
        return self.query_one("#sheet", Vertical)

    @property
    def beginning(self) -> str:
        """The story's first line; "" on a blank page."""
        return self._lines[0].text if self._lines else ""

    def load(self, title: str, passages: Iterable[tuple[str, str]]) -> None:
        """Show a story from its passages (author, text); a hint stands where there are none."""
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
        """Write more of the story. Only the last line, and new ones, are touched."""
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
        """Show, or take away, the cursor behind the last word."""
        self._writing = on
        self._mark(on)

    def _mark(self, on: bool) -> None:
        if self._views:
            self._views[-1].set_class(on, "-writing")
            self._views[-1].changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Near the top, mount what came before, keeping in view what was in view."""
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
