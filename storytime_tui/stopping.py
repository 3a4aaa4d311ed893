"""A stop that is heard in the middle of one file: whoever waits says what to ask, and long loops ask it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

_EVERY = 0.05  # seconds between two questions, however often a loop comes round

Item = TypeVar("Item")
_ask: ContextVar[Callable[[], None] | None] = ContextVar("storytime_stop", default=None)


@contextlib.contextmanager
def heard(ask: Callable[[], object]) -> Iterator[None]:
    """Within the block, `look_up` calls `ask` now and then; what that raises ends the work."""
    due = 0.0

    def now_and_then() -> None:
        nonlocal due
        if time.monotonic() >= due:
            ask()
            due = time.monotonic() + _EVERY

    token = _ask.set(now_and_then)
    try:
        yield
    finally:
        _ask.reset(token)


def look_up() -> None:
    """Ask whether to stop, where somebody listens. Cheap enough for the loop over a text's lines."""
    ask = _ask.get()
    if ask is not None:
        ask()


def watched(items: Iterable[Item]) -> Iterator[Item]:
    """The items, with a look up before each."""
    for item in items:
        look_up()
        yield item
