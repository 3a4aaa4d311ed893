"""One passage under two models, side by side or one above the other, with one cursor for both."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.message import Message

from storytime_tui.tui.widgets.passage_view import PassageView

WIDE = 100  # cells; two passages fit side by side


class PassagePair(Container, can_focus=True):
    """Two views of the same tokens. The cursor skips tokens without text, such as a part of a character."""

    DEFAULT_CSS = """
    PassagePair { layout: vertical; height: 1fr; }
    PassagePair.-beside { layout: horizontal; }
    PassagePair PassageView { width: 1fr; height: 1fr; }
    """
    BINDINGS = [
        Binding("right", "move(1)", "Word", key_display="← →", id="passage.right", tooltip="The next word"),
        Binding("left", "move(-1)", "Back", show=False, id="passage.left", tooltip="The word before"),
        Binding("down", "line(1)", "Down", show=False, id="passage.down", tooltip="The line below"),
        Binding("up", "line(-1)", "Up", show=False, id="passage.up", tooltip="The line above"),
        Binding("home", "to(0)", "First", show=False, id="passage.home", tooltip="The first word"),
        Binding("end", "to(-1)", "Last", show=False, id="passage.end", tooltip="The last word"),
    ]

    class Moved(Message):
        """The cursor is on another token."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.views = PassageView(id="left"), PassageView(id="right")
        self.cursor = 0
        self._texts: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        """The two views."""
        yield from self.views

    def on_resize(self) -> None:
        """Put the views side by side if there is room."""
        self.set_class(self.size.width >= WIDE, "-beside")

    def show(
        self, side: int, title: str, texts: Sequence[str], nats: Sequence[float], counts: Sequence[bool] = ()
    ) -> None:
        """Show the passage on one side: its tokens with their losses in nats; see `PassageView`."""
        if texts != self._texts:
            self._texts = texts
            self.cursor = min(self.cursor, max(0, len(texts) - 1))
        self.views[side].set_title(title)
        self.views[side].show(texts, nats, counts)
        self.views[side].move_to(self.cursor)

    def say(self, side: int, title: str, words: str) -> None:
        """Show a sentence on one side."""
        self.views[side].set_title(title)
        self.views[side].say(words)

    def choose(self, side: int, *, alone: bool = False) -> None:
        """Mark one side as the chosen one; `alone` hides the other."""
        for number, view in enumerate(self.views):
            view.set_class(number == side, "-chosen")
            view.display = number == side or not alone

    def restart(self) -> None:
        """Put the cursor on the first token, for another passage."""
        self.cursor = 0

    def action_move(self, by: int) -> None:
        """Move the cursor by one token that has a text."""
        place = self.cursor + by
        while 0 < place < len(self._texts) - 1 and not self._texts[place]:
            place += by
        self._go(place)

    def action_line(self, by: int) -> None:
        """Move the cursor to the line below or above."""
        shown = next((view for view in self.views if view.display), self.views[0])
        self._go(shown.place_above(self.cursor, by))

    def action_to(self, place: int) -> None:
        """Move the cursor to the first or the last token."""
        self._go(place % max(1, len(self._texts)))

    @on(PassageView.Picked)
    def _picked(self, event: PassageView.Picked) -> None:
        self.focus()
        self._go(event.place)

    def _go(self, place: int) -> None:
        place = max(0, min(len(self._texts) - 1, place))
        if place != self.cursor and self._texts:
            self.cursor = place
            for view in self.views:
                view.move_to(place)
            self.post_message(self.Moved())
