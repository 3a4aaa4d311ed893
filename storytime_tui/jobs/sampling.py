"""Tells samples with a model during training, to the end of a sentence, without changing the model."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from storytime_tui.generation.sentences import sentence_cut
from storytime_tui.generation.voice import usual
from storytime_tui.training.beginnings import Beginning

if TYPE_CHECKING:
    from storytime_tui.models.tokenizer import Tokenizer

Sample = Callable[[Beginning, int, int], str]
# Parameters. For a smaller model, two threads spend more time waiting for each other than multiplying: a sample takes
# four times as long on a busy machine, and no less time on an idle one.
_MULTITHREADED = 50_000_000


def sampler_of(model: Any, tokenizer: "Tokenizer", window: int | None) -> Sample:
    """A function `sample(beginning, tokens, seed)` that returns the text without the prompt. `window` in tokens.

    The same weights, beginning, tokens and seed give the same text. Torch's global random state is not used.
    """
    small = sum(parameter.numel() for parameter in model.parameters()) < _MULTITHREADED

    def sample(beginning: Beginning, tokens: int, seed: int) -> str:
        from storytime_tui.generation.backends.live import LiveBackend
        from storytime_tui.generation.backends.threads import using_threads
        from storytime_tui.generation.generator import Generator
        from storytime_tui.generation.pieces import Piece
        from storytime_tui.generation.sampling.settings import SamplerSettings

        # new for each sample: the cache of the last one belongs to older weights
        teller = Generator(LiveBackend(model), tokenizer, window=window)

        voice = usual((beginning.voice,) if beginning.voice else ())

        def tell(settings: SamplerSettings) -> str:
            told = teller.tell(beginning.prompt, settings, voice=voice)
            return "".join(piece.text for piece in told if isinstance(piece, Piece))

        settings = SamplerSettings(max_tokens=tokens, seed=seed)
        with using_threads(1) if small else contextlib.nullcontext():
            text = whole_sentences(beginning.prompt, tell(settings))
            if text:
                return text
            # no whole sentence: tell again with the same seed, up to the end of the first sentence
            return tell(dataclasses.replace(settings, finish_sentence=True))

    return sample


def whole_sentences(prompt: str, text: str) -> str:
    """`text`, the continuation of `prompt`, cut after its last whole sentence; "" if it has none."""
    return text[: max(0, sentence_cut(prompt + text, len(prompt)) - len(prompt))]
