"""What a run learns from and is judged by."""

from dataclasses import dataclass
from typing import Any

from storytime_tui.training.beginnings import Beginning


@dataclass(frozen=True)
class Dataset:
    """What is learned from: two token streams (see `corpus.tokens`) and what is known about them."""

    training_ids: Any  # (tokens,) integers, memory-mapped
    validation_ids: Any  # (tokens,)
    validation_bytes: int
    stories: int
    validation_stories: int
    token_frequency_loss: float
    fingerprint: str
    copies: int = 0  # stories that were told twice, and left out
    training_skipped: Any = None  # (ranges, 2): which tokens are read and not learned
    validation_skipped: Any = None
    beginnings: tuple[Beginning, ...] = ()  # what samples are told from; the plan's prompt alone where empty
