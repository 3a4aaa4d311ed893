"""Changing what is on the shelf: renaming, removing with a way back, and how punctuation is cleaned."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.keeping.cards import Card, read_card, write_card
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_line

_REMOVED = ".removed"  # a folder beside the collections
KEPT_DAYS = 30


@dataclass(frozen=True)
class Removed:
    """What was taken off the shelf, and all that `undo` needs to bring it back.

    `folder`: where the collection lies now (a collection), or the collection's folder (a story, whose
    place is `story`). `name`: the collection's.
    """

    title: str
    name: str
    folder: Path
    story: str = ""

    @property
    def sentence(self) -> str:
        """What happened, for the one who did it."""
        kept = "its text stays in the collection's folder" if self.story else f"kept for {KEPT_DAYS} days"
        return f"Removed “{self.title}” ({kept})."


def rename(collection: Collection, index: int | None, title: str) -> None:
    """Give a collection, or (index not None) one of its stories, another title. Raises CorpusError."""
    title = printable_line(title)
    if not title:
        raise CorpusError("A title needs at least one letter.")
    folder = _own_folder(collection, "renamed")
    card = read_card(folder)
    if index is None:
        write_card(folder, replace(card, title=title))
        return
    place = collection.stories[index].place
    write_card(folder, replace(card, titles={**card.titles, place: title}))


def remove(collection: Collection, index: int | None = None) -> Removed:
    """Take a collection, or one of its stories, off the shelf. Raises CorpusError.

    A removed collection is kept for thirty days; a story's text stays in its collection's folder.
    """
    folder = _own_folder(collection, "removed")
    if index is not None:
        story = collection.stories[index]
        card = read_card(folder)
        write_card(folder, replace(card, removed=(*card.removed, story.place)))
        return Removed(story.title, collection.name, folder, story.place)
    bin_folder = folder.parent / _REMOVED
    target = bin_folder / f"{time.time_ns()}-{folder.name}"
    try:
        bin_folder.mkdir(exist_ok=True)
        files.forget_unused(bin_folder, KEPT_DAYS)
        os.utime(folder)  # the thirty days begin now
        os.replace(folder, target)
        files.sync_folder(folder.parent)
    except OSError as error:
        raise CorpusError(files.explain(error, f"removing the collection {collection.name}")) from error
    return Removed(collection.title, folder.name, target)


def undo(removed: Removed) -> None:
    """Bring back what was removed. Raises CorpusError, where another collection has its name by now, say."""
    if removed.story:
        card = read_card(removed.folder)
        rest = tuple(story for story in card.removed if story != removed.story)
        write_card(removed.folder, replace(card, removed=rest))
        return
    target = paths.collections_folder() / removed.name
    if target.exists():
        raise CorpusError(
            f"There is another collection called {removed.name} now: rename or remove that one first."
        )
    try:
        os.replace(removed.folder, target)
        files.sync_folder(target.parent)
    except FileNotFoundError as error:
        raise CorpusError(f"“{removed.title}” is not there any more.") from error
    except OSError as error:
        raise CorpusError(files.explain(error, f"bringing back {removed.name}")) from error


def removed_collections() -> list[Removed]:
    """The collections that can still be brought back, the last removed first."""
    found = []
    folder = paths.collections_folder() / _REMOVED
    for place in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else ():
        name = place.name.partition("-")[2]
        try:
            title = read_card(place).title
        except CorpusError:
            title = ""
        found.append(Removed(title or name, name, place))
    return found


def set_punctuation(collection: Collection, plain: bool) -> None:
    """Whether a collection's quotes and dashes are made ASCII; it is cleaned anew. Raises CorpusError."""
    folder = _own_folder(collection, "changed")
    card: Card = read_card(folder)
    write_card(folder, replace(card, punctuation="plain" if plain else "as written"))


def _own_folder(collection: Collection, done: str) -> Path:
    if collection.bundled or collection.folder is None:
        raise CorpusError(
            f"“{collection.title}” came with Storytime and cannot be {done}; untick it instead."
        )
    return collection.folder
