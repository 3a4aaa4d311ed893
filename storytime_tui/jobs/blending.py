"""A run at another strength, or blended with other runs of its base: finds the models and computes the weights.

`models.blend` has the arithmetic. The run and its base are read from the disk at the first strength other than 1. If
they take at most `KEPT` bytes together, they stay in memory until another run is opened, so that the next strength
costs one pass over the weights and no reading. Torch is loaded when a model opens.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
    """The parts of a blend: a run, its base, and other runs of that base, each with its share (0 to 1)."""

    run: Origin
    base: Origin
    others: tuple[tuple[Origin, float], ...] = ()

    @property
    def identity(self) -> str:
        """A key for the blend's weights, without the strength."""
        others = "".join(f" + {share!r} {_identity(other)}" for other, share in self.others)
        return f"{_identity(self.base)} -> {_identity(self.run)}{others}"


@dataclass(frozen=True)
class ChosenModel:
    """The weights to tell with: the unchanged model of `origin`, or the blend of `parts` at `strength` if given."""

    origin: Origin
    strength: float
    parts: BlendParts | None = None
    note: str = ""  # a sentence if the run's usual strength could not be used

    @property
    def identity(self) -> str:
        """A key for these weights."""
        return f"{self.parts.identity} at {self.strength!r}" if self.parts else _identity(self.origin)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of all files that these weights are computed from: of a blend the base first, then the run."""
        parts = self.parts
        origins = (parts.base, parts.run, *(other for other, _ in parts.others)) if parts else (self.origin,)
        found = (folder for each in origins for folder in (each.folder, each.adapter))
        return tuple(folder for folder in found if folder is not None)


def choose_model(
    name: str, strength: float | None, shares: Sequence[tuple[str, float]], report: Report
) -> ChosenModel:
    """Find the weights for a run at a strength (None: the run's usual strength).

    Strength 0 is the base itself, with the base's voices. A blend knows the voices of all its runs, the first run's
    first. If no strength was requested and the run's base is gone, the run is told as trained. Raises Misused for
    invalid numbers, ModelError and RunError as `find_origin` and `base_of` do, and ModelError if the runs have
    different bases.
    """
    if strength is not None:
        check_strength(strength)
    check_shares(shares)
    origin = find_origin(name, report)
    check_adapter(origin)
    requested = origin.voices.strength if strength is None else float(strength)
    shares = [(other, share) for other, share in shares if share]
    if requested == 1 and not shares:
        return ChosenModel(origin, 1.0)
    try:
        base = base_of(origin, report)
    except ModelError as error:
        if strength is None and not shares:
            _log.warning("told at strength 1, not at %g: %s", requested, error)
            note = f"{name} is told at strength 1 instead of its usual {requested:g}: {error}"
            return ChosenModel(origin, 1.0, note=note)
        raise
    others = tuple((find_origin(other, report), share) for other, share in shares)
    for other, _ in others:
        _check_one_base(origin, base, other, base_of(other, report))
    if requested == 0:
        return ChosenModel(base, 0.0)
    titles = [title for each in (origin, *(other for other, _ in others)) for title in each.voices.titles]
    blended = replace(origin, voices=replace(origin.voices, titles=tuple(dict.fromkeys(titles))))
    return ChosenModel(blended, requested, BlendParts(origin, base, others))


def _check_one_base(run: Origin, base: Origin, other: Origin, other_base: Origin) -> None:
    if weights_digest(base) != weights_digest(other_base):
        raise ModelError(
            f"{run.name} was trained from {base.name} and {other.name} from {other_base.name}: only runs of one base "
            "can be blended."
        )


def _identity(origin: Origin) -> str:
    return " ".join(identity_of(folder) for folder in (origin.folder, origin.adapter) if folder is not None)


@dataclass(frozen=True)
class _Ends:
    """The weights of one blend at strength 0 (`base`) and at strength 1 (`run`), in fp32 on the CPU."""

    identity: str
    base: State
    run: Any  # a whole model


_kept: _Ends | None = None
_lock = threading.Lock()


def open_chosen(chosen: ChosenModel, device: torch.device, dtype: torch.dtype) -> Any:
    """Open the model on the device and in the dtype. Raises ModelError.

    A blend is computed in fp32 on the CPU and rounded once, because most of what a run changes is smaller than the
    rounding error of 16 bits. This takes the memory of both models, and of a third while the two are kept.
    """
    global _kept
    with _lock:
        parts = chosen.parts
        if parts is None:
            if _kept is not None and _identity(chosen.origin) not in _kept.identity:
                _kept = None
            return open_model(chosen.origin, device, dtype).model
        from storytime_tui.models import blend

        ends = _kept if _kept is not None and _kept.identity == parts.identity else None
        if ends is None:
            _kept = None  # frees the memory before the next ones are read
            ends = _read(parts)
        size = sum(each.nbytes for state in (ends.base, blend.state_of(ends.run)) for each in state.values())
        _kept = ends if size <= KEPT else None
        if _kept:
            return _move(blend.copied_at(ends.run, ends.base, chosen.strength), device, dtype)
        blend.put_at_strength(ends.run, ends.base, chosen.strength)
        return _move(ends.run, device, dtype)


def read_base(run: Origin, device: torch.device, report: Report) -> dict[str, torch.Tensor]:
    """The base weights of a resumed run, in fp32 on the CPU, for `blend.at_strength` with a model on `device`.

    A new run has `blend.starting_point` instead. Raises ModelError as `base_of` does.
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


def _move(model: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Move the model and cast its parameters, as `load_model` does; buffers keep their precision."""
    model.to(device)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model
