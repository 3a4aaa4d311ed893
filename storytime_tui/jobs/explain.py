"""Explains a text token by token: how likely a model finds each, and what it would rather have said. Loads torch when
a model opens."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storytime_tui.errors import ModelError
from storytime_tui.generation import voice as voices
from storytime_tui.generation.context import lay_out
from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.header import front_of
from storytime_tui.generation.voice import Voice
from storytime_tui.jobs.find_model import Origin, check_trained, find_origin
from storytime_tui.jobs.models import open_model
from storytime_tui.jobs.run_bases import check_adapter
from storytime_tui.reporting import Report
from storytime_tui.training import runs

if TYPE_CHECKING:
    import torch

    from storytime_tui.generation.sampling.vocabulary import Vocabulary
    from storytime_tui.models.tokenizer import Tokenizer
    from storytime_tui.training.token_scores import TokenScore

TOP = 10  # likeliest tokens at each place


@dataclass(frozen=True)
class Likely:
    """A token that could stand at a place. `text` is empty for end-of-text; `logprob` in nats."""

    text: str
    logprob: float


@dataclass(frozen=True)
class Scored:
    """A token under one model. `logprob` in nats, given all before it; `rank` 1 is the model's first choice.

    `likeliest`: the ten most likely tokens at its place, the first choice first; fewer in a smaller vocabulary.
    """

    logprob: float
    rank: int
    likeliest: tuple[Likely, ...]


@dataclass(frozen=True)
class TokenExplained:
    """A token of the text under the model, as in `Scored`, and under the second model in `versus`, if there is one.

    `text` is what the token adds to the text, empty while a character is incomplete.
    """

    id: int
    text: str
    logprob: float
    rank: int
    likeliest: tuple[Likely, ...]
    versus: Scored | None = None

    @property
    def difference(self) -> float:
        """How much likelier the token is under the model than under the second one, in nats; 0 without a second."""
        return self.logprob - self.versus.logprob if self.versus is not None else 0.0


@dataclass(frozen=True)
class OpenedModel:
    """A model to explain with. `titles`: the voices that it knows; `told_at`: its usual strength for `tell`."""

    name: str
    titles: tuple[str, ...]
    told_at: float
    model: Any
    tokenizer: Tokenizer
    block: int  # tokens in a window
    device: torch.device
    precision: str


@dataclass(frozen=True)
class Explainer:
    """One model, or two with the same tokenizer, whose figures stand side by side."""

    model: OpenedModel
    versus: OpenedModel | None = None

    @property
    def models(self) -> tuple[OpenedModel, ...]:
        """The model, and the second one if there is one."""
        return (self.model,) if self.versus is None else (self.model, self.versus)

    def voices(self, asked: str | None) -> tuple[Voice, ...]:
        """The voice of each model: the one that is `asked` for (a title or "none"), or for None the model's usual one.

        The second model has its usual voice if it does not know this one. Raises ModelError for a voice that the first
        model does not know.
        """
        own = (
            voices.usual(self.model.titles) if asked is None else voices.asked_for([asked], self.model.titles)
        )
        if self.versus is None:
            return (own,)
        return own, voices.known(None if asked is None else own, self.versus.titles)


def open_explainer(
    model: str,
    report: Report,
    *,
    versus: str | None = None,
    checkpoint: str | None = None,
    device_name: str = "auto",
    precision: str = "fp32",
) -> Explainer:
    """Load a model, and a second one to compare it with: runs as they were trained (strength 1), bases or folders.

    `checkpoint`: of the run `model`: "best", "last" or "step-20". Raises ModelError, also if the tokenizers differ, and
    RunError.
    """
    if checkpoint is not None:
        runs.run_folder(model)  # raises RunError: there is no such run
        model = f"{model}/{checkpoint}"
    names = [model] if versus is None else [model, versus]
    for name in names:
        check_trained(name)
    origins = [find_origin(name, report) for name in names]
    for origin in origins:
        check_adapter(origin)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    tokenizers = [load_tokenizer(origin.folder) for origin in origins if origin.folder is not None]
    if len({tokenizer.fingerprint for tokenizer in tokenizers}) > 1:
        raise ModelError(
            f"{model} and {versus} have different tokenizers, so their tokens cannot be compared: choose a model with "
            f"the tokenizer of {model}, or compare the two with `storytime-tui evaluate`."
        )
    report("loading the model", 0, 0)
    device = loading.choose_device(device_name)
    precision = loading.choose_precision(precision, device)
    opened = [_open(origin, tokenizers[0], device, precision) for origin in origins]
    return Explainer(*opened)


def _open(origin: Origin, tokenizer: Tokenizer, device: torch.device, precision: str) -> OpenedModel:
    import torch

    model = open_model(origin, device, torch.float32).model
    block = origin.block(model.window)
    titles = tuple(dict.fromkeys(origin.voices.titles))
    return OpenedModel(
        origin.name, titles, origin.voices.strength, model, tokenizer, block, device, precision
    )


def explain_text(
    explainer: Explainer,
    text: str,
    voice_of_each: tuple[Voice, ...],
    report: Report,
    on_logits: Callable[[torch.Tensor], None] | None = None,
) -> Iterator[TokenExplained]:
    """Yield each token of `text` as the models see it, in order. `voice_of_each`: for each model, one shelf or none.

    The first token follows an end-of-text, as a story does in training, and the shelf's line if there is a voice. In a
    long text the line stays in view; each token has at least half a window of text before it. A text without tokens
    yields nothing. `on_logits` gets the first model's logits, as in `score_tokens`. Raises ModelError if a model's
    logits are not numbers.
    """
    tokenizer = explainer.model.tokenizer
    ids = tokenizer.encode(text)
    if not ids:
        return
    first = _scores(explainer.model, ids, voice_of_each[0], report, on_logits)
    second = iter(()) if explainer.versus is None else _scores(explainer.versus, ids, voice_of_each[1])
    detokenizer = Detokenizer()
    for number, (token, score) in enumerate(zip(ids, first, strict=True)):
        held = detokenizer.held
        piece = detokenizer.feed(tokenizer.token_bytes(token))
        if number == 0 and not text.startswith(" "):
            piece = piece.lstrip(" ")  # SentencePiece adds a space before the first word
        if number == len(ids) - 1:
            piece += detokenizer.flush()
        scored = scored_with_texts(score, held, tokenizer)
        other = next(second, None)
        versus = None if other is None else scored_with_texts(other, held, tokenizer)
        yield TokenExplained(token, piece, scored.logprob, scored.rank, scored.likeliest, versus)


def front_ids(opened: OpenedModel, voice: Voice) -> tuple[int, ...]:
    """The ids before the first token of a text: end-of-text, and the shelf's line if there is a voice."""
    front = front_of(voice, "", opened.tokenizer)
    end = opened.tokenizer.end_of_text
    return lay_out([], opened.block, lambda token: False, start=end, lines=front.lines, blank=front.blank).ids


