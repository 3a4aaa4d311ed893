"""The order in which windows are read: shuffled again for each epoch, the same for the same seed."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from storytime_tui.corpus.windows import epoch_windows
from storytime_tui.training.plan import TrainingPlan, window_count

_RESIDENT = 2**30  # most bytes of tokens kept on a GPU


class WindowOrder:
    """The windows of a run in reading order, epoch after epoch.

    `ids`: the tokens, on the GPU if they fit easily; a CPU reads them from their file. `plan` is resolved. The
    order depends only on the seed and the epoch, so a resumed run has the same order.
    """

    def __init__(self, ids: Any, plan: TrainingPlan, device: torch.device) -> None:
        assert plan.stride
        self.ids = _on_device(ids, device)
        self._stride, self._seed, self._device = plan.stride, plan.seed, device
        self._per_epoch = window_count(len(ids), plan.stride)
        self._epoch: tuple[int, Any] | None = None  # number and starts of the current epoch

    def starts(self, first: int, count: int) -> Any:
        """(count,) start positions in the stream of the run's windows from number `first` on."""
        parts: list[Any] = []
        while count > 0:
            epoch, offset = divmod(first, self._per_epoch)
            part = self._epoch_starts(epoch)[offset : offset + count]
            parts.append(part)
            first, count = first + len(part), count - len(part)
        return torch.cat(parts) if isinstance(parts[0], Tensor) else np.concatenate(parts)

    def _epoch_starts(self, epoch: int) -> Any:
        if self._epoch is None or self._epoch[0] != epoch:
            starts: Any = epoch_windows(len(self.ids), self._stride, self._seed, epoch)
            if isinstance(self.ids, Tensor):
                starts = torch.from_numpy(starts).to(self._device)
            self._epoch = (epoch, starts)
        return self._epoch[1]


def seed_of(seed: int, step: int, window: int) -> int:
    """The seed of the random numbers that a micro-batch uses: `window` is the number of its first one in the step."""
    return int(np.random.SeedSequence([seed, step, window]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _on_device(ids: Any, device: torch.device) -> Any:
    if device.type == "cpu" or 4 * len(ids) > _RESIDENT:
        return ids
    return torch.from_numpy(np.asarray(ids).astype(np.int32)).to(device)
