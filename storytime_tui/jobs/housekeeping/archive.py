"""The file of a backup: a zip without compression, with a list of contents that says the checksum of each file.

    stories.sqlite3  settings.toml  desk.json  collections/<name>/…  runs/<name>/…   as they lie in the home
    contents.jsonl   first line: format, version and time; then one file, or one link of a checkpoint, a line

Nothing is compressed: weights hardly shrink, and what is unpacked cannot be larger than the archive.
"""

import contextlib
import hashlib
import json
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from storytime_tui import __version__, small_files
from storytime_tui.errors import StorytimeError
from storytime_tui.terminal import printable_path
from storytime_tui.zip_bounds import BoundedZip

FORMAT = 1
CONTENTS = "contents.jsonl"
MEMBERS = 500_000
ALONE = ("stories.sqlite3", "settings.toml", "desk.json")  # files of the home itself
FOLDERS = ("collections", "runs")

_DIRECTORY = 160_000_000  # bytes of the zip's list of members
_LONGEST_LINE = 100_000  # bytes of a line of contents
_LONGEST_PATH = 4000  # bytes
_LONGEST_NAME = 255  # bytes
_DEEPEST = 40  # folders
_CHUNK = 1_000_000
_LATEST = 2**62  # nanoseconds
_LINK = re.compile(r"runs/[^/]+/checkpoints/(?:last|best)")
_TARGET = re.compile(r"step-(?:0|[1-9][0-9]{0,15})")
_SUM = re.compile("[0-9a-f]{64}")
_DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
    IndexError,
    RuntimeError,
)

Moved = Callable[[int], object]  # called with the bytes of each piece


@dataclass(frozen=True)
class Entry:
    """A file in a backup. `member`: its name in the zip; `modified`: nanoseconds since 1970."""

    path: str
    size: int
    sha256: str
    modified: int
    member: str


@dataclass(frozen=True)
class Contents:
    """What a backup holds. `links`: path of `last` or `best` -> the name of a checkpoint beside it."""

    made: float  # seconds since 1970
    version: str  # of the program
    files: dict[str, Entry] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def below(self, prefix: str) -> dict[str, Entry]:
        """The files in a folder of the backup, by their path in that folder."""
        start = f"{prefix}/"
        return {
            path.removeprefix(start): entry for path, entry in self.files.items() if path.startswith(start)
        }

    def names(self, folder: str) -> list[str]:
        """The collections, or the runs, in order."""
        return sorted({path.split("/")[1] for path in self.files if path.startswith(f"{folder}/")})


# -- writing -----------------------------------------------------------------------------------------------


