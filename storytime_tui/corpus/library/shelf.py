"""Collections on disk: those that ship with the program, and those that the user has added."""

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
    """Every collection that can be read: the bundled ones, then the imported ones, each by title."""
    return load_shelf_with_problems()[0]


def load_shelf_with_problems() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """Every collection that can be read, and one sentence for each thing that cannot."""
    shelf: list[Collection] = []
    problems: list[str] = []
    for root, bundled in roots():
        part: list[Collection] = []
        for folder in collection_folders(root, problems):
            try:
                collection, left_out = read_folder(folder, bundled=bundled)
            except Exception as error:  # whatever one folder does to us, the others are shown
                if _exists(folder):  # else it was removed while we were reading
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


def _why(error: Exception, folder: Path) -> str:
    if isinstance(error, StorytimeError):
        return str(error)
    shown = printable_path(folder)
    log.keep(error, "reading a collection's folder")
    return f"{shown} cannot be read ({type(error).__name__}). {log.place_in_words()}"


def find_collection(name_or_path: str, on_progress: Progress | None = None) -> Collection:
    """The collection of that name or title, or the texts in that folder, that file or that archive.

    A name goes before a title, and capitals don't count in either. A folder may hold its texts directly or in
    folders of its own. `on_progress` gets bytes read and their total while texts are read that were not read
    before; what it raises ends the work. Raises CorpusError, with the nearest names, where there is no such
    thing, where two have that title, and for any file of it that cannot be read: what is learned from must be
    what was meant.
    """
    if not name_or_path.strip():
        raise CorpusError("An empty name is no collection's: see `storytime-tui corpus list`.")
    path = Path(os.path.expanduser(name_or_path))
    looks_like_path = path.is_absolute() or len(path.parts) > 1 or name_or_path in (".", "..")
    names: list[str] = []
    if not looks_like_path:
        wanted = slug(name_or_path)
        for root, bundled in roots():
            for folder in collection_folders(root, []):
                if collection_name(folder) == wanted:
                    return _whole(read_folder(folder, bundled=bundled, on_progress=on_progress))
                names.append(collection_name(folder))
    titled = _folders_titled(name_or_path)
    if len(titled) > 1:
        raise CorpusError(
            f"{len(titled)} collections are called “{printable_line(name_or_path)}”: use the name of the one that "
            f"is meant, {' or '.join(collection_name(folder) for folder, _ in titled)}."
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
    """The names of the collections that have this title; capitals don't count."""
    return [collection_name(folder) for folder, _ in _folders_titled(title)]


def _folders_titled(title: str) -> list[tuple[Path, bool]]:
    wanted = printable_line(title).casefold()
    found = []
    for root, bundled in roots():
        for folder in collection_folders(root, []):
            with contextlib.suppress(CorpusError):  # a card that cannot be read names nothing
                if collection_title(folder, read_card(folder)).casefold() == wanted:
                    found.append((folder, bundled))
    return found


def _whole(loaded: tuple[Collection, Sequence[str]]) -> Collection:
    collection, problems = loaded
    if problems:
        raise CorpusError(problems[0])
    return collection


def taken_names() -> set[str]:
    """The names that collections have, of those too that cannot be read."""
    return {collection_name(folder) for root, _ in roots() for folder in collection_folders(root, [])}


def free_name(usual: str) -> str:
    """`usual`, or with a number behind it: a name that a new collection may have (see `is_free`)."""
    taken = taken_names()
    name, number = usual, 1
    while not is_free(name, taken):
        number += 1
        name = f"{usual}-{number}"
    return name


def is_free(name: str, taken: set[str] | None = None) -> bool:
    """Whether a new collection may have this name: none has it, and nothing at all lies in its place.

    `taken`: the names that there are, where they are known.
    """
    if os.path.lexists(paths.collections_folder() / name):
        return False
    return (slug(name) or NAMELESS) not in (taken_names() if taken is None else taken)


def roots() -> tuple[tuple[Path, bool], ...]:
    """Where collections are kept, and whether they are bundled there."""
    return (paths.bundled_collections_folder(), True), (paths.collections_folder(), False)


def collection_folders(root: Path, problems: list[str]) -> list[Path]:
    """The collections' folders, in order; to `problems`, a sentence for each thing there that cannot be one.

    What is hidden is not looked at: unfinished imports, the bin, the lock.
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
                    f"{printable_path(place)} is no folder, so no collection: "
                    "`storytime-tui corpus add` puts a text on the shelf."
                )
        except FileNotFoundError:
            if place.is_symlink():  # else it was removed while we were looking
                problems.append(f"{printable_path(place)} is a link that leads nowhere: remove or mend it.")
        except OSError as error:
            problems.append(f"{printable_path(place)} cannot be read: {error.strerror or error}.")
    return folders


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or has a NUL in it
        return False
