"""The page: shows a story as it is written. Its rows are laid out before; only the visible ones are drawn."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from storytime_tui.stories.story import Passage, Writer
from storytime_tui.terminal import printable, printable_line
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.line_breaks import is_right_to_left
from storytime_tui.tui.marking import in_text, with_margin
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.page_layout import BEING_TOLD, VIEW_RULE, WIDEST, PageLayout, Row
from storytime_tui.tui.widgets.page_looks import CSS, LOOKS
from storytime_tui.tui.widgets.tall_view import TallView


class Span(NamedTuple):
    """Characters `start` to `end` of the story in a look: the name of a component class of `Page`."""

    start: int
    end: int
    look: str


class Page(TallView, can_focus=True):
    """Title and story. The view follows the end of the story unless the user scrolls up.

    While the page has the focus, one passage is chosen: the keys act on it, and its words stand on a tinted ground.
    """

    ALLOW_SELECT = True
    COMPONENT_CLASSES = LOOKS
    DEFAULT_CSS = CSS
    BINDINGS = [
        Binding("down", "choose(1)", "Passage", key_display="↑↓", id="page.down", tooltip="The next passage"),
        Binding("up", "choose(-1)", "Passage", show=False, id="page.up", tooltip="The passage before"),
    ]

    class Chosen(Message):
        """Another passage is chosen."""

    class Changed(Message):
        """The story's text has changed."""

    class Clicked(Message):
        """A character of the story was clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.laid = PageLayout()
        self._title = ""
        self._head: list[str] = []  # the rows of the title, with the empty one below it
        self._writing = False
        self._following = True  # the view stays at the end as the story grows
        self._chosen: int | None = None  # None: the last passage
        self._point: tuple[int, int] | None = None
        self._paints: dict[str, tuple[Span, ...]] = {}
        self.colours = True  # the writers' colours
        send = own_key("prompt.send", "Enter")
        self.hint = f"A blank page. Write a first line and press {send}: the model goes on."

    # -- the story ------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The story's text as it is shown."""
        return self.laid.text

    @property
    def beginning(self) -> str:
        """The story's first line; "" on a blank page."""
        return next((line for line in self.text.split("\n", 20) if line.strip()), "")

    def load(self, title: str, passages: Iterable[Passage], *, keep_place: bool = False) -> None:
        """Show a story, or a hint if it has no text.

        `keep_place`: stay where the reader is, as far as the text is the same; else go to the end.
        """
        top = self.top
        following = self._following or not keep_place
        self._title, self._writing, self._point = title, False, None
        self._paints = {}
        self.laid.load(passages)
        if self._chosen not in self.laid.passages():
            self._chosen = None
        self._lay_head()
        self._grown()
        self._following = following
        self.jump(self.max_scroll_y if following else top)
        self.post_message(self.Changed())

    def set_title(self, title: str) -> None:
        """Show another title."""
        if title != self._title:
            self._title = title
            self._lay_head()
            self._grown()

    def append(self, writer: Writer, text: str, passage: int = BEING_TOLD) -> None:
        """Add text at the end."""
        was_empty, before = not self.text, (self.top, len(self.laid.rows))
        first = self.laid.append(writer, text, passage)
        if was_empty or (self.top, len(self.laid.rows)) != before:
            self._grown()
        else:  # most tokens change one row
            row = first + len(self._head) - self.top
            self.refresh(Region(0, max(0, row), self.size.width, max(0, len(self.laid.rows) - first)))
        self.post_message(self.Changed())

    def adopt(self, passage: int) -> None:
        """Name the passage that was being told: it is in the store now."""
        self.laid.name(BEING_TOLD, passage)
        self.refresh()

    def writing(self, on: bool) -> None:
        """Show or hide the cursor behind the last word."""
        self._writing = on
        self.refresh()

    def anchor_end(self) -> None:
        """Go to the end of the story, and follow it."""
        self._following = True
        self.jump(self.max_scroll_y)

    def show_view(self, begins: int | None) -> None:
        """Draw the rule where the model's view begins (a character of the story), or none."""
        self.laid.show_view(begins)
        self._grown()

    def show_colours(self, on: bool) -> None:
        """Show who wrote what in colours, or not."""
        self.colours = on
        self.refresh()

    def paint(self, layer: str, spans: Sequence[Span]) -> None:
        """Show characters in other looks; each layer lies over the earlier ones. Spans are in order and apart."""
        self._paints[layer] = tuple(spans)
        self.refresh()

    def point_at(self, start: int | None, end: int = 0) -> None:
        """Mark a word and bring it into view; None: no word."""
        self._point = None if start is None else (start, end)
        if start is not None:
            self.show_place(start)
        self.refresh()

    def show_place(self, place: int) -> None:
        """Scroll so far that this character is in view."""
        row, height = self.laid.row_at(place) + len(self._head), self.scrollable_content_region.height
        if height > 0 and not self.top <= row < self.top + height:
            self._following = False
            self.jump(max(0, row - height // 3))

    # -- the chosen passage ---------------------------------------------------------------------------

    @property
    def chosen(self) -> int | None:
        """The chosen passage: by default the last. None on a blank page."""
        passages = self.laid.passages()
        return self._chosen if self._chosen is not None else (passages[-1] if passages else None)

    def choose(self, passage: int | None) -> None:
        """Choose a passage and bring its beginning into view; None: the last one, whichever it will be."""
        self._chosen = passage if passage in self.laid.passages() else None
        extent = self.laid.extent(passage) if passage is not None else None
        if extent is not None:
            self.show_place(extent[0])
        self.refresh()
        self.post_message(self.Chosen())

    def action_choose(self, by: int) -> None:
        """Choose the next passage or the one before; within a long one, scroll to its end first."""
        passages = self.laid.passages()
        chosen = self.chosen
        if chosen is None or chosen not in passages:
            return
        extent = self.laid.extent(chosen)
        assert extent is not None
        height = max(1, self.scrollable_content_region.height)
        first, last = (self.laid.row_at(place) + len(self._head) for place in (extent[0], extent[1] - 1))
        if by > 0 and last >= self.top + height:
            self.jump(min(self.top + height // 2, last - height + 2))
            return
        if by < 0 and first < self.top:
            self.jump(max(0, first - height // 2, self.top - height // 2))
            return
        at = passages.index(chosen) + by
        if 0 <= at < len(passages):
            self.choose(None if at == len(passages) - 1 else passages[at])
            if at == len(passages) - 1:
                self.anchor_end()
        else:
            self.jump(0 if by < 0 else self.max_scroll_y)

    # -- layout and scrolling -------------------------------------------------------------------------

    def _lay_head(self) -> None:
        self._head = [*wrapped(printable_line(self._title), self.laid.width), ""]

    def on_resize(self) -> None:
        """Lay out the story for the new width."""
        following = self._following
        place = self.place_on_top()
        self.laid.resize(min(WIDEST, max(10, self.room)))
        self._lay_head()
        self._grown()
        if not following and place is not None:
            self.jump(self.laid.row_at(place) + len(self._head))

    @property
    def place_in_view(self) -> int:
        """The first character in view."""
        return self.place_on_top() or 0

    def place_on_top(self) -> int | None:
        """The first character in view; None above the story."""
        row = self.top - len(self._head)
        rows = self.laid.rows
        return rows[row].start if 0 <= row < len(rows) else None

    @property
    def _hint(self) -> list[str]:
        return list(wrapped(self.hint, self.laid.width))

    def _grown(self) -> None:
        following = self._following
        hint = 0 if self.text else len(self._hint) + 1
        self.set_height(len(self._head) + len(self.laid.rows) + hint + 1)  # an empty row at the end
        if following:
            self.jump(self.max_scroll_y)
            self._following = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end of the story once the view is there."""
        super().watch_scroll_y(old_value, new_value)
        self._following = new_value >= self.max_scroll_y

    # -- drawing --------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        width, base = self.room, self.base
        row = y + self.top
        margin = max(0, (width - self.laid.width) // 2)
        if row < len(self._head):
            line = [Segment(self._head[row], base + self._look("page--title"))]
            if is_right_to_left(self._title):
                margin += max(0, self.laid.width - cell_len(self._head[row]))
        elif row - len(self._head) < len(self.laid.rows):
            line = self._segments(row - len(self._head), base)
            margin += self.laid.indent(row - len(self._head))
        elif not self.text and row - len(self._head) < len(self._hint):
            line = [Segment(self._hint[row - len(self._head)], base + self._look("page--hint"))]
        else:
            line = []
        return with_margin(margin, line, row, base).adjust_cell_length(width, base)

    def _look(self, name: str) -> Style:
        look = self.get_component_rich_style(name, partial=True)
        if look.bgcolor is None:
            return look
        return look + Style(bgcolor=self.get_component_rich_style(name).bgcolor)  # blended with the page

    def _segments(self, index: int, base: Style) -> list[Segment]:
        row = self.laid.rows[index]
        if row.kind == "rule":
            label = f" {VIEW_RULE} "
            left = max(0, self.laid.width - cell_len(label)) // 2
            line = "┄" * left + label + "┄" * max(0, self.laid.width - left - len(label))
            return [Segment(line[: self.laid.width], base + self._look("page--rule"))]
        if row.kind:
            return []
        segments = [
            Segment(_shown(self.text[start:end]), base + look) for start, end, look in self._runs(row, index)
        ]
        if self._point is not None and self.laid.is_break_after(index, *self._point):
            segments.append(Segment("¶", base + self._look("page--point")))
        if self._writing and index == len(self.laid.rows) - 1:
            segments.append(Segment("▌", base + self._look("page--cursor")))
        return segments

    def _runs(self, row: Row, index: int) -> list[tuple[int, int, Style]]:
        """The row's characters in parts of one style each."""
        spans = [
            *self._writers(row),
            *(span for layer in self._paints.values() for span in _within(layer, row)),
        ]
        if self.has_focus and (extent := self.laid.extent(self.chosen or BEING_TOLD)) is not None:
            spans.append(Span(*extent, "page--chosen"))
        if self._point is not None:
            spans.append(Span(*self._point, "page--point"))
        marked = (
            in_text(self.text_selection).get_span(index + len(self._head)) if self.text_selection else None
        )
        if marked is not None:
            end = row.end if marked[1] == -1 else row.start + marked[1]
            spans.append(Span(row.start + marked[0], end, "screen--selection"))
        cuts = {row.start, row.end}
        for start, end, _ in spans:
            cuts |= {min(max(start, row.start), row.end), min(max(end, row.start), row.end)}
        places = sorted(cuts)
        return [
            (start, end, self._style([span.look for span in spans if span.start <= start < span.end]))
            for start, end in itertools.pairwise(places)
        ]

    def _style(self, looks: Sequence[str]) -> Style:
        style = Style()
        for look in looks:
            if look == "screen--selection":
                style += self.screen.get_component_rich_style(look)
            else:
                style += self._look(look)
        return style

    def _writers(self, row: Row) -> Iterable[Span]:
        pieces = self.laid.pieces
        at = self.laid.piece_at(row.start)
        while self.colours and at < len(pieces) and pieces[at].start < row.end:
            after = pieces[at + 1].start if at + 1 < len(pieces) else len(self.text)
            if pieces[at].writer != "you":
                yield Span(
                    pieces[at].start, after, "page--told" if pieces[at].writer == "model" else "page--edited"
                )
            at += 1

    # -- the mouse ------------------------------------------------------------------------------------

    def on_click(self, event: Click) -> None:
        """Choose the clicked passage."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        margin = max(0, (self.room - self.laid.width) // 2)
        place = self.laid.place_at(offset.y + self.top - len(self._head), offset.x - margin)
        if place is not None:
            self._chosen = self.laid.passage_at(place)
            self.refresh()
            self.post_message(self.Chosen())
            self.post_message(self.Clicked(place))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The marked part of the story as it is written, without the page's own line ends; before it, of the title."""
        start, end = in_text(selection)
        text = self.text[self._marked_place(start, 0) : self._marked_place(end, len(self.text))]
        title = ""
        if start is None or start.y < len(self._head) - 1:  # its last row is empty
            inside = end if end is not None and end.y < len(self._head) - 1 else None
            title = Selection(start, inside).extract("\n".join(self._head))
        return "\n\n".join(part for part in (title.strip(), text) if part), "\n"

    def _marked_place(self, offset: Offset | None, usual: int) -> int:
        """The character of the story at an offset of the mouse."""
        if offset is None or offset.y < len(self._head):
            return usual if offset is None else 0
        row = offset.y - len(self._head)
        rows = self.laid.rows
        return min(rows[row].start + offset.x, rows[row].end) if row < len(rows) else len(self.text)

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()


def _within(layer: Sequence[Span], row: Row) -> Iterable[Span]:
    """The layer's spans in a row."""
    at = max(0, bisect_right(layer, row.start, key=lambda span: span.start) - 1)
    while at < len(layer) and layer[at].start < row.end:
        if layer[at].end > row.start:
            yield layer[at]
        at += 1


def _shown(text: str) -> str:
    return printable(text).replace("\t", " ").replace("\n", " ")
