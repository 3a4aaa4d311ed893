"""The shelf as the command line and the app see it: looking, adding, changing. Loads no torch."""

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
from storytime_tui.corpus.library import changes, importing
from storytime_tui.corpus.library import shelf as _shelf
from storytime_tui.corpus.library.cards import Card
from storytime_tui.corpus.library.changes import Removed, Restored
from storytime_tui.corpus.library.importing import AddedCollection
from storytime_tui.corpus.library.leftovers import remove_leftovers
from storytime_tui.corpus.names import NAMELESS, slug
from storytime_tui.errors import CorpusError
from storytime_tui.jobs.progress import Stopped
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_line, printable_path

Key = tuple[str, int]  # a collection's name, and a story's place in it

__all__ = ["AddedCollection", "Removed", "Restored"]  # what others name


# -- looking ----------------------------------------------------------------------------------------------


def shelf() -> tuple[Collection, ...]:
    """Every collection that can be read: the bundled ones, then the imported ones, each by title."""
    return _shelf.load_shelf()


def shelf_with_problems() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """The shelf, and one sentence for each collection or text that cannot be read."""
    return _shelf.load_shelf_with_problems()


def opened() -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """The shelf with its problems, once what an import that was killed left there is gone.

    The sentences name what lies on the shelf by its place there.
    """
    folder = paths.collections_folder()
    remove_leftovers(folder)
    _sweep_old_parts()
    collections, problems = shelf_with_problems()
    return collections, tuple(
        problem.replace(f"{printable_path(folder)}{os.sep}", "") for problem in problems
    )


def _sweep_old_parts() -> None:
    """Remove what programs that were killed left while they changed a card, a setting or a checkpoint."""
    for place in (paths.data_folder(), paths.settings_file().parent):
        files.sweep_old(place)
    for shelf_or_runs in (paths.collections_folder(), paths.runs_folder()):
        with suppress(OSError):
            for folder in shelf_or_runs.iterdir():
                files.sweep_old(folder)
                files.sweep_old(folder / "checkpoints")


def find(name: str) -> Collection:
    """The collection of that name or title, or the texts at that path. Raises CorpusError with the nearest names."""
    return _shelf.find_collection(name)


def before(collection: Collection, index: int) -> str:
    """A story's lines as they stand in its file, nothing cleaned. Raises CorpusError where that has gone."""
    from storytime_tui.corpus.formats.read import read_document

    story = collection.stories[index]
    if collection.folder is None:
        raise CorpusError(f"The file of “{story.title}” is not known.")
    first, last = story.lines
    lines = read_document(collection.folder / story.file).text.split("\n")
    return "\n".join(lines[first:last] if last > first else lines)


@dataclass(frozen=True)
class Copy:
    """A story tells again what the story `of` tells; `share` is 1.0 for the same words, less for nearly."""

    of: Key
    share: float


def copies(collections: Sequence[Collection]) -> dict[Key, Copy]:
    """The stories that tell again what an earlier one on the shelf tells: each is learned once."""
    keys = [(c.name, i) for c in collections for i in range(len(c.stories))]
    facts = [story.facts for c in collections for story in c.stories]
    found = duplicates.find_copies(
        [each.sketch for each in facts], [each.words for each in facts], [each.fingerprint for each in facts]
    )
    return {keys[copy.story]: Copy(keys[copy.of], copy.share) for copy in found}


def source_shown(source: str) -> str:
    """A path as it is, an address without what must not be seen: its password, its query."""
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
    plain: bool = True,
) -> AddedCollection:
    """Import texts from files, folders, archives and addresses as a new collection.

    With `plain` False, quotes and dashes stay as written. Raises CorpusError, or Stopped when `stop` is set;
    then nothing was imported.
    """
    card = None if plain else Card(punctuation="as written")
    with _stoppable(report, stop) as told:
        return importing.add_collection(sources, name, card=card, report=told, stop=stop)


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
    """Import one fetched book, with what is known of it. Raises as `add` does."""
    card = Card(title=title, author=author, source=source, licence=licence)
    with _stoppable(report, stop) as told:
        return importing.add_collection([path], card=card, report=told, stop=stop)


def add_text(text: str, title: str) -> AddedCollection:
    """Import a pasted text as a collection of its own. Raises CorpusError."""
    import tempfile

    from storytime_tui.corpus.names import safe_file_name

    with tempfile.TemporaryDirectory(prefix="storytime-") as folder:
        path = Path(folder) / safe_file_name(f"{title}.txt", set())
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
        return importing.add_collection([path], card=Card(title=title, source="pasted"))


@contextmanager
def _stoppable(report: Report | None, stop: threading.Event | None) -> Iterator[Report]:
    """A report that ends the work once `stop` is set; whatever ends because of that becomes `Stopped`."""

    def told(words: str, done: int, total: int) -> None:
        if stop is not None and stop.is_set():
            raise Stopped("nothing was imported.")
        if report is not None:
            report(words, done, total)

    try:
        yield told
    except CorpusError:
        if stop is not None and stop.is_set():
            raise Stopped("nothing was imported.") from None
        raise


# -- changing ---------------------------------------------------------------------------------------------


def rename(collection: Collection, index: int | None, title: str) -> str:
    """Give a collection, or one of its stories, another title. Raises CorpusError.

    Returns a sentence where another one has that title already, or "".
    """
    return changes.rename(collection, index, title)


def remove(collection: Collection, index: int | None = None) -> Removed:
    """Take a collection, or one of its stories, off the shelf; `undo` brings it back. Raises CorpusError."""
    return changes.remove(collection, index)


def remove_unreadable(name: str) -> Removed | None:
    """Take a collection that cannot be read off the shelf; None where no folder is called so. Raises CorpusError."""
    return changes.remove_unreadable(name)


def undo(removed: Removed, name: str | None = None) -> Restored:
    """Bring back what was removed, a collection under another name if one is given. Raises CorpusError."""
    return changes.undo(removed, name)


def removed(collections: Sequence[Collection] | None = None) -> tuple[Removed, ...]:
    """All that can be brought back: collections, the last removed first, then the stories of each that is there."""
    shelf = _shelf.load_shelf() if collections is None else collections
    stories: list[Removed] = []
    for collection in shelf:
        with suppress(CorpusError):  # one that has gone meanwhile has none
            stories += changes.stories_removed_from(collection)
    return (*changes.removed_collections(), *stories)


def restore(name: str, *, story: str | None = None, new_name: str | None = None) -> Restored:
    """Bring back the collection of that name or title that was removed last, or a story of one on the shelf.

    `new_name`: what to call the collection from now on. Raises CorpusError.
    """
    wanted = name.strip().casefold()
    if story is not None:
        collection = _shelf.find_collection(name)
        told = story.strip().casefold()
        for gone in changes.stories_removed_from(collection):
            if gone.title.casefold() == told:
                return changes.undo(gone)
        raise CorpusError(
            f"No story called “{printable_line(story)}” was removed from {collection.name}: "
            "`storytime-tui corpus restore` lists what was."
        )
    for gone in changes.removed_collections():
        if wanted in (gone.name.casefold(), slug(gone.name) or NAMELESS, gone.title.casefold()):
            return changes.undo(gone, new_name)
    raise CorpusError(
        f"No collection called “{printable_line(name)}” was removed in the last {trash.KEPT_DAYS} days: "
        "`storytime-tui corpus restore` lists what can be brought back."
    )


def set_punctuation(collection: Collection, plain: bool) -> None:
    """Whether a collection's quotes and dashes are made ASCII; it is cleaned anew. Raises CorpusError."""
    changes.set_punctuation(collection, plain)
