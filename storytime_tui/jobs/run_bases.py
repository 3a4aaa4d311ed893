"""Records a run's base when the run starts, and finds it again for telling at a strength. Loads no torch."""

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
from storytime_tui.models import catalogue, hub_cache
from storytime_tui.models.identity import digest_of, identity_of
from storytime_tui.models.shapes import scratch_shape
from storytime_tui.reporting import Report
from storytime_tui.training import runs

BASE_FILE = "base.json"  # in a run's folder
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _BaseRecord:
    """`weights`: the base's checksum. `local`: the base was a run or a folder, not a download."""

    weights: str
    local: bool


def record_base(run: Path, base: Origin) -> None:
    """Write the checksum of the base's weights into a new run's folder: the weights behind a name may change.

    A disk error is ignored here; the run's next write reports it.
    """
    if base.folder is None:
        return
    with contextlib.suppress(OSError, ModelError):
        record = {"base": base.name, "weights": weights_digest(base), "local": base.local}
        files.write_atomically(run / BASE_FILE, (json.dumps(record, indent=1) + "\n").encode())


def check_adapter(run: Origin) -> None:
    """Raise ModelError for a LoRA run of the starter if the starter's weights have changed since.

    An adapter works with the weights that it was trained with only; a new version of the program may bring other ones.
    """
    if run.adapter is None or run.base != catalogue.STARTER or run.folder is None:
        return
    record = _read_record(_folder_of(run) / BASE_FILE)
    if record is not None and record.weights != _digest(run.folder, identity_of(run.folder)):
        raise ModelError(
            f"{run.name} was trained by LoRA on an earlier starter, whose weights are gone: train it again."
        )


def weights_digest(origin: Origin) -> str:
    """A checksum of a model's weights, an adapter's included; it does not depend on their path. Raises ModelError."""
    folders = [folder for folder in (origin.folder, origin.adapter) if folder is not None]
    return " ".join(_digest(folder, identity_of(folder)) for folder in folders)


@functools.lru_cache(maxsize=32)
def _digest(folder: Path, identity: str) -> str:
    """The folder's digest, cached until its identity changes."""
    return digest_of(folder)


def base_of(run: Origin, report: Report) -> Origin:
    """The model that a run was trained from, with the same weights as then.

    If the base is a run that has been trained further since, this is its checkpoint with those weights. Raises
    ModelError if there is no such model; the message says why the run can be told at strength 1 only.
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
    record = _read_record(_folder_of(run) / BASE_FILE)
    if not _is_here(base) and (record.local if record else "/" not in base or os.path.isabs(base)):
        raise _gone(name, base)
    if record is None:
        if base == catalogue.STARTER:  # each version of the program may have another
            raise ModelError(
                f"{name} was trained before runs recorded their starter's weights: it can be told at strength 1 only."
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
        if weights_digest(found) == record.weights:
            return found
    raise _gone(name, base) if not _is_here(base) else _changed(name, base)


def _folder_of(run: Origin) -> Path:
    checkpoint = run.adapter or run.folder
    assert checkpoint is not None
    return checkpoint.parents[1]


def _read_record(path: Path) -> _BaseRecord | None:
    try:
        record = small_files.read_json(path)
        return _BaseRecord(str(record["weights"]), bool(record["local"]))
    except FileNotFoundError:
        return None  # a run of an earlier version
    except (small_files.UnreadableFile, KeyError, TypeError):
        _log.warning("%s cannot be read", path)
        return None


def _is_here(base: str) -> bool:
    """Whether a base is on this machine."""
    if base == catalogue.STARTER:
        return catalogue.has_starter()
    named = runs.is_run(base.partition("/")[0]) or os.path.isdir(os.path.expanduser(base))
    named = named or catalogue.gguf_file(base) is not None
    return named or (catalogue.is_repo_id(base) and hub_cache.cached(base) is not None)


def _checkpoints_of(base: str) -> list[str]:
    """The checkpoints of a base that is a run, newest first; none for another base."""
    run = base.partition("/")[0]
    with contextlib.suppress(RunError):
        if not catalogue.is_base_name(base) and runs.is_run(run):
            return [f"{run}/step-{step}" for step in reversed(runs.checkpoint_steps(runs.run_folder(run)))]
    return []


def _gone(name: str, base: str) -> ModelError:
    return ModelError(
        f"{name} was trained from {base}, which is gone: it can be told at strength 1 only, until {base} is back "
        "(`storytime-tui runs restore` brings a removed run back)."
    )


def _changed(name: str, base: str) -> ModelError:
    return ModelError(
        f"{name} was trained from {base}, whose weights have changed since: it can be told at strength 1 only."
    )
