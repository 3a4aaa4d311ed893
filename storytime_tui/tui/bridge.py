"""The only place where threads meet the event loop: work goes out as jobs, and what they say comes back in order.

`post` is the app's `post_message`: it may be called from any thread, never blocks, and does nothing once the app is
gone. Threads are daemons, so that leaving never waits for one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.events import Callback
from textual.message import Message

from storytime_tui.errors import StorytimeError
from storytime_tui.generation.openings import tell_openings
from storytime_tui.generation.pieces import Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, known
from storytime_tui.stories.story import Passage
from storytime_tui.training.control import Control
from storytime_tui.training.events import Event, Preparing
from storytime_tui.tui import messages, wording
from storytime_tui.tui.giving_way import giving_way
from storytime_tui.tui.store_thread import StoreThread

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.stories.store import StoryStore

Post = Callable[[Message], object]
Result = TypeVar("Result")
Said = TypeVar("Said")

TELLERS = 3  # models kept open at once, with what each has read
ROOM = 4_000_000_000  # bytes of memory that must be free for another model beside those
FRAME = 1 / 30  # seconds between two batches of tokens: faster is not seen
SAVE = 0.5  # seconds of telling that a power cut may cost


def sentence_of(error: BaseException) -> str:
    """What to show for an error: its own sentence where it was meant for people, else where the log is.

    Raises nothing: whoever waits for a sentence waits for the end of what failed.
    """
    if isinstance(error, StorytimeError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory: close other programs, or choose something smaller."
    broke = f"Something broke that should not have ({type(error).__name__})."
    with contextlib.suppress(Exception):  # a home that is gone, a disk that is full
        from storytime_tui import files, log  # only when something broke

        details = log.keep(error, "in the app")
        if isinstance(error, OSError) and (sentence := files.sentence_of(error)):
            return sentence
        return f"{broke} {details}"
    return broke


async def in_thread(call: Callable[[], Result]) -> Result:
    """Run one short blocking call in a thread; await its result or its exception.

    Not `asyncio.to_thread`: the event loop would wait for that thread at exit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if future.done():  # the one who waited has left
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
        except BaseException as problem:  # a panic of a library, which is no Exception
            error = RuntimeError(f"{type(problem).__name__}: {problem}")
        with contextlib.suppress(RuntimeError):  # the loop is closed: the app is gone
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="storytime-errand", daemon=True).start()
    return await future


async def from_store(keeper: StoreThread, read: Callable[[StoryStore], Result]) -> Result:
    """Read something of the written stories, in a thread; await it. Raises StoryError."""
    return await in_thread(lambda: read(keeper.store()))


class _Worker:
    """One long-lived daemon thread that does jobs in their order; it starts with the first."""

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
        from storytime_tui import log

        log.start()  # what a stage reports of trouble in this thread goes there
        while True:
            job = self._jobs.get()
            try:
                job()
            except BaseException as error:  # the next job must find the thread alive
                sentence_of(error)  # for the log


class _Inbox(Generic[Said]):
    """What a thread says, until the event loop takes it: all of it, in order, several at a time where many wait."""

    def __init__(self, post: Post, hear: Callable[[Sequence[Said]], object]) -> None:
        """`hear` is called on the event loop."""
        self._post, self._hear = post, hear
        self._waiting: deque[Said] = deque()
        self._called = False  # the event loop will look anyway

    def say(self, said: Said) -> None:
        """Called by the thread. A thousand steps while the event loop is busy make one call of it."""
        self._waiting.append(said)
        if not self._called:
            self._called = True
            self._post(Callback(self._take))

    def _take(self) -> None:
        self._called = False  # first: what is said from here on calls anew
        self._hear([self._waiting.popleft() for _ in range(len(self._waiting))])


