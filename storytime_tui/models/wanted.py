"""Asking before a model is downloaded: who asks, and what is asked. Imports nothing heavy, and knows no torch."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wanted:
    """A download that is about to begin: the model, the bytes, from where, and the cache's folder."""

    repo_id: str
    bytes: int
    endpoint: str
    folder: Path


Cancelled = Callable[[], bool]
Ask = Callable[[Wanted, Cancelled], bool]  # whether to download; the second says that nobody waits any more
_asks: list[Ask] = []  # the last one is asked; none: downloads begin without a question


@contextlib.contextmanager
def asked_first(ask: Ask) -> Iterator[None]:
    """Ask before each download of this process during the block, in the thread that wants the model."""
    _asks.append(ask)
    try:
        yield
    finally:
        _asks.remove(ask)


def is_agreed(wanted: Wanted, cancelled: Cancelled) -> bool:
    """Whether to begin a download: what the user says, or yes if nobody asks."""
    return not _asks or _asks[-1](wanted, cancelled)
