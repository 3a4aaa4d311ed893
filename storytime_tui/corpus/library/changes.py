"""Changing what is on the shelf: renaming, removing with a way back, and how punctuation is cleaned.

Another program may have changed the shelf since the caller read it. So each change is made under the shelf's lock,
to what is on the disk by then, and refused where that is not what the caller means any more.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import files, paths, trash
from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.library.cards import Card, read_card, write_card
from storytime_tui.corpus.library.folders import collection_title, folder_id, read_folder, removed_stories
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.corpus.library.shelf import free_name, names_titled
from storytime_tui.corpus.names import NAMELESS, checked_title, slug
from storytime_tui.errors import CorpusError


@dataclass(frozen=True)
class Removed:
    """What was taken off the shelf, and all that `undo` needs to bring it back.

    `folder`: where the collection lies now (a collection), or the collection's folder (a story, whose
    place is `story`), and `folder_id` that folder's device and number. `name`: the collection's; `collection`: its
    title.
    """

    title: str
    name: str
    folder: Path
    story: str = ""
    collection: str = ""
    folder_id: tuple[int, int] | None = None

    @property
    def sentence(self) -> str:
        """What happened, for the one who did it."""
        kept = (
            "its text stays in the collection's folder" if self.story else f"kept for {trash.KEPT_DAYS} days"
        )
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

    Returns a sentence where another one has that title already, or "". Raises CorpusError, for a title of more than
    300 letters, say, or where the collection or the story is no longer there.
    """
    title = checked_title(title)
    story = None if index is None else collection.stories[index]
    with _own_folder(collection, "renamed") as folder:
        if story is None:
            _change_card(folder, lambda card: replace(card, title=title))
        else:
            _change_card(folder, lambda card: _with_title(card, story, title))
    if story is None:
        others = [name for name in names_titled(title) if name != collection.name]
        return f"Another collection is called “{title}”, too: {', '.join(others)}." if others else ""
    if any(
        title.casefold() == other.title.casefold()
        for other in collection.stories
        if other.place != story.place
    ):
        return f"Another story in {collection.title} is called “{title}”, too."
    return ""


def _with_title(card: Card, story: Story, title: str) -> Card:
    _check_not_removed(card, story)
    return replace(card, titles={**card.titles, story.place: title})


def remove(collection: Collection, index: int | None = None) -> Removed:
    """Take a collection, or one of its stories, off the shelf. Raises CorpusError, where it has gone already, say.

    A removed collection is kept for thirty days; a story's text stays in its collection's folder.
    """
    with _own_folder(collection, "removed") as folder:
        if index is not None:
            story = collection.stories[index]
            _change_card(folder, lambda card: _without(card, story))
            known = folder_id(folder)
            return Removed(story.title, collection.name, folder, story.place, collection.title, known)
        return _put_away(folder, collection.title)


def remove_unreadable(name: str) -> Removed | None:
    """Take a collection off the shelf whose folder cannot be read; None where there is no such folder.

    It is kept for thirty days like any other. Raises CorpusError where it cannot be moved.
    """
    with shelf_locked():
        folder = paths.collections_folder() / name
        if Path(name).name != name or name.startswith(".") or not folder.is_dir():
            return None
        return _put_away(folder, name)


def _put_away(folder: Path, title: str) -> Removed:
    """Move a collection's folder into the bin, from which goes what is older than thirty days. Raises CorpusError."""
    trash.empty(folder.parent)
    try:
        return Removed(title, folder.name, trash.put_away(folder).folder)
    except OSError as error:
        raise CorpusError(files.explain(error, f"removing the collection {folder.name}")) from error


def _without(card: Card, story: Story) -> Card:
    _check_not_removed(card, story)
    return replace(card, removed=(*card.removed, story.place))


def undo(removed: Removed, name: str | None = None) -> Restored:
    """Bring back what was removed: a collection under the name it had, or, where another has that by now, with
    a number behind it; or under `name`. Raises CorpusError, where that one is taken, say."""
    with shelf_locked():
        return _undo_story(removed) if removed.story else _undo_collection(removed, name)


def _undo_collection(removed: Removed, name: str | None) -> Restored:
    root = paths.collections_folder()
    wanted = removed.name if name is None else slug(name)
    if not wanted:
        raise CorpusError("A collection's name needs a letter from a to z or a digit: give another one.")
    free = free_name(wanted)
    if name is not None and free != wanted:
        raise CorpusError(f"There is already a collection called {wanted}: give another name with --name.")
    try:
        trash.bring_back(removed.folder, root / free)
    except FileNotFoundError as error:
        raise CorpusError(f"“{removed.title}” is not there any more.") from error
    except OSError as error:
        raise CorpusError(files.explain(error, f"bringing back {removed.name}")) from error
    sentence = f"“{removed.title}” is back on the shelf"
    if free != removed.name:
        sentence += f" as {free}" + ("" if name else f", since another one is called {removed.name} now")
    return Restored(removed.title, free, "", sentence + ".")


