"""Checkpoints: a Hugging Face folder with the trainer's own state beside the weights, whole or not there.

    step-N/  config.json model.safetensors generation_config.json tokenizer files README.md   for everyone
             trainer.safetensors trainer.json                                                 for an exact resume
             SHA256SUMS                                            what all of them were (`sha256sum -c` reads it)

The data order and the dropout masks are functions of the seed and the step (see `trainer`), so the step, the
weights and the optimiser's moments are all that a run is. No pickle is written or read.
"""

import contextlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from storytime_tui import files, small_files
from storytime_tui.errors import RunError
from storytime_tui.training.distributed import part_like, whole
from storytime_tui.training.runs import checkpoint_named, checkpoint_steps
from storytime_tui.training.sums import damage_in, write_sums

_FORMAT = 2
_STATE = "trainer.json"


@dataclass(frozen=True)
class RunPosition:
    """Where a run stands; `data` is a fingerprint of the token streams, so that a resume finds them changed."""

    step: int
    best_validation_loss: float | None
    best_step: int
    worse: int  # evaluations since the best one
    seconds: float
    micro: int  # windows at once, less than the plan's where the memory was too small
    checkpointing: bool
    scaler: dict[str, Any]  # of fp16
    data: str
    device: str
    precision: str
    threads: int
    torch: str


class Files(Protocol):
    """How a model goes to the disk: only who made it knows its names and its tokenizer."""

    def weights(self) -> dict[str, torch.Tensor]:
        """All of them, on the CPU. Where ranks hold parts of the model, each has to ask."""

    def write(self, weights: dict[str, torch.Tensor], folder: Path) -> None:
        """Write weights, configuration and tokenizer. Raises OSError and SafetensorError."""


@dataclass(frozen=True)
class CheckpointTensors:
    """What a checkpoint holds in tensors: the model's, and the optimiser's."""

    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]


def collect(model_files: Files, optimizer: torch.optim.Optimizer) -> CheckpointTensors:
    """Copies of all tensors, on the CPU."""
    return CheckpointTensors(model_files.weights(), _optimizer_tensors(optimizer))


