"""Many GPUs: torchrun starts one process for each, and they agree here. One process alone needs none of it.

Every rank holds the same plan, stories and seed, and so knows by itself which windows of a step are its own;
gradients are summed by PyTorch's DDP (each rank holds the whole model) or FSDP2 (each holds a part). Rank 0
speaks, saves and obeys; what it was asked to do it tells the others between two steps.
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
_PATIENCE = timedelta(days=7)  # a paused run keeps the others waiting


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is; `local`: its number on this machine, and of its GPU."""

    rank: int = 0
    count: int = 1
    local: int = 0
    sharded: bool = False  # FSDP2 in place of DDP

    @property
    def speaks(self) -> bool:
        """Whether this process writes files and says what happens."""
        return self.rank == 0

    def share(self, many: int) -> range:
        """The part of so many things in a row that is this rank's."""
        return range(self.rank * many // self.count, (self.rank + 1) * many // self.count)

    def sum(self, value: Tensor) -> Tensor:
        """The sum of all ranks' values, in place."""
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def tell(self, command: int) -> None:
        """Rank 0 says what comes next."""
        if self.count > 1:
            dist.broadcast(self._word(command), src=0)

    def hear(self) -> int:
        """The other ranks wait for it."""
        word = self._word(GO)
        dist.broadcast(word, src=0)
        return int(word.item())

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            dist.barrier()

    def _word(self, command: int) -> Tensor:
        on_gpu = dist.get_backend() == "nccl"
        return torch.tensor(command, device=f"cuda:{self.local}" if on_gpu else "cpu")


@contextmanager
def meet_ranks(device: torch.device, *, sharded: bool) -> Iterator[Ranks]:
    """Meet the other processes for the block. NCCL between GPUs, gloo between processors."""
    ranks = Ranks(
        int(os.environ["RANK"]),
        int(os.environ["WORLD_SIZE"]),
        int(os.environ.get("LOCAL_RANK", "0")),
        sharded,
    )
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


def spread(objective: nn.Module, ranks: Ranks, blocks: list[nn.Module], device: torch.device) -> nn.Module:
    """The objective, whose gradients are all ranks' mean after its backward pass."""
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


def quiet_until_last(objective: nn.Module, ranks: Ranks, *, last: bool) -> AbstractContextManager[Any]:
    """Gradients travel once a step, with its last micro-batch."""
    if ranks.count == 1:
        return nullcontext()
    if ranks.sharded:
        objective.set_requires_gradient_sync(last)  # type: ignore[operator]
        return nullcontext()
    return nullcontext() if last else objective.no_sync()  # type: ignore[operator]


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor of which each rank holds a part; every rank must ask."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def part_like(tensor: Tensor, model: Any) -> Tensor:
    """This rank's part of a whole tensor, cut as the tensor `model` is."""
    if not hasattr(model, "placements"):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(model.device), model.device_mesh, model.placements)
