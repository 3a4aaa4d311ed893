"""What is known of runs, for the command line and the app; taking them away and back. Loads no torch."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storytime_tui import files, trash
from storytime_tui.errors import PlanError, RunError, StorytimeError
from storytime_tui.formatting import count
from storytime_tui.models.voices import Voices, read_voices
from storytime_tui.small_files import UnreadableFile
from storytime_tui.training import events as ev
from storytime_tui.training import removed, runs
from storytime_tui.training.journal import read_events
from storytime_tui.training.plan import TrainingPlan, read_plan
from storytime_tui.training.runs import RunSummary


def run_records() -> tuple[RunSummary, ...]:
    """Every run, newest first, damaged ones too. Raises RunError where the folder of all runs cannot be read."""
    return runs.list_runs()


def troubles(summaries: Sequence[RunSummary]) -> tuple[str, ...]:
    """A sentence for each run that cannot be read, or not all of it; none for one that merely failed."""
    return tuple(filter(None, map(_trouble_of, summaries)))


def _trouble_of(summary: RunSummary) -> str:
    if summary.state == "damaged":
        return f"The run {summary.name} is damaged. {summary.trouble}"
    if summary.left_out:
        lines = count(summary.left_out, "line")
        are = "is" if summary.left_out == 1 else "are"
        return f"Of the run {summary.name}, {lines} of the journal cannot be read and {are} left out."
    return ""


@dataclass(frozen=True)
class LastRun:
    """The run that was at work last, with all that it said that still holds, in order."""

    name: str
    said: tuple[ev.Event, ...]


def last_run() -> LastRun | None:
    """The newest run that has begun and is open in no other program; None where there is none.

    What cannot be read is passed over: the list of runs names it.
    """
    for name in runs.run_names():
        try:
            folder = runs.run_folder(name)
            if files.is_locked(folder / "lock"):
                continue
            said = tuple(read_events(folder))
        except (StorytimeError, OSError):
            continue
        if any(isinstance(event, ev.Started) for event in said):
            return LastRun(name, said)
    return None


def run_record(name: str) -> RunSummary:
    """One run. Raises RunError where there is none of that name."""
    return runs.summary_of(name)


def told_as(name: str) -> Voices:
    """The shelves that a run tells as and the strength that it is usually told at; no shelves where it knows none, or
    its plan is damaged."""
    kept, plan = read_voices(runs.run_folder(name)), _plan_of(name)
    found = kept or Voices(plan.voices if plan is not None else ())
    return Voices(
        tuple(dict.fromkeys(found.titles)), found.strength, found.contrast
    )  # several collections may go by one name


def evaluations_of(name: str) -> tuple[ev.Evaluated, ...]:
    """The run's evaluations, in order, without those that a resume made void. Raises UnreadableFile."""
    said = read_events(runs.run_folder(name))
    return tuple(event for event in said if isinstance(event, ev.Evaluated))


# -- comparing ---------------------------------------------------------------------------------------------

# What decides which stories a run is judged by (see corpus.splitting).
_JUDGED_BY = ("collections", "stories", "validation_fraction", "seed")
_SHOWN_ELSEWHERE = ("base", "collections")  # rows of their own


@dataclass(frozen=True)
class ComparedRun:
    """One run beside others. The three figures are the best evaluation's, at `best_step`: nats a token, its
    exponential, bits a UTF-8 byte. `tokens_per_second` is the median of its steps; None is for what is not known.

    Losses may be held against each other where `same_stories` and `same_tokens` are both true (the first run's
    own always are), bits per byte where `same_stories` is: they don't depend on how a text is cut into tokens.
    `voice`: the share of `passages` told ones that sound like the run's shelf.
    """

    name: str
    base: str
    collections: tuple[str, ...]
    state: str
    step: int
    total_steps: int
    best_step: int | None
    best_validation_loss: float | None
    perplexity: float | None
    bits_per_byte: float | None
    voice: float | None
    passages: int
    seconds: float
    tokens_per_second: float | None
    same_stories: bool
    same_tokens: bool
    plan: dict[str, Any]


