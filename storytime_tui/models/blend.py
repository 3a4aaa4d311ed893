"""How strongly a model has what it learned: its weights between those it began with and those it has now, and beyond.

    weights = base + strength × (run − base)

Strength 0 is the base and 1 the run, both to the last bit; 2 goes twice as far. This is task arithmetic, where
run − base is the task vector (Ilharco et al. 2022, arXiv:2212.04089), and between 0 and 1 it is WiSE-FT (Wortsman et
al. 2022, arXiv:2109.01903). With other runs of the same base in it, the weights first go so much of the way from the
run towards each of the others, a weighted model soup (Wortsman et al. 2022, arXiv:2203.05482), and what comes of that
is then told with at the strength:

    weights = base + strength × ((1 − Σ wᵢ) × (run − base) + Σ wᵢ × (otherᵢ − base))

So 0.4 of another run is 0.4 of the way towards it: 0 is the first run alone, 1 the other alone.

Here are only tensors by their names; which files they come from is for `jobs.blending`.
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
    """One tensor at a strength, on the run's device and in its dtype; both of one shape.

    Computed in fp32, whatever they are stored in. The result may be `base` or `run` itself.
    """
    if strength == 1 or not run.is_floating_point():
        return run
    if strength == 0:
        return base.to(run)
    start = base.to(run.device, torch.float32)
    return (run.float() - start).mul_(strength).add_(start).to(run.dtype)  # at most two tensors at a time


def mix(model: nn.Module, shares: Sequence[float], others: Iterable[State]) -> None:
    """Move a run's weights, in fp32 and in place, so much of the way towards each of the other runs.

    The states are taken one after another, so that only one needs to be in memory.
    """
    own = [(name, each) for name, each in state_of(model).items() if each.is_floating_point()]
    with torch.no_grad():
        for _, each in own:
            each.mul_(1 - math.fsum(shares))
        for share, other in zip(shares, others, strict=True):
            for name, each in own:
                each.add_(other[name], alpha=share)


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """A model's parameters by name: themselves, not copies. What is tied is there once.

    Where ranks hold parts of the model, these are the parts of this one.
    """
    return {name.replace("_orig_mod.", ""): _here(parameter) for name, parameter in model.named_parameters()}


def starting_point(model: nn.Module) -> dict[str, Tensor]:
    """A copy, on the CPU, of the parameters that will learn: taken before the first step, it is `at_strength`'s base.

    For a model with an adapter it is empty, and costs nothing: there the base stays beside what is learned.
    """
    if lora.has_adapter(model):
        return {}
    learning = {
        name.replace("_orig_mod.", "") for name, each in model.named_parameters() if each.requires_grad
    }
    return {name: each.to("cpu", copy=True) for name, each in state_of(model).items() if name in learning}


@contextlib.contextmanager
def at_strength(model: nn.Module, base: State, strength: float) -> Iterator[None]:
    """Put a live model's weights at a strength for the block, and back as they were, to the last bit.

    `base` is what it began with (`starting_point`, or `state_of` a model of the base); parameters that it does not
    name did not learn and stay. Takes memory for one copy of those it names, on the CPU, until the block ends. A model
    with a LoRA adapter is put there by the adapter's scale, without any copy. Raises ModelError, with nothing changed,
    where a name or a size is not the model's.
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
    """Put a run's own weights at a strength, in place: with nothing but one tensor's memory."""
    with torch.no_grad():
        for name, own in state_of(model).items():
            own.copy_(blend(base[name], own, strength))


def copied_at(model: M, base: State, strength: float) -> M:
    """A copy of a run with its weights at a strength; the run stays as it is. For a model on one device."""
    weights: dict[int, Any] = {
        id(each): nn.Parameter(blend(base[name], each.detach(), strength).clone(), requires_grad=False)
        for name, each in model.named_parameters()
    }
    return copy.deepcopy(model, weights)


def check_alike(one: State, other: State, this: str, that: str) -> None:
    """Raise ModelError where two states differ in a name or a shape; `this` and `that` are what it calls them."""
    names = [*(one.keys() ^ other.keys()), *(n for n in one.keys() & other if one[n].shape != other[n].shape)]
    if names:
        raise ModelError(
            f"{this} and {that} cannot be blended: {min(names)} is not in both, or has another size in each."
        )


def _here(parameter: Any) -> Tensor:
    """A parameter's numbers, or this rank's part of them, for reading and for changing in place."""
    own: Tensor = parameter.detach()
    return own.to_local() if hasattr(own, "to_local") else own
