"""A GPT-2 as one GGUF file for llama.cpp and what is built on it.

The format: github.com/ggml-org/ggml, docs/gguf.md. Names and orientation follow llama.cpp's own
convert_hf_to_gguf.py: a weight stands there as (out, in), where transformers' GPT-2 has (in, out).
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

_ENDS = {  # llama.cpp's name -> transformers'
    "token_embd.weight": "wte.weight",
    "position_embd.weight": "wpe.weight",
    "output_norm.weight": "ln_f.weight",
    "output_norm.bias": "ln_f.bias",
}
_BLOCK = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}
# What llama.cpp computes between the two layers of a block: the tanh form of GELU.
_ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")


@dataclass(frozen=True)
class _Place:
    """One tensor of the file: where it comes from, and what becomes of it. `shape` is the written one."""

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
    """The tokenizer as llama.cpp wants it: pieces by id in GPT-2's byte characters, their types, the merges."""

    pieces: list[str]
    types: list[int]
    merges: list[str]
    end_of_text: int


def check_kind(config: dict[str, Any]) -> None:
    """Raise ModelError where llama.cpp's GPT-2 would compute something else than this model does."""
    kind = config.get("model_type")
    if kind != "gpt2":
        raise ModelError(
            f"Only models of the GPT-2 kind can be written as GGUF here, and this one is of the kind {kind!r}: "
            "export it as safetensors, and turn that with llama.cpp's own convert_hf_to_gguf.py."
        )
    activation = config.get("activation_function", "gelu_new")
    odd = (
        f"its activation function is {activation}"
        if activation not in _ACTIVATIONS
        else "its attention is scaled in its own way"
        if config.get("scale_attn_by_inverse_layer_idx") or not config.get("scale_attn_weights", True)
        else "it looks at a second text"
        if config.get("add_cross_attention")
        else ""
    )
    if odd:
        raise ModelError(f"llama.cpp knows no GPT-2 like this one, since {odd}: export it as safetensors.")


def check_package() -> None:
    """Raise ModelError where the `gguf` package is not there."""
    try:
        import gguf  # noqa: F401
    except ImportError:
        raise ModelError(
            "Writing GGUF needs the package gguf: install it with `pip install 'storytime-tui[gguf]'`."
        ) from None


def total_bytes(weights: Weights, config: dict[str, Any], dtype: torch.dtype | None) -> int:
    """About how large the file will be. Raises ModelError as `write_gguf` does."""
    return sum(place.bytes for place in _places(weights, config, dtype)) + 10_000_000  # the vocabulary


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

    `dtype` is for the matrices (None keeps what the word embeddings are stored in); vectors and position
    embeddings are fp32, as llama.cpp wants them. Raises OSError, and ModelError for a model that llama.cpp
    cannot run, a tokenizer that it would read otherwise, and a missing package.
    """
    check_package()
    check_kind(config)
    import gguf

    places = _places(weights, config, dtype)
    rows = next(place.shape[0] for place in places if place.name == "token_embd.weight")
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
        _add_shape(writer, config, places)
        _add_vocabulary(writer, vocabulary)
        for place in places:
            width = place.dtype.itemsize
            in_bytes = (*place.shape[:-1], place.shape[-1] * width)
            # as bytes: numpy has no bf16
            writer.add_tensor_info(place.name, in_bytes, _byte_dtype(), place.bytes, kinds[place.dtype][0])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        done, total = 0, sum(place.bytes for place in places)
        for place in places:
            tensor = weights.load(place.source)
            tensor = weight_files.convert(place.source, tensor.T if place.transposed else tensor, place.dtype)
            writer.write_tensor_data(tensor.contiguous().view(torch.uint8).numpy())
            done += place.bytes
            on_bytes(done, total)
        writer.flush()
    finally:
        writer.close()


def _byte_dtype() -> Any:
    import numpy as np

    return np.dtype(np.uint8)


# -- tensors -----------------------------------------------------------------------------------------------


def _places(weights: Weights, config: dict[str, Any], dtype: torch.dtype | None) -> list[_Place]:
    """Every tensor of the file, in order. Raises ModelError where the weights are not this GPT-2's."""
    check_kind(config)
    prefix = "transformer." if "transformer.wte.weight" in weights.entries else ""
    names = dict(_names(int(config["n_layer"])))
    sources = {name: prefix + source for name, source in names.items()}
    if "lm_head.weight" in weights.entries and not config.get("tie_word_embeddings", True):
        sources["output.weight"] = "lm_head.weight"
    missing = [source for source in sources.values() if source not in weights.entries]
    if missing:
        raise ModelError(
            f"The weights lack {missing[0]}, so they are no whole GPT-2: fetch or copy them again."
        )
    spare = weights.entries.keys() - sources.values() - {"lm_head.weight"}
    if spare:
        raise ModelError(
            f"The weights hold {min(spare)}, for which llama.cpp's GPT-2 has no place: export it as safetensors."
        )
    matrices = matrix_dtype(weights, dtype)
    places = []
    for name, source in sources.items():
        shape = weights.entries[source].shape
        transposed = name.startswith("blk.") and len(shape) == 2
        kept = len(shape) == 1 or name == "position_embd.weight"
        places.append(
            _Place(
                name,
                source,
                shape[::-1] if transposed else shape,
                torch.float32 if kept else matrices,
                transposed,
            )
        )
    return places


