"""The reading pane: a story or a collection, read from the disk and laid out in a thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.message import Message

from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.document import Chapter
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.found_words import MOST
from storytime_tui.tui.read_places import ReadPlaces
from storytime_tui.tui.read_sheet import ReadSheet, read_sheet
from storytime_tui.tui.sheets import collection_sheet, message_sheet, story_facts, story_sheet
from storytime_tui.tui.shelf_memory import Place
from storytime_tui.tui.widgets.sheet_view import SheetView
from storytime_tui.tui.widgets.shelf_tree import Leaf

ReadOriginal = Callable[[Collection, int], str]
_ABOVE = 3  # lines above a place that is gone to


@dataclass(frozen=True)
class _Wish:
    """What to show, and where: at `letter`, with a `share` of the sheet above the view, or (`seek`) at a found word."""

    make: Callable[[int], ReadSheet]  # makes the sheet for a width in cells
    version: str = ""
    keys: str = ""
    title: str = ""
    story: Place | None = None  # the story whose place is kept, if it is shown as it was cleaned
    letter: int = 0
    share: float | None = None
    seek: bool = False


class Reading(SheetView):
    """Shows a story, cleaned or as in its file, or a collection."""

    COMPONENT_CLASSES = {"reading--found", "reading--here"}
    DEFAULT_CSS = """
    Reading > .reading--found { background: $found; }
    Reading > .reading--here { color: $background; background: $primary; }
    Reading:nocolor > .reading--found { text-style: underline; }
    Reading:nocolor > .reading--here { text-style: reverse; }
    Reading:ansi > .reading--found { text-style: underline; }
    Reading:ansi > .reading--here { text-style: reverse; }
    """
    BINDINGS = [
        Binding(
            "down", "scroll_down", "Scroll", key_display="↑↓", id="library.scroll", tooltip="Scroll by a line"
        ),
        Binding(
            "pagedown", "page_down", "Page", key_display="pgdn", id="library.page", tooltip="Scroll by a page"
        ),
        Binding(
            "right",
            "screen.story(1)",
            "Story",
            key_display="← →",
            id="library.next_story",
            tooltip="The next story",
        ),
        Binding(
            "left",
            "screen.story(-1)",
            "Story before",
            show=False,
            id="library.story_before",
            tooltip="The story before",
        ),
        Binding("n", "go(1)", "Next place", id="library.next_place", tooltip="The next place of the words"),
        Binding(
            "N", "go(-1)", "Place before", show=False, id="library.place_before", tooltip="The place before"
        ),
        Binding(
            "escape",
            "screen.focus('#tree')",
            "Back",
            id="library.back",
            tooltip="Return to the shelf",
        ),
    ]

    class Lost(Message):
        """A story's text is not where the shelf expects it."""

        def __init__(self, leaf: Leaf) -> None:
            super().__init__()
            self.leaf = leaf

    class Read(Message):
        """Another place of a story was scrolled to."""

    def __init__(self, read_original: ReadOriginal, *, id: str) -> None:
        super().__init__(id=id)
        self._read_original = read_original
        self._debounced: Debounced[tuple[_Wish, ReadSheet]] = Debounced(self, self._lay_out, self._broken)
        self._wish: _Wish | None = None  # kept, for another width
        self._read = ReadSheet(self.sheet)
        self._laid: _Wish | None = None  # what the sheet was made for
        self._at = 0  # the found place that was gone to last
        self._laying = False  # the program scrolls, not the user
        self.places = ReadPlaces()
        self.as_written = False  # whether stories are shown before cleaning

    def show(
        self,
        leaf: Leaf,
        note: str = "",
        *,
        stay: bool = False,
        phrases: Sequence[str] = (),
        seek: bool = False,
    ) -> None:
        """Show a story or a collection.

        A story opens where one stopped reading, or (`seek`) at the first of the `phrases`; `stay`: the view stays.
        """
        if leaf.index is None:
            self._request(_Wish(lambda room: ReadSheet(collection_sheet(leaf.collection, room))), stay)
            return
        written, story = self.as_written, leaf.collection.stories[leaf.index]
        if written:
            version, keys = f"before cleaning: {story.file or 'the file'}", "b cleaned"
        else:
            version, keys = "cleaned, as used for training", "b before cleaning"

        def make(room: int) -> ReadSheet:
            return self._story(leaf, note, written, phrases, room)

        place = (leaf.collection.name, story.place)
        letter = 0 if written else self.places.at(place)
        self._request(
            _Wish(make, version, keys, leaf.title, None if written else place, letter, None, seek), stay
        )

    def say(self, title: str, text: str) -> None:
        """Show a message of the program."""
        self._request(_Wish(lambda room: ReadSheet(message_sheet(title, text, room))), stay=False)

    def _request(self, wish: _Wish, stay: bool) -> None:
        before = self._wish
        if stay and before is not None and before.version == wish.version:
            wish = replace(wish, letter=before.letter, share=before.share, seek=before.seek)
        elif stay:
            wish = replace(wish, share=self.place)
        self._ask(wish)

    def _ask(self, wish: _Wish, *, at_once: bool = False) -> None:
        self._wish = wish
        if self.room > 0:
            self._debounced.request(lambda: (wish, wish.make(self.room)), at_once=at_once)

    def _story(self, leaf: Leaf, note: str, written: bool, phrases: Sequence[str], room: int) -> ReadSheet:
        """Read a story and lay it out. Runs in a thread."""
        assert leaf.index is not None
        story = leaf.collection.stories[leaf.index]
        facts = [story_facts(leaf.collection, leaf.index), note]
        try:
            if written:
                text, chapters = self._read_original(leaf.collection, leaf.index), tuple[Chapter, ...]()
            else:
                try:
                    text, chapters = story.text, story.chapters
                except Exception:
                    self.post_message(self.Lost(leaf))
                    raise
            return read_sheet(story_sheet(leaf.title, facts, text, chapters, room), phrases)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "its file has changed"
            sentence = f"This story cannot be read from the disk: {why}. Add it again, or remove it (d)."
        except Exception as error:
            sentence = sentence_of(error)
        return ReadSheet(message_sheet(leaf.title, sentence, room, "error"))

    def _lay_out(self, made: tuple[_Wish, ReadSheet]) -> None:
        self._laid, self._read = asked, _ = made
        wish = self._wish or asked  # it may have been scrolled since
        rows = self._read.found.rows
        self._at = 0
        self._laying = True
        self.lay(self._read.sheet)
        if wish.seek and rows:
            self._jump_to(rows[0])
        elif wish.share is not None:
            self.jump(round(wish.share * len(self.sheet.lines)))
        else:
            self.jump(self._read.row_of(wish.letter))
            self._at = bisect_left(rows, self.top) % max(1, len(rows))
        self._laying = False
        self._say_place()
        self.refresh_bindings()

    def _broken(self, error: Exception) -> None:
        wish = _Wish(lambda room: ReadSheet(message_sheet("", sentence_of(error), room, "error")))
        self._lay_out((wish, wish.make(self.room)))

    def on_resize(self, event: Resize) -> None:
        """Lay out the lines for the new width; keep the scroll position."""
        if self._wish is not None:
            self._ask(self._wish, at_once=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Keep the place that was scrolled to."""
        super().watch_scroll_y(old_value, new_value)
        if not self._laying and round(old_value) != round(new_value):
            if not (round(old_value) and round(new_value)):
                self._say_place()
            wish = self._keep()
            if wish is not None and wish.story is not None:
                self.places.keep(wish.story, wish.letter)
                self.post_message(self.Read())

    def _keep(self) -> _Wish | None:
        """Keep the present place for another width; None where another sheet is asked for already."""
        wish = self._wish
        if wish is None or self._laid is None or wish.make is not self._laid.make:
            return None
        if self._read.letters:
            letter = self._read.letter_at(self.top)
            self._wish = replace(wish, letter=letter, share=None, seek=False)
        else:
            self._wish = replace(wish, share=self.place, seek=False)
        return self._wish

    def on_focus(self) -> None:
        """The keys work now."""
        self._say_place()

    def on_blur(self) -> None:
        """The keys work no longer."""
        self._say_place()

    # -- the words that are looked for ----------------------------------------------------------------

    def action_go(self, by: int) -> None:
        """Go to another place of the words; after the last comes the first."""
        rows = self._read.found.rows
        if not rows:
            return
        bottom = self.top + self.scrollable_content_region.height
        if self.top <= rows[self._at] < bottom:
            at = self._at + by
        else:  # from what is in view
            at = bisect_left(rows, self.top) - (by < 0)
        self._at = at % len(rows)
        row = rows[self._at]
        self._laying = True
        if not self.top + 1 <= row < bottom - 1:
            self._jump_to(row)
        self._laying = False
        self._keep()
        self._say_place()
        self.refresh()

    def _jump_to(self, row: int) -> None:
        """Show a line near the top, under the lines before it."""
        top = max(0, row - _ABOVE)
        self.jump(top if self.sheet.lines[top] else top + 1)

    def _say_place(self) -> None:
        """Say in the border what is shown: the story's title once it is out of view."""
        wish, places = self._laid, len(self._read.found.rows)
        version, keys, title = (wish.version, wish.keys, wish.title) if wish is not None else ("", "", "")
        if title and self.top > 0:
            version = title if wish is not None and wish.story else f"{title} · {version}"
        self.border_title = Content(printable_line(version[:400]))  # `Content`, never markup
        if places:
            more = "+" if places == MOST else ""
            keys = f"place {self._at + 1:,} of {places:,}{more}" + (
                " · n next" if places > 1 and self.has_focus else ""
            )
        self.border_subtitle = Content(keys)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Going to another place needs one."""
        return len(self._read.found.rows) > 1 if action == "go" else super().check_action(action, parameters)

    def _segments(self, text: str, row: int, style: Style) -> list[Segment]:
        """Mark the words that are looked for."""
        spans = self._read.found.spans.get(row)
        selection = self.text_selection
        if not spans or (selection is not None and selection.get_span(row) is not None):
            return super()._segments(text, row, style)
        segments, done = [], 0
        for number, begin, end in spans:
            name = "reading--here" if number == self._at else "reading--found"
            look = style + self.get_component_rich_style(name, partial=True)
            segments += [Segment(text[done:begin], style), Segment(text[begin:end], look)]
            done = end
        return [*(each for each in segments if each.text), Segment(text[done:], style)]
