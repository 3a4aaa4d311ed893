"""Lowers a computing thread's priority, so that the screen stays responsive."""

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
def low_priority() -> Iterator[None]:
    """Run the block at low priority, with all threads that it starts.

    The thread keeps its low priority after the block, because only an administrator may raise one again. macOS and
    Windows have no priorities per thread; there the system's scheduler decides.
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
