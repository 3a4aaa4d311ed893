"""What takes room on the disk, and clearing one part of it. Loads no torch.

Never cleared: written stories, collections, the last and the best checkpoint of a run, and a run that is open.
"""

import contextlib
import difflib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, paths, trash
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.errors import Misused, RunError, StorytimeError
from storytime_tui.formatting import count, size
from storytime_tui.models import hub_disk
from storytime_tui.training import pruning, runs
from storytime_tui.training.removed import delete_removed

# What our cache keeps, by its folder there: the name on the screen, and what it is. All else there is "other".
_CACHES = {
    "tokens": ("tokens", "cache: stories as tokens"),
    "prepared": ("texts", "cache: cleaned texts"),
    "copied": ("words", "cache: indexes of words"),
    "downloads": ("books", "downloads that broke off"),
    "gguf": ("models", "cache: models of .gguf files"),
}
_OTHER = ("other", "cache: small files")
_AGAIN = "It is made again when it is needed."
_GONE = "What is cleared cannot be brought back."
_SHORT = 60  # seconds; a younger unfinished file may be one that a program writes now


@dataclass(frozen=True)
class Part:
    """One thing that takes room. `what`: its name for `clear`; `can_go`: the bytes that clearing frees.

    `note`: what it is; `after`: a sentence on what clearing means. `of`: the `what` of the part that its bytes are
    counted in, too; "" for one that counts itself.
    """

    what: str
    bytes: int
    can_go: int
    note: str
    after: str = _GONE
    of: str = ""


@dataclass(frozen=True)
class DiskUse:
    """All parts, and the free bytes on the disk of `folder`, which holds the stories and the runs."""

    parts: tuple[Part, ...]
    free: int
    folder: Path

    @property
    def bytes(self) -> int:
        """What all parts take together."""
        return sum(part.bytes for part in self.parts if not part.of)

    @property
    def can_go(self) -> int:
        """What clearing everything that can be cleared would free."""
        return sum(part.can_go for part in self.parts if not part.of)


@dataclass(frozen=True)
class Cleared:
    """The bytes that were freed, and a sentence for each thing that stayed."""

    bytes: int
    stayed: tuple[str, ...] = ()


def disk_use() -> DiskUse:
    """Measure everything. Raises StorytimeError if the folder of all runs cannot be read."""
    home = paths.data_folder()
    existing = next(path for path in (home, *home.parents) if path.exists())
    parts = (*_stories(), *_collections(), *_runs(), *_bin(), *_caches(), *_logs(), *_hub())
    return DiskUse(parts, shutil.disk_usage(existing).free, home)


def check(what: str) -> None:
    """Raise Misused if `what` is no name that `clear` knows, and RunError if its run is not there."""
    head, _, name = what.strip().partition("/")
    if head == "checkpoints" and name:
        runs.run_folder(name)
    elif what.strip() not in (*_SIMPLE, "caches", "checkpoints") and not (head == "hub" and name):
        raise _unknown(what.strip())


def clear(what: str) -> Cleared:
    """Clear the part called `what`, and say how much was freed.

    Raises Misused for a name that stands for nothing that can be cleared, and StorytimeError for what cannot be done.
    """
    what = what.strip()
    if what == "checkpoints" or what.startswith("checkpoints/"):
        return _clear_checkpoints(what.partition("/")[2])
    if what.startswith("hub/"):
        name = what.removeprefix("hub/")
        before = {model.repo_id: model.bytes for model in hub_disk.cached_models()}
        hub_disk.remove_cached(name)
        return Cleared(before.get(name, 0))
    simple = {"bin": _clear_bin, "logs": _clear_logs}
    if what in simple:
        return simple[what]()
    names = {name: folder for folder, (name, _) in _CACHES.items()}
    if what in (*names, "other", "caches"):
        return _clear_caches([*names, "other"] if what == "caches" else [what])
    raise _unknown(what)


