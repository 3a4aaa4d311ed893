"""What the tests of the trainer share: a plan, a lesson and a trainer, all tiny."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from storytime_tui.models.own_files import read_weights
from storytime_tui.training import checkpoints
from storytime_tui.training import events as ev
from storytime_tui.training.beginnings import Beginning
from storytime_tui.training.control import Control
from storytime_tui.training.dataset import Dataset
from storytime_tui.training.plan import TrainingPlan, resolve
from storytime_tui.training.trainer import Trainer
from tests.tiny import TinyFiles, ours, tiny_gpt2, token_stream

CPU = torch.device("cpu")
TRAINING, VALIDATION = token_stream(2000), token_stream(300, seed=1)
LESSON = Dataset(TRAINING, VALIDATION, 600, 8, 2, 4.0, "data")


class NoFiles:
    """Keeps nothing."""

    def weights(self) -> dict[str, Any]:
        """None."""
        return {}

    def write(self, weights: dict[str, Any], folder: Path) -> None:
        """Nothing."""


def plan_for(**values: Any) -> TrainingPlan:
    """A resolved plan of 12 steps of 8 windows."""
    plan = TrainingPlan(
        **{
            "collections": ("tales",),
            "batch_size": 4,
            "accumulation": 2,
            "block_size": 32,
            "max_steps": 12,
            "learning_rate": 3e-3,
            "evaluate_every": 4,
            "sample_every": 4,
            "precision": "fp32",
            **values,
        }
    )
    return resolve(plan, window=32, from_scratch=True, training_tokens=len(TRAINING), parameters=10**5)


def trainer_in(
    folder: Path,
    plan: TrainingPlan,
    control: Control | None = None,
    model: Any = None,
    sample: Callable[[Beginning, int, int], str] = lambda beginning, tokens, seed: " a tale",
    model_files: Any = None,
) -> Trainer:
    """A trainer of a new run, or of one that begins again."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model or ours(tiny_gpt2())
    return Trainer(
        model,
        plan,
        LESSON,
        folder,
        device=CPU,
        precision="fp32",
        control=control or Control(),
        sample=sample,
        model_files=model_files or TinyFiles(model),
    )


def continued(folder: Path, plan: TrainingPlan, control: Control | None = None) -> Trainer:
    """A trainer that goes on from the newest whole checkpoint."""
    checkpoint, _ = checkpoints.newest_complete(folder)
    assert checkpoint is not None
    model = ours(tiny_gpt2(seed=9))  # other weights: the checkpoint's have to come over them
    assert read_weights(model, checkpoint) == ([], [])
    trainer = trainer_in(folder, plan, control, model)
    trainer.resume_from(checkpoint)
    return trainer


def steps_in(said: list[ev.Event]) -> list[ev.StepDone]:
    """The steps among what was said."""
    return [event for event in said if isinstance(event, ev.StepDone)]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """The last checkpoint's."""
    return load_file(folder / "checkpoints" / "last" / "model.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether all tensors are the same to the last bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
