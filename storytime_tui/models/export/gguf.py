"""Exporting a GPT-2 as one GGUF file, for llama.cpp and programs built on it.

The format: github.com/ggml-org/ggml, docs/gguf.md. Names and orientation follow llama.cpp's
convert_hf_to_gguf.py: weights are (out, in), where transformers' GPT-2 has (in, out).
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.export import weight_files
from storytime_tui.models.export.weight_files import Weights
from storytime_tui.models.tokenizer import END_OF_TEXT, load_tokenizer
from storytime_tui.reporting import Progress

SUFFIX = ".gguf"

_OUTER_NAMES = {  # llama.cpp's name -> transformers'
    "token_embd.weight": "wte.weight",
    "position_embd.weight": "wpe.weight",
    "output_norm.weight": "ln_f.weight",
    "output_norm.bias": "ln_f.bias",
}
_BLOCK_NAMES = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}
# llama.cpp computes the tanh form of GELU.
_ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")


@dataclass(frozen=True)
class _Tensor:
    """One tensor of the file: its source and its conversion. `shape` is the written shape."""

    name: str
    source: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    transposed: bool

    @property
    def bytes(self) -> int:
        return weight_files.TensorInfo(self.shape, self.dtype).bytes


@dataclass(frozen=True)
class GGUFVocabulary:
    """The tokenizer in llama.cpp's form: tokens by id in GPT-2's byte characters, their types, and the merges."""

    pieces: list[str]
    types: list[int]
    merges: list[str]
    end_of_text: int


def check_kind(config: dict[str, Any]) -> None:
    """Raise ModelError if llama.cpp's GPT-2 would compute something different from this model."""
    kind = config.get("model_type")
    if kind != "gpt2":
        raise ModelError(
            f"Only GPT-2 models can be written as GGUF here, and this one has the model type {kind!r}: "
            "export it as safetensors, and convert that with llama.cpp's own convert_hf_to_gguf.py."
        )
    activation = config.get("activation_function", "gelu_new")
    difference = (
        f"its activation function is {activation}"
        if activation not in _ACTIVATIONS
        else "its attention is scaled differently"
        if config.get("scale_attn_by_inverse_layer_idx") or not config.get("scale_attn_weights", True)
        else "it has cross-attention"
        if config.get("add_cross_attention")
        else ""
    )
    if difference:
        raise ModelError(
            f"llama.cpp does not support this GPT-2, since {difference}: export it as safetensors."
        )


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
    return sum(tensor.bytes for tensor in _tensors(weights, config, dtype)) + 10_000_000  # for the vocabulary


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
    check_kind(config)
    import gguf

    tensors = _tensors(weights, config, dtype)
    rows = next(tensor.shape[0] for tensor in tensors if tensor.name == "token_embd.weight")
    vocabulary = read_vocabulary(tokenizer, rows)
    kinds = {
        torch.float32: (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
        torch.float16: (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
        torch.bfloat16: (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    }
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.GPT2])
    try:
        writer.add_type("model")
        writer.add_name(name)
        writer.add_file_type(kinds[matrix_dtype(weights, dtype)][1])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _add_shape(writer, config, tensors)
        _add_vocabulary(writer, vocabulary)
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
            values = weights.load(tensor.source)
            values = weight_files.convert(
                tensor.source, values.T if tensor.transposed else values, tensor.dtype
            )
            writer.write_tensor_data(values.contiguous().view(torch.uint8).numpy())
            done += tensor.bytes
            on_bytes(done, total)
        writer.flush()
    finally:
        writer.close()


def _byte_dtype() -> Any:
    import numpy as np

    return np.dtype(np.uint8)


# -- tensors -----------------------------------------------------------------------------------------------


def _tensors(weights: Weights, config: dict[str, Any], dtype: torch.dtype | None) -> list[_Tensor]:
    """Every tensor of the file, in order. Raises ModelError if the weights are not this GPT-2's."""
    check_kind(config)
    prefix = "transformer." if "transformer.wte.weight" in weights.entries else ""
    names = dict(_names(int(config["n_layer"])))
    sources = {name: prefix + source for name, source in names.items()}
    if "lm_head.weight" in weights.entries and not config.get("tie_word_embeddings", True):
        sources["output.weight"] = "lm_head.weight"
    missing = [source for source in sources.values() if source not in weights.entries]
    if missing:
        raise ModelError(
            f"The weights lack {missing[0]}, so this GPT-2 is incomplete: fetch or copy it again."
        )
    extra = weights.entries.keys() - sources.values() - {"lm_head.weight"}
    if extra:
        raise ModelError(
            f"The weights hold {min(extra)}, which llama.cpp's GPT-2 does not have: export it as safetensors."
        )
    matrices = matrix_dtype(weights, dtype)
    tensors = []
    for name, source in sources.items():
        shape = weights.entries[source].shape
        transposed = name.startswith("blk.") and len(shape) == 2
        fp32 = len(shape) == 1 or name == "position_embd.weight"
        tensors.append(
            _Tensor(
                name,
                source,
                shape[::-1] if transposed else shape,
                torch.float32 if fp32 else matrices,
                transposed,
            )
        )
    return tensors


def _names(layers: int) -> Iterator[tuple[str, str]]:
    yield from _OUTER_NAMES.items()
    for layer in range(layers):
        for name, source in _BLOCK_NAMES.items():
            for part in ("weight", "bias"):
                yield f"blk.{layer}.{name}.{part}", f"h.{layer}.{source}.{part}"


def matrix_dtype(weights: Weights, dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of the written matrices: `dtype`, or for None the dtype of the stored word embeddings."""
    if dtype is not None:
        return dtype
    stored = next(
        (entry.dtype for name, entry in weights.entries.items() if name.endswith("wte.weight")), torch.float32
    )
    return stored if stored in weight_files.DTYPES.values() else torch.float32


def _add_shape(writer: Any, config: dict[str, Any], tensors: list[_Tensor]) -> None:
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    window, width = shapes["position_embd.weight"]
    writer.add_context_length(window)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(shapes["blk.0.ffn_up.weight"][0])
    writer.add_block_count(int(config["n_layer"]))
    writer.add_head_count(int(config["n_head"]))
    writer.add_layer_norm_eps(float(config.get("layer_norm_epsilon", 1e-5)))
    writer.add_vocab_size(shapes["token_embd.weight"][0])


# -- the tokenizer -----------------------------------------------------------------------------------------


def read_vocabulary(folder: Path, rows: int) -> GGUFVocabulary:
    """The tokenizer in `folder` for a model with `rows` word embeddings; rows without a token become padding.

    Raises ModelError for a tokenizer that llama.cpp would interpret differently: it identifies GPT-2's way of
    splitting words by name, not by its rules.
    """
    import gguf

    tokenizer = load_tokenizer(folder)
    with (
        tempfile.TemporaryDirectory() as temporary
    ):  # save as `tokenizer.json`, whatever files the folder has
        tokenizer.save(Path(temporary))
        rules = json.loads((Path(temporary) / model_folder.TOKENIZER).read_bytes())
    _check_rules(rules, folder)
    model = rules["model"]
    by_id: dict[int, str] = {token: piece for piece, token in model["vocab"].items()}
    if tokenizer.vocabulary_size > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {tokenizer.vocabulary_size:,} tokens, but its model has only {rows:,}: "
            "they do not belong together."
        )
    kinds = dict.fromkeys(by_id, gguf.TokenType.NORMAL)
    for added in rules.get("added_tokens") or ():
        by_id[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL if added.get("special") else gguf.TokenType.USER_DEFINED
    by_id.setdefault(tokenizer.end_of_text, END_OF_TEXT)
    kinds[tokenizer.end_of_text] = gguf.TokenType.CONTROL
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    return GGUFVocabulary(
        pieces=[by_id.get(token, f"[PAD{token}]") for token in range(rows)],
        types=[int(kinds.get(token, gguf.TokenType.UNUSED)) for token in range(rows)],
        merges=pairs,
        end_of_text=tokenizer.end_of_text,
    )


def _check_rules(rules: dict[str, Any], folder: Path) -> None:
    pre_tokenizer = rules.get("pre_tokenizer") or {}
    model = rules.get("model") or {}
    supported = (
        model.get("type") == "BPE"
        and not model.get("byte_fallback")
        and not model.get("ignore_merges")
        and rules.get("normalizer") is None
        and pre_tokenizer.get("type") == "ByteLevel"
        and not pre_tokenizer.get("add_prefix_space")
        and pre_tokenizer.get("use_regex", True)
    )
    if not supported:
        raise ModelError(
            f"The tokenizer in {folder} does not split text as GPT-2's does, so llama.cpp would read other tokens: "
            "export the model as safetensors."
        )


def _add_vocabulary(writer: Any, vocabulary: GGUFVocabulary) -> None:
    writer.add_tokenizer_model("gpt2")  # byte-level BPE
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.pieces)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(vocabulary.end_of_text)
    writer.add_eos_token_id(vocabulary.end_of_text)
    writer.add_add_bos_token(False)