class LearningThread:
    """Runs one learning job at a time and passes on what it says. Owns the run's `Control`."""

    def __init__(self, post: Post, hear: Callable[[Sequence[Event | messages.RunEnded]], object]) -> None:
        self._inbox = _Inbox(post, hear)
        self._worker = _Worker("storytime-learning")
        self.control: Control | None = None  # of the job in hand, until `release`

    def start(self, job: Callable[[Control], Iterator[Event]]) -> None:
        """Begin a job; one must not be in hand."""
        assert self.control is None, "a run is still in hand"
        self.control = control = Control()
        self._worker.do(lambda: self._learn(job, control))

    def release(self) -> None:
        """Another job may begin: `RunEnded` was heard."""
        self.control = None

    def _learn(self, job: Callable[[Control], Iterator[Event]], control: Control) -> None:
        refusal = ""
        try:
            with giving_way():
                for event in job(control):
                    self._inbox.say(event)
        except BaseException as error:  # a library's panic too: without an end the app is never free again
            refusal = sentence_of(error)
        finally:
            self._inbox.say(messages.RunEnded(refusal))


@dataclass(frozen=True)
class Passages:
    """What to continue, and where its new words are kept."""

    keeper: StoreThread
    story: int
    text: str
    settings: SamplerSettings
    voice: Voice | None = None  # that was chosen; the model may know others


@dataclass(frozen=True)
class Openings:
    """How many beginnings of a new story to tell; `known` are those that were offered already."""

    settings: SamplerSettings
    wanted: int
    known: tuple[str, ...] = ()
    voice: Voice | None = None


@dataclass(frozen=True)
class Telling:
    """One wish: open `model`, and (unless None) tell with it. The number is in every message on it.

    `strength` None is what the model is usually told at.
    """

    number: int
    model: str
    wish: Passages | Openings | None
    strength: float | None = None


def free_memory() -> int:
    """Bytes that programs may still take."""
    import psutil  # not before the first frame

    return int(psutil.virtual_memory().available)


