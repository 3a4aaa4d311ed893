"""The shelf for the command line and the app: reading, adding, changing. Loads no torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from storytime_tui import files, paths, trash
from storytime_tui.corpus import duplicates
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.lazy import joined, mapped
from storytime_tui.corpus.library import changes, importing
from storytime_tui.corpus.library import shelf as _shelf
from storytime_tui.corpus.library.cards import Card
from storytime_tui.corpus.library.changes import Removed as Removed
from storytime_tui.corpus.library.changes import Restored as Restored
from storytime_tui.corpus.library.importing import AddedCollection as AddedCollection
from storytime_tui.corpus.library.left_out import document_of
from storytime_tui.corpus.library.leftovers import remove_leftovers
from storytime_tui.corpus.names import NAMELESS, slug
from storytime_tui.errors import CorpusError
from storytime_tui.jobs.progress import Stopped
from storytime_tui.reporting import Report
from storytime_tui.settings import load_settings
from storytime_tui.terminal import printable_line, printable_path

Key = tuple[str, int]  # (name of a collection, index of a story in it)

__all__ = ["AddedCollection", "Removed", "Restored"]  # re-exported types


# -- reading ----------------------------------------------------------------------------------------------


def shelf() -> tuple[Collection, ...]:
    """Every collection that can be read: the bundled ones, then the imported ones, both sorted by title."""
    return _shelf.load_shelf()


def shelf_with_problems() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """The shelf, and one sentence for each collection or text that cannot be read."""
    return _shelf.load_shelf_with_problems()


def opened() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """The shelf with its problems, after removing the leftovers of interrupted imports.

    The sentences name files by their path within the shelf.
    """
    folder = paths.collections_folder()
    remove_leftovers(folder)
    _sweep_old_parts()
    collections, problems = shelf_with_problems()
    return collections, tuple(
        problem.replace(f"{printable_path(folder)}{os.sep}", "") for problem in problems
    )


def _sweep_old_parts() -> None:
    """Remove the unfinished files of killed programs from the folders of data, settings, collections and runs."""
    for place in (paths.data_folder(), paths.settings_file().parent):
        files.sweep_old(place)
    for shelf_or_runs in (paths.collections_folder(), paths.runs_folder()):
        with suppress(OSError):
            for folder in shelf_or_runs.iterdir():
                files.sweep_old(folder)
                files.sweep_old(folder / "checkpoints")


def formats_in_words() -> str:
    """The formats that can be added: ".txt, .md, ... or .zip"."""
    from storytime_tui.corpus.formats.registry import ARCHIVES, suffixes_in_words

    return suffixes_in_words(*ARCHIVES)


def find(name: str) -> Collection:
    """The collection of that name or title, or the texts at that path. Raises CorpusError with similar names."""
    return _shelf.find_collection(name)


def original_text(collection: Collection, index: int) -> str:
    """A story's lines in its file, before cleaning. Raises CorpusError if the file is gone."""
    story = collection.stories[index]
    first, last = story.lines
    lines = document_of(collection, story.file).text.split("\n")
    if first >= len(lines):
        return story.text  # put back from a part that the file's reader had left out
    return "\n".join(lines[first:last] if last > first else lines)


@dataclass(frozen=True)
class Copy:
    """A story is a copy of the story `of`. `share`: 1.0 for identical words, less for a near copy."""

    of: Key
    share: float


def copies(collections: Sequence[Collection]) -> dict[Key, Copy]:
    """The stories that are copies of an earlier one on the shelf; training uses each text once."""
    keys = joined([[(c.name, i) for i in range(len(c.stories))] for c in collections])
    stories = joined([collection.stories for collection in collections])
    found = duplicates.find_copies(mapped(stories, lambda story: story.facts))
    return {keys[copy.story]: Copy(keys[copy.of], copy.share) for copy in found}


def source_shown(source: str) -> str:
    """The path, or the address without its password and query."""
    from storytime_tui.corpus.web.polite import is_address
    from storytime_tui.corpus.web.redacted import shown

    return shown(source) if is_address(source) else printable_path(source)


# -- adding -----------------------------------------------------------------------------------------------


def add(
    sources: Sequence[str | Path],
    name: str | None = None,
    *,
    report: Report | None = None,
    stop: threading.Event | None = None,
    plain: bool | None = None,
    column: str = "",
) -> AddedCollection:
    """Import texts from files, folders, archives and addresses as a new collection.

    With `plain` False, quotes and dashes stay as written; None is as the settings say. `column`: the column that
    holds the texts of data sets. Raises CorpusError, or Stopped after `stop` is set; then nothing was imported.
    """
    given = Card(punctuation=_punctuation(plain), column=column)
    card = None if given == Card() else given
    with _stoppable(report, stop) as stoppable:
        return importing.add_collection(sources, name, card=card, report=stoppable, stop=stop)


