"""Trains a model in memory with a learning rate that rises from step to step, and yields each step's loss."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from storytime_tui.training.dataset import Dataset
from storytime_tui.training.evaluate import autocast
from storytime_tui.training.loss import Objective, window_batch
from storytime_tui.training.optimizers import make_optimizer, make_scaler
from storytime_tui.training.order import WindowOrder
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.skips import skips_of


def sweep(
    model: Any,
    plan: TrainingPlan,
    data: Dataset,
    rates: Sequence[float],
    *,
    device: torch.device,
    precision: str,
) -> Iterator[float]:
    """Take one step at each learning rate, as a run with this resolved plan would, and yield its loss.

    The loss is in nats per token, of the step's windows before the step. The windows are those of the run's first
    steps. Changes the model, and nothing else.
    """
    assert plan.batch_size and plan.accumulation and plan.block_size
    objective = Objective(model.train())
    optimizer, scaler = make_optimizer(objective, plan), make_scaler(device, precision)
    order = WindowOrder(data.training_ids, plan, device)
    skips = skips_of(data.training_skipped, len(data.training_ids), device)
    windows = plan.batch_size * plan.accumulation
    torch.manual_seed(plan.seed)
    for step, rate in enumerate(rates):
        starts = order.starts(step * windows, windows)
        counted = skips.counted(starts, plan.block_size) if skips else windows * plan.block_size
        optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=device)
        for first in range(0, windows, plan.batch_size):
            batch = starts[first : first + plan.batch_size]
            inputs, targets = window_batch(order.ids, batch, plan.block_size, device, skips)
            with autocast(device, precision):
                loss = objective(inputs, targets, reduction="sum") / counted
            torch.autograd.backward(scaler.scale(loss))
            total += loss.detach()
        for group in optimizer.param_groups:
            group["lr"] = rate
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(objective.parameters(), plan.clip, foreach=True)
        scaler.step(optimizer)
        scaler.update()
        yield total.item()
