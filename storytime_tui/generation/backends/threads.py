"""How many cores generation may use, and a way to set that for the calling thread only.

A product split between two threads waits for the slower one. While training keeps all cores busy, the second
thread gets no core for milliseconds, at each of the 50 products of a token. Measured on two cores: 256 ms a token
with two threads, 6 ms with one.
"""

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import torch

_BUSY = 0.35  # cores; less is the noise of a desktop


def threads_for(cores: int, busy: float, training_here: bool = False) -> int:
    """How many threads to generate with on `cores` cores, of which other programs use `busy`.

    One while this program trains, which uses all cores; otherwise the idle cores, at least one.
    """
    if training_here:
        return 1
    taken = 0 if busy < _BUSY else max(1, round(busy))
    return max(1, cores - taken)


def cores() -> int:
    """Physical cores that this program may use. Hyper-threads count once: they share the arithmetic units."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


class OtherPrograms:
    """Measures how many cores other programs use between two calls."""

    def __init__(self) -> None:
        self._last = _cpu_seconds()

    def busy(self) -> float:
        """Cores in use by other programs since the last call; 0 if that was less than 50 ms ago."""
        now, last = _cpu_seconds(), self._last
        if now[0] - last[0] < 0.05:
            return 0.0
        self._last = now
        seconds, all_used, own_used = (new - old for new, old in zip(now, last, strict=True))
        return max(0.0, (all_used - own_used) / seconds)


def _cpu_seconds() -> tuple[float, float, float]:
    """Seconds of the clock, of all processors' work, and of this program's work."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    # already counted in user and nice
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return time.monotonic(), sum(times) - guest - idle, time.process_time()


@contextlib.contextmanager
def using_threads(threads: int) -> Iterator[None]:
    """Compute with this many threads in the block, in the calling thread only.

    `torch.set_num_threads` is not suitable. It sets three numbers: OpenMP's, which belongs to the calling thread;
    the default of every thread that computes for the first time later, such as a training thread, whose sums
    would then come in another order; and MKL's, which is global. OpenMP's own function sets only the first.
    Without OpenMP nothing is changed.
    """
    openmp = _openmp()
    if openmp is None:
        yield
        return
    before = torch.get_num_threads()  # also initialises torch in this thread
    openmp.omp_set_num_threads(threads)
    try:
        yield
    finally:
        openmp.omp_set_num_threads(before)


_libraries: list[Any] = []


def _openmp() -> Any | None:
    """The OpenMP library that torch itself uses; another copy would have no effect."""
    if not _libraries:
        _libraries.append(
            next((each for each in map(_open_library, _candidates()) if each is not None), None)
        )
    return _libraries[0]


def _candidates() -> Iterator[Path]:
    package = Path(torch.__file__).parent
    for folder in (package / "lib", package.parent / "torch.libs"):
        yield from sorted(folder.glob("*omp*"))


def _open_library(path: Path) -> Any | None:
    """The library, if torch sees a thread count set through it."""
    with contextlib.suppress(OSError, AttributeError):
        # RTLD_NOLOAD opens it only if torch has loaded it; otherwise a second copy might be loaded.
        library = ctypes.CDLL(str(path), mode=getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_LAZY", 0))
        before = torch.get_num_threads()
        other = before + 1
        library.omp_set_num_threads(other)
        seen = torch.get_num_threads()
        library.omp_set_num_threads(before)
        return library if seen == other else None
    return None