class TellingThread:
    """Opens models and tells with them; keeps the told text in the store while it streams."""

    def __init__(
        self,
        post: Post,
        hear: Callable[[Sequence[messages.TellingSaid]], object],
        open_teller: Callable[[str, Callable[[Preparing], None] | None, float | None], Teller],
        clock: Callable[[], float],
        has_room: Callable[[], bool] = lambda: free_memory() > ROOM,
        copied_by: Callable[[str, threading.Event], Callable[[str], bool]] = lambda *_: lambda text: False,
    ) -> None:
        self._say = _Inbox(post, hear).say
        self._has_room, self._copied_by = has_room, copied_by
        self._open_teller = open_teller
        self._clock = clock
        self._worker = _Worker("storytime-telling")
        # by model and strength, since each has weights of its own; the one used last is the last
        self._tellers: dict[tuple[str, float | None], Teller] = {}
        self._usual: dict[str, float] = {}  # strengths of models that were opened at their usual one
        self._copied: dict[str, Callable[[str], bool]] = {}  # by model
        self._stop = threading.Event()

    def begin(self, telling: Telling) -> None:
        """Stop what is being told and tell this next."""
        self.stop()
        self._stop = stop = threading.Event()
        self._worker.do(lambda: self._run(telling, stop))

    def stop(self) -> None:
        """End the telling in hand within one token; what was told stays."""
        self._stop.set()

    def forget(self, model: str) -> None:
        """Open this model afresh the next time: a run that learns has newer weights by then."""

        def drop() -> None:
            self._usual.pop(model, None)
            self._copied.pop(model, None)
            for key in [key for key in self._tellers if key[0] == model]:
                del self._tellers[key]

        self._worker.do(drop)

    def _run(self, telling: Telling, stop: threading.Event) -> None:
        told, failure = None, ""
        try:
            teller = self._open(telling)
            if isinstance(telling.wish, Openings) and not stop.is_set():
                self._tell_openings(teller, telling, telling.wish, stop)
            elif isinstance(telling.wish, Passages) and not stop.is_set():
                told = self._tell(teller, telling.number, telling.wish, stop)
        except BaseException as error:  # as in `_learn`
            failure = sentence_of(error)
        finally:
            self._say(messages.TellingEnded(telling.number, told, failure))

    def _open(self, telling: Telling) -> Teller:
        model, strength = telling.model, telling.strength
        teller = self._tellers.pop((model, self._usual.get(model) if strength is None else strength), None)
        if teller is None or teller.outdated:
            teller = None  # its memory is free before another is opened
            self._make_room()
            teller = self._open_teller(model, lambda event: self._opening(telling.number, event), strength)
            if strength is None:
                self._usual[model] = teller.strength
        self._tellers[model, teller.strength] = teller
        ready = messages.TellerReady(telling.number, model, teller.device, teller.voices, teller.strength)
        self._say(ready)
        return teller

    def _make_room(self) -> None:
        """Let go of the models used longest ago, before another is opened: what they have read goes with them."""
        while self._tellers and (len(self._tellers) >= TELLERS or not self._has_room()):
            del self._tellers[next(iter(self._tellers))]

    def _opening(self, number: int, event: Preparing) -> None:
        self._say(messages.TellerOpening(number, wording.preparing(event)))

    def _tell_openings(self, teller: Teller, telling: Telling, wish: Openings, stop: threading.Event) -> None:
        is_copied = self._copied.get(telling.model) or self._copied_by(telling.model, stop)
        if not stop.is_set():  # else it was not looked at to its end
            self._copied[telling.model] = is_copied
        voice = known(wish.voice, teller.voices)
        told = tell_openings(
            lambda settings, stop: teller.tell("", settings, stop, voice=voice),
            wish.settings,
            wish.wanted,
            stop,
            is_copied=is_copied,
            known=wish.known,
        )
        for opening in told:
            how = _record(opening.settings, teller, voice)
            self._say(messages.OpeningTold(telling.number, opening.text, teller.name, how))

    def _tell(self, teller: Teller, number: int, to: Passages, stop: threading.Event) -> Told | None:
        voice = known(to.voice, teller.voices)
        words = _Words(to.story, teller.name, _record(to.settings, teller, voice))
        saving: Future[None] | None = None
        told: Told | None = None
        unseen, unsaved, tokens = "", "", 0
        begun = seen = saved = self._clock()

        def show() -> None:
            nonlocal unseen
            elapsed = self._clock() - begun
            speed = tokens / elapsed if elapsed > 0 else 0.0
            self._say(messages.TextTold(number, unseen, tokens, speed))
            unseen = ""

        def save() -> None:
            nonlocal unsaved, saving
            new, unsaved = unsaved, ""
            saving = to.keeper.keep(lambda store: words.add(store, new))

        try:
            for item in teller.tell(to.text, to.settings, stop, voice=voice):
                if isinstance(item, Told):
                    told = item
                else:
                    tokens += 1
                    unseen += item.text
                    unsaved += item.text
                now = self._clock()
                if unseen and now - seen >= FRAME:
                    show()
                    seen = now
                if unsaved and now - saved >= SAVE:
                    save()
                    saved = now
        finally:  # also where the model fails: what it told until then stays
            if unsaved:
                save()
            if unseen:
                show()
            if saving is not None:
                saving.result()  # what is said to have ended is on the disk
        return told


def _record(settings: SamplerSettings, teller: Teller, voice: Voice) -> str:
    """How something was told, as a story keeps it."""
    told_as = {"voice": voice} if teller.voices else {}
    return json.dumps(dataclasses.asdict(settings) | told_as | {"strength": teller.strength})


class _Words:
    """The passage that a telling grows, in the thread of the store."""

    def __init__(self, story: int, model: str, settings: str) -> None:
        self._story, self._model, self._settings = story, model, settings
        self._passage: Passage | None = None

    def add(self, store: StoryStore, new: str) -> None:
        """Keep more words."""
        if self._passage is None:
            self._passage = store.add_passage(self._story, "model", new, self._model, self._settings)
        else:
            store.extend_passage(self._passage.id, new)
