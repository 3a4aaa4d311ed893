"""Measures the memory that training takes, by a trial step on this device with this model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from storytime_tui.models.footprint import Footprint
from storytime_tui.training.evaluate import autocast
from storytime_tui.training.loss import LOGIT_BYTES, LOGITS_CPU, Objective
from storytime_tui.training.plan import TrainingPlan

_USABLE_GPU = 0.92  # share of the free memory; kernels and other programs need the rest
_USABLE_CPU = 0.85
# Memory that a CPU's trial does not measure, so that a run stays within its estimate: bytes of torch's code
# loaded by the first steps, and the allocator's overhead as a factor.
_CODE_BYTES = 150_000_000
_ALLOCATOR_FACTOR = 1.15


def available_memory(device: torch.device) -> int:
    """Bytes that a run may take on this device, including those that the process already holds."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device)
        allowed = total * torch.cuda.get_per_process_memory_fraction(
            device.index or torch.cuda.current_device()
        )
        return int(min(free + held, allowed) * _USABLE_GPU)
    held = psutil.Process().memory_info().rss
    return int((psutil.virtual_memory().available + held) * _USABLE_CPU)


@dataclass(frozen=True)
class Memory:
    """The memory that a run needs, and the memory available, in bytes."""

    needed: int
    available: int


def fit_to_memory(
    plan: TrainingPlan, model: Any, device: torch.device, precision: str, *, may_choose: bool
) -> tuple[TrainingPlan, Memory | None]:
    """A resolved plan that fits this device's memory, and the measured memory.

    If `may_choose`, the micro-batch changes, never the windows per step: fewer windows at once if the plan's do
    not fit; on a GPU, all windows of a step if they fit. Gradient checkpointing is turned on if a single window
    does not fit and the plan says "auto". The memory is None if the trial ran out of it.
    """
    assert plan.batch_size and plan.accumulation
    available = available_memory(device)
    objective = Objective(model.train())
    step = plan.batch_size * plan.accumulation
    sizes = _sizes(step, step if may_choose and device.type == "cuda" else plan.batch_size)
    measured = _measure(objective, plan, device, precision, sizes, available)
    if plan.checkpointing == "auto" and not _fits(measured, available):
        model.checkpointing = True
        measured = _measure(objective, plan, device, precision, sizes, available)
    model.eval()
    batch = list(measured)[-1] if may_choose else plan.batch_size
    plan = replace(
        plan,
        batch_size=batch,
        accumulation=step // batch,
        checkpointing="on" if model.checkpointing else "off",
    )
    needed = measured[batch]
    return plan, None if needed is None else Memory(needed, available)


