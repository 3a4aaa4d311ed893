"""Estimates of a training run on this machine: tokens, windows and time. Loads no torch."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from storytime_tui import paths, small_files
from storytime_tui.corpus.collection import Story
from storytime_tui.errors import PlanError, StorytimeError
from storytime_tui.jobs.machine import gpus_in_words
from storytime_tui.jobs.repeats import NO_STORY_LEFT, checked_repeats, times_read
from storytime_tui.models import catalogue
from storytime_tui.models.footprint import size_of_shape
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.journal import JOURNAL
from storytime_tui.training.plan import TrainingPlan, read_plan, resolve, schedule_of, window_count
from storytime_tui.training.run_names import next_name

# Tokens per byte of text, measured on fourteen children's books: with GPT-2's own vocabulary, and with vocabularies of
# the scratch shapes' sizes trained on the same book. It varies by 4% between books; tokens per word vary by 5%.
_TOKENS_PER_BYTE = {2048: 0.278, 8192: 0.243}  # by vocabulary size
_TOKENS_PER_BYTE_OF_GPT2 = 0.246
_TOKENS_PER_BYTE_OF_STARTER = 0.257  # 8,192 tokens, trained on other books
_WINDOW = 1024  # tokens; assumed for all bases but the scratch shapes
# Parameters × tokens per second and core in training, measured with the starter and scratch-tiny. Used until this
# machine has a run of its own.
_WORK_PER_CORE = 0.9e10
_RUNS_READ = 20  # newest runs whose speed is read
_COLD_STEPS, _STEPS_READ = 5, 50  # a run's first steps are slow; its last ones vary
_END = 16_384  # bytes at the end of a journal that contain its last steps
# The time outside of the steps, measured with the same two bases on two cores:
_STARTUP = 4.0  # seconds to load torch and tokenise the stories
_TRIAL_WINDOWS = 3  # windows of the trial step
_EVALUATION = 1 / 3  # of a training step's time for the same tokens: no backward pass
_SAMPLING = (1e-3, 0.6e-9)  # seconds per sampled token: a constant, plus this per parameter
_SAVING = 12 / 3e8  # seconds per parameter of a checkpoint: weights and moments, checksummed and flushed


@dataclass(frozen=True)
class Estimate:
    """Estimated tokens, training windows, and seconds of a whole run with the default plan.

    `seconds` is None if the speed of this machine is not known.
    """

    tokens: int
    windows: int
    seconds: float | None


@dataclass(frozen=True)
class Preview:
    """What a plan comes to on its stories: `plan` with every default chosen, and the name that the run will get.

    `plan` is None if the base's size is not known, or for the reason in `problem`. `seconds` is None if the speed of
    this machine is not known. `automatic`: in words, what the options that are still "auto" in `plan` will be.
    `downloaded`: the base comes from the Hub, and is on this machine already. `gpu`: a sentence on which GPU it would
    use; "" without one.
    """

    plan: TrainingPlan | None
    run: str
    steps: int = 0
    seconds: float | None = None
    problem: str = ""
    automatic: Mapping[str, str] = field(default_factory=dict)
    downloaded: bool = False
    gpu: str = ""


def estimate_tokens(text_bytes: int, base_name: str) -> int:
    """The estimated number of tokens of a text of `text_bytes` bytes, with a base's tokenizer."""
    shape = scratch_shape(base_name)
    if shape is not None:
        return round(text_bytes * _TOKENS_PER_BYTE[shape.vocabulary])
    of_starter = base_name == catalogue.STARTER
    return round(text_bytes * (_TOKENS_PER_BYTE_OF_STARTER if of_starter else _TOKENS_PER_BYTE_OF_GPT2))


def estimate(stories: Sequence[Story], base_name: str) -> Estimate:
    """Estimate a run on these stories with this base. Reads no text; raises nothing."""
    tokens = estimate_tokens(sum(story.facts.bytes for story in stories), base_name) + len(stories)
    if not stories:
        return Estimate(0, 0, None)
    parameters = _parameters(base_name)
    plan = TrainingPlan(base=base_name)
    training_tokens = _training_tokens(tokens, plan)
    try:
        plan = _resolved(plan, training_tokens, parameters)
    except StorytimeError:  # too little text; the start of the run will say so
        return Estimate(tokens, 0, None)
    assert plan.stride
    seconds = _seconds(plan, training_tokens, tokens - training_tokens, parameters)
    return Estimate(tokens, window_count(training_tokens, plan.stride), seconds)