def _unknown(what: str) -> Misused:
    if what in ("stories", "collections", "runs"):
        with_what = {"runs": "runs remove", "collections": "corpus remove", "stories": "stories remove"}[what]
        return Misused(f"The {what} are not cleared here: `storytime-tui {with_what}` removes one.")
    clearable = [part.what for part in disk_use().parts if part.can_go or part.what in _SIMPLE]
    near = difflib.get_close_matches(what, clearable, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(clearable)}."
    return Misused(f"There is nothing called {what!r} to clear: {hint}")


_SIMPLE = ("bin", "logs", "tokens", "texts", "words", "books", "models", "other")


# -- measuring ---------------------------------------------------------------------------------------------


def bytes_in(*places: Path) -> int:
    """The bytes of these files, and of all files in these folders; links are not followed."""
    return sum(_size(entry) for place in places for entry in _files_in(place))


def _files_in(place: Path) -> Iterator[Path]:
    if place.is_symlink() or not place.is_dir():
        yield place
        return
    for folder, _, names in os.walk(place):
        for name in names:
            yield Path(folder, name)


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # it went meanwhile
        return 0


def _stories() -> Iterator[Part]:
    file = paths.stories_file()
    beside = [file.with_name(file.name + ending) for ending in ("", "-wal", "-shm")]
    yield Part("stories", bytes_in(*beside), 0, "what you wrote; never cleared", "")


def _collections() -> Iterator[Part]:
    root = paths.collections_folder()
    found = [path for path in _entries(root) if not path.name.startswith(".")]
    yield Part("collections", bytes_in(*found), 0, count(len(found), "collection") + " that you added", "")


def _entries(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder))]
    except OSError:
        return []


def _runs() -> Iterator[Part]:
    names = runs.run_names()
    bases = pruning.runs_used_as_base()
    rows = []
    for name in names:
        folder = paths.runs_folder() / name
        spare = pruning.spare_checkpoints(folder)
        why = _why_all_stay(folder, bases)
        can_go = 0 if why else bytes_in(*spare)
        rows.append(
            Part(f"checkpoints/{name}", bytes_in(folder), can_go, why or _kept(folder), of="checkpoints")
        )
    total, can_go = (sum(getattr(row, field) for row in rows) for field in ("bytes", "can_go"))
    yield Part("checkpoints", total, can_go, count(len(rows), "run"))
    yield from sorted(rows, key=lambda row: -row.bytes)


def _why_all_stay(folder: Path, bases: frozenset[str]) -> str:
    """Why all checkpoints of a run stay; "" if those that nothing needs can go."""
    if runs.is_open(folder):
        return "open now, so all of it stays"
    return "another run was trained from it, so all of it stays" if folder.name in bases else ""


def _kept(folder: Path) -> str:
    steps, spare = runs.checkpoint_steps(folder), {path.name for path in pruning.spare_checkpoints(folder)}
    kept = [f"{step:,}" for step in steps if f"step-{step}" not in spare]
    if not kept:
        return "no checkpoint"
    which = "checkpoint" if len(kept) == 1 else "checkpoints"
    return f"keeps the {which} of step {' and '.join(kept)}" + (
        f"; {len(spare)} more can go" if spare else ""
    )


def _bin() -> Iterator[Part]:
    items = []
    for root in (paths.collections_folder(), paths.runs_folder()):
        with contextlib.suppress(OSError):
            items += trash.items(root)
    taken = bytes_in(*(item.folder for item in items))
    yield Part("bin", taken, taken, f"{len(items)} removed, kept for {trash.KEPT_DAYS} days")


def made_bytes() -> int:
    """The bytes of the texts and tokens that the cache keeps of all collections."""
    return bytes_in(
        *(entry for name in ("prepared", "tokens") for entry in _entries(paths.cache_folder() / name))
    )


