"""What the heads of safetensors files say, read without the library: names, shapes and places. Knows no torch.

A file is eight bytes with the head's length, the head in JSON, and the numbers. Everything in a head is checked here
before anybody believes it: a length, a shape or a place may be anything in a file from elsewhere.
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

_LONGEST = 32_000_000  # bytes of a head: room for 200,000 tensors
_BITS = {
    **dict.fromkeys(("F64", "I64", "U64"), 64),  # complex numbers (C64) are no weights
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I8", "U8", "BOOL"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
_LARGEST = 2**53  # of one dimension


def shapes_in(paths: Iterable[Path]) -> dict[str, TensorShape]:
    """The shape of each tensor in these files. Raises ModelError naming the file that is damaged."""
    found: dict[str, TensorShape] = {}
    for path in paths:
        found.update(_shapes(path))
    return found


def _shapes(path: Path) -> dict[str, TensorShape]:
    try:
        head, room = _head(path)
        tensors = {name: _tensor(facts) for name, facts in head.items() if name != "__metadata__"}
        places = sorted(place for _, place in tensors.values() if place[0] < place[1])
        ends_in_time = all(begin <= end <= room for begin, end in places)
        if not ends_in_time or any(this[1] > after[0] for this, after in itertools.pairwise(places)):
            raise ValueError("its tensors lie over each other or beyond its end")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"The weights in {path} are damaged: fetch or copy the model again.") from error
    except small_files.UnreadableFile as error:
        raise ModelError(f"The weights in {path} are damaged: fetch or copy the model again.") from error
    return {name: shape for name, (shape, _) in tensors.items()}


def _head(path: Path) -> tuple[dict[str, Any], int]:
    """The head, and how many bytes of numbers follow it."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # asked first: opening a pipe would wait
        raise ModelError(f"The weights in {path} cannot be read: it is no regular file.")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LONGEST, size - 8):
            raise ValueError("its head cannot be so long")
        head = small_files.parse_json(small_files.decode(file.read(length), path), path)
    if not isinstance(head, dict):
        raise ValueError("its head is no table")
    return head, size - 8 - length


def _tensor(facts: dict[str, Any]) -> tuple[TensorShape, tuple[int, int]]:
    shape = tuple(facts["shape"])
    begin, end = facts["data_offsets"]
    if not all(type(each) is int and 0 <= each <= _LARGEST for each in (*shape, begin, end)):
        raise ValueError("a size or a place that cannot be")
    if (end - begin) * 8 != math.prod(shape) * _BITS[facts["dtype"]]:
        raise ValueError("a tensor of another size than its place")
    return shape, (begin, end)
