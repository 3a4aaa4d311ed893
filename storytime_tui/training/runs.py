"""Run folders: naming, listing, locking, and the journal of events. Knows no torch.

runs/<name>/plan.toml  events.jsonl  lock  checkpoints/step-N/  checkpoints/last  checkpoints/best
runs/.removed/<name>-<time>/  the same, kept a while after `runs remove`
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.errors import RunError, StorytimeError
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan, read_plan

KEPT_DAYS = 30  # how long a removed run can be brought back

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_REMOVED = ".removed"
_TIME = "%Y%m%dT%H%M%S%fZ"  # no sign in it that a file system refuses


@dataclass(frozen=True)
class RunSummary:
    """What a list of runs shows. `state` is "learning", "finished", "stopped", "failed", "interrupted" or
    "damaged"; `trouble` is a sentence where there is one."""

    name: str
    base: str
    collections: tuple[str, ...]
    state: str
    step: int
    total_steps: int
    best_validation_loss: float | None
    first_validation_loss: float | None
    seconds: float
    started: float  # seconds since the epoch
    checkpoints: tuple[int, ...]  # steps
    trouble: str = ""


def run_folder(name: str) -> Path:
    """The folder of a run that exists. Raises RunError with the nearest names otherwise."""
    folder = paths.runs_folder() / name
    if _NAME.fullmatch(name) is None or not (folder / "plan.toml").is_file():
        names = ", ".join(run_names()[:5])
        there = f"the newest are {names}" if names else "there are none yet: `storytime-tui train` makes one"
        raise RunError(f"There is no run called {name!r}; {there}.")
    return folder


def run_names() -> list[str]:
    """Every run's name, newest first."""
    folder = paths.runs_folder()
    if not folder.is_dir():
        return []
    found = [child for child in folder.iterdir() if (child / "plan.toml").is_file()]
    return [child.name for child in sorted(found, key=lambda c: (-_changed(c), c.name))]


def _changed(folder: Path) -> float:
    journal = folder / "events.jsonl"
    return (journal if journal.exists() else folder / "plan.toml").stat().st_mtime


def check_free_name(name: str) -> None:
    """Raises RunError where a new run cannot be called so: not a name, or another run's, or a base's."""
    if _NAME.fullmatch(name) is None:
        raise RunError(
            f"A run cannot be called {name!r}: use letters, digits, '.', '_' and '-', starting with a letter "
            "or digit, at most 80."
        )
    if is_base_name(name):
        raise RunError(f"A run cannot be called {name!r}, since a base is: choose another name.")
    if (paths.runs_folder() / name / "plan.toml").exists():
        raise RunError(
            f"There is a run called {name!r} already: choose another name, or continue it with "
            f"`storytime-tui train --resume {name}`."
        )


def make_run_folder(name: str | None, collections: tuple[str, ...]) -> Path:
    """Make an empty run folder: with the name asked for, or the first collection's and a free number."""
    root = paths.runs_folder()
    if name is not None:
        check_free_name(name)
        folder = root / name
        files.make_folder(folder)  # left empty by a run that never began
        return folder
    files.make_folder(root)
    stem = re.sub(r"[^a-z0-9]+", "-", Path(collections[0]).name.lower()).strip("-")[:60] or "run"
    number = 1
    while True:
        folder = root / f"{stem}-{number}"
        try:
            folder.mkdir(mode=0o700)
            return folder
        except FileExistsError:
            number += 1


def locked(folder: Path) -> AbstractContextManager[None]:
    """Hold the run for one program. Raises RunError where another has it."""
    busy = RunError(
        f"The run {folder.name!r} is open in another Storytime right now: stop it there first, or choose another run."
    )
    return files.locked(folder / "lock", busy)


# -- the journal ---------------------------------------------------------------------------------------


class Journal:
    """Appends events to `events.jsonl`, one JSON object a line; a line that a crash tore is cut off first."""

    def __init__(self, path: Path) -> None:
        """Open for appending. Raises OSError."""
        _cut_torn_line(path)
        files.make_private(path)  # it keeps the samples that were told
        self._file = path.open("ab", buffering=0)

    def append(self, event: ev.Event) -> None:
        """Write one event: with the system when this returns, so a killed program loses nothing of it.

        Raises OSError; a full disk may take half a line first, which the next opening cuts off.
        """
        line = json.dumps(ev.to_json(event)).encode() + b"\n"
        while line:
            line = line[self._file.write(line) :]

    def close(self) -> None:
        """Make all of it durable, as far as the disk lets us: what was said before is with the system already."""
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        keep, step = end, 4096
        while keep > 0:
            start = max(0, keep - step)
            file.seek(start)
            newline = file.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep < end:
            file.truncate(keep)


def read_events(folder: Path) -> list[ev.Event]:
    """What the run said, in order, without what a resume from an earlier checkpoint made void."""
    said: list[ev.Event] = []
    for event in _lines(folder / "events.jsonl"):
        if isinstance(event, ev.Started):
            said = []  # it began again: there was no checkpoint to go on from
        if isinstance(event, ev.Resumed) and event.from_checkpoint:
            said = [e for e in said if getattr(e, "step", 0) <= event.step and not isinstance(e, ev.Failed)]
        said.append(event)
    return said


def _lines(path: Path) -> Iterator[ev.Event]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue  # torn by a crash, or being written this moment
            event = ev.from_json(record) if isinstance(record, dict) else None
            if event is not None:
                yield event


# -- listing -------------------------------------------------------------------------------------------


