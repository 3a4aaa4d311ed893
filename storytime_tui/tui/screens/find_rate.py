"""Finds a learning rate for the plan: shows the loss by rate while rates are tested, and offers the suggestion."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from storytime_tui.training.control import Control
from storytime_tui.training.events import Preparing
from storytime_tui.training.rate_range import RateFound, RateTried
from storytime_tui.tui import wording
from storytime_tui.tui.bridge import in_thread, sentence_of
from storytime_tui.tui.low_priority import low_priority
from storytime_tui.tui.own_key import own_key
from storytime_tui.tui.styled_once import StyledOnce
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.rate_chart import RateChart

Items = Iterator[Preparing | RateTried | RateFound]
_OFTEN = 0.1  # seconds between two updates
_WHAT = (
    "A copy of the base in memory takes some steps while its learning rate rises. Nothing on the disk changes, and no "
    "run is made."
)


class FindRateScreen(StyledOnce, ModalScreen["float | None"]):
    """Gives the suggested learning rate if it is accepted, else None."""

    CSS_PATH = ["dialogs.tcss", "find_rate.tcss"]
    BINDINGS = [
        Binding("enter", "accept", "Use this rate", id="rate.accept", tooltip="Write the rate into the plan"),
        Binding("escape", "stop", "Stop", id="rate.stop", tooltip="Stop the test"),
        Binding("escape", "dismiss(None)", "Close", id="rate.close", tooltip="Back to the plan"),
    ]

    def __init__(self, find: Callable[[Control], Items]) -> None:
        """`find` may block at each item."""
        super().__init__()
        self._find, self._control = find, Control()
        self._new: deque[Preparing | RateTried | RateFound] = deque()  # the thread appends
        self._tried: list[RateTried] = []
        self._rate: float | None = None
        self._over = False

    def compose(self) -> ComposeResult:
        """What it does, the chart, the state."""
        with Vertical(classes="dialog", id="rate-box"):
            yield Static(Content("Find a learning rate"), classes="dialog--title")
            yield Static(Content(_WHAT), classes="dialog--note")
            yield RateChart(id="rate-chart")
            yield Static("Preparing…", id="rate-state", markup=False)
            yield MessageLine()
            yield KeyLine()

    def on_mount(self) -> None:
        """Start the test."""
        self.set_interval(_OFTEN, self._update)
        self.run_worker(self._run())

    async def _run(self) -> None:
        message = self.query_one(MessageLine)
        try:
            await in_thread(self._work)
        except Exception as error:
            self.query_one("#rate-state", Static).update("")
            message.complain(sentence_of(error))
        self._over = True
        self._update()
        self.refresh_bindings()

    def _work(self) -> None:
        with low_priority():
            for item in self._find(self._control):
                self._new.append(item)

    def _update(self) -> None:
        while self._new:
            item = self._new.popleft()
            if isinstance(item, Preparing):
                self._say(wording.progress_of(item))
            elif isinstance(item, RateTried):
                self._tried.append(item)
                self._say(f"step {item.step} of at most {item.steps} · rate {wording.rate(item.rate)}")
                self._draw(item)
            else:
                self._rate = item.rate
                closes = f"\nPress {own_key('rate.close', 'esc')} to close." if self._control.stopped else ""
                self._say(item.sentence + closes)
                if self._tried:
                    self._draw(self._tried[-1])
                self.refresh_bindings()

    def _say(self, words: str) -> None:
        self.query_one("#rate-state", Static).update(Content(words[:1].upper() + words[1:]))

    def _draw(self, last: RateTried) -> None:
        self.query_one(RateChart).show(self._tried, (self._tried[0].rate, last.last_rate), self._rate)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        if action == "accept":
            return self._rate is not None
        if action == "stop":
            return not self._over and not self._control.stopped
        if action == "dismiss":
            return self._over or self._control.stopped
        return True

    def action_stop(self) -> None:
        """Stop after the present step; what was tried stays in sight."""
        self._control.stop()
        self._say(f"stopping after this step… Press {own_key('rate.close', 'esc')} to close now.")
        self.refresh_bindings()

    def action_accept(self) -> None:
        """Close with the suggestion."""
        self.dismiss(self._rate)

    def on_unmount(self) -> None:
        """The screen is closed: the test ends."""
        self._control.stop()
