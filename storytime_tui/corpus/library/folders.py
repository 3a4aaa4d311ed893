"""Reading a collection's folder (or file) into a `Collection`: its stories, their titles, its card."""

import os
import stat
from dataclasses import replace
from pathlib import Path

from storytime_tui import paths
from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.file_names import stem_of
from storytime_tui.corpus.formats.sources import SourceFiles, source_files
from storytime_tui.corpus.library.cards import CARD, Card, read_card
from storytime_tui.corpus.library.prepared import Prepared, Source, prepare_sources
from storytime_tui.corpus.names import collection_name, distinct, folder_name, title_from_name
from storytime_tui.corpus.story_table import with_titles
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Progress
from storytime_tui.terminal import printable_path


def read_folder(
    folder: Path, *, bundled: bool = False, on_progress: Progress | None = None
) -> tuple[Collection, tuple[str, ...]]:
    """A folder's collection, and a sentence for each text in it that cannot be read.

    Raises CorpusError if no text can be read or the card is not valid.
    """
    identity = folder_id(folder)
    card = read_card(folder)
    # the files of a collection were chosen when it was made
    found = source_files(folder, column=None if (folder / CARD).is_file() else card.column)
    prepared = _prepare(sources_in(folder, found), card, on_progress)
    problems = (*found.problems, *prepared.problems)
    if not prepared.stories:
        start = f"None of the {len(found.files)} texts in {printable_path(folder)} can be read; the first: "
        raise CorpusError((start if len(found.files) > 1 else "") + problems[0])
    stories = prepared.stories
    if card.removed:
        stories = tuple(story for story in stories if story.place not in card.removed)
    collection = Collection(
        name=collection_name(folder),
        title=collection_title(folder, card),
        stories=with_titles(stories, distinct(_title_in(card, story) for story in stories)),
        author=card.author or (prepared.authors[0] if len(prepared.authors) == 1 else ""),
        source=card.source or ("" if bundled else printable_path(folder)),
        licence=card.licence,
        description=card.description,
        bundled=bundled,
        plain_punctuation=card.plain,
        folder=folder,
        folder_id=identity,
        column=card.column,
        accounts=prepared.accounts,
    )
    return collection, problems


def folder_id(folder: Path) -> tuple[int, int] | None:
    """A folder's device and inode, which survive renaming; None if there is no folder, or no inode number."""
    try:
        about = os.stat(folder)
    except (OSError, ValueError):
        return None
    return (about.st_dev, about.st_ino) if about.st_ino and stat.S_ISDIR(about.st_mode) else None


def collection_title(folder: Path, card: Card) -> str:
    """The title of the collection in a folder: from its card, else from the folder's name."""
    return card.title or title_from_name(folder_name(folder))


def removed_stories(folder: Path) -> tuple[Story, ...]:
    """The stories in a collection's folder that its owner removed. Raises CorpusError."""
    card = read_card(folder)
    if not card.removed:
        return ()
    prepared = _prepare(sources_in(folder, source_files(folder)), card, None)
    return tuple(
        replace(story, title=_title_in(card, story))
        for story in prepared.stories
        if story.place in card.removed
    )


def _title_in(card: Card, story: Story) -> str:
    return card.titles.get(story.place) or story.title


def read_file_as_collection(path: Path) -> tuple[Collection, tuple[str, ...]]:
    """A collection of the stories in one file or archive, and a sentence for each thing that was left out.

    Raises CorpusError if there is no readable story.
    """
    prepared = _prepare([Source(path, path.name)], Card(), None)
    if not prepared.stories:
        raise CorpusError(prepared.problems[0])
    stories = with_titles(prepared.stories, distinct(story.title for story in prepared.stories))
    collection = Collection(
        name=collection_name(path),
        title=stories[0].title if len(stories) == 1 else title_from_name(stem_of(path)),
        stories=stories,
        author=prepared.authors[0] if len(prepared.authors) == 1 else "",
        source=printable_path(path),
        folder=path.parent,
        accounts=prepared.accounts,
    )
    return collection, prepared.problems


def sources_in(folder: Path, found: SourceFiles) -> list[Source]:
    """The files found in a folder, named by their relative paths."""
    return [Source(path, path.relative_to(folder).as_posix()) for path in found.files]


def _prepare(sources: list[Source], card: Card, on_progress: Progress | None) -> Prepared:
    folder = paths.cache_folder() / "prepared"
    kept = [replace(source, put_back=card.put_back_in(source.name)) for source in sources]
    return prepare_sources(kept, folder, plain=card.plain, column=card.column, on_progress=on_progress)
