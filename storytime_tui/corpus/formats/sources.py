"""Finding the texts in a folder, however deep, linked or crowded it is."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath

from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats.other_kinds import DOCUMENTS, about_others
from storytime_tui.corpus.formats.registry import ARCHIVES, SUFFIXES, format_of, suffixes_in_words
from storytime_tui.corpus.formats.twins import without_twins
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import check_stop
from storytime_tui.terminal import printable_path

_SEARCHED_SUFFIXES = frozenset((*SUFFIXES, *ARCHIVES))
_DEEPEST = 8  # nested folders; a library of books has three
_CROWDED = 10  # a folder may hold this total times as total other files as texts
# Files that come with texts or programs and are not stories.
_README = re.compile(r"(?:readme|licen[cs]e|copying|changelog|contributing)(?:[.-].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class SourceFiles:
    """Files to read, sorted by path.

    `problems`: a sentence for each file that may be a story and cannot be read. `notes`: a sentence for each file
    left out for a good reason.
    """

    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_readable_name(path: PurePath) -> bool:
    """Whether a file of this name is read: it has a known suffix, in any case, and is not hidden."""
    return ending_of(path) in SUFFIXES and not path.name.startswith(".")


def why_not(path: Path, column: str) -> str:
    """Why a file that was found, not named, is no text to learn from ("is a table ..."); "" if it may be one."""
    file_format = format_of(path)
    if file_format is None or file_format.why_not is None:
        return ""
    try:
        return file_format.why_not(path, column)
    except OSError:  # reading it will say so
        return ""


def is_readme_name(name: str) -> bool:
    """Whether a folder's file with this name is skipped as a readme or licence."""
    return _README.fullmatch(name) is not None


def source_files(folder: Path, limit: int = 20_000, *, column: str | None = None) -> SourceFiles:
    """The texts and archives in a folder and its subfolders, in natural order ("Tale 2" before "Tale 10").

    Hidden files and folders are skipped. A linked folder is searched once, unless the link leads back to a parent.
    If the same text exists with two suffixes, one file is taken. `column`: tables and JSON without this column of
    texts ("" for a usual name) are left out, as folders have data of all kinds; None takes them all. Raises
    CorpusError if a folder cannot be read, or has no text or more than `limit`.
    """
    shown = printable_path(folder)
    search = _Search(folder, limit, column)
    try:
        search.look_into(folder, 0)
    except OSError as error:
        raise CorpusError(f"The folder {shown} cannot be read: {error.strerror or error}.") from error
    except ValueError:  # the path contains a NUL
        raise CorpusError(f"{shown} is not a path: check it.") from None
    if not search.found:
        raise CorpusError(
            search.problems[0]
            if search.problems
            else " ".join(
                [
                    f"The folder {shown} holds no {suffixes_in_words(*ARCHIVES)} files, "
                    "nor do the folders in it: put the stories there.",
                    *search.about_others(),
                ]
            )
        )
    files, notes = without_twins(search.found)
    return SourceFiles(files, tuple(search.problems), (*search.notes, *notes, *search.about_others()))