def _names(layers: int) -> Iterator[tuple[str, str]]:
    yield from _ENDS.items()
    for layer in range(layers):
        for name, source in _BLOCK.items():
            for part in ("weight", "bias"):
                yield f"blk.{layer}.{name}.{part}", f"h.{layer}.{source}.{part}"


def matrix_dtype(weights: Weights, dtype: torch.dtype | None) -> torch.dtype:
    """What the matrices are written in: `dtype`, or for None what the word embeddings are stored in."""
    if dtype is not None:
        return dtype
    stored = next(
        (entry.dtype for name, entry in weights.entries.items() if name.endswith("wte.weight")), torch.float32
    )
    return stored if stored in weight_files.DTYPES.values() else torch.float32


def _add_shape(writer: Any, config: dict[str, Any], places: list[_Place]) -> None:
    shapes = {place.name: place.shape for place in places}
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
    """The tokenizer in `folder` for a model with `rows` word embeddings, rows without a token as padding.

    Raises ModelError for a tokenizer that llama.cpp would read otherwise: it knows GPT-2's way of cutting a
    text into words by its name alone, not by its rules.
    """
    import gguf

    opened = load_tokenizer(folder)
    with tempfile.TemporaryDirectory() as place:  # as `tokenizer.json`, whatever form the folder has
        opened.save(Path(place))
        rules = json.loads((Path(place) / model_folder.TOKENIZER).read_bytes())
    _check_rules(rules, folder)
    model = rules["model"]
    by_id: dict[int, str] = {token: piece for piece, token in model["vocab"].items()}
    if opened.vocabulary_size > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {opened.vocabulary_size:,} tokens, but its model knows only {rows:,}: "
            "they do not belong together."
        )
    kinds = dict.fromkeys(by_id, gguf.TokenType.NORMAL)
    for added in rules.get("added_tokens") or ():
        by_id[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL if added.get("special") else gguf.TokenType.USER_DEFINED
    by_id.setdefault(opened.end_of_text, END_OF_TEXT)
    kinds[opened.end_of_text] = gguf.TokenType.CONTROL
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    return GGUFVocabulary(
        pieces=[by_id.get(token, f"[PAD{token}]") for token in range(rows)],
        types=[int(kinds.get(token, gguf.TokenType.UNUSED)) for token in range(rows)],
        merges=pairs,
        end_of_text=opened.end_of_text,
    )


def _check_rules(rules: dict[str, Any], folder: Path) -> None:
    cutting = rules.get("pre_tokenizer") or {}
    model = rules.get("model") or {}
    plain = (
        model.get("type") == "BPE"
        and not model.get("byte_fallback")
        and not model.get("ignore_merges")
        and rules.get("normalizer") is None
        and cutting.get("type") == "ByteLevel"
        and not cutting.get("add_prefix_space")
        and cutting.get("use_regex", True)
    )
    if not plain:
        raise ModelError(
            f"The tokenizer in {folder} does not cut a text as GPT-2's does, so llama.cpp would read other words: "
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
