"""Opening a zip file whose list of members cannot grow beyond what is expected."""

from typing import BinaryIO

_MEMBER = b"PK\x01\x02"  # the signature of a member in the central directory


class BoundedZip:
    """An open file that refuses to give zipfile a central directory that is too long.

    A zip file may have several records with the place and length of its directory. Whichever zipfile uses, it reads
    the directory in one piece and makes an object for each member; that piece is checked here first.
    """

    def __init__(self, file: BinaryIO, crowded: Exception, *, members: int, directory: int) -> None:
        """`crowded` is raised for more than this many members, or bytes of the directory."""
        self._file, self._crowded = file, crowded
        self._members, self._directory = members, directory
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, or all. Raises `crowded`."""
        most = self._directory + 1
        data = self._file.read(most if size < 0 else min(size, most))
        if len(data) > self._directory or data.count(_MEMBER) > self._members:
            raise self._crowded
        return data
