"""Changing the library: renaming, removing and restoring, and the choice of punctuation.

Another program may have changed the library since the caller read it. So each change is made under the lock, to the
files as they are then, and refused if the collection or story is no longer what the caller read.
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
    """A removed collection or story, with everything that `undo` needs.

    `folder`: where a removed collection is now, or the collection's folder for a story. `story`: the story's place,
    "" for a collection. `folder_id`: the folder's device and inode. `name` and `collection`: the collection's name
    and title.
    """

    title: str
    name: str
    folder: Path
    story: str = ""
    collection: str = ""
    folder_id: tuple[int, int] | None = None

    @property
    def sentence(self) -> str:
        """What happened, for the user."""
        kept = (
            "its text stays in the collection's folder" if self.story else f"kept for {trash.KEPT_DAYS} days"
        )
        return f"Removed “{self.title}” ({kept})."


@dataclass(frozen=True)
class Restored:
    """What was restored: the story at `place` in the collection `name`, or the collection if `place` is ""."""

    title: str
    name: str
    place: str
    sentence: str


def rename(collection: Collection, index: int | None, title: str) -> str:
    """Give a collection, or its story number `index`, another title.

    Returns a sentence if another one has that title, else "". Raises CorpusError if the title is not valid (over 300
    characters, for example) or the collection or story is no longer there.
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
    """Remove a collection, or its story number `index`. Raises CorpusError, for example if it is already gone.

    A removed collection is kept for thirty days; a removed story's text stays in the collection's folder.
    """
    with _own_folder(collection, "removed") as folder:
        if index is not None:
            story = collection.stories[index]
            _change_card(folder, lambda card: _without(card, story))
            identity = folder_id(folder)
            return Removed(story.title, collection.name, folder, story.place, collection.title, identity)
        return _put_away(folder, collection.title)


def remove_unreadable(name: str) -> Removed | None:
    """Remove a collection whose folder cannot be read; None if there is no such folder.

    It is kept for thirty days like any other. Raises CorpusError if it cannot be moved.
    """
    with shelf_locked():
        folder = paths.collections_folder() / name
        if Path(name).name != name or name.startswith(".") or not folder.is_dir():
            return None
        return _put_away(folder, name)


def _put_away(folder: Path, title: str) -> Removed:
    """Move a collection's folder into the bin, and delete what has been in it for thirty days. Raises CorpusError."""
    trash.empty(folder.parent)
    try:
        return Removed(title, folder.name, trash.put_away(folder).folder)
    except OSError as error:
        raise CorpusError(files.explain(error, f"removing the collection {folder.name}")) from error


def _without(card: Card, story: Story) -> Card:
    _check_not_removed(card, story)
    return replace(card, removed=(*card.removed, story.place))


def undo(removed: Removed, name: str | None = None) -> Restored:
    """Restore what was removed. A collection gets `name`; without it, its old name, with a number if that is taken.

    Raises CorpusError, for example if `name` is taken.
    """
    with shelf_locked():
        return _undo_story(removed) if removed.story else _undo_collection(removed, name)


def _undo_collection(removed: Removed, name: str | None) -> Restored:
    root = paths.collections_folder()
    target = removed.name if name is None else slug(name)
    if not target:
        raise CorpusError("A collection's name needs a letter from a to z or a digit: give another one.")
    free = free_name(target)
    if name is not None and free != target:
        raise CorpusError(f"There is already a collection called {target}: give another name with --name.")
    try:
        trash.bring_back(removed.folder, root / free)
    except FileNotFoundError as error:
        raise CorpusError(
            f"“{removed.title}” is no longer there: it was restored or deleted meanwhile."
        ) from error
    except OSError as error:
        raise CorpusError(files.explain(error, f"bringing back {removed.name}")) from error
    sentence = f"“{removed.title}” is back on the shelf"
    if free != removed.name:
        sentence += f" as {free}" + ("" if name else f", since another one is called {removed.name} now")
    return Restored(removed.title, free, "", sentence + ".")


