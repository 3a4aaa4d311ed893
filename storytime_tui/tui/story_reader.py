"""Reads a story in the telling thread: how likely each word was. See `telling_thread`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryError
from storytime_tui.generation.voice import Voice, known
from storytime_tui.jobs.told_words import parts_of
from storytime_tui.stories.steering import Steering, handed
from storytime_tui.training.events import Preparing
from storytime_tui.tui import messages, wording
from storytime_tui.tui.store_thread import StoreThread

if TYPE_CHECKING:  # see services
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.jobs.story_reading import StoryReading


@dataclass(frozen=True)
class ReadingRequest:
    """A request to read a story and tell nothing: how likely each word in view was.

    `reading`: the model's own reading, made before; then its base reads the same words.
    """

    store_thread: StoreThread  # knows the ids that the story was told with
    story: int
    text: str
    voice: Voice | None = None
    steering: Steering = Steering()  # noqa: RUF009 - frozen
    reading: StoryReading | None = None


def read_story(
    teller: Teller,
    request: ReadingRequest,
    number: int,
    post: Callable[[messages.TellingMessage], object],
    stop: threading.Event,
) -> None:
    """Read the request's story, and post the progress and the reading, unless stopped. Raises ModelError."""

    def report(words: str, done: int, total: int) -> None:
        post(messages.StoryProgress(number, wording.progress_of(Preparing(words, done, total))))

    with contextlib.suppress(StoryError):  # then the text is read anew, perhaps as other tokens
        teller.recall(parts_of(request.store_thread.store().passages(request.story)))
    own, voice = request.reading, known(request.voice, teller.voices)
    reading = teller.read(request.text, report, stop, voice=voice, like=own, **handed(request.steering))
    if reading is not None:
        post(messages.StoryRead(number, reading) if own is None else messages.StoryRead(number, own, reading))
