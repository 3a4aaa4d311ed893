"""The stream: generates the continuation of a text, token by token, until it ends, is long enough or is stopped.

    text -> ids (`token_history`) -> the part in view (`context`) -> prefill of what is not cached (`backend`,
    `prefix_cache`) -> the next token (`sampling`) -> the text that may be shown (`line`) -> pieces

Nothing here knows of a screen or changes torch's global state. The backend enters inference mode call by call:
modes belong to the thread, and a generator suspended within one would leave its consumer in it.
"""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from storytime_tui.corpus.copied import Index
from storytime_tui.errors import ModelError
from storytime_tui.generation.backends.backend import CHUNK, Backend
from storytime_tui.generation.context import NOTE_DEPTH
from storytime_tui.generation.continuation import Continuation, Scene
from storytime_tui.generation.copying import CopyGuard
from storytime_tui.generation.header import front_of, with_ending
from storytime_tui.generation.pieces import Piece, Seen, Told
from storytime_tui.generation.prefix_cache import PrefixCache, common_ids
from storytime_tui.generation.reading import TokensRead, read_view
from storytime_tui.generation.sampling.mixture import mix_logits
from storytime_tui.generation.sampling.settings import Knobs, SamplerSettings
from storytime_tui.generation.sampling.vocabulary import Vocabulary, token_facts
from storytime_tui.generation.token_history import TokenHistories, TokenHistory
from storytime_tui.generation.voice import Voice
from storytime_tui.generation.watch import Watch

if TYPE_CHECKING:
    from storytime_tui.generation.backends.cuda_graph import GraphedSteps


