"""One optimiser step on one window, to see what it changes. The step is that of the trainer, without dropout."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from storytime_tui.training.evaluate import autocast, evaluating
from storytime_tui.training.loss import Objective
from storytime_tui.training.optimizers import make_optimizer
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.skips import SKIPPED


@dataclass(frozen=True)
class Step:
    """The loss of each target in nats before and after the step, and the gradient's norm before clipping."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    gradient_norm: float


def take_step(
    model: Any, inputs: Tensor, targets: Tensor, plan: TrainingPlan, *, device: torch.device, precision: str
) -> Step:
    """Train `model`, in place, for one step of AdamW on one window, at the plan's learning rate.

    `inputs` and `targets`: (1, tokens) ids, the targets one token later; SKIPPED targets do not count and have a loss
    of 0. The optimiser is new, as at a run's first step. Draws no random numbers: dropout stays off, so that a run
    that trains in another thread is not disturbed.
    """
    objective = Objective(model)
    optimizer = make_optimizer(objective, plan)
    with evaluating(objective):
        before = _losses(model, inputs, targets, device, precision)
        with autocast(device, precision):
            loss = objective(inputs, targets)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(objective.parameters(), plan.clip, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        after = _losses(model, inputs, targets, device, precision)
    return Step(before, after, float(norm))


@torch.no_grad()
def _losses(
    model: Any, inputs: Tensor, targets: Tensor, device: torch.device, precision: str
) -> tuple[float, ...]:
    """The loss of each target in nats."""
    with autocast(device, precision):
        logits: Tensor = model(inputs)[0]  # (tokens, vocabulary)
    nats = F.cross_entropy(logits.float(), targets[0], ignore_index=SKIPPED, reduction="none")
    return tuple(nats.tolist())
