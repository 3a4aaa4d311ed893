"""Debounces short blocking calls: they run in a thread one at a time, and only the newest call's result is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from textual.timer import Timer
from textual.widget import Widget

from storytime_tui.tui.bridge import in_thread

Result = TypeVar("Result")
DELAY = 0.06  # seconds; longer than the key repeat of a held key


class Debounced(Generic[Result]):
    """Runs the newest requested call and passes its result to `show`, or its error to `complain`.

    Belongs to a widget. The result of a call that a newer one replaced is dropped.
    """

    def __init__(
        self, owner: Widget, show: Callable[[Result], object], complain: Callable[[Exception], object]
    ) -> None:
        self._owner = owner
        self._show = show
        self._complain = complain
        self._call: Callable[[], Result] | None = None
        self._number = 0  # of requests: what the same call reads may have changed when it is requested again
        self._working = False
        self._timer: Timer | None = None

    def request(self, call: Callable[[], Result], *, at_once: bool = False) -> None:
        """Run this call in place of earlier ones, after the debounce delay or `at_once`."""
        self._call = call
        self._number += 1
        if self._timer is not None:
            self._timer.stop()
        if at_once:
            self._begin()
        else:
            self._timer = self._owner.set_timer(DELAY, self._begin)

    @property
    def is_working(self) -> bool:
        """Whether a call runs. Whoever asks again and again would have each result dropped, and waits for it."""
        return self._working

    def forget(self) -> None:
        """Cancel the requested call; its result is not shown."""
        self._call = None
        if self._timer is not None:
            self._timer.stop()

    def _begin(self) -> None:
        if not self._working and self._call is not None:
            self._working = True
            self._owner.run_worker(self._work())

    async def _work(self) -> None:
        try:
            while (call := self._call) is not None:
                number = self._number
                result: Any = None
                failure: Exception | None = None
                try:
                    result = await in_thread(call)
                except Exception as error:
                    failure = error
                if not (self._owner.is_running and self._owner.is_attached):
                    return  # the app is quitting
                if self._call is None or self._number != number:
                    continue  # it was forgotten, or there is a newer request
                self._call = None
                if failure is not None:
                    self._complain(failure)
                else:
                    self._show(result)
        finally:
            self._working = False
