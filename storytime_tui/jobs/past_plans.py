"""Plans of earlier runs and of TOML files, for a new run; and a plan saved to a file. Loads no torch."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.corpus.library.shelf import names_titled, taken_names
from storytime_tui.corpus.names import slug
from storytime_tui.errors import PlanError
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan, read_plan, write_plan


@dataclass(frozen=True)
class PastPlan:
    """A plan to begin a new run with. `missing`: its collections that are no longer on this machine."""

    plan: TrainingPlan
    missing: tuple[str, ...]


def past_plan(source: str) -> PastPlan:
    """The plan of a run, or of a TOML file, without what belongs to that run alone. Raises PlanError.

    A file is preferred to a run of the same name.
    """
    path = paths.expanded(source, PlanError)
    folder = path / runs.PLAN
    if os.path.isfile(path):
        plan = read_plan(path)
    elif runs.is_run(source):
        plan = read_plan(runs.run_folder(source) / runs.PLAN)
    elif os.path.isfile(folder):
        plan = read_plan(folder)
    else:
        raise PlanError(f"There is neither a file nor a run called {source!r}.")
    plan = dataclasses.replace(plan, voices=(), extended_at=())
    here = taken_names()
    missing = tuple(name for name in plan.collections if slug(name) not in here and not _is_elsewhere(name))
    return PastPlan(plan, missing)


def _is_elsewhere(name: str) -> bool:
    """Whether a collection is named by its title, or by the path of its texts."""
    return os.path.exists(os.path.expanduser(name)) or bool(names_titled(name))


def save_plan(plan: TrainingPlan, to: str) -> Path:
    """Write a plan to a TOML file, `.toml` if the name has no ending. Raises PlanError; replaces no file."""
    path = paths.expanded(to, PlanError)
    if not path.suffix:
        path = path.with_name(f"{path.name}.toml")
    if os.path.lexists(path):
        raise PlanError(f"{path} exists: choose another name, or move it away.")
    try:
        write_plan(plan, path)
    except OSError as error:
        raise PlanError(files.explain(error, f"saving the plan to {path}")) from error
    return path.absolute()
