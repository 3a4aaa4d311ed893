"""A run at another strength, or with other runs of its base in it: which models that takes, and the one it makes.

See `models.blend` for what is computed. Both models are read from the disk when a run is first told at another
strength than 1; where they take no more than `KEPT` bytes together they stay in memory, so that the next strength costs
one pass over the weights and no reading. They go when another run is opened. Torch is loaded when a model opens.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from storytime_tui.errors import ModelError
from storytime_tui.jobs.find_model import Origin, find_origin
from storytime_tui.jobs.models import open_model
from storytime_tui.jobs.run_bases import base_of, check_adapter, weights_digest
from storytime_tui.models.identity import identity_of
from storytime_tui.models.voices import check_shares, check_strength
from storytime_tui.reporting import Report

if TYPE_CHECKING:
    import torch

    from storytime_tui.models.blend import State


KEPT = 1_000_000_000  # bytes: a run of GPT-2's size and its base, in fp32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BlendParts:
    """What a blend is made of: a run, its base, and so much of other runs that have the same base."""

    run: Origin
    base: Origin
    others: tuple[tuple[Origin, float], ...] = ()

    @property
    def identity(self) -> str:
        """What tells one blend's weights from another's, its strength left out."""
        others = "".join(f" + {share!r} {_identity(other)}" for other, share in self.others)
        return f"{_identity(self.base)} -> {_identity(self.run)}{others}"


@dataclass(frozen=True)
class ChosenModel:
    """What to tell with: the model of `origin` as it is, or, where there are `parts`, those at `strength`."""

    origin: Origin
    strength: float
    parts: BlendParts | None = None
    note: str = ""  # a sentence where it is not told as the run usually is

    @property
    def identity(self) -> str:
        """What tells one choice's weights from another's."""
        return f"{self.parts.identity} at {self.strength!r}" if self.parts else _identity(self.origin)


def choose_model(
    name: str, strength: float | None, shares: Sequence[tuple[str, float]], report: Report
) -> ChosenModel:
    """Find what a run is to be told with at a strength (None: the one that it is usually told at).

    At strength 0 it is the base, in every way; a blend knows the voices of all its runs, the first run's first. Where
    nobody asked for a strength and the run's base is gone, the run is told as it was trained. Raises Misused for
    numbers that cannot be, ModelError and RunError as `find_origin` and `base_of` do, and where the runs have no base
    in common.
    """
    if strength is not None:
        check_strength(strength)
    check_shares(shares)
    origin = find_origin(name, report)
    check_adapter(origin)
    wished = origin.voices.strength if strength is None else float(strength)
    shares = [(other, share) for other, share in shares if share]
    if wished == 1 and not shares:
        return ChosenModel(origin, 1.0)
    try:
        base = base_of(origin, report)
    except ModelError as error:
        if strength is None and not shares:
            _log.warning("told at strength 1, and not at %g: %s", wished, error)
            note = f"{name} is told at strength 1, and not at {wished:g} as usual: {error}"
            return ChosenModel(origin, 1.0, note=note)
        raise
    others = tuple((find_origin(other, report), share) for other, share in shares)
    for other, _ in others:
        _check_one_base(origin, base, other, base_of(other, report))
    if wished == 0:
        return ChosenModel(base, 0.0)
    known = [title for each in (origin, *(other for other, _ in others)) for title in each.voices.titles]
    told = replace(origin, voices=replace(origin.voices, titles=tuple(dict.fromkeys(known))))
    return ChosenModel(told, wished, BlendParts(origin, base, others))


def _check_one_base(run: Origin, base: Origin, other: Origin, others_base: Origin) -> None:
    if weights_digest(base) != weights_digest(others_base):
        raise ModelError(
            f"{run.name} was trained from {base.name} and {other.name} from {others_base.name}: only runs of one base "
            "can be blended."
        )


def _identity(origin: Origin) -> str:
    return " ".join(identity_of(folder) for folder in (origin.folder, origin.adapter) if folder is not None)


@dataclass(frozen=True)
class _Ends:
    """Strength 0 and strength 1 of one blend, in fp32 on the CPU."""

    identity: str
    base: State
    run: Any  # a whole model


_kept: _Ends | None = None
_turn = threading.Lock()


def open_chosen(chosen: ChosenModel, device: torch.device, dtype: torch.dtype) -> Any:
    """The model, on the device and in the dtype. Raises ModelError.

    A blend is computed in fp32 on the CPU and rounded once: what a run has learned is mostly less than the last digit
    of 16 bits. It takes memory for both models there and, while the two are kept, for one more.
    """
    global _kept
    with _turn:
        parts = chosen.parts
        if parts is None:
            if _kept is not None and _identity(chosen.origin) not in _kept.identity:
                _kept = None
            return open_model(chosen.origin, device, dtype).model
        from storytime_tui.models import blend

        ends = _kept if _kept is not None and _kept.identity == parts.identity else None
        if ends is None:
            _kept = None  # before others are read
            ends = _read(parts)
        size = sum(each.nbytes for state in (ends.base, blend.state_of(ends.run)) for each in state.values())
        _kept = ends if size <= KEPT else None
        if _kept:
            return _moved(blend.copied_at(ends.run, ends.base, chosen.strength), device, dtype)
        blend.put_at_strength(ends.run, ends.base, chosen.strength)
        return _moved(ends.run, device, dtype)


def read_base(run: Origin, device: torch.device, report: Report) -> dict[str, torch.Tensor]:
    """What a run began with, for `blend.at_strength` on a model of it that lives on this device: in fp32, on the CPU.

    For a run that goes on from a checkpoint; one that has just begun has `blend.starting_point`. Raises ModelError as
    `base_of` does.
    """
    import torch

    from storytime_tui.models import blend

    base = open_model(base_of(run, report), device, torch.float32).model
    return {name: each.cpu() for name, each in blend.state_of(base).items()}


def _read(parts: BlendParts) -> _Ends:
    import torch

    from storytime_tui.models import blend

    def opened(origin: Origin) -> Any:
        return open_model(origin, torch.device("cpu"), torch.float32).model

    def states() -> Iterator[State]:
        for other, _ in parts.others:
            state = blend.state_of(opened(other))
            blend.check_alike(state, base, other.name, parts.base.name)
            yield state

    run, base = opened(parts.run), blend.state_of(opened(parts.base))
    blend.check_alike(blend.state_of(run), base, parts.run.name, parts.base.name)
    if parts.others:
        blend.mix(run, [share for _, share in parts.others], states())
    return _Ends(parts.identity, base, run)


def _moved(model: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """To where it is told, as `load_model` would have put it there: what is not learned stays as exact as it is."""
    model.to(device)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model
