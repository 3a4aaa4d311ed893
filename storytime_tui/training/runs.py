"""Run folders: naming, creating, locking and listing them. Knows no torch.

runs/<name>/plan.toml  events.jsonl  lock  requests/  checkpoints/step-N/  checkpoints/last  checkpoints/best

A folder may have been copied, emptied or damaged by hand; lists show it as damaged. A name is free only if
nothing has it. (`training.removed` keeps removed runs.)
"""

import contextlib
import os
import re
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, paths, small_files
from storytime_tui.errors import RunError
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.training import events as ev
from storytime_tui.training.journal import JOURNAL, run_facts
from storytime_tui.training.journal import Journal as Journal
from storytime_tui.training.journal import read_events as read_events
from storytime_tui.training.plan import TrainingPlan, write_plan
from storytime_tui.training.run_names import free_names
from storytime_tui.training.summary_cache import SummaryCache, read_run, stamp_of
from storytime_tui.training.voice_report import share_of

PLAN = "plan.toml"
LOCK = "lock"
CHECKPOINTS = "checkpoints"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_STEP = re.compile(r"step-(0|[1-9][0-9]{0,15})")
_LOCK_TIMEOUT = 0.3  # seconds; listing runs holds each lock for a moment


@dataclass(frozen=True)
class RunSummary:
    """A run's entry in a list. `state` is "training", "finished", "stopped", "failed", "interrupted" or "damaged", and
    in `jobs.records` also "paused"; `trouble` is a sentence about a problem, if any; `left_out` counts unreadable
    journal lines. `voice`: the share (0 to 1) of `passages` generated ones that sounded like the shelf in the last
    measurement. `steps_per_epoch`: 0 if it has not started."""

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
    left_out: int = 0
    voice: float | None = None
    passages: int = 0
    steps_per_epoch: float = 0.0


# -- finding ---------------------------------------------------------------------------------------------


def run_folder(name: str) -> Path:
    """The folder of an existing run, damaged or not. Raises RunError otherwise, listing the newest runs."""
    if is_run(name):
        return paths.runs_folder() / name
    names = ", ".join(run_names()[:5])
    there = f"the newest are {names}" if names else "there are none yet: `storytime-tui train` makes one"
    raise RunError(f"There is no run called {name!r}; {there}.")


def is_run(name: str) -> bool:
    """Whether a run has this name: a folder that contains part of a run, or that cannot be read.

    A name that is not allowed for new runs, such as "a (copy)", may be that of a folder copied by hand.
    """
    if not name or name.startswith(".") or any(sign in name for sign in ("/", os.sep, "\0")):
        return False
    folder = paths.runs_folder() / name
    try:
        return not {PLAN, JOURNAL, CHECKPOINTS}.isdisjoint(os.listdir(folder))
    except NotADirectoryError:
        return False  # a file
    except FileNotFoundError:
        return os.path.islink(folder)  # a dangling link, for example to an unmounted disk
    except OSError:
        return os.path.lexists(folder)  # false for a name that no folder can have
    except ValueError:  # an invalid name
        return False


