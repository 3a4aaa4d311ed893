"""Checkpoints: a Hugging Face folder with the trainer's own state beside the weights, whole or not there.

    step-N/  config.json model.safetensors generation_config.json tokenizer files README.md   for everyone
             trainer.safetensors trainer.json                                                 for an exact resume
             SHA256SUMS                                            what all of them were (`sha256sum -c` reads it)

The data order and the dropout masks are functions of the seed and the step (see `trainer`), so the step, the
weights and the optimiser's moments are all that a run is. No pickle is written or read.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from storytime_tui import files
from storytime_tui.errors import RunError
from storytime_tui.training.distributed import part_like, whole
from storytime_tui.training.runs import checkpoint_steps
from storytime_tui.training.sums import damage_in, write_sums

_FORMAT = 2


@dataclass(frozen=True)
class Progress:
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
class State:
    """What a checkpoint holds in tensors: the model's, and the optimiser's."""

    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]


def collect(model_files: Files, optimizer: torch.optim.Optimizer) -> State:
    """Copies of all tensors, on the CPU."""
    return State(model_files.weights(), _optimizer_tensors(optimizer))


def save_checkpoint(
    run: Path, state: State, progress: Progress, model_files: Files, *, card: str, best: bool, keep: int
) -> Path:
    """Write `checkpoints/step-N`, point `last` (and `best`) at it, and remove all but the newest `keep`.

    Raises OSError; whatever happens, the checkpoints that were whole before are whole after.
    """
    root = run / "checkpoints"
    folder = root / f"step-{progress.step}"
    if not folder.is_dir():  # a checkpoint of this very step is the same to the byte: keep it
        with files.folder_written_atomically(folder) as part, _as_system_errors():
            model_files.write(state.weights, part)
            save_file(state.optimizer, part / "trainer.safetensors")
            record = {"format": _FORMAT, **asdict(progress)}
            (part / "trainer.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            (part / "README.md").write_text(card, encoding="utf-8")
            write_sums(part)
    files.point_link(root / "last", folder.name)
    if best:
        files.point_link(root / "best", folder.name)
    _prune(run, keep)
    return folder


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
                aside = each.with_name(each.name + ".damaged")
                with contextlib.suppress(OSError):
                    files.remove_folder(aside)
                    each.rename(aside)
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
    pinned = {(root / link).resolve().name for link in ("last", "best")}
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
    folder = run / "checkpoints" / which
    if re.fullmatch(r"last|best|step-\d+", which) and (folder / "trainer.json").is_file():
        return folder.resolve()
    steps = ", ".join(f"step-{step}" for step in checkpoint_steps(run)) or "none yet"
    raise RunError(f"The run {run.name!r} has no checkpoint {which!r}; it has {steps}.")


def read_progress(checkpoint: Path) -> Progress:
    """Where the run stood. Raises RunError where the file is damaged or from a newer program."""
    try:
        record = json.loads((checkpoint / "trainer.json").read_text(encoding="utf-8"))
        if record.pop("format") != _FORMAT:
            raise RunError(
                f"The checkpoint {checkpoint.name} was written by a newer Storytime: update this one."
            )
        return Progress(**record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"The checkpoint {checkpoint.name} is damaged (trainer.json): {error}.") from error


def load_optimizer(checkpoint: Path, optimizer: torch.optim.Optimizer) -> None:
    """Put the moments back. Raises RunError where the file is damaged or does not fit the model."""
    try:
        tensors = load_file(checkpoint / "trainer.safetensors")
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"The checkpoint {checkpoint.name} is damaged (trainer.safetensors): {error}."
        ) from error
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        own = part_like(value, parameters[int(number)]) if value.dim() else value
        state.setdefault(int(number), {})[name] = own
    try:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (ValueError, KeyError, IndexError, RuntimeError) as error:
        raise RunError(f"The checkpoint {checkpoint.name} does not fit its model: {error}.") from error
