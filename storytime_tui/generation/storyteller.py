"""The stream: a model goes on with a text, token by token, until it ends, is long enough or is stopped.

Learned absolute positions cannot slide, so a view that has filled the window is cut to its newest three
quarters and read again; see `context.fit` for where.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol

import torch

from storytime_tui.generation.context import fit
from storytime_tui.generation.decoding import Utf8Stream
from storytime_tui.generation.pieces import Piece, Told
from storytime_tui.generation.sampling import sample
from storytime_tui.generation.settings import SamplerSettings

PREFILL = 128  # tokens read in one call: what a stop may have to wait for


class Vocabulary(Protocol):
    """What the storyteller needs of a tokenizer."""

    @property
    def end_of_text(self) -> int:
        """The id that stands between two stories."""

    @property
    def vocabulary_size(self) -> int:
        """Every id is below it."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text, with no special ones added."""

    def token_bytes(self, token: int, /) -> bytes:
        """What an id adds to the text: perhaps a part of a character."""


class Storyteller:
    """Tells with a model that is already on `device`: ours, or another that reads as it does (`models.loading`).

    `window` is the number of tokens the model may see at once: by default as many as it knows positions for;
    a run that was trained on shorter windows knows only theirs, so pass its block size.
    With precision "bf16" a float32 model computes under autocast; weights loaded as bfloat16 are faster.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Vocabulary,
        device: torch.device,
        precision: str = "fp32",
        window: int | None = None,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = device
        self._autocast = precision == "bf16" and next(model.parameters()).dtype == torch.float32
        self.window: int = window or model.window

    def tell(
        self, text: str, settings: SamplerSettings, stop: threading.Event | None = None
    ) -> Iterator[Piece | Told]:
        """Go on with `text`: a Piece for each token as it is drawn, then one Told.

        `stop` may be set from any thread and is looked at before every token, and between the parts of a
        long prompt; what was told stays told. The same text, settings and model give the same story.
        Nothing of torch's global state changes, not even between two pieces. Raises ModelError where the
        model's answer is not a number.

        An empty text begins a story. A text that ends in spaces is read without them, because tokenizers of
        GPT-2's kind put a space at the front of a word, and a lone one at the end leads nowhere they know;
        the spaces that the model then begins with are dropped, so that the text has them once. (Full token
        healing would also forbid a first token without a space.)
        """
        begun = time.perf_counter()
        stop = stop or threading.Event()
        generator = torch.Generator().manual_seed(settings.seed)
        prompt = text.rstrip(" \t")
        heals = prompt != text
        # Each story of the training stream stands behind an end-of-text, so this is how one begins.
        view = [self._tokenizer.end_of_text, *self._tokenizer.encode(prompt)]
        cache, cached = self._model.new_cache(), 0
        stream = Utf8Stream()
        tokens, first_token_seconds, seconds = 0, 0.0, 0.0
        stopped_by = "length"
        while tokens < settings.max_tokens:
            if len(view) > self.window:
                view = view[fit(view, self.window, max(1, self.window // 4), self._is_break) :]
                cache, cached = self._model.new_cache(), 0
            logits = self._read(view[cached:], cache, stop)
            if logits is None:
                stopped_by = "you"
                break
            cached = len(view)
            token, logprob = sample(logits, settings, generator)
            if token == self._tokenizer.end_of_text:
                stopped_by = "end"
                break
            view.append(token)
            tokens += 1
            added = stream.feed(self._tokenizer.token_bytes(token))
            if heals:
                added = added.lstrip(" ")
                heals = not added
            seconds += time.perf_counter() - begun
            first_token_seconds = first_token_seconds or seconds
            yield Piece(token, added, logprob)
            begun = time.perf_counter()  # what the listener took is not ours
        later = seconds - first_token_seconds
        speed = (tokens - 1) / later if later > 0 else tokens / seconds if seconds > 0 else 0.0
        yield Told(tokens, first_token_seconds, speed, stopped_by, tail=stream.flush())

    def _read(self, ids: list[int], cache: Any, stop: threading.Event) -> torch.Tensor | None:
        """Put `ids` behind what the cache holds; the logits of what follows them, or None when stopped."""
        logits = None
        for start in range(0, len(ids), PREFILL):
            if stop.is_set():
                return None
            logits = self._forward(ids[start : start + PREFILL], cache)
        return None if stop.is_set() else logits

    def _forward(self, ids: list[int], cache: Any) -> torch.Tensor:
        """One call of the model -> (vocabulary,) float32 logits on the CPU of the token after `ids`.

        Modes are entered here, for one call, and not around the stream: they belong to the thread, and a
        generator that is suspended inside one would leave its caller in it.
        """
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast),
            _evaluating(self._model),
        ):
            inputs = torch.tensor([ids], device=self._device)  # (1, tokens)
            # A vocabulary padded for speed has rows that stand for no token.
            last: torch.Tensor = self._model.read(inputs, cache)[0, : self._tokenizer.vocabulary_size]
            return last.float().cpu()

    def _is_break(self, token: int) -> bool:
        return self._tokenizer.token_bytes(token).endswith(b"\n")


@contextlib.contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Dropout off for the block; afterwards every module is in the mode that it was in, each by itself."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
