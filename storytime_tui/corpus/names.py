"""What folders, collections and stories are called: names for the command line, titles for people."""

import os
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from storytime_tui.terminal import printable_line

RAW = "raw_text"  # <Author>/raw_text/*.txt is how the first notebook kept its books
_SOME = 100
NAMELESS = "collection"  # what a folder is called whose name has no letter of ours


def slug(name: str) -> str:
    """A name for folders and the command line: small ASCII letters, digits and hyphens, at most 60."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:60].strip("-")


def folder_name(folder: Path) -> str:
    """A folder's own name, links not followed; of a `raw_text`, the name of the folder it is in."""
    path = Path(os.path.abspath(folder))
    return path.parent.name if path.name == RAW else path.name


def collection_name(path: Path) -> str:
    """What the collection in this folder, or of this one file, is called."""
    return slug(path.stem if path.is_file() else folder_name(path)) or NAMELESS


def title_from_name(name: str) -> str:
    """A file's or folder's name as people write it: "the_old_fox" is "The Old Fox"."""
    words = " ".join(re.sub(r"[_\-\s]+", " ", name).split())
    return printable_line(string.capwords(words) if words == words.lower() else words) or "Untitled"


def is_numbered(title: str, file: str) -> bool:
    """Whether a story's title is no more than its file's name and a number: nobody gave it one."""
    return re.fullmatch(rf"{re.escape(title_from_name(Path(file).stem))} \d+", title) is not None


def distinct(titles: Iterable[str]) -> Iterator[str]:
    """The titles, made different from each other: "Title", "Title (2)", ..."""
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    for title in titles:
        named, number = title, next_number.get(title, 1)
        while named in taken:
            number += 1
            named = f"{title} ({number})"
        next_number[title] = number
        taken.add(named)
        yield named


def safe_file_name(name: str, taken: set[str]) -> str:
    """A file name like `name` that any system takes and that is not among `taken`; it is put there.

    `taken` holds names in small letters: on some systems capitals do not tell two files apart.
    """
    stem = re.sub(r'[\\/:*?"<>|]', "-", printable_line(Path(name).stem))
    stem = os.fsencode(stem)[:200].decode(errors="ignore").strip(". ") or "story"
    suffix = Path(name).suffix.lower()
    candidate, number = stem + suffix, 1
    while candidate.casefold() in taken:
        # among thousands of one name the next free number is far: as many as there are names is nearly free
        number = number + 1 if number < _SOME else max(number + 1, len(taken))
        candidate = f"{stem} ({number}){suffix}"
    taken.add(candidate.casefold())
    return candidate
