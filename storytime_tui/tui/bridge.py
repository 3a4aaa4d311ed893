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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.events import Callback
from textual.message import Message

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.openings import tell_openings
from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, known
from storytime_tui.jobs.told_record import record_of
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event, Preparing
from storytime_tui.tui import messages, wording
from storytime_tui.tui.low_priority import low_priority
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.told_stream import ContinuationRequest, tell_passage

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.stories.store import StoryStore

Post = Callable[[Message], object]
Result = TypeVar("Result")
Item = TypeVar("Item")

TELLERS = 3  # open models, each with its cached prompts
FREE_MEMORY = 4_000_000_000  # bytes that must be free before one more model is opened


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


class _Worker:
    """One long-lived daemon thread that runs jobs in order; it starts with the first job."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, job: Callable[[], None]) -> None:
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
        self._worker = _Worker("storytime-training")
        self.control: Control | None = None  # of the current job, until `release`

    def start(self, job: Callable[[Control], Iterator[Event]]) -> None:
        """Start a job. No other job may be running."""
        assert self.control is None, "a run is still active"
        self.control = control = Control()
        self._worker.do(lambda: self._train(job, control))

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


@dataclass(frozen=True)
class OpeningsRequest:
    """A request for `count` openings of a new story; `known` were offered before."""

    settings: SamplerSettings
    count: int
    known: tuple[str, ...] = ()
    voice: Voice | None = None


@dataclass(frozen=True)
class Telling:
    """A job of the telling thread: open `model`, then fulfil the request, if any.

    `number` is in each of its messages. `strength` None means the model's usual one. `snapshot` opens a run that trains
    in this program; it returns None if the run has ended.
    """

    number: int
    model: str
    request: ContinuationRequest | OpeningsRequest | None
    strength: float | None = None
    snapshot: Callable[[], Teller | None] | None = None


def free_memory() -> int:
    """Free memory in bytes."""
    import psutil  # not before the first frame

    return int(psutil.virtual_memory().available)


class TellingThread:
    """Opens models and tells with them; saves the told text while it streams."""

    def __init__(
        self,
        post: Post,
        handle: Callable[[Sequence[messages.TellingMessage]], object],
        open_teller: Callable[[str, Callable[[Preparing], None] | None, float | None], Teller],
        clock: Callable[[], float],
        has_memory: Callable[[], bool] = lambda: free_memory() > FREE_MEMORY,
        copied_by: Callable[[str, threading.Event], Callable[[str], bool]] = lambda *_: lambda text: False,
    ) -> None:
        self._post = Inbox(post, handle).put
        self._has_memory, self._copied_by = has_memory, copied_by
        self._open_teller = open_teller
        self._clock = clock
        self._worker = _Worker("storytime-telling")
        # by model and strength, because each strength has weights of its own; the last used is last
        self._tellers: dict[tuple[str, float | None], Teller] = {}
        self._usual: dict[str, float] = {}  # the usual strengths of opened models
        self._copied: dict[str, Callable[[str], bool]] = {}  # by model
        self._stop = threading.Event()

    def begin(self, telling: Telling) -> None:
        """Stop the current telling and start this one."""
        self.stop()
        self._stop = stop = threading.Event()
        self._worker.do(lambda: self._run(telling, stop))

    def stop(self) -> None:
        """Stop telling within one token; the told text stays."""
        self._stop.set()

    def forget(self, model: str) -> None:
        """Reload this model the next time: a run in training has newer weights by then."""

        def drop() -> None:
            self._usual.pop(model, None)
            self._copied.pop(model, None)
            for key in [key for key in self._tellers if key[0] == model]:
                del self._tellers[key]

        self._worker.do(drop)

    def _run(self, telling: Telling, stop: threading.Event) -> None:
        told, passage, failure = None, None, ""
        try:
            teller = self._open(telling)
            if isinstance(telling.request, OpeningsRequest) and not stop.is_set():
                self._tell_openings(teller, telling, telling.request, stop)
            elif isinstance(telling.request, ContinuationRequest) and not stop.is_set():
                told, passage = self._tell(teller, telling.number, telling.request, stop)
        except BaseException as error:  # see `_train`
            failure = sentence_of(error)
        finally:
            self._post(messages.TellingEnded(telling.number, told, failure, passage))

    def _open(self, telling: Telling) -> Teller:
        model, strength = telling.model, telling.strength
        teller = self._tellers.pop((model, self._usual.get(model) if strength is None else strength), None)
        if teller is None or teller.outdated:
            teller = None  # frees its memory before the next one is opened
            self._free_memory()
            teller = telling.snapshot() if telling.snapshot is not None else None
            if teller is None:
                teller = self._open_teller(
                    model, lambda event: self._opening(telling.number, event), strength
                )
            if strength is None:
                self._usual[model] = teller.strength
        self._tellers[model, teller.strength] = teller
        about = (teller.device, teller.voices, teller.strength, teller.step)
        self._post(messages.TellerReady(telling.number, model, *about))
        return teller

    def _free_memory(self) -> None:
        """Close the least recently used models, with their cached prompts, until another one fits."""
        while self._tellers and (len(self._tellers) >= TELLERS or not self._has_memory()):
            del self._tellers[next(iter(self._tellers))]

    def _opening(self, number: int, event: Preparing) -> None:
        self._post(messages.TellerOpening(number, wording.progress_of(event)))

    def _tell_openings(
        self, teller: Teller, telling: Telling, request: OpeningsRequest, stop: threading.Event
    ) -> None:
        is_copied = self._copied.get(telling.model) or self._copied_by(telling.model, stop)
        if not stop.is_set():  # else the index is incomplete
            self._copied[telling.model] = is_copied
        voice = known(request.voice, teller.voices)
        told = tell_openings(
            lambda settings, stop: teller.tell("", settings, stop, voice=voice),
            request.settings,
            request.count,
            stop,
            is_copied=is_copied,
            known=request.known,
        )
        for opening in told:
            how = record_of(teller, opening.settings, voice).to_json()
            ids = ",".join(map(str, opening.ids))
            self._post(messages.OpeningTold(telling.number, opening.text, teller.name, how, ids))

    def _tell(
        self, teller: Teller, number: int, request: ContinuationRequest, stop: threading.Event
    ) -> tuple[Told | None, int | None]:
        def show(text: str, tokens: int, speed: float) -> None:
            self._post(messages.TextTold(number, text, tokens, speed))

        return tell_passage(teller, request, stop, show, self._clock)
