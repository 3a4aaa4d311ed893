"""The tensors of a GGUF file, written as safetensors under Hugging Face's names. Knows no torch."""

import json
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models.gguf import shape
from storytime_tui.models.gguf.header import KINDS, Header, TensorPlace, UnusableFile
from storytime_tui.reporting import Progress

# By the kind in the file: the type that safetensors calls it, and numpy's. bf16, which numpy lacks, stays as it is.
_STORED = {
    "F32": ("F32", np.dtype("<f4")),
    "F16": ("F16", np.dtype("<f2")),
    "BF16": ("BF16", np.dtype("<u2")),
}
_BF16_NOT_FINITE = 0x7F80  # all bits of the exponent


def write_safetensors(source: Path, header: Header, target: Path, on_bytes: Progress) -> None:
    """Write all tensors of `source` to the new file `target`, one in memory at a time; quantised ones become fp16.

    The rounding of fp16 is far below that of any quantised form. The format (huggingface.co/docs/safetensors): the
    header's length in 8 bytes, the header in JSON, the data. Raises ModelError, and OSError where the disk is full.
    """
    plan = {ours: (name, *_stored_as(header, name)) for name, ours in shape.names_of(header)}
    described: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    # fp32 first, so that each tensor begins at a multiple of its numbers' size
    for ours in sorted(plan, key=lambda each: -plan[each][2].itemsize):
        _, kind, dtype, sizes = plan[ours]
        begin, end = end, end + math.prod(sizes) * dtype.itemsize
        described[ours] = {"dtype": kind, "shape": list(sizes), "data_offsets": [begin, end]}
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 8)
    done = 0
    with (
        source.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        target.open("xb") as out,
    ):
        out.write(len(text).to_bytes(8, "little") + text)
        for ours in list(described)[1:]:
            name, _, dtype, _ = plan[ours]
            part = _converted(data, header, name, dtype).tobytes()
            out.write(part)
            done += len(part)
            on_bytes(done, end)


def read_floats(source: Path, place: TensorPlace) -> list[float]:
    """The numbers of a small tensor. Raises ModelError and OSError."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return [float(each) for each in _numbers(data, place)]


def _stored_as(header: Header, name: str) -> tuple[str, Any, tuple[int, ...]]:
    place = header.tensors[name]
    kind, dtype = _STORED.get(KINDS[place.kind][0], _STORED["F16"])
    return kind, dtype, place.shape[::-1] if shape.is_transposed(header, name) else place.shape


def _converted(data: mmap.mmap, header: Header, name: str, dtype: Any) -> Any:
    """A tensor as Hugging Face's file holds it."""
    place = header.tensors[name]
    values = _numbers(data, place)
    heads = shape.permuted_heads(header, name)
    if heads:
        half = place.shape[0] // heads // 2
        values = values.reshape(heads, half, 2, *place.shape[1:]).swapaxes(1, 2).reshape(place.shape)
    if shape.is_transposed(header, name):
        values = values.T
    with np.errstate(over="ignore"):  # an overflow is found below
        values = values.astype(dtype)
    finite = np.isfinite(values) if dtype.kind == "f" else (values & _BF16_NOT_FINITE) != _BF16_NOT_FINITE
    if not finite.all():
        raise UnusableFile(f"is damaged: {name} holds values that are no numbers. Fetch or copy it again.")
    return np.ascontiguousarray(values)


def _numbers(data: mmap.mmap, place: TensorPlace) -> Any:
    """The numbers at a place, in its shape; bf16 as the bits. Raises ModelError if `gguf` is needed and missing."""
    raw: Any = np.frombuffer(data[place.begin : place.begin + place.bytes], np.uint8)
    kind = KINDS[place.kind][0]
    if kind in _STORED:
        return raw.view(_STORED[kind][1]).reshape(place.shape)
    try:
        import gguf
    except ImportError:
        raise ModelError(
            "Reading a quantised GGUF file needs the package gguf: install it with "
            "`pip install 'storytime-tui[gguf]'`."
        ) from None
    try:
        blocks = raw.reshape(*place.shape[:-1], -1)
        return gguf.dequantize(blocks, gguf.GGMLQuantizationType(place.kind)).reshape(place.shape)
    except BaseException as error:  # numpy's of many kinds
        if not is_fault(error):
            raise
        raise ModelError(f"A tensor of the kind {kind} cannot be read: {error}.") from error