def preview(stories: Sequence[Story], plan: TrainingPlan, shelves: Sequence[str] = ()) -> Preview:
    """Preview a plan on these stories. Reads no text; raises nothing.

    `shelves`: the name of each story's collection, for the plan's `repeats`; without it each story is read once.
    """
    return replace(_preview(stories, plan, shelves), gpu=gpus_in_words(plan.device) if likely_gpu() else "")


def _preview(stories: Sequence[Story], plan: TrainingPlan, shelves: Sequence[str]) -> Preview:
    run, parameters, downloaded = (
        next_name(plan.collections),
        _parameters(plan.base),
        _is_downloaded(plan.base),
    )
    automatic = _automatic(plan)
    if not stories or not parameters:
        return Preview(None, run, automatic=automatic, downloaded=downloaded)
    tokens = estimate_tokens(sum(story.facts.bytes for story in stories), plan.base) + len(stories)
    try:
        epoch = _epoch_of(stories, plan, shelves) if shelves else stories
        in_epoch = estimate_tokens(sum(story.facts.bytes for story in epoch), plan.base) + len(epoch)
        training_tokens = _training_tokens(in_epoch, plan)
        plan = _resolved(plan, training_tokens, parameters)
    except StorytimeError as error:
        return Preview(None, run, problem=str(error), automatic=automatic, downloaded=downloaded)
    seconds = _seconds(plan, training_tokens, tokens - _training_tokens(tokens, plan), parameters)
    schedule = schedule_of(plan, training_tokens)
    if plan.warmup_steps is None:
        automatic["warmup_steps"] = str(schedule.warmup_steps)
    return Preview(plan, run, schedule.total_steps, seconds, automatic=automatic, downloaded=downloaded)


def _epoch_of(stories: Sequence[Story], plan: TrainingPlan, shelves: Sequence[str]) -> list[Story]:
    """The stories as often as an epoch reads them. Raises PlanError."""
    times = checked_repeats(plan, list(dict.fromkeys(shelves)))
    epoch = [
        story
        for story, shelf in zip(stories, shelves, strict=True)
        for _ in range(times_read(story, times.get(shelf, 1.0), plan.seed))
    ]
    if not epoch:
        raise PlanError(NO_STORY_LEFT)
    return epoch


def _automatic(plan: TrainingPlan) -> dict[str, str]:
    """What device, precision and compile will be where they are "auto"; as `models.loading` decides with torch."""
    on_gpu = likely_gpu() and plan.device in ("auto", "cuda")
    values = {
        "device": "cuda" if on_gpu else "mps" if _is_apple_silicon() else "cpu",
        "precision": "bf16" if on_gpu or has_bf16() else "fp32",
        "compile": "on in runs of over 3 minutes" if on_gpu else "off",
        "checkpointing": "off; on if memory runs low",
    }
    return {name: value for name, value in values.items() if getattr(plan, name) == "auto"}


def _is_apple_silicon() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


def _is_downloaded(base_name: str) -> bool:
    from storytime_tui.models import hub_cache

    from_hub = any(base.download for base in catalogue.bases() if base.name == base_name)
    return from_hub and hub_cache.cached(base_name) is not None


def _training_tokens(tokens: int, plan: TrainingPlan) -> int:
    """The tokens that are not set aside for validation."""
    return round(tokens * (1 - plan.validation_fraction))


def _resolved(plan: TrainingPlan, training_tokens: int, parameters: int) -> TrainingPlan:
    """The plan with every default chosen. Raises PlanError."""
    shape = scratch_shape(plan.base)
    return resolve(
        plan,
        window=shape.window if shape else _WINDOW,
        from_scratch=shape is not None,
        training_tokens=training_tokens,
        parameters=parameters,
    )


