"""The thread that opens models and tells with them. Its messages come back through an `Inbox` (see `bridge`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from storytime_tui.errors import ModelError
from storytime_tui.generation.openings import tell_openings
from storytime_tui.generation.pieces import Told
from storytime_tui.generation.voice import known
from storytime_tui.jobs.told_words import record_of
from storytime_tui.stories.steering import handed
from storytime_tui.training.events import Preparing
from storytime_tui.tui import messages, wording
from storytime_tui.tui.bridge import Inbox, Post, Worker, sentence_of
from storytime_tui.tui.columns import tell_columns
from storytime_tui.tui.story_reader import ReadingRequest, read_story
from storytime_tui.tui.telling_requests import (
    Column,
    ColumnsRequest,
    ContinuationRequest,
    OpeningsRequest,
    Telling,
)
from storytime_tui.tui.told_stream import tell_passage
from storytime_tui.tui.view_request import ViewRequest

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller

TELLERS = 3  # open models, each with its cached prompts
FREE_MEMORY = 4_000_000_000  # bytes that must be free before one more model is opened


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
        self._worker = Worker("storytime-telling")
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

    @property
    def at_work(self) -> bool:
        """Whether a job is unfinished."""
        return self._worker.at_work

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

    def look(self, number: int, model: str, strength: float | None, request: ViewRequest) -> None:
        """Say what an open model sees, after the current telling."""

        def see() -> None:
            usual = self._usual.get(model) if strength is None else strength
            if (model, usual) in self._tellers:
                self._post(request.answer(self._tellers[model, usual], number))

        self._worker.do(see)

    def _run(self, telling: Telling, stop: threading.Event) -> None:
        told, passage, failure = None, None, ""
        request = telling.request
        try:
            if isinstance(request, ColumnsRequest):
                self._tell_columns(telling, request, stop)
                return
            teller = self._open(telling)
            if request is None or stop.is_set():
                pass  # only opened
            elif isinstance(request, OpeningsRequest):
                self._tell_openings(teller, telling, request, stop)
            elif isinstance(request, ContinuationRequest):
                told, passage = self._tell(teller, telling.number, request, stop)
            elif isinstance(request, ReadingRequest):
                base = replace(telling, strength=0.0, snapshot=None)  # strength 0 is the base
                reader = teller if request.reading is None else self._opened(base)
                read_story(reader, request, telling.number, self._post, stop)
            else:
                self._post(request.answer(teller, telling.number, stop))
        except BaseException as error:  # see `_train`
            failure = sentence_of(error)
        finally:
            self._post(messages.TellingEnded(telling.number, told, failure, passage))

    def _open(self, telling: Telling) -> Teller:
        teller = self._opened(telling)
        about = (teller.device, teller.voices, teller.strength, teller.step)
        self._post(messages.TellerReady(telling.number, telling.model, *about))
        return teller

    def _opened(
        self,
        telling: Telling,
        report: Callable[[Preparing], None] | None = None,
        in_use: Sequence[Teller] = (),
    ) -> Teller:
        """An open model, or one that is opened now. Those in use stay open: then there may be no room for another."""
        model, strength = telling.model, telling.strength
        teller = self._tellers.pop((model, self._usual.get(model) if strength is None else strength), None)
        if teller is None or teller.outdated:
            teller = None  # frees its memory before the next one is opened
            self._free_memory(in_use)
            teller = telling.snapshot() if telling.snapshot is not None else None
            if teller is None:
                report = report or (lambda event: self._opening(telling.number, event))
                teller = self._open_teller(model, report, strength)
            if strength is None:
                self._usual[model] = teller.strength
        self._tellers[model, teller.strength] = teller
        return teller

    def _free_memory(self, in_use: Sequence[Teller] = ()) -> None:
        """Close the least recently used models, with their cached prompts, until another one fits.

        Raises ModelError if it does not fit beside those in use.
        """
        while self._tellers and (len(self._tellers) >= TELLERS or not self._has_memory()):
            idle = [
                key for key, teller in self._tellers.items() if not any(teller is each for each in in_use)
            ]
            if not idle:
                raise ModelError(
                    "There is not enough memory for another model beside these: close other programs, or "
                    "remove a column."
                )
            del self._tellers[idle[0]]

    def _opening(self, number: int, event: Preparing) -> None:
        self._post(messages.TellerOpening(number, wording.progress_of(event)))

    def _tell_openings(
        self, teller: Teller, telling: Telling, request: OpeningsRequest, stop: threading.Event
    ) -> None:
        is_copied = self._copied.get(telling.model) or self._copied_by(telling.model, stop)
        if not stop.is_set():  # else the index is incomplete
            self._copied[telling.model] = is_copied
        voice, steered = known(request.voice, teller.voices), handed(request.steering)
        told = tell_openings(
            lambda settings, stop: teller.tell("", settings, stop, voice=voice, **steered),
            request.settings,
            request.count,
            stop,
            is_copied=is_copied,
            known=request.known,
        )
        for opening in told:
            how = record_of(teller, opening.settings, voice, **steered).to_json()
            ids = ",".join(map(str, opening.ids))
            self._post(messages.OpeningTold(telling.number, opening.text, teller.name, how, ids))

    def _tell_columns(self, telling: Telling, request: ColumnsRequest, stop: threading.Event) -> None:
        in_use: list[Teller] = []

        def open_column(column: Column, report: Callable[[Preparing], None]) -> Teller:
            trains = column.model == telling.model and column.strength in (None, 1.0)
            snapshot = telling.snapshot if trains else None
            its = replace(telling, model=column.model, strength=column.strength, snapshot=snapshot)
            in_use.append(self._opened(its, report, in_use))
            return in_use[-1]

        tell_columns(request, telling.number, open_column, self._post, stop, self._clock)

    def _tell(
        self, teller: Teller, number: int, request: ContinuationRequest, stop: threading.Event
    ) -> tuple[Told | None, int | None]:
        def show(text: str, tokens: int, speed: float) -> None:
            self._post(messages.TextTold(number, text, tokens, speed))

        return tell_passage(teller, request, stop, show, self._clock)
