"""A model's weights, tensor by tensor: read from safetensors, converted to another dtype, written in shards.

Only one tensor is in memory at a time, so a model larger than the memory can be exported.
"""

import contextlib
import json
import math
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.reporting import Progress

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
SHARD_BYTES = 4_900_000_000  # per weight file; the Hub's storage takes at most 5 GB in one request

_STORED = {  # safetensors' names of dtypes
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
# Old GPT-2 files also store the unused causal mask.
_MASK_SUFFIXES = (".attn.bias", ".attn.masked_bias")
_NAMES = {dtype: name for name, dtype in _STORED.items()}


@dataclass(frozen=True)
class TensorInfo:
    """A tensor's shape and stored dtype, known without reading it."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        """The size of its data."""
        return math.prod(self.shape) * self.dtype.itemsize


class Weights(Protocol):
    """Named tensors, each read on demand."""

    @property
    def entries(self) -> Mapping[str, TensorInfo]:
        """Every tensor, in the order of writing."""
        ...

    def load(self, name: str) -> torch.Tensor:
        """One tensor as stored, on the CPU. Raises ModelError for a damaged file."""
        ...


# -- reading -----------------------------------------------------------------------------------------------


class StoredWeights:
    """The tensors of some safetensors files; created by `open_weights` and `open_file`."""

    def __init__(self, sources: dict[str, tuple[Path, Any]], entries: dict[str, TensorInfo]) -> None:
        self._sources = sources
        self.entries: Mapping[str, TensorInfo] = entries

    def load(self, name: str) -> torch.Tensor:
        """One tensor as stored. Raises ModelError."""
        path, handle = self._sources[name]
        with _damage_reported(path):
            tensor: torch.Tensor = handle.get_tensor(name)
            return tensor


def open_weights(folder: Path) -> AbstractContextManager[StoredWeights]:
    """The weights of a model folder, open for the block. Raises ModelError if they are missing or damaged."""
    return _open([folder / name for name in model_folder.weight_names(folder)])


def open_file(path: Path) -> AbstractContextManager[StoredWeights]:
    """The tensors of one safetensors file, open for the block. Raises ModelError."""
    return _open([path])


@contextlib.contextmanager
def _open(paths: list[Path]) -> Iterator[StoredWeights]:
    sources: dict[str, tuple[Path, Any]] = {}
    entries: dict[str, TensorInfo] = {}
    with ExitStack() as stack:
        for path in paths:
            with _damage_reported(path):
                handle = stack.enter_context(safe_open(path, framework="pt"))
                for name in handle.keys():  # noqa: SIM118 - not a mapping
                    slice_info = handle.get_slice(name)
                    dtype, shape = slice_info.get_dtype(), tuple(slice_info.get_shape())
                    if name.endswith(_MASK_SUFFIXES) and len(shape) in (0, 4):
                        continue
                    if dtype not in _STORED:
                        raise ModelError(f"{path} holds {name} as {dtype}, which cannot be exported.")
                    sources[name] = (path, handle)
                    entries[name] = TensorInfo(shape, _STORED[dtype])
        yield StoredWeights(sources, entries)


@contextlib.contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing: fetch or copy the model again.") from error
    except SafetensorError as error:
        raise ModelError(f"{path} is damaged ({error}): fetch or copy the model again.") from error


# -- converting --------------------------------------------------------------------------------------------


def converted(entry: TensorInfo, dtype: torch.dtype | None) -> TensorInfo:
    """A tensor's entry after conversion to `dtype`: only floating-point tensors change; None changes nothing."""
    return TensorInfo(entry.shape, dtype) if dtype is not None and entry.dtype.is_floating_point else entry


def convert(name: str, tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """`tensor` rounded to `dtype`. Raises ModelError if a number overflows."""
    rounded = tensor.to(dtype)
    narrower = rounded.is_floating_point() and dtype.itemsize < tensor.dtype.itemsize
    if narrower and bool(rounded.isinf().any()) and not torch.equal(rounded.isinf(), tensor.isinf()):
        raise ModelError(
            f"{name} holds numbers too large for {dtype_name(dtype)}: export with --dtype fp32 (or bf16)."
        )
    return rounded


def dtype_of(weights: Weights, dtype: torch.dtype | None) -> torch.dtype | None:
    """The dtype that all floating-point tensors have once written; None if they differ."""
    dtypes = {converted(entry, dtype).dtype for entry in weights.entries.values()}
    floating = {each for each in dtypes if each.is_floating_point}
    return floating.pop() if len(floating) == 1 else None


def dtype_name(dtype: torch.dtype) -> str:
    """The dtype's name in config.json, such as `float32`."""
    return str(dtype).removeprefix("torch.")


def total_bytes(weights: Weights, dtype: torch.dtype | None) -> int:
    """The size of all tensors once written."""
    return sum(converted(entry, dtype).bytes for entry in weights.entries.values())


def config_in(config: dict[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """`config` with `dtype`, under its current key and the older `torch_dtype`."""
    updated = {
        key: config_in(value, dtype) if isinstance(value, dict) and _says_dtype(value) else value
        for key, value in config.items()
        if key != "_name_or_path"  # a local path of the training machine
    }
    return {**updated, "dtype": dtype_name(dtype), "torch_dtype": dtype_name(dtype)}


def _says_dtype(config: dict[str, Any]) -> bool:
    return "dtype" in config or "torch_dtype" in config


# -- writing -----------------------------------------------------------------------------------------------


def write_weights(
    weights: Weights,
    folder: Path,
    dtype: torch.dtype | None = None,
    on_bytes: Progress = lambda done, total: None,
    shard_bytes: int = SHARD_BYTES,
) -> tuple[str, ...]:
    """Write the weights into `folder` as `model.safetensors`, or as shards with an index; return the file names.

    `on_bytes(done, total)` is called after each tensor. Raises OSError, and ModelError for damaged sources.
    """
    entries = {name: converted(entry, dtype) for name, entry in weights.entries.items()}
    shards = _shards(entries, shard_bytes)
    total = sum(entry.bytes for entry in entries.values())
    done = 0
    names = []
    for number, shard in enumerate(shards, 1):
        name = model_folder.WEIGHTS
        if len(shards) > 1:
            name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        with (folder / name).open("wb") as file:
            for count in _write_shard(file, shard, weights):
                done += count
                on_bytes(done, total)
        names.append(name)
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": total},
            "weight_map": {each: name for name, shard in zip(names, shards, strict=True) for each in shard},
        }
        (folder / model_folder.WEIGHTS_INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return tuple(names)


def _shards(entries: Mapping[str, TensorInfo], limit: int) -> list[dict[str, TensorInfo]]:
    """The tensors in order, split where the next would not fit; a tensor above the limit gets its own shard."""
    shards: list[dict[str, TensorInfo]] = [{}]
    room = limit
    for name, entry in entries.items():
        if shards[-1] and entry.bytes > room:
            shards.append({})
            room = limit
        shards[-1][name] = entry
        room -= entry.bytes
    return shards


def _write_shard(file: Any, shard: Mapping[str, TensorInfo], weights: Weights) -> Iterator[int]:
    """Write one safetensors file, yielding each tensor's size once it is written.

    The library's `save_file` needs all tensors of a file in memory at once. The format
    (huggingface.co/docs/safetensors): the header's length in 8 bytes, the header in JSON, the data.
    """
    # the widest dtype first, as in the library, so that every tensor is aligned to its item size
    order = sorted(shard, key=lambda name: -shard[name].dtype.itemsize)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in order:
        entry = shard[name]
        header[name] = {
            "dtype": _NAMES[entry.dtype],
            "shape": list(entry.shape),
            "data_offsets": [offset, offset + entry.bytes],
        }
        offset += entry.bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for name in order:
        file.write(values_of(convert(name, weights.load(name), shard[name].dtype)))
        yield shard[name].bytes
    file.flush()
    os.fsync(file.fileno())


def values_of(tensor: torch.Tensor) -> memoryview:
    """The tensor's data as bytes, row by row, little-endian."""
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().data
