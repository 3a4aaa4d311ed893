"""The names of folders, collections and stories: names for the command line, titles for people."""

import os
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from storytime_tui.corpus.file_names import stem_of
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable, printable_line

RAW = "raw_text"  # the notebook kept its books as <Author>/raw_text/*.txt
_ONE_BY_ONE = 100  # numbers tried one by one
NAMELESS = "collection"  # the name of a folder without an ASCII letter or digit
LONGEST_TITLE = 300  # characters of a title, an author, a licence


def slug(name: str) -> str:
    """A name for folders and the command line: lower-case ASCII letters, digits and hyphens, at most 60."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:60].strip("-")


def folder_name(folder: Path) -> str:
    """A folder's own name, without following links; for `raw_text` the name of its parent."""
    path = Path(os.path.abspath(folder))
    return path.parent.name if path.name == RAW else path.name


def collection_name(path: Path) -> str:
    """The name of the collection in this folder or file."""
    return slug(stem_of(path) if path.is_file() else folder_name(path)) or NAMELESS


def title_from_name(name: str) -> str:
    """The title made from a file's or folder's name: "the_old_fox" becomes "The Old Fox"."""
    words = " ".join(re.sub(r"[_\-\s]+", " ", name).split())
    return short_line(string.capwords(words) if words == words.lower() else words) or "Untitled"


def short_line(text: str, longest: int = LONGEST_TITLE) -> str:
    """`text` on one line, safe to print; if longer than `longest`, its beginning and "…"."""
    line = printable_line(text[: 20 * longest])  # the text may have millions of characters
    return line if len(line) <= longest else line[: longest - 1] + "…"


def checked_title(typed: str) -> str:
    """A title typed by a user, on one line. Raises CorpusError if it is empty, too long or not printable."""
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
    """Whether a story's title is only its file's name and a number, so that nobody gave it one."""
    return re.fullmatch(rf"{re.escape(title_from_name(stem_of(Path(file))))} \d+", title) is not None


def distinct(titles: Iterable[str]) -> Iterator[str]:
    """The titles, made distinct: "Title", "Title (2)", ..."""
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    for title in titles:
        unique, number = title, next_number.get(title, 1)
        while unique in taken:
            number += 1
            unique = f"{title} ({number})"
        next_number[title] = number
        taken.add(unique)
        yield unique


def safe_file_name(name: str, taken: set[str]) -> str:
    """A file name like `name` that is valid on every system and not in `taken`; it is added to `taken`.

    `taken` holds case-folded names, as some file systems ignore case.
    """
    stem = re.sub(r'[\\/:*?"<>|]', "-", printable_line(Path(name).stem))
    stem = os.fsencode(stem)[:200].decode(errors="ignore").strip(". ") or "story"
    suffix = Path(name).suffix.lower()
    candidate, number = stem + suffix, 1
    while candidate.casefold() in taken:
        # with thousands of equal names, jump to the count of names: it is nearly always free
        number = number + 1 if number < _ONE_BY_ONE else max(number + 1, len(taken))
        candidate = f"{stem} ({number}){suffix}"
    taken.add(candidate.casefold())
    return candidate
