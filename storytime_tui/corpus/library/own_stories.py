"""The collection of the user's own finished stories: one file for each, which a later version replaces."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storytime_tui import files, paths
from storytime_tui.corpus.library.cards import Card, read_card, write_card
from storytime_tui.corpus.library.folders import collection_title, read_folder
from storytime_tui.corpus.library.leftovers import alive
from storytime_tui.corpus.library.lock import shelf_locked
from storytime_tui.corpus.library.shelf import collection_folders, free_name
from storytime_tui.corpus.names import is_numbered, short_line
from storytime_tui.errors import CorpusError

NAME, TITLE = "my-stories", "My stories"
SOURCE = "written in Storytime"  # on its card: by this it is found, also after it was renamed


@dataclass(frozen=True)
class OwnStory:
    """A finished story. `key`: letters and digits that stay the same for all its versions."""

    key: str
    title: str
    text: str

    @property
    def file(self) -> str:
        """Its file in the collection."""
        return f"{self.key}.txt"


@dataclass(frozen=True)
class Put:
    """The collection that the stories are in, and how many of them replaced an earlier version."""

    title: str
    replaced: int


def put(stories: Sequence[OwnStory]) -> Put:
    """Put stories into the collection, each in place of an earlier version; make the collection if there is none.

    Raises CorpusError.
    """
    root = paths.collections_folder()
    files.make_folder(root)
    try:
        with shelf_locked():
            folder = _own_folder(root)
            if folder is not None:
                replaced = sum((folder / story.file).exists() for story in stories)
                _fill(folder, stories)
                return Put(collection_title(folder, read_card(folder)), replaced)
            with files.unfinished_folder(root, NAME) as part, alive(part):
                write_card(part, Card(title=TITLE, source=SOURCE))
                _fill(part, stories)
                files.narrow_all(part)
                files.sync_all(part)
                os.rename(part, root / free_name(NAME))
                files.sync_folder(root)
            return Put(TITLE, 0)
    except OSError as error:
        raise CorpusError(files.explain(error, f"putting stories into {TITLE}")) from error


def _own_folder(root: Path) -> Path | None:
    for folder in collection_folders(root, []):
        try:
            if read_card(folder).source == SOURCE:
                return folder
        except CorpusError:  # an unreadable card is of another collection
            continue
    return None


def _fill(folder: Path, stories: Sequence[OwnStory]) -> None:
    """Write the stories and their titles. What the card says of their earlier versions is dropped.

    A text with headings of its own may be divided into several stories; those without a heading get a number.
    """
    for story in stories:
        files.write_atomically(folder / story.file, story.text.encode())
    own = {story.file: story.title for story in stories}
    card = read_card(folder)
    titles = {place: title for place, title in card.titles.items() if place.rpartition(":")[0] not in own}
    removed = tuple(place for place in card.removed if place.rpartition(":")[0] not in own)
    write_card(folder, replace(card, titles=titles, removed=removed))  # first: a removed story is not read
    read = [part for part in read_folder(folder)[0].stories if part.file in own]
    parts = Counter(part.file for part in read)
    numbers: Counter[str] = Counter()
    for part in read:
        numbers[part.file] += 1
        if parts[part.file] == 1:
            titles[part.place] = short_line(own[part.file])
        elif is_numbered(part.title, part.file):
            titles[part.place] = short_line(f"{own[part.file]} {numbers[part.file]}")
    write_card(folder, replace(card, titles=titles, removed=removed))
