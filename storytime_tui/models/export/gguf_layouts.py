"""How llama.cpp has the models that can be written as GGUF: tensors' names, their orientation, and the sizes.

Names and orientation follow llama.cpp's convert_hf_to_gguf.py: weights are (out, in), where transformers' GPT-2 has
(in, out). In its Llama (Mistral too) the two numbers of a pair that turn together stand side by side, where
transformers has one in each half of a head: the rows of queries and keys are in another order. Qwen's stay.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from storytime_tui.errors import ModelError
from storytime_tui.models import llama_files
from storytime_tui.models.export.weight_files import TensorInfo
from storytime_tui.models.gguf.names import GPT2_BLOCK, GPT2_OUTER, HEAD_NORMS, LLAMA_BLOCK, LLAMA_OUTER
from storytime_tui.models.llama import Rotation, speeds_of
from storytime_tui.models.shapes import LLAMAS

# llama.cpp computes the tanh form of GELU.
_ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")


@dataclass(frozen=True)
class Layout:
    """One model in llama.cpp's form.

    `sources`: each tensor's stored name by llama.cpp's, in order; `changes`: how some differ from what is stored, and
    `transposed`: which of them by that; `computed`: tensors that are stored nowhere; `add_sizes` writes the sizes into
    the file's metadata; `kind`: in words.
    """

    architecture: str
    kind: str
    sources: dict[str, str]
    add_sizes: Callable[[Any, Mapping[str, tuple[int, ...]]], None]
    changes: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    transposed: frozenset[str] = frozenset()
    computed: dict[str, Tensor] = field(default_factory=dict)


def check_kind(config: dict[str, Any]) -> None:
    """Raise ModelError if llama.cpp would compute something different from this model."""
    kind = config.get("model_type")
    if kind in LLAMAS and llama_files.is_llama(config):
        return
    if kind != "gpt2":
        raise ModelError(
            "Only models of the GPT-2 and Llama families, without special options, can be written as GGUF here, and "
            f"this one has the model type {kind!r}: export it as safetensors, and convert that with llama.cpp's own "
            "convert_hf_to_gguf.py."
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


def layout_of(config: dict[str, Any], entries: Mapping[str, TensorInfo]) -> Layout:
    """The layout of the model with this config.json and these stored tensors. Raises ModelError."""
    check_kind(config)
    layout = _gpt2(config, entries) if config["model_type"] == "gpt2" else _llama(config)
    missing = [source for source in layout.sources.values() if source not in entries]
    if missing:
        raise ModelError(
            f"The weights lack {missing[0]}, so this {layout.kind} is incomplete: fetch or copy it again."
        )
    known = {*layout.sources.values(), "lm_head.weight"}
    extra = [name for name in entries if name not in known and not name.endswith(".rotary_emb.inv_freq")]
    if extra:
        raise ModelError(
            f"The weights hold {min(extra)}, which llama.cpp's {layout.kind} does not have: export it as safetensors."
        )
    return layout


def _gpt2(config: dict[str, Any], entries: Mapping[str, TensorInfo]) -> Layout:
    prefix = "transformer." if "transformer.wte.weight" in entries else ""
    names = {**GPT2_OUTER, **dict(_in_blocks(config["n_layer"], GPT2_BLOCK, "h", ("weight", "bias")))}
    sources = {name: prefix + source for name, source in names.items()}
    if "lm_head.weight" in entries and not config.get("tie_word_embeddings", True):
        sources["output.weight"] = "lm_head.weight"
    matrices = frozenset(
        name
        for name, source in sources.items()
        if name.startswith("blk.") and source in entries and len(entries[source].shape) == 2
    )

    def add_sizes(writer: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
        window, width = shapes["position_embd.weight"]
        writer.add_context_length(window)
        writer.add_embedding_length(width)
        writer.add_feed_forward_length(shapes["blk.0.ffn_up.weight"][0])
        writer.add_block_count(int(config["n_layer"]))
        writer.add_head_count(int(config["n_head"]))
        writer.add_layer_norm_eps(float(config.get("layer_norm_epsilon", 1e-5)))
        writer.add_vocab_size(shapes["token_embd.weight"][0])

    return Layout("gpt2", "GPT-2", sources, add_sizes, transposed=matrices)


def _llama(config: dict[str, Any]) -> Layout:
    kind, shape = config["model_type"], llama_files.shape_of(config, None)
    block = {**LLAMA_BLOCK, **(HEAD_NORMS if shape.head_norms else {})}
    names = {**LLAMA_OUTER, **dict(_in_blocks(shape.layers, block, "layers", ("weight",)))}
    if shape.qkv_biases:
        qkv = {name: source for name, source in block.items() if name in ("attn_q", "attn_k", "attn_v")}
        names |= dict(_in_blocks(shape.layers, qkv, "layers", ("bias",)))
    sources = {name: f"model.{source}" for name, source in names.items()}
    if not shape.tied:
        sources["output.weight"] = "lm_head.weight"
    heads = {"attn_q": shape.heads, "attn_k": shape.key_value_heads} if kind in ("llama", "mistral") else {}
    changes = {
        f"blk.{layer}.{name}.weight": partial(_side_by_side, count)
        for layer in range(shape.layers)
        for name, count in heads.items()
    }

    def add_sizes(writer: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
        # llama.cpp's Llama has no window that slides: within its width that makes no difference
        writer.add_context_length(shape.sliding_window or shape.window)
        writer.add_embedding_length(shape.width)
        writer.add_feed_forward_length(shape.inner)
        writer.add_block_count(shape.layers)
        writer.add_head_count(shape.heads)
        writer.add_head_count_kv(shape.key_value_heads)
        writer.add_key_length(shape.head_width)
        writer.add_value_length(shape.head_width)
        writer.add_rope_dimension_count(shape.head_width)
        writer.add_rope_freq_base(shape.rotation.theta)
        writer.add_layer_norm_rms_eps(shape.epsilon)
        writer.add_vocab_size(shapes["token_embd.weight"][0])
        if shape.rotation.factor != 1 and shape.rotation.original is None:
            import gguf

            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(shape.rotation.factor)

    architecture = "llama" if kind == "mistral" else kind
    computed = _slowing(shape.rotation, shape.head_width)
    return Layout(architecture, "Llama", sources, add_sizes, changes, computed=computed)


def _slowing(rotation: Rotation, head_width: int) -> dict[str, Tensor]:
    """By how much Llama 3 slows each pair's turning down."""
    if rotation.original is None:
        return {}
    return {
        "rope_freqs.weight": speeds_of(Rotation(rotation.theta), head_width) / speeds_of(rotation, head_width)
    }


def _side_by_side(heads: int, weight: Tensor) -> Tensor:
    """(heads x head width, in) with pairs side by side, where one was in each half of a head."""
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


def _in_blocks(
    layers: int, names: Mapping[str, str], prefix: str, parts: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for layer in range(layers):
        for name, source in names.items():
            for part in parts:
                yield f"blk.{layer}.{name}.{part}", f"{prefix}.{layer}.{source}.{part}"
