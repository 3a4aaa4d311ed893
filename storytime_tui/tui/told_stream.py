"""Tells the next passage of a story, or several takes of it at once, and saves them while they stream."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from storytime_tui.errors import StoryError
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.voice import known
from storytime_tui.jobs.told_words import SAVE, ToldWords, parts_of, record_of
from storytime_tui.stories import tree
from storytime_tui.stories.steering import handed
from storytime_tui.tui.store_thread import StoreThread
from storytime_tui.tui.telling_requests import HEAD, ContinuationRequest

if TYPE_CHECKING:
    import threading

    from storytime_tui.jobs.generate import Teller

LETTERS = 5.5  # of an English word, with the space
FRAME = 1 / 30  # seconds between two batches of tokens; more would not be visible


class _Take:
    """The words of one take that are not saved yet."""

    def __init__(self, words: ToldWords) -> None:
        self.words, self.unsaved = words, ""
        self._ids: list[int] = []  # of the unsaved text
        self._saving: Future[None] | None = None

    def add(self, piece: Piece) -> None:
        self.unsaved += piece.text
        self._ids.append(piece.token)

    def save(self, store_thread: StoreThread) -> None:
        if self.unsaved:
            text, ids, self.unsaved, self._ids = self.unsaved, self._ids, "", []
            self._saving = store_thread.write(lambda store: self.words.add(store, text, ids))

    def wait(self) -> None:
        """Wait until the words are on the disk. Raises StoryError."""
        if self._saving is not None:
            self._saving.result()


def tell_passage(
    teller: Teller,
    request: ContinuationRequest,
    stop: threading.Event,
    show: Callable[[str, int, float], object],
    clock: Callable[[], float],
) -> tuple[Told | None, int | None]:
    """Tell what a request asks for. Returns the end of its first take, and the passage that ends the story now.

    `show` gets new text of the first take, its tokens so far, and their number a second.
    """
    store_thread = request.store_thread
    with contextlib.suppress(StoryError):  # then the text is read anew, perhaps as other tokens
        teller.recall(parts_of(store_thread.store().passages(request.story)))
    after = request.after
    if request.takes > 1 and after == HEAD:
        after = store_thread.store().story(request.story).head
    takes = [_Take(_words(teller, request, after, place)) for place in range(request.takes)]
    told: Told | None = None
    unseen, tokens = "", 0
    begun = seen = saved = clock()

    def pass_on() -> None:
        nonlocal unseen
        elapsed = clock() - begun
        show(unseen, tokens, tokens / elapsed if elapsed > 0 else 0.0)
        unseen = ""

    try:
        for place, item in _stream(teller, request, stop):
            if isinstance(item, Told):
                told = item if place == 0 else told
            else:
                takes[place].add(item)
                tokens += place == 0
                unseen += item.text if place == 0 else ""
            now = clock()
            if unseen and now - seen >= FRAME:
                pass_on()
                seen = now
            if now - saved >= SAVE and any(take.unsaved for take in takes):
                for take in takes:
                    take.save(store_thread)
                saved = now
            if request.words_per_minute and place == 0 and isinstance(item, Piece):
                # the model waits, not the screen: a stop leaves no words that were told but not shown
                stop.wait(len(item.text) / LETTERS * 60 / request.words_per_minute)
    finally:  # also after a failure: the words until then stay
        for take in takes:
            take.save(store_thread)
        if unseen:
            pass_on()
        for take in takes:
            take.wait()  # the end is reported only after the text is on the disk
    passages = [take.words.passage for take in takes]
    first = next((passage.id for passage in passages if passage is not None), None)
    if first is not None and passages[0] is None:  # the first take ended without a word
        story, other = request.story, first
        store_thread.write(lambda store: tree.go_to(store, story, other)).result()
    return told, first


def _stream(
    teller: Teller, request: ContinuationRequest, stop: threading.Event
) -> Iterator[tuple[int, Piece | Told]]:
    voice, steered = known(request.voice, teller.voices), handed(request.steering)
    text, settings = request.text, request.settings
    if request.takes == 1:
        return ((0, item) for item in teller.tell(text, settings, stop, voice=voice, **steered))
    return teller.tell_several(text, settings, request.takes, stop, voice=voice, **steered)


def _words(teller: Teller, request: ContinuationRequest, after: int | None, place: int) -> ToldWords:
    """Where one take is saved, with the seed that it is told with."""
    settings = dataclasses.replace(request.settings, seed=(request.settings.seed + place) % 2**63)
    voice = known(request.voice, teller.voices)
    record = partial(
        record_of,
        teller,
        settings,
        voice,
        before=request.text,
        together=request.takes,
        place=place,
        **handed(request.steering),
    )
    return ToldWords(request.story, record, after, beside=place > 0)
