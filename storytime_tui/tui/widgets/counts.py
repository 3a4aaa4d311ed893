"""The totals of the ticked stories, in two lines whose columns do not move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from storytime_tui.errors import StorytimeError
from storytime_tui.terminal import printable_line
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.cells import fitted
from storytime_tui.tui.totals import Totals
from storytime_tui.tui.wording import about, count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.estimates import Estimate

_LABEL = 14  # cells
_WIDE = (9, 10)  # cells of the two number columns; the second begins with a space
_CLOSE = (7, 7)
_ROOMY = 76  # cells of the longest second line


class Counts(Static):
    """Shows stories and words at once; tokens, windows and time when they are estimated."""

    DEFAULT_CSS = "Counts { height: 2; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(Content("loading the shelf…"), id=id)
        self._tally = Totals()
        self._base = ""
        self._estimate: Estimate | Exception | None = None

    def say(self, words: str) -> None:
        """Show a message instead of numbers."""
        self.update(Content(words), layout=False)

    def show(self, tally: Totals, base: str) -> None:
        """Show new totals; the old estimate stays until the new one comes, if the base is the same."""
        if base != self._base or not tally.stories:
            self._estimate = None
        self._tally, self._base = tally, base
        self._draw()

    def show_estimate(self, estimate: Estimate | Exception) -> None:
        """Show the estimate, or why there is none."""
        self._estimate = estimate
        self._draw()

    def on_resize(self) -> None:
        """Adapt the columns to the width."""
        if self._tally.stories:
            self._draw()

    @property
    def _columns(self) -> tuple[int, int]:
        """The widths of the two number columns."""
        return _WIDE if self.content_size.width >= _ROOMY or not self.content_size.width else _CLOSE

    def _draw(self) -> None:
        tally = self._tally
        left, right = self._columns
        if not tally.stories:
            self.say("nothing ticked: space ticks a story or a whole collection")
            return
        stories = "story  " if tally.stories == 1 else "stories"
        words = "word   " if tally.words == 1 else "words  "
        lines = [
            (fitted("ticked", _LABEL), "$quiet"),
            f"{tally.stories:>{left},}",
            (f" {stories}", "$quiet"),
            f" {tally.words:>{right - 1},}",
            (f" {words}", "$quiet"),
            (f"  {count(tally.duplicates, 'duplicate')}, used once" if tally.duplicates else "", ""),
            "\n",
            (fitted(printable_line(self._base), _LABEL - 1) + " ", "$quiet"),
            *self._second_line(),
        ]
        self.update(Content.assemble(*lines), layout=False)

    def _second_line(self) -> list[str | tuple[str, str]]:
        estimate = self._estimate
        if isinstance(estimate, Exception):
            known = isinstance(estimate, StorytimeError)
            return [("  " + printable_line(str(estimate) if known else sentence_of(estimate)), "$quiet")]
        if estimate is None:
            return [("        …", "$quiet")]
        windows = "window " if estimate.windows == 1 else "windows"
        left, right = self._columns
        time = "" if estimate.seconds is None else f"  {about(estimate.seconds)}"
        time += " to train" if time and left == _WIDE[0] else ""
        return [
            f"{estimate.tokens:>{left},}",
            (" tokens ", "$quiet"),
            f" {estimate.windows:>{right - 1},}",
            (f" {windows}", "$quiet"),
            time,
        ]
