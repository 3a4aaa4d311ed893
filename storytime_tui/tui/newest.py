"""Short blocking calls of which only the newest matters: they wait for one another, and the older give way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from textual.timer import Timer
from textual.widget import Widget

from storytime_tui.tui.bridge import in_thread

Result = TypeVar("Result")
PAUSE = 0.06  # seconds of debounce: longer than the repeat of a held key


class Newest(Generic[Result]):
    """Follows wishes in a thread, one at a time, and shows what came of the newest. Belongs to a widget."""

    def __init__(
        self, owner: Widget, show: Callable[[Result], object], complain: Callable[[Exception], object]
    ) -> None:
        self._owner = owner
        self._show = show
        self._complain = complain
        self._wish: Callable[[], Result] | None = None
        self._working = False
        self._timer: Timer | None = None

    def want(self, wish: Callable[[], Result], *, at_once: bool = False) -> None:
        """Do this as soon as nothing newer is wanted. What the wish before this one gave is not shown."""
        self._wish = wish
        if self._timer is not None:
            self._timer.stop()
        if at_once:
            self._begin()
        else:
            self._timer = self._owner.set_timer(PAUSE, self._begin)

    def forget(self) -> None:
        """Nothing is wanted any more."""
        self._wish = None
        if self._timer is not None:
            self._timer.stop()

    def _begin(self) -> None:
        if not self._working and self._wish is not None:
            self._working = True
            self._owner.run_worker(self._work())

    async def _work(self) -> None:
        try:
            while (wish := self._wish) is not None:
                result: Any = None
                trouble: Exception | None = None
                try:
                    result = await in_thread(wish)
                except Exception as error:
                    trouble = error
                if not (self._owner.is_running and self._owner.is_attached):
                    return  # the app is being left
                if self._wish is not wish:
                    continue  # something newer is wanted
                self._wish = None
                if trouble is not None:
                    self._complain(trouble)
                else:
                    self._show(result)
        finally:
            self._working = False
