"""A sample of a model that is learning: told as it stands, to a whole sentence, changing nothing of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from storytime_tui.corpus.headers import shelf_line
from storytime_tui.generation.sentences import sentence_cut
from storytime_tui.training.beginnings import Beginning

if TYPE_CHECKING:
    from storytime_tui.models.tokenizer import Tokenizer

Sample = Callable[[Beginning, int, int], str]


def sampler_of(model: Any, tokenizer: "Tokenizer", window: int | None) -> Sample:
    """What tells a sample: `sample(beginning, tokens, seed)`, the text without the prompt. `window` in tokens.

    The same weights, beginning, tokens and seed give the same text; torch's own random state is left as it is.
    """

    def sample(beginning: Beginning, tokens: int, seed: int) -> str:
        from storytime_tui.generation.live_reader import LiveReader
        from storytime_tui.generation.pieces import Piece
        from storytime_tui.generation.settings import SamplerSettings
        from storytime_tui.generation.storyteller import Storyteller

        # a new one each time: what the last one has read, it read with other weights
        teller = Storyteller(LiveReader(model), tokenizer, window=window)
        settings = SamplerSettings(max_tokens=tokens, seed=seed, finish_sentence=True)
        told = teller.tell(_behind_line(beginning), settings)
        text = "".join(piece.text for piece in told if isinstance(piece, Piece))
        return whole_sentences(beginning.prompt, text)

    return sample


def _behind_line(beginning: Beginning) -> str:
    # until the Storyteller takes a voice: before a word the header is read as in training (`headers.header_ids`)
    line = shelf_line(beginning.voice)
    return f"{line}\n{beginning.prompt}" if line else beginning.prompt


def whole_sentences(prompt: str, text: str) -> str:
    """`text`, told after `prompt`, back to its last whole sentence; all of it where it has none."""
    place = sentence_cut(prompt + text, len(prompt)) - len(prompt)
    return text[:place] if place > 0 else text
