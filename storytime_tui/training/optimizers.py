"""What turns gradients into steps: AdamW in full or in 8 bits, and the scaling that fp16 needs."""

from typing import Any

import torch

from storytime_tui.errors import PlanError
from storytime_tui.training.plan import TrainingPlan

BETAS = (0.9, 0.95)


def make_optimizer(model: torch.nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) with weight decay on matrices only: biases and norms are not pulled to zero.

    "adamw8bit" keeps its moments in 8 bits (Dettmers et al. 2022). Raises PlanError where that is not installed.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    rate = plan.learning_rate or 0.0
    if plan.optimizer == "adamw8bit":
        optimizer: torch.optim.Optimizer = _eight_bit()(groups, lr=rate, betas=BETAS)
        return optimizer
    return torch.optim.AdamW(groups, lr=rate, betas=BETAS, fused=True)


def check_optimizer(plan: TrainingPlan) -> None:
    """Raise PlanError where the plan's optimiser is not installed."""
    if plan.optimizer == "adamw8bit":
        _eight_bit()


def _eight_bit() -> Any:
    try:
        from bitsandbytes.optim import AdamW8bit  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise PlanError(
            "optimizer=adamw8bit needs bitsandbytes, which is not installed: `pip install bitsandbytes`, "
            "or set optimizer=adamw."
        ) from error
    return AdamW8bit


def make_scaler(device: torch.device, precision: str) -> torch.amp.GradScaler:
    """fp16 loses small gradients: the loss is scaled up before backward, and gradients down again before a step.

    For every other precision it does nothing.
    """
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")
