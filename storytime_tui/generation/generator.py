"""The stream: a model goes on with a text, token by token, until it ends, is long enough or is stopped.

    text -> ids (`token_history`) -> what of them is in view (`context`) -> the model reads what it has not read yet
    (`backend`, `prefix_cache`) -> the next token (`sampling`) -> what of it may be shown (`line`) -> pieces

Nothing here knows of a screen, or changes torch's global state: modes are entered by the backend, call by call,
since they belong to the thread, and a stream that is suspended inside one would leave its listener in it.
"""

import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from storytime_tui.errors import ModelError
from storytime_tui.generation.backends.backend import CHUNK, Backend
from storytime_tui.generation.continuation import Continuation, Scene
from storytime_tui.generation.header import apart, front_of
from storytime_tui.generation.pieces import Piece, Seen, Told
from storytime_tui.generation.prefix_cache import PrefixCache, common_ids
from storytime_tui.generation.sampling.mixture import mixed
from storytime_tui.generation.sampling.settings import Knobs, SamplerSettings
from storytime_tui.generation.sampling.vocabulary import Vocabulary, token_facts
from storytime_tui.generation.token_history import TokenHistories
from storytime_tui.generation.voice import Voice, effective

if TYPE_CHECKING:
    from storytime_tui.generation.backends.cuda_graph import GraphedSteps


