"""The only place where threads meet the event loop: jobs go to threads, and their messages come back in order.

`post` is the app's `post_message`: callable from any thread, never blocking, and without effect when the app is
gone. The threads are daemons, so that quitting never waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.events import Callback
from textual.message import Message

from storytime_tui.errors import StorytimeError
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event
from storytime_tui.tui import messages
from storytime_tui.tui.low_priority import low_priority
from storytime_tui.tui.store_thread import StoreThread

if TYPE_CHECKING:  # see services
    from storytime_tui.stories.store import StoryStore

Post = Callable[[Message], object]
Result = TypeVar("Result")
Item = TypeVar("Item")


def sentence_of(error: BaseException) -> str:
    """The sentence to show for an error: its message if it is a StorytimeError, else where the log is.

    Never raises, because the caller is already handling a failure.
    """
    if isinstance(error, StorytimeError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory: close other programs, or choose something smaller."
    internal = f"An internal error occurred ({type(error).__name__})."
    with contextlib.suppress(Exception):  # the home folder may be gone, the disk full
        from storytime_tui import files, log  # imported only after a failure

        details = log.keep(error, "in the app")
        if isinstance(error, OSError) and (sentence := files.sentence_of(error)):
            return sentence
        return f"{internal} {details}"
    return internal


async def in_thread(call: Callable[[], Result]) -> Result:
    """Run one short blocking call in a thread; return its result or raise its exception.

    Not `asyncio.to_thread`: the event loop would wait for that thread at exit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if future.done():  # nobody waits for it now
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where Result is

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as problem:
            error = problem
        except BaseException as problem:  # such as a Rust library's panic
            error = RuntimeError(f"{type(problem).__name__}: {problem}")
        with contextlib.suppress(RuntimeError):  # the loop is closed: the app is gone
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="storytime-call", daemon=True).start()
    return await future


async def from_store(store_thread: StoreThread, read: Callable[[StoryStore], Result]) -> Result:
    """Read from the story store in a thread. Raises StoryError."""
    return await in_thread(lambda: read(store_thread.store()))


class Worker:
    """One long-lived daemon thread that runs jobs in order; it starts with the first job."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._counting = threading.Lock()
        self._unfinished = 0

    @property
    def at_work(self) -> bool:
        """Whether a job is unfinished."""
        return self._unfinished > 0

    def _count(self, more: int) -> None:
        with self._counting:
            self._unfinished += more

    def do(self, job: Callable[[], None]) -> None:
        """Run a job after all earlier ones."""
        self._count(1)
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        from storytime_tui import log  # for the warnings that a stage logs in this thread

        log.start()
        while True:
            self._do_next()

    def _do_next(self) -> None:
        """Run the next job; a function of its own, so that an idle thread keeps nothing of the last one."""
        job = self._jobs.get()
        try:
            job()
        except BaseException as error:  # the thread must survive for the next job
            sentence_of(error)  # for the log
        finally:
            self._count(-1)


class Inbox(Generic[Item]):
    """A thread's messages until the event loop takes them: all, in order, in batches."""

    def __init__(self, post: Post, handle: Callable[[Sequence[Item]], object]) -> None:
        """`handle` is called on the event loop with each batch."""
        self._post, self._handle = post, handle
        self._waiting: deque[Item] = deque()
        self._called = False  # a `_take` is scheduled on the event loop

    def put(self, item: Item) -> None:
        """Add a message; called by the thread. Many messages while the event loop is busy make one batch."""
        self._waiting.append(item)
        if not self._called:
            self._called = True
            self._post(Callback(self._take))

    def _take(self) -> None:
        self._called = False  # first: later messages schedule another call
        self._handle([self._waiting.popleft() for _ in range(len(self._waiting))])


class TrainingThread:
    """Runs one training job at a time and passes its events on. Owns the run's `Control`."""

    def __init__(self, post: Post, handle: Callable[[Sequence[Event | messages.RunEnded]], object]) -> None:
        self._inbox = Inbox(post, handle)
        self._worker = Worker("storytime-training")
        self.control: Control | None = None  # of the current job, until `release`

    def start(self, job: Callable[[Control], Iterator[Event]]) -> None:
        """Start a job. No other job may be running."""
        assert self.control is None, "a run is still active"
        self.control = control = Control()
        self._worker.do(lambda: self._train(job, control))

    @property
    def at_work(self) -> bool:
        """Whether a job is running."""
        return self._worker.at_work

    def release(self) -> None:
        """Allow the next job, after `RunEnded` was handled."""
        self.control = None

    def _train(self, job: Callable[[Control], Iterator[Event]], control: Control) -> None:
        refusal = ""
        try:
            with low_priority():
                for event in job(control):
                    self._inbox.put(event)
        except BaseException as error:  # also a panic: without `RunEnded` the app would wait forever
            refusal = sentence_of(error)
        finally:
            control.offer_snapshots(None)
            self._inbox.put(messages.RunEnded(refusal))
