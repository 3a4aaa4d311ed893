"""Prepares a model for training: loads it, freezes weights or adds LoRA. Torch is loaded with the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storytime_tui.jobs.find_model import Origin
from storytime_tui.jobs.models import AdapterFiles, WholeFiles
from storytime_tui.models import catalogue
from storytime_tui.training.plan import TrainingPlan, schedule_of

if TYPE_CHECKING:
    import torch

    from storytime_tui.corpus.tokens import TokenFile
    from storytime_tui.models.loading import LoadedModel
    from storytime_tui.models.tokenizer import Tokenizer

_EMBEDDINGS = ("wte", "wpe", "embed_tokens", "embed_positions", "lm_head")  # parts of parameter names
_COMPILE_FROM = 180.0  # seconds of training; for shorter runs compiling (about a minute) does not pay
_EAGER_SPEED = 60e12  # FLOP/s of a current GPU, uncompiled, with a small model


def load_for_training(
    plan: TrainingPlan, origin: Origin, tokenizer: Tokenizer, device: torch.device
) -> LoadedModel:
    """Load the model in fp32. Under LoRA the base is frozen, so bf16 is enough for it on a GPU."""
    import torch

    from storytime_tui.models import loading

    if origin.shape is not None:
        assert plan.block_size is not None
        shape = dataclasses.replace(
            origin.shape, window=plan.block_size
        )  # later positions would stay untrained
        return loading.new_model(shape, tokenizer, plan.seed, plan.dropout, device)
    assert origin.folder is not None
    half = plan.lora_rank > 0 and device.type == "cuda" and plan.precision in ("auto", "bf16")
    dtype = torch.bfloat16 if half else torch.float32
    loaded = loading.load_model(origin.folder, device=device, dtype=dtype, dropout=plan.dropout)
    if origin.adapter is not None and plan.base == origin.name:  # a new run whose base is a LoRA run
        from storytime_tui.models.lora import open_adapter

        open_adapter(loaded.model, origin.adapter)
    return loaded


def fit(
    plan: TrainingPlan, origin: Origin, loaded: LoadedModel, tokenizer: Tokenizer, checkpoint: Path | None
) -> WholeFiles | AdapterFiles:
    """Freeze or add weights as the plan says. Returns how the model is saved."""
    model = loaded.model
    model.checkpointing = plan.checkpointing == "on"
    model_files: WholeFiles | AdapterFiles = WholeFiles(loaded, tokenizer)
    if plan.lora_rank:
        from storytime_tui.models import lora

        added = lora.add_lora(model, plan.lora_rank, plan.lora_alpha, plan.lora_targets, plan.seed)
        if checkpoint is not None:
            lora.read_adapter(model, checkpoint)
        _store_base_in_bf16(plan, model)
        # a GGUF file's folder is in the cache, and may go
        by_path = origin.local and catalogue.gguf_file(plan.base) is None
        model_files = AdapterFiles(loaded, tokenizer, added, str(origin.folder) if by_path else plan.base)
    elif plan.frozen_embeddings:
        freeze_embeddings(model)
    return model_files


def _store_base_in_bf16(plan: TrainingPlan, model: Any) -> None:
    """Store the frozen base in bf16 where a run by LoRA computes in it on a CPU, with a model that is written here.

    On a GPU it is loaded so. FSDP wants all weights of a block in one dtype.
    """
    import torch

    from storytime_tui.models import loading, lora
    from storytime_tui.models.causal_model import CausalModel

    if not isinstance(model, CausalModel) or plan.sharded:
        return
    device = model.head.device
    if device.type == "cpu" and loading.choose_precision(plan.precision, device) == "bf16":
        lora.store_base_in(torch.bfloat16, model)


def freeze_embeddings(model: Any) -> None:
    """Train all weights but the embeddings."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not any(part in name for part in _EMBEDDINGS))


def with_compile(plan: TrainingPlan, loaded: LoadedModel, device: torch.device, tokens: int) -> TrainingPlan:
    """The plan with compile="auto" resolved: "on" for long runs on CUDA, else "off"."""
    if plan.compile != "auto":
        return plan
    assert plan.batch_size and plan.accumulation and plan.block_size
    parameters = sum(p.numel() for p in loaded.model.parameters())
    steps = schedule_of(plan, tokens).total_steps
    work = 6 * parameters * steps * plan.batch_size * plan.accumulation * plan.block_size
    pays = device.type == "cuda" and work / _EAGER_SPEED > _COMPILE_FROM
    return dataclasses.replace(plan, compile="on" if pays else "off")


def loss_of(
    validation: TokenFile, plan: TrainingPlan, device: torch.device, precision: str
) -> Callable[[Any], float]:
    """A function that returns a model's validation loss in nats per token, as the run measures it."""

    def loss(model: Any) -> float:
        from storytime_tui.training.evaluate import score_in_batches
        from storytime_tui.training.loss import Objective
        from storytime_tui.training.measuring import MOST_TOKENS, score_to_end

        assert plan.block_size and plan.batch_size
        score = score_to_end(
            score_in_batches(
                Objective(model),
                validation.ids,
                validation.text_bytes,
                block=plan.block_size,
                batch=plan.batch_size,
                device=device,
                precision=precision,
                skipped=validation.skipped,
                most=MOST_TOKENS,
            )
        )
        assert score is not None  # None only if stopped
        return score.loss

    return loss
