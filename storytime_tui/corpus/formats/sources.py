"""Which files are texts, and which of them stand in a folder: however deep, linked or crowded it is."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath

from storytime_tui.corpus.formats.table import ARCHIVES, SUFFIXES, suffixes_in_words
from storytime_tui.corpus.formats.twins import without_twins
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import look_up
from storytime_tui.terminal import printable_path

_WANTED = frozenset((*SUFFIXES, *ARCHIVES))
# What may well hold a story, and is not read here: who adds a folder of them must hear of it.
_DOCUMENTS = frozenset(
    f".{kind}"
    for kind in (
        *("docx", "doc", "odt", "rtf", "pdf", "pages", "wps", "tex", "mobi", "azw", "azw3", "fb2", "lit"),
        *("djvu", "rar", "7z", "gz", "tar", "tgz"),
    )
)
_DEEPEST = 8  # folders within folders; a shelf of books has three
_CROWDED = 10  # a folder may hold so many times as many other things as texts
# What stands beside texts and speaks of them, or of the program they came with.
_NOT_STORIES = re.compile(r"(?:readme|licen[cs]e|copying|changelog|contributing)(?:[.-].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class SourceFiles:
    """Files to read, in the order of their paths.

    `problems`: a sentence for each thing that was meant to be read, perhaps, and cannot be. `notes`: one for
    each that is left out for good reason, where nothing is lost.
    """

    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_readable_name(path: PurePath) -> bool:
    """Whether a file of this name is read: by its suffix, in any case, and not when it is hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def speaks_of_texts(name: str) -> bool:
    """Whether a file of this name stands beside texts and speaks of them: a folder's README is none of its stories."""
    return _NOT_STORIES.fullmatch(name) is not None


def source_files(folder: Path, limit: int = 20_000) -> SourceFiles:
    """The texts and archives in a folder and in the folders in it, ordered by path: "Tale 2" before "Tale 10".

    Hidden folders and files are not looked at; a folder that is linked to is looked into, once, unless the link
    leads back to a folder that it stands in. Where the same text stands under one name with two suffixes, one
    file is taken. Raises CorpusError for a folder that cannot be read, that holds no text, or more than `limit`
    of them.
    """
    shown = printable_path(folder)
    search = _Search(folder, limit)
    try:
        search.look_into(folder, 0)
    except OSError as error:
        raise CorpusError(f"The folder {shown} cannot be read: {error.strerror or error}.") from error
    except ValueError:  # a NUL in the path itself
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
    """What was found so far, and which folders and files were seen, by device and number."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.top = folder
        self.limit = limit
        self.found: list[Path] = []
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._entries = 0
        self._seen: set[tuple[int, int]] = set()
        self._others: Counter[str] = Counter()  # documents of other kinds, by suffix

    def about_others(self) -> list[str]:
        """One sentence on the documents that are not read here, or none."""
        kinds = sorted(self._others.items(), key=lambda kind: (-kind[1], kind[0]))
        if not kinds:
            return []
        many = sum(self._others.values())
        named = ", ".join(f"{count:,} {suffix}" for suffix, count in kinds)
        are = "document is of a kind" if many == 1 else "documents are of kinds"
        return [
            f"{many:,} {are} that cannot be read here ({named}): save as .txt, .html or .epub and add that."
        ]

    def look_into(self, folder: Path, depth: int) -> None:
        """Add the texts in `folder` and below it. Raises OSError where it cannot be read, CorpusError."""
        about = os.stat(folder)
        if not self._is_new(about.st_dev, about.st_ino):  # a link that leads back, or a second one here
            return
        wanted: list[tuple[os.DirEntry[str], bool]] = []
        texts = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                self._count(texts)
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                is_folder = _is_folder(entry)
                suffix = _suffix(entry.name)
                if is_folder or suffix in _WANTED:
                    wanted.append((entry, is_folder))
                    texts += not is_folder
                elif suffix in _DOCUMENTS:
                    self._others[suffix] += 1
        wanted.sort(key=lambda each: name_order(each[0].name))
        for entry, is_folder in wanted:
            path = folder / entry.name
            if is_folder and entry.is_symlink() and _leads_back(path, self.top):
                self.notes.append(
                    f"{printable_path(path)} leads back to a folder that it stands in: it is not followed."
                )
            elif is_folder:
                self._look_deeper(path, depth + 1)
            elif self._is_new(*_identity(entry, about.st_dev)):
                self._add(path)

    def _look_deeper(self, folder: Path, depth: int) -> None:
        shown = printable_path(folder)
        if depth > _DEEPEST:
            self.problems.append(f"{shown} lies more than {_DEEPEST} folders deep: it was not looked into.")
            return
        try:
            self.look_into(folder, depth)
        except OSError as error:
            self.problems.append(f"The folder {shown} cannot be read: {error.strerror or error}.")

    def _add(self, path: Path) -> None:
        if is_about_texts(path):
            self.notes.append(f"{printable_path(path)} speaks about the texts, it is none: it is left out.")
        else:
            self.found.append(path)
            self._refuse_more_than_limit(len(self.found))

    def _count(self, texts_here: int) -> None:
        """Raise CorpusError as soon as there are too many things, before all of them are looked at."""
        look_up()
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
        """Whether this file or folder was not met before under another name, which a link gives it."""
        known = (device, number) in self._seen
        self._seen.add((device, number))
        return not known or not number  # there are file systems that number nothing


def _leads_back(link: Path, top: Path) -> bool:
    """Whether a link leads to a folder around it, or around all that is added: everything there would come."""
    target = os.path.realpath(link)
    around = os.path.join(target, "")
    return any(os.path.join(os.path.realpath(folder), "").startswith(around) for folder in (link.parent, top))


def _identity(entry: os.DirEntry[str], device: int) -> tuple[int, int]:
    """A file's device and number; (0, 0) for a link to nothing (reading it will say so)."""
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


def is_about_texts(path: PurePath) -> bool:
    """Whether a file's name says that it speaks about the texts around it, as README.md and LICENSE.txt do."""
    return _NOT_STORIES.fullmatch(path.stem) is not None


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def path_order(path: PurePath) -> list[tuple[list[tuple[int, str]], str]]:
    """By what to sort the paths of a folder so that they stand as people put them."""
    return [name_order(part) for part in path.parts]


def name_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """By what to sort names: capitals don't count, and numbers in them go by their value."""
    key = []
    stem = os.path.splitext(name)[0]  # "Hat.txt" before "Hat 2.txt"
    for place, piece in enumerate(re.split(r"([0-9]+)", stem.casefold())):
        # of numbers the longer is the larger, once its zeros are gone (as an int it might be too long)
        value = piece.lstrip("0") if place % 2 else piece
        key.append((len(value) if place % 2 else 0, value))
    return key, name
