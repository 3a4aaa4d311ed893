"""The reading pane: a story or a collection, read from the disk and laid out in a thread."""

from collections.abc import Callable

from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.message import Message

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.sheets import Sheet, collection_sheet, message_sheet, story_facts, story_sheet
from storytime_tui.tui.widgets.sheet_view import SheetView
from storytime_tui.tui.widgets.shelf_tree import Leaf

ReadOriginal = Callable[[Collection, int], str]
Maker = Callable[[int], Sheet]  # makes the sheet for a width in cells


class Reading(SheetView):
    """Shows a story, cleaned or as in its file, or a collection."""

    BINDINGS = [
        Binding(
            "down", "scroll_down", "Scroll", key_display="↑↓", id="library.scroll", tooltip="Scroll by a line"
        ),
        Binding(
            "pagedown", "page_down", "Page", key_display="pgdn", id="library.page", tooltip="Scroll by a page"
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

    def __init__(self, read_original: ReadOriginal, *, id: str) -> None:
        super().__init__(id=id)
        self._read_original = read_original
        self._debounced: Debounced[Sheet] = Debounced(self, self._lay_out, self._broken)
        self._make: Maker | None = None  # kept, for another width
        self._next_place = 0.0
        self.as_written = False  # whether stories are shown before cleaning

    def show(self, leaf: Leaf, note: str = "", *, stay: bool = False) -> None:
        """Show a story or a collection; `stay`: keep the scroll position."""
        if leaf.index is None:
            self._request("", "", stay, lambda room: collection_sheet(leaf.collection, room))
            return
        written = self.as_written
        if written:
            file = leaf.collection.stories[leaf.index].file
            title, keys = f"before cleaning: {file or 'the file'}", "b cleaned"
        else:
            title, keys = "cleaned, as used for training", "b before cleaning"
        self._request(title, keys, stay, lambda room: self._story(leaf, note, written, room))

    def say(self, title: str, text: str) -> None:
        """Show a message of the program."""
        self._request("", "", False, lambda room: message_sheet(title, text, room))

    def _request(self, title: str, keys: str, stay: bool, make: Maker) -> None:
        self._next_title = Content(printable_line(title)), Content(keys)
        self._next_place = self.place if stay else 0.0
        self._make = make
        if self.room > 0:
            self._debounced.request(lambda: make(self.room))

    def _story(self, leaf: Leaf, note: str, written: bool, room: int) -> Sheet:
        """Read a story and lay it out. Runs in a thread."""
        assert leaf.index is not None
        story = leaf.collection.stories[leaf.index]
        facts = [story_facts(leaf.collection, story), note]
        try:
            if written:
                return story_sheet(
                    leaf.title, facts, self._read_original(leaf.collection, leaf.index), (), room
                )
            try:
                text = story.text
            except Exception:
                self.post_message(self.Lost(leaf))
                raise
            return story_sheet(leaf.title, facts, text, story.chapters, room)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "its file has changed"
            sentence = f"This story cannot be read from the disk: {why}. Add it again, or remove it (d)."
        except Exception as error:
            sentence = sentence_of(error)
        return message_sheet(leaf.title, sentence, room, "error")

    def _lay_out(self, sheet: Sheet) -> None:
        self.border_title, self.border_subtitle = self._next_title  # `Content`, never markup
        self.lay(sheet, self._next_place)

    def _broken(self, error: Exception) -> None:
        self._lay_out(message_sheet("", sentence_of(error), self.room, "error"))

    def on_resize(self, event: Resize) -> None:
        """Lay out the lines for the new width; keep the scroll position."""
        make = self._make
        if make is not None and self.room > 0:
            if self.sheet.lines:
                self._next_place = self.place
            self._debounced.request(lambda: make(self.room), at_once=True)
