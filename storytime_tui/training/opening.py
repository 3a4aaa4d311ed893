"""The event that opens a run: what is trained, on what, and how long."""

import time

from storytime_tui.training.dataset import Dataset
from storytime_tui.training.events import Started
from storytime_tui.training.plan import Schedule, TrainingPlan


def started(
    run: str,
    plan: TrainingPlan,
    dataset: Dataset,
    schedule: Schedule,
    *,
    device: str,
    precision: str,
    parameters: int,
    memory: tuple[int, int],
) -> Started:
    """The event of a run with a resolved plan. `memory`: bytes needed and available; 0 if unknown."""
    assert plan.block_size
    return Started(
        run=run,
        base=plan.base,
        collections=plan.collections,
        device=device,
        precision=precision,
        parameters=parameters,
        stories=dataset.stories,
        validation_stories=dataset.validation_stories,
        copies=dataset.copies,
        training_tokens=len(dataset.training_ids),
        validation_tokens=len(dataset.validation_ids),
        total_steps=schedule.total_steps,
        steps_per_epoch=schedule.steps_per_epoch,
        block_size=plan.block_size,
        token_frequency_loss=dataset.token_frequency_loss,
        time=time.time(),
        dropout=plan.dropout,
        memory_needed=memory[0],
        memory_available=memory[1],
        evaluate_every=plan.evaluate_every or 1,
        sample_every=plan.sample_every or 0,
    )
