"""A story, or a word on a collection, to read: read from the disk and laid out in a thread."""

from collections.abc import Callable

from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.message import Message

from storytime_tui.corpus.collection import Collection
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.newest import Newest
from storytime_tui.tui.sheets import Sheet, collection_sheet, story_facts, story_sheet, words_sheet
from storytime_tui.tui.widgets.sheet_view import SheetView
from storytime_tui.tui.widgets.shelf_tree import Leaf

Before = Callable[[Collection, int], str]
Maker = Callable[[int], Sheet]  # of so many cells


class Reading(SheetView):
    """Shows one story or collection at a time: a story as it was cleaned, or as its file has it."""

    BINDINGS = [
        Binding(
            "down", "scroll_down", "Scroll", key_display="↑↓", id="library.scroll", tooltip="A line further"
        ),
        Binding(
            "pagedown", "page_down", "Page", key_display="pgdn", id="library.page", tooltip="A screen further"
        ),
        Binding(
            "escape",
            "screen.focus('#tree')",
            "Back",
            id="library.back",
            tooltip="Back to the shelf",
        ),
    ]

    class Lost(Message):
        """A story's text is no longer where the shelf says."""

        def __init__(self, leaf: Leaf) -> None:
            super().__init__()
            self.leaf = leaf

    def __init__(self, before: Before, *, id: str) -> None:
        super().__init__(id=id)
        self._before = before
        self._newest: Newest[Sheet] = Newest(self, self._lay_out, self._broken)
        self._make: Maker | None = None  # kept, to be laid out in another room
        self._wanted_place = 0.0
        self.as_written = False  # stories are shown as their files have them

    def show(self, leaf: Leaf, note: str = "", *, stay: bool = False) -> None:
        """Show a story or what a collection is; `stay`: about where one has read to."""
        if leaf.index is None:
            self._want("", "", stay, lambda room: collection_sheet(leaf.collection, room))
            return
        written = self.as_written
        if written:
            file = leaf.collection.stories[leaf.index].file
            title, keys = f"as it stands in {file or 'its file'}", "b cleaned"
        else:
            title, keys = "cleaned, as a model learns it", "b as in its file"
        self._want(title, keys, stay, lambda room: self._story(leaf, note, written, room))

    def say(self, title: str, text: str) -> None:
        """Show words of the program itself: a welcome, a trouble."""
        self._want("", "", False, lambda room: words_sheet(title, text, room))

    def _want(self, title: str, keys: str, stay: bool, make: Maker) -> None:
        self._wanted_title = Content(printable_line(title)), Content(keys)
        self._wanted_place = self.place if stay else 0.0
        self._make = make
        if self.room > 0:
            self._newest.want(lambda: make(self.room))

    def _story(self, leaf: Leaf, note: str, written: bool, room: int) -> Sheet:
        """In a thread: read it and lay it out."""
        assert leaf.index is not None
        story = leaf.collection.stories[leaf.index]
        facts = [story_facts(leaf.collection, story), note]
        try:
            if written:
                return story_sheet(leaf.title, facts, self._before(leaf.collection, leaf.index), (), room)
            try:
                text = story.text
            except Exception:
                self.post_message(self.Lost(leaf))
                raise
            return story_sheet(leaf.title, facts, text, story.chapters, room)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "it is not the text that it was"
            sentence = f"This story cannot be read from the disk: {why}. Import it again, or remove it (d)."
        except Exception as error:
            sentence = sentence_of(error)
        return words_sheet(leaf.title, sentence, room, "error")

    def _lay_out(self, sheet: Sheet) -> None:
        self.border_title, self.border_subtitle = self._wanted_title  # never markup
        self.lay(sheet, self._wanted_place)

    def _broken(self, error: Exception) -> None:
        self._lay_out(words_sheet("", sentence_of(error), self.room, "error"))

    def on_resize(self, event: Resize) -> None:
        """Another width: other lines, at about the same place."""
        make = self._make
        if make is not None and self.room > 0:
            if self.sheet.lines:
                self._wanted_place = self.place
            self._newest.want(lambda: make(self.room), at_once=True)
