"""Exporting a GPT-2 or a Llama as one GGUF file, for llama.cpp and programs built on it.

The format: github.com/ggml-org/ggml, docs/gguf.md. What llama.cpp calls each tensor: `gguf_layouts`; the tokenizer:
`gguf_vocabulary`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from storytime_tui.errors import ModelError
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.gguf_layouts import Layout, layout_of
from storytime_tui.models.export.gguf_vocabulary import add_vocabulary, read_vocabulary
from storytime_tui.models.export.weight_files import Weights
from storytime_tui.reporting import Progress

SUFFIX = ".gguf"


@dataclass(frozen=True)
class _Tensor:
    """One tensor of the file: where its values come from. `shape` and `dtype` are the written ones."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    load: Callable[[], torch.Tensor]

    @property
    def bytes(self) -> int:
        return weight_files.TensorInfo(self.shape, self.dtype).bytes


def check_package() -> None:
    """Raise ModelError if the `gguf` package is not installed."""
    try:
        import gguf  # noqa: F401
    except ImportError:
        raise ModelError(
            "Writing GGUF needs the package gguf: install it with `pip install 'storytime-tui[gguf]'`."
        ) from None


def total_bytes(weights: Weights, config: dict[str, Any], dtype: torch.dtype | None) -> int:
    """The approximate size of the file. Raises ModelError as `write_gguf` does."""
    tensors = _tensors(weights, layout_of(config, weights.entries), dtype)
    return sum(tensor.bytes for tensor in tensors) + 10_000_000  # for the vocabulary


def write_gguf(
    path: Path,
    weights: Weights,
    config: dict[str, Any],
    tokenizer: Path,
    *,
    name: str,
    dtype: torch.dtype | None = None,
    on_bytes: Progress = lambda done, total: None,
) -> None:
    """Write the model as the GGUF file `path`; `tokenizer` is the folder with its tokenizer.

    `dtype` applies to the matrices (None keeps the word embeddings' dtype); vectors and position embeddings are
    fp32, as llama.cpp requires. Raises OSError, and ModelError for a model that llama.cpp cannot run, a tokenizer
    that it would interpret differently, and a missing package.
    """
    check_package()
    layout = layout_of(config, weights.entries)
    import gguf

    tensors = _tensors(weights, layout, dtype)
    rows = next(tensor.shape[0] for tensor in tensors if tensor.name == "token_embd.weight")
    vocabulary = read_vocabulary(tokenizer, rows)
    kinds = {
        torch.float32: (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
        torch.float16: (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
        torch.bfloat16: (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    }
    writer = gguf.GGUFWriter(path, layout.architecture)
    try:
        writer.add_type("model")
        writer.add_name(name)
        writer.add_file_type(kinds[matrix_dtype(weights, dtype)][1])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        layout.add_sizes(writer, {tensor.name: tensor.shape for tensor in tensors})
        add_vocabulary(writer, vocabulary)
        for tensor in tensors:
            width = tensor.dtype.itemsize
            byte_shape = (*tensor.shape[:-1], tensor.shape[-1] * width)
            # as bytes: numpy has no bf16
            writer.add_tensor_info(
                tensor.name, byte_shape, _byte_dtype(), tensor.bytes, kinds[tensor.dtype][0]
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        done, total = 0, sum(tensor.bytes for tensor in tensors)
        for tensor in tensors:
            values = weight_files.convert(tensor.name, tensor.load(), tensor.dtype)
            writer.write_tensor_data(values.contiguous().view(torch.uint8).numpy())
            done += tensor.bytes
            on_bytes(done, total)
        writer.flush()
    finally:
        writer.close()


def _byte_dtype() -> Any:
    import numpy as np

    return np.dtype(np.uint8)


def _tensors(weights: Weights, layout: Layout, dtype: torch.dtype | None) -> list[_Tensor]:
    """Every tensor of the file, in order."""
    matrices = matrix_dtype(weights, dtype)
    tensors = []
    for name, source in layout.sources.items():
        shape = weights.entries[source].shape
        fp32 = len(shape) == 1 or name == "position_embd.weight"
        written = shape[::-1] if name in layout.transposed else shape
        load = partial(_load, weights, layout, name)
        tensors.append(_Tensor(name, written, torch.float32 if fp32 else matrices, load))
    for name, values in layout.computed.items():
        tensors.append(_Tensor(name, tuple(values.shape), torch.float32, partial(_same, values)))
    return tensors


def _load(weights: Weights, layout: Layout, name: str) -> torch.Tensor:
    values = weights.load(layout.sources[name])
    values = values.T if name in layout.transposed else values
    return layout.changes[name](values) if name in layout.changes else values


def _same(values: torch.Tensor) -> torch.Tensor:
    return values


def matrix_dtype(weights: Weights, dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of the written matrices: `dtype`, or for None the dtype of the stored word embeddings."""
    if dtype is not None:
        return dtype
    stored = next(
        (
            entry.dtype
            for name, entry in weights.entries.items()
            if name.endswith(("wte.weight", "embed_tokens.weight"))
        ),
        torch.float32,
    )
    return stored if stored in weight_files.DTYPES.values() else torch.float32
