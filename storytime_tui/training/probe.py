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
from storytime_tui.training.loss import LOGIT, LOGITS, Objective
from storytime_tui.training.plan import TrainingPlan

_SPARE = 0.92  # of what a device has free: kernels and other programs want some
_SPARE_CPU = 0.85
# What a CPU's trial does not count, so that a run stays below what was said: the pages of torch's own code that the
# first steps bring in, in bytes; and what the allocator holds between its pieces, as a share of what it gives out.
_CODE = 150_000_000
_BETWEEN = 1.15


def available_memory(device: torch.device) -> int:
    """Bytes that a run may take on this device, those that the process holds there already included."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device)
        allowed = total * torch.cuda.get_per_process_memory_fraction(
            device.index or torch.cuda.current_device()
        )
        return int(min(free + held, allowed) * _SPARE)
    here = psutil.Process().memory_info().rss
    return int((psutil.virtual_memory().available + here) * _SPARE_CPU)


@dataclass(frozen=True)
class Memory:
    """What a run was found to need, and what there is, in bytes."""

    needed: int
    available: int


def fit_to_memory(
    plan: TrainingPlan, model: Any, device: torch.device, precision: str, *, may_choose: bool
) -> tuple[TrainingPlan, Memory | None]:
    """A resolved plan that this device has the memory for, and what was found.

    Where it `may_choose`, it changes how many windows are read at once, never how many a step has: fewer where
    they don't fit, and on a GPU, which is fastest with many, all of a step where they do. Blocks are computed
    twice where one window does not fit otherwise and the plan leaves it to us. None was found where the trial
    itself had no room.
    """
    assert plan.batch_size and plan.accumulation
    available = available_memory(device)
    objective = Objective(model.train())
    step = plan.batch_size * plan.accumulation
    sizes = _sizes(step, step if may_choose and device.type == "cuda" else plan.batch_size)
    tried = _tried(objective, plan, device, precision, sizes, available)
    if plan.checkpointing == "auto" and not _fits(tried, available):
        model.checkpointing = True
        tried = _tried(objective, plan, device, precision, sizes, available)
    model.eval()
    batch = list(tried)[-1] if may_choose else plan.batch_size
    plan = replace(
        plan,
        batch_size=batch,
        accumulation=step // batch,
        checkpointing="on" if model.checkpointing else "off",
    )
    needed = tried[batch]
    return plan, None if needed is None else Memory(needed, available)


def _sizes(step: int, largest: int) -> list[int]:
    """How many windows to try at once: from the largest down, by half or more, so that a step comes out even."""
    sizes = [largest]
    while sizes[-1] > 1:
        sizes.append(next(size for size in range(sizes[-1] // 2, 0, -1) if step % size == 0))
    return sizes


def _fits(tried: dict[int, int | None], available: int) -> bool:
    needed = list(tried.values())[-1]
    return needed is not None and needed <= available


def _tried(
    objective: Objective,
    plan: TrainingPlan,
    device: torch.device,
    precision: str,
    sizes: list[int],
    available: int,
) -> dict[int, int | None]:
    """Bytes that each number of windows at once takes, None where it had no room, up to the first that fits.

    A GPU tries each: what the loss holds stops growing after a few windows, so that two trials would not tell of
    a third, and a trial takes no time. A CPU, where that is little and a trial takes long, reckons.
    """
    assert plan.block_size and plan.batch_size and plan.accumulation
    trained = sum(p.numel() for p in objective.parameters() if p.requires_grad)
    moments = trained * (2 if plan.optimizer == "adamw8bit" else 8)  # there from the first step on
    step, vocabulary = plan.batch_size * plan.accumulation, objective.model.vocabulary
    found: dict[int, int | None] = {}
    reckoned: Footprint | None = None
    for size in sizes:
        found[size] = None
        try:
            if device.type == "cuda":
                ids = _ids(size, plan.block_size, vocabulary, device)
                found[size] = moments + _height(objective, ids, device, precision, again=size < step)
            else:
                reckoned = reckoned or probe(
                    objective, plan.block_size, vocabulary, device, precision, moments
                )
                found[size] = _most(reckoned, size, plan.block_size, vocabulary)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        release_memory(objective, device)  # pieces of this trial's sizes would be in the next one's way
        if _fits(found, available):
            break
    return found


def _most(reckoned: Footprint, windows: int, block: int, vocabulary: int) -> int:
    """Bytes that a process on a CPU will not go beyond while it learns with so many windows at once."""
    held = int(psutil.Process().memory_info().rss)
    logits = min(
        LOGITS, LOGIT * windows * block * vocabulary
    )  # there and gone within the loss: not counted as kept
    return held + _CODE + int(max(0, reckoned.total(windows) - held + logits) * _BETWEEN)


def _height(objective: Any, ids: Tensor, device: torch.device, precision: str, *, again: bool) -> int:
    """Bytes of a GPU that are taken at the height of a step which reads `ids` (windows, block + 1) at once.

    With `again` the same is read a second time: but for a step's first, its micro-batches find the gradients of
    those before them there already, four bytes for each trained number, beside all that they keep themselves.
    """
    torch.cuda.reset_peak_memory_stats(device)
    for _ in range(2 if again else 1):
        _step(objective, ids, device, precision)
    return torch.cuda.max_memory_allocated(device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the processor's own memory, could not give what was asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def release_memory(objective: nn.Module, device: torch.device) -> None:
    """Give back what a failed attempt left behind; call it where no exception holds its frames any more."""
    for parameter in objective.parameters():
        parameter.grad = None
    if device.type == "cuda":
        torch.cuda.empty_cache()


def probe(
    objective: nn.Module, block: int, vocabulary: int, device: torch.device, precision: str, moments: int
) -> Footprint:
    """Learn from one window and from two on a CPU, keep nothing of it, and tell what any number would take.

    `moments`: bytes of the optimiser's state, which a first step would add. Raises what a memory that is full
    raises where not even that fits.
    """
    one, two = (_taken(objective, many, block, vocabulary, device, precision) for many in (1, 2))
    here = int(psutil.Process().memory_info().rss)  # after the trial, which wakes more of torch
    window = max(1, two - one)
    return Footprint(here + one - window + moments, window)


def _taken(
    objective: Any, windows: int, block: int, vocabulary: int, device: torch.device, precision: str
) -> int:
    """Bytes that a step with so many windows adds at its height, the gradients of those before it included."""
    gradients = sum(p.numel() * p.element_size() for p in objective.parameters() if p.requires_grad)
    with _kept(objective) as kept:
        _step(objective, _ids(windows, block, vocabulary, device), device, precision)
    for parameter in objective.parameters():
        parameter.grad = None
    return int(gradients + kept[0])


def _ids(windows: int, block: int, vocabulary: int, device: torch.device) -> Tensor:
    """(windows, block + 1): any tokens."""
    return torch.arange(windows * (block + 1), device=device).view(windows, -1) % vocabulary


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
