"""Saves the line that the user types, at regular times while typing goes on."""

from collections.abc import Callable
from concurrent.futures import Future

from textual.timer import Timer
from textual.widget import Widget

# A crash may cost half a second of typing at most; the disk takes its part of that.
EVERY = 0.3


class Drafts:
    """Saves the newest line at most every 0.3 s, and only after the previous write ended. Belongs to a screen.

    One write is under way at a time. Lines typed during a slow write are replaced by newer ones.
    """

    def __init__(
        self,
        owner: Widget,
        keep: Callable[[], Future[None]],
        slow: Callable[[bool], object],
        complain: Callable[[Exception], object],
    ) -> None:
        """`keep` starts to save the current line. `slow` gets whether a write takes long. `complain` gets the error
        of a line that cannot be saved."""
        self._owner, self._keep, self._slow, self._complain = owner, keep, slow, complain
        self._timer: Timer | None = None  # runs while a line is not saved
        self._under_way: Future[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something may not be saved yet."""
        return self._timer is not None or (self._under_way is not None and not self._under_way.done())

    def typed(self) -> None:
        """Schedule a write: the line changed."""
        if self._timer is None:
            self._timer = self._owner.set_timer(EVERY, self._due)

    def flush(self) -> None:
        """Save a changed line now, before another story is shown or the app quits."""
        if self._timer is not None:
            self.forget()
            self._under_way = self._keep()

    def forget(self) -> None:
        """Cancel the write: the line was saved otherwise, or is gone."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self._is_slow():
            self.typed()
            return
        self._under_way = self._keep()
        self._owner.set_timer(EVERY, self._check)

    def _check(self) -> None:
        if self._timer is None and self._is_slow():  # else the next write checks
            self._owner.set_timer(EVERY, self._check)

    def _is_slow(self) -> bool:
        """Whether a write is under way; reports its end."""
        slow = self._under_way is not None and not self._under_way.done()
        self._slow(slow)
        if self._under_way is not None and not slow:
            error = self._under_way.exception()
            self._under_way = None
            if isinstance(error, Exception):
                self._complain(error)
        return slow
