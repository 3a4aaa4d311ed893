"""Which tokens of a stream are read and not learned: the header lines before its stories."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

SKIPPED = -1  # in the place of a target that counts for no loss


class Skips:
    """The half-open ranges of a stream of `tokens` (a ring) that count for no loss. `ranges`: (ranges, 2), sorted."""

    def __init__(self, ranges: Any, tokens: int, device: torch.device) -> None:
        self._begins, self._ends = torch.from_numpy(np.array(ranges, np.int64)).to(device).unbind(1)
        self._begins, self._ends = self._begins.contiguous(), self._ends.contiguous()
        self._tokens, self._device = tokens, device
        self.total = int((self._ends - self._begins).sum())  # tokens that don't count

    def hide(self, targets: Tensor, starts: Any) -> Tensor:
        """(windows, block) targets of the windows that begin at `starts`, with SKIPPED for those that don't count."""
        return targets.masked_fill(self._skipped(starts, targets.shape[1]), SKIPPED)

    def counted(self, starts: Any, block: int) -> Tensor:
        """How many targets of these windows count: a number on the device, at least 1."""
        return (~self._skipped(starts, block)).sum().clamp(min=1)

    def _skipped(self, starts: Any, block: int) -> Tensor:
        first = torch.as_tensor(starts, device=self._device)[:, None] + 1  # a target is one token later
        places = (first + torch.arange(block, device=self._device)) % self._tokens
        last = torch.searchsorted(self._begins, places, right=True) - 1  # the range that began last
        return (last >= 0) & (places < self._ends[last.clamp(min=0)])


def skips_of(ranges: Any, tokens: int, device: torch.device) -> Skips | None:
    """The ranges that hold any token; None where none does, as in a stream without headers."""
    held = None if ranges is None else ranges[ranges[:, 0] < ranges[:, 1]]
    return Skips(held, tokens, device) if held is not None and len(held) else None
