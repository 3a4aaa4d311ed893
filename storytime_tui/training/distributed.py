"""Training on several GPUs: torchrun starts one process for each. A single process needs none of this.

Every rank has the same plan, data and seed, and so knows which windows of a step are its own. Gradients are
averaged by PyTorch's DDP (each rank has the whole model) or FSDP2 (each has a shard). Rank 0 yields the events,
saves checkpoints and handles requests; it sends its decision to the other ranks between steps.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

GO, SAVE, STOP = 0, 1, 2
_TIMEOUT = timedelta(days=7)  # the other ranks wait while a run is paused


@dataclass(frozen=True)
class Ranks:
    """This process's rank, the number of processes, and `local`, its number on this machine and of its GPU."""

    rank: int = 0
    count: int = 1
    local: int = 0
    sharded: bool = False  # FSDP2 instead of DDP

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and yields events."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """This rank's part of `many` items in a row."""
        return range(self.rank * count // self.count, (self.rank + 1) * count // self.count)

    def sum(self, value: Tensor) -> Tensor:
        """The sum of all ranks' values, in place."""
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def send(self, command: int) -> None:
        """Send rank 0's command to the other ranks."""
        if self.count > 1:
            dist.broadcast(self._command_tensor(command), src=0)

    def receive(self) -> int:
        """Wait for rank 0's command."""
        tensor = self._command_tensor(GO)
        dist.broadcast(tensor, src=0)
        return int(tensor.item())

    def wait(self) -> None:
        """Wait for all ranks."""
        if self.count > 1:
            dist.barrier()

    def _command_tensor(self, command: int) -> Tensor:
        on_gpu = dist.get_backend() == "nccl"
        return torch.tensor(command, device=f"cuda:{self.local}" if on_gpu else "cpu")


@contextmanager
def process_group(device: torch.device, *, sharded: bool) -> Iterator[Ranks]:
    """Join torchrun's process group for the block: NCCL on GPUs, gloo on CPUs."""
    ranks = Ranks(
        int(os.environ["RANK"]),
        int(os.environ["WORLD_SIZE"]),
        int(os.environ.get("LOCAL_RANK", "0")),
        sharded,
    )
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


def is_lost_process(error: BaseException) -> bool:
    """Whether an error of a step means that another process of the run has ended, or cannot be reached."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def wrap(objective: nn.Module, ranks: Ranks, blocks: list[nn.Module], device: torch.device) -> nn.Module:
    """The objective wrapped so that its backward pass averages the gradients of all ranks."""
    if ranks.count == 1:
        return objective
    if ranks.sharded:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(device.type, (ranks.count,))
        for block in blocks:
            fully_shard(block, mesh=mesh)
        fully_shard(objective, mesh=mesh)
        return objective
    return nn.parallel.DistributedDataParallel(
        objective,
        device_ids=[device.index] if device.type == "cuda" else None,
        gradient_as_bucket_view=True,
    )


def sync_on_last(objective: nn.Module, ranks: Ranks, *, last: bool) -> AbstractContextManager[Any]:
    """Gradients are synchronised only with the last micro-batch of a step."""
    if ranks.count == 1:
        return nullcontext()
    if ranks.sharded:
        objective.set_requires_gradient_sync(last)  # type: ignore[operator]
        return nullcontext()
    return nullcontext() if last else objective.no_sync()  # type: ignore[operator]


def full_tensor(tensor: Tensor) -> Tensor:
    """The full tensor of a sharded one; every rank must call this."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def shard_like(tensor: Tensor, model: Any) -> Tensor:
    """This rank's shard of a full tensor, sharded like the tensor `model`."""
    if not hasattr(model, "placements"):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(model.device), model.device_mesh, model.placements)
