"""What learning the ticked stories would take: tokens, windows and time on this machine. Loads no torch."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import paths, small_files
from storytime_tui.corpus.collection import Story
from storytime_tui.errors import StorytimeError
from storytime_tui.models import catalogue
from storytime_tui.models.footprint import size_of_shape
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.journal import JOURNAL
from storytime_tui.training.plan import TrainingPlan, read_plan, resolve, schedule_of, window_count

# Tokens a byte of text: measured on fourteen children's books, with GPT-2's own vocabulary and with ones of each
# the scratch shapes' sizes trained on the book. From book to book it varies by 4%; tokens a word vary by 5%.
_TOKENS_PER_BYTE = {2048: 0.278, 8192: 0.243}  # by the words in the vocabulary
_TOKENS_PER_BYTE_OF_GPT2 = 0.246
_TOKENS_PER_BYTE_OF_STARTER = 0.257  # 8,192 words, made on other books than the one that is read
_WINDOW = 1024  # of the bases that are not empty, where nothing more is known
# Parameters times tokens that one core gets through in a second while learning, measured with the starter and
# scratch-tiny. Only until this machine has a run of its own to go by.
_WORK_PER_CORE = 0.9e10
_RUNS_ASKED = 20
_END = 16_384  # bytes of a journal that hold its last steps
# What a run does beside its steps, measured with the same two on two cores:
_BEGINNING = 4.0  # seconds until torch is loaded and the stories are tokens
_TRIED = 3  # windows of the trial step
_JUDGING = 1 / 3  # of a step's time for as many tokens: no way back
_TELLING = (1e-3, 0.6e-9)  # seconds a token of a sample, and for each parameter more
_SAVED = 12 / 3e8  # seconds a parameter for a checkpoint: weights and moments, summed and brought to the disk


@dataclass(frozen=True)
class Estimate:
    """About how much the stories are: tokens, training windows, and seconds from the usual plan's start to its end.

    `seconds` is None where this machine has not shown its speed yet and nothing can be said.
    """

    tokens: int
    windows: int
    seconds: float | None


def estimate_tokens(text_bytes: int, base_name: str) -> int:
    """About how many tokens a base's tokenizer makes of a text of so many bytes."""
    shape = scratch_shape(base_name)
    if shape is not None:
        return round(text_bytes * _TOKENS_PER_BYTE[shape.vocabulary])
    of_starter = base_name == catalogue.STARTER
    return round(text_bytes * (_TOKENS_PER_BYTE_OF_STARTER if of_starter else _TOKENS_PER_BYTE_OF_GPT2))


def estimate(stories: Sequence[Story], base_name: str) -> Estimate:
    """About what learning these stories with this base takes. Reads no story; raises nothing."""
    tokens = estimate_tokens(sum(story.facts.bytes for story in stories), base_name) + len(stories)
    if not stories:
        return Estimate(0, 0, None)
    shape = scratch_shape(base_name)
    parameters = _parameters(base_name)
    plan = TrainingPlan(base=base_name)
    learned = round(tokens * (1 - plan.validation_fraction))
    try:
        plan = resolve(
            plan,
            window=shape.window if shape else _WINDOW,
            from_scratch=shape is not None,
            training_tokens=learned,
            parameters=parameters,
        )
    except StorytimeError:  # too little to learn from: the plan will say so
        return Estimate(tokens, 0, None)
    assert plan.stride and plan.batch_size and plan.accumulation and plan.block_size
    speed = _speed(base_name, parameters)
    seconds = _seconds(plan, learned, tokens - learned, parameters, speed) if speed else None
    return Estimate(tokens, window_count(learned, plan.stride), seconds)


def _seconds(plan: TrainingPlan, learned: int, judged: int, parameters: int, speed: float) -> float:
    """From the start to the last checkpoint, with `speed` tokens a second in the steps; patience may end it earlier."""
    assert plan.batch_size and plan.accumulation and plan.block_size and plan.evaluate_every
    steps = schedule_of(plan, learned).total_steps
    stepping = steps * plan.batch_size * plan.accumulation * plan.block_size / speed
    evaluations = 1 + -(-steps // plan.evaluate_every)  # before the first step too, and after the last
    samples = 2 * (1 + -(-steps // plan.sample_every)) if plan.sample_every else 0  # from two beginnings
    fixed, each = _TELLING
    return (
        _BEGINNING
        + _TRIED * plan.block_size / speed
        + stepping
        + evaluations * (judged * _JUDGING / speed + parameters * _SAVED)
        + samples * plan.sample_tokens * (fixed + each * parameters)
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
    """Tokens a second: as this machine's newest run of that base learned, or as its other runs suggest."""
    work: float | None = None
    for base, speed in _seen(_newest()):
        if base == base_name:
            return speed
        if work is None and _parameters(base):
            work = speed * _parameters(base)
    if not parameters:
        return None
    if work is None and not likely_gpu():
        work = _WORK_PER_CORE * _cores()
    return work / parameters if work else None


def _newest() -> tuple[tuple[str, float], ...]:
    """The newest runs, and when each last said something: what `_seen` depends on."""
    found = []
    with contextlib.suppress(StorytimeError):  # the folder of all runs cannot be read
        for name in runs.run_names()[:_RUNS_ASKED]:
            with contextlib.suppress(OSError):
                found.append((name, (paths.runs_folder() / name / JOURNAL).stat().st_mtime))
    return tuple(found)


@functools.lru_cache(maxsize=1)
def _seen(newest: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    """(base, tokens a second) of each of these runs that took a step."""
    found = []
    for name, _ in newest:
        folder = paths.runs_folder() / name
        speed = _last_speed(folder / JOURNAL)
        with contextlib.suppress(StorytimeError):
            if speed:
                found.append((read_plan(folder / runs.PLAN).base, speed))
    return tuple(found)


def _last_speed(journal: Path) -> float | None:
    """The tokens a second that a run's last step tells, from the end of its journal alone."""
    try:
        with small_files.open_regular(journal) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
            lines = file.read(_END).splitlines()
    except (OSError, small_files.UnreadableFile):
        return None
    for line in reversed(lines):
        if b'"step_done"' in line:
            with contextlib.suppress(ValueError, RecursionError):
                event = ev.from_json(json.loads(line))
                if isinstance(event, ev.StepDone) and 0 < event.tokens_per_second < math.inf:
                    return event.tokens_per_second
    return None


def likely_gpu() -> bool:
    """Whether a GPU is likely: asking torch would load it."""
    return os.path.exists("/proc/driver/nvidia/version") or os.path.exists("/dev/kfd")


def _cores() -> int:
    import psutil

    return psutil.cpu_count(logical=False) or os.cpu_count() or 1