def _caches() -> Iterator[Part]:
    for folder, (name, note) in _CACHES.items():
        taken = bytes_in(*_entries(paths.cache_folder() / folder))
        yield Part(name, taken, taken, note, _GONE if name == "books" else _AGAIN)
    taken = bytes_in(*_other_caches())
    yield Part(_OTHER[0], taken, taken, _OTHER[1], _AGAIN)


def _other_caches() -> list[Path]:
    locks = {f"{folder}.lock" for folder in _CACHES}
    return [path for path in _entries(paths.cache_folder()) if path.name not in {*_CACHES, *locks}]


def _logs() -> Iterator[Part]:
    taken = bytes_in(*_log_files())
    yield Part("logs", taken, taken, "what went wrong")


def _log_files() -> list[Path]:
    log = paths.log_file()
    return [path for path in _entries(log.parent) if path.name.startswith(log.stem)]


def _hub() -> Iterator[Part]:
    used: dict[str, list[str]] = {}
    for name in runs.run_names():
        with contextlib.suppress(RunError):
            used.setdefault(runs.summary_of(name).base, []).append(name)
    for model in hub_disk.cached_models():
        needed = used.get(model.repo_id, [])
        note = f"the base of {_named(needed)}" if needed else f"not used for {count(model.idle_days, 'day')}"
        yield Part(
            f"hub/{model.repo_id}",
            model.bytes,
            model.bytes,
            note,
            "It is downloaded again when it is needed.",
        )


def _named(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


# -- clearing ----------------------------------------------------------------------------------------------


def _clear_checkpoints(run: str) -> Cleared:
    """Of one run, or of all runs if `run` is ""."""
    folders = [runs.run_folder(run)] if run else [paths.runs_folder() / name for name in runs.run_names()]
    bases = pruning.runs_used_as_base()
    freed, stayed = 0, []
    for folder in folders:
        spare = pruning.spare_checkpoints(folder)
        if not spare:
            continue
        before = bytes_in(*spare)
        try:
            if why := _why_all_stay(folder, bases):
                raise RunError(
                    f"{folder.name} is {why}." if why.startswith("open") else f"{folder.name}: {why}."
                )
            pruning.remove_spare_checkpoints(folder)
        except RunError as error:
            if run:
                raise
            stayed.append(str(error))
        freed += before - bytes_in(*(path for path in spare if path.exists()))
    return Cleared(freed, tuple(stayed))


def _clear_bin() -> Cleared:
    before = next(_bin()).bytes
    with shelf_locked():
        trash.delete_all(paths.collections_folder())
    delete_removed()
    after = next(_bin()).bytes
    left = ("Some of the bin is in use or cannot be deleted; it stays.",) if after else ()
    return Cleared(before - after, left)


def _clear_caches(names: Iterable[str]) -> Cleared:
    freed, stayed = 0, []
    folders = {name: folder for folder, (name, _) in _CACHES.items()}
    for name in names:
        entries = _entries(paths.cache_folder() / folders[name]) if name in folders else _other_caches()
        for entry in entries:
            before = bytes_in(entry)
            try:
                if not files.is_unfinished(entry, _SHORT):
                    files.delete(entry)
            except OSError as error:
                stayed.append(files.explain(error, f"clearing {name}"))
            freed += before - (bytes_in(entry) if os.path.lexists(entry) else 0)
    return Cleared(freed, tuple(dict.fromkeys(stayed)))


def _clear_logs() -> Cleared:
    before = bytes_in(*_log_files())
    try:
        for path in _log_files():
            if path == paths.log_file():
                os.truncate(path, 0)  # another program may be writing to it
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StorytimeError(files.explain(error, "clearing the log")) from error
    return Cleared(before - bytes_in(*_log_files()))


def in_words(cleared: Cleared) -> str:
    """One sentence on what was freed."""
    return f"Freed {size(cleared.bytes)}." if cleared.bytes else "Nothing was there to clear."