def checkpoint_steps(folder: Path) -> tuple[int, ...]:
    """The steps of which a whole checkpoint is kept, in order."""
    found = (re.fullmatch(r"step-(\d+)", child.name) for child in (folder / "checkpoints").glob("step-*"))
    return tuple(sorted(int(match[1]) for match in found if match))


def summary_of(name: str) -> RunSummary:
    """What is known of a run. Raises RunError where there is no such run; damage is told in `trouble`."""
    folder = run_folder(name)
    trouble, plan = "", TrainingPlan()
    try:
        plan = read_plan(folder / "plan.toml")
    except StorytimeError as error:
        trouble = str(error)
    said = read_events(folder)
    started = next((e for e in said if isinstance(e, ev.Started)), None)
    losses = [e.validation_loss for e in said if isinstance(e, ev.Evaluated)]
    steps = [e.step for e in said if isinstance(e, ev.StepDone)]
    last = said[-1] if said else None
    return RunSummary(
        name=name,
        base=plan.base,
        collections=plan.collections,
        state="damaged" if trouble else _state(folder, last),
        step=max(steps, default=0),
        total_steps=_total_steps(said),
        best_validation_loss=min(losses, default=None),
        first_validation_loss=losses[0] if losses else None,
        seconds=max((e.elapsed for e in said if isinstance(e, ev.StepDone)), default=0.0),
        started=started.time if started else (folder / "plan.toml").stat().st_mtime,
        checkpoints=checkpoint_steps(folder),
        trouble=trouble or (last.message if isinstance(last, ev.Failed) else ""),
    )


def length_of(folder: Path) -> tuple[int, float]:
    """How many steps a run was last going to have, and how many an epoch has; 0 where it has not begun."""
    said = read_events(folder)
    started = next((e for e in said if isinstance(e, ev.Started)), None)
    return _total_steps(said), started.steps_per_epoch if started else 0.0


def _total_steps(said: Sequence[ev.Event]) -> int:
    """How many steps the run was last going to have."""
    known = [e.total_steps for e in said if isinstance(e, ev.Started | ev.Resumed) and e.total_steps]
    return known[-1] if known else 0


def _state(folder: Path, last: ev.Event | None) -> str:
    if files.is_locked(folder / "lock"):
        return "learning"
    if isinstance(last, ev.Finished):
        return "stopped" if last.stopped_by == "stopped" else "finished"
    return "failed" if isinstance(last, ev.Failed) else "interrupted"


def list_runs() -> tuple[RunSummary, ...]:
    """Every run, newest first."""
    return tuple(summary_of(name) for name in run_names())


# -- removing ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RemovedRun:
    """A run that was moved out of the way: it can come back under `name` until `until`."""

    name: str
    folder: Path
    until: datetime


def remove_runs(names: Sequence[str]) -> tuple[RemovedRun, ...]:
    """Move runs out of the list, to be kept for KEPT_DAYS; all of them, or none where one is refused.

    Raises RunError for a run that is not there or is open elsewhere, OSError as the system gives it.
    """
    folders = [run_folder(name) for name in dict.fromkeys(names)]
    place = paths.runs_folder() / _REMOVED
    removed = []
    with contextlib.ExitStack() as held:
        for folder in folders:
            held.enter_context(locked(folder))
        if os.name == "nt":
            held.close()  # Windows moves no folder in which a file is open
        files.make_folder(place)
        for folder in folders:
            now = datetime.now(UTC)
            target = place / f"{folder.name}-{now.strftime(_TIME)}"
            os.rename(folder, target)
            removed.append(RemovedRun(folder.name, target, now + timedelta(days=KEPT_DAYS)))
    files.sync_folder(place)
    return tuple(removed)


def removed_runs() -> tuple[RemovedRun, ...]:
    """Every run that can be brought back, the latest removed first."""
    place = paths.runs_folder() / _REMOVED
    found = [_removed_run(child) for child in place.iterdir()] if place.is_dir() else []
    return tuple(sorted((each for each in found if each), key=lambda each: each.until, reverse=True))


def _removed_run(folder: Path) -> RemovedRun | None:
    name, _, time = folder.name.rpartition("-")
    try:
        removed = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None  # not one of ours
    return RemovedRun(name, folder, removed + timedelta(days=KEPT_DAYS))


def restore_run(name: str) -> None:
    """Bring the latest removed run called `name` back. Raises RunError where there is none, or the name is taken."""
    kept = removed_runs()
    newest = next((each for each in kept if each.name == name), None)
    if newest is None:
        others = ", ".join(dict.fromkeys(each.name for each in kept))
        there = f"these can be brought back: {others}" if others else "no removed run is kept any more"
        raise RunError(f"There is no removed run called {name!r}; {there}.")
    folder = paths.runs_folder() / name
    taken = RunError(
        f"There is another run called {name!r} by now: remove it first (it is kept as well), then restore this one."
    )
    if (folder / "plan.toml").exists():
        raise taken
    try:
        folder.rmdir()  # left empty by a run that never began
    except FileNotFoundError:
        pass
    except OSError:
        raise taken from None
    os.rename(newest.folder, folder)
    files.sync_folder(folder.parent)


def sweep_removed(now: datetime | None = None) -> None:
    """Delete the removed runs whose time is over. What cannot be deleted stays until the next time."""
    for each in removed_runs():
        if each.until < (now or datetime.now(UTC)):
            shutil.rmtree(each.folder, ignore_errors=True)