class _Search:
    """A search in progress: the files found, and the folders and files seen, by device and inode."""

    def __init__(self, folder: Path, limit: int, column: str | None) -> None:
        self.top = folder
        self.limit = limit
        self.column = column
        self.found: list[Path] = []
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._entries = 0
        self._seen: set[tuple[int, int]] = set()
        self._others: Counter[str] = Counter()  # documents of other kinds, by suffix

    def about_others(self) -> list[str]:
        """A sentence about documents in formats that are not supported; [] if there are none."""
        return about_others(self._others)

    def look_into(self, folder: Path, depth: int) -> None:
        """Add the texts in `folder` and below. Raises CorpusError, and OSError if it cannot be read."""
        about = os.stat(folder)
        if not self._is_new(about.st_dev, about.st_ino):  # reached by a link before
            return
        candidates: list[tuple[os.DirEntry[str], bool]] = []
        texts = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                self._count(texts)
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                is_folder = _is_folder(entry)
                suffix = ending_of(entry.name)
                if is_folder or suffix in _SEARCHED_SUFFIXES:
                    candidates.append((entry, is_folder))
                    texts += not is_folder
                elif suffix in DOCUMENTS and not is_readme(PurePath(entry.name)):
                    self._others[suffix] += 1
        candidates.sort(key=lambda each: name_order(each[0].name))
        for entry, is_folder in candidates:
            path = folder / entry.name
            if is_folder and entry.is_symlink() and _leads_back(path, self.top):
                self.notes.append(
                    f"{printable_path(path)} leads back to a folder that contains it: it is not followed."
                )
            elif is_folder:
                self._look_deeper(path, depth + 1)
            elif self._is_new(*_identity(entry, about.st_dev)):
                self._add(path)

    def _look_deeper(self, folder: Path, depth: int) -> None:
        shown = printable_path(folder)
        if depth > _DEEPEST:
            self.problems.append(f"{shown} is more than {_DEEPEST} folders deep: it was not searched.")
            return
        try:
            self.look_into(folder, depth)
        except OSError as error:
            self.problems.append(f"The folder {shown} cannot be read: {error.strerror or error}.")

    def _add(self, path: Path) -> None:
        if is_readme(path):
            self.notes.append(f"{printable_path(path)} is a readme or licence: it is left out.")
        elif self.column is not None and (why := why_not(path, self.column)):
            self.notes.append(f"{printable_path(path)} {why}: it is left out.")
        else:
            self.found.append(path)
            self._refuse_more_than_limit(len(self.found))

    def _count(self, texts_here: int) -> None:
        """Raise CorpusError as soon as there are too total entries, without listing all of them."""
        check_stop()
        self._entries += 1
        self._refuse_more_than_limit(len(self.found) + texts_here)
        if self._entries > self.limit * _CROWDED:
            raise CorpusError(
                f"The folder {printable_path(self.top)} holds more than {self.limit * _CROWDED:,} files and "
                "folders: put the texts into a folder of their own and name that."
            )

    def _refuse_more_than_limit(self, texts: int) -> None:
        if texts > self.limit:
            raise CorpusError(
                f"The folder {printable_path(self.top)} holds more than {self.limit:,} texts: "
                "name one of the folders in it, or join small texts into larger ones."
            )

    def _is_new(self, device: int, number: int) -> bool:
        """Whether this file or folder was not seen before. The same one can be reached by several links."""
        known = (device, number) in self._seen
        self._seen.add((device, number))
        return not known or not number  # some file systems give no inode numbers


def _leads_back(link: Path, top: Path) -> bool:
    """Whether a link leads to a folder that contains it, or that contains the folder being added."""
    target = os.path.realpath(link)
    around = os.path.join(target, "")
    return any(os.path.join(os.path.realpath(folder), "").startswith(around) for folder in (link.parent, top))


def _identity(entry: os.DirEntry[str], device: int) -> tuple[int, int]:
    """A file's device and inode; (0, 0) for a broken link (reading it will report that)."""
    if not entry.is_symlink():
        return device, entry.inode()
    try:
        about = entry.stat()
    except OSError:
        return 0, 0
    return about.st_dev, about.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_readme(path: PurePath) -> bool:
    """Whether a file is a readme or licence by its name, for example README.md or LICENSE.txt."""
    return _README.fullmatch(stem_of(path)) is not None


def path_order(path: PurePath) -> list[tuple[list[tuple[int, str]], str]]:
    """The sort key of a path: the natural order of its parts."""
    return [name_order(part) for part in path.parts]


def name_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """The sort key of a name: case is ignored, and numbers are sorted by value."""
    key = []
    stem = os.path.splitext(name)[0]  # "Hat.txt" before "Hat 2.txt"
    for number, piece in enumerate(re.split(r"([0-9]+)", stem.casefold())):
        # numbers without leading zeros sort by length, then by digits; int() limits the number of digits
        value = piece.lstrip("0") if number % 2 else piece
        key.append((len(value) if number % 2 else 0, value))
    return key, name
