"""Blending a run's weights with those of its base and of other runs.

    weights = base + strength × (run − base)

Strength 0 gives the base and 1 the run, both bit for bit; 2 goes twice as far. This is task arithmetic, where run
− base is the task vector (Ilharco et al. 2022, arXiv:2212.04089). Between 0 and 1 it is WiSE-FT (Wortsman et al.
2022, arXiv:2109.01903). Other runs of the same base can be mixed in first, as a weighted model soup (Wortsman et
al. 2022, arXiv:2203.05482); the strength then applies to the mix:

    weights = base + strength × ((1 − Σ wᵢ) × (run − base) + Σ wᵢ × (otherᵢ − base))

A share of 0.4 of another run moves the weights 0.4 of the way towards it: 0 is the first run alone, 1 the other
run alone.

This module handles named tensors only; `jobs.blending` reads them from files.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from storytime_tui.errors import ModelError
from storytime_tui.models import lora

State = Mapping[str, Tensor]
M = TypeVar("M", bound=nn.Module)


def blend(base: Tensor, run: Tensor, strength: float) -> Tensor:
    """One tensor at a strength, on the run's device and in its dtype; both tensors have the same shape.

    The result is computed in fp32. It may be `base` or `run` itself.
    """
    if strength == 1 or not run.is_floating_point():
        return run
    if strength == 0:
        return base.to(run)
    start = base.to(run.device, torch.float32)
    return (run.float() - start).mul_(strength).add_(start).to(run.dtype)  # at most two tensors at a time


def mix(model: nn.Module, shares: Sequence[float], others: Iterable[State]) -> None:
    """Move a run's weights, in fp32 and in place, towards each of the other runs by its share.

    The other states are read one at a time, so only one needs to be in memory.
    """
    weights = [
        (name, parameter) for name, parameter in state_of(model).items() if parameter.is_floating_point()
    ]
    with torch.no_grad():
        for _, parameter in weights:
            parameter.mul_(1 - math.fsum(shares))
        for share, other in zip(shares, others, strict=True):
            for name, parameter in weights:
                parameter.add_(other[name], alpha=share)


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """A model's parameters by name, not copied; tied parameters appear once.

    With FSDP these are this rank's shards.
    """
    return {
        name.replace("_orig_mod.", ""): _local_tensor(parameter)
        for name, parameter in model.named_parameters()
    }


def starting_point(model: nn.Module) -> dict[str, Tensor]:
    """A CPU copy of the trainable parameters; taken before the first step, it is the base for `at_strength`.

    Empty for a model with a LoRA adapter, whose base weights are not trained.
    """
    if lora.has_adapter(model):
        return {}
    trainable = {
        name.replace("_orig_mod.", "")
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    return {
        name: parameter.to("cpu", copy=True)
        for name, parameter in state_of(model).items()
        if name in trainable
    }


@contextlib.contextmanager
def at_strength(model: nn.Module, base: State, strength: float) -> Iterator[None]:
    """Set a live model's weights to a strength for the block, then restore them bit for bit.

    `base` holds the weights from before training (`starting_point`, or `state_of` a model of the base).
    Parameters not in `base` stay unchanged. The CPU holds a copy of those in `base` until the block ends. A LoRA
    adapter is scaled instead, without a copy. Raises ModelError, with nothing changed, if a name or a shape does
    not match the model.
    """
    if lora.has_adapter(model):
        with lora.scaled(model, strength):
            yield
        return
    own = state_of(model)
    check_alike({name: own[name] for name in base if name in own}, base, "The model", "its base")
    before = {name: own[name].to("cpu", copy=True) for name in base} if strength != 1 else {}
    try:
        with torch.no_grad():
            for name, run in before.items():
                own[name].copy_(blend(base[name], run, strength))
        yield
    finally:
        with torch.no_grad():
            for name, run in before.items():
                own[name].copy_(run)


def put_at_strength(model: nn.Module, base: State, strength: float) -> None:
    """Set a run's own weights to a strength, in place, using the memory of one extra tensor."""
    with torch.no_grad():
        for name, own in state_of(model).items():
            own.copy_(blend(base[name], own, strength))


def copied_at(model: M, base: State, strength: float) -> M:
    """A copy of a run with its weights at a strength; the run stays unchanged. For a model on one device."""
    weights: dict[int, Any] = {
        id(parameter): nn.Parameter(
            blend(base[name], parameter.detach(), strength).clone(), requires_grad=False
        )
        for name, parameter in model.named_parameters()
    }
    return copy.deepcopy(model, weights)


def check_alike(one: State, other: State, this: str, that: str) -> None:
    """Raise ModelError if two states differ in a name or a shape; `this` and `that` name them in the message."""
    names = [*(one.keys() ^ other.keys()), *(n for n in one.keys() & other if one[n].shape != other[n].shape)]
    if names:
        raise ModelError(
            f"{this} and {that} cannot be blended: {min(names)} is missing in one or has a different size."
        )


def _local_tensor(parameter: Any) -> Tensor:
    """A parameter's tensor, or this rank's shard of it; changes to it are in place."""
    own: Tensor = parameter.detach()
    return own.to_local() if hasattr(own, "to_local") else own
