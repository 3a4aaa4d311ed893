"""Bringing a backup back into a home, empty or not: what is here stays as it is.

First everything that is needed is unpacked beside the home's folders and checked; then each collection and each run
is renamed into place. A kill leaves the home as it was, or with some of them already here; restoring again goes on.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, paths, small_files
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.errors import PlanError, StorytimeError
from storytime_tui.formatting import count, size
from storytime_tui.jobs.housekeeping.archive import Backup, Entry, backup_opened
from storytime_tui.jobs.housekeeping.backup import files_of_run, folder_files
from storytime_tui.reporting import Report
from storytime_tui.stories import keeping
from storytime_tui.terminal import printable_line, printable_path
from storytime_tui.training import runs
from storytime_tui.training.plan import read_plan

_SPARE = 50_000_000  # bytes of disk to leave free
_ASIDE = "-restored"  # behind a name that something else has here
_CHUNK = 1_000_000
_STAGING = "restore"


@dataclass(frozen=True)
class RestoredBackup:
    """What was brought back, what was here already, and a sentence for each thing that is under another name."""

    stories: int
    collections: tuple[str, ...]
    runs: tuple[str, ...]
    here: int  # stories, collections and runs
    settings: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Item:
    """A collection or a run that is not here: its files and links by their path in it, and the name it will have."""

    folder: str  # of the backup: "collections" or "runs"
    name: str
    files: dict[str, Entry]
    links: dict[str, str]
    target: str


def restore_backup(file: str, report: Report) -> RestoredBackup:
    """Bring back what the backup holds and is not here. Nothing here is changed or removed.

    A collection or a run whose name something else has here comes back as NAME-restored; stories are added; settings
    that are here stay, and those of the backup lie beside them. `report` counts bytes; what it raises ends the work.
    Raises StorytimeError: nothing is restored of a file that is no whole backup, or of more than there is room for.
    """
    path = paths.expanded(file)
    busy = StorytimeError("Another program restores a backup here: try again when it is done.")
    home = paths.data_folder()
    try:
        with backup_opened(path) as backup, files.locked(home / "restore.lock", busy):
            _sweep(home)
            with files.unfinished_folder(home, _STAGING) as staging:
                return _Restoring(backup, staging, report).run()
    except OSError as error:
        raise StorytimeError(files.explain(error, f"restoring {printable_path(path)}")) from error


def _sweep(home: Path) -> None:
    """Remove what a killed restore has left; the lock says that none is at work."""
    for part in home.glob(f".part-*-{_STAGING}"):
        files.delete(part)


class _Restoring:
    """One restore in progress."""

    def __init__(self, backup: Backup, staging: Path, report: Report) -> None:
        self._backup, self._contents, self._staging = backup, backup.contents, staging
        self._report = report
        self._notes: list[str] = []
        self._here = 0
        self._done = self._total = 0

    def run(self) -> RestoredBackup:
        """Unpack and check everything, then put it in place."""
        items = [*self._missing("collections"), *self._missing("runs")]
        alone = [
            name for name in ("stories.sqlite3", "settings.toml", "desk.json") if name in self._contents.files
        ]
        wanted = [entry for item in items for entry in item.files.values()]
        wanted += [self._contents.files[name] for name in alone]
        self._check_room(wanted)
        for number, item in enumerate(items):
            self._unpack(item, self._staging / str(number))
        for name in alone:
            self._backup.extract(self._contents.files[name], self._staging / name, self._moved)
        small = {
            name: small_files.read_bytes(self._staging / name) for name in alone if name != "stories.sqlite3"
        }
        if "stories.sqlite3" in alone:
            keeping.check_file(self._staging / "stories.sqlite3")
        back: dict[str, list[str]] = {"collections": [], "runs": []}
        for number, item in enumerate(items):
            back[item.folder].append(self._place(item, self._staging / str(number)))
        self._warn_of_other_bases([item for item in items if item.folder == "runs"])
        stories = self._place_stories() if "stories.sqlite3" in alone else 0
        settings = "settings.toml" in small and self._place_settings(small["settings.toml"])
        if "desk.json" in small and not os.path.lexists(paths.desk_file()):
            files.write_atomically(paths.desk_file(), small["desk.json"])
        return RestoredBackup(
            stories, tuple(back["collections"]), tuple(back["runs"]), self._here, settings, tuple(self._notes)
        )

    # -- what is missing ------------------------------------------------------------------------------

    def _missing(self, folder: str) -> Iterator[_Item]:
        root = paths.data_folder() / folder
        taken: set[str] = set()
        for name in self._contents.names(folder):
            found = self._contents.below(f"{folder}/{name}")
            prefix = f"{folder}/{name}/"
            links = {
                path.removeprefix(prefix): target
                for path, target in self._contents.links.items()
                if path.startswith(prefix)
            }
            names = _names_for(name)
            target = next(names)
            while os.path.lexists(root / target) or target in taken:
                if target not in taken and self._is_same(folder, root / target, found, links):
                    break
                target = next(names)
            else:
                taken.add(target)
                yield _Item(folder, name, found, links, target)
                continue
            self._here += 1

    def _is_same(self, folder: str, place: Path, found: dict[str, Entry], links: dict[str, str]) -> bool:
        """Whether a folder here holds what the backup does; the checkpoints of a run may be more."""
        if not place.is_dir():
            return False
        listed = files_of_run(place) if folder == "runs" else folder_files(place)
        here = {each.relative_to(place).as_posix() for each in listed}
        if here - found.keys() and not all(path.startswith("checkpoints/") for path in here - found.keys()):
            return False
        if found.keys() - here or any(_size(place / path) != entry.size for path, entry in found.items()):
            return False
        if any(runs.checkpoint_named(place, link.rpartition("/")[2]) is None for link in links):
            return False
        return all(_sum(place / path) == entry.sha256 for path, entry in found.items())

    def _check_room(self, wanted: list[Entry]) -> None:
        self._total = sum(entry.size for entry in wanted)
        free = shutil.disk_usage(self._staging).free
        if free < self._total + _SPARE:
            raise StorytimeError(
                f"The backup needs {size(self._total)}, but only {size(free)} is free in "
                f"{printable_path(paths.data_folder())}: make room, for example with `storytime-tui disk`. Nothing was "
                "restored."
            )

    # -- unpacking ------------------------------------------------------------------------------------

    def _unpack(self, item: _Item, to: Path) -> None:
        for path, entry in item.files.items():
            place = to.joinpath(*path.split("/"))
            try:
                files.make_folder(place.parent)
                self._backup.extract(entry, place, self._moved)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise StorytimeError(
                    f"The backup cannot be used: {printable_line(entry.path)} is a file and a folder in it. Nothing "
                    "was restored."
                ) from error
        for link, target in item.links.items():
            if (to / link).parent.joinpath(target).is_dir():
                files.point_link(to / link, target)
        files.sync_all(to)

    def _moved(self, count: int) -> None:
        self._done += count
        self._report("reading", min(self._done, self._total), self._total)

    # -- putting in place -----------------------------------------------------------------------------

    def _place(self, item: _Item, unpacked: Path) -> str:
        root = paths.data_folder() / item.folder
        files.make_folder(root)
        with shelf_locked() if item.folder == "collections" else contextlib.nullcontext():
            target = item.target
            names = _names_for(item.name)
            while os.path.lexists(root / target):  # another program was quicker
                target = next(names)
            os.rename(unpacked, root / target)
            files.sync_folder(root)
        if target != item.name:
            what = "run" if item.folder == "runs" else "collection"
            self._notes.append(
                f"Another {what} is called {printable_line(item.name)} here and stays; that of the backup is "
                f"{printable_line(target)} now."
            )
        return target

    def _warn_of_other_bases(self, items: list[_Item]) -> None:
        """Say which LoRA runs came back whose base is under another name now: an adapter fits its own base only."""
        renamed = {item.name for item in items if item.target != item.name}
        for item in items:
            with contextlib.suppress(PlanError):
                plan = read_plan(paths.runs_folder() / item.target / runs.PLAN)
                base = plan.base.partition("/")[0]
                if plan.lora_rank and base in renamed:
                    self._notes.append(
                        f"{printable_line(item.target)} was trained by LoRA on the backup's {printable_line(base)}, "
                        "and another run has that name here. To tell with it, restore the backup into an empty home: "
                        "STORYTIME_HOME=FOLDER storytime-tui backup restore FILE."
                    )

    def _place_stories(self) -> int:
        """Returns how many stories came back."""
        file, target = self._staging / "stories.sqlite3", paths.stories_file()
        if keeping.place_file(file, target):
            return keeping.count_stories(target)
        merged = keeping.merge_file(file, target)
        self._here += merged.here
        if merged.beside:
            self._notes.append(
                f"{count(merged.beside, 'story', 'stories')} had the title of another story here: their titles end in "
                f"“{keeping.FROM_BACKUP.strip()}”."
            )
        return merged.added

    def _place_settings(self, data: bytes) -> bool:
        """Returns whether they are the backup's now."""
        target = paths.settings_file()
        try:
            if small_files.read_bytes(target) == data:
                return True
        except FileNotFoundError:
            files.write_atomically(target, data)
            return True
        except small_files.UnreadableFile:
            pass
        beside, number = target.with_name(f"{target.name}.restored"), 1
        while os.path.lexists(beside) and not _holds(beside, data):  # of an earlier restore
            number += 1
            beside = target.with_name(f"{target.name}.restored-{number}")
        files.write_atomically(beside, data)
        self._notes.append(f"Your settings stay; those of the backup are in {printable_path(beside)}.")
        return False


def _names_for(name: str) -> Iterator[str]:
    """The name, and what it may be called if something else has it."""
    yield name
    short = name[:60]
    yield short + _ASIDE
    number = 2
    while True:
        yield f"{short}{_ASIDE}-{number}"
        number += 1


def _holds(file: Path, data: bytes) -> bool:
    try:
        return small_files.read_bytes(file) == data
    except (FileNotFoundError, small_files.UnreadableFile):
        return False


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return -1


def _sum(file: Path) -> str:
    digest = hashlib.sha256()
    with small_files.open_regular(file) as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def in_words(restored: RestoredBackup) -> str:
    """One sentence on what came back."""
    came = [
        count(restored.stories, "story", "stories"),
        count(len(restored.collections), "collection"),
        count(len(restored.runs), "run"),
    ]
    here = f" {count(restored.here, 'thing was', 'things were')} here already." if restored.here else ""
    return f"Restored {came[0]}, {came[1]} and {came[2]}.{here}"
