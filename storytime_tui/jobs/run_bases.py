"""What a run began from: written down as it begins, and found again when its strength is asked for. Loads no torch."""

import contextlib
import functools
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, small_files
from storytime_tui.errors import ModelError, RunError
from storytime_tui.jobs.find_model import Origin, find_origin
from storytime_tui.models import catalogue, hub
from storytime_tui.models.identity import digest_of, identity_of
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.reporting import Report
from storytime_tui.training import runs

BEGAN = "base.json"  # in a run's folder
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Beginning:
    """`weights` is the sum of the base's; `local` whether it was a run or a folder, which no network has."""

    weights: str
    local: bool


def write_beginning(run: Path, base: Origin) -> None:
    """Write into a new run's folder which weights it begins from: their name may have others one day.

    Trouble with the disk is told when the run writes next.
    """
    if base.folder is None:
        return
    with contextlib.suppress(OSError, ModelError):
        said = {"base": base.name, "weights": weights_digest(base), "local": base.local}
        files.write_atomically(run / BEGAN, (json.dumps(said, indent=1) + "\n").encode())


def check_adapter(run: Origin) -> None:
    """Raise ModelError where a LoRA run stands on the starter, and the starter has other weights by now.

    Its small matrices belong to the weights that they learned beside; each version of the program may bring others.
    """
    if run.adapter is None or run.base != catalogue.STARTER or run.folder is None:
        return
    began = _read_beginning(_folder_of(run) / BEGAN)
    if began is not None and began.weights != _digest(run.folder, identity_of(run.folder)):
        raise ModelError(
            f"{run.name} was learned by LoRA beside an earlier starter, whose weights are gone: train it anew."
        )


def weights_digest(origin: Origin) -> str:
    """The sum of all weights of a model, those of an adapter too: the same wherever they lie. Raises ModelError."""
    folders = [folder for folder in (origin.folder, origin.adapter) if folder is not None]
    return " ".join(_digest(folder, identity_of(folder)) for folder in folders)


@functools.lru_cache(maxsize=32)
def _digest(folder: Path, identity: str) -> str:
    """As long as a folder keeps its identity, it is read once."""
    return digest_of(folder)


def base_of(run: Origin, report: Report) -> Origin:
    """The model that a run was trained from, with the very weights it had then.

    A base that was itself a run may have learned on since: then that one of its checkpoints which it was. Raises
    ModelError, with why the run can be told at strength 1 only, where there is no such model (any more).
    """
    name, base = run.name, run.base
    if not base:
        raise ModelError(
            f"Strength is how far a run has moved from its base, and {name} is no run: it is always told at strength 1."
        )
    if scratch_shape(base) is not None:
        raise ModelError(
            f"{name} was trained from random weights and has no base: it is always told at strength 1."
        )
    began = _read_beginning(_folder_of(run) / BEGAN)
    if not _is_here(base) and (began.local if began else "/" not in base or os.path.isabs(base)):
        raise _gone(name, base)
    if began is None:
        if base == catalogue.STARTER:  # each version of the program may bring another
            raise ModelError(
                f"{name} was trained before runs kept which starter they began from: it can be told at strength 1 only."
            )
        return find_origin(base, report)
    fetched = not _is_here(base)
    for candidate in (base, *_checkpoints_of(base)):
        try:
            found = find_origin(candidate, report)
        except ModelError:
            if fetched:
                raise
            continue
        if weights_digest(found) == began.weights:
            return found
    raise _gone(name, base) if not _is_here(base) else _changed(name, base)


def _folder_of(run: Origin) -> Path:
    checkpoint = run.adapter or run.folder
    assert checkpoint is not None
    return checkpoint.parents[1]


def _read_beginning(path: Path) -> _Beginning | None:
    try:
        said = small_files.read_json(path)
        return _Beginning(str(said["weights"]), bool(said["local"]))
    except FileNotFoundError:
        return None  # a run of an earlier version
    except (small_files.UnreadableFile, KeyError, TypeError):
        _log.warning("%s cannot be read", path)
        return None


def _is_here(base: str) -> bool:
    """Whether a base's name leads to something on this machine."""
    if base == catalogue.STARTER:
        return catalogue.has_starter()
    named = runs.is_run(base.partition("/")[0]) or os.path.isdir(os.path.expanduser(base))
    return named or (catalogue.is_repo_id(base) and hub.cached(base) is not None)


def _checkpoints_of(base: str) -> list[str]:
    """All that a base which is a run keeps, the newest first."""
    run = base.partition("/")[0]
    with contextlib.suppress(RunError):
        if not catalogue.is_base_name(base) and runs.is_run(run):
            return [f"{run}/step-{step}" for step in reversed(runs.checkpoint_steps(runs.run_folder(run)))]
    return []


def _gone(name: str, base: str) -> ModelError:
    return ModelError(
        f"{name} was trained from {base}, which is gone: it can be told at strength 1 only, until that is back "
        "(a run comes back with `storytime-tui runs restore`)."
    )


def _changed(name: str, base: str) -> ModelError:
    return ModelError(
        f"{name} was trained from {base}, which has other weights by now: it can be told at strength 1 only."
    )
