"""The thread that keeps what is written: the screens hand it jobs, and it does them in order until each is on the disk.

A disk that is full or a file that another program holds is waited for, and said; no key ever waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from storytime_tui.errors import StoryUnavailable

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

Result = TypeVar("Result")
Job = Callable[["StoryStore"], Result]

AGAIN = 0.5  # seconds between two tries


class StoreThread:
    """Owns the store. `keep` writes in order, in one daemon thread; `store` is for reads, in any other thread."""

    def __init__(self, open_store: Callable[[], StoryStore], say: Callable[[str], object]) -> None:
        """`say` is called in a thread: with a sentence while a write has to wait, with "" once all is well again."""
        self._open_store, self._say = open_store, say
        self._opening = threading.Lock()
        self._store: StoryStore | None = None
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._waiting = 0  # jobs that are not done
        self.trouble = ""  # a sentence: why what was asked for last has to wait

    def store(self) -> StoryStore:
        """The store, opened with the first call. Blocks. Raises StoryError."""
        with self._opening:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    @property
    def waiting(self) -> bool:
        """Whether something is not on the disk yet."""
        return self._waiting > 0

    def keep(self, job: Job[Result]) -> Future[Result]:
        """Do this after all that was asked for before, and again and again while the store is unavailable.

        The future is done when the job's writes are on the disk; it has the job's error where waiting is no help.
        A job that may be tried again must leave its writes to one call of the store.
        """
        future: Future[Result] = Future()
        with self._changed:
            self._waiting += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="storytime-store", daemon=True)
                self._thread.start()
        self._jobs.put((job, future))
        return future

    def drain(self, seconds: float | None) -> bool:
        """Wait until all is on the disk, for so long at most (None: as long as it takes); whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def close(self, seconds: float) -> None:
        """Wait for the last words as `drain` does, and close the store where they are all kept."""
        if self.drain(seconds) and self._store is not None:
            self._store.close()

    def _work(self) -> None:
        while True:
            job, future = self._jobs.get()
            self._do(job, future)
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    def _do(self, job: Job[Any], future: Future[Any]) -> None:
        while True:
            try:
                result = job(self.store())
            except StoryUnavailable as error:
                self._tell(str(error))
                time.sleep(AGAIN)
            except Exception as error:
                future.set_exception(error)
                return
            else:
                self._tell("")
                self._pass_on_notice()
                future.set_result(result)
                return

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._say(trouble)

    def _pass_on_notice(self) -> None:
        """The store may have something to say of its file; it stays on the screen for a while."""
        store = self.store()
        if store.notice:
            sentence, store.notice = store.notice, ""
            self._say(sentence)


async def done(future: Future[Result]) -> Result:
    """Await what a thread does, without cancelling it where nobody waits any more."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def tell(_: Future[Result]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the app is gone
            loop.call_soon_threadsafe(settle)

    future.add_done_callback(tell)
    await waiter
    return future.result()