class Generator:
    """Tells with a model that was made ready for it (`make_backend`). Used from one thread at a time.

    `window` is the number of tokens the model may see at once: by default as many as it knows positions for; a
    run that was trained on shorter windows knows only theirs, so pass its block size. Raises ModelError where the
    tokenizer has more tokens than the model knows.
    """

    def __init__(
        self,
        backend: Backend,
        vocabulary: Vocabulary,
        window: int | None = None,
        steps: "GraphedSteps | None" = None,
    ) -> None:
        """`steps`: what a GPU was taught to do by heart (`cuda_graph.GraphedSteps`), for single tellings."""
        if vocabulary.vocabulary_size > backend.vocabulary:
            raise ModelError(
                f"The tokenizer has {vocabulary.vocabulary_size:,} tokens, but the model knows only "
                f"{backend.vocabulary:,}: they do not belong together."
            )
        self.window: int = min(window or backend.window, backend.window)
        self._reader, self._vocabulary, self._steps = backend, vocabulary, steps
        self._caches = PrefixCache(backend)
        self._transcripts = TokenHistories(vocabulary)

    def tell(
        self,
        text: str,
        settings: SamplerSettings,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        voice: Voice = (),
        alternatives: int = 0,
    ) -> Iterator[Piece | Told]:
        """Go on with `text`: a Piece for each token as soon as it is sure to stay, then one Told.

        `memory` is always in view, before the story; `note` a few lines from its end (see `context`). `voice`: the
        shelf whose line stands before both, or two to be mixed, which takes twice the time (see `mixture`). With
        `alternatives` each piece has so many of the tokens that might have come in its place.

        `stop` may be set from any thread and is looked at before every token, and between the parts of a long
        prompt; what was told stays told. The same text, settings and model give the same story, whatever else
        the program does. Raises ModelError where the model's answer is not a number.

        An empty text begins a story. A text that ends in spaces is read without them, because tokenizers of
        GPT-2's kind put a space at the front of a word, and a lone one at the end leads nowhere they know; the
        first token then has to begin a word, and is shown without its space.
        """
        watch, stop = _Watch(), stop or threading.Event()
        told = Continuation(self._scene(text, memory, note, voice), settings, self._vocabulary)
        yield from self._go_on(told, watch, stop, alternatives)
        yield watch.closing(told)

    def tell_several(
        self,
        text: str,
        settings: SamplerSettings,
        count: int,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        voice: Voice = (),
        alternatives: int = 0,
    ) -> Iterator[tuple[int, Piece | Told]]:
        """Several continuations of one text, with the seeds from `settings.seed` on: (which one, Piece or Told).

        The text is read once, and they are decoded as one batch; a batch's numbers differ from a single one's in
        their last digits, so that a near tie may fall otherwise. One after another, and then as `tell` would,
        where phrases are banned, which takes going back, where voices are mixed, and from where the story fills the
        window.
        """
        stop = stop or threading.Event()
        each = [dataclasses.replace(settings, seed=(settings.seed + row) % 2**63) for row in range(count)]
        if settings.banned or count == 1 or len(effective(voice)) > 1:
            for row, own in enumerate(each):
                alone = self.tell(
                    text, own, stop, memory=memory, note=note, voice=voice, alternatives=alternatives
                )
                yield from ((row, item) for item in alone)
            return
        scene = self._scene(text, memory, note, voice)
        rows = [Continuation(scene, own, self._vocabulary) for own in each]
        yield from self._together(rows, stop, alternatives)

    def see(self, text: str, memory: str = "", note: str = "", voice: Voice = ()) -> Seen:
        """What the model would see of a text, without asking it."""
        scene = self._scene(text, memory, note, voice)
        return Continuation(scene, SamplerSettings(), self._vocabulary).seen

    # -- one --------------------------------------------------------------------------------------------------

    def _go_on(
        self, told: Continuation, watch: "_Watch", stop: threading.Event, alternatives: int
    ) -> Iterator[Piece]:
        """Tell on with one continuation until it is over."""
        steps = self._steps if len(told.views) == 1 else None  # what was recorded reads one view
        caches = [self._caches.take(ids) for ids in told.views] if steps is None else [steps.cache]
        try:
            while not told.line.stopped_by:
                caches = [self._fitting(*each, told.moved) for each in zip(caches, told.views, strict=True)]
                watch.reads(sum(map(len, told.views)), sum(cache.length for cache in caches))
                knobs = told.knobs(self._reader.vocabulary) if steps and not alternatives else None
                if steps is not None and knobs is not None:
                    yield from self._by_heart(steps, knobs, told, watch, stop)
                    continue
                logits = self._read_views(told, caches, stop)
                if logits is None:
                    told.line.stop()
                else:
                    told.take(logits, alternatives)
                yield from watch.shown(told)
        finally:
            for cache in caches if steps is None else ():
                self._caches.keep(cache)
            self._transcripts.keep(told.transcript())

    def _by_heart(
        self, steps: "GraphedSteps", knobs: Knobs, told: Continuation, watch: "_Watch", stop: threading.Event
    ) -> Iterator[Piece]:
        """Tell on, token after token chosen where the model is, until it is over or the view begins anew."""
        unread = told.ids[steps.cache.length :]
        if len(unread) > 1 and self._read(unread[:-1], steps.cache, stop) is None:
            told.line.stop()
            return
        for chosen in steps.tell(unread[-1:], knobs, told.generator, told.changes):
            if stop.is_set():
                told.line.stop()
            else:
                told.accept(chosen.tokens[0], chosen.logprob[0])
            yield from watch.shown(told)
            if told.moved or told.line.stopped_by:
                return

    def _fitting(self, cache: Any, ids: Sequence[int], moved: bool) -> Any:
        """The cache with nothing in it but what is to be read before the rest of `ids`; perhaps another one."""
        if not moved and cache.length < len(ids):
            return cache
        common = min(common_ids(cache.ids, ids), len(ids) - 1)
        if common == cache.length:
            return cache
        if not self._reader.can_cut:
            return self._reader.new_cache()
        self._reader.cut(cache, common)
        return cache

    def _read_views(
        self, told: Continuation, caches: list[Any], stop: threading.Event
    ) -> torch.Tensor | None:
        """Read what is new in each view; the logits of what follows, all voices mixed, or None when stopped."""
        answers = []
        for ids, cache in zip(told.views, caches, strict=True):
            logits = self._read(ids[cache.length :], cache, stop)
            if logits is None:
                return None
            answers.append(logits[: self._vocabulary.vocabulary_size])
        return mixed(answers, told.shares)

    def _read(self, ids: Sequence[int], cache: Any, stop: threading.Event) -> torch.Tensor | None:
        """Put `ids` behind what the cache holds; the logits of what follows them, or None when stopped."""
        logits = None
        for start in range(0, len(ids), CHUNK):
            if stop.is_set():
                return None
            if self._steps is not None and len(ids) == 1 and cache is self._steps.cache:
                logits = self._steps.read(ids[0])
            else:
                logits = self._reader.read(ids[start : start + CHUNK], cache)
        return None if stop.is_set() else logits

    def _scene(self, text: str, memory: str, note: str, voice: Voice) -> Scene:
        read = text.rstrip(" \t")
        if not token_facts(self._vocabulary).begins_word.any():
            read = text  # a vocabulary that knows spaces only by themselves
        return Scene(
            text=self._transcripts.of(read),
            spaces=text[len(read) :],
            front=front_of(voice, memory, self._vocabulary),
            note=self._vocabulary.encode(apart(note, "\n")),
            window=self.window,
        )

    # -- several at once --------------------------------------------------------------------------------------

    def _together(
        self, rows: list[Continuation], stop: threading.Event, alternatives: int
    ) -> Iterator[tuple[int, Piece | Told]]:
        watches = [_Watch() for _ in rows]
        first, batch = self._caches.take(rows[0].ids), None
        for watch in watches:
            watch.reads(len(rows[0].ids), first.length)
        logits = self._read(rows[0].ids[first.length :], first, stop)
        answers: Sequence[torch.Tensor | None] = [logits] * len(rows)
        left = list(range(len(rows)))
        try:
            while left:
                for row, answer in zip(left, answers, strict=True):
                    if answer is None:
                        rows[row].line.stop()
                    else:
                        rows[row].take(answer, alternatives)
                for row in left:
                    yield from ((row, piece) for piece in watches[row].shown(rows[row]))
                    if rows[row].line.stopped_by:
                        yield row, watches[row].closing(rows[row])
                going = [place for place, row in enumerate(left) if not rows[row].line.stopped_by]
                if batch is not None and going and len(going) < len(left):
                    self._reader.drop(batch, going)
                left = [left[place] for place in going]
                if any(rows[row].moved for row in left):
                    break  # the window is full: what they see is no longer of one length
                if left:
                    batch = batch or self._reader.share(first, len(left))
                    answers = self._read_rows([rows[row].ids[-1] for row in left], batch, stop)
        finally:
            self._caches.keep(first)
            for told in rows:
                self._transcripts.keep(told.transcript())
        for row in left:
            yield from ((row, piece) for piece in self._go_on(rows[row], watches[row], stop, alternatives))
            yield row, watches[row].closing(rows[row])

    def _read_rows(
        self, ids: Sequence[int], batch: Any, stop: threading.Event
    ) -> Sequence[torch.Tensor | None]:
        """Put one id behind each row; logits for each, or None for each when stopped."""
        if stop.is_set():
            return [None] * len(ids)
        return self._reader.read_rows(ids, batch).unbind()


