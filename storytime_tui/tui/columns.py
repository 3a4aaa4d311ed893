"""Tells one text with several models at once: a token of each in turn, in the telling thread.

One thread, because two models on few cores only take the cores from each other, and because a model's two voices share
its cache. Nothing is saved: the screen saves what is taken.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryError
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.voice import known
from storytime_tui.jobs.told_words import parts_of, record_of
from storytime_tui.stories.steering import handed
from storytime_tui.stories.takes import NewTake
from storytime_tui.training.events import Preparing
from storytime_tui.tui import messages, wording
from storytime_tui.tui.bridge import sentence_of
from storytime_tui.tui.telling_requests import Column, ColumnsRequest
from storytime_tui.tui.told_stream import FRAME

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller

MOST = 3  # columns; as many models stay open (see `telling_thread`)


Open = Callable[[Column, Callable[[Preparing], None]], "Teller"]
Post = Callable[[messages.TellingMessage], object]


class _Stream:
    """What one column tells."""

    def __init__(
        self, teller: Teller, column: Column, request: ColumnsRequest, stop: threading.Event
    ) -> None:
        self.teller = teller
        voice, steered = known(column.voice, teller.voices), handed(request.steering)
        self._record = partial(record_of, teller, request.settings, voice, before=request.text, **steered)
        self.items: Iterator[Piece | Told] = iter(
            teller.tell(request.text, request.settings, stop, voice=voice, **steered)
        )
        self.text, self.unseen = "", ""
        self._ids: list[int] = []

    def add(self, piece: Piece) -> None:
        self.text += piece.text
        self.unseen += piece.text
        self._ids.append(piece.token)

    def take(self) -> NewTake | None:
        """The passage that it would be; None without words."""
        if not self.text:
            return None
        return NewTake(self.text, self.teller.name, self._record().to_json(), ",".join(map(str, self._ids)))


def tell_columns(
    request: ColumnsRequest,
    number: int,
    open_teller: Open,
    post: Post,
    stop: threading.Event,
    clock: Callable[[], float],
) -> None:
    """Open the models and tell. A column that fails says so, and the others go on. `number`: of the messages."""
    streams: dict[int, _Stream] = {}
    for place, column in enumerate(request.columns):
        if stop.is_set():
            post(messages.ColumnEnded(number, place))
            continue
        try:
            streams[place] = _opened(request, column, place, number, open_teller, post, stop)
        except Exception as error:
            post(messages.ColumnEnded(number, place, failure=sentence_of(error)))
    seen = clock()
    while streams:
        for place, stream in _in_turn(streams):
            told, failure = None, ""
            try:
                item = next(stream.items, None)
            except Exception as error:
                item, failure = None, sentence_of(error)
            if isinstance(item, Piece):
                stream.add(item)
                continue
            told = item
            _show(stream, place, number, post)
            del streams[place]
            post(messages.ColumnEnded(number, place, stream.take(), told, failure))
        now = clock()
        if now - seen >= FRAME:
            for place, stream in streams.items():
                _show(stream, place, number, post)
            seen = now


def _opened(
    request: ColumnsRequest,
    column: Column,
    place: int,
    number: int,
    open_teller: Open,
    post: Post,
    stop: threading.Event,
) -> _Stream:
    def opening(event: Preparing) -> None:
        post(messages.ColumnOpening(number, place, wording.progress_of(event)))

    teller = open_teller(column, opening)
    with contextlib.suppress(StoryError):  # then the text is read anew, perhaps as other tokens
        teller.recall(parts_of(request.store_thread.store().passages(request.story)))
    post(messages.ColumnReady(number, place, teller.voices, teller.strength, teller.step))
    return _Stream(teller, column, request, stop)


def _in_turn(streams: dict[int, _Stream]) -> list[tuple[int, _Stream]]:
    """The streams that tell now. On a GPU a model has one cache for its fast steps: its voices wait for each other."""
    telling: list[tuple[int, _Stream]] = []
    for place, stream in streams.items():
        waits = stream.teller.device != "cpu" and any(stream.teller is other.teller for _, other in telling)
        if not waits:
            telling.append((place, stream))
    return telling


def _show(stream: _Stream, place: int, number: int, post: Post) -> None:
    if stream.unseen:
        post(messages.ColumnTold(number, place, stream.unseen))
        stream.unseen = ""
