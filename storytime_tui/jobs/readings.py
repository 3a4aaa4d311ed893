"""A passage as a model of a run reads it: how likely each token is, and what could stand there instead.

The figures are those of `explain`. Loads torch when a model is opened.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from storytime_tui.errors import ModelError
from storytime_tui.generation.voice import Voice, known
from storytime_tui.jobs.explain import (
    TOP,
    Explainer,
    OpenedModel,
    TokenExplained,
    explain_text,
    open_explainer,
)
from storytime_tui.jobs.find_model import checkpoint_in
from storytime_tui.jobs.passages import BASE, Passage
from storytime_tui.models.shapes import ScratchShape, scratch_shape
from storytime_tui.settings import load_settings
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, read_plan

if TYPE_CHECKING:
    import torch

    from storytime_tui.generation.sampling.settings import SamplerSettings
    from storytime_tui.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class Reading:
    """A passage under one model: each token as `explain` has it, and the (tokens, vocabulary) logits at its place."""

    tokens: tuple[TokenExplained, ...]
    logits: npt.NDArray[np.float32]
    tokenizer: Tokenizer

    @property
    def loss(self) -> float:
        """The mean loss in nats per token."""
        return -sum(token.logprob for token in self.tokens) / max(1, len(self.tokens))


@dataclass(frozen=True)
class Chance:
    """A token that could stand at a place: its probability by the model itself, and under sampler settings (0: cut)."""

    text: str
    own: float
    drawn: float


@dataclass(frozen=True)
class Chances:
    """The ten likeliest tokens of a place, the first choice first, under sampler settings.

    `kept` of `vocabulary` tokens may be drawn. `actual`: the token that stands there.
    """

    likeliest: tuple[Chance, ...]
    kept: int
    vocabulary: int
    actual: Chance


def read_passage(run: str, which: str, passage: Passage) -> Reading:
    """The passage under the run's base ("base") or a checkpoint ("step-20").

    The shelf's line comes before it if the model knows the shelf.
    Raises ModelError and RunError, also if the checkpoint is not there any more.
    """
    explainer = open_model_of(run, which)
    rows: list[torch.Tensor] = []
    voice = voice_for(explainer.model, passage)
    tokens = tuple(
        explain_text(
            explainer, passage.text, (voice,), _no_report, on_logits=lambda each: rows.append(each.cpu())
        )
    )
    size = explainer.model.tokenizer.vocabulary_size
    logits = (
        np.concatenate([each.numpy()[:, :size] for each in rows]) if rows else np.zeros((0, size), np.float32)
    )
    return Reading(tokens, logits, explainer.model.tokenizer)


def open_model_of(run: str, which: str) -> Explainer:
    """Open the run's base or a checkpoint. A new model is made again as the run made it.

    It is computed on the device of the settings. Raises ModelError and RunError.
    """
    from storytime_tui.jobs.preload import preload_torch

    preload_torch()
    device = load_settings().settings.device
    if which != BASE:
        return open_explainer(run, _no_report, checkpoint=which, device_name=device)
    plan = read_plan(runs.run_folder(run) / runs.PLAN)
    shape = scratch_shape(plan.base)
    if shape is None:
        return open_explainer(plan.base, _no_report, device_name=device)
    return Explainer(_untrained(run, plan, shape, device))


def _untrained(run: str, plan: TrainingPlan, shape: ScratchShape, device_name: str) -> OpenedModel:
    """The run's new model at step 0. Its tokenizer was trained with the run, so it is in each checkpoint."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint_in(runs.run_folder(run), None))
    if plan.block_size is None:
        raise ModelError(f"The plan of the run {run!r} has no window, so its model cannot be made again.")
    device = loading.choose_device(device_name)
    shape = dataclasses.replace(shape, window=plan.block_size)
    model = loading.new_model(shape, tokenizer, plan.seed, 0.0, device).model
    return OpenedModel(plan.base, (), 1.0, model, tokenizer, plan.block_size, device, "fp32")


def voice_for(opened: OpenedModel, passage: Passage) -> Voice:
    """The voice that a passage is read in: its shelf's if the model knows it, else the model's usual one."""
    return known(((passage.shelf, 1.0),) if passage.shelf else (), opened.titles)


def chances_at(reading: Reading, place: int, settings: SamplerSettings) -> Chances:
    """What could stand at a token's place under these settings: what the sampler would draw from, without penalties."""
    from storytime_tui.generation.sampling.sampler import chances, log_probabilities

    logits = reading.logits[place]
    own = np.exp(log_probabilities(logits))
    ids, shares = chances(logits, settings)
    drawn = np.zeros_like(own)
    drawn[ids] = shares
    token, tokenizer = reading.tokens[place], reading.tokenizer

    def chance(id: int, text: str | None = None) -> Chance:
        text = tokenizer.token_bytes(id).decode("utf-8", "replace") if text is None else text
        return Chance(text, float(own[id]), float(drawn[id]))

    # the texts are those of `explain`, which completes a character that began in the token before
    likeliest = np.argsort(-logits, kind="stable")[:TOP]
    texts = [each.text for each in token.likeliest]
    return Chances(
        tuple(chance(int(id), texts[rank]) for rank, id in enumerate(likeliest)),
        len(ids),
        len(logits),
        chance(token.id, token.text),
    )


def _no_report(words: str, done: int, total: int) -> None:
    """The screen says "reading…" by itself."""
