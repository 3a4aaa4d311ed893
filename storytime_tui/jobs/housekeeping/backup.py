"""Making a backup: stories, collections, runs and settings in one file, also while other programs write them.

Left out: the bin, what can be made again (caches, indexes), logs, and what comes from the Hub.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from storytime_tui import files, paths, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.formatting import size
from storytime_tui.jobs.housekeeping.archive import MEMBERS, BackupWriter, Entry, is_harmless, new_contents
from storytime_tui.reporting import Report
from storytime_tui.stories.keeping import copy_file
from storytime_tui.terminal import printable_path
from storytime_tui.training import runs
from storytime_tui.training.journal_index import INDEX

Kept = Literal["all", "best", "none"]

_SPARE = 50_000_000  # bytes of disk to leave free
_ATTEMPTS = 5  # at a folder that another program changes meanwhile
_NOT_OF_A_RUN = (runs.LOCK, INDEX, "requests", runs.CHECKPOINTS)
_UNFINISHED = ".part-"


@dataclass(frozen=True)
class MadeBackup:
    """A backup: its file and size in bytes, how many of each it holds, and a sentence for each thing left out."""

    path: Path
    bytes: int
    stories: int
    collections: int
    runs: int
    left_out: tuple[str, ...] = ()


def create_backup(to: str, report: Report, checkpoints: Kept = "all") -> MadeBackup:
    """Write a backup to a new file, or into a folder under a name of today, all or nothing.

    `checkpoints`: of each run all, only those that it is told and resumed with, or none. `report` counts bytes; what it
    raises ends the work. Raises StorytimeError, for a full disk too.
    """
    path = _target(to)
    files.sweep_old(path.parent)  # what a killed program has left
    try:
        with (
            files.file_written_atomically(path, replace=False) as part,
            files.unfinished_folder(path.parent, "stories") as aside,
            part.open("w+b") as file,
            contextlib.ExitStack() as stack,
        ):
            writer = BackupWriter(file)
            stack.callback(writer.abandon)
            return _Making(writer, report, checkpoints).fill(path, aside)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise StorytimeError(files.explain(error, f"writing the backup {printable_path(path)}")) from error


def _target(to: str) -> Path:
    path = paths.expanded(to)
    if path.is_dir():
        path /= f"storytime-{datetime.now():%Y-%m-%d-%H%M%S}.zip"
    elif to.rstrip().endswith(("/", os.sep)):
        raise StorytimeError(f"The folder {printable_path(path)} is not there: make it first.")
    elif not path.suffix:
        path = path.with_name(f"{path.name}.zip")
    if os.path.lexists(path):
        raise _exists(path)
    place = Path(os.path.realpath(path))
    if any(
        place.is_relative_to(os.path.realpath(each))
        for each in (paths.collections_folder(), paths.runs_folder())
    ):
        raise StorytimeError(
            f"{printable_path(path)} lies in what is saved: write the backup to another folder."
        )
    return path


def _exists(path: Path) -> StorytimeError:
    return StorytimeError(f"{printable_path(path)} exists already: choose another name, or give a folder.")


class _Making:
    """One backup in progress."""

    def __init__(self, writer: BackupWriter, report: Report, kept: Kept) -> None:
        self._writer, self._report, self._kept = writer, report, kept
        self._files: dict[str, Entry] = {}
        self._links: dict[str, str] = {}
        self._left_out: list[str] = []
        self._done = self._total = 0

    def fill(self, path: Path, aside: Path) -> MadeBackup:
        """Write everything into the archive. Raises StorytimeError and OSError."""
        collections = _folders(paths.collections_folder())
        found_runs = [paths.runs_folder() / name for name in sorted(runs.run_names())]
        self._check_size(path, [*collections, *found_runs])
        stories = 0
        with contextlib.suppress(FileNotFoundError):  # no story was written yet
            stories = copy_file(paths.stories_file(), aside / "stories.sqlite3")
            self._add(aside / "stories.sqlite3", "stories.sqlite3")
        for file in (paths.settings_file(), paths.desk_file()):
            with contextlib.suppress(FileNotFoundError):
                self._add(file, file.name)
        shelves, kept_runs = (sum(map(self._add_whole, each)) for each in (collections, found_runs))
        self._writer.finish(new_contents(self._files, self._links))
        self._report("writing", self._total, self._total)
        size_of = sum(entry.size for entry in self._files.values())
        return MadeBackup(path, size_of, stories, shelves, kept_runs, tuple(self._left_out))

    def _check_size(self, path: Path, folders: list[Path]) -> None:
        """Count the bytes, and raise StorytimeError if there are too many files or too little room."""
        sizes = [_size(paths.stories_file())]
        for folder in folders:
            for file in _files_below(folder):
                sizes.append(_size(file) if self._is_wanted(folder, file) else 0)
        if len(sizes) > MEMBERS - 1000:
            raise StorytimeError(
                f"A backup holds at most {MEMBERS:,} files: remove a collection of many small files."
            )
        self._total = sum(sizes)
        free = shutil.disk_usage(path.parent).free
        if free < self._total + _size(paths.stories_file()) + _SPARE:
            raise StorytimeError(
                f"The backup takes {size(self._total)}, but only {size(free)} is free in "
                f"{printable_path(path.parent)}: make room, write it to another disk, or leave checkpoints out with "
                "--checkpoints best."
            )

    def _is_wanted(self, folder: Path, file: Path) -> bool:
        """Whether a file will be in the backup, as far as its path tells."""
        parts = file.relative_to(folder).parts
        if folder.parent != paths.runs_folder() or parts[0] != runs.CHECKPOINTS:
            return True
        return self._kept == "all" or (self._kept == "best" and parts[1] in _links_of(folder).values())

    def _add_whole(self, folder: Path) -> bool:
        """Add a collection or a run; False, with a sentence, if it is gone or keeps changing. Raises as `fill`."""
        is_run = folder.parent == paths.runs_folder()
        for _ in range(_ATTEMPTS):
            before = dict(self._files), dict(self._links)
            try:
                self._add_run(folder) if is_run else self._add_folder(folder, f"collections/{folder.name}")
                return True
            except FileNotFoundError:  # another program changes it; what was written of it is not listed
                self._files, self._links = before
                if not folder.is_dir():
                    break
        what = "run" if is_run else "collection"
        why = "was changed all the time" if folder.is_dir() else "was removed meanwhile"
        self._left_out.append(f"The {what} {printable_path(folder.name)} {why}: it is not in the backup.")
        return False

    def _add_folder(self, folder: Path, to: str, without: tuple[str, ...] = ()) -> None:
        for file in _files_below(folder, without):
            path = f"{to}/{file.relative_to(folder).as_posix()}"
            if not is_harmless(path):  # its name is too long for some systems
                self._left_out.append(f"{printable_path(file)} has too long a path: it is not in the backup.")
            elif _is_regular(file):
                self._add(file, path)

    def _add_run(self, folder: Path) -> None:
        """Add a run, which another program may be training: first its checkpoints, then its journal."""
        to, copied = f"runs/{folder.name}", set[str]()
        for _ in range(_ATTEMPTS):
            links = _links_of(folder) if self._kept != "none" else {}
            wanted = [f"step-{step}" for step in runs.checkpoint_steps(folder)] if self._kept == "all" else []
            for name in dict.fromkeys([*wanted, *links.values()]):
                if name not in copied and self._add_checkpoint(folder / runs.CHECKPOINTS / name, to):
                    copied.add(name)
            if copied.issuperset(links.values()):
                break
        else:
            raise FileNotFoundError(folder)
        for link, name in links.items():
            self._links[f"{to}/{runs.CHECKPOINTS}/{link}"] = name
        self._add_folder(folder, to, _NOT_OF_A_RUN)

    def _add_checkpoint(self, folder: Path, to: str) -> bool:
        """Add a checkpoint, or nothing of one that is being removed. All its files are open before one is read."""
        with contextlib.ExitStack() as stack:
            try:
                names = _names_in(folder)
                opened = [stack.enter_context(small_files.open_regular(folder / name)) for name in names]
                if _names_in(folder) != names:
                    return False  # it is being removed, and may have lost a file before its names were listed
            except FileNotFoundError:
                return False
            for name, file in zip(names, opened, strict=True):
                path = f"{to}/{runs.CHECKPOINTS}/{folder.name}/{name}"
                self._files[path] = self._writer.add(file, path, self._moved)
        return True

    def _add(self, file: Path, path: str) -> None:
        with small_files.open_regular(file) as source:
            self._files[path] = self._writer.add(source, path, self._moved)

    def _moved(self, count: int) -> None:
        self._done += count
        self._report("writing", min(self._done, self._total), self._total)


def _links_of(folder: Path) -> dict[str, str]:
    """The checkpoints that a run is told and resumed with: `best` and `last`, each with the name of its folder."""
    found = {}
    for link in ("last", "best"):
        for _ in range(_ATTEMPTS):  # a program that trains may replace the link, and remove what it led to
            target = runs.checkpoint_named(folder, link)
            if target is not None or not os.path.islink(folder / runs.CHECKPOINTS / link):
                break
        if target is not None:
            found[link] = target.name
    return found


def _folders(root: Path) -> list[Path]:
    try:
        found = [root / name for name in sorted(os.listdir(root)) if not name.startswith(".")]
    except OSError:
        return []
    return [path for path in found if path.is_dir()]  # links too: the shelf shows them


def _files_below(folder: Path, without: tuple[str, ...] = ()) -> Iterator[Path]:
    """The files in a folder, in order; unfinished ones, those in the bin, and links to folders are left out.

    `without`: names in `folder` itself that are left out.
    """
    for place, folders, names in os.walk(folder):
        skipped: Callable[[str], bool] = lambda name: name.startswith((_UNFINISHED, ".removed"))  # noqa: E731
        out = without if Path(place) == folder else ()
        folders[:] = sorted(name for name in folders if not skipped(name) and name not in out)
        for name in sorted(names):
            if not skipped(name) and name not in out:
                yield Path(place, name)


def folder_files(folder: Path) -> list[Path]:
    """The files of a collection that a backup holds."""
    return [path for path in _files_below(folder) if path.is_file() and not path.is_symlink()]


def files_of_run(folder: Path) -> list[Path]:
    """The files of a run that a backup holds, with all its checkpoints."""
    found = _files_below(folder, tuple(name for name in _NOT_OF_A_RUN if name != runs.CHECKPOINTS))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def _names_in(folder: Path) -> list[str]:
    """The names of the files in a folder, in order. Raises FileNotFoundError."""
    return sorted(path.name for path in folder.iterdir() if _is_regular(path))


def _is_regular(file: Path) -> bool:
    """Whether it is a file, and no link. Raises FileNotFoundError."""
    return stat.S_ISREG(file.lstat().st_mode)


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0