class Generator:
    """Generates with a prepared model (`make_backend`). Used from one thread at a time.

    `window` is the context length in tokens, by default the model's. A run trained on shorter windows knows only
    their positions, so pass its block size. Raises ModelError if the tokenizer has more tokens than the model.
    """

    def __init__(
        self,
        backend: Backend,
        vocabulary: Vocabulary,
        window: int | None = None,
        steps: "GraphedSteps | None" = None,
    ) -> None:
        """`steps`: the CUDA graphs of a decoding step (`cuda_graph.GraphedSteps`), for single continuations."""
        if vocabulary.vocabulary_size > backend.vocabulary:
            raise ModelError(
                f"The tokenizer has {vocabulary.vocabulary_size:,} tokens, but the model has only "
                f"{backend.vocabulary:,}: they do not belong together."
            )
        self.window: int = min(window or backend.window, backend.window)
        self._backend, self._vocabulary, self._steps = backend, vocabulary, steps
        self._caches = PrefixCache(backend)
        self._histories = TokenHistories(vocabulary)

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer."""
        return self._vocabulary

    def tell(
        self,
        text: str,
        settings: SamplerSettings,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        note_depth: int = NOTE_DEPTH,
        voice: Voice = (),
        alternatives: int = 0,
        learned: Index | None = None,
    ) -> Iterator[Piece | Told]:
        """Continue `text`: yields a Piece for each token once it can no longer be taken back, then one Told.

        `memory` is always in view, before the story; `note` stays a few lines from its end, `note_depth` tokens or
        a little more (see `context`).
        `voice` is the shelf whose line comes before both, or two shelves to mix, which takes twice the time (see
        `mixture`). With `alternatives`, each piece has that many of the most likely tokens. `learned`: the stories that
        `avoid_copying` does not recite; without them it has no effect.

        `stop` may be set from any thread; it is checked before every token and between chunks of a long prefill.
        Pieces that were yielded stay valid. The same text, settings and model give the same story, whatever else
        the program does. Raises ModelError if the logits are not finite.

        An empty text begins a new story. Trailing spaces of the text are not encoded, because GPT-2's tokenizers
        put the space at the front of a word, and a lone space at the end is out of distribution. The first token
        then has to begin with a space, and is shown without it.
        """
        watch, stop = Watch(), stop or threading.Event()
        scene = self._scene(text, memory, note, note_depth, voice, self._guard(settings, learned))
        continuation = Continuation(scene, settings, self._vocabulary)
        yield from self._go_on(continuation, watch, stop, alternatives)
        yield watch.closing(continuation)

    def tell_several(
        self,
        text: str,
        settings: SamplerSettings,
        count: int,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        note_depth: int = NOTE_DEPTH,
        voice: Voice = (),
        alternatives: int = 0,
        learned: Index | None = None,
    ) -> Iterator[tuple[int, Piece | Told]]:
        """Several continuations of one text, with seeds from `settings.seed` on; yields (which one, Piece or Told).

        The prompt is prefilled once and the continuations are decoded as one batch. Batched logits differ from
        single ones in their last digits, so near ties may be decided differently; the same call tells the same
        again. Once the story fills the window, the continuations go on one after another, as `tell` does.
        """
        watch, stop = Watch(), stop or threading.Event()
        scene = self._scene(text, memory, note, note_depth, voice, self._guard(settings, learned))
        rows = [
            Continuation(
                scene, dataclasses.replace(settings, seed=(settings.seed + row) % 2**63), self._vocabulary
            )
            for row in range(count)
        ]
        if count > 1:
            yield from self._decode_batch(rows, stop, alternatives)
            return
        yield from ((0, piece) for piece in self._go_on(rows[0], watch, stop, alternatives))
        yield 0, watch.closing(rows[0])

    def read(
        self,
        text: str,
        stop: threading.Event | None = None,
        *,
        memory: str = "",
        note: str = "",
        note_depth: int = NOTE_DEPTH,
        voice: Voice = (),
        like: TokenHistory | None = None,
    ) -> Iterator[TokensRead]:
        """Read the part of a text in view, and tell nothing: yields its tokens with the logits at the place of each.

        `like`: the text with its ids, as `TokensRead.history` of another model with the same tokenizer.
        """
        if like is not None:
            self._histories.keep(like)
        scene = self._scene(text, memory, note, note_depth, voice)
        continuation = Continuation(scene, SamplerSettings(), self._vocabulary)
        return read_view(self._backend, self._vocabulary, continuation, stop or threading.Event())

    def recall(self, parts: Sequence[tuple[str, Sequence[int]]]) -> None:
        """Read a story as it was told earlier: its parts in order, each with the ids it was told with, if any."""
        self._histories.recall(parts, trims=self._trims)

    def forget(self) -> None:
        """Forget the ids and the caches of all texts; the next text is encoded and read anew."""
        self._caches, self._histories = PrefixCache(self._backend), TokenHistories(self._vocabulary)

    def see(
        self, text: str, memory: str = "", note: str = "", voice: Voice = (), note_depth: int = NOTE_DEPTH
    ) -> Seen:
        """What the model would see of a text; computes no logits."""
        scene = self._scene(text, memory, note, note_depth, voice)
        return Continuation(scene, SamplerSettings(), self._vocabulary).seen

    # -- a single continuation ----------------------------------------------------------------------------------

    def _go_on(
        self, continuation: Continuation, watch: Watch, stop: threading.Event, alternatives: int
    ) -> Iterator[Piece]:
        """Generate one continuation to its end."""
        steps = self._steps if len(continuation.views) == 1 else None  # the graphs read only one view
        caches = [self._caches.take(ids) for ids in continuation.views] if steps is None else [steps.cache]
        try:
            while not continuation.line.stopped_by:
                caches = [
                    self._fitting(*each, continuation.moved)
                    for each in zip(caches, continuation.views, strict=True)
                ]
                watch.reads(sum(map(len, continuation.views)), sum(cache.length for cache in caches))
                knobs = continuation.knobs(self._backend.vocabulary) if steps and not alternatives else None
                if steps is not None and knobs is not None:
                    yield from self._decode_graphed(steps, knobs, continuation, watch, stop)
                    continue
                logits = self._read_views(continuation, caches, stop)
                if logits is None:
                    continuation.line.stop()
                else:
                    continuation.take(logits, alternatives)
                yield from watch.shown(continuation)
        finally:
            for cache in caches if steps is None else ():
                self._caches.keep(cache)
            self._histories.keep(continuation.transcript())

    def _decode_graphed(
        self,
        steps: "GraphedSteps",
        knobs: Knobs,
        continuation: Continuation,
        watch: Watch,
        stop: threading.Event,
    ) -> Iterator[Piece]:
        """Decode with CUDA graphs, choosing tokens on the GPU, until the continuation ends or its view moves."""
        pending = continuation.ids[steps.cache.length :]
        if len(pending) > 1 and self._read(pending[:-1], steps.cache, stop) is None:
            continuation.line.stop()
            return
        for chosen in steps.tell(pending[-1:], knobs, continuation.generator, continuation.changes):
            if stop.is_set():
                continuation.line.stop()
            else:
                continuation.accept(chosen.tokens[0], chosen.logprob[0])
            yield from watch.shown(continuation)
            if continuation.moved or continuation.line.stopped_by:
                return

    def _fitting(self, cache: Any, ids: Sequence[int], moved: bool) -> Any:
        """A cache that holds a proper prefix of `ids`: this one, cut back if necessary, or a new one."""
        if not moved and cache.length < len(ids):
            return cache
        shared = min(common_ids(cache.ids, ids), len(ids) - 1)
        if shared == cache.length:
            return cache
        if not self._backend.can_cut:
            return self._backend.new_cache()
        self._backend.cut(cache, shared)
        return cache

    def _read_views(
        self, continuation: Continuation, caches: list[Any], stop: threading.Event
    ) -> torch.Tensor | None:
        """Prefill what is new in each view -> the logits of the next token, voices mixed; None if stopped."""
        logits_by_view = []
        for ids, cache in zip(continuation.views, caches, strict=True):
            logits = self._read(ids[cache.length :], cache, stop)
            if logits is None:
                return None
            logits_by_view.append(logits[: self._vocabulary.vocabulary_size])
        return mix_logits(logits_by_view, continuation.shares)

    def _read(self, ids: Sequence[int], cache: Any, stop: threading.Event) -> torch.Tensor | None:
        """Append `ids` to the cache -> the logits of the next token; None if stopped."""
        logits = None
        for start in range(0, len(ids), CHUNK):
            if stop.is_set():
                return None
            if self._steps is not None and len(ids) == 1 and cache is self._steps.cache:
                logits = self._steps.read(ids[0])
            else:
                logits = self._backend.read(ids[start : start + CHUNK], cache)
        return None if stop.is_set() else logits

    def _guard(self, settings: SamplerSettings, learned: Index | None) -> CopyGuard | None:
        if learned is None or not settings.avoid_copying:
            return None
        return CopyGuard(learned, self._vocabulary, settings.avoid_copying)

    @property
    def _trims(self) -> bool:
        """Whether spaces at the end are left to the next token; some vocabularies have spaces only as tokens."""
        return bool(token_facts(self._vocabulary).begins_word.any())

    def _scene(
        self,
        text: str,
        memory: str,
        note: str,
        note_depth: int,
        voice: Voice,
        guard: CopyGuard | None = None,
    ) -> Scene:
        encoded = text.rstrip(" \t") if self._trims else text
        return Scene(
            text=self._histories.of(encoded),
            spaces=text[len(encoded) :],
            front=front_of(voice, memory, self._vocabulary),
            note=self._vocabulary.encode(with_ending(note, "\n")),
            window=self.window,
            guard=guard,
            note_depth=note_depth,
        )

    # -- a batch ------------------------------------------------------------------------------------------------

    def _decode_batch(
        self, rows: list[Continuation], stop: threading.Event, alternatives: int
    ) -> Iterator[tuple[int, Piece | Told]]:
        watches = [Watch() for _ in rows]
        prompts = [self._caches.take(ids) for ids in rows[0].views]
        for watch in watches:
            watch.reads(sum(map(len, rows[0].views)), sum(cache.length for cache in prompts))
        prompt_logits = self._read_views(rows[0], prompts, stop)
        logits = None if prompt_logits is None else [prompt_logits] * len(rows)
        batches: list[Any] = []  # one for each view
        active = list(range(len(rows)))
        try:
            while active:
                for place, row in enumerate(active):
                    if logits is None:
                        rows[row].line.stop()
                    elif (
                        not batches or len(rows[row].ids) == batches[0].length
                    ):  # else it waits for another row
                        rows[row].take(logits[place], alternatives)
                for row in active:
                    yield from ((row, piece) for piece in watches[row].shown(rows[row]))
                    if rows[row].line.stopped_by:
                        yield row, watches[row].closing(rows[row])
                still_active = [place for place, row in enumerate(active) if not rows[row].line.stopped_by]
                if still_active and len(still_active) < len(active):
                    for batch in batches:
                        self._backend.drop(batch, still_active)
                active = [active[place] for place in still_active]
                if active:
                    batches = batches or [self._backend.share(cache, len(active)) for cache in prompts]
                    going_on = [rows[row] for row in active]
                    if not self._realign(batches, going_on):
                        break
                    logits = self._read_batches(batches, going_on, stop)
        finally:
            for cache in prompts:
                self._caches.keep(cache)
            for continuation in rows:
                self._histories.keep(continuation.transcript())
        for row in active:
            yield from ((row, piece) for piece in self._go_on(rows[row], watches[row], stop, alternatives))
            yield row, watches[row].closing(rows[row])

    def _realign(self, batches: Sequence[Any], rows: Sequence[Continuation]) -> bool:
        """Cut the caches to where each row has an id to append; False if that cannot be.

        A row that was rolled back is shorter than the others. They wait for it: their own ids are appended again.
        """
        for view, batch in enumerate(batches):
            held = min(len(row.views[view]) for row in rows) - 1
            for row, cached in zip(rows, batch.rows, strict=True):
                if row.moved and common_ids(row.views[view], cached) < held:
                    return False  # the window was full, so that the view begins elsewhere
            if held < batch.length:
                if not self._backend.can_cut:
                    return False
                self._backend.cut(batch, held)
        return True

    def _read_batches(
        self, batches: Sequence[Any], rows: Sequence[Continuation], stop: threading.Event
    ) -> list[torch.Tensor] | None:
        """Append one id to each row of each view -> the logits of each row, voices mixed; None if stopped."""
        if stop.is_set():
            return None
        by_view = [
            self._backend.read_rows([row.views[view][batch.length] for row in rows], batch)
            for view, batch in enumerate(batches)
        ]
        size = self._vocabulary.vocabulary_size
        return [
            mix_logits([logits[place, :size] for logits in by_view], row.shares)
            for place, row in enumerate(rows)
        ]
