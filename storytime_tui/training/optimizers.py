"""The optimisers, AdamW in 32 or 8 bits, and the loss scaling of fp16."""

from typing import Any

import torch

from storytime_tui.errors import PlanError
from storytime_tui.training.plan import TrainingPlan

BETAS = (0.9, 0.95)


def make_optimizer(model: torch.nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) with weight decay on matrices only, not on biases and norms.

    "adamw8bit" stores its moments in 8 bits (Dettmers et al. 2022). Raises PlanError if bitsandbytes is not
    installed.
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
    """Raise PlanError if the plan's optimiser is not installed."""
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
    """The gradient scaler for fp16, in which small gradients would underflow; disabled for other precisions."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")
