"""Stopping work in the middle of one file: the caller sets a check, and long loops call it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

_EVERY = 0.05  # least seconds between two calls of the check

Item = TypeVar("Item")
_ask: ContextVar[Callable[[], None] | None] = ContextVar("storytime_stop", default=None)


@contextlib.contextmanager
def stop_check(ask: Callable[[], object]) -> Iterator[None]:
    """Within the block, `check_stop` calls `ask` at most every 0.05 seconds; an exception of `ask` ends the work."""
    due = 0.0

    def throttled() -> None:
        nonlocal due
        if time.monotonic() >= due:
            ask()
            due = time.monotonic() + _EVERY

    token = _ask.set(throttled)
    try:
        yield
    finally:
        _ask.reset(token)


def check_stop() -> None:
    """Call the check, if one is set. Cheap enough for a loop over the lines of a text."""
    ask = _ask.get()
    if ask is not None:
        ask()


def stoppable(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, with a call of `check_stop` before each."""
    for item in items:
        check_stop()
        yield item