def _punctuation(plain: bool | None = None) -> str:
    """What a card says of quotes and dashes."""
    if plain is None:
        plain = load_settings().settings.quotes == "plain"
    return "plain" if plain else "as written"


def add_book(
    path: Path,
    *,
    title: str,
    author: str,
    source: str,
    licence: str,
    report: Report | None = None,
    stop: threading.Event | None = None,
) -> AddedCollection:
    """Import one fetched book with its metadata. Raises as `add` does."""
    card = Card(title=title, author=author, source=source, licence=licence, punctuation=_punctuation())
    with _stoppable(report, stop) as stoppable:
        return importing.add_collection([path], card=card, report=stoppable, stop=stop)


def add_text(text: str, title: str) -> AddedCollection:
    """Import a pasted text as a collection of its own. Raises CorpusError."""
    import tempfile

    from storytime_tui.corpus.names import safe_file_name

    with tempfile.TemporaryDirectory(prefix="storytime-") as folder:
        path = Path(folder) / safe_file_name(f"{title}.txt", set())
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
        return importing.add_collection(
            [path], card=Card(title=title, source="pasted", punctuation=_punctuation())
        )


@contextmanager
def _stoppable(report: Report | None, stop: threading.Event | None) -> Iterator[Report]:
    """A report that raises `Stopped` once `stop` is set. A CorpusError after that becomes `Stopped` too."""

    def stoppable(words: str, done: int, total: int) -> None:
        if stop is not None and stop.is_set():
            raise Stopped("nothing was imported.")
        if report is not None:
            report(words, done, total)

    try:
        yield stoppable
    except CorpusError:
        if stop is not None and stop.is_set():
            raise Stopped("nothing was imported.") from None
        raise


# -- changing ---------------------------------------------------------------------------------------------


def rename(collection: Collection, index: int | None, title: str) -> str:
    """Rename a collection, or one of its stories. Raises CorpusError.

    Returns a sentence if the title is already in use, else "".
    """
    return changes.rename(collection, index, title)


def remove(collection: Collection, index: int | None = None) -> Removed:
    """Remove a collection, or one of its stories, from the shelf; `undo` restores it. Raises CorpusError.

    What the cache keeps of it stays: a run may be learning from it.
    """
    return changes.remove(collection, index)


def remove_unreadable(name: str) -> Removed | None:
    """Remove a collection that cannot be read; None if there is no folder of that name. Raises CorpusError."""
    return changes.remove_unreadable(name)


def undo(removed: Removed, name: str | None = None) -> Restored:
    """Restore a removed collection (as `name`, if given) or story. Raises CorpusError."""
    return changes.undo(removed, name)


def removed(collections: Sequence[Collection] | None = None) -> tuple[Removed, ...]:
    """Everything that can be restored: collections, the last removed first, then stories of the shelf's collections."""
    shelf = _shelf.load_shelf() if collections is None else collections
    stories: list[Removed] = []
    for collection in shelf:
        with suppress(CorpusError):  # the collection was removed meanwhile
            stories += changes.stories_removed_from(collection)
    return (*changes.removed_collections(), *stories)


def restore(name: str, *, story: str | None = None, new_name: str | None = None) -> Restored:
    """Restore the last removed collection of that name or title, or a `story` of a collection on the shelf.

    `new_name`: the restored collection's new name. Raises CorpusError.
    """
    key = name.strip().casefold()
    if story is not None:
        collection = _shelf.find_collection(name)
        title = story.strip().casefold()
        for each in changes.stories_removed_from(collection):
            if each.title.casefold() == title:
                return changes.undo(each)
        raise CorpusError(
            f"No story called “{printable_line(story)}” was removed from {collection.name}: "
            "`storytime-tui corpus restore` lists what can be restored."
        )
    for each in changes.removed_collections():
        if key in (each.name.casefold(), slug(each.name) or NAMELESS, each.title.casefold()):
            return changes.undo(each, new_name)
    raise CorpusError(
        f"No collection called “{printable_line(name)}” was removed in the last {trash.KEPT_DAYS} days: "
        "`storytime-tui corpus restore` lists what can be restored."
    )


def set_punctuation(collection: Collection, plain: bool) -> None:
    """Set whether a collection's quotes and dashes become ASCII, and clean it again. Raises CorpusError."""
    changes.set_punctuation(collection, plain)