def _undo_story(removed: Removed) -> Restored:
    identity = folder_id(removed.folder)
    if identity is None or (removed.folder_id is not None and identity != removed.folder_id):
        raise CorpusError(
            f"The collection that “{removed.title}” was in is no longer there: bring it back first."
        )
    card = read_card(removed.folder)
    if removed.story not in card.removed:
        raise CorpusError(f"“{removed.title}” is back already.")
    rest = tuple(story for story in card.removed if story != removed.story)
    write_card(removed.folder, replace(card, removed=rest))
    where = removed.collection or collection_title(removed.folder, card)
    return Restored(removed.title, removed.name, removed.story, f"“{removed.title}” is back in {where}.")


def removed_collections() -> list[Removed]:
    """The collections that can be restored, last removed first. Raises CorpusError."""
    found = []
    try:
        items = trash.items(paths.collections_folder())
    except OSError as error:
        raise CorpusError(files.explain(error, "looking for removed collections")) from error
    for item in items:
        # a name that starts with a dot would be hidden on the shelf
        name = item.name if not item.name.startswith(".") else slug(item.name) or NAMELESS
        title = ""
        with contextlib.suppress(CorpusError):  # an unreadable card has no title
            title = read_card(item.folder).title
        found.append(Removed(title or name, name, item.folder))
    return found


def stories_removed_from(collection: Collection) -> list[Removed]:
    """The removed stories of a collection, last removed first. Raises CorpusError."""
    folder = collection.folder
    if folder is None or not _is_on_the_shelf(collection):
        return []
    identity = folder_id(folder)
    stories = {story.place: story for story in removed_stories(folder)}
    return [
        Removed(stories[place].title, collection.name, folder, place, collection.title, identity)
        for place in reversed(read_card(folder).removed)
        if place in stories
    ]


def set_punctuation(collection: Collection, plain: bool) -> None:
    """Choose whether a collection's quotes and dashes are replaced by ASCII. Raises CorpusError."""
    with _own_folder(collection, "changed") as folder:
        _change_card(folder, lambda card: replace(card, punctuation="plain" if plain else "as written"))


def put_back(collection: Collection, file: str, place: str) -> None:
    """Make a story of a part of a file that was left out. Raises CorpusError."""
    with _own_folder(collection, "changed") as folder:
        key = f"{file}:{place}"
        _change_card(folder, lambda card: replace(card, put_back=tuple(dict.fromkeys((*card.put_back, key)))))


def leave_out(collection: Collection, file: str, place: str) -> None:
    """Leave a part of a file out again that was put back. Raises CorpusError."""
    with _own_folder(collection, "changed") as folder:
        key = f"{file}:{place}"
        _change_card(
            folder, lambda card: replace(card, put_back=tuple(each for each in card.put_back if each != key))
        )


def _change_card(folder: Path, changed: Callable[[Card], Card]) -> None:
    """Read a card, change it, write it. The caller holds the lock."""
    write_card(folder, changed(read_card(folder)))


def _check_not_removed(card: Card, story: Story) -> None:
    if story.place in card.removed:
        raise CorpusError(f"“{story.title}” is no longer there: it was removed meanwhile.")


@contextlib.contextmanager
def _own_folder(collection: Collection, done: str) -> Iterator[Path]:
    """The folder of a collection that may be changed, locked during the block.

    Raises CorpusError if it is not one of the user's collections, or no longer there.
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
    """Whether its folder is in the user's library. A collection can also be read from any other folder."""
    folder = collection.folder
    if collection.bundled or folder is None:
        return False
    return os.path.realpath(folder.parent) == os.path.realpath(paths.collections_folder())


def _is_still_there(collection: Collection, folder: Path) -> bool:
    """Whether the folder is the one that was read, or has the same stories."""
    now = folder_id(folder)
    if now is None or collection.folder_id is None:
        return folder.is_dir()
    if now == collection.folder_id:
        return True
    try:  # some network disks change the inodes of folders
        there, _ = read_folder(folder)
    except CorpusError:
        return False
    return {story.place: story.facts.digest for story in there.stories} == {
        story.place: story.facts.digest for story in collection.stories
    }
