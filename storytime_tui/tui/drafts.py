"""Keeps the line that is being typed: a ceiling on what a crash may cost, not a pause in the typing."""

from collections.abc import Callable
from concurrent.futures import Future

from textual.timer import Timer
from textual.widget import Widget

# Half a second of typing is promised to be all that a crash may cost; the disk takes its part of that.
EVERY = 0.3


class Drafts:
    """Hands the newest line on, at most every 0.3 s and when the one before it is on the disk. Belongs to a screen.

    Lines that come while the disk is slow give way to newer ones: one write is under way at a time.
    """

    def __init__(
        self,
        owner: Widget,
        keep: Callable[[], Future[None]],
        slow: Callable[[bool], object],
        complain: Callable[[Exception], object],
    ) -> None:
        """`keep` hands the line on as it is then; `slow` is told when one takes long, and when it is there;
        `complain` what is wrong where a line cannot be kept at all."""
        self._owner, self._keep, self._slow, self._complain = owner, keep, slow, complain
        self._timer: Timer | None = None  # runs while there is a line to hand on
        self._under_way: Future[None] | None = None

    def typed(self) -> None:
        """The line has changed."""
        if self._timer is None:
            self._timer = self._owner.set_timer(EVERY, self._due)

    def flush(self) -> None:
        """Hand the line on now, if it has changed: something else is shown next, or the app is left."""
        if self._timer is not None:
            self.forget()
            self._under_way = self._keep()

    def forget(self) -> None:
        """The line was kept in another way, or is gone."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self._is_slow():
            self.typed()
            return
        self._under_way = self._keep()
        self._owner.set_timer(EVERY, self._look)

    def _look(self) -> None:
        if self._timer is None and self._is_slow():  # else the next line looks
            self._owner.set_timer(EVERY, self._look)

    def _is_slow(self) -> bool:
        """Whether a line is still under way; says what became of it."""
        slow = self._under_way is not None and not self._under_way.done()
        self._slow(slow)
        if self._under_way is not None and not slow:
            error = self._under_way.exception()
            self._under_way = None
            if isinstance(error, Exception):
                self._complain(error)
        return slow
