"""How many threads a model may tell with now: as many as there are idle cores, or as many as the user set.

One while a run trains here, whatever was set: two models on the same cores wait for each other at each product.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TypeVar

from storytime_tui.jobs.active_runs import is_training

Item = TypeVar("Item")
_CHECK_SECONDS = 1.0  # between two measurements of the other programs' CPU use


class IdleCores:
    """Gives each step of a stream as many threads as there are idle cores; `threads`: so many instead, if not 0."""

    def __init__(self, threads: int = 0) -> None:
        from storytime_tui.generation.backends.threads import OtherPrograms, cores

        self._other_programs, self._cores = OtherPrograms(), cores()
        self._set = min(threads, os.cpu_count() or 1)
        self._checked, self._busy = 0.0, 0.0

    def lend(self, stream: Iterator[Item]) -> Iterator[Item]:
        """Yield the stream's items. The thread count is set for each step only, not for the consumer's own work."""
        from storytime_tui.generation.backends.threads import using_threads

        while True:
            with using_threads(self.count()):
                item = next(stream, None)
            if item is None:
                return
            yield item

    def count(self) -> int:
        """The number of threads to use now."""
        from storytime_tui.generation.backends.threads import threads_for

        if self._set and not is_training():
            return self._set
        now = time.monotonic()
        if now - self._checked > _CHECK_SECONDS:
            self._checked, self._busy = now, self._other_programs.busy()
        return threads_for(self._cores, self._busy, training_here=is_training())
