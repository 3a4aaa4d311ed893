"""Whether a run learns in this program now, so that telling leaves it the processor's cores. Loads no torch.

A recording for the GPU is not made then: while it is made, nobody else may draw random numbers there, which a run
does for its dropout.
"""

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


@contextlib.contextmanager
def no_run_begins() -> Iterator[bool]:
    """Runs that would begin within the block, of seconds at most, wait for its end; whether none learns now."""
    with _lock:
        yield _runs == 0


def is_learning() -> bool:
    """Whether one does. May be asked from any thread."""
    return _runs > 0
