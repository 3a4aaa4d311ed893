"""A sample of a model that is learning: told as it stands, to a whole sentence, changing nothing of it."""

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
# Parameters. A smaller model's products are too short for two threads: one waits for the other at each of them, which
# makes a sample four times as long on a machine that is busy, and no shorter on one that is not.
_SHARED = 50_000_000


def sampler_of(model: Any, tokenizer: "Tokenizer", window: int | None) -> Sample:
    """What tells a sample: `sample(beginning, tokens, seed)`, the text without the prompt. `window` in tokens.

    The same weights, beginning, tokens and seed give the same text; torch's own random state is left as it is.
    """
    alone = sum(parameter.numel() for parameter in model.parameters()) < _SHARED

    def sample(beginning: Beginning, tokens: int, seed: int) -> str:
        from storytime_tui.generation.backends.live import LiveBackend
        from storytime_tui.generation.backends.threads import using_threads
        from storytime_tui.generation.generator import Generator
        from storytime_tui.generation.pieces import Piece
        from storytime_tui.generation.sampling.settings import SamplerSettings

        # a new one each time: what the last one has read, it read with other weights
        teller = Generator(LiveBackend(model), tokenizer, window=window)

        voice = usual((beginning.voice,) if beginning.voice else ())

        def tell(settings: SamplerSettings) -> str:
            told = teller.tell(beginning.prompt, settings, voice=voice)
            return "".join(piece.text for piece in told if isinstance(piece, Piece))

        settings = SamplerSettings(max_tokens=tokens, seed=seed)
        with using_threads(1) if alone else contextlib.nullcontext():
            text = whole_sentences(beginning.prompt, tell(settings))
            if text:
                return text
            # within the first sentence: by the same draws, and as far on as it takes
            return tell(dataclasses.replace(settings, finish_sentence=True))

    return sample


def whole_sentences(prompt: str, text: str) -> str:
    """`text`, told after `prompt`, back to its last whole sentence; "" where it has none."""
    return text[: max(0, sentence_cut(prompt + text, len(prompt)) - len(prompt))]
