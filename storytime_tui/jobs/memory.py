"""Estimates the memory of a training run before the base is loaded or fetched. Loads no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui import formatting, paths
from storytime_tui.corpus.collection import Story
from storytime_tui.errors import PlanError, StorytimeError
from storytime_tui.jobs.estimates import estimate_tokens, has_bf16, likely_gpu
from storytime_tui.models import catalogue
from storytime_tui.models.footprint import (
    Size,
    estimate_memory,
    size_in,
    size_of_gpt_neo,
    size_of_llama,
    size_of_shape,
)
from storytime_tui.models.shapes import (
    GPT2_SHAPES,
    LLAMA_CONFIGS,
    TINY_STORIES,
    TINY_STORIES_SHAPE,
    scratch_shape,
)
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, read_plan, resolve

_USABLE = 0.85  # share of the free memory that a run may use; the rest is for other programs
_LORA_RANK = 16


@dataclass(frozen=True)
class Room:
    """Bytes that a run needs and that this machine has. `advice`: what to change if the memory is too small."""

    needed: int
    available: int
    advice: str = ""


def room_for(stories: Sequence[Story], base_name: str, plan: TrainingPlan | None = None) -> Room | None:
    """Estimate the memory of a run on these stories with this base, and advise what would fit.

    None if nothing is known: the base is not on this machine, or the run would use a GPU, whose memory only torch can
    read (the run's trial step does). Raises nothing.
    """
    size = _size_of(base_name)
    if size is None or not stories or likely_gpu():
        return None
    tokens = estimate_tokens(sum(story.facts.bytes for story in stories), base_name)
    plan = plan or TrainingPlan(base=base_name)
    try:
        resolved = resolve(
            plan,
            window=size.window,
            from_scratch=scratch_shape(base_name) is not None,
            training_tokens=round(tokens * (1 - plan.validation_fraction)),
            parameters=size.parameters,
        )
    except StorytimeError:  # an invalid plan; the start of the run will say why
        return None
    available = int(_free() * _USABLE)
    needed = _needed(size, resolved, resolved.batch_size or 1)
    if needed <= available:
        return Room(needed, available)
    # a batch size that the program chose is reduced by the trial step anyway
    batch = _largest_batch(size, resolved, available) if plan.batch_size else 0
    return Room(needed, available, f"set batch_size={batch}" if batch else _advice(size, resolved, available))


def check_batch(size: Size, plan: TrainingPlan, on_gpu: int | None = None, *, requested: bool) -> None:
    """Raise PlanError if a resolved plan's batch size needs more memory than is free, by the estimate.

    Checks a `requested` batch size only, before the weights are loaded: a trial would take minutes and all memory.
    Assumes activation checkpointing unless the plan turns it off. `on_gpu`: free bytes of the GPU; without it nothing
    is checked if a GPU will do the work or several processes share it.
    """
    assert plan.batch_size
    elsewhere = (likely_gpu() and plan.device != "cpu") or os.environ.get("WORLD_SIZE", "1") != "1"
    if not requested or plan.batch_size == 1 or (on_gpu is None and elsewhere):
        return
    available = _free() if on_gpu is None else on_gpu
    options = {"checkpointing": plan.checkpointing != "off", "on_gpu": on_gpu is not None}
    needed = _needed(size, plan, plan.batch_size, **options)
    if needed <= available:
        return
    largest = max(1, _largest_batch(size, plan, available, **options))
    raise PlanError(
        f"batch_size={plan.batch_size} needs about {formatting.size(needed)} of memory, and "
        f"{formatting.size(available)} are free: set batch_size={largest} or less, or leave it to the program."
    )


def _largest_batch(
    size: Size, plan: TrainingPlan, available: int, *, checkpointing: bool = False, on_gpu: bool = False
) -> int:
    """The largest batch size that fits into the memory; 0 if none does."""
    assert plan.batch_size
    fits, too_many = 0, plan.batch_size + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _needed(size, plan, middle, checkpointing=checkpointing, on_gpu=on_gpu) <= available:
            fits = middle
        else:
            too_many = middle
    return fits


def _advice(size: Size, plan: TrainingPlan, available: int) -> str:
    options: tuple[tuple[str, int, bool], ...] = (  # advice, LoRA rank, activation checkpointing
        ("it will read one window at a time", 0, False),
        ("set checkpointing=on", 0, True),
        (f"set lora_rank={_LORA_RANK}", _LORA_RANK, False),
        (f"set lora_rank={_LORA_RANK} and checkpointing=on", _LORA_RANK, True),
    )
    for advice, rank, checkpointing in options:
        if _needed(size, plan, 1, checkpointing=checkpointing, lora_rank=rank) <= available:
            return advice
    return "choose a smaller base"


def _needed(
    size: Size,
    plan: TrainingPlan,
    batch: int,
    *,
    checkpointing: bool = False,
    lora_rank: int = 0,
    on_gpu: bool = False,
) -> int:
    assert plan.block_size
    return estimate_memory(
        size,
        batch=batch,
        block=plan.block_size,
        precision=plan.precision if plan.precision != "auto" else "bf16" if on_gpu or has_bf16() else "fp32",
        dropout=plan.dropout,
        checkpointing=checkpointing or plan.checkpointing == "on",
        lora_rank=plan.lora_rank or lora_rank,
        frozen_embeddings=plan.frozen_embeddings,
        eight_bit=plan.optimizer == "adamw8bit",
        on_gpu=on_gpu,
    )


def _size_of(base_name: str) -> Size | None:
    shape = scratch_shape(base_name) or GPT2_SHAPES.get(base_name)
    if base_name == catalogue.STARTER:
        shape = catalogue.starter_shape()
    if shape is not None:
        return size_of_shape(shape, shape.vocabulary, shape.window)
    if base_name == TINY_STORIES:
        return size_of_gpt_neo(TINY_STORIES_SHAPE)
    if base_name in LLAMA_CONFIGS:
        return size_of_llama(LLAMA_CONFIGS[base_name])
    try:
        if paths.expanded(base_name).is_dir():
            return size_in(paths.expanded(base_name))
        return _size_of(read_plan(runs.run_folder(base_name.partition("/")[0]) / runs.PLAN).base)
    except (StorytimeError, OSError, RecursionError):
        return None


def _free() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
