"""The data of a run."""

from dataclasses import dataclass
from typing import Any

from storytime_tui.training.beginnings import Beginning


@dataclass(frozen=True)
class Dataset:
    """The training and validation token streams (see `corpus.tokens`) and facts about them."""

    training_ids: Any  # (tokens,) integers, memory-mapped
    validation_ids: Any  # (tokens,)
    validation_bytes: int
    stories: int
    validation_stories: int
    token_frequency_loss: float
    fingerprint: str
    copies: int = 0  # duplicate stories left out
    training_skipped: Any = None  # token ranges that do not count in the loss
    validation_skipped: Any = None
    beginnings: tuple[Beginning, ...] = ()  # prompts of samples; only the plan's if empty
