"""Copying texts into a new collection: regular files only, with a limit on the total size."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storytime_tui.corpus.file_names import ending_of, stem_of
from storytime_tui.corpus.formats import archives
from storytime_tui.corpus.formats.ordinary import open_ordinary, pieces_of
from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.formats.registry import ARCHIVES, LARGEST, SUFFIXES
from storytime_tui.corpus.formats.sources import is_readme_name, source_files
from storytime_tui.corpus.names import safe_file_name
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Report
from storytime_tui.terminal import printable_path

LARGEST_IMPORT = 2 * 1024**3  # bytes of all texts of one import


class TooMuch(CorpusError):
    """The texts of an import are too large together."""


@contextlib.contextmanager
def _opened(path: Path, origin: str) -> Iterator[BinaryIO]:
    try:
        source = open_ordinary(path, origin)
    except OSError as error:
        raise _unreadable(origin, error) from error
    with source:
        yield source


def _read_from(pieces: Iterator[bytes], origin: str) -> Iterator[bytes]:
    """The pieces of a file. A system error while reading is reported for this file, not for its copy."""
    try:
        yield from pieces
    except OSError as error:
        raise _unreadable(origin, error) from error


def _unreadable(origin: str, error: OSError) -> CorpusError:
    why = "it is not permitted" if isinstance(error, PermissionError) else error.strerror
    return CorpusError(f"{origin} cannot be read: {why}.")


class CopiedFiles:
    """The copies in a new collection's folder with their origins, and what was left out."""

    def __init__(self, folder: Path, column: str = "") -> None:
        self.folder = folder
        self._column = column
        self.origins: dict[Path, str] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._taken: dict[Path, set[str]] = {}
        self._size = 0  # bytes of all copies

    def add_folder(self, source: Path, report: Report | None) -> None:
        """Copy every text in a folder and its subfolders. Raises CorpusError if there is none."""
        found = source_files(source, column=self._column)
        self.problems += found.problems
        self.notes += found.notes
        for done, path in enumerate(found.files):
            if report:
                report("copying", done, len(found.files))
            inside = Path(*(safe_file_name(part, set()) for part in path.relative_to(source).parent.parts))
            try:
                if ending_of(path) in ARCHIVES:
                    self.add_archive(path, inside)
                else:
                    self.add_file(path, inside, printable_path(path))
            except TooMuch:
                raise
            except CorpusError as error:
                self.problems.append(str(error))

    def add_file(self, path: Path, inside: Path, origin: str) -> None:
        """Copy one text. Raises CorpusError if it is not a text or cannot be read; OSError for a full disk."""
        readable = ending_of(path) in SUFFIXES and path.is_file() and path.stat().st_size <= LARGEST
        if not readable:
            read_document(path)  # raises a CorpusError that says what is wrong
            raise CorpusError(f"{origin} cannot be read: check the path.")
        # a README that the user chose is a text; under its own name the collection would skip it
        name = f"text {path.name}" if is_readme_name(path.name) else path.name
        copy = self._place(inside, name)
        too_large = CorpusError(
            f"{origin} is larger than {LARGEST // 1024**2} MB: leave it out, or split it."
        )
        with _opened(path, origin) as source, copy.open("xb") as target:
            try:
                for piece in _read_from(pieces_of(source, LARGEST, too_large), origin):
                    self._count(len(piece))
                    target.write(piece)
            except BaseException:
                target.close()
                copy.unlink()
                raise
        self.origins[copy] = origin

    def _count(self, size: int) -> None:
        """Raise TooMuch if all copies together are too large."""
        self._size += size
        if self._size > LARGEST_IMPORT:
            raise TooMuch(
                f"These texts have more than {LARGEST_IMPORT // 1024**2:,} MB in all: add them in several parts."
            )

    def add_archive(self, path: Path, inside: Path) -> None:
        """Unpack the texts of a .zip into a subfolder. Raises CorpusError."""
        place = self._place(inside, stem_of(path))
        place.mkdir()
        found = archives.unpack(path, place, self._column)
        self._count(sum(copy.stat().st_size for copy in found.files))
        self.problems += found.problems
        self.notes += found.notes
        self.origins.update((copy, f"{printable_path(path)}: {copy.name}") for copy in found.files)

    def _place(self, inside: Path, name: str) -> Path:
        folder = self.folder / inside
        folder.mkdir(parents=True, exist_ok=True)
        return folder / safe_file_name(name, self._taken.setdefault(folder, set()))
