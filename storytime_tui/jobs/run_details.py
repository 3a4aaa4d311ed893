"""What a list of runs shows besides their summaries: plan, tokens, size, note; a list narrowed by a query.

Summaries are read first, because details cost a walk over each run's files. Loads no torch.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storytime_tui.errors import Misused, PlanError, RunError
from storytime_tui.jobs import run_query
from storytime_tui.training import notes, runs
from storytime_tui.training.plan import TrainingPlan, read_plan
from storytime_tui.training.runs import RunSummary


@dataclass(frozen=True)
class RunDetails:
    """`plan`: its knobs by name, empty if it cannot be read. `tokens`: read in training, None if unknown.
    `size`: bytes of the run's files."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    tokens: int | None = None
    size: int | None = None
    note: str = ""


def details_of(summary: RunSummary) -> RunDetails:
    """A run's details; what cannot be read is left out. Raises RunError if the run is gone."""
    folder = runs.run_folder(summary.name)
    try:
        plan = dataclasses.asdict(read_plan(folder / runs.PLAN))
    except PlanError:
        plan = {}
    return RunDetails(plan, tokens_read(plan, summary.step), size_of(folder), notes.read_note(folder))


def all_details(summaries: Sequence[RunSummary]) -> dict[str, RunDetails]:
    """The details of runs by name; a run that was removed meanwhile is left out."""
    details = {}
    for summary in summaries:
        try:
            details[summary.name] = details_of(summary)
        except RunError:
            continue
    return details


def tokens_read(plan: Mapping[str, Any], steps: int) -> int | None:
    """The tokens that so many steps read; None if the plan does not say how many a step reads."""
    each = [plan.get(name) for name in ("block_size", "batch_size", "accumulation")]
    known = [number for number in each if isinstance(number, int)]
    return steps * math.prod(known) if len(known) == len(each) else None


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder; links are not followed, and what cannot be read counts as nothing."""
    total, folders = 0, [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_size
                    except OSError:
                        continue  # removed meanwhile
        except OSError:
            continue
    return total


# -- queries -----------------------------------------------------------------------------------------------


def facts_of(
    summary: RunSummary, details: RunDetails, titles: Mapping[str, str] | None = None
) -> run_query.Facts:
    """A run's values for a query. `titles`: the collections' titles by name, which are found as well."""
    loss = summary.best_validation_loss
    shelves = [*summary.collections, *(dict(titles or {}).get(name, "") for name in summary.collections)]
    return {
        **details.plan,
        "name": summary.name,
        "base": summary.base,
        "shelves": tuple(dict.fromkeys(filter(None, shelves))),
        "state": summary.state,
        "note": details.note,
        "loss": loss,
        "perplexity": perplexity_of(loss),
        "voice": summary.voice,
        "steps": summary.step,
        "tokens": details.tokens,
        "time": summary.seconds,
        "size": details.size,
        "date": summary.started,
    }


def perplexity_of(loss: float | None) -> float | None:
    """e to the loss; None if that is unknown or beyond every number."""
    return math.exp(loss) if loss is not None and loss < 700 else None


def narrowed(summaries: Sequence[RunSummary], where: str) -> tuple[RunSummary, ...]:
    """The runs that match a query. Raises Misused for a mistake in it."""
    query = run_query.parse(where)
    if query.mistake:
        raise Misused(f"--where: {query.mistake}")
    details = all_details(summaries)
    return tuple(
        each
        for each in summaries
        if each.name in details and run_query.matches(query, facts_of(each, details[each.name]))
    )


# -- notes ---------------------------------------------------------------------------------------


def note_of(run: str) -> str:
    """A run's note; "" if it has none. Raises RunError if there is no such run."""
    return notes.read_note(runs.run_folder(run))


def set_note(run: str, text: str) -> str:
    """Replace a run's note; an empty text removes it. Returns it as it reads. Raises RunError."""
    return notes.write_note(runs.run_folder(run), text)


# -- comparing ---------------------------------------------------------------------------------------------

_SHOWN_ELSEWHERE = ("base", "collections")  # they have rows of their own
# what an option does that is not set, and stays so
UNSET = {"max_steps": "no limit"}
EMPTY = {"stories": "all", "repeats": "each once", "lora_targets": "all of each block"}
# The options that determine a run's validation stories (see corpus.splitting).
_SPLIT_OPTIONS = ("collections", "stories", "validation_fraction", "seed")


def differing_knobs(plans: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The options that differ between plans, in the plan's order; empty plans are unknown."""
    known = [plan for plan in plans if plan]
    names = [each.name for each in dataclasses.fields(TrainingPlan) if each.name not in _SHOWN_ELSEWHERE]
    return tuple(name for name in names if any(plan[name] != known[0][name] for plan in known))


def _knob_in_words(plan: Mapping[str, Any], name: str) -> str:
    """An option of a plan, short: `0.0001`, `on`, `each once`; a dash if it is unknown or left to the program."""
    value = plan.get(name)
    if value is None:
        return UNSET.get(name, "–") if name in plan else "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return _entries_in_words(name, value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def knobs_in_words(plans: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """An option of several plans in words, fractions with the same number of decimals."""
    words = [_knob_in_words(plan, name) for plan in plans]
    fractions = [
        (place, value)
        for place, plan in enumerate(plans)
        if isinstance(value := plan.get(name), float) and "e" not in words[place]
    ]
    decimals = max((len(words[place].partition(".")[2]) for place, _ in fractions), default=0)
    for place, value in fractions:
        words[place] = f"{value:.{decimals}f}"
    return words


def _entries_in_words(name: str, entries: Sequence[object]) -> str:
    if not entries:
        return EMPTY.get(name, "none")
    return f"{len(entries):,} of them" if name == "stories" else ", ".join(map(str, entries))


def same_stories(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two plans validate on the same stories, so that their losses per byte can be compared."""

    def split(plan: Mapping[str, Any]) -> list[object]:
        values = (plan[name] for name in _SPLIT_OPTIONS)
        return [sorted(set(value)) if isinstance(value, tuple | list) else value for value in values]

    return bool(one) and bool(other) and split(one) == split(other)
