"""Whether a run learns in this program now, so that telling leaves it the processor's cores. Loads no torch."""

import contextlib
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_runs = 0


@contextlib.contextmanager
def learning() -> Iterator[None]:
    """A run learns for the block."""
    global _runs
    with _lock:
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1


def is_learning() -> bool:
    """Whether one does. May be asked from any thread."""
    return _runs > 0
