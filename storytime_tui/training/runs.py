"""Run folders: naming, making, locking and listing them. Knows no torch.

runs/<name>/plan.toml  events.jsonl  lock  checkpoints/step-N/  checkpoints/last  checkpoints/best

Anybody may have copied, emptied or broken such a folder: a list shows it as damaged, beside all others. A name is
free only where nothing is in its place. (`training.removed` keeps those that were taken away.)
"""

import contextlib
import itertools
import os
import re
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, paths, small_files
from storytime_tui.errors import PlanError, RunError, StorytimeError
from storytime_tui.models.catalogue import is_base_name
from storytime_tui.training import events as ev
from storytime_tui.training.heard import share_of
from storytime_tui.training.journal import JOURNAL, RunFacts, run_facts
from storytime_tui.training.journal import Journal as Journal
from storytime_tui.training.journal import read_events as read_events
from storytime_tui.training.plan import TrainingPlan, read_plan, write_plan

PLAN = "plan.toml"
LOCK = "lock"
CHECKPOINTS = "checkpoints"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_STEP = re.compile(r"step-(0|[1-9][0-9]{0,15})")
_WAIT = 0.3  # seconds: whoever lists runs holds each lock for a moment


@dataclass(frozen=True)
class RunSummary:
    """What a list of runs shows. `state` is "learning", "finished", "stopped", "failed", "interrupted" or
    "damaged"; `trouble` is a sentence where there is one; `left_out` counts what of its journal cannot be read.
    `voice`: the share (0 to 1) of `passages` told ones that sounded like the shelf when it was last measured."""

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


# -- finding -------------------------------------------------------------------------------------------


def run_folder(name: str) -> Path:
    """The folder of a run that exists, damaged or not. Raises RunError with the nearest names otherwise."""
    if is_run(name):
        return paths.runs_folder() / name
    names = ", ".join(run_names()[:5])
    there = f"the newest are {names}" if names else "there are none yet: `storytime-tui train` makes one"
    raise RunError(f"There is no run called {name!r}; {there}.")


def is_run(name: str) -> bool:
    """Whether a run is called so: a folder with something of a run in it, or one that cannot be looked into.

    A name that nobody could give, such as "a (copy)", may still be one of a folder that was copied by hand.
    """
    if not name or name.startswith(".") or any(sign in name for sign in ("/", os.sep, "\0")):
        return False
    folder = paths.runs_folder() / name
    try:
        return not {PLAN, JOURNAL, CHECKPOINTS}.isdisjoint(os.listdir(folder))
    except NotADirectoryError:
        return False  # a file that lies among the runs
    except FileNotFoundError:
        return os.path.islink(folder)  # one that leads nowhere, to a disk that is not there
    except OSError:
        return os.path.lexists(folder)  # not so for a name that no folder can have
    except ValueError:  # a name that the system cannot have
        return False


