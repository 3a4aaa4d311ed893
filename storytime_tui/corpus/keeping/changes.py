"""Changing what is on the shelf: renaming, removing with a way back, and how punctuation is cleaned."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.corpus.collection import Collection
from storytime_tui.corpus.keeping.cards import Card, read_card, write_card
from storytime_tui.corpus.keeping.folders import removed_stories, title_of
from storytime_tui.corpus.names import slug
from storytime_tui.corpus.shelf import names_titled, taken_names
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_line

_REMOVED = ".removed"  # a folder beside the collections
KEPT_DAYS = 30


@dataclass(frozen=True)
class Removed:
    """What was taken off the shelf, and all that `undo` needs to bring it back.

    `folder`: where the collection lies now (a collection), or the collection's folder (a story, whose
    place is `story`). `name`: the collection's; `collection`: its title.
    """

    title: str
    name: str
    folder: Path
    story: str = ""
    collection: str = ""

    @property
    def sentence(self) -> str:
        """What happened, for the one who did it."""
        kept = "its text stays in the collection's folder" if self.story else f"kept for {KEPT_DAYS} days"
        return f"Removed “{self.title}” ({kept})."


@dataclass(frozen=True)
class Restored:
    """What came back: the collection of this name, or (place not "") the story that stands in it there."""

    title: str
    name: str
    place: str
    sentence: str


def rename(collection: Collection, index: int | None, title: str) -> str:
    """Give a collection, or (index not None) one of its stories, another title, made one line.

    Returns a sentence where another one has that title already, or "". Raises CorpusError.
    """
    title = printable_line(title)
    if not title:
        raise CorpusError("A title needs at least one letter.")
    folder = _own_folder(collection, "renamed")
    card = read_card(folder)
    if index is None:
        write_card(folder, replace(card, title=title))
        others = [name for name in names_titled(title) if name != collection.name]
        return f"Another collection is called “{title}”, too: {', '.join(others)}." if others else ""
    place = collection.stories[index].place
    write_card(folder, replace(card, titles={**card.titles, place: title}))
    if any(
        title.casefold() == story.title.casefold() for story in collection.stories if story.place != place
    ):
        return f"Another story in {collection.title} is called “{title}”, too."
    return ""


def remove(collection: Collection, index: int | None = None) -> Removed:
    """Take a collection, or one of its stories, off the shelf. Raises CorpusError.

    A removed collection is kept for thirty days; a story's text stays in its collection's folder.
    """
    folder = _own_folder(collection, "removed")
    if index is not None:
        story = collection.stories[index]
        card = read_card(folder)
        write_card(folder, replace(card, removed=(*card.removed, story.place)))
        return Removed(story.title, collection.name, folder, story.place, collection.title)
    bin_folder = folder.parent / _REMOVED
    target = bin_folder / f"{time.time_ns()}-{folder.name}"
    try:
        files.make_folder(bin_folder)
        files.forget_unused(bin_folder, KEPT_DAYS)
        os.utime(folder)  # the thirty days begin now
        os.replace(folder, target)
        files.sync_folder(folder.parent)
    except OSError as error:
        raise CorpusError(files.explain(error, f"removing the collection {collection.name}")) from error
    return Removed(collection.title, folder.name, target)


def undo(removed: Removed, name: str | None = None) -> Restored:
    """Bring back what was removed: a collection under the name it had, or, where another has that by now, with
    a number behind it; or under `name`. Raises CorpusError, where that one is taken, say."""
    if removed.story:
        return _undo_story(removed)
    root = paths.collections_folder()
    wanted = removed.name if name is None else slug(name)
    if not wanted:
        raise CorpusError("A collection's name needs a letter from a to z or a digit: give another one.")
    free, number, taken = wanted, 1, taken_names()
    while free in taken or (root / free).exists():
        if name is not None:
            raise CorpusError(f"There is already a collection called {free}: give another name with --name.")
        number += 1
        free = f"{wanted}-{number}"
    try:
        os.replace(removed.folder, root / free)
        files.sync_folder(root)
    except FileNotFoundError as error:
        raise CorpusError(f"“{removed.title}” is not there any more.") from error
    except OSError as error:
        raise CorpusError(files.explain(error, f"bringing back {removed.name}")) from error
    sentence = f"“{removed.title}” is back on the shelf"
    if free != removed.name:
        sentence += f" as {free}" + ("" if name else f", since another one is called {removed.name} now")
    return Restored(removed.title, free, "", sentence + ".")


def _undo_story(removed: Removed) -> Restored:
    if not removed.folder.is_dir():
        raise CorpusError(
            f"The collection that “{removed.title}” was in is not there any more: bring it back first."
        )
    card = read_card(removed.folder)
    rest = tuple(story for story in card.removed if story != removed.story)
    write_card(removed.folder, replace(card, removed=rest))
    where = removed.collection or title_of(removed.folder, card)
    return Restored(removed.title, removed.name, removed.story, f"“{removed.title}” is back in {where}.")


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


def stories_removed_from(collection: Collection) -> list[Removed]:
    """The stories of a collection that were taken off the shelf, the last removed first. Raises CorpusError."""
    if collection.bundled or collection.folder is None:
        return []
    stories = {story.place: story for story in removed_stories(collection.folder)}
    return [
        Removed(stories[place].title, collection.name, collection.folder, place, collection.title)
        for place in reversed(read_card(collection.folder).removed)
        if place in stories
    ]


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
