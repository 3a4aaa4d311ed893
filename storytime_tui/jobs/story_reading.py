"""A written story as a model reads it: how likely each word was, and what could have come instead.

The figures are those of `explain`, but for the story as it is in view when the model continues it: with its memory,
author's note and voice, and with the ids that it was told with. Loads torch when a story is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storytime_tui.errors import ModelError
from storytime_tui.generation.detokenizer import Detokenizer
from storytime_tui.generation.token_history import EMPTY, TokenHistory
from storytime_tui.jobs.explain import TOP, Likely, scored_with_texts
from storytime_tui.reporting import Report

if TYPE_CHECKING:
    from storytime_tui.generation.reading import TokensRead
    from storytime_tui.generation.sampling.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenRead:
    """A token of a story: its characters `start` to `end`, how likely it was, and the ten likeliest at its place.

    `logprob` in nats, given all before it in view; `rank` 1 is the model's first choice. A token that ends within a
    character has no characters.
    """

    id: int
    start: int
    end: int
    logprob: float
    rank: int
    likeliest: tuple[Likely, ...]


@dataclass(frozen=True)
class StoryReading:
    """The tokens of a story that a model has in view, in order. `history`: the whole story with its ids.

    `vocabulary`: the number of tokens that the model chooses from.
    """

    tokens: tuple[TokenRead, ...]
    vocabulary: int
    history: TokenHistory = EMPTY


def read_tokens(groups: Iterator[TokensRead], vocabulary: Vocabulary, report: Report) -> StoryReading:
    """Score the tokens of a story, which `Generator.read` yields. Raises ModelError if logits are not numbers."""
    import torch

    from storytime_tui.training.token_scores import score_rows

    tokens: list[TokenRead] = []
    history, stream = EMPTY, Detokenizer()
    report("measuring the words", 0, 0)
    for group in groups:
        history, start = group.history, group.start
        scores = score_rows(group.logits, torch.tensor(group.ids)[:, None], TOP)
        for token, end, score in zip(group.ids, group.ends, scores, strict=True):
            if math.isnan(score.logprob):  # -inf is a word that a voice in contrast never says
                raise ModelError(
                    "The model's logits are not numbers: its training diverged. Choose another model."
                )
            scored = scored_with_texts(score, stream.held, vocabulary)
            stream.feed(vocabulary.token_bytes(token))
            tokens.append(TokenRead(token, start, end, scored.logprob, scored.rank, scored.likeliest))
            start = end
        report("measuring the words", group.done, group.total)
    return StoryReading(tuple(tokens), vocabulary.vocabulary_size, history)
