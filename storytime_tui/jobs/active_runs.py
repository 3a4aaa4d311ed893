"""Whether a run trains in this program now; telling then leaves it the CPU cores. Loads no torch.

No CUDA graph is recorded while a run trains: during a recording no other thread may draw random numbers on the GPU,
and dropout does.
"""

import contextlib
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_runs = 0


@contextlib.contextmanager
def training() -> Iterator[None]:
    """Count a training run for the block."""
    global _runs
    with _lock:
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1


@contextlib.contextmanager
def new_runs_wait() -> Iterator[bool]:
    """Make new runs wait until the block ends (seconds at most). Yields whether no run trains now."""
    with _lock:
        yield _runs == 0


def is_training() -> bool:
    """Whether a run trains now. Callable from any thread."""
    return _runs > 0