def _seconds(
    plan: TrainingPlan, training_tokens: int, validation_tokens: int, parameters: int
) -> float | None:
    """Seconds from start to last checkpoint; `patience` may end the run earlier. None if the speed is not known."""
    speed = _speed(plan.base, parameters)
    if not speed:
        return None
    assert plan.batch_size and plan.accumulation and plan.block_size and plan.evaluate_every
    steps = schedule_of(plan, training_tokens).total_steps
    stepping = steps * plan.batch_size * plan.accumulation * plan.block_size / speed
    evaluations = 1 + -(-steps // plan.evaluate_every)  # one of them before the first step
    samples = 2 * (1 + -(-steps // plan.sample_every)) if plan.sample_every else 0  # two prompts
    fixed, per_parameter = _SAMPLING
    return (
        _STARTUP
        + _TRIAL_WINDOWS * plan.block_size / speed
        + stepping
        + evaluations * (validation_tokens * _EVALUATION / speed + parameters * _SAVING)
        + samples * plan.sample_tokens * (fixed + per_parameter * parameters)
    )


def _parameters(base_name: str) -> int:
    known = {base.name: base.parameters for base in catalogue.bases()}
    if base_name in known:
        return known[base_name]
    shape = scratch_shape(base_name)
    if shape is not None:
        return size_of_shape(shape, shape.vocabulary, shape.window).parameters
    try:
        return _parameters(read_plan(runs.run_folder(base_name.partition("/")[0]) / runs.PLAN).base)
    except (StorytimeError, RecursionError):
        return 0


def _speed(base_name: str, parameters: int) -> float | None:
    """Tokens per second: of this machine's newest run of that base, else derived from its newest other run."""
    work: float | None = None
    for base, speed in _speeds(_newest_runs()):
        if base == base_name:
            return speed
        if work is None and _parameters(base):
            work = speed * _parameters(base)
    if not parameters:
        return None
    if work is None and not likely_gpu():
        work = _WORK_PER_CORE * _cores()
    return work / parameters if work else None


def _newest_runs() -> tuple[tuple[str, float], ...]:
    """The newest runs and when each journal was last written: the cache key of `_speeds`."""
    newest = []
    with contextlib.suppress(StorytimeError):  # the folder of all runs cannot be read
        for name in runs.run_names()[:_RUNS_READ]:
            with contextlib.suppress(OSError):
                newest.append((name, (paths.runs_folder() / name / JOURNAL).stat().st_mtime))
    return tuple(newest)


@functools.lru_cache(maxsize=1)
def _speeds(newest: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    """(base, tokens per second) of each of these runs that took a step."""
    speeds = []
    for name, _ in newest:
        folder = paths.runs_folder() / name
        speed = _last_speed(folder / JOURNAL)
        with contextlib.suppress(StorytimeError):
            if speed:
                speeds.append((read_plan(folder / runs.PLAN).base, speed))
    return tuple(speeds)


def _last_speed(journal: Path) -> float | None:
    """The median of a run's last steps, in tokens per second; None if it took too few. Reads only its journal's end."""
    try:
        with small_files.open_regular(journal) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
            lines = file.read(_END).splitlines()
    except (OSError, small_files.UnreadableFile):
        return None
    speeds: list[float] = []
    for line in reversed(lines):
        if b'"step_done"' in line:
            with contextlib.suppress(ValueError, RecursionError):
                event = ev.from_json(json.loads(line))
                if not isinstance(event, ev.StepDone) or event.step <= _COLD_STEPS:
                    break
                if 0 < event.tokens_per_second < math.inf:
                    speeds.append(event.tokens_per_second)
        if len(speeds) == _STEPS_READ:
            break
    return statistics.median(speeds) if speeds else None


def likely_gpu() -> bool:
    """Whether a GPU driver is present. A guess, because asking torch would load it."""
    return os.path.exists("/proc/driver/nvidia/version") or os.path.exists("/dev/kfd")


@functools.cache
def has_bf16() -> bool:
    """Whether the CPU computes in bf16; read from the CPU flags."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _cores() -> int:
    import psutil

    return psutil.cpu_count(logical=False) or os.cpu_count() or 1
