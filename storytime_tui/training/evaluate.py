"""How well a model knows a text: loss, perplexity and bits per byte."""

import contextlib
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import torch

from storytime_tui.training.distributed import Ranks
from storytime_tui.training.loss import window_batch
from storytime_tui.training.skips import skips_of

ALONE = Ranks()


@dataclass(frozen=True)
class Score:
    """`loss` in nats per token, end-of-text after each story included; `bits_per_byte` is all of those nats,
    in bits, over the stories' UTF-8 bytes: it can be compared across tokenizers, the other two cannot."""

    loss: float
    perplexity: float
    bits_per_byte: float
    tokens: int
    bytes: int


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context in which the forward pass runs: matrix products in 16 bits, or nothing for fp32.

    No 16-bit copy of a weight is kept for a second use: there is none in one pass, and where blocks are computed
    twice all the copies would lie there at the height of it, two bytes for each number of the model.
    """
    if precision != "fp32":
        dtype = torch.bfloat16 if precision == "bf16" else torch.float16
        return torch.autocast(device.type, dtype=dtype, cache_enabled=False)
    return contextlib.nullcontext()


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Dropout off for the block, and back as it was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def score_stream(
    objective: torch.nn.Module,
    ids: Any,
    text_bytes: int,
    *,
    block: int,
    batch: int,
    device: torch.device,
    precision: str,
    on_batch: Callable[[int, int], bool] | None = None,
    ranks: Ranks = ALONE,
    stride: int | None = None,
    skipped: Any = None,
) -> Score | None:
    """Score a token stream (1-D integer array that begins with end-of-text and is read as a ring).

    `skipped`: (ranges, 2) places of tokens that are read and count for nothing (see `corpus.tokens`).

    `objective` is a model with its loss (`loss.Objective`). Every token is a target exactly once, with up
    to `block` tokens before it. Windows don't overlap, or, with a `stride`, begin so far apart: then each token
    but the first has at least `block - stride` before it. `on_batch(windows_done, windows)` is called after each
    batch and gives up (None) when it returns False. Many ranks share the batches, and each gets the score.
    """
    tokens = len(ids)
    block = min(block, tokens)
    skips = skips_of(skipped, tokens, device)
    windows = (
        side_by_side(tokens, block) if stride is None or stride >= block else sliding(tokens, block, stride)
    )
    groups = list(_in_batches(windows, batch))
    nats, done = torch.zeros((), dtype=_sums(device), device=device), 0
    with evaluating(objective), torch.no_grad():
        for number, (group, length, skip) in enumerate(groups):
            # where each rank holds a part of the model, all of them take part in every batch
            if ranks.sharded or number % ranks.count == ranks.rank:
                inputs, targets = window_batch(ids, group, length, device, skips)
                with autocast(device, precision):
                    found = objective(inputs, targets, reduction="sum", skip=skip)
                nats += found / (ranks.count if ranks.sharded else 1)
            done += len(group)
            if on_batch is not None and not on_batch(done, len(windows)):
                return None
    total = ranks.sum(nats).item()
    counted = tokens - (skips.total if skips else 0)
    loss = total / counted
    return Score(loss, perplexity_of(loss), total / math.log(2) / max(1, text_bytes), counted, text_bytes)


ScoredWindow = tuple[
    int, int, int
]  # where it begins, its length, how many of its first targets were counted before


def side_by_side(tokens: int, block: int) -> list[ScoredWindow]:
    """Windows side by side; the last may be shorter."""
    return [(start, min(block, tokens - start), 0) for start in range(0, tokens, block)]


def sliding(tokens: int, block: int, stride: int) -> list[ScoredWindow]:
    """Windows of one length, `stride` tokens apart; each counts what the one before it did not reach."""
    ends = [*range(block, tokens, stride), tokens]
    return [(end - block, block, block - (end - before)) for before, end in pairwise([0, *ends])]


def _in_batches(windows: list[ScoredWindow], batch: int) -> Iterator[tuple[list[int], int, int]]:
    """Windows of one length and skip together, at most so many."""
    for (length, skip), some in groupby(windows, key=lambda window: window[1:]):
        starts = [start for start, _, _ in some]
        for at in range(0, len(starts), batch):
            yield starts[at : at + batch], length, skip


def _sums(device: torch.device) -> torch.dtype:
    """Sums of many losses are kept in 64 bits, where the device has them."""
    return torch.float32 if device.type == "mps" else torch.float64


def perplexity_of(loss: float) -> float:
    """e to the loss; infinite where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf
