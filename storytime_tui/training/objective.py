"""The loss: how surprised the model is by each next token."""

from typing import Any

import torch
import torch.nn.functional as F

from storytime_tui.corpus.windows import window_at


def window_batch(
    ids: Any, starts: Any, block: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, both (len(starts), block) int64: the targets are the inputs one token later."""
    windows = torch.stack([torch.from_numpy(window_at(ids, int(start), block + 1)) for start in starts])
    windows = windows.to(device)  # (batch, block + 1)
    return windows[:, :-1], windows[:, 1:]


def next_token_loss(
    model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    """Cross-entropy in nats of `targets` (batch, block) given `inputs` (batch, block), in fp32.

    The cache is off: with it on, transformers' GPT-2 would keep keys and values that training never reads.
    """
    logits = model(input_ids=inputs, use_cache=False).logits  # (batch, block, vocabulary)
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction=reduction)