def run_names() -> list[str]:
    """Every run's name, newest first. Raises RunError where the folder of all runs cannot be read."""
    folder = paths.runs_folder()
    try:
        found = [name for name in os.listdir(folder) if is_run(name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(files.explain(error, f"looking for runs in {folder}")) from error
    return sorted(found, key=lambda name: (-_changed(folder / name), name))


def _changed(folder: Path) -> float:
    for place in (folder / JOURNAL, folder / PLAN, folder):
        with contextlib.suppress(OSError):
            return place.stat().st_mtime
    return 0.0


def checkpoint_steps(folder: Path) -> tuple[int, ...]:
    """The steps of which a checkpoint is kept, in order; none where they cannot be looked for."""
    root = folder / CHECKPOINTS
    try:
        found = [_STEP.fullmatch(name) for name in os.listdir(root)]
    except OSError:
        return ()
    return tuple(sorted(int(match[1]) for match in found if match and os.path.isdir(root / match[0])))


def checkpoint_named(folder: Path, which: str) -> Path | None:
    """The folder of `last`, `best` or `step-N`; None where the run keeps none such, or the link leads elsewhere."""
    root = folder / CHECKPOINTS
    name = which
    if which in ("last", "best"):
        try:
            name = os.readlink(root / which)
        except OSError:
            name = which if which in _entries(root) and not os.path.islink(root / which) else ""
    elif _STEP.fullmatch(which) is None:
        return None
    if name != which and _STEP.fullmatch(name) is None:
        return None
    return root.resolve() / name if os.path.isdir(root / name) else None


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


# -- making and holding --------------------------------------------------------------------------------


def check_free_name(name: str) -> None:
    """Raises RunError where a new run cannot be called so: not a name, a base's, or something is in its place."""
    if _NAME.fullmatch(name) is None:
        raise RunError(
            f"A run cannot be called {name!r}: use letters, digits, '.', '_' and '-', starting with a letter "
            "or digit, at most 80."
        )
    if is_base_name(name):
        raise RunError(f"A run cannot be called {name!r}, since a base is: choose another name.")
    folder = paths.runs_folder() / name
    if os.path.lexists(folder) and (not is_left_empty(folder) or files.is_locked(folder / LOCK)):
        raise _taken(folder)


def _taken(folder: Path) -> RunError:
    if is_run(folder.name) and os.path.lexists(folder / PLAN):
        return RunError(
            f"There is a run called {folder.name!r} already: choose another name, or continue it with "
            f"`storytime-tui train --resume {shlex.quote(folder.name)}`."
        )
    if is_left_empty(folder):
        return RunError(f"Another run called {folder.name!r} begins right now: choose another name.")
    remove = f"`storytime-tui runs remove {shlex.quote(folder.name)}`"
    return RunError(
        f"A run cannot be called {folder.name!r}: {folder} is there already, without a plan in it. Choose another "
        f"name, or {remove if is_run(folder.name) else 'move it away'}."
    )


def is_left_empty(folder: Path) -> bool:
    """Whether there is a folder with nothing in it: a run that never began left it."""
    if os.path.islink(folder):
        return False
    try:
        return set(os.listdir(folder)) <= {LOCK}
    except OSError:
        return False


@contextlib.contextmanager
def new_run(name: str | None, plan: TrainingPlan) -> Iterator[Path]:
    """Make a run's folder, with its plan in it, and hold it for the block.

    `name` None takes the first collection's and a free number. Of two programs that ask for one name, one gets it.
    Raises RunError where the name is taken, OSError where the folder cannot be made; then nothing is left of it.
    """
    with contextlib.ExitStack() as held:
        folder = _claimed(name, plan.collections, held)
        try:
            write_plan(plan, folder / PLAN)
        except BaseException:
            unmake(folder)
            raise
        yield folder


def _claimed(name: str | None, collections: tuple[str, ...], held: contextlib.ExitStack) -> Path:
    root = paths.runs_folder()
    files.make_folder(root)
    if name is not None:
        check_free_name(name)
        _claim(root / name, held)
        return root / name
    first = Path(collections[0]).name.lower() if collections else ""
    stem = re.sub(r"[^a-z0-9]+", "-", first).strip("-")[:60] or "run"
    for number in itertools.count(1):
        folder = root / f"{stem}-{number}"
        if not os.path.lexists(folder) and not is_base_name(folder.name):
            with contextlib.suppress(RunError):  # another program was quicker
                _claim(folder, held)
                return folder
    raise AssertionError("there is always a next number")


def _claim(folder: Path, held: contextlib.ExitStack) -> None:
    """Make a folder our own and hold it; one that was left empty will do. Raises RunError, OSError."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    with contextlib.ExitStack() as mine:
        if not is_left_empty(folder):
            raise _taken(folder)
        try:
            mine.enter_context(_locked(folder))
        except RunError:
            raise _taken(folder) from None
        if not is_left_empty(folder):  # another program had it first, and is done already
            raise _taken(folder)
        held.push(mine.pop_all())


@contextlib.contextmanager
def run_locked(folder: Path) -> Iterator[None]:
    """Hold a run for one program. Raises RunError where another has it, or it is gone."""
    gone = RunError(f"The run {folder.name!r} is not there any more: another program took it away.")
    if not os.path.isdir(folder):
        if os.path.lexists(folder):
            raise RunError(
                f"The run {folder.name!r} cannot be opened: {folder} is {small_files.kind_of(folder)}, not a folder."
            )
        raise gone
    with _locked(folder):
        if is_left_empty(
            folder
        ):  # it was taken away while we opened the lock, which made an empty one in its place
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
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(files.locked(folder / LOCK, busy, patience=_WAIT))
        except OSError as error:
            raise RunError(files.explain(error, f"opening the run {folder.name}")) from error
        yield


def ready_checkpoints(folder: Path) -> None:
    """Make the folder of a run's checkpoints where there is none, and see that they can be saved in it.

    Raises RunError, before hours of learning are lost to it.
    """
    place = folder / CHECKPOINTS
    what = ""
    if os.path.lexists(place) and not os.path.isdir(place):
        what = f"{place} is {small_files.kind_of(place)}, not a folder"
    for link in (place / "last", place / "best"):
        if os.path.isdir(link) and not os.path.islink(link):
            what = f"{link} is a folder, not a link to a checkpoint"
    if what:
        raise RunError(f"The run {folder.name!r} cannot save its checkpoints: {what}. Move that away.")
    try:
        with files.unfinished_folder(place, "trial"):
            pass
    except OSError as error:
        raise RunError(
            files.explain(error, f"writing in {place}, where the run {folder.name} keeps its checkpoints,")
        ) from error


def sweep_unfinished(folder: Path) -> None:
    """Remove what a crash left half written in a run's folder. Call it holding the run."""
    for place in (folder, folder / CHECKPOINTS):
        if place.is_dir():
            files.sweep(place)


def unmake(folder: Path) -> None:
    """Remove a folder that holds nothing but its lock, which the caller holds. Windows keeps what is open."""
    with contextlib.suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()


def remove_left_empty(folder: Path) -> bool:
    """Remove a folder that a run which never began left empty; whether it was one, and nobody holds it."""
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
    """Whether the lock is one, or can become one; else nobody holds the run."""
    try:
        return stat.S_ISREG(os.lstat(folder / LOCK).st_mode)
    except FileNotFoundError:
        return os.path.isdir(folder)
    except OSError:
        return False


# -- listing -------------------------------------------------------------------------------------------


def summary_of(name: str, *, ours: bool = False) -> RunSummary:
    """What is known of a run; `ours`: this program holds it, and nobody has to be asked.

    Raises RunError where there is no such run; damage is told in `trouble`.
    """
    folder = run_folder(name)
    damage: list[str] = []
    plan, facts = TrainingPlan(), RunFacts()
    try:
        plan = read_plan(folder / PLAN)
    except PlanError as error:
        damage.append(str(error))
    try:
        facts = run_facts(folder)
    except StorytimeError as error:
        damage.append(str(error))
    return RunSummary(
        name=name,
        base=plan.base,
        collections=plan.collections,
        state="damaged" if damage else _state(folder, facts.last, ours),
        step=facts.step,
        total_steps=facts.total_steps,
        best_validation_loss=facts.best,
        first_validation_loss=facts.first,
        seconds=facts.seconds,
        started=_changed(folder) if facts.started is None else facts.started,
        checkpoints=checkpoint_steps(folder),
        trouble=" ".join(damage) or (facts.last.message if isinstance(facts.last, ev.Failed) else ""),
        left_out=facts.left_out,
        voice=share_of(facts.voice),
        passages=facts.voice.passages if facts.voice else 0,
    )


def length_of(folder: Path) -> tuple[int, float]:
    """How many steps a run was last going to have, and how many an epoch has; 0 where it has not begun.

    Raises UnreadableFile.
    """
    facts = run_facts(folder)
    return facts.total_steps, facts.per_epoch


def _state(folder: Path, last: ev.Event | None, ours: bool) -> str:
    if not ours and files.is_locked(folder / LOCK):
        return "learning"
    if isinstance(last, ev.Finished):
        return "stopped" if last.stopped_by == "stopped" else "finished"
    return "failed" if isinstance(last, ev.Failed) else "interrupted"


def list_runs() -> tuple[RunSummary, ...]:
    """Every run, newest first. Raises RunError where the folder of all runs cannot be read."""
    found = []
    for name in run_names():
        with contextlib.suppress(RunError):  # taken away meanwhile
            found.append(summary_of(name))
    return tuple(found)
