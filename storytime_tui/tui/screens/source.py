"""A copied run where it stands in its story, with the words around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.terminal import printable
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.cells import wrapped
from storytime_tui.tui.copied_words import source_line
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.wording import count

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.copied import PassageCopies


class SourceScreen(StyledOnce, ModalScreen["int | None"]):
    """Shows the longest run of a passage first; gives the number of a run to open in the Library, or None."""

    CSS_PATH = "source.tcss"
    BINDINGS = [
        Binding(
            "enter", "open", "Open in Library", id="source.open", tooltip="Open the story in the Library"
        ),
        Binding("n", "next(1)", "Next run", id="source.next", tooltip="The passage's next copied run"),
        Binding("N", "next(-1)", "Previous run", show=False, id="source.previous", tooltip="The run before"),
        Binding("escape,q", "dismiss(None)", "Close", id="source.close", tooltip="Back to the page"),
    ]

    def __init__(self, copies: PassageCopies, titles: Mapping[str, str]) -> None:
        super().__init__()
        self._copies, self._titles = copies, titles
        places = copies.places
        self._at = max(range(len(places)), key=lambda number: places[number].words)

    def compose(self) -> ComposeResult:
        """Where it stands, and the words there."""
        with Vertical(id="source"):
            yield Static(id="source-title", markup=False)
            with VerticalScroll(id="source-scroll"):
                yield Static(id="source-text", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        """Read the story."""
        self.query_one("#source-scroll").focus()
        self._read()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the next run only if there is one."""
        return action != "next" or len(self._copies.places) > 1

    def action_next(self, by: int) -> None:
        """Show another run."""
        self._at = (self._at + by) % len(self._copies.places)
        self._read()

    def action_open(self) -> None:
        """Close, and open the story in the Library."""
        self.dismiss(self._at)

    @work(exclusive=True)
    async def _read(self) -> None:
        at, places = self._at, self._copies.places
        number = f"run {at + 1} of {len(places)}: " if len(places) > 1 else ""
        words = f"{number}{count(places[at].words, 'word')} from {source_line(places[at], self._titles)}"
        self.query_one("#source-title", Static).update(Content(words))
        text = self.query_one("#source-text", Static)
        try:
            around = await in_thread(lambda: self._copies.surroundings(at))
        except Exception as error:
            text.update(Content.styled(sentence_of(error), "$error"))
            return
        before, run, after = printable(around.before), printable(around.run), printable(around.after)
        text.update(Content.assemble((before, "$quiet"), (run, "bold $primary"), (after, "$quiet")))
        self.call_after_refresh(self._show_run, before)

    def _show_run(self, before: str) -> None:
        """Scroll so that the run is in view."""
        scroll = self.query_one("#source-scroll", VerticalScroll)
        row = len(list(wrapped(before, max(20, self.query_one("#source-text").content_size.width)))) - 1
        scroll.scroll_to(y=max(0, row - scroll.size.height // 3), animate=False)