def compare_runs(names: Sequence[str]) -> tuple[ComparedRun, ...]:
    """Runs side by side, each against the first. Raises RunError where there is none of a name."""
    unique = list(dict.fromkeys(names))
    if len(unique) < 2:
        raise RunError("Comparing takes two runs or more: name another one.")
    summaries = [runs.summary_of(name) for name in unique]
    plans = [_plan_of(name) for name in unique]
    said = [_said_by(name) for name in unique]
    stories = [_judged_by(plan) for plan in plans]
    tokens = [next((e.validation_tokens for e in each if isinstance(e, ev.Started)), None) for each in said]
    return tuple(
        _compared(
            summaries[i],
            plans[i],
            said[i],
            same_stories=i == 0 or (stories[i] is not None and stories[i] == stories[0]),
            # the same stories that make another number of tokens were cut by another tokenizer
            same_tokens=i == 0 or (tokens[i] is not None and tokens[i] == tokens[0]),
        )
        for i in range(len(unique))
    )


def _plan_of(name: str) -> TrainingPlan | None:
    try:
        return read_plan(runs.run_folder(name) / runs.PLAN)
    except (PlanError, RunError):
        return None  # damaged: its journal may still be whole; or taken away this moment


def _said_by(name: str) -> list[ev.Event]:
    try:
        return read_events(runs.run_folder(name))
    except UnreadableFile:
        return []  # damaged, as its summary says


def _judged_by(plan: TrainingPlan | None) -> tuple[object, ...] | None:
    if plan is None:
        return None
    values = (getattr(plan, name) for name in _JUDGED_BY)
    return tuple(tuple(sorted(set(value))) if isinstance(value, tuple) else value for value in values)


def _compared(
    summary: RunSummary,
    plan: TrainingPlan | None,
    said: Sequence[ev.Event],
    *,
    same_stories: bool,
    same_tokens: bool,
) -> ComparedRun:
    evaluations = [e for e in said if isinstance(e, ev.Evaluated) and math.isfinite(e.validation_loss)]
    best = min(evaluations, key=lambda e: e.validation_loss, default=None)
    speeds = [e.tokens_per_second for e in said if isinstance(e, ev.StepDone) and e.tokens_per_second > 0]
    return ComparedRun(
        name=summary.name,
        base=summary.base,
        collections=summary.collections,
        state=summary.state,
        step=summary.step,
        total_steps=summary.total_steps,
        best_step=best.step if best else None,
        best_validation_loss=best.validation_loss if best else None,
        perplexity=_finite(best.perplexity) if best else None,
        bits_per_byte=_finite(best.bits_per_byte) if best else None,
        voice=summary.voice,
        passages=summary.passages,
        seconds=summary.seconds,
        tokens_per_second=statistics.median(speeds) if speeds else None,
        same_stories=same_stories,
        same_tokens=same_tokens,
        plan=dataclasses.asdict(plan) if plan else {},
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def differing_knobs(compared: Sequence[ComparedRun]) -> tuple[str, ...]:
    """The plan's knobs, in its own order, that are not the same in all of these runs."""
    names = [field.name for field in dataclasses.fields(TrainingPlan) if field.name not in _SHOWN_ELSEWHERE]
    plans = [each.plan for each in compared if each.plan]
    return tuple(name for name in names if any(plan[name] != plans[0][name] for plan in plans))


# -- removing ----------------------------------------------------------------------------------------------


def remove_runs(names: Sequence[str]) -> tuple[trash.Item, ...]:
    """Take runs away, all or none, to be kept for thirty days; deletes those whose thirty days are over.

    Raises RunError for a run that is not there, is open elsewhere, or cannot be moved.
    """
    try:
        taken = removed.remove_runs(names)
    except OSError as error:
        raise RunError(files.explain(error, f"removing {', '.join(names)}")) from error
    removed.sweep_removed()
    return taken


def standing_on(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Of these runs, those that other LoRA runs, not among them, need to tell: each with the others' names."""
    leaving = set(names)
    found: dict[str, tuple[str, ...]] = {}
    for other in runs.run_names():
        plan = _plan_of(other)
        if plan is None or other in leaving or not plan.lora_rank:
            continue
        base = plan.base.partition("/")[0]
        if base in leaving:
            found[base] = (*found.get(base, ()), other)
    return found


def removed_runs() -> tuple[trash.Item, ...]:
    """The runs that can be brought back, the last removed first. Raises RunError."""
    try:
        return removed.removed_runs()
    except OSError as error:
        raise RunError(files.explain(error, "looking for removed runs")) from error


def restore_run(name: str) -> None:
    """Bring a removed run back, the latest of that name. Raises RunError where it cannot."""
    try:
        removed.restore_run(name)
    except OSError as error:
        raise RunError(files.explain(error, f"bringing {name} back")) from error


def sweep_removed() -> None:
    """Delete the removed runs whose thirty days are over."""
    removed.sweep_removed()
