"""What learning with a base would take of memory, before anything of it is loaded or fetched. Loads no torch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storytime_tui.corpus.collection import Story
from storytime_tui.errors import StorytimeError
from storytime_tui.models import catalogue
from storytime_tui.models.catalogue import ScratchShape
from storytime_tui.models.footprint import Size, estimate, size_in, size_of_shape
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, read_plan, resolve
from storytime_tui.workshop.estimates import estimate_tokens, likely_gpu

_SPARE = 0.85  # of the memory that is free: other programs want some
_LORA_RANK = 16
# What OpenAI and Hugging Face published; a folder tells its own.
_KNOWN = {
    "distilgpt2": ScratchShape(layers=6, width=768, heads=12, vocabulary=50_257, window=1024),
    "gpt2": ScratchShape(layers=12, width=768, heads=12, vocabulary=50_257, window=1024),
    "gpt2-medium": ScratchShape(layers=24, width=1024, heads=16, vocabulary=50_257, window=1024),
    "gpt2-large": ScratchShape(layers=36, width=1280, heads=20, vocabulary=50_257, window=1024),
    "gpt2-xl": ScratchShape(layers=48, width=1600, heads=25, vocabulary=50_257, window=1024),
}


@dataclass(frozen=True)
class Room:
    """Bytes that a run would need, and that this machine can give it. `advice`: what to set where one is too little."""

    needed: int
    available: int
    advice: str = ""


def room_for(stories: Sequence[Story], base_name: str, plan: TrainingPlan | None = None) -> Room | None:
    """About what learning these stories with this base takes of this machine's memory, and what would fit.

    None where nothing is known: of a base that is not here, or where a GPU's memory counts, which only torch can
    ask for (the run's trial step does). Raises nothing.
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
            from_scratch=catalogue.scratch_shape(base_name) is not None,
            training_tokens=round(tokens * (1 - plan.validation_fraction)),
            parameters=size.parameters,
        )
    except StorytimeError:  # it cannot work, and the start will say why
        return None
    available = int(_free() * _SPARE)
    needed = _needed(size, resolved, resolved.batch_size or 1)
    return Room(needed, available, "" if needed <= available else _advice(size, resolved, available))


def _advice(size: Size, plan: TrainingPlan, available: int) -> str:
    ways: tuple[tuple[str, int, bool], ...] = (  # words, LoRA's rank, whether blocks are computed twice
        ("it will read one window at a time", 0, False),
        ("set checkpointing=on", 0, True),
        (f"set lora_rank={_LORA_RANK}", _LORA_RANK, False),
        (f"set lora_rank={_LORA_RANK} and checkpointing=on", _LORA_RANK, True),
    )
    for words, rank, checkpointing in ways:
        if _needed(size, plan, 1, checkpointing=checkpointing, lora_rank=rank) <= available:
            return words
    return "choose a smaller base"


def _needed(
    size: Size, plan: TrainingPlan, batch: int, *, checkpointing: bool = False, lora_rank: int = 0
) -> int:
    assert plan.block_size
    return estimate(
        size,
        batch=batch,
        block=plan.block_size,
        precision=plan.precision if plan.precision != "auto" else "bf16" if _has_bf16() else "fp32",
        dropout=plan.dropout,
        checkpointing=checkpointing or plan.checkpointing == "on",
        lora_rank=plan.lora_rank or lora_rank,
        frozen_embeddings=plan.frozen_embeddings,
        eight_bit=plan.optimizer == "adamw8bit",
    )


def _size_of(base_name: str) -> Size | None:
    shape = catalogue.scratch_shape(base_name) or _KNOWN.get(base_name)
    if base_name == catalogue.STARTER:
        shape = catalogue.starter_shape()
    if shape is not None:
        return size_of_shape(shape, shape.vocabulary, shape.window)
    try:
        if Path(base_name).expanduser().is_dir():
            return size_in(Path(base_name).expanduser())
        return _size_of(read_plan(runs.run_folder(base_name.partition("/")[0]) / runs.PLAN).base)
    except (StorytimeError, OSError, RecursionError):
        return None


def _free() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


@functools.cache
def _has_bf16() -> bool:
    """Whether the processor counts in 16 bits, so that activations are half as large; torch is asked later."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
