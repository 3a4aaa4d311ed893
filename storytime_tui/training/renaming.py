"""Gives a run another name. Knows no torch."""

import os

from storytime_tui import files
from storytime_tui.errors import RunError
from storytime_tui.training import runs


def rename_run(old: str, new: str) -> None:
    """Rename a run's folder. Raises RunError if the run is open elsewhere or the name is taken or invalid."""
    folder = runs.run_folder(old)
    runs.check_free_name(new)
    target = folder.with_name(new)
    try:
        with runs.run_locked(folder):
            if os.name != "nt":  # the lock is renamed with its folder; Windows renames no open file
                _move(folder, target)
        if os.name == "nt":
            _move(folder, target)
    except OSError as error:
        raise RunError(files.explain(error, f"renaming the run {old}")) from error


def _move(folder: os.PathLike[str], target: os.PathLike[str]) -> None:
    runs.check_free_name(os.path.basename(target))  # once more: another program may have taken it
    os.rename(folder, target)
