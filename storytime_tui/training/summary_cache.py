"""Remembers what plans and journals of runs say, so that hundreds of runs are listed at once. Knows no torch.

`runs.json` in the cache folder. An entry counts only while both files are the same as when it was made: inode, size and
time of change. What changes without them, such as who has a run open, is not remembered.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui import files, paths, small_files
from storytime_tui.errors import PlanError, StorytimeError
from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, RunFacts, run_facts
from storytime_tui.training.plan import read_plan

_FILE = "runs.json"
_VERSION = 1
_LIMIT = 40_000_000  # bytes; a run has about one thousand
_NUMBERS = ("step", "total_steps", "per_epoch", "best", "first", "seconds", "started", "left_out")

Stamp = list[list[int]]  # inode, size and time of change of the plan and of the journal


@dataclass(frozen=True)
class Remembered:
    """A run's base and collections from its plan, empty if it cannot be read, and the facts of its journal."""

    base: str
    collections: tuple[str, ...]
    facts: RunFacts


def stamp_of(plan: Path) -> Stamp | None:
    """What changes when a run's plan or journal changes; None if one of them cannot be looked at."""
    try:
        found = [os.stat(path) for path in (plan, plan.with_name(JOURNAL))]
    except OSError:
        return None
    return [[status.st_ino, status.st_size, status.st_mtime_ns] for status in found]


def read_run(plan_file: Path) -> tuple[Remembered, str]:
    """What a run's plan and journal say, and a sentence for each of them that is damaged, or ""."""
    damage: list[str] = []
    base, facts = "", RunFacts()
    collections: tuple[str, ...] = ()
    try:
        plan = read_plan(plan_file)
        base, collections = plan.base, plan.collections
    except PlanError as error:
        damage.append(str(error))
    try:
        facts = run_facts(plan_file.parent)
    except StorytimeError as error:
        damage.append(str(error))
    return Remembered(base, collections, facts), " ".join(damage)


class SummaryCache:
    """The remembered runs, read when it is made. Damage is no harm: then nothing is remembered."""

    def __init__(self) -> None:
        self._path = paths.cache_folder() / _FILE
        self._entries: dict[str, Any] = {}
        self._asked: set[str] = set()
        self._changed = False
        with contextlib.suppress(OSError, StorytimeError, ValueError, RecursionError):
            record = json.loads(small_files.read_bytes(self._path, _LIMIT))
            if isinstance(record, dict) and record.get("version") == _VERSION:
                runs = record.get("runs")
                self._entries = runs if isinstance(runs, dict) else {}

    def get(self, run: str, stamp: Stamp | None) -> Remembered | None:
        """What is remembered of a run with this stamp."""
        self._asked.add(run)
        entry = self._entries.get(run)
        if stamp is None or not isinstance(entry, dict) or entry.get("stamp") != stamp:
            return None
        try:
            last, voice = (ev.from_json(entry[name]) for name in ("last", "voice"))
            numbers = {name: entry[name] for name in _NUMBERS}
            if not all(value is None or type(value) in (int, float) for value in numbers.values()):
                return None
            facts = RunFacts(
                **numbers, last=last, voice=voice if isinstance(voice, ev.VoiceMeasured) else None
            )
            return Remembered(str(entry["base"]), tuple(map(str, entry["collections"])), facts)
        except (KeyError, TypeError):
            return None

    def put(self, run: str, stamp: Stamp | None, remembered: Remembered) -> None:
        """Remember a run; `stamp` is from before it was read. Figures that are not finite are read again each time."""
        facts = dataclasses.asdict(remembered.facts)
        figures = [facts[name] for name in _NUMBERS]
        if stamp is None or not all(math.isfinite(figure) for figure in figures if figure is not None):
            return
        self._entries[run] = {
            "stamp": stamp,
            "base": remembered.base,
            "collections": list(remembered.collections),
            **{name: facts[name] for name in _NUMBERS},
            "last": _record(remembered.facts.last),
            "voice": _record(remembered.facts.voice),
        }
        self._changed = True

    def save(self) -> None:
        """Write what was put, without runs that nobody asked for. Failing is no harm."""
        kept = {run: entry for run, entry in self._entries.items() if run in self._asked}
        if not self._changed and len(kept) == len(self._entries):
            return
        with contextlib.suppress(OSError):
            text = json.dumps({"version": _VERSION, "runs": kept})
            files.write_atomically(self._path, text.encode())


def _record(event: ev.Event | None) -> dict[str, Any] | None:
    return None if event is None else ev.to_json(event)
