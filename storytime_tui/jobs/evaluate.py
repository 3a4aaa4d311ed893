"""Evaluates a model on collections: its loss on the stories, and how much of what it tells sounds like them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from storytime_tui import paths
from storytime_tui.corpus.library.shelf import find_collection
from storytime_tui.corpus.splitting import split_stories
from storytime_tui.corpus.tokens import open_tokens
from storytime_tui.errors import CorpusError, ModelError
from storytime_tui.generation.computing import Computing
from storytime_tui.jobs.dataset import with_shelf_lines
from storytime_tui.jobs.find_model import Origin, check_trained, find_origin
from storytime_tui.jobs.listen import base_passages, measure_teller, other_styles
from storytime_tui.jobs.models import open_model
from storytime_tui.jobs.run_bases import check_adapter
from storytime_tui.jobs.voice import VoiceScore, make_judge, shelves_of
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.reporting import Report
from storytime_tui.training.plan import TrainingPlan


@dataclass(frozen=True)
class Evaluation:
    """`validation_loss` in nats per token, `perplexity` its exponential, bits per UTF-8 byte, and the text's size."""

    model: str
    collections: tuple[str, ...]
    stories: int
    validation_loss: float
    perplexity: float
    bits_per_byte: float
    tokens: int
    bytes: int
    told_at: float = 1.0  # the run's usual strength for `tell`; these figures are at strength 1


def evaluate_model(
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
) -> Evaluation:
    """Score a model on the collections' validation stories, or on all stories with `everything`.

    The split is the same as in a run with this seed and fraction. If the model knows a collection's voice, its stories
    have their shelf's line, as in training. Raises StorytimeError.
    """
    check_trained(model_name)
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
    from storytime_tui.training.evaluate import score_in_batches
    from storytime_tui.training.loss import Objective
    from storytime_tui.training.measuring import score_to_end

    tokenizer = load_tokenizer(origin.folder)
    stories_with_lines = with_shelf_lines(stories, shelves, origin.voices.titles)
    tokens = open_tokens(stories_with_lines, tokenizer, paths.cache_folder() / "tokens", None)
    report("loading the model", 0, 0)
    device = loading.choose_device(device_name)
    model = open_model(origin, device, torch.float32).model
    block = origin.block(model.window)
    if stride is not None and stride > block:
        raise ModelError(
            f"stride is {stride}, but {model_name} sees {block} tokens at most: set {block} or fewer."
        )

    def on_batch(done: int, total: int) -> bool:
        report("measuring the loss", done, total)
        return True

    score = score_to_end(
        score_in_batches(
            Objective(model),
            tokens.ids,
            tokens.text_bytes,
            block=block,
            batch=64 if device.type == "cuda" else 4,
            device=device,
            precision=loading.choose_precision(precision, device),
            stride=stride or max(1, block // 2),
            skipped=tokens.skipped,
        ),
        on_batch,
    )
    assert score is not None
    return Evaluation(
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


def evaluate_voice(
    model_name: str,
    collections: Sequence[str],
    report: Report,
    *,
    seed: int = 0,
    fraction: float = TrainingPlan.validation_fraction,
    device_name: str = "auto",
) -> VoiceScore:
    """Have a model tell as each of these collections, and score how much of it sounds like them.

    The classifier is fitted on the collections' training stories and on passages of the model's base; a base is its own
    base. If the model knows a collection's voice, it tells with that shelf's line. Raises StorytimeError, also if a
    single collection has no other class to compare with.
    """
    from storytime_tui.jobs.generate import open_teller

    report("reading the stories", 0, 0)
    opened = [find_collection(name) for name in collections]
    split = split_stories([story for each in opened for story in each.stories], fraction, seed)
    shelves = shelves_of(opened, split)
    origin = find_origin(model_name, report)
    check_adapter(origin)
    base, computing = _base_to_compare(model_name, origin), Computing(device=device_name)
    told: tuple[str, ...] = ()
    if base:
        report(f"measuring the voice of {base}", 0, 0)
        told, _ = base_passages(base, shelves, computing=computing)
    judge = make_judge(shelves, told, other_styles(shelves) if told or len(shelves) > 1 else None)
    if judge is None:
        raise ModelError(
            f"The voice of {shelves[0].title} cannot be compared with anything, because the base of {model_name} is "
            "not known: name a second collection."
        )
    report(f"measuring the voice of {model_name}", 0, 0)
    teller = open_teller(model_name, wanted=lambda: computing)
    score = measure_teller(teller, judge, origin.voices.titles)
    assert score is not None
    return score


def _base_to_compare(name: str, origin: Origin) -> str:
    """The base that a model's voice is compared with: a run's base, or a base itself; "" if unknown or scratch."""
    base = origin.base or ("" if origin.local else name)
    return "" if scratch_shape(base) is not None else base