class _Watch:
    """Counts the time that telling takes; what the listener takes between two pieces is not ours."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._seconds, self._first, self._tokens = 0.0, 0.0, 0  # when the first was shown, and how many were
        self._first_chosen = self._last_chosen = 0.0
        self._read = self._reused = 0

    def reads(self, tokens: int, reused: int) -> None:
        """So many tokens are in view, and so many of them were read before: said once, at the beginning."""
        if not self._read:
            self._read, self._reused = tokens - reused, reused

    def shown(self, told: Continuation) -> Iterator[Piece]:
        """What may be shown of a continuation now, a token having been chosen."""
        self._last_chosen = self._seconds + time.perf_counter() - self._began
        self._first_chosen = self._first_chosen or self._last_chosen
        for piece in told.line.ready():
            self._seconds += time.perf_counter() - self._began
            self._first = self._first or self._seconds
            self._tokens += 1
            yield piece
            self._began = time.perf_counter()

    def closing(self, told: Continuation) -> Told:
        """The last word."""
        later = self._last_chosen - self._first_chosen  # text that was held back came in one go
        if later > 0 and self._tokens > 1:
            speed = (self._tokens - 1) / later
        else:
            speed = self._tokens / self._seconds if self._seconds > 0 else 0.0
        return Told(
            tokens=self._tokens,
            first_token_seconds=self._first,
            tokens_per_second=speed,
            stopped_by=told.line.stopped_by,
            read=self._read,
            reused=self._reused,
            seen=told.seen,
        )
