"""A thread that computes beside the screen gives way to it."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

NICE = (
    10  # of 19: beside the screen's thread a run's get a tenth of a core, and all of what the screen leaves
)
SWITCH = 0.0005  # seconds that Python lets one thread go on while another waits; 0.005 is usual


@contextlib.contextmanager
def giving_way() -> Iterator[None]:
    """For a thread that computes: it, and the threads that it starts, let the screen's thread go first.

    Its priority stays low, since only an administrator may raise one again; it is a run's own thread. Where threads
    have no priorities of their own (macOS, Windows) the system's scheduler decides alone.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
