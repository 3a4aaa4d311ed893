"""Checkpoints: a Hugging Face folder plus the trainer's own state, written completely or not at all.

    step-N/  config.json model.safetensors generation_config.json tokenizer files README.md   for everyone
             trainer.safetensors trainer.json                                                 for an exact resume
             SHA256SUMS                                            hashes of all files (`sha256sum -c` reads it)

The data order and the dropout masks are functions of the seed and the step (see `trainer`), so the step, the
weights and the optimiser's moments are the whole state of a run. No pickle is written or read.
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
from storytime_tui.training.distributed import full_tensor, shard_like
from storytime_tui.training.runs import checkpoint_named, checkpoint_steps
from storytime_tui.training.sums import damage_in, write_sums

_FORMAT = 2
_STATE = "trainer.json"


@dataclass(frozen=True)
class RunPosition:
    """A run's progress; `data` is a fingerprint of the token streams, so that a resume notices changed data."""

    step: int
    best_validation_loss: float | None
    best_step: int
    worse: int  # evaluations since the best one
    seconds: float
    micro: int  # windows per micro-batch, fewer than planned if memory was too small
    checkpointing: bool
    scaler: dict[str, Any]  # GradScaler's state, for fp16
    data: str
    device: str
    precision: str
    threads: int
    torch: str


class Files(Protocol):
    """Writes a model to disk; implemented by whoever created the model and knows its names and tokenizer."""

    def weights(self) -> dict[str, torch.Tensor]:
        """All weights, on the CPU; with FSDP every rank must call this."""

    def write(self, weights: dict[str, torch.Tensor], folder: Path) -> None:
        """Write weights, configuration and tokenizer. Raises OSError and SafetensorError."""


@dataclass(frozen=True)
class CheckpointTensors:
    """A checkpoint's tensors: the model's and the optimiser's."""

    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]


def collect(model_files: Files, optimizer: torch.optim.Optimizer) -> CheckpointTensors:
    """CPU copies of all tensors."""
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
    """Write `checkpoints/step-N`, point `last` (and `best`) to it, and remove all but the newest `keep`.

    Raises OSError; checkpoints that were complete before stay complete.
    """
    root = run / "checkpoints"
    folder = root / f"step-{progress.step}"
    if not _is_same(folder, progress):
        _set_aside(folder)
        with files.folder_written_atomically(folder) as unfinished, _as_system_errors():
            model_files.write(state.weights, unfinished)
            save_file(state.optimizer, unfinished / "trainer.safetensors")
            record = {"format": _FORMAT, **asdict(progress)}
            (unfinished / _STATE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            (unfinished / "README.md").write_text(card, encoding="utf-8")
            write_sums(unfinished)
    files.point_link(root / "last", folder.name)
    if best:
        files.point_link(root / "best", folder.name)
    _prune(run, keep)
    return folder


def _is_same(folder: Path, progress: RunPosition) -> bool:
    """Whether a complete checkpoint of this step and data exists; it is then identical to the byte."""
    if not os.path.lexists(folder) or damage_in(folder):
        return False
    try:
        return read_progress(folder).data == progress.data
    except RunError:
        return False


def _set_aside(folder: Path) -> None:
    """Rename the checkpoint to `step-N.damaged`, which is deleted once a complete one is saved."""
    if os.path.lexists(folder):
        target = folder.with_name(folder.name + ".damaged")
        files.remove_folder(target)
        os.replace(folder, target)


def newest_complete(run: Path) -> tuple[Path | None, list[str]]:
    """The newest complete checkpoint (None if there is none), and a sentence for each damaged newer one.

    If there is a complete one, damaged ones are renamed to `step-N.damaged`, so that their steps can be saved again.
    """
    damaged_folders: list[Path] = []
    sentences: list[str] = []
    for step in reversed(checkpoint_steps(run)):
        folder = run / "checkpoints" / f"step-{step}"
        damaged = damage_in(folder)
        if not damaged:
            for each in damaged_folders:
                with contextlib.suppress(OSError):
                    _set_aside(each)
            return folder, [f"{sentence} Step {step} is used instead." for sentence in sentences]
        damaged_folders.append(folder)
        sentences.append(f"The checkpoint step-{step} is damaged ({damaged} has changed since it was saved).")
    return None, sentences


@contextlib.contextmanager
def _as_system_errors() -> Iterator[None]:
    """Turn safetensors' error for a full disk, which has the system's error number in its text, into an OSError."""
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
        shutil.rmtree(damaged, ignore_errors=True)  # a newer complete checkpoint exists
    removable = [f"step-{step}" for step in steps if f"step-{step}" not in pinned]
    for name in removable[: max(0, len(steps) - keep)]:
        with contextlib.suppress(OSError):
            files.remove_whole(root / name)


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as named tensors: `<parameter number>.<exp_avg | exp_avg_sq | step>`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": full_tensor(torch.as_tensor(value).detach()).cpu().contiguous()
        for number, values in state.items()
        for name, value in values.items()
    }


def checkpoint_folder(run: Path, which: str = "last") -> Path:
    """The folder of `last`, `best` or `step-N`. Raises RunError if the run has no such checkpoint."""
    folder = checkpoint_named(run, which)
    if folder is not None and small_files.is_regular(folder / _STATE):
        return folder
    steps = ", ".join(f"step-{step}" for step in checkpoint_steps(run)) or "none yet"
    raise RunError(f"The run {run.name!r} has no checkpoint {which!r}; it has {steps}.")


def read_progress(checkpoint: Path) -> RunPosition:
    """The progress in a checkpoint. Raises RunError for a file that is damaged or from a newer version."""
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
        raise RunError(
            f"The checkpoint {checkpoint.name} was written by a newer Storytime: update Storytime."
        )
    invalid = [name for name, check in _CHECKS.items() if name not in record or not check(record[name])]
    unknown = record.keys() - _CHECKS.keys()
    if version != _FORMAT or invalid or unknown:
        which = (invalid or sorted(unknown) or ["format"])[0]
        raise RunError(f"{damaged}: {which[:40]} is missing, unknown or wrong.")
    return RunPosition(**record)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_number(value: object) -> bool:
    return _is_count(value) or (type(value) is float and math.isfinite(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_CHECKS: dict[str, Callable[[Any], bool]] = {
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
    """Load the optimiser's moments. Raises RunError for a file that is damaged or does not fit the model."""
    file = checkpoint / "trainer.safetensors"
    try:
        if not small_files.is_regular(file):
            raise RunError(f"The checkpoint {checkpoint.name} is damaged: it has no trainer.safetensors.")
        tensors = load_file(file)
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
                f"The checkpoint {checkpoint.name} does not fit its model: unexpected optimiser state {key[:40]}."
            )
        state.setdefault(index, {})[name] = shard_like(value, parameters[index]) if value.dim() else value
    try:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (ValueError, KeyError, IndexError, RuntimeError) as error:
        raise RunError(f"The checkpoint {checkpoint.name} does not fit its model: {error}.") from error


def _is_moment(name: str, value: torch.Tensor, parameter: torch.Tensor) -> bool:
    """Whether a tensor fits this part of AdamW's state; the state of other optimisers is checked by them."""
    if name == "step":
        return value.numel() == 1 and bool(torch.isfinite(value).all())
    if name in ("exp_avg", "exp_avg_sq"):
        return value.is_floating_point() and value.shape == parameter.shape
    return True
