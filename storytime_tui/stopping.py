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
def heard(ask: Callable[[], object]) -> Iterator[None]:
    """Within the block, `look_up` calls `ask` at most every 0.05 seconds; an exception of `ask` ends the work."""
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


def look_up() -> None:
    """Call the check, if one is set. Cheap enough for a loop over the lines of a text."""
    ask = _ask.get()
    if ask is not None:
        ask()


def watched(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, with a call of `look_up` before each."""
    for item in items:
        look_up()
        yield item
