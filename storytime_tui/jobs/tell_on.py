"""Tells on a written story without the app, and saves the words while they stream. Torch is loaded with the model."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryUnavailable
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.generation.voice import Voice
from storytime_tui.jobs.told_words import SAVE, ToldWords, parts_of, record_of
from storytime_tui.stories.steering import Steering, handed
from storytime_tui.stories.tree import passages_to

if TYPE_CHECKING:
    from storytime_tui.jobs.generate import Teller
    from storytime_tui.stories.store import StoryStore

_PATIENCE = 5.0  # seconds to save the last words in, beside the patience of the store itself
_RETRY = 0.2  # seconds between two attempts


@dataclass(frozen=True)
class HowToTell:
    """What a passage is told with, beside the model. `steering`: the story's memory and author's note."""

    settings: SamplerSettings
    voice: Voice = ()
    steering: Steering = Steering()  # noqa: RUF009 - frozen
    alternatives: int = 0


class TellOn:
    """Tells one passage of a story. Used in one thread."""

    def __init__(
        self,
        store: StoryStore,
        story_id: int,
        teller: Teller,
        how: HowToTell,
        *,
        after: int | None = -1,
        say: Callable[[str], object] = lambda sentence: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`after`: the passage that the new one follows; -1 is the end of the story.

        `say` gets a sentence when words cannot be saved for now.
        """
        self._store, self._teller, self._how, self._say, self._clock = store, teller, how, say, clock
        self._before = store.passages(story_id) if after == -1 else passages_to(store, after)
        self._text = "".join(passage.text for passage in self._before)
        self._steered = handed(how.steering)
        record = partial(record_of, teller, how.settings, how.voice, before=self._text, **self._steered)
        self._words = ToldWords(story_id, record, after)
        self._unsaved, self._ids = "", list[int]()
        self._trouble = ""

    @property
    def passage(self) -> int | None:
        """The id of the passage; None while no word is saved."""
        return self._words.passage.id if self._words.passage is not None else None

    def stream(self, stop: threading.Event) -> Generator[Piece | Told, None, None]:
        """Tell: yields pieces as they are told, then one Told. Saves them twice a second, and when it is closed.

        Raises StoryUnavailable if the last words cannot be saved, ModelError, and CorpusError as `Teller.tell` does.
        """
        self._teller.recall(parts_of(self._before))
        saved = self._clock()
        try:
            stream = self._teller.tell(
                self._text,
                self._how.settings,
                stop,
                voice=self._how.voice,
                alternatives=self._how.alternatives,
                **self._steered,
            )
            for item in stream:
                if isinstance(item, Piece):
                    self._unsaved += item.text
                    self._ids.append(item.token)
                yield item
                if self._unsaved and self._clock() - saved >= SAVE:
                    self._try_to_save()
                    saved = self._clock()
        finally:
            self._save_rest()

    def _save(self) -> None:
        self._words.add(self._store, self._unsaved, self._ids)
        self._unsaved, self._ids = "", []

    def _try_to_save(self) -> None:
        """Save, or say once why not now: the words wait in memory."""
        try:
            self._save()
            self._trouble = ""
        except StoryUnavailable as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._say(self._trouble)

    def _save_rest(self) -> None:
        """Save the last words; a store that is unavailable is tried again for some seconds."""
        until = self._clock() + _PATIENCE
        while self._unsaved and self._clock() < until:
            with contextlib.suppress(StoryUnavailable):
                self._save()
                return
            time.sleep(_RETRY)
        if self._unsaved:
            self._save()
