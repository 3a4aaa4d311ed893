"""What else might have come at a word of the story: the word's own chance, and the ten likeliest with bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from storytime_tui.terminal import cells
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.widgets.likeliest import bar, percent, visible_token
from storytime_tui.tui.word_reading import can_stand

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.explain import Likely

_TEXT = 14  # cells of a token
_PERCENT = 6  # cells
_TWO = 60  # cells; in a wider place the rows stand in two columns
NUMBERS = "1234567890"


@dataclass(frozen=True)
class WordChances:
    """What could stand at a word. `title`: the word; `found`: how likely it was; `actual`: its text; `before`: the
    character before it.

    `marked`: the row that enter would take; None while the arrow keys move from word to word.
    """

    title: str
    found: Sequence[str]
    before: str
    actual: str
    likeliest: Sequence[Likely] = ()
    marked: int | None = None


class WordPanel(Static):
    """Shows the chances at one word, or a sentence while there are none."""

    DEFAULT_CSS = "WordPanel { height: auto; min-height: 6; padding: 0 2 0 1; }"
    ALLOW_SELECT = False

    class Picked(Message):
        """One of the likeliest was clicked."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._chances: WordChances | None = None
        self._said = ""

    def say(self, words: str) -> None:
        """Show a sentence."""
        self._chances, self._said = None, words
        self._draw()

    def show(self, chances: WordChances) -> None:
        """Show what could stand at a word."""
        self._chances = chances
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def on_click(self, event: Click) -> None:
        """Pick the clicked row."""
        offset = event.get_content_offset(self)
        if offset is None or self._chances is None:
            return
        high = self._high()
        row = offset.y - len(self._head(self.content_size.width))
        column = 1 if high < len(self._chances.likeliest) and offset.x * 2 > self.content_size.width else 0
        if 0 <= row < high and row + column * high < len(self._chances.likeliest):
            self.post_message(self.Picked(row + column * high))

    def _high(self) -> int:
        """The rows of a column."""
        count = len(self._chances.likeliest) if self._chances is not None else 0
        return -(-count // 2) if self.content_size.width >= _TWO else count

    def _head(self, width: int) -> list[Content]:
        """The word and how likely it was, in one line or several."""
        assert self._chances is not None
        title, found = self._chances.title, self._chances.found
        line = " · ".join(found)
        if cells(f"{title}   {line}") <= width:
            return [Content.assemble((title, "bold"), f"   {line}")]
        return [
            Content.styled(fitted(title, width), "bold"),
            *(Content(fitted(each, width)) for each in found),
        ]

    def _draw(self) -> None:
        width, chances = self.content_size.width, self._chances
        if width < 1:
            return
        if chances is None:
            self.update(Content.styled(self._said, "$quiet"))
            return
        high = self._high()
        columns = -(-len(chances.likeliest) // high) if high else 1
        room = (width - 3 * (columns - 1)) // columns
        lines = self._head(width)
        for row in range(high):
            places = range(row, len(chances.likeliest), high)
            lines.append(Content("   ").join([_row(chances, place, room) for place in places]))
        self.update(Content("\n").join(lines))


def shown(text: str, before: str) -> str:
    """A token as a reader sees it: without the space before a word; what continues a word has an ellipsis before it."""
    if not can_stand(text):
        return "(byte)"
    if text[:1] == " " and text.strip():
        return visible_token(text[1:])
    return ("…" if before.isalnum() and text[:1].isalnum() else "") + visible_token(text)


def _row(chances: WordChances, place: int, width: int) -> Content:
    likely = chances.likeliest[place]
    here = likely.text == chances.actual
    share = math.exp(likely.logprob)
    text, bars = shown(likely.text, chances.before), bar(share, max(3, width - _TEXT - _PERCENT - 7))
    mark, number = "▸ " if here else "  ", percent(share).rjust(_PERCENT)
    if not can_stand(likely.text):
        return Content.styled(f"{mark}  {fitted(text, _TEXT)} {bars} {number} ", "$quiet")
    key, text = f"{NUMBERS[place]} ", fitted(text, _TEXT)
    if place == chances.marked:
        return Content.styled(f"{mark}{key}{text} {bars} {number} ", "bold $background on $primary")
    look = "bold" if here else ""
    return Content.assemble(
        (mark, "$primary"), (key, "$quiet"), (f"{text} ", look), (bars, "$told"), f" {number} "
    )