def save_checkpoint(
    run: Path,
    state: CheckpointTensors,
    progress: RunPosition,
    model_files: Files,
    *,
    card: str,
    best: bool,
    keep: int,
) -> Path:
    """Write `checkpoints/step-N`, point `last` (and `best`) at it, and remove all but the newest `keep`.

    Raises OSError; whatever happens, the checkpoints that were whole before are whole after.
    """
    root = run / "checkpoints"
    folder = root / f"step-{progress.step}"
    if not _is_same(folder, progress):
        _set_aside(folder)
        with files.folder_written_atomically(folder) as part, _as_system_errors():
            model_files.write(state.weights, part)
            save_file(state.optimizer, part / "trainer.safetensors")
            record = {"format": _FORMAT, **asdict(progress)}
            (part / _STATE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            (part / "README.md").write_text(card, encoding="utf-8")
            write_sums(part)
    files.point_link(root / "last", folder.name)
    if best:
        files.point_link(root / "best", folder.name)
    _prune(run, keep)
    return folder


def _is_same(folder: Path, progress: RunPosition) -> bool:
    """Whether there is a whole checkpoint of this very step, of the same stories: it is the same to the byte."""
    if not os.path.lexists(folder) or damage_in(folder):
        return False
    try:
        return read_progress(folder).data == progress.data
    except RunError:
        return False


def _set_aside(folder: Path) -> None:
    """Move what is in a checkpoint's place to `step-N.damaged`, where a whole one will end its time."""
    if os.path.lexists(folder):
        aside = folder.with_name(folder.name + ".damaged")
        files.remove_folder(aside)
        os.replace(folder, aside)


def newest_whole(run: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that is whole (None where none is), and a sentence for each newer one that is not.

    Damaged ones are then set aside as `step-N.damaged`, so that their steps can be saved again; they stay where
    they are where nothing else is left.
    """
    bad: list[Path] = []
    sentences: list[str] = []
    for step in reversed(checkpoint_steps(run)):
        folder = run / "checkpoints" / f"step-{step}"
        damaged = damage_in(folder)
        if not damaged:
            for each in bad:
                with contextlib.suppress(OSError):
                    _set_aside(each)
            return folder, [f"{sentence} The one of step {step} is used." for sentence in sentences]
        bad.append(folder)
        sentences.append(f"The checkpoint step-{step} is damaged ({damaged} is not what was saved).")
    return None, sentences


@contextlib.contextmanager
def _as_system_errors() -> Iterator[None]:
    """A full disk reaches us from safetensors as its own error with the system's number in the text."""
    try:
        yield
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def _prune(run: Path, keep: int) -> None:
    root = run / "checkpoints"
    pinned = {found.name for link in ("last", "best") if (found := checkpoint_named(run, link))}
    steps = checkpoint_steps(run)
    for damaged in root.glob("step-*.damaged"):
        shutil.rmtree(damaged, ignore_errors=True)  # there is a whole one again
    spare = [f"step-{step}" for step in steps if f"step-{step}" not in pinned]
    for name in spare[: max(0, len(steps) - keep)]:
        shutil.rmtree(root / name, ignore_errors=True)


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as named tensors: `<parameter number>.<exp_avg | exp_avg_sq | step>`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": whole(torch.as_tensor(value).detach()).cpu().contiguous()
        for number, values in state.items()
        for name, value in values.items()
    }


def checkpoint_folder(run: Path, which: str = "last") -> Path:
    """The folder of `last`, `best` or `step-N`. Raises RunError where the run has none such."""
    folder = checkpoint_named(run, which)
    if folder is not None and small_files.is_regular(folder / _STATE):
        return folder
    steps = ", ".join(f"step-{step}" for step in checkpoint_steps(run)) or "none yet"
    raise RunError(f"The run {run.name!r} has no checkpoint {which!r}; it has {steps}.")


def read_progress(checkpoint: Path) -> RunPosition:
    """Where the run stood. Raises RunError where the file is damaged or from a newer program."""
    damaged = f"The checkpoint {checkpoint.name} is damaged ({_STATE})"
    try:
        record = small_files.read_json(checkpoint / _STATE)
    except FileNotFoundError:
        raise RunError(f"{damaged}: it is missing.") from None
    except small_files.UnreadableFile as error:
        raise RunError(f"{damaged}: {error}") from error
    if not isinstance(record, dict):
        raise RunError(f"{damaged}: it holds no JSON object.")
    version = record.pop("format", None)
    if type(version) is int and version > _FORMAT:
        raise RunError(f"The checkpoint {checkpoint.name} was written by a newer Storytime: update this one.")
    wrong = [name for name, fits in _FITS.items() if name not in record or not fits(record[name])]
    unknown = record.keys() - _FITS.keys()
    if version != _FORMAT or wrong or unknown:
        which = (wrong or sorted(unknown) or ["format"])[0]
        raise RunError(f"{damaged}: {which[:40]} is missing, unknown or wrong.")
    return RunPosition(**record)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_number(value: object) -> bool:
    return _is_count(value) or (type(value) is float and math.isfinite(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_FITS: dict[str, Callable[[Any], bool]] = {
    "step": lambda value: _is_count(value) and value > 0,
    "best_validation_loss": lambda value: value is None or _is_number(value) or value != value,
    "best_step": _is_count,
    "worse": _is_count,
    "seconds": lambda value: _is_number(value) and value >= 0,
    "micro": lambda value: _is_count(value) and value > 0,
    "checkpointing": lambda value: isinstance(value, bool),
    "scaler": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
    "data": _is_text,
    "device": _is_text,
    "precision": _is_text,
    "threads": _is_count,
    "torch": _is_text,
}


def load_optimizer(checkpoint: Path, optimizer: torch.optim.Optimizer) -> None:
    """Put the moments back. Raises RunError where the file is damaged or does not fit the model."""
    place = checkpoint / "trainer.safetensors"
    try:
        if not small_files.is_regular(place):
            raise RunError(f"The checkpoint {checkpoint.name} is damaged: it has no trainer.safetensors.")
        tensors = load_file(place)
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"The checkpoint {checkpoint.name} is damaged (trainer.safetensors): {error}."
        ) from error
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        index = int(number) if re.fullmatch(r"[0-9]{1,9}", number) else len(parameters)
        if index >= len(parameters) or not name or not _is_moment(name, value, parameters[index]):
            raise RunError(
                f"The checkpoint {checkpoint.name} does not fit its model: {key[:40]} is not its own."
            )
        state.setdefault(index, {})[name] = part_like(value, parameters[index]) if value.dim() else value
    try:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (ValueError, KeyError, IndexError, RuntimeError) as error:
        raise RunError(f"The checkpoint {checkpoint.name} does not fit its model: {error}.") from error


def _is_moment(name: str, value: torch.Tensor, parameter: torch.Tensor) -> bool:
    """Whether a tensor can be that part of AdamW's state; what another optimiser keeps is left to it to judge."""
    if name == "step":
        return value.numel() == 1 and bool(torch.isfinite(value).all())
    if name in ("exp_avg", "exp_avg_sq"):
        return value.is_floating_point() and value.shape == parameter.shape
    return True
