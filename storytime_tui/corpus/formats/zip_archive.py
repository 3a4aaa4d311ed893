"""Reading untrusted zip files, with limits on members, bytes and compression ratio."""

import copy
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
from storytime_tui.stopping import check_stop
from storytime_tui.terminal import printable_path
from storytime_tui.zip_bounds import BoundedZip

LARGEST_ARCHIVE = 500 * 1024**2  # bytes of the zip file, which may contain pictures
LARGEST_MEMBER = 50 * 1024**2  # bytes; a larger text is not read anyway
MEMBERS = 20_000
UNPACKED = 200 * 1024**2  # bytes unpacked from one archive
RATIO = 100  # bytes unpacked for each byte of the archive; text has 3, the emptiest markup 20

_FREE = 4 * 1024**2  # bytes that may be unpacked whatever the ratio
_DIRECTORY = 8 * 1024**2  # bytes of the central directory, which zipfile reads at once
_CHUNK = 64 * 1024  # bytes
_SMALL_CHUNK = 512  # bytes; of a damaged member the piece with the damage is lost
_SUPPORTED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile cannot unpack others in pieces
_LOCKED = 0x41  # flags of an encrypted member
# What zipfile raises for damaged archives, documented or not.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, ValueError, OverflowError, IndexError),
)


class BombError(CorpusError):
    """An archive unpacks to more than texts can have."""


class LockedError(CorpusError):
    """A member is locked with a password."""


class Archive(AbstractContextManager["Archive"]):
    """An open zip file with a limit on the bytes unpacked; `name` is for messages."""

    def __init__(self, path: Path, *, kind: str = "a zip file") -> None:
        """Open the file and read its list of members. Raises CorpusError, and OSError for the file itself."""
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
            raise CorpusError(f"{self.name} is not {self._kind} despite its name: get it again.")
        crowded = CorpusError(f"{self.name} holds more than {MEMBERS:,} files: unpack it and add its texts.")
        file.seek(0)
        try:
            opened = zipfile.ZipFile(BoundedZip(file, crowded, members=MEMBERS, directory=_DIRECTORY))
        except (*_DAMAGE, OSError) as error:  # OSError: an offset before the beginning of the file
            raise self.damaged() from error
        if len(opened.infolist()) > MEMBERS:
            raise crowded
        return opened

    def members(self) -> list[zipfile.ZipInfo]:
        """The members, without folders."""
        return [
            member for member in self._zip.infolist() if not member.filename.endswith("/") and member.filename
        ]

    def chunks(self, member: zipfile.ZipInfo, called: str, size: int = _CHUNK) -> Iterator[bytes]:
        """A member's bytes in pieces of at most `size`; `called` names it in messages.

        Raises CorpusError, and OSError for the file itself.
        """
        if member.flag_bits & _LOCKED:
            raise LockedError(f"{called} is locked with a password: unlock it and add it again.")
        if member.compress_type not in _SUPPORTED:
            raise CorpusError(f"{called} has an unsupported compression: unpack it and add what was in it.")
        if member.file_size > LARGEST_MEMBER:  # zipfile returns no more bytes than this
            raise CorpusError(f"{called} is larger than {LARGEST_MEMBER // 1024**2} MB: leave it out.")
        try:
            with self._zip.open(member) as file:
                while chunk := file.read(size):
                    check_stop()
                    self._spent += len(chunk)
                    if self._spent > self._allowed:
                        raise BombError(
                            f"{self.name} unpacks to far more than its texts can be (a zip bomb): leave it out."
                        )
                    yield chunk
        except (*_DAMAGE, RuntimeError) as error:
            raise self.damaged(called) from error

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """A member's bytes, for an archive that is one book. Raises CorpusError, OSError."""
        return b"".join(self.chunks(member, self.name))

    def readable_part(self, member: zipfile.ZipInfo) -> tuple[bytes, bool]:
        """A member's bytes up to where it is damaged, and whether they are whole. Raises CorpusError, OSError.

        Only a bomb and a password are errors. Of a member with a wrong checksum all bytes are returned.
        """
        try:
            return self.read(member), True
        except (BombError, LockedError):
            raise
        except CorpusError:
            pass
        unchecked = copy.copy(member)
        del unchecked.CRC  # zipfile then checks none
        data = bytearray()
        try:
            for chunk in self.chunks(unchecked, self.name, _SMALL_CHUNK):
                data += chunk
        except BombError:
            raise
        except CorpusError:
            pass
        return bytes(data), False

    def damaged(self, called: str = "") -> CorpusError:
        """The error for an archive, or a member, that cannot be unpacked."""
        return CorpusError(f"{called or self.name} is damaged or cut off: get it again.")


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's intended path: many programs write UTF-8 without the flag, and zipfile then decodes it as CP437."""
    name = member.orig_filename
    if member.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
