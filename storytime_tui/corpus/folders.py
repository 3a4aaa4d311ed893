"""One collection's folder of text files, read into a `Collection`: its stories, their titles, its card."""

import os
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from storytime_tui.corpus.cleaning import clean
from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.corpus.readers import is_text_name, read_text
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_line, printable_path

CARD = "collection.toml"
_CARD_KEYS = ("title", "author", "source", "licence", "description")
RAW = "raw_text"  # <Author>/raw_text/*.txt is how the first notebook kept its books
_NAMELESS = "collection"  # what a folder is called whose name has no letter of ours


def read_folder(folder: Path, *, bundled: bool = False) -> tuple[Collection, tuple[str, ...]]:
    """A folder's collection, and a sentence for each text in it that cannot be read.

    Raises CorpusError when no text can be read, or the card is wrong.
    """
    card = read_card(folder / CARD)
    found = text_files(folder)
    stories: list[Story] = []
    problems: list[str] = []
    for path in found:
        try:
            stories.append(read_story(path))
        except CorpusError as error:
            problems.append(str(error))
    if not stories:
        many = f"None of the {len(found)} texts in {printable_path(folder)} can be read; the first: "
        raise CorpusError((many if len(found) > 1 else "") + problems[0])
    collection = Collection(
        name=collection_name(folder),
        title=card.get("title") or title_from_name(folder_name(folder)),
        stories=_with_own_titles(stories),
        author=card.get("author", ""),
        source=card.get("source", "") or ("" if bundled else printable_path(folder)),
        licence=card.get("licence", ""),
        bundled=bundled,
    )
    return collection, tuple(problems)


def read_file_as_collection(path: Path) -> Collection:
    """A collection of the one story in a file. Raises CorpusError."""
    story = read_story(path)
    return Collection(slug(path.stem) or _NAMELESS, story.title, (story,), source=printable_path(path))


def text_files(folder: Path) -> list[Path]:
    """The `.txt` files of a collection's folder, by name. Raises CorpusError where there are none."""
    shown = printable_path(folder)
    try:
        inner = [f for f in sorted(folder.iterdir()) if not f.name.startswith(".")]
        places = [folder, folder / RAW, *(f / RAW for f in inner if f.name != RAW)]
        places = [place for place in places if os.path.isdir(place)]
        found = [f for place in places for f in sorted(place.iterdir()) if is_text_name(f)]
    except OSError as error:
        raise CorpusError(f"The folder {shown} cannot be read: {error.strerror or error}.") from error
    if not found:
        raise CorpusError(
            f"The folder {shown} holds no .txt files, nor does a folder {RAW} in it: put the stories there."
        )
    return found


def read_story(path: Path) -> Story:
    """One file's story, cleaned. Raises CorpusError where there is none in it."""
    return story_from(read_text(path), path)


def story_from(raw: str, path: Path) -> Story:
    """The story in a text that was read from `path`, cleaned. Raises CorpusError where there is none."""
    title, text = title_and_body(clean(raw))
    if not text.strip():
        raise CorpusError(f"{printable_path(path)} holds no story, only licence text: leave it out.")
    return Story(title or title_from_name(path.stem), text, file=printable_line(path.name))


def title_and_body(text: str) -> tuple[str, str]:
    """A clean text's title and the rest, where its first line is a heading; else "" and the whole text.

    A heading stands alone before a blank line, is short, begins with a capital or a digit, and does not end
    as a sentence does; one that ends with "!" or "?" must have a capital on each of its longer words.
    """
    line, separator, body = text.partition("\n\n")
    heading = line.strip()
    words = heading.split()
    if not separator or "\n" in heading or not body.strip() or not 1 <= len(words) <= 12 or len(heading) > 70:
        return "", text
    if not (heading[0].isupper() or heading[0].isdigit()) or heading[-1] in ".,;:-'\"":
        return "", text
    if heading[-1] in "!?" and not all(word[0].isupper() for word in words if len(word) > 4):
        return "", text
    return printable_line(heading), body.strip("\n")


def title_from_name(name: str) -> str:
    """A file's or folder's name as people write it: "the_old_fox" is "The Old Fox"."""
    words = " ".join(re.sub(r"[_\-\s]+", " ", name).split())
    return printable_line(string.capwords(words) if words == words.lower() else words) or "Untitled"


def _with_own_titles(stories: Iterable[Story]) -> tuple[Story, ...]:
    """The stories with titles that are different from each other: "Title", "Title (2)", ..."""
    taken: set[str] = set()
    named = []
    for story in stories:
        title, number = story.title, 1
        while title in taken:
            number += 1
            title = f"{story.title} ({number})"
        taken.add(title)
        named.append(Story(title, story.text, story.file))
    return tuple(named)


def read_card(path: Path) -> dict[str, str]:
    """What `collection.toml` says, on one line each; {} where there is none. Raises CorpusError."""
    shown = printable_path(path)
    try:
        card = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CorpusError(f"{shown} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{shown} is not valid TOML: {printable_line(str(error))}.") from error
    for key, value in card.items():
        if key not in _CARD_KEYS:
            known = ", ".join(_CARD_KEYS)
            raise CorpusError(f"{shown} has an unknown key {printable_line(key)!r}: there are {known}.")
        if not isinstance(value, str):
            raise CorpusError(f"In {shown}, {key} must be a text in quotes.")
    return {key: printable_line(value) for key, value in card.items()}


def folder_name(folder: Path) -> str:
    """A folder's own name, links not followed; of a `raw_text`, the name of the folder it is in."""
    path = Path(os.path.abspath(folder))
    return path.parent.name if path.name == RAW else path.name


def collection_name(folder: Path) -> str:
    """What the collection in this folder is called."""
    return slug(folder_name(folder)) or _NAMELESS


def slug(name: str) -> str:
    """A name for folders and the command line: small ASCII letters, digits and hyphens, at most 60."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:60].strip("-")
