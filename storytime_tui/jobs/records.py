"""Lists, compares, removes and restores runs, for the command line and the app. Loads no torch."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storytime_tui import files, paths, trash
from storytime_tui.errors import PlanError, RunError, StorytimeError
from storytime_tui.formatting import count
from storytime_tui.jobs.run_details import same_stories
from storytime_tui.models.voices import Voices, read_voices
from storytime_tui.small_files import UnreadableFile
from storytime_tui.training import events as ev
from storytime_tui.training import removed, renaming, runs
from storytime_tui.training.journal import read_events, read_thinned
from storytime_tui.training.journal_tail import is_paused
from storytime_tui.training.plan import TrainingPlan, read_plan
from storytime_tui.training.runs import RunSummary


def run_records() -> tuple[RunSummary, ...]:
    """Every run, newest first, including damaged ones. Raises RunError if the folder of all runs cannot be read."""
    return tuple(map(_paused_or_not, runs.list_runs()))


def _paused_or_not(summary: RunSummary) -> RunSummary:
    """The summary with the state "paused" if an open run waits in a pause."""
    if summary.state != "training" or not is_paused(paths.runs_folder() / summary.name):
        return summary
    return dataclasses.replace(summary, state="paused")


def troubles(summaries: Sequence[RunSummary]) -> tuple[str, ...]:
    """A sentence for each run that cannot be read completely; none for a run whose training failed."""
    return tuple(filter(None, map(_trouble_of, summaries)))


def _trouble_of(summary: RunSummary) -> str:
    if summary.state == "damaged":
        return f"The run {summary.name} is damaged. {summary.trouble}"
    if summary.left_out:
        lines = count(summary.left_out, "line")
        return f"{lines} in the journal of the run {summary.name} cannot be read: skipped."
    return ""


@dataclass(frozen=True)
class LastRun:
    """The newest run; `events`: as in `journal_of`."""

    name: str
    events: tuple[ev.Event, ...]


def last_run() -> LastRun | None:
    """The newest run that has started and is not open in another program, or None.

    Runs that cannot be read are skipped; `troubles` reports them.
    """
    for name in runs.run_names():
        try:
            return LastRun(name, journal_of(name))
        except (StorytimeError, OSError):
            continue
    return None


def journal_of(name: str) -> tuple[ev.Event, ...]:
    """The events of a run in order, of a long run without most steps, with those that a resume made void.

    Raises RunError for a run that does not exist, is open in another program or never started, and UnreadableFile.
    """
    folder = runs.run_folder(name)
    if runs.is_open(folder):
        raise RunError(f"The run {name!r} is open in another Storytime right now: look at it there.")
    events = tuple(read_thinned(folder))
    if not any(isinstance(event, ev.Started) for event in events):
        raise RunError(f"The run {name!r} ended before training started: it has nothing to show.")
    return events


def run_record(name: str) -> RunSummary:
    """One run. Raises RunError if there is no run of that name."""
    return _paused_or_not(runs.summary_of(name))


def voices_of(name: str) -> Voices:
    """A run's voices and its usual strength; no voices if it knows none or its plan is damaged."""
    saved, plan = read_voices(runs.run_folder(name)), _plan_of(name)
    voices = saved or Voices(plan.voices if plan is not None else ())
    titles = tuple(dict.fromkeys(voices.titles))  # collections may have the same title
    return Voices(titles, voices.strength, voices.contrast)


def evaluations_of(name: str) -> tuple[ev.Evaluated, ...]:
    """The run's evaluations, in order, without those that a resume made void. Raises UnreadableFile."""
    events = read_events(runs.run_folder(name))
    return tuple(event for event in events if isinstance(event, ev.Evaluated))


