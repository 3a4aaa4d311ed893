"""Runs that were removed: kept for thirty days in `trash`, to be brought back. Knows no torch."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from storytime_tui import paths, trash
from storytime_tui.errors import RunError
from storytime_tui.training import runs


def remove_runs(names: Sequence[str]) -> tuple[trash.Item, ...]:
    """Put runs in the bin, damaged ones too: all of them, or none.

    Raises RunError for a run that does not exist or is open elsewhere, OSError as the system gives it.
    """
    folders = [runs.run_folder(name) for name in dict.fromkeys(names)]
    removed: list[trash.Item] = []
    with _held(*folders):
        for folder in folders:
            runs.run_folder(folder.name)  # another program may have removed it before we held it
        try:
            for folder in folders:
                removed.append(trash.put_away(folder))
        except OSError:
            for item, folder in zip(removed, folders, strict=False):
                with contextlib.suppress(OSError):
                    trash.bring_back(item.folder, folder)
            raise
    return tuple(removed)


@contextlib.contextmanager
def _held(*folders: Path) -> Iterator[None]:
    """Hold runs, except those whose lock is broken, which nobody can hold. Raises RunError where one is open elsewhere.

    On Windows it only checks that they are free: no folder can be moved there while a file in it is open.
    """
    with contextlib.ExitStack() as held:
        for folder in folders:
            if runs.can_be_held(folder):
                held.enter_context(runs.run_locked(folder))
        if os.name == "nt":
            held.close()
        yield


def removed_runs() -> tuple[trash.Item, ...]:
    """Every run that can be brought back, the last removed first. Raises OSError."""
    return tuple(item for item in trash.items(paths.runs_folder()) if not runs.is_left_empty(item.folder))


def restore_run(name: str) -> None:
    """Bring the latest removed run called `name` back.

    Raises RunError where there is none, or something is in its place; OSError as the system gives it.
    """
    kept = removed_runs()
    newest = next((each for each in kept if each.name == name), None)
    if newest is None:
        others = ", ".join(dict.fromkeys(each.name for each in kept))
        there = f"these can be brought back: {others}" if others else "no removed run is kept"
        raise RunError(f"There is no removed run called {name!r}; {there}.")
    folder = paths.runs_folder() / name
    with _held(newest.folder):
        if not os.path.lexists(newest.folder):
            raise RunError(f"Another program brings the run {name!r} back, or has done so.")
        if os.path.lexists(folder) and not runs.remove_left_empty(folder):
            raise _in_the_way(folder)
        try:
            trash.bring_back(newest.folder, folder)
        except OSError:
            if os.path.lexists(folder):
                raise _in_the_way(folder) from None
            raise


def _in_the_way(folder: Path) -> RunError:
    if runs.is_run(folder.name):
        return RunError(
            f"There is another run called {folder.name!r} by now: remove it first (it is kept as well), then restore "
            "this one."
        )
    return RunError(f"{folder} is in the way of the run: move it away, then restore the run.")


def sweep_removed() -> None:
    """Delete the removed runs whose thirty days are over. What cannot be deleted, or is in use, stays for now."""
    trash.empty(paths.runs_folder(), _held)  # one of them may be coming back at this moment


def delete_removed() -> None:
    """Delete all removed runs now. What cannot be deleted, or is in use, stays."""
    trash.delete_all(paths.runs_folder(), _held)