class BackupWriter:
    """Writes a backup to an open file; `finish` adds the list of contents."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True, strict_timestamps=False)
        self._number = 0

    def add(self, source: BinaryIO, path: str, moved: Moved) -> Entry:
        """Add a file that is open at its beginning, as long as it is now. Raises OSError."""
        about = os.fstat(source.fileno())
        self._number += 1
        try:
            path.encode()
            member = path
        except UnicodeEncodeError:  # a file name that is no UTF-8
            member = f"other/{self._number}"
        if member in self._zip.NameToInfo:  # a second attempt
            member = f"again/{self._number}"
        moment = max(time.localtime(about.st_mtime)[:6], (1980, 1, 1, 0, 0, 0))
        info = zipfile.ZipInfo(member, moment)
        info.external_attr = 0o600 << 16
        digest, left = hashlib.sha256(), about.st_size
        with self._zip.open(info, "w", force_zip64=True) as to:
            while left > 0 and (chunk := source.read(min(left, _CHUNK))):
                digest.update(chunk)
                to.write(chunk)
                left -= len(chunk)
                moved(len(chunk))
        return Entry(path, about.st_size - left, digest.hexdigest(), about.st_mtime_ns, member)

    def abandon(self) -> None:
        """Write nothing more: the file will be removed."""
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()

    def finish(self, contents: Contents) -> None:
        """Write the list of contents, and close the zip. Raises OSError."""
        head = {"format": FORMAT, "version": contents.version, "made": contents.made}
        lines = [head, *map(asdict, contents.files.values())]
        lines += [{"path": path, "link": target} for path, target in contents.links.items()]
        with self._zip.open(CONTENTS, "w", force_zip64=True) as file:
            for line in lines:
                file.write(json.dumps(line).encode() + b"\n")
        self._zip.close()


def new_contents(files: dict[str, Entry], links: dict[str, str]) -> Contents:
    """The contents of a backup that is made now."""
    return Contents(time.time(), __version__, files, links)


# -- reading -----------------------------------------------------------------------------------------------


class Backup:
    """An open backup; everything in it is untrusted."""

    def __init__(self, name: str, archive: zipfile.ZipFile, contents: Contents) -> None:
        self._name, self._zip, self.contents = name, archive, contents

    def extract(self, entry: Entry, to: Path, moved: Moved) -> None:
        """Write one file, which must not exist. Raises StorytimeError if it is not what the contents say, OSError."""
        digest, left = hashlib.sha256(), entry.size
        try:
            with self._zip.open(entry.member) as source, open(to, "xb", opener=_private) as file:
                while chunk := source.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        break
                    digest.update(chunk)
                    file.write(chunk)
                    moved(len(chunk))
        except FileExistsError as error:
            raise _damaged(self._name, f"{entry.path} is in it twice") from error
        except _DAMAGE as error:
            raise _damaged(self._name, f"{entry.path} cannot be read") from error
        if left or digest.hexdigest() != entry.sha256:
            raise _damaged(self._name, f"{entry.path} has changed since it was saved")
        os.utime(to, ns=(entry.modified, entry.modified))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def backup_opened(file: Path) -> Iterator[Backup]:
    """Open a backup, and check its list of contents. Raises StorytimeError for anything that is no whole backup."""
    name = printable_path(file)
    try:
        opened = small_files.open_regular(file)
    except FileNotFoundError:
        raise StorytimeError(f"There is no file at {name}: check the path.") from None
    with opened, contextlib.ExitStack() as stack:
        length = os.fstat(opened.fileno()).st_size
        crowded = _damaged(name, f"it lists more than {MEMBERS:,} files")
        try:
            bounded = BoundedZip(opened, crowded, members=MEMBERS, directory=_DIRECTORY)
            archive = stack.enter_context(zipfile.ZipFile(bounded))
        except (*_DAMAGE, OSError) as error:  # OSError: an offset before the beginning
            raise StorytimeError(
                f"{name} is not a backup of this program, or it was cut off: `storytime-tui backup create` makes one."
            ) from error
        try:
            contents = _contents_in(archive, name, length)
        except (*_DAMAGE, KeyError, TypeError) as error:
            raise _damaged(name, "its list of contents cannot be read") from error
        yield Backup(name, archive, contents)


def _contents_in(archive: zipfile.ZipFile, name: str, length: int) -> Contents:
    """The list of contents, with each file in the zip as it says and each path harmless."""
    if CONTENTS not in archive.NameToInfo:
        raise StorytimeError(
            f"{name} is a zip file, but not a backup of this program: it lacks {CONTENTS}. Give another file."
        )
    if sum(info.file_size for info in archive.infolist()) > length or any(
        map(_is_packed, archive.infolist())
    ):
        raise _damaged(name, "it would unpack to more than it is")
    files: dict[str, Entry] = {}
    links: dict[str, str] = {}
    listed = 0
    with archive.open(CONTENTS) as lines:
        head = _record(lines.readline(_LONGEST_LINE))
        if type(head["format"]) is not int or head["format"] > FORMAT:
            raise StorytimeError(f"{name} was made by a newer Storytime: update Storytime, then try again.")
        while line := lines.readline(_LONGEST_LINE):
            record = _record(line)
            path = str(record["path"])
            if path in files or path in links:
                raise _damaged(name, f"{path} is in it twice")
            if "link" in record:
                if _LINK.fullmatch(path) is None or _TARGET.fullmatch(str(record["link"])) is None:
                    raise _damaged(name, f"{path} is a link that no backup has")
                links[path] = record["link"]
                continue
            entry = Entry(**record)
            info = archive.getinfo(entry.member)
            valid = type(entry.modified) is int and abs(entry.modified) < _LATEST
            if not valid or info.file_size != entry.size or _SUM.fullmatch(entry.sha256) is None:
                raise _damaged(name, f"{path} is not as its list of contents says")
            if not is_harmless(path):
                raise _damaged(name, f"{path} is a place that no backup has")
            files[path] = entry
            listed += entry.size
            if listed > length:  # one member under many names
                raise _damaged(name, "it would unpack to more than it is")
    return Contents(float(head["made"]), str(head["version"]), files, links)


def _is_packed(info: zipfile.ZipInfo) -> bool:
    return info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size


def _record(line: bytes) -> dict[str, Any]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("no object")
    return record


def is_harmless(path: str) -> bool:
    """Whether a path is one of a file in a home, below none of its hidden or unfinished folders."""
    try:
        too_long = len(os.fsencode(path)) > _LONGEST_PATH
    except UnicodeError:
        return False
    parts = path.split("/")
    if too_long or len(parts) > _DEEPEST or "\0" in path or (os.name == "nt" and {":", "\\"} & set(path)):
        return False
    if any(part in ("", ".", "..") or len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
        return False
    if len(parts) == 1:
        return path in ALONE
    return len(parts) > 2 and parts[0] in FOLDERS and not parts[1].startswith(".")


def _damaged(name: str, why: str) -> StorytimeError:
    return StorytimeError(f"The backup {name} cannot be used: {printable_path(why)}. Nothing was restored.")
