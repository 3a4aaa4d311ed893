"""The thread that saves the written stories: it runs the screens' jobs in order, until each is on the disk.

It waits for a full disk or a file that another program locks, and says so; no key press ever waits for it.
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

RETRY = 0.5  # seconds between two attempts


class StoreThread:
    """Owns the store. `write` saves in order, in one daemon thread; `store` is for reading, in any other thread."""

    def __init__(self, open_store: Callable[[], StoryStore], say: Callable[[str], object]) -> None:
        """`say` is called in a thread: with a sentence while a write waits, with "" when all writes are done."""
        self._open_store, self._say = open_store, say
        self._opening = threading.Lock()
        self._store: StoryStore | None = None
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._waiting = 0  # unfinished jobs
        self.trouble = ""  # a sentence: why the current job waits

    def store(self) -> StoryStore:
        """The store; the first call opens it. Blocks. Raises StoryError."""
        with self._opening:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    @property
    def waiting(self) -> bool:
        """Whether something is not saved yet."""
        return self._waiting > 0

    def write(self, job: Job[Result]) -> Future[Result]:
        """Run this job after all earlier ones, and repeat it while the store is unavailable.

        The future is done when the job's writes are on the disk. It holds the job's error if waiting would not help.
        A job must leave its writes to one call of the store, because it may be repeated.
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
        """Wait until everything is saved, at most this many seconds (None: no limit); returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def close(self, seconds: float) -> None:
        """Wait like `drain`, then close the store if everything is saved."""
        if self.drain(seconds) and self._store is not None:
            self._store.close()

    def _work(self) -> None:
        while True:
            self._do_next()

    def _do_next(self) -> None:
        """Do the next job; a function of its own, so that an idle thread keeps nothing of the last one."""
        self._do(*self._jobs.get())
        with self._changed:
            self._waiting -= 1
            self._changed.notify_all()

    def _do(self, job: Job[Any], future: Future[Any]) -> None:
        while True:
            try:
                result = job(self.store())
            except StoryUnavailable as error:
                self._tell(str(error))
                time.sleep(RETRY)
            except Exception as error:
                future.set_exception(error)
                return
            else:
                self._tell("")
                if news := self.news():
                    self._say(news)
                future.set_result(result)
                return

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._say(trouble)

    def news(self) -> str:
        """What happened to the stories file, said once; "" if nothing did."""
        store = self._store
        if store is None or not store.notice:
            return ""
        sentence, store.notice = store.notice, ""
        return sentence


async def done(future: Future[Result]) -> Result:
    """Await a thread's future without cancelling it when the waiting task ends."""
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
