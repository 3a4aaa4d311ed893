"""Which window of the stories is read when: shuffled anew in every epoch, the same for the same seed."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from storytime_tui.corpus.windows import epoch_windows
from storytime_tui.training.plan import TrainingPlan, window_count

_RESIDENT = 2**30  # bytes of tokens that may live on the device


class WindowOrder:
    """The windows of a run in the order in which they are read; epochs follow one another.

    `ids`: the tokens, on the device where they fit there easily; a CPU reads them from their file. `plan` is
    resolved. Nothing is random but by the seed and the epoch, so a run that goes on has the same order.
    """

    def __init__(self, ids: Any, plan: TrainingPlan, device: torch.device) -> None:
        assert plan.stride
        self.ids = _resident(ids, device)
        self._stride, self._seed, self._device = plan.stride, plan.seed, device
        self._per_epoch = window_count(len(ids), plan.stride)
        self._epoch: tuple[int, Any] | None = None  # its number, and where its windows start

    def starts(self, first: int, count: int) -> Any:
        """(count,) places in the stream where the run's windows from number `first` on start."""
        found: list[Any] = []
        while count > 0:
            epoch, place = divmod(first, self._per_epoch)
            some = self._of_epoch(epoch)[place : place + count]
            found.append(some)
            first, count = first + len(some), count - len(some)
        return torch.cat(found) if isinstance(found[0], Tensor) else np.concatenate(found)

    def _of_epoch(self, epoch: int) -> Any:
        if self._epoch is None or self._epoch[0] != epoch:
            starts: Any = epoch_windows(len(self.ids), self._stride, self._seed, epoch)
            if isinstance(self.ids, Tensor):
                starts = torch.from_numpy(starts).to(self._device)
            self._epoch = (epoch, starts)
        return self._epoch[1]


def _resident(ids: Any, device: torch.device) -> Any:
    if device.type == "cpu" or 4 * len(ids) > _RESIDENT:
        return ids
    return torch.from_numpy(np.asarray(ids).astype(np.int32)).to(device)
