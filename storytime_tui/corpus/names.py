"""What folders, collections and stories are called: names for the command line, titles for people."""

import os
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable, printable_line

RAW = "raw_text"  # <Author>/raw_text/*.txt is how the first notebook kept its books
_SOME = 100
NAMELESS = "collection"  # what a folder is called whose name has no letter of ours
LONGEST_TITLE = 300  # letters; of a title, an author, a licence


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
    return short_line(string.capwords(words) if words == words.lower() else words) or "Untitled"


def short_line(text: str, longest: int = LONGEST_TITLE) -> str:
    """`text` on one line that is safe to print; where it has more letters than `longest`, its start and "…"."""
    line = printable_line(text[: 20 * longest])  # it may have ten million letters
    return line if len(line) <= longest else line[: longest - 1] + "…"


def checked_title(typed: str) -> str:
    """A title as somebody typed it, on one line. Raises CorpusError for what can be none."""
    if len(typed) > 20 * LONGEST_TITLE:
        raise CorpusError(_too_long(len(typed)))
    title = " ".join(typed.split())
    if not title:
        raise CorpusError("A title needs at least one letter.")
    if len(title) > LONGEST_TITLE:
        raise CorpusError(_too_long(len(title)))
    if printable(title) != title:
        raise CorpusError(
            f"A title cannot hold control characters, as “{printable(title)}” does: leave them out."
        )
    return title


def _too_long(letters: int) -> str:
    return f"A title may have at most {LONGEST_TITLE} letters, but this one has {letters:,}: shorten it."


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
