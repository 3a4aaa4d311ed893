"""Zip files of texts, unpacked into one folder under safe names."""

import errno
import re
import stat
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath

from storytime_tui import files
from storytime_tui.corpus.file_names import ending_of
from storytime_tui.corpus.formats.other_kinds import DOCUMENTS, about_others
from storytime_tui.corpus.formats.registry import ARCHIVES, suffixes_in_words
from storytime_tui.corpus.formats.sources import SourceFiles, is_readable_name, is_readme, path_order, why_not
from storytime_tui.corpus.formats.twins import without_twins
from storytime_tui.corpus.formats.zip_archive import Archive, BombError, member_name
from storytime_tui.corpus.names import safe_file_name
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import stoppable
from storytime_tui.terminal import printable_path

_SHOWN = 20  # problems listed one by one


def unpack(archive: Path, folder: Path, column: str = "") -> SourceFiles:
    """Write the texts of a zip file into the empty `folder` under safe names, ordered by path.

    Other members are ignored, but documents of kinds that are not read are counted in a note. A text that cannot or
    should not be unpacked (a path outside the archive, a link) is a problem. `column`: the one of a data set that holds
    the texts. Raises CorpusError if there is no text to unpack, or too much comes out; the caller then deletes what was
    written.
    """
    shown = printable_path(archive)
    try:
        with Archive(archive) as opened:
            return _unpack(opened, folder, column)
    except FileNotFoundError:
        raise CorpusError(f"{shown} does not exist: check the path.") from None
    except PermissionError:
        raise CorpusError(f"{shown} cannot be read: it is not permitted; change its permissions.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CorpusError(files.explain(error, f"unpacking {shown}")) from error
        raise CorpusError(f"{shown} cannot be read: {error.strerror or error}.") from error
    except ValueError:  # the path contains a NUL
        raise CorpusError(f"{shown} is not a path: check it.") from None


def _unpack(archive: Archive, folder: Path, column: str) -> SourceFiles:
    texts, problems, others = _texts_in(archive)
    readmes = [path for path in texts if is_readme(path)]
    notes = [f"{_called(path, archive)} is a readme or licence: it is left out." for path in readmes]
    written: dict[Path, PurePosixPath] = {}
    taken: set[str] = set()
    same_name: Counter[str] = Counter()
    for path in sorted(texts.keys() - readmes, key=path_order):
        same_name[path.name] += 1
        number = f" ({same_name[path.name]})" if same_name[path.name] > 1 else ""
        target = folder / safe_file_name(f"{path.stem}{number}{path.suffix}", taken)
        try:
            with target.open("xb") as file:
                for chunk in archive.chunks(texts[path], _called(path, archive)):
                    file.write(chunk)
        except BombError:
            raise
        except CorpusError as error:
            target.unlink()
            problems.append(str(error))
        else:
            if why := why_not(target, column):
                notes.append(f"{_called(path, archive)} {why}: it is left out.")
                target.unlink()
            else:
                written[target] = path
    if not written:
        nothing = f"{archive.name} holds no {suffixes_in_words()} files: there is nothing to add."
        raise CorpusError(problems[0] if problems else " ".join([nothing, *about_others(others)]))
    if len(problems) > _SHOWN:
        problems[_SHOWN:] = [f"{len(problems) - _SHOWN:,} more files in {archive.name} cannot be read."]
    kept, twins = without_twins(tuple(written), lambda path: _called(written[path], archive))
    for target in written.keys() - set(kept):
        target.unlink()
    return SourceFiles(kept, tuple(problems), (*twins, *notes, *about_others(others)))


def _texts_in(archive: Archive) -> tuple[dict[PurePosixPath, zipfile.ZipInfo], list[str], Counter[str]]:
    """The members that are texts, by path, and a sentence for each that might be one but is not taken.

    Documents of kinds that are not read are counted by their endings.
    """
    texts: dict[PurePosixPath, zipfile.ZipInfo] = {}
    problems: list[str] = []
    others: Counter[str] = Counter()
    for member in stoppable(archive.members()):
        name = member_name(member)
        parts = [part for part in re.split(r"[\\/]", name) if part not in ("", ".")]
        if not parts or any(map(_is_hidden, parts)):
            continue
        path = PurePosixPath(*parts)
        called = _called(path, archive)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if ending_of(path) in ARCHIVES:
            problems.append(f"{called} is an archive within an archive: unpack it and add it by itself.")
        elif not is_readable_name(path):
            if ending_of(path) in DOCUMENTS and not is_readme(path):
                others[ending_of(path)] += 1
        elif ".." in parts or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
            problems.append(f"{called} has a path that leads out of the archive: it is left out.")
        elif kind not in (0, stat.S_IFREG):
            problems.append(f"{called} is a link, not a file: it is left out.")
        else:
            texts[path] = member
    return texts, problems, others


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _called(path: PurePosixPath, archive: Archive) -> str:
    return f"{printable_path(path)} in {archive.name}"
