"""The headers of safetensors files, read without the library: names, shapes and offsets. Knows no torch.

A file is eight bytes with the header's length, the header in JSON, and the data. Everything in the header is
checked here before it is used, because a file from elsewhere may state any length, shape or offset.
"""

import itertools
import math
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from storytime_tui import small_files
from storytime_tui.errors import ModelError

TensorShape = tuple[int, ...]

_LONGEST_HEADER = 32_000_000  # bytes of a header, enough for 200,000 tensors
_BITS = {
    **dict.fromkeys(("F64", "I64", "U64"), 64),  # complex numbers (C64) are not weights
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I8", "U8", "BOOL"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
_LARGEST_SIZE = 2**53  # size of one dimension


def shapes_in(paths: Iterable[Path]) -> dict[str, TensorShape]:
    """The shape of each tensor in these files. Raises ModelError naming the file that is damaged."""
    shapes: dict[str, TensorShape] = {}
    for path in paths:
        shapes.update(_shapes(path))
    return shapes


def _shapes(path: Path) -> dict[str, TensorShape]:
    try:
        header, data_bytes = _header(path)
        tensors = {
            name: _tensor(description) for name, description in header.items() if name != "__metadata__"
        }
        ranges = sorted(data_range for _, data_range in tensors.values() if data_range[0] < data_range[1])
        in_file = all(begin <= end <= data_bytes for begin, end in ranges)
        if not in_file or any(this[1] > after[0] for this, after in itertools.pairwise(ranges)):
            raise ValueError("its tensors overlap or go beyond its end")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"The weights in {path} are damaged: fetch or copy the model again.") from error
    except small_files.UnreadableFile as error:
        raise ModelError(f"The weights in {path} are damaged: fetch or copy the model again.") from error
    return {name: shape for name, (shape, _) in tensors.items()}


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header, and the number of data bytes after it."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # checked before opening, since opening a pipe would block
        raise ModelError(f"The weights in {path} cannot be read: it is not a regular file.")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
            raise ValueError("an impossible header length")
        header = small_files.parse_json(small_files.decode(file.read(length), path), path)
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    return header, size - 8 - length


def _tensor(description: dict[str, Any]) -> tuple[TensorShape, tuple[int, int]]:
    shape = tuple(description["shape"])
    begin, end = description["data_offsets"]
    if not all(type(each) is int and 0 <= each <= _LARGEST_SIZE for each in (*shape, begin, end)):
        raise ValueError("an impossible size or offset")
    if (end - begin) * 8 != math.prod(shape) * _BITS[description["dtype"]]:
        raise ValueError("a tensor whose size does not match its data")
    return shape, (begin, end)
