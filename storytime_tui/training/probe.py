"""One step tried before the first: what learning really takes of memory, on this device, with this model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from storytime_tui.models.footprint import Footprint
from storytime_tui.training.evaluate import autocast
from storytime_tui.training.objective import Objective
from storytime_tui.training.plan import TrainingPlan

_SPARE = 0.92  # of what a device has free: kernels and other programs want some
_SPARE_CPU = 0.85


def available_memory(device: torch.device) -> int:
    """Bytes that a run may take on this device, those that the process holds there already included."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device)
        allowed = total * torch.cuda.get_per_process_memory_fraction(device.index or torch.cuda.current_device())
        return int(min(free + held, allowed) * _SPARE)
    here = psutil.Process().memory_info().rss
    return int((psutil.virtual_memory().available + here) * _SPARE_CPU)


@dataclass(frozen=True)
class Memory:
    """What a run was found to need, and what there is, in bytes."""

    needed: int
    available: int


def fit_to_memory(
    plan: TrainingPlan, model: Any, device: torch.device, precision: str, *, may_shrink: bool
) -> tuple[TrainingPlan, Memory | None]:
    """A resolved plan that this device has the memory for, and what was found.

    Blocks are computed twice where one window does not fit otherwise and the plan leaves it to us. The batch
    becomes smaller, and a step has as many windows all the same, where `may_shrink`. None was found where not
    even a trial had room.
    """
    assert plan.batch_size and plan.accumulation and plan.block_size
    available = available_memory(device)
    objective = Objective(model.train())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    moments = trained * (2 if plan.optimizer == "adamw8bit" else 8)
    found = _tried(objective, plan, device, precision, moments)
    if plan.checkpointing == "auto" and (found is None or found.largest_batch(available) < 1):
        model.checkpointing = True
        found = _tried(objective, plan, device, precision, moments)
    model.eval()
    checkpointing = "on" if model.checkpointing else "off"
    if found is None:
        return replace(plan, checkpointing=checkpointing), None
    batch, accumulation = plan.batch_size, plan.accumulation
    while may_shrink and batch > 1 and found.total(batch) > available:
        batch, accumulation = batch // 2, accumulation * 2
    plan = replace(plan, batch_size=batch, accumulation=accumulation, checkpointing=checkpointing)
    return plan, Memory(found.total(batch), available)


def _tried(
    objective: Objective, plan: TrainingPlan, device: torch.device, precision: str, moments: int
) -> Footprint | None:
    assert plan.block_size
    try:
        return probe(objective, plan.block_size, objective.model.vocabulary, device, precision, moments)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    free_memory(objective, device)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the processor's own memory, could not give what was asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def free_memory(objective: nn.Module, device: torch.device) -> None:
    """Give back what a failed attempt left behind; call it where no exception holds its frames any more."""
    for parameter in objective.parameters():
        parameter.grad = None
    if device.type == "cuda":
        torch.cuda.empty_cache()


def probe(
    objective: nn.Module, block: int, vocabulary: int, device: torch.device, precision: str, moments: int
) -> Footprint:
    """Learn from one window and from two, keep nothing of it, and tell what any number would take.

    `moments`: bytes of the optimiser's state, which a first step would add. Raises OutOfMemoryError where not
    even that fits.
    """
    here = 0 if device.type == "cuda" else int(psutil.Process().memory_info().rss)
    one, two = (_taken(objective, many, block, vocabulary, device, precision) for many in (1, 2))
    window = max(1, two - one)
    return Footprint(here + one - window + moments, window)


def _taken(
    objective: Any, windows: int, block: int, vocabulary: int, device: torch.device, precision: str
) -> int:
    """Bytes at the height of a step with so many windows: all of a GPU's, or those that it adds on a CPU."""
    ids = torch.arange(windows * (block + 1), device=device).view(windows, -1) % vocabulary
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        _step(objective, ids, device, precision)
        taken = torch.cuda.max_memory_allocated(device)
    else:
        gradients = sum(p.numel() * p.element_size() for p in objective.parameters() if p.requires_grad)
        with _kept(objective) as kept:
            _step(objective, ids, device, precision)
        taken = gradients + kept[0]
    for parameter in objective.parameters():
        parameter.grad = None
    return taken


def _step(objective: Any, ids: Tensor, device: torch.device, precision: str) -> None:
    with autocast(device, precision):
        loss = objective(ids[:, :-1], ids[:, 1:])
    loss.backward()


@contextmanager
def _kept(objective: nn.Module) -> Iterator[list[int]]:
    """Counts, in one number, the bytes that the forward pass keeps for the backward pass."""
    seen = {parameter.untyped_storage().data_ptr() for parameter in objective.parameters()}
    total = [0]

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total[0] += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield total
