"""Zip files opened without trust: bounded in members, in bytes and in ratio."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from storytime_tui.corpus.formats.ordinary import open_ordinary
from storytime_tui.errors import CorpusError
from storytime_tui.stopping import look_up
from storytime_tui.terminal import printable_path

LARGEST_ARCHIVE = 500 * 1024**2  # bytes on the disk: pictures may make it large
LARGEST_MEMBER = 50 * 1024**2  # bytes; no larger file is read anyway
MEMBERS = 20_000
UNPACKED = 200 * 1024**2  # bytes in all that are unpacked from one archive
RATIO = 100  # times its own size; text shrinks to a third, the emptiest page of markup to a twentieth

_FREE = 4 * 1024**2  # bytes that may be unpacked whatever the ratio
_DIRECTORY = 8 * 1024**2  # bytes of the list of members, which is read whole
_MEMBER = b"PK\x01\x02"  # begins the entry of each member in the list
_CHUNK = 64 * 1024  # bytes
_WRITTEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others cannot be unpacked bit by bit
_LOCKED = 0x41  # the flags of a member that a password locks
# What zipfile raises for damaged archives, said and unsaid.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, ValueError, OverflowError, IndexError),
)


class BombError(CorpusError):
    """More comes out of an archive than can be text."""


class Archive(AbstractContextManager["Archive"]):
    """A zip file that is open, of which so much may be unpacked and no more; `name` is for messages."""

    def __init__(self, path: Path, *, kind: str = "a zip file") -> None:
        """Open it and read the list of its members. Raises CorpusError, and OSError for the file itself."""
        self.name = printable_path(path)
        self._kind = kind
        self._spent = 0
        self._file = open_ordinary(path, self.name)
        try:
            self._zip = self._open(self._file)
        except BaseException:
            self._file.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._zip.close()
        self._file.close()

    def _open(self, file: BinaryIO) -> zipfile.ZipFile:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_ARCHIVE:
            largest = LARGEST_ARCHIVE // 1024**2
            raise CorpusError(f"{self.name} is larger than {largest} MB: unpack it and add its texts.")
        self._allowed = min(UNPACKED, max(_FREE, RATIO * size))
        start = file.read(2)
        if not start:
            raise CorpusError(f"{self.name} is empty: there is nothing to learn from it; leave it out.")
        if start != b"PK":
            raise CorpusError(f"{self.name} is not {self._kind}, only called so: get it again.")
        crowded = CorpusError(f"{self.name} holds more than {MEMBERS:,} files: unpack it and add its texts.")
        file.seek(0)
        try:
            opened = zipfile.ZipFile(_Guarded(file, crowded))
        except (*_DAMAGE, OSError) as error:  # OSError: told to look before the beginning of the file
            raise self.damaged() from error
        if len(opened.infolist()) > MEMBERS:
            raise crowded
        return opened

    def members(self) -> list[zipfile.ZipInfo]:
        """What is in it, folders left out."""
        return [
            member for member in self._zip.infolist() if not member.filename.endswith("/") and member.filename
        ]

    def chunks(self, member: zipfile.ZipInfo, called: str) -> Iterator[bytes]:
        """One member's bytes, counted while they come; `called` is how messages name it.

        Raises CorpusError, and OSError for the file itself.
        """
        if member.flag_bits & _LOCKED:
            raise CorpusError(f"{called} is locked with a password: unlock it and add it again.")
        if member.compress_type not in _WRITTEN:
            raise CorpusError(f"{called} is packed in an uncommon way: unpack it and add what was in it.")
        if member.file_size > LARGEST_MEMBER:  # zipfile gives no more bytes than it says here
            raise CorpusError(f"{called} is larger than {LARGEST_MEMBER // 1024**2} MB: leave it out.")
        try:
            with self._zip.open(member) as file:
                while chunk := file.read(_CHUNK):
                    look_up()
                    self._spent += len(chunk)
                    if self._spent > self._allowed:
                        raise BombError(
                            f"{self.name} unpacks to far more than its texts can be (a zip bomb): leave it out."
                        )
                    yield chunk
        except (*_DAMAGE, RuntimeError) as error:
            raise self.damaged(called) from error

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """One member's bytes, for an archive that is one book. Raises CorpusError, OSError."""
        return b"".join(self.chunks(member, self.name))

    def damaged(self, called: str = "") -> CorpusError:
        """The sentence for an archive, or something in it, that cannot be unpacked."""
        return CorpusError(f"{called or self.name} is damaged or cut off: get it again.")


class _Guarded:
    """An open file as zipfile reads it: the list of members is given to it only where that is not too long.

    A zip may hold several records that say where its list is, and how long. Whichever zipfile believes, it reads
    the list in one piece and makes an object of each member: here that piece is looked at first.
    """

    def __init__(self, file: BinaryIO, crowded: CorpusError) -> None:
        self._file = file
        self._crowded = crowded
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, or all. Raises CorpusError for a list of too many members."""
        data = self._file.read(_DIRECTORY + 1 if size < 0 else min(size, _DIRECTORY + 1))
        if len(data) > _DIRECTORY or data.count(_MEMBER) > MEMBERS:
            raise self._crowded
        return data


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's path as it was meant: many programs write UTF-8 without saying so, which reads as DOS's letters."""
    name = member.orig_filename
    if member.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