def _sizes(step: int, largest: int) -> list[int]:
    """The micro-batches to try: from the largest down, by half or more, each dividing the step evenly."""
    sizes = [largest]
    while sizes[-1] > 1:
        sizes.append(next(size for size in range(sizes[-1] // 2, 0, -1) if step % size == 0))
    return sizes


def _fits(measured: dict[int, int | None], available: int) -> bool:
    needed = list(measured.values())[-1]
    return needed is not None and needed <= available


def _measure(
    objective: Objective,
    plan: TrainingPlan,
    device: torch.device,
    precision: str,
    sizes: list[int],
    available: int,
) -> dict[int, int | None]:
    """Bytes taken by each micro-batch up to the first that fits; None if it ran out of memory.

    A GPU tries each one. Trials are fast there, and the loss's memory stops growing after a few windows, so two
    trials would not predict a third. A CPU extrapolates, because trials are slow and the loss's memory is small.
    """
    assert plan.block_size and plan.batch_size and plan.accumulation
    trained = sum(p.numel() for p in objective.parameters() if p.requires_grad)
    moments = trained * (2 if plan.optimizer == "adamw8bit" else 8)  # allocated by the first step
    step, vocabulary = plan.batch_size * plan.accumulation, objective.model.vocabulary
    measured: dict[int, int | None] = {}
    footprint: Footprint | None = None
    for size in sizes:
        measured[size] = None
        try:
            if device.type == "cuda":
                ids = _ids(size, plan.block_size, vocabulary, device)
                measured[size] = moments + _peak_on_gpu(objective, ids, device, precision, again=size < step)
            else:
                footprint = footprint or probe(
                    objective, plan.block_size, vocabulary, device, precision, moments
                )
                measured[size] = _limit_on_cpu(footprint, size, plan.block_size, vocabulary)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        release_memory(objective, device)  # free this trial's memory before the next one
        if _fits(measured, available):
            break
    return measured


def _limit_on_cpu(footprint: Footprint, windows: int, block: int, vocabulary: int) -> int:
    """An upper bound of a CPU process's bytes while it trains with this many windows at once."""
    held = int(psutil.Process().memory_info().rss)
    # freed within the loss, so not among the saved tensors
    logits = min(LOGITS_CPU, LOGIT_BYTES * windows * block * vocabulary)
    return held + _CODE_BYTES + int(max(0, footprint.total(windows) - held + logits) * _ALLOCATOR_FACTOR)


def _peak_on_gpu(objective: Any, ids: Tensor, device: torch.device, precision: str, *, again: bool) -> int:
    """A GPU's peak bytes in a step that reads `ids` (windows, block + 1) at once.

    `again` repeats the pass, because every micro-batch but a step's first finds gradients in memory, four bytes
    per trained parameter, in addition to its own activations.
    """
    torch.cuda.reset_peak_memory_stats(device)
    for _ in range(2 if again else 1):
        _forward_backward(objective, ids, device, precision)
    return torch.cuda.max_memory_allocated(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error means that a device or the CPU ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def release_memory(objective: nn.Module, device: torch.device) -> None:
    """Free what a failed attempt left; call it when no exception holds the attempt's frames."""
    for parameter in objective.parameters():
        parameter.grad = None
    if device.type == "cuda":
        torch.cuda.empty_cache()


def probe(
    objective: nn.Module, block: int, vocabulary: int, device: torch.device, precision: str, moments: int
) -> Footprint:
    """Measure a forward and backward pass of one and of two windows on a CPU, and extrapolate to any number.

    `moments`: bytes of the optimiser's state, which the first step would add. Raises the out-of-memory error if
    not even that fits.
    """
    one, two = (_bytes_of_step(objective, many, block, vocabulary, device, precision) for many in (1, 2))
    held = int(psutil.Process().memory_info().rss)  # after the trial, which loads more of torch
    window = max(1, two - one)
    return Footprint(held + one - window + moments, window)


def _bytes_of_step(
    objective: Any, windows: int, block: int, vocabulary: int, device: torch.device, precision: str
) -> int:
    """Bytes that a step with this many windows adds at its peak, including the gradients of earlier micro-batches."""
    gradients = sum(p.numel() * p.element_size() for p in objective.parameters() if p.requires_grad)
    with _counting_saved_tensors(objective) as saved:
        _forward_backward(objective, _ids(windows, block, vocabulary, device), device, precision)
    for parameter in objective.parameters():
        parameter.grad = None
    return int(gradients + saved[0])


def _ids(windows: int, block: int, vocabulary: int, device: torch.device) -> Tensor:
    """(windows, block + 1) arbitrary tokens."""
    return torch.arange(windows * (block + 1), device=device).view(windows, -1) % vocabulary


def _forward_backward(objective: Any, ids: Tensor, device: torch.device, precision: str) -> None:
    with autocast(device, precision):
        loss = objective(ids[:, :-1], ids[:, 1:])
    loss.backward()


@contextmanager
def _counting_saved_tensors(objective: nn.Module) -> Iterator[list[int]]:
    """Counts, in a one-element list, the bytes that the forward pass saves for the backward pass."""
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
