"""Collects the numbers of training steps; they stay on the device until reading them is worth the wait."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor

from storytime_tui.training.events import StepDone

_UNREAD = 10  # steps between two reads on a GPU, since each read waits for it


@dataclass(frozen=True)
class _Step:
    number: int
    loss: Tensor
    norm: Tensor
    rate: float
    seconds: float


class StepTally:
    """Steps that were done but not yet reported. `seconds`: of training so far, earlier sessions included."""

    def __init__(self, tokens_per_step: int, steps_per_epoch: float, device: torch.device) -> None:
        self.seconds = 0.0
        self._tokens, self._per_epoch, self._device = tokens_per_step, steps_per_epoch, device
        self._unread: list[_Step] = []
        self._recent: deque[float] = deque(maxlen=10)  # seconds; averaged for a smooth speed

    def add(self, number: int, loss: Tensor, norm: Tensor, rate: float, seconds: float) -> None:
        """Note a step; `loss` and `norm` are on the device and may still be computing."""
        self._unread.append(_Step(number, loss, norm, rate, seconds))

    @property
    def due(self) -> bool:
        """Whether to read the steps now: after each one on a CPU, where the values are ready."""
        return self._device.type == "cpu" or len(self._unread) >= _UNREAD

    def read(self) -> Iterator[StepDone]:
        """Wait for the device, and yield every step since the last read."""
        steps, self._unread = self._unread, []
        if not steps:
            return
        began = time.monotonic()
        losses = torch.stack([step.loss for step in steps]).tolist()
        norms = torch.stack([step.norm.float() for step in steps]).tolist()
        waited = (time.monotonic() - began) / len(steps)  # waiting for the device, spread over the steps
        for step, loss, norm in zip(steps, losses, norms, strict=True):
            self.seconds += step.seconds + waited
            self._recent.append(step.seconds + waited)
            yield StepDone(
                step=step.number,
                loss=loss,
                learning_rate=step.rate,
                tokens_per_second=self._tokens * len(self._recent) / max(1e-9, sum(self._recent)),
                epoch=step.number / self._per_epoch,
                gradient_norm=norm,
                elapsed=self.seconds,
                memory=memory_used(self._device),
            )


def memory_used(device: torch.device) -> int:
    """Bytes in use: on the device for a GPU, by the process for a CPU."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    return int(psutil.Process().memory_info().rss)