# -- comparing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison. None means unknown.

    Loss (nats per token), perplexity and bits per UTF-8 byte are those of the best evaluation, at `best_step`.
    `epochs`: what was trained of them; the plan has how many were meant.
    `tokens_per_second` is the median over the steps, of a long run over some of them. `voice`: the share of `passages`
    told passages that sound like the run's shelf. Losses are comparable with the first run's if `same_stories` and
    `same_tokens` are both true, bits per byte if `same_stories` is true: they do not depend on the tokenizer.
    """

    name: str
    base: str
    collections: tuple[str, ...]
    state: str
    step: int
    total_steps: int
    epochs: float | None
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
    """Compare runs, each with the first. Raises RunError if a run does not exist."""
    unique = list(dict.fromkeys(names))
    if len(unique) < 2:
        raise RunError("A comparison needs two runs or more: name another one.")
    summaries = [run_record(name) for name in unique]
    plans = [_plan_of(name) for name in unique]
    events = [_events_of(name) for name in unique]
    options = [dataclasses.asdict(plan) if plan else {} for plan in plans]
    tokens = [next((e.validation_tokens for e in each if isinstance(e, ev.Started)), None) for each in events]
    return tuple(
        _compared(
            summaries[i],
            options[i],
            events[i],
            same_stories=i == 0 or same_stories(options[i], options[0]),
            # the same stories with another number of tokens have another tokenizer
            same_tokens=i == 0 or (tokens[i] is not None and tokens[i] == tokens[0]),
        )
        for i in range(len(unique))
    )


def _plan_of(name: str) -> TrainingPlan | None:
    try:
        return read_plan(runs.run_folder(name) / runs.PLAN)
    except (PlanError, RunError):
        return None  # damaged (its journal may still be readable), or just removed


def _events_of(name: str) -> list[ev.Event]:
    try:
        return read_events(runs.run_folder(name))
    except UnreadableFile:
        return []  # its summary says that it is damaged


def _compared(
    summary: RunSummary,
    plan: dict[str, Any],
    events: Sequence[ev.Event],
    *,
    same_stories: bool,
    same_tokens: bool,
) -> ComparedRun:
    evaluations = [e for e in events if isinstance(e, ev.Evaluated) and math.isfinite(e.validation_loss)]
    best = min(evaluations, key=lambda e: e.validation_loss, default=None)
    each = next((e.steps_per_epoch for e in events if isinstance(e, ev.Started)), 0.0)
    speeds = [e.tokens_per_second for e in events if isinstance(e, ev.StepDone) and e.tokens_per_second > 0]
    return ComparedRun(
        name=summary.name,
        base=summary.base,
        collections=summary.collections,
        state=summary.state,
        step=summary.step,
        total_steps=summary.total_steps,
        epochs=_finite(summary.step / each) if each > 0 else None,
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
        plan=plan,
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


# -- removing ----------------------------------------------------------------------------------------------


def remove_runs(names: Sequence[str]) -> tuple[trash.Item, ...]:
    """Remove runs, all or none. They are kept for thirty days; older removed runs are deleted.

    Raises RunError for a run that does not exist, is open elsewhere, or cannot be moved.
    """
    try:
        taken = removed.remove_runs(names)
    except OSError as error:
        raise RunError(files.explain(error, f"removing {', '.join(names)}")) from error
    removed.sweep_removed()
    return taken


def dependent_runs(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each of these runs that is the base of LoRA runs not among them: the names of those LoRA runs."""
    bases = set(names)
    dependents: dict[str, tuple[str, ...]] = {}
    for other in runs.run_names():
        plan = _plan_of(other)
        if plan is None or other in bases or not plan.lora_rank:
            continue
        base = plan.base.partition("/")[0]
        if base in bases:
            dependents[base] = (*dependents.get(base, ()), other)
    return dependents


def rename_run(old: str, new: str) -> None:
    """Rename a run. Raises RunError, also if a LoRA run has it as base, by this name."""
    others = dependent_runs([old]).get(old, ())
    if others:
        need = "needs" if len(others) == 1 else "need"
        raise RunError(
            f"{', '.join(others)} {need} {old!r} as LoRA base, by this name: it cannot be renamed."
        )
    renaming.rename_run(old, new)


def removed_runs() -> tuple[trash.Item, ...]:
    """The runs that can be restored, the last removed first. Raises RunError."""
    try:
        return removed.removed_runs()
    except OSError as error:
        raise RunError(files.explain(error, "looking for removed runs")) from error


def restore_run(name: str) -> None:
    """Restore the last removed run of that name. Raises RunError."""
    try:
        removed.restore_run(name)
    except OSError as error:
        raise RunError(files.explain(error, f"bringing {name} back")) from error


def sweep_removed() -> None:
    """Delete the removed runs whose thirty days are over."""
    removed.sweep_removed()
