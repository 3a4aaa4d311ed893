"""Computes on a set number of cores, in the calling thread only. Torch is loaded if a number is set."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

Item = TypeVar("Item")


def on_threads(count: int) -> AbstractContextManager[None]:
    """Compute with so many threads in the block, at most one for each core; 0 changes nothing."""
    if not count:
        return contextlib.nullcontext()
    from storytime_tui.generation.backends.threads import using_threads

    return using_threads(min(count, os.cpu_count() or 1))


def each_on_threads(count: int, stream: Iterator[Item]) -> Iterator[Item]:
    """Yield the stream's items, each computed with so many threads; what the consumer does between is not affected."""
    with contextlib.ExitStack() as held:
        if close := getattr(stream, "close", None):
            held.callback(close)
        while True:
            with on_threads(count):
                item = next(stream, None)
            if item is None:
                return
            yield item
