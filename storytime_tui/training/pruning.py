"""The checkpoints of a run that nothing needs, and removing them. Knows no torch.

A resume needs the last checkpoint, and telling needs the best one. The others are earlier moments of the run.
"""

import contextlib
import os
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.errors import PlanError, RunError
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan
from storytime_tui.training.sums import damage_in


def spare_checkpoints(folder: Path) -> tuple[Path, ...]:
    """The folders of a run's checkpoints that neither a resume nor telling needs, damaged ones that were set aside
    included."""
    steps = runs.checkpoint_steps(folder)
    needed = {found.name for link in ("last", "best") if (found := runs.checkpoint_named(folder, link))}
    needed.update(f"step-{step}" for step in steps[-1:])
    root = folder / runs.CHECKPOINTS
    aside = sorted(root.glob("step-*.damaged")) if os.path.isdir(root) else []
    return (*(root / f"step-{step}" for step in steps if f"step-{step}" not in needed), *aside)


def runs_used_as_base() -> frozenset[str]:
    """The runs that another run was trained from: one of their checkpoints may be its base."""
    found = set()
    for name in runs.run_names():
        with contextlib.suppress(PlanError):  # a damaged run
            found.add(read_plan(paths.runs_folder() / name / runs.PLAN).base.partition("/")[0])
    return frozenset(found)


def remove_spare_checkpoints(folder: Path) -> None:
    """Remove what `spare_checkpoints` lists. Raises RunError if the run is open, or its last checkpoint is damaged."""
    with runs.run_locked(folder):
        newest = runs.checkpoint_steps(folder)[-1:]
        for step in newest:
            if damaged := damage_in(folder / runs.CHECKPOINTS / f"step-{step}"):
                raise RunError(
                    f"The last checkpoint of the run {folder.name!r} is damaged ({damaged}): its other checkpoints "
                    "stay, because a resume needs one of them."
                )
        for spare in spare_checkpoints(folder):
            try:
                files.remove_whole(spare)
            except OSError as error:
                raise RunError(
                    files.explain(error, f"removing {spare.name} of the run {folder.name}")
                ) from error
