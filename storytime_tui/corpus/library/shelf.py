"""The library: the collections that ship with the program and those that the user added."""

import contextlib
import difflib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from storytime_tui import log, paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.library.cards import read_card
from storytime_tui.corpus.library.folders import collection_title, read_file_as_collection, read_folder
from storytime_tui.corpus.names import NAMELESS, collection_name, slug
from storytime_tui.errors import CorpusError, StorytimeError
from storytime_tui.reporting import Progress
from storytime_tui.terminal import printable_line, printable_path

_LITTER = ("desktop.ini", "thumbs.db", "icon\r")  # what file managers leave in a folder


def load_shelf() -> tuple[Collection, ...]:
    """Every readable collection: the bundled ones, then the user's, each sorted by title."""
    return load_shelf_with_problems()[0]


def load_shelf_with_problems() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """Every readable collection, and a sentence for each thing that cannot be read."""
    shelf: list[Collection] = []
    problems: list[str] = []
    for root, bundled in roots():
        part: list[Collection] = []
        for folder in collection_folders(root, problems):
            try:
                collection, left_out = _read_at_rest(folder, bundled=bundled)
            except Exception as error:  # one bad folder must not hide the others
                if _exists(folder):  # it may have been removed while we read it
                    problems.append(_why(error, folder))
                continue
            if not _exists(folder):
                continue
            problems += left_out
            if any(collection.name == other.name for other in [*shelf, *part]):
                shown = printable_path(folder)
                problems.append(
                    f"{shown} is a second collection called {collection.name}: rename the folder."
                )
                continue
            part.append(collection)
        shelf += sorted(part, key=lambda collection: (collection.title.casefold(), collection.name))
    return tuple(shelf), tuple(problems)


def _read_at_rest(folder: Path, *, bundled: bool) -> tuple[Collection, tuple[str, ...]]:
    """What `read_folder` gives, read again if the folder was moved meanwhile: removed, say, and brought back."""
    while True:
        before = _moved_at(folder)
        try:
            return read_folder(folder, bundled=bundled)
        except Exception:
            if _moved_at(folder) in (before, None):
                raise


def _moved_at(folder: Path) -> int | None:
    """When the folder was last renamed or changed; None if it is not there."""
    try:
        return folder.stat().st_ctime_ns
    except OSError:
        return None


def _why(error: Exception, folder: Path) -> str:
    if isinstance(error, StorytimeError):
        return str(error)
    shown = printable_path(folder)
    log.keep(error, "reading a collection's folder")
    return f"{shown} cannot be read ({type(error).__name__}). {log.place_in_words()}"


def find_collection(name_or_path: str, on_progress: Progress | None = None) -> Collection:
    """The collection with this name or title; or the texts in a folder, file or archive at this path.

    A name wins over a title; case is ignored in both. A folder's texts may be in subfolders. `on_progress` gets the
    bytes read and their total, for texts that are not in the cache; an exception from it ends the work. Raises
    CorpusError (with similar names) if there is no such collection, if several have the title, and if any file of it
    cannot be read: training must not silently use less than was chosen.
    """
    if not name_or_path.strip():
        raise CorpusError("The name of a collection is empty: see `storytime-tui corpus list`.")
    path = Path(os.path.expanduser(name_or_path))
    looks_like_path = path.is_absolute() or len(path.parts) > 1 or name_or_path.startswith(".")
    names: list[str] = []
    if not looks_like_path:
        name = slug(name_or_path)
        for root, bundled in roots():
            for folder in collection_folders(root, []):
                if collection_name(folder) == name:
                    return _whole(read_folder(folder, bundled=bundled, on_progress=on_progress))
                names.append(collection_name(folder))
    titled = _folders_titled(name_or_path)
    if len(titled) > 1:
        raise CorpusError(
            f"{len(titled)} collections are called “{printable_line(name_or_path)}”: use the name of one of them, "
            f"{' or '.join(collection_name(folder) for folder, _ in titled)}."
        )
    if titled:
        folder, bundled = titled[0]
        return _whole(read_folder(folder, bundled=bundled, on_progress=on_progress))
    if _exists(path):
        found = read_folder(path, on_progress=on_progress) if path.is_dir() else read_file_as_collection(path)
        return _whole(found)
    if looks_like_path:
        raise CorpusError(f"There is nothing at {printable_path(path)}: check the path.")
    near = difflib.get_close_matches(slug(name_or_path), names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `storytime-tui corpus list`."
    raise CorpusError(f"There is no collection called {printable_line(name_or_path)!r}. {hint}")


def names_titled(title: str) -> list[str]:
    """The names of the collections with this title; case is ignored."""
    return [collection_name(folder) for folder, _ in _folders_titled(title)]


def _folders_titled(title: str) -> list[tuple[Path, bool]]:
    title = printable_line(title).casefold()
    found = []
    for root, bundled in roots():
        for folder in collection_folders(root, []):
            with contextlib.suppress(CorpusError):  # an unreadable card has no title
                if collection_title(folder, read_card(folder)).casefold() == title:
                    found.append((folder, bundled))
    return found


def _whole(loaded: tuple[Collection, Sequence[str]]) -> Collection:
    collection, problems = loaded
    if problems:
        raise CorpusError(problems[0])
    return collection


def taken_names() -> set[str]:
    """The names of all collections, including unreadable ones."""
    return {collection_name(folder) for root, _ in roots() for folder in collection_folders(root, [])}


def free_name(default: str) -> str:
    """`default`, with a number added if needed, so that a new collection may have the name (see `is_free`)."""
    taken = taken_names()
    name, number = default, 1
    while not is_free(name, taken):
        number += 1
        name = f"{default}-{number}"
    return name


def is_free(name: str, taken: set[str] | None = None) -> bool:
    """Whether a new collection may have this name: no collection has it, and no file or folder either.

    `taken`: the names of all collections, if already known.
    """
    if os.path.lexists(paths.collections_folder() / name):
        return False
    return (slug(name) or NAMELESS) not in (taken_names() if taken is None else taken)


def roots() -> tuple[tuple[Path, bool], ...]:
    """The folders that hold collections, and whether these are bundled."""
    return (paths.bundled_collections_folder(), True), (paths.collections_folder(), False)


def collection_folders(root: Path, problems: list[str]) -> list[Path]:
    """The folders of collections, sorted; for anything else a sentence is added to `problems`.

    Hidden entries are skipped: unfinished imports, the bin, the lock.
    """
    try:
        places = sorted(place for place in root.iterdir() if not place.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"The folder {printable_path(root)} cannot be read: {error.strerror or error}.")
        return []
    folders = []
    for place in places:
        try:
            if stat.S_ISDIR(place.stat().st_mode):
                folders.append(place)
            elif place.name.casefold() not in _LITTER:
                problems.append(
                    f"{printable_path(place)} is not a folder, so not a collection: "
                    "`storytime-tui corpus add` adds a text to the library."
                )
        except FileNotFoundError:
            if place.is_symlink():  # otherwise it was removed meanwhile
                problems.append(f"{printable_path(place)} is a broken link: remove or repair it.")
        except OSError as error:
            problems.append(f"{printable_path(place)} cannot be read: {error.strerror or error}.")
    return folders


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # the name is too long or contains a NUL
        return False