def _undo_story(removed: Removed) -> Restored:
    known = folder_id(removed.folder)
    if known is None or (removed.folder_id is not None and known != removed.folder_id):
        raise CorpusError(
            f"The collection that “{removed.title}” was in is not there any more: bring it back first."
        )
    card = read_card(removed.folder)
    if removed.story not in card.removed:
        raise CorpusError(f"“{removed.title}” is back already.")
    rest = tuple(story for story in card.removed if story != removed.story)
    write_card(removed.folder, replace(card, removed=rest))
    where = removed.collection or collection_title(removed.folder, card)
    return Restored(removed.title, removed.name, removed.story, f"“{removed.title}” is back in {where}.")


def removed_collections() -> list[Removed]:
    """The collections that can still be brought back, the last removed first. Raises CorpusError."""
    found = []
    try:
        items = trash.items(paths.collections_folder())
    except OSError as error:
        raise CorpusError(files.explain(error, "looking for removed collections")) from error
    for item in items:
        # a name that begins with a dot would be hidden on the shelf
        name = item.name if not item.name.startswith(".") else slug(item.name) or NAMELESS
        title = ""
        with contextlib.suppress(CorpusError):  # a card that cannot be read names nothing
            title = read_card(item.folder).title
        found.append(Removed(title or name, name, item.folder))
    return found


def stories_removed_from(collection: Collection) -> list[Removed]:
    """The stories of a collection that were taken off the shelf, the last removed first. Raises CorpusError."""
    folder = collection.folder
    if folder is None or not _is_on_the_shelf(collection):
        return []
    known = folder_id(folder)
    stories = {story.place: story for story in removed_stories(folder)}
    return [
        Removed(stories[place].title, collection.name, folder, place, collection.title, known)
        for place in reversed(read_card(folder).removed)
        if place in stories
    ]


def set_punctuation(collection: Collection, plain: bool) -> None:
    """Whether a collection's quotes and dashes are made ASCII; it is cleaned anew. Raises CorpusError."""
    with _own_folder(collection, "changed") as folder:
        _change_card(folder, lambda card: replace(card, punctuation="plain" if plain else "as written"))


def _change_card(folder: Path, changed: Callable[[Card], Card]) -> None:
    """Read a card, change it, write it; the caller holds the lock."""
    write_card(folder, changed(read_card(folder)))


def _check_not_removed(card: Card, story: Story) -> None:
    if story.place in card.removed:
        raise CorpusError(f"“{story.title}” is no longer there: it was removed meanwhile.")


@contextlib.contextmanager
def _own_folder(collection: Collection, done: str) -> Iterator[Path]:
    """The folder of a collection that may be changed, for as long as nobody else may do so.

    Raises CorpusError where it is not on the user's shelf, or no longer.
    """
    if collection.bundled:
        raise CorpusError(
            f"“{collection.title}” came with Storytime and cannot be {done}; untick it instead."
        )
    if collection.folder is None or not _is_on_the_shelf(collection):
        raise CorpusError(
            f"“{collection.title}” is not on the shelf, so it cannot be {done} there: "
            "`storytime-tui corpus add` makes a copy of it that can."
        )
    with shelf_locked():
        if not _is_still_there(collection, collection.folder):
            raise CorpusError(
                f"“{collection.title}” is no longer there: it was removed or replaced meanwhile "
                "(`storytime-tui corpus restore` lists what can be brought back)."
            )
        yield collection.folder


def _is_on_the_shelf(collection: Collection) -> bool:
    """Whether the program keeps its folder: a collection may also be read from any folder, and that is its owner's."""
    folder = collection.folder
    if collection.bundled or folder is None:
        return False
    return os.path.realpath(folder.parent) == os.path.realpath(paths.collections_folder())


def _is_still_there(collection: Collection, folder: Path) -> bool:
    """Whether the folder is the one that was read, or another one with the same stories."""
    now = folder_id(folder)
    if now is None or collection.folder_id is None:
        return folder.is_dir()
    if now == collection.folder_id:
        return True
    try:  # some network disks number their folders anew
        there, _ = read_folder(folder)
    except CorpusError:
        return False
    return {story.place: story.facts.digest for story in there.stories} == {
        story.place: story.facts.digest for story in collection.stories
    }