def _scores(
    opened: OpenedModel,
    ids: list[int],
    voice: Voice,
    report: Report | None = None,
    on_logits: Callable[[torch.Tensor], None] | None = None,
) -> Iterator[TokenScore]:
    from storytime_tui.training.token_scores import score_tokens

    def on_window(done: int, total: int) -> None:
        if report is not None:
            report("measuring the tokens", done, total)

    end, *line = front_ids(opened, voice)
    for score in score_tokens(
        opened.model,
        ids,
        start=end,
        line=line,
        block=opened.block,
        top=TOP,
        device=opened.device,
        precision=opened.precision,
        on_window=on_window,
        on_logits=on_logits,
    ):
        if not math.isfinite(score.logprob):
            raise ModelError(
                f"The logits of {opened.name} are not numbers: its training diverged. Pick an earlier checkpoint, or "
                "train again with a smaller learning rate."
            )
        yield score


def scored_with_texts(score: TokenScore, held: bytes, vocabulary: Vocabulary) -> Scored:
    """A score with the texts of its tokens; `held`: the bytes of an incomplete character before them."""
    likeliest = tuple(
        Likely((held + vocabulary.token_bytes(token)).decode("utf-8", "replace"), logprob)
        for token, logprob in score.likeliest
    )
    return Scored(score.logprob, score.rank, likeliest)


def bits_per_byte(logprob: float, text: str) -> float:
    """The bits that a text costs per UTF-8 byte. `logprob`: the sum over its tokens, in nats."""
    return -logprob / math.log(2) / max(1, len(text.encode()))
