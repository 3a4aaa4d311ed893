"""Each token of a text under a model: its logprob, its rank, and the likeliest tokens at its place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from storytime_tui.training.evaluate import autocast, evaluating, sliding_windows

_ROWS = 128  # positions whose logits are copied to fp32 at once: 26 MB with GPT-2's vocabulary


@dataclass(frozen=True)
class TokenScore:
    """`logprob` in nats; `rank` 1 for the model's first choice; `likeliest`: (id, logprob), the most likely first."""

    logprob: float
    rank: int
    likeliest: tuple[tuple[int, float], ...]


def score_tokens(
    model: Any,
    ids: Sequence[int],
    *,
    start: int,
    line: Sequence[int] = (),
    block: int,
    top: int,
    device: torch.device,
    precision: str,
    on_window: Callable[[int, int], None] | None = None,
    on_logits: Callable[[Tensor], None] | None = None,
) -> Iterator[TokenScore]:
    """Yield the score of each of `ids`, given all before it in its window of at most `block` tokens.

    `start` is the id of end-of-text, which comes before the first token. `line` is in view in every window, before the
    text; it must be shorter than `block`. Windows slide by half of their text: each token is scored once, and all but
    those of the first window have at least half a window of text before them. The logits of one window are in memory
    at a time. `likeliest` has `top` tokens, or the whole vocabulary if that is smaller. `on_window(tokens_done,
    tokens)` is called before each window is read. `on_logits(rows)` gets the (tokens, vocabulary) fp32 logits of each
    window's scores, before the first of them.
    """
    stream = [start, *ids]
    room = block - len(line)
    for begin, length, skip in sliding_windows(len(ids), min(room, len(ids)), max(1, room // 2)):
        if on_window is not None:
            on_window(begin + skip, len(ids))
        inputs = stream[begin : begin + length]
        inputs = [start, *line, *inputs[1:]] if begin == 0 else [*line, *inputs]
        targets = stream[begin + skip + 1 : begin + length + 1]
        yield from _score_window(model, inputs, targets, top, device, precision, on_logits)


@torch.no_grad()
def next_logits(model: Any, ids: Sequence[int], device: torch.device, precision: str) -> Tensor:
    """The (vocabulary,) fp32 logits after `ids`, which are not empty and fit the model's window."""
    with evaluating(model), autocast(device, precision):
        logits: Tensor = model(torch.tensor([list(ids)], device=device))[0, -1]
    return logits.float().cpu()


@torch.no_grad()
def _score_window(
    model: Any,
    inputs: list[int],
    targets: list[int],
    top: int,
    device: torch.device,
    precision: str,
    on_logits: Callable[[Tensor], None] | None,
) -> list[TokenScore]:
    """The scores of `targets`, which the last positions of `inputs` predict."""
    with evaluating(model), autocast(device, precision):
        logits: Tensor = model(torch.tensor([inputs], device=device))[0]  # (inputs, vocabulary)
    logits = logits[-len(targets) :]
    labels = torch.tensor(targets, device=device)[:, None]
    if on_logits is not None:
        on_logits(logits.float())
    scores: list[TokenScore] = []
    for rows, own in zip(torch.split(logits, _ROWS), torch.split(labels, _ROWS), strict=True):
        scores += score_rows(rows.float(), own, top)
    return scores


def score_rows(logits: Tensor, labels: Tensor, top: int) -> list[TokenScore]:
    """(rows, vocabulary) logits, (rows, 1) ids -> a score per row."""
    total = logits.logsumexp(-1, keepdim=True)
    own = logits.gather(1, labels)
    ranks = (logits > own).sum(-1) + 1
    highest, ids = logits.topk(min(top, logits.shape[1]), sorted=True)
    columns = ((own - total)[:, 0].tolist(), ranks.tolist(), ids.tolist(), (highest - total).tolist())
    return [
        TokenScore(logprob, rank, tuple(zip(likeliest, logprobs, strict=True)))
        for logprob, rank, likeliest, logprobs in zip(*columns, strict=True)
    ]
