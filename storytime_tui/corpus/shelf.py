"""Collections on disk: those that ship with the program, and those that the user has added."""

import difflib
import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from storytime_tui import files, paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.folders import (
    CARD,
    collection_name,
    folder_name,
    read_card,
    read_file_as_collection,
    read_folder,
    slug,
    story_from,
    text_files,
    title_from_name,
)
from storytime_tui.corpus.readers import read_text
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_line, printable_path


@dataclass(frozen=True)
class AddedCollection:
    """A collection that was just imported, and one sentence for each file of a folder that was left out."""

    collection: Collection
    problems: tuple[str, ...]


# -- finding ----------------------------------------------------------------------------------------------


def load_shelf() -> tuple[Collection, ...]:
    """Every collection that can be read: the bundled ones, then the imported ones, each by title."""
    return load_shelf_with_problems()[0]


def load_shelf_with_problems() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """Every collection that can be read, and one sentence for each thing that cannot."""
    shelf: list[Collection] = []
    problems: list[str] = []
    for root, bundled in _roots():
        part: list[Collection] = []
        for folder in _folders(root, problems):
            try:
                collection, left_out = read_folder(folder, bundled=bundled)
            except CorpusError as error:
                problems.append(str(error))
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


def find_collection(name_or_path: str) -> Collection:
    """The collection of that name, or the texts in that folder, or that one `.txt` file.

    A folder may hold its texts directly, in `raw_text`, or in the `raw_text` of the folders in it.
    Raises CorpusError, with the nearest names, where there is no such thing, and for any file of it that
    cannot be read: what is learned from must be what was meant.
    """
    path = Path(os.path.expanduser(name_or_path))
    looks_like_path = path.is_absolute() or len(path.parts) > 1 or name_or_path in (".", "..")
    names: list[str] = []
    if not looks_like_path:
        wanted = slug(name_or_path)
        for root, bundled in _roots():
            for folder in _folders(root, []):
                if collection_name(folder) == wanted:
                    return _whole(read_folder(folder, bundled=bundled))
                names.append(collection_name(folder))
    if _exists(path):
        return _whole(read_folder(path) if path.is_dir() else (read_file_as_collection(path), ()))
    if looks_like_path:
        raise CorpusError(f"There is nothing at {printable_path(path)}: check the path.")
    near = difflib.get_close_matches(slug(name_or_path), names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `storytime-tui corpus list`."
    raise CorpusError(f"There is no collection called {printable_line(name_or_path)!r}. {hint}")


def _whole(loaded: tuple[Collection, Sequence[str]]) -> Collection:
    collection, problems = loaded
    if problems:
        raise CorpusError(problems[0])
    return collection


def _roots() -> tuple[tuple[Path, bool], ...]:
    """Where collections are kept, and whether they are bundled there."""
    return (paths.bundled_collections_folder(), True), (paths.collections_folder(), False)


def _folders(root: Path, problems: list[str]) -> list[Path]:
    """The collections' folders; hidden ones are unfinished imports."""
    try:
        return sorted(f for f in root.iterdir() if not f.name.startswith(".") and f.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"The folder {printable_path(root)} cannot be read: {error.strerror or error}.")
        return []


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or has a NUL in it
        return False


# -- adding -----------------------------------------------------------------------------------------------


def add_collection(sources: Sequence[Path], name: str | None = None) -> AddedCollection:
    """Copy texts from files and folders into a new collection: all of it, or nothing.

    Without a `name`, it is called after the one source, or the folder that all sources are in. A file of a
    folder that cannot be read is left out and told in `problems`; a file given by its own name must be
    readable. The copies are UTF-8, uncleaned, so that better cleaning can be had later. Raises CorpusError.
    """
    sources = [Path(os.path.abspath(os.path.expanduser(source))) for source in sources]
    if not sources:
        raise CorpusError("Nothing was named to add: give a .txt file or a folder of them.")
    new_name = slug(name if name is not None else _common_name(sources))
    if not new_name:
        raise CorpusError("A collection's name needs a letter from a to z or a digit: give one with --name.")
    texts, problems = _gather(sources)
    card = _card_for(sources, name)
    target = paths.collections_folder() / new_name
    taken = f"There is already a collection called {new_name}: give another name with --name."
    if new_name in {collection_name(folder) for root, _ in _roots() for folder in _folders(root, [])}:
        raise CorpusError(taken)
    try:
        with files.folder_written_atomically(target) as part:
            for file_name, text in texts.items():
                (part / file_name).write_bytes(text.encode())
            (part / CARD).write_bytes(tomli_w.dumps(card).encode())
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another program was quicker
            raise CorpusError(taken) from error
        raise CorpusError(files.explain(error, f"adding the collection {new_name}")) from error
    collection, _ = read_folder(target)
    return AddedCollection(collection, tuple(problems))


def _common_name(sources: Sequence[Path]) -> str:
    if len(sources) == 1:
        return sources[0].stem if sources[0].is_file() else folder_name(sources[0])
    if len({source.parent for source in sources}) > 1:
        raise CorpusError("The sources come from several folders: name the new collection with --name.")
    return sources[0].parent.name


def _gather(sources: Sequence[Path]) -> tuple[dict[str, str], list[str]]:
    """Every readable text under the file name that it will get, and a sentence for each unreadable one."""
    texts: dict[str, str] = {}
    problems: list[str] = []
    for source in sources:
        if not source.is_dir():
            texts[_free_file_name(source.name, texts)] = _checked_text(source)
            continue
        before = len(texts)
        for path in text_files(source):
            try:
                texts[_free_file_name(path.name, texts)] = _checked_text(path)
            except CorpusError as error:
                problems.append(str(error))
        if len(texts) == before:
            shown = printable_path(source)
            raise CorpusError(f"No text in the folder {shown} can be read; the last one: {problems[-1]}")
    return texts, problems


def _checked_text(path: Path) -> str:
    """A file's text as read, when there is a story in it. Raises CorpusError."""
    text = read_text(path)
    story_from(text, path)
    return text


def _free_file_name(name: str, taken: Iterable[str]) -> str:
    """A safe file name like `name`, which nothing in `taken` has, also where capitals do not count."""
    stem = re.sub(r'[\\/:*?"<>|]', "-", printable_line(Path(name).stem))
    stem = os.fsencode(stem)[:200].decode(errors="ignore").strip(". ") or "story"
    lower = {other.casefold() for other in taken}
    candidate, number = f"{stem}.txt", 1
    while candidate.casefold() in lower:
        number += 1
        candidate = f"{stem} ({number}).txt"
    return candidate


def _card_for(sources: Sequence[Path], name: str | None) -> dict[str, str]:
    """What the new collection's card says: its one source folder's card, if any, and where it is from."""
    card = read_card(sources[0] / CARD) if len(sources) == 1 and sources[0].is_dir() else {}
    title = printable_line(name) if name and slug(name) != name else card.get("title", "")
    card["title"] = title or title_from_name(name or _common_name(sources))
    named = [printable_path(source) for source in sources[:3]]
    card.setdefault("source", ", ".join([*named, "..."] if len(sources) > 3 else named))
    return card
