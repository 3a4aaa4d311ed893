"""How many cores telling may use, and a way to say so that no other thread of the program notices.

A product that is split between two threads waits for the slower one. Where training keeps every core busy, the
second thread gets no core for milliseconds at a time, at each of fifty products a token: measured on two cores,
256 ms a token with two threads, 6 with one.
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

_BUSY = 0.35  # of a core: less is the noise of a desktop


def threads_for(cores: int, busy: float, training_here: bool = False) -> int:
    """How many threads to tell with, on a machine of `cores` of which others keep `busy` busy.

    One, where this program trains, which takes them all; else as many as are left over, and at least one.
    """
    if training_here:
        return 1
    taken = 0 if busy < _BUSY else max(1, round(busy))
    return max(1, cores - taken)


def cores() -> int:
    """Physical cores that this program may use. Hyper-threads count once: they share the arithmetic units."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


class Neighbours:
    """How many cores other programs keep busy, between one asking and the next."""

    def __init__(self) -> None:
        self._then = _used()

    def busy(self) -> float:
        """Cores, since it was last asked; asked again at once, it says 0: there is nothing to go by."""
        now, then = _used(), self._then
        if now[0] - then[0] < 0.05:
            return 0.0
        self._then = now
        seconds, all_used, own_used = (n - t for n, t in zip(now, then, strict=True))
        return max(0.0, (all_used - own_used) / seconds)


def _used() -> tuple[float, float, float]:
    """Seconds: of the clock, of all processors' work, and of this program's part of it."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted within user and nice
    return time.monotonic(), sum(times) - guest - idle, time.process_time()


@contextlib.contextmanager
def telling_with(threads: int) -> Iterator[None]:
    """Compute with so many threads in the block, in the calling thread only.

    `torch.set_num_threads` would be wrong here. It sets three numbers: OpenMP's, which belongs to the calling
    thread; one that every thread takes which computes for the first time later, a training thread perhaps,
    whose sums would come out in another order; and that of MKL, which is everybody's. OpenMP's own function
    sets the first alone. Where there is no OpenMP to be found nothing is changed.
    """
    openmp = _openmp()
    if openmp is None:
        yield
        return
    before = torch.get_num_threads()  # which also lets torch set this thread up, as it does once
    openmp.omp_set_num_threads(threads)
    try:
        yield
    finally:
        openmp.omp_set_num_threads(before)


_found: list[Any] = []


def _openmp() -> Any | None:
    """The OpenMP that torch itself computes with: a second one would count for nothing."""
    if not _found:
        _found.append(next((each for each in map(_opened, _candidates()) if each is not None), None))
    return _found[0]


def _candidates() -> Iterator[Path]:
    package = Path(torch.__file__).parent
    for folder in (package / "lib", package.parent / "torch.libs"):
        yield from sorted(folder.glob("*omp*"))


def _opened(path: Path) -> Any | None:
    """The library, if setting its number of threads is what torch sees."""
    with contextlib.suppress(OSError, AttributeError):
        # opened only if torch has it open already; without that, a second copy could take its place
        library = ctypes.CDLL(str(path), mode=getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_LAZY", 0))
        before = torch.get_num_threads()
        other = before + 1
        library.omp_set_num_threads(other)
        seen = torch.get_num_threads()
        library.omp_set_num_threads(before)
        return library if seen == other else None
    return None
