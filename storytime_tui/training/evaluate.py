"""Evaluating a model on a text: loss, perplexity and bits per byte."""

import contextlib
import math
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import torch

from storytime_tui.training.distributed import Ranks
from storytime_tui.training.loss import window_batch
from storytime_tui.training.skips import SKIPPED, skips_of

ONE_RANK = Ranks()
ScoredWindow = tuple[int, int, int]  # start, length, number of first targets that an earlier window counts


@dataclass(frozen=True)
class Score:
    """`loss` in nats per token, including the end-of-text after each story; `bits_per_byte` is the total loss in
    bits over the stories' UTF-8 bytes. It is comparable across tokenizers, the other two are not."""

    loss: float
    perplexity: float
    bits_per_byte: float
    tokens: int
    bytes: int


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context of the forward pass: matrix products in 16 bits, or nothing for fp32.

    The 16-bit copies of weights are not cached, because each is used only once per pass. With gradient
    checkpointing a cache would add two bytes per parameter to the peak.
    """
    if precision != "fp32":
        dtype = torch.bfloat16 if precision == "bf16" else torch.float16
        return torch.autocast(device.type, dtype=dtype, cache_enabled=False)
    return contextlib.nullcontext()


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode for the block; the previous mode is restored afterwards."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def score_in_batches(
    objective: torch.nn.Module,
    ids: Any,
    text_bytes: int,
    *,
    block: int,
    batch: int,
    device: torch.device,
    precision: str,
    ranks: Ranks = ONE_RANK,
    stride: int | None = None,
    skipped: Any = None,
    most: int | None = None,
) -> Generator[tuple[int, int], None, Score]:
    """Score a token stream (1-D integer array that begins with end-of-text and is read as a ring).

    Yields the windows done and their number after each batch, and returns the score. `skipped`: (ranges, 2) token
    ranges that are read but do not count (see `corpus.tokens`). `objective` is a model with its loss
    (`loss.Objective`). Every token is a target exactly once, with up to `block` tokens of context. Windows are
    disjoint, or start `stride` tokens apart; then every token but the first ones has at least `block - stride` tokens
    of context. Of a stream with more than `most` tokens, only that many are targets, in evenly spaced windows. Several
    ranks share the batches, and each gets the score.
    """
    tokens = len(ids)
    block = min(block, tokens)
    skips = skips_of(skipped, tokens, device)
    windows = (
        disjoint_windows(tokens, block)
        if stride is None or stride >= block
        else sliding_windows(tokens, block, stride)
    )
    whole = most is None or tokens <= most
    windows = windows if whole else _evenly_spaced(windows, max(1, (most or 0) // block))
    nats, done = torch.zeros((), dtype=_sum_dtype(device), device=device), 0
    seen = torch.zeros((), dtype=torch.int64, device=device)  # targets that count
    with evaluating(objective):
        for number, (group, length, skip) in enumerate(_in_batches(windows, batch)):
            # with FSDP all ranks take part in every batch
            if ranks.sharded or number % ranks.count == ranks.rank:
                inputs, targets = window_batch(ids, group, length, device, skips)
                with torch.no_grad(), autocast(device, precision):  # no_grad must not last over a yield
                    batch_nats = objective(inputs, targets, reduction="sum", skip=skip)
                nats += batch_nats / (ranks.count if ranks.sharded else 1)
            if not whole:  # every rank counts all windows
                _, targets = window_batch(ids, group, length, device, skips)
                seen += (targets[:, skip:] != SKIPPED).sum()
            done += len(group)
            yield done, len(windows)
    total = ranks.sum(nats).item()
    every = tokens - (skips.total if skips else 0)
    loss = total / (every if whole else int(seen))
    bits = (total if whole else loss * every) / math.log(2) / max(1, text_bytes)
    return Score(loss, perplexity_of(loss), bits, every if whole else int(seen), text_bytes)


def _evenly_spaced(windows: list[ScoredWindow], count: int) -> list[ScoredWindow]:
    return [windows[place * len(windows) // count] for place in range(count)]


def disjoint_windows(tokens: int, block: int) -> list[ScoredWindow]:
    """Adjacent windows; the last may be shorter."""
    return [(start, min(block, tokens - start), 0) for start in range(0, tokens, block)]


def sliding_windows(tokens: int, block: int, stride: int) -> list[ScoredWindow]:
    """Windows of equal length, `stride` tokens apart; each counts only the targets after the previous window."""
    ends = [*range(block, tokens, stride), tokens]
    return [(end - block, block, block - (end - previous)) for previous, end in pairwise([0, *ends])]


def _in_batches(windows: list[ScoredWindow], batch: int) -> Iterator[tuple[list[int], int, int]]:
    """Windows of equal length and skip in batches."""
    for (length, skip), group in groupby(windows, key=lambda window: window[1:]):
        starts = [start for start, _, _ in group]
        for index in range(0, len(starts), batch):
            yield starts[index : index + batch], length, skip


def _sum_dtype(device: torch.device) -> torch.dtype:
    """64 bits for sums of many losses, if the device has them."""
    return torch.float32 if device.type == "mps" else torch.float64


def perplexity_of(loss: float) -> float:
    """exp(loss); infinite on overflow."""
    return math.exp(loss) if loss < 700 else math.inf
