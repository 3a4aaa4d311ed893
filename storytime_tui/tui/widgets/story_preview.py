"""Beside the bookshelf's list: the first lines of the story under the cursor, or the lines around a place in it."""

import re
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.content import Content

from storytime_tui.stories.shelf import beginning
from storytime_tui.stories.store import StoryStore
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.debounce import Debounced
from storytime_tui.tui.sheets import Sheet, message_sheet, width_in
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.story_rows import StoryRow, length, place_in
from storytime_tui.tui.widgets.sheet_view import SheetView

_SHOWN = 6_000  # characters: more than any screen shows
_BEFORE = 30  # words before the place
_ABOVE = 2  # lines above the place: it is seen in the lowest pane, too


class StoryPreview(SheetView, can_focus=False):
    """Reads a few lines of a story in a thread, once the cursor rests on it."""

    def __init__(self, store_thread: StoreThread, *, id: str) -> None:
        super().__init__(id=id)
        self._store_thread = store_thread
        self._reads: Debounced[Sheet] = Debounced(self, self.lay, self._broken)
        self._asked: tuple[StoryRow | None, Sequence[str]] = (None, ())

    def show(self, row: StoryRow | None, phrases: Sequence[str]) -> None:
        """Show the first lines of a story, or those around the first of these phrases."""
        if (row, phrases) != self._asked:
            self._asked = row, phrases
            self._read()

    def on_resize(self) -> None:
        """Lay out the lines for the new width."""
        self._read()

    def _read(self) -> None:
        row, phrases = self._asked
        room = self.room
        if room <= 0:
            return
        if row is None:
            self._reads.forget()
            self.border_title = self.border_subtitle = ""
            self.lay(Sheet(width_in(room)))
            return
        self.border_title = Content(printable_line(row.story.title[:400]))
        self.border_subtitle = Content(length(row.words))
        story, store_thread = row.story.id, self._store_thread
        self._reads.request(lambda: sheet_of(store_thread.store(), story, phrases, room))

    def _segments(self, text: str, row: int, style: Style) -> list[Segment]:
        """Mark what was searched for."""
        place = place_in(text, self._asked[1]) if self._asked[1] else None
        if place is None:
            return super()._segments(text, row, style)
        start, end = place
        marked = style + self.get_component_rich_style("sheet--heading", partial=True)
        parts = ((text[:start], style), (text[start:end], marked), (text[end:], style))
        return [Segment(part, look) for part, look in parts if part]

    def _broken(self, error: Exception) -> None:
        self.lay(message_sheet("", sentence_of(error), self.room, "error"))


def sheet_of(store: StoryStore, story: int, phrases: Sequence[str], room: int) -> Sheet:
    """A story's first lines, or those around the first of the phrases in it. Blocks. Raises StoryError."""
    sheet = Sheet(width_in(room))
    text = store.text(story).replace("\0", " ") if phrases else ""
    place = place_in(" ".join(text.split()), phrases) if text else None
    if place is None:
        sheet.add(beginning(store, story, _SHOWN).strip("\n") or "This story has no words yet.")
        return sheet
    words = list(re.finditer(r"\S+", text))
    before = " ".join(text.split())[: place[0] + 1].split()  # up to the first letter of the place
    at = len(before) - 1  # the number of the word with the place
    here = words[at].start() + len(before[-1])
    start = max(words[max(0, at - _BEFORE)].start(), here - _SHOWN // 2)  # not every script has spaces
    width = sheet.width - 1  # the first line may have an ellipsis, too
    above = max(0, len(list(wrapped(text[start:here], width))) - 1 - _ABOVE)
    lines = list(wrapped(text[start : start + _SHOWN], width))[above:]
    while not lines[0]:
        del lines[0]
    lines[0] = ("…" if start or above else "") + lines[0]
    sheet.lines.extend(lines)
    return sheet
