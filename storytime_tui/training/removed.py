"""Runs that were taken away: kept for thirty days, to be brought back. Knows no torch.

runs/.removed/<name>-<time>/  the same as it was under its name
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.errors import RunError
from storytime_tui.training import runs

KEPT_DAYS = 30  # how long a removed run can be brought back

_REMOVED = ".removed"
_TIME = "%Y%m%dT%H%M%S%fZ"  # no sign in it that a file system refuses


@dataclass(frozen=True)
class RemovedRun:
    """A run that was moved out of the way: it can come back under `name` until `until`."""

    name: str
    folder: Path
    until: datetime


def remove_runs(names: Sequence[str]) -> tuple[RemovedRun, ...]:
    """Move runs out of the list, damaged ones too, to be kept for KEPT_DAYS; all of them, or none.

    Raises RunError for a run that is not there or is open elsewhere, OSError as the system gives it.
    """
    folders = [runs.run_folder(name) for name in dict.fromkeys(names)]
    place = paths.runs_folder() / _REMOVED
    removed: list[RemovedRun] = []
    with contextlib.ExitStack() as held:
        for folder in folders:
            _hold(folder, held)
            runs.run_folder(folder.name)  # another program may have taken it away before we held it
        if os.name == "nt":
            held.close()  # Windows moves no folder in which a file is open
        files.make_folder(place)
        try:
            for folder in folders:
                now = datetime.now(UTC)
                target = place / f"{folder.name}-{now.strftime(_TIME)}"
                os.rename(folder, target)
                removed.append(RemovedRun(folder.name, target, now + timedelta(days=KEPT_DAYS)))
        except OSError:
            for each in removed:
                with contextlib.suppress(OSError):
                    os.rename(each.folder, paths.runs_folder() / each.name)
            raise
    files.sync_folder(place)
    return tuple(removed)


def _hold(folder: Path, held: contextlib.ExitStack) -> None:
    """Hold a run, unless its lock is broken, so that nobody can. Raises RunError where another program has it."""
    if runs.can_be_held(folder):
        held.enter_context(runs.locked(folder))


def removed_runs() -> tuple[RemovedRun, ...]:
    """Every run that can be brought back, the latest removed first. Raises OSError."""
    place = paths.runs_folder() / _REMOVED
    try:
        names = os.listdir(place)
    except FileNotFoundError:
        return ()
    found = [_removed_run(place / name) for name in names]
    return tuple(sorted((each for each in found if each), key=lambda each: each.until, reverse=True))


def _removed_run(folder: Path) -> RemovedRun | None:
    name, _, time = folder.name.rpartition("-")
    try:
        until = datetime.strptime(time, _TIME).replace(tzinfo=UTC) + timedelta(days=KEPT_DAYS)
    except (ValueError, OverflowError):
        return None  # not one of ours
    there = (os.path.isdir(folder) or os.path.islink(folder)) and not runs.is_left_empty(folder)
    return RemovedRun(name, folder, until) if name and there else None


def restore_run(name: str) -> None:
    """Bring the latest removed run called `name` back.

    Raises RunError where there is none, or something is in its place; OSError as the system gives it.
    """
    kept = removed_runs()
    newest = next((each for each in kept if each.name == name), None)
    if newest is None:
        others = ", ".join(dict.fromkeys(each.name for each in kept))
        there = f"these can be brought back: {others}" if others else "no removed run is kept any more"
        raise RunError(f"There is no removed run called {name!r}; {there}.")
    folder = paths.runs_folder() / name
    with contextlib.ExitStack() as held:
        _hold(newest.folder, held)
        if not os.path.lexists(newest.folder):
            raise RunError(f"Another program brings the run {name!r} back, or has done so.")
        _clear(folder)
        if os.name == "nt":
            held.close()  # Windows moves no folder in which a file is open
        try:
            os.rename(
                newest.folder, folder
            )  # over nothing, or an empty folder; never over one with things in it
        except OSError:
            if os.path.lexists(folder):
                raise _in_the_way(folder) from None
            raise
    files.sync_folder(folder.parent)


def _clear(folder: Path) -> None:
    """Remove the empty folder that a run which never began left in the place. Raises RunError where it is no such."""
    if os.path.lexists(folder) and not runs.remove_left_empty(folder):
        raise _in_the_way(folder)


def _in_the_way(folder: Path) -> RunError:
    if runs.is_run(folder.name):
        return RunError(
            f"There is another run called {folder.name!r} by now: remove it first (it is kept as well), then restore "
            "this one."
        )
    return RunError(f"{folder} is in the way of the run: move it away, then restore the run.")


def sweep_removed(now: datetime | None = None) -> None:
    """Delete the removed runs whose time is over. What cannot be deleted, or is in use, stays until the next time."""
    with contextlib.suppress(OSError):
        for each in removed_runs():
            if each.until < (now or datetime.now(UTC)):
                _delete(each.folder)


def _delete(folder: Path) -> None:
    with contextlib.suppress(OSError, RunError), contextlib.ExitStack() as held:
        _hold(folder, held)  # it may be coming back this moment
        if os.name == "nt":
            held.close()
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)