def run_names() -> list[str]:
    """All runs' names, the newest first. Raises RunError if the runs folder cannot be read."""
    folder = paths.runs_folder()
    try:
        names = [name for name in os.listdir(folder) if is_run(name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(files.explain(error, f"looking for runs in {folder}")) from error
    return sorted(names, key=lambda name: (-_changed(folder / name), name))


def _changed(folder: Path) -> float:
    for place in (folder / JOURNAL, folder / PLAN, folder):
        with contextlib.suppress(OSError):
            return place.stat().st_mtime
    return 0.0


def checkpoint_steps(folder: Path) -> tuple[int, ...]:
    """The steps of the saved checkpoints, in order; empty if the folder cannot be read."""
    root = folder / CHECKPOINTS
    try:
        matches = [_STEP.fullmatch(name) for name in os.listdir(root)]
    except OSError:
        return ()
    return tuple(sorted(int(match[1]) for match in matches if match and os.path.isdir(root / match[0])))


def checkpoint_named(folder: Path, which: str) -> Path | None:
    """The folder of `last`, `best` or `step-N`; None if there is no such checkpoint, or the link leads elsewhere."""
    root = folder / CHECKPOINTS
    name = which
    if which in ("last", "best"):
        try:
            name = os.readlink(root / which)
        except OSError:
            name = "" if os.path.islink(root / which) else which
    elif _STEP.fullmatch(which) is None:
        return None
    if name != which and _STEP.fullmatch(name) is None:
        return None
    return root.resolve() / name if os.path.isdir(root / name) else None


def step_of(checkpoint: Path) -> int | None:
    """The step of a checkpoint's folder; None for another folder."""
    match = _STEP.fullmatch(checkpoint.name)
    return int(match[1]) if match and checkpoint.parent.name == CHECKPOINTS else None


# -- creating and locking --------------------------------------------------------------------------------


def check_free_name(name: str) -> None:
    """Raise RunError if a new run cannot have this name: it is invalid, reserved for a base, or taken."""
    if _NAME.fullmatch(name) is None:
        raise RunError(
            f"A run cannot be called {name!r}: use letters, digits, '.', '_' and '-', starting with a letter "
            "or digit, at most 80."
        )
    if is_base_name(name):
        raise RunError(f"A run cannot be called {name!r}, which is the name of a base: choose another name.")
    folder = paths.runs_folder() / name
    if os.path.lexists(folder) and (not is_left_empty(folder) or is_open(folder)):
        raise _name_taken(folder)


def _name_taken(folder: Path) -> RunError:
    if is_run(folder.name) and os.path.lexists(folder / PLAN):
        return RunError(
            f"There is a run called {folder.name!r} already: choose another name, or continue it with "
            f"`storytime-tui train --resume {shlex.quote(folder.name)}`."
        )
    if is_left_empty(folder):
        return RunError(f"Another run called {folder.name!r} is just starting: choose another name.")
    remove = f"`storytime-tui runs remove {shlex.quote(folder.name)}`"
    return RunError(
        f"A run cannot be called {folder.name!r}: {folder} already exists, without a plan in it. Choose another "
        f"name, or {remove if is_run(folder.name) else 'move it away'}."
    )


def is_left_empty(folder: Path) -> bool:
    """Whether the folder is empty but for a lock, left by a run that never started."""
    if os.path.islink(folder):
        return False
    try:
        return set(os.listdir(folder)) <= {LOCK}
    except OSError:
        return False


@contextlib.contextmanager
def new_run(name: str | None, plan: TrainingPlan) -> Iterator[Path]:
    """Create a run's folder with its plan, and lock it for the block.

    `name` None takes the first collection's name and a free number. If two programs request one name, only one gets
    it. Raises RunError if the name is taken, and OSError if the folder cannot be created; nothing is left of it then.
    """
    with contextlib.ExitStack() as stack:
        folder = _claim_name(name, plan.collections, stack)
        try:
            write_plan(plan, folder / PLAN)
        except BaseException:
            unmake(folder)
            raise
        yield folder


def _claim_name(name: str | None, collections: tuple[str, ...], stack: contextlib.ExitStack) -> Path:
    root = paths.runs_folder()
    files.make_folder(root)
    if name is not None:
        check_free_name(name)
        _claim(root / name, stack)
        return root / name
    for free in free_names(collections):
        with contextlib.suppress(RunError):  # another program took this name
            _claim(root / free, stack)
            return root / free
    raise AssertionError("there is always a next number")


def _claim(folder: Path, stack: contextlib.ExitStack) -> None:
    """Create a folder and lock it; an empty leftover is reused. Raises RunError, OSError."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    with contextlib.ExitStack() as own_stack:
        if not is_left_empty(folder):
            raise _name_taken(folder)
        try:
            own_stack.enter_context(_locked(folder))
        except RunError:
            raise _name_taken(folder) from None
        if not is_left_empty(folder):  # another program has used it in between
            raise _name_taken(folder)
        stack.push(own_stack.pop_all())


@contextlib.contextmanager
def run_locked(folder: Path) -> Iterator[None]:
    """Lock a run for this program. Raises RunError if another program holds it, or it is gone."""
    gone = RunError(f"The run {folder.name!r} no longer exists: another program removed it.")
    if not os.path.isdir(folder):
        if os.path.lexists(folder):
            raise RunError(
                f"The run {folder.name!r} cannot be opened: {folder} is {small_files.kind_of(folder)}, not a folder."
            )
        raise gone
    with _locked(folder):
        if is_left_empty(folder):  # removed meanwhile; opening the lock created an empty folder
            unmake(folder)
            raise gone
        yield


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    busy = RunError(
        f"The run {folder.name!r} is open in another Storytime right now: stop it there first, or choose another run."
    )
    if not can_be_held(folder):
        raise RunError(
            f"The run {folder.name!r} cannot be opened: {folder / LOCK} is not a file. Move that away."
        )
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(files.locked(folder / LOCK, busy, patience=_LOCK_TIMEOUT))
        except OSError as error:
            raise RunError(files.explain(error, f"opening the run {folder.name}")) from error
        yield


def is_open(folder: Path) -> bool:
    """Whether a program has the run open now: it trains it, or is about to."""
    return files.is_locked(folder / LOCK)


def ready_checkpoints(folder: Path) -> None:
    """Create a run's checkpoint folder if needed, and test that checkpoints can be saved in it.

    Raises RunError, so that no training time is lost.
    """
    place = folder / CHECKPOINTS
    problem = ""
    if os.path.lexists(place) and not os.path.isdir(place):
        problem = f"{place} is {small_files.kind_of(place)}, not a folder"
    for link in (place / "last", place / "best"):
        if os.path.isdir(link) and not os.path.islink(link):
            problem = f"{link} is a folder, not a link to a checkpoint"
    if problem:
        raise RunError(f"The run {folder.name!r} cannot save its checkpoints: {problem}. Move that away.")
    try:
        with files.unfinished_folder(place, "trial"):
            pass
    except OSError as error:
        raise RunError(
            files.explain(error, f"writing in {place}, where the run {folder.name} keeps its checkpoints,")
        ) from error


def sweep_unfinished(folder: Path) -> None:
    """Remove half-written files that a crash left in a run's folder. Call it while holding the lock."""
    for place in (folder, folder / CHECKPOINTS):
        if place.is_dir():
            files.sweep(place)


def unmake(folder: Path) -> None:
    """Remove a folder that holds only its lock, which the caller holds. Windows cannot remove open files."""
    with contextlib.suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()


def remove_left_empty(folder: Path) -> bool:
    """Remove the empty folder of a run that never started, if no program holds it; return whether it was one."""
    if not is_left_empty(folder):
        return False
    with contextlib.suppress(RunError):
        with _locked(folder):
            empty = is_left_empty(folder)
            if empty and os.name != "nt":
                unmake(folder)
        if empty and os.name == "nt":
            unmake(folder)
        return empty
    return False


def can_be_held(folder: Path) -> bool:
    """Whether the lock is a regular file, or can be created."""
    try:
        return stat.S_ISREG(os.lstat(folder / LOCK).st_mode)
    except FileNotFoundError:
        return os.path.isdir(folder)
    except OSError:
        return False


# -- listing -------------------------------------------------------------------------------------------


def summary_of(name: str, *, ours: bool = False, cache: SummaryCache | None = None) -> RunSummary:
    """The summary of a run; `ours`: this program holds its lock, so it is not checked.

    `cache` may know the run already. Raises RunError if there is no such run; damage is reported in `trouble`.
    """
    folder = run_folder(name)
    stamp = stamp_of(folder / PLAN) if cache else None
    known, damage = cache.get(name, stamp) if cache else None, ""
    if known is None:
        known, damage = read_run(folder / PLAN)
        if cache and not damage:
            cache.put(name, stamp, known)
    facts = known.facts
    return RunSummary(
        name=name,
        base=known.base,
        collections=known.collections,
        state="damaged" if damage else state_of(folder, facts.last, ours=ours),
        step=facts.step,
        total_steps=facts.total_steps,
        best_validation_loss=facts.best,
        first_validation_loss=facts.first,
        seconds=facts.seconds,
        started=_changed(folder) if facts.started is None else facts.started,
        checkpoints=checkpoint_steps(folder),
        trouble=damage or (facts.last.message if isinstance(facts.last, ev.Failed) else ""),
        left_out=facts.left_out,
        voice=share_of(facts.voice),
        passages=facts.voice.passages if facts.voice else 0,
        steps_per_epoch=facts.per_epoch,
    )


def length_of(folder: Path) -> tuple[int, float]:
    """The run's last planned number of steps, and its steps per epoch; 0 if it has not started.

    Raises UnreadableFile.
    """
    facts = run_facts(folder)
    return facts.total_steps, facts.per_epoch


def state_of(folder: Path, last: ev.Event | None, *, ours: bool = False) -> str:
    """The state of a run whose last event is `last`, as in `RunSummary`; `ours`: this program holds its lock."""
    if not ours and is_open(folder):
        return "training"
    if isinstance(last, ev.Finished):
        return "stopped" if last.stopped_by == "stopped" else "finished"
    return "failed" if isinstance(last, ev.Failed) else "interrupted"


def list_runs() -> tuple[RunSummary, ...]:
    """All runs, the newest first. Raises RunError if the runs folder cannot be read."""
    cache, summaries = SummaryCache(), []
    for name in run_names():
        with contextlib.suppress(RunError):  # removed meanwhile
            summaries.append(summary_of(name, cache=cache))
    cache.save()
    return tuple(summaries)
