"""What the telling thread is asked for: to continue a story, to tell openings, or to answer a smaller request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from storytime_tui.generation.openings import tell_sentence
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice, known
from storytime_tui.stories.steering import Steering, handed
from storytime_tui.tui import messages
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.story_reader import ReadingRequest

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller

HEAD = -1  # follow the last passage of the story, whichever it is by then


@dataclass(frozen=True)
class ContinuationRequest:
    """A request to continue a story; the new words go to `store_thread`."""

    store_thread: StoreThread
    story: int
    text: str
    settings: SamplerSettings
    voice: Voice | None = None  # the chosen one; the model may not know it
    after: int | None = HEAD  # the passage that the new one follows; None for a beginning
    words_per_minute: int = 0  # how fast to tell at most; 0 is as fast as possible
    steering: Steering = Steering()  # noqa: RUF009 - frozen
    takes: int = 1  # told at once; the story goes on with the first


@dataclass(frozen=True)
class OpeningsRequest:
    """A request for `count` openings of a new story; `known` were offered before."""

    settings: SamplerSettings
    count: int
    known: tuple[str, ...] = ()
    voice: Voice | None = None
    steering: Steering = Steering()  # noqa: RUF009 - frozen


class Request(Protocol):
    """A request that one message answers."""

    def answer(self, teller: Teller, number: int, stop: threading.Event) -> messages.TellingMessage:
        """Answer with this model. Called by the telling thread; `number` is the message's."""


@dataclass(frozen=True)
class SentenceRequest:
    """A request for one sentence after a text; it is not saved."""

    text: str
    settings: SamplerSettings
    voice: Voice | None = None
    steering: Steering = Steering()  # noqa: RUF009 - frozen

    def answer(self, teller: Teller, number: int, stop: threading.Event) -> messages.SentenceTold:
        """Tell the sentence."""
        voice, steered = known(self.voice, teller.voices), handed(self.steering)
        sentence, _ = tell_sentence(
            lambda settings, stop: teller.tell(self.text, settings, stop, voice=voice, **steered),
            self.settings,
            stop,
        )
        return messages.SentenceTold(number, sentence)


@dataclass(frozen=True)
class Column:
    """A model and how it tells; None is its usual strength or voice."""

    model: str
    strength: float | None = None
    voice: Voice | None = None


@dataclass(frozen=True)
class ColumnsRequest:
    """A request to continue a story's text with each of the columns, with the same settings and seed."""

    store_thread: StoreThread
    story: int
    text: str
    settings: SamplerSettings
    columns: tuple[Column, ...]
    steering: Steering = Steering()  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class Telling:
    """A job of the telling thread: open `model`, then fulfil the request, if any; columns open their own models.

    `number` is in each of its messages. `strength` None means the model's usual one. `snapshot` opens a run that trains
    in this program; it returns None if the run has ended.
    """

    number: int
    model: str
    request: ContinuationRequest | OpeningsRequest | ReadingRequest | ColumnsRequest | Request | None
    strength: float | None = None
    snapshot: Callable[[], Teller | None] | None = None
