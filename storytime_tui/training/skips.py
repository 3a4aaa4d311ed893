"""Tokens of a stream that are read but not learned: the header lines before its stories."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

SKIPPED = -1  # target that does not count in the loss


class Skips:
    """The half-open ranges of a stream of `tokens` (a ring) that do not count. `ranges`: (ranges, 2), sorted."""

    def __init__(self, ranges: Any, tokens: int, device: torch.device) -> None:
        self._begins, self._ends = torch.from_numpy(np.array(ranges, np.int64)).to(device).unbind(1)
        self._begins, self._ends = self._begins.contiguous(), self._ends.contiguous()
        self._tokens, self._device = tokens, device
        self.total = int((self._ends - self._begins).sum())  # number of tokens that don't count

    def hide(self, targets: Tensor, starts: Any) -> Tensor:
        """(windows, block) targets of the windows at `starts`, with SKIPPED for those that don't count."""
        return targets.masked_fill(self._skipped(starts, targets.shape[1]), SKIPPED)

    def counted(self, starts: Any, block: int) -> Tensor:
        """How many targets of these windows count: a number on the device, at least 1."""
        return (~self._skipped(starts, block)).sum().clamp(min=1)

    def _skipped(self, starts: Any, block: int) -> Tensor:
        first = torch.as_tensor(starts, device=self._device)[:, None] + 1  # targets are one token later
        positions = (first + torch.arange(block, device=self._device)) % self._tokens
        last = torch.searchsorted(self._begins, positions, right=True) - 1  # the last range that has begun
        return (last >= 0) & (positions < self._ends[last.clamp(min=0)])


def skips_of(ranges: Any, tokens: int, device: torch.device) -> Skips | None:
    """The skips of non-empty ranges; None if there are none, as in a stream without headers."""
    non_empty = None if ranges is None else ranges[ranges[:, 0] < ranges[:, 1]]
    return Skips(non_empty, tokens, device) if non_empty is not None and len(non_empty) else None
