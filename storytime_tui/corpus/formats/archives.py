"""Zip files of texts, unpacked under safe names: nothing leaves the folder."""

import errno
import re
import stat
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

from storytime_tui import files
from storytime_tui.corpus.formats.sources import SourceFiles, is_about_texts, is_readable_name, path_order
from storytime_tui.corpus.formats.table import ARCHIVES, suffixes_in_words
from storytime_tui.corpus.formats.twins import without_twins
from storytime_tui.corpus.formats.zip_archive import Archive, BombError, member_name
from storytime_tui.corpus.names import safe_file_name
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import watched
from storytime_tui.terminal import printable_path

_TOLD = 20  # problems that are told one by one


def unpack(archive: Path, folder: Path) -> SourceFiles:
    """Write the texts in a zip file into `folder`, which is empty, under safe names; in the order of their paths.

    What is no text is passed over; a member that cannot be had, or should not be (a path that leads
    elsewhere, a link), is a problem. Raises CorpusError where nothing can be had, or too much comes out; then
    what was written so far is the caller's to throw away.
    """
    shown = printable_path(archive)
    try:
        with Archive(archive) as opened:
            return _unpack(opened, folder)
    except FileNotFoundError:
        raise CorpusError(f"{shown} is not there (any more): check the path.") from None
    except PermissionError:
        raise CorpusError(f"{shown} cannot be read: it is not permitted; change its permissions.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CorpusError(files.explain(error, f"unpacking {shown}")) from error
        raise CorpusError(f"{shown} cannot be read: {error.strerror or error}.") from error
    except ValueError:  # a NUL in the path itself
        raise CorpusError(f"{shown} is not a path: check it.") from None


def _unpack(archive: Archive, folder: Path) -> SourceFiles:
    wanted, problems = _wanted(archive)
    about = [path for path in wanted if is_about_texts(path)]
    notes = tuple(f"{_called(path, archive)} speaks about the texts: it is left out." for path in about)
    written: dict[Path, PurePosixPath] = {}
    taken: set[str] = set()
    same_name: Counter[str] = Counter()
    for path in sorted(wanted.keys() - about, key=path_order):
        same_name[path.name] += 1
        number = f" ({same_name[path.name]})" if same_name[path.name] > 1 else ""
        target = folder / safe_file_name(f"{path.stem}{number}{path.suffix}", taken)
        try:
            with target.open("xb") as file:
                for chunk in archive.chunks(wanted[path], _called(path, archive)):
                    file.write(chunk)
        except BombError:
            raise
        except CorpusError as error:
            target.unlink()
            problems.append(str(error))
        else:
            written[target] = path
    if not written:
        nothing = f"{archive.name} holds no {suffixes_in_words()} files: there is nothing to add."
        raise CorpusError(problems[0] if problems else nothing)
    if len(problems) > _TOLD:
        problems[_TOLD:] = [f"{len(problems) - _TOLD:,} more files in {archive.name} cannot be read."]
    kept, twins = without_twins(tuple(written), lambda path: _called(written[path], archive))
    for target in written.keys() - set(kept):
        target.unlink()
    return SourceFiles(kept, tuple(problems), (*twins, *notes))


def _wanted(archive: Archive) -> tuple[dict[PurePosixPath, zipfile.ZipInfo], list[str]]:
    """The members that are texts, by their paths, and a sentence for each that may be one but is not taken."""
    wanted: dict[PurePosixPath, zipfile.ZipInfo] = {}
    problems: list[str] = []
    for member in watched(archive.members()):
        name = member_name(member)
        parts = [part for part in re.split(r"[\\/]", name) if part not in ("", ".")]
        if not parts or any(map(_is_hidden, parts)):
            continue
        path = PurePosixPath(*parts)
        called = _called(path, archive)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if path.suffix.lower() in ARCHIVES:
            problems.append(f"{called} is an archive within an archive: unpack it and add it by itself.")
        elif not is_readable_name(path):
            continue
        elif ".." in parts or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
            problems.append(f"{called} has a path that leads out of the archive: it is left out.")
        elif kind not in (0, stat.S_IFREG):
            problems.append(f"{called} is a link, not a file: it is left out.")
        else:
            wanted[path] = member
    return wanted, problems


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _called(path: PurePosixPath, archive: Archive) -> str:
    return f"{printable_path(path)} in {archive.name}"
