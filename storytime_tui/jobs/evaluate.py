"""An evaluation job: how well a model knows a collection's stories, and how much of what it tells sounds like them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui import paths
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.splitting import split_stories
from storytime_tui.corpus.tokens import open_tokens
from storytime_tui.errors import CorpusError, ModelError
from storytime_tui.jobs.dataset import behind_lines
from storytime_tui.jobs.find_model import Origin, find_origin
from storytime_tui.jobs.listen import base_passages, measure_teller, other_manners
from storytime_tui.jobs.models import open_model
from storytime_tui.jobs.run_bases import check_adapter
from storytime_tui.jobs.voice import MeasuredVoice, ear_for, shelves_of
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.reporting import Report
from storytime_tui.training.plan import TrainingPlan


@dataclass(frozen=True)
class Judged:
    """The figures: nats per token, its exponential, bits per UTF-8 byte, and what they were measured on."""

    model: str
    collections: tuple[str, ...]
    stories: int
    validation_loss: float
    perplexity: float
    bits_per_byte: float
    tokens: int
    bytes: int
    told_at: float = 1.0  # the strength that `tell` uses; these figures are the run's at 1


def judge(
    model_name: str,
    collections: Sequence[str],
    report: Report,
    *,
    everything: bool = False,
    seed: int = 0,
    fraction: float = TrainingPlan.validation_fraction,
    stride: int | None = None,
    device_name: str = "auto",
    precision: str = "auto",
) -> Judged:
    """Score a model on collections' validation stories, or on all of them with `everything`.

    Raises StorytimeError. The split is the one that a run with the same seed and fraction makes of the
    same collections. A model that knows a collection's voice reads its stories behind its line, as it learned.
    """
    if scratch_shape(model_name) is not None:
        raise ModelError(
            f"{model_name} has random weights: there is nothing to measure before it is trained."
        )
    report("reading the stories", 0, 0)
    shelves = [find_collection(name) for name in collections]
    stories = [story for shelf in shelves for story in shelf.stories]
    if not everything:
        stories = list(split_stories(stories, fraction, seed).validation)
    if not stories:
        raise CorpusError("There is no story to measure on: name another collection, or use --all.")
    origin = find_origin(model_name, report)
    check_adapter(origin)
    assert origin.folder is not None
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    from storytime_tui.models import loading
    from storytime_tui.models.tokenizer import load_tokenizer
    from storytime_tui.training.evaluate import score_stream
    from storytime_tui.training.loss import Objective

    tokenizer = load_tokenizer(origin.folder)
    behind = behind_lines(stories, shelves, origin.voices.titles)
    tokens = open_tokens(behind, tokenizer, paths.cache_folder() / "tokens", None)
    report("loading the model", 0, 0)
    device = loading.choose_device(device_name)
    model = open_model(origin, device, torch.float32).model

    block = min(model.window, origin.window or 1024, 1024)

    if stride is not None and stride > block:
        raise ModelError(
            f"stride is {stride}, but {model_name} sees {block} tokens at most: set {block} or fewer."
        )

    def on_batch(done: int, total: int) -> bool:
        report("measuring the loss", done, total)
        return True

    score = score_stream(
        Objective(model),
        tokens.ids,
        tokens.text_bytes,
        block=block,
        batch=64 if device.type == "cuda" else 4,
        device=device,
        precision=loading.choose_precision(precision, device),
        on_batch=on_batch,
        stride=stride or max(1, block // 2),
        skipped=tokens.skipped,
    )
    assert score is not None
    return Judged(
        model_name,
        tuple(collections),
        len(stories),
        score.loss,
        score.perplexity,
        score.bits_per_byte,
        score.tokens,
        score.bytes,
        origin.voices.strength,
    )


def judge_voice(
    model_name: str,
    collections: Sequence[str],
    report: Report,
    *,
    seed: int = 0,
    fraction: float = TrainingPlan.validation_fraction,
) -> MeasuredVoice:
    """Have a model tell, as each of these collections, and say how much of it sounds like them.

    The classifier is made from the collections' training stories and from what the model's base tells; a base is its
    own. A collection whose line the model knows is told behind it. Raises StorytimeError, also where there is nothing
    to tell a single collection from.
    """
    from storytime_tui.jobs.generate import open_teller

    report("reading the stories", 0, 0)
    found = [find_collection(name) for name in collections]
    split = split_stories([story for each in found for story in each.stories], fraction, seed)
    shelves = shelves_of(found, split)
    origin = find_origin(model_name, report)
    check_adapter(origin)
    base = _held_against(model_name, origin)
    told: tuple[str, ...] = ()
    if base:
        report(f"listening to {base}", 0, 0)
        told, _ = base_passages(base, shelves)
    ear = ear_for(shelves, told, other_manners(shelves) if told or len(shelves) > 1 else None)
    if ear is None:
        raise ModelError(
            f"There is nothing to tell the voice of {shelves[0].title} from, since the base of {model_name} is not "
            "known: name a second collection."
        )
    report(f"listening to {model_name}", 0, 0)
    measured = measure_teller(open_teller(model_name), ear, origin.voices.titles)
    assert measured is not None
    return measured


def _held_against(name: str, origin: Origin) -> str:
    """What a model's voice is held against: a run's base, a base itself; "" where there is none, or it is not known."""
    base = origin.base or ("" if origin.local else name)
    return "" if scratch_shape(base) is not None else base
