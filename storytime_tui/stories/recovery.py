"""Sets a damaged stories file aside and begins a new one with all stories and passages that can be read in it."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from storytime_tui import files
from storytime_tui.errors import StoryError, StoryUnavailable
from storytime_tui.formatting import count
from storytime_tui.stories.raw_pages import rows_of, version_in
from storytime_tui.stories.rescue import Identity, companions, file_identity, log_of
from storytime_tui.stories.salvage import Record, Salvage, salvage
from storytime_tui.stories.schema import is_newer, migrate, steps_where
from storytime_tui.stories.trouble import newer

_PATIENCE = 60.0  # seconds to wait for another window that does the same
_SMALLEST = 512  # bytes of a page at least
_ID_BYTES = 8  # a row takes more, so no id is larger than the file's size divided by this


def recover(path: Path, damaged: Identity | None, now: float) -> str:
    """Set the damaged file at `path` aside under another name, and begin a new one with what can be read in it.

    Returns a sentence for the user. If the file at `path` is no longer the damaged one, another window has done it.
    Until the new file is complete and on the disk, the damaged one stays where it is. Raises StoryUnavailable if the
    disk is full or not permitted, or another window takes too long, and StoryError for a file of a newer version.
    """
    busy = StoryUnavailable(f"Another window is recovering the stories of {path}: try again when it is done.")
    lock = path.with_name(path.name + "-recovery")
    with contextlib.ExitStack() as stack:
        # a disk that cannot lock files does not keep the stories from being recovered
        with contextlib.suppress(OSError):
            stack.enter_context(files.locked(lock, busy, patience=_PATIENCE))
            stack.callback(lock.unlink, missing_ok=True)
        try:
            if file_identity(path) == damaged:
                return _recovered(path, now)
        except OSError as error:
            doing = f"recovering the stories of the damaged file {path}"
            raise StoryUnavailable(files.explain(error, doing)) from error
    return f"The stories file {path} was damaged. Another window has recovered what could be read in it."


def _recovered(path: Path, now: float) -> str:
    aside = _half_set_aside(path)
    source = aside or path
    data, log = source.read_bytes(), _bytes_of(log_of(source))
    if is_newer(version_in(data)):
        raise StoryError(newer(path))
    saved = salvage(rows_of(data, log), now, (len(data) + len(log)) // _ID_BYTES)
    with files.unfinished_folder(path.parent, "recovered") as folder:
        new = folder / "stories"
        files.make_private(new)
        _write(saved, new)
        aside = aside or _free_name(path, now)
        _swap(path, new, aside)
    return _sentence(saved, aside)


def is_cut_short(path: Path) -> bool:
    """Whether SQLite would take the file for an empty one and write over what is there, in it or in its log."""
    try:
        size = path.stat().st_size
        return size < _SMALLEST and (size > 0 or log_of(path).stat().st_size > 0)
    except OSError:
        return False


def was_set_aside(path: Path, identity: Identity) -> bool:
    """Whether the file of this identity, which was at `path`, was set aside as damaged."""
    return any(file_identity(each) == identity for each in _aside(path))


# -- the files -------------------------------------------------------------------------------------------


def _aside(path: Path) -> list[Path]:
    return [
        each
        for each in path.parent.glob(f"{path.stem}-damaged-*{path.suffix}")
        if each.is_file() and not each.is_symlink()
    ]


def _half_set_aside(path: Path) -> Path | None:
    """The other name of the file at `path`, if a crash came between its two moves."""
    identity = file_identity(path)
    return next((each for each in _aside(path) if file_identity(each) == identity), None)


def _free_name(path: Path, now: float) -> Path:
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    names: Iterable[str] = (
        f"{path.stem}-damaged-{day}{end}" for end in ("", *(f"-{n}" for n in range(2, 1000)))
    )
    free = (each for name in names if not os.path.lexists(each := path.with_name(name + path.suffix)))
    return next(free)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _swap(path: Path, new: Path, aside: Path) -> None:
    """Give the damaged file the name `aside`, with its log, and the new one the name `path`."""
    beside = [
        (each, aside.with_name(aside.name + each.name.removeprefix(path.name))) for each in companions(path)
    ]
    try:
        for one, other in [(path, aside), *beside]:
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(one, other)
    except OSError:  # the disk has no hard links: for a moment there is no file of this name
        for one, other in [*beside, (path, aside)]:
            with contextlib.suppress(FileNotFoundError):
                os.replace(one, other)
    for one, _ in beside:  # SQLite would apply the damaged file's log to the new one
        one.unlink(missing_ok=True)
    os.replace(new, path)
    aside.with_name(aside.name + "-shm").unlink(
        missing_ok=True
    )  # an index of the log, made again when needed
    files.sync_folder(path.parent)


# -- the new file ----------------------------------------------------------------------------------------


def _write(saved: Salvage, new: Path) -> None:
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        db.execute("PRAGMA defer_foreign_keys = ON")  # a parent may come after its child
        migrate(db)
        for table, records in (
            ("story", saved.stories.values()),
            ("passage", saved.passages.values()),
            ("draft", saved.drafts),
            ("step", [step for steps in saved.steps.values() for step in steps]),
        ):
            for record in records:
                _insert(db, table, record)
        for story in saved.stories.keys() - saved.steps.keys():
            for statement in steps_where("id = ?"):
                db.execute(statement, (story,))
        db.execute("COMMIT")


def _insert(db: sqlite3.Connection, table: str, record: Record) -> None:
    places = ", ".join("?" * len(record))
    db.execute(f"INSERT INTO {table} ({', '.join(record)}) VALUES ({places})", tuple(record.values()))


# -- what happened ---------------------------------------------------------------------------------------


def _sentence(saved: Salvage, aside: Path) -> str:
    if not saved.stories:
        read = "Nothing in it could be read, so an empty one was begun."
    else:
        stories = count(len(saved.stories), "story", "stories")
        passages = count(len(saved.passages), "passage")
        read = f"Recovered into a new one: {stories} with {passages}."
    return " ".join(
        filter(
            None,
            ("The stories file was damaged.", read, _missing(saved), f"The damaged file is kept: {aside}"),
        )
    )


def _missing(saved: Salvage) -> str:
    """What could not be read, as far as it left a gap."""
    missing = [
        count(saved.lost_passages, "passage") if saved.lost_passages else "",
        f"a part of {count(saved.cut_passages, 'passage')}" if saved.cut_passages else "",
        f"the title of {count(saved.lost_stories, 'story', 'stories')}" if saved.lost_stories else "",
    ]
    said = [each for each in missing if each]
    if not said:
        return "No gap was found in it." if saved.stories else ""
    return f"Could not be read: {', '.join(said)}."
