"""One-dimensional arrays on disk: written piece by piece, opened memory-mapped."""

import contextlib
import hashlib
import mmap
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

_PIECE = 1 << 20  # bytes read at once
_HEADER = 128  # bytes of NumPy's header for a one-dimensional array of numbers


class ArrayWriter:
    """Writes an `.npy` file of unknown length, one piece in memory at a time.

    A context manager: the file is complete when the block ends without an error. Raises OSError.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self.length = 0
        self._dtype = np.dtype(dtype)
        self._digest = hashlib.sha256()
        self._file = path.open("wb")
        self._file.write(bytes(_HEADER))

    def append(self, numbers: npt.ArrayLike) -> None:
        """Append these numbers."""
        piece = np.asarray(numbers, self._dtype)
        data = piece.tobytes()
        self._file.write(data)
        self._digest.update(data)
        self.length += len(piece)

    @property
    def digest(self) -> str:
        """The SHA-256 of the numbers so far, in hexadecimal."""
        return self._digest.hexdigest()

    def __enter__(self) -> "ArrayWriter":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the header with the final length and close the file."""
        with self._file:
            if kind is None:
                self._file.seek(0)
                described = np.lib.format.dtype_to_descr(self._dtype)
                header = {"descr": described, "fortran_order": False, "shape": (self.length,)}
                np.lib.format.write_array_header_1_0(self._file, header)
                assert self._file.tell() == _HEADER


def open_array(path: Path) -> npt.NDArray[Any]:
    """A one-dimensional array, memory-mapped. Raises ValueError or OSError if it is damaged."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.memmap) or array.ndim != 1:
        raise ValueError(path)
    if path.stat().st_size != array.offset + array.nbytes:
        raise ValueError(path)
    return array


def array_digest(path: Path) -> str:
    """What `ArrayWriter.digest` said of an array, from its file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(_HEADER)
        while data := file.read(_PIECE):
            digest.update(data)
    return digest.hexdigest()


def drop_pages(array: npt.NDArray[Any]) -> None:
    """Take the file's pages behind a memory-mapped array out of memory; they are read again when they are needed.

    Without this, all that was read of a large file counts as the program's memory. Other arrays stay as they are.
    """
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        with contextlib.suppress(OSError):
            base.madvise(mmap.MADV_DONTNEED)
