"""The header of a GGUF file: its values, and where its tensors are. Knows no torch.

The format is described in github.com/ggml-org/ggml, docs/gguf.md. Everything in the header is checked here before it is
used, because a file from elsewhere may state any length, shape or offset; the `gguf` package's own reader would follow
a wrong length for hours.
"""

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models.folder import GGUF_MAGIC
from storytime_tui.terminal import printable_path

_VERSIONS = (2, 3)
_MOST_VALUES, _MOST_TENSORS, _MOST_SIZES = 10_000, 100_000, 8
_MOST_ITEMS = 2_000_000  # of one list: a vocabulary with its merges has up to half a million
_LONGEST_TEXT = 1_000_000  # bytes
_LARGEST_SIZE = 2**40  # of one dimension
_NUMBERS = dict(enumerate(("B", "b", "H", "h", "I", "i", "f", "?"))) | {10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9

# A kind of tensor: its name, and how many numbers take how many bytes. Those that `gguf` can turn into floats.
KINDS = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 30: ("BF16", 1, 2),
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 20: ("IQ4_NL", 32, 18), 23: ("IQ4_XS", 256, 136),
}  # fmt: skip


class UnusableFile(ModelError):
    """What is wrong with a file, in words that follow its name: `folder.folder_of` puts it before them."""


@dataclass(frozen=True)
class TensorPlace:
    """One tensor: `shape` with the rows first, its kind (see `KINDS`), and where its bytes begin and how many."""

    shape: tuple[int, ...]
    kind: int
    begin: int
    bytes: int


@dataclass(frozen=True)
class Header:
    """`values`: numbers, texts, and lists of these; `tensors`: by their names in the file."""

    values: dict[str, Any]
    tensors: dict[str, TensorPlace]

    @property
    def architecture(self) -> str:
        """The kind of model, such as `llama`; "" if the file does not say."""
        named = self.values.get("general.architecture")
        return named if isinstance(named, str) else ""

    def value(self, name: str, default: Any = None) -> Any:
        """The value `name` of this architecture, such as `block_count`."""
        return self.values.get(f"{self.architecture}.{name}", default)


def read_header(path: Path) -> Header:
    """The header of the file. Raises ModelError for a file that is none, is damaged, or cannot be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:4] != GGUF_MAGIC:
                raise ModelError(f"{printable_path(path)} is no GGUF file: it does not begin as one.")
            return _Reading(data).header()
    except (ValueError, struct.error, UnicodeDecodeError, KeyError) as error:
        reason = str(error) if type(error) is ValueError and "mmap" not in str(error) else "it ends too early"
        raise ModelError(
            f"{printable_path(path)} is damaged or of an unknown kind ({reason}): fetch or copy it again."
        ) from error
    except OSError as error:
        raise ModelError(f"{printable_path(path)} cannot be read: {error.strerror or error}.") from error


class _Reading:
    """A header, from its first byte to its last."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, 4

    def header(self) -> Header:
        version = self._number("I")
        if version not in _VERSIONS:
            raise ValueError(
                f"its version is {version}, and only {' and '.join(map(str, _VERSIONS))} are known"
            )
        tensors, values = self._count(_MOST_TENSORS), self._count(_MOST_VALUES)
        held: dict[str, Any] = {}
        for _ in range(values):
            name = self._text()
            held[name] = self._value(self._number("I"))
        found = [self._tensor() for _ in range(tensors)]
        alignment = held.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 2**20:
            raise ValueError(f"its alignment is {alignment!r}")
        start = -(-self._at // alignment) * alignment
        return Header(held, {name: self._placed(start, *rest) for name, rest in found})

    def _placed(self, start: int, shape: tuple[int, ...], kind: int, offset: int) -> TensorPlace:
        if kind not in KINDS:
            raise ValueError(f"it has a tensor of the kind {kind}, which is not known here")
        _, numbers, size = KINDS[kind]
        if shape[-1] % numbers:
            raise ValueError("a tensor's rows are not whole blocks")
        place = TensorPlace(shape, kind, start + offset, math.prod(shape) // numbers * size)
        if place.begin + place.bytes > len(self._data):
            raise ValueError("its tensors go beyond its end")
        return place

    def _tensor(self) -> tuple[str, tuple[tuple[int, ...], int, int]]:
        name, sizes = self._text(), self._number("I")
        if not 0 < sizes <= _MOST_SIZES:
            raise ValueError(f"a tensor has {sizes} dimensions")
        shape = tuple(self._number("Q") for _ in range(sizes))
        if not all(0 < size <= _LARGEST_SIZE for size in shape):
            raise ValueError("a tensor has an impossible size")
        return name, (shape[::-1], self._number("I"), self._number("Q"))

    def _value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            return self._number(_NUMBERS[kind])
        of, count = self._number("I"), self._count(_MOST_ITEMS)
        if of == _TEXT:
            return [self._text() for _ in range(count)]
        code = "<" + _NUMBERS[of] * count
        values = list(struct.unpack_from(code, self._data, self._at))
        self._at += struct.calcsize(code)
        return values

    def _count(self, most: int) -> int:
        count = self._number("Q")
        if count > most:
            raise ValueError(f"it states {count:,} entries")
        return int(count)

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack_from("<" + code, self._data, self._at)
        self._at += struct.calcsize("<" + code)
        return value

    def _text(self) -> str:
        length = self._number("Q")
        if length > _LONGEST_TEXT:
            raise ValueError(f"it states a text of {length:,} bytes")
        data = self._data[self._at : self._at + length]
        if len(data) < length:
            raise struct.error
        self._at += length
        return data.decode()
