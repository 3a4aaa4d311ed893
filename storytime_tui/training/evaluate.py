"""How well a model knows a text: loss, perplexity and bits per byte."""

import contextlib
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from storytime_tui.training.objective import next_token_loss, window_batch


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
    """The context in which the forward pass runs: bfloat16 matrix products, or nothing for fp32."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
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
    model: torch.nn.Module,
    ids: Any,
    text_bytes: int,
    *,
    block: int,
    batch: int,
    device: torch.device,
    precision: str,
    on_batch: Callable[[int, int], bool] | None = None,
) -> Score | None:
    """Score a token stream (1-D integer array that begins with end-of-text and is read as a ring).

    Every token is a target exactly once, with up to `block` tokens before it; windows don't overlap.
    `on_batch(windows_done, windows)` is called after each batch and gives up (None) when it returns False.
    """
    tokens = len(ids)
    block = min(block, tokens)
    starts = list(range(0, tokens, block))
    whole = [start for start in starts if start + block <= tokens]
    groups = [(whole[i : i + batch], block) for i in range(0, len(whole), batch)]
    if starts[-1] + block > tokens:
        groups.append(([starts[-1]], tokens - starts[-1]))
    nats, done = 0.0, 0
    with evaluating(model), torch.no_grad():
        for group, length in groups:
            inputs, targets = window_batch(ids, group, length, device)
            with autocast(device, precision):
                nats += next_token_loss(model, inputs, targets, reduction="sum").item()
            done += len(group)
            if on_batch is not None and not on_batch(done, len(starts)):
                return None
    loss = nats / tokens
    return Score(loss, perplexity_of(loss), nats / math.log(2) / max(1, text_bytes), tokens, text_bytes)


def perplexity_of(loss: float) -> float:
    """e to the loss; infinite where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf
