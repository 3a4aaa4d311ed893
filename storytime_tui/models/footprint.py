"""Estimates of a model's size and of the memory that training takes, before anything is loaded. Knows no torch.

The sums are those of mixed-precision training with AdamW (Rajbhandari et al., "ZeRO", 2020), plus the activations
that a block keeps for the backward pass with flash attention. A GPT-2's keeps about 36 bytes per token and unit of
width in 16 bits, twice that in 32 bits, and a sixth more for dropout masks. `training.probe` measures the real amount.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from storytime_tui.models import folder as model_folder
from storytime_tui.models import safetensors_header
from storytime_tui.models.shapes import LLAMAS, ScratchShape

_WINDOWS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
_WIDTHS = ("n_embd", "hidden_size", "d_model")
_LAYERS = ("n_layer", "num_hidden_layers", "num_layers")
_WINDOW_UNKNOWN = 1024
# causal masks in old files of GPT-2 and GPT-Neo
_MASKS = (".attn.bias", ".attn.masked_bias", ".attn.attention.bias", ".attn.attention.masked_bias")
_EMBEDDINGS = ("wte.", "wpe.", "embed_tokens.", "embed_positions.", "lm_head.")  # parts of weights' names
_BLOCK_BYTES = 36  # bytes of activations per token and unit of width, in 16 bits
_LORA_UNITS = 18  # rows and columns of a block's matrices together, per unit of width
_MASK_BYTES = 6  # the same for dropout masks
# Most bytes of logits and their gradients in memory at once (see `training.loss`).
_LOGITS_CPU = 256 * 2**20
_LOGITS_GPU = 1024 * 2**20
_LOGIT_BYTES = 10  # bytes per logit there
_PROCESS_BYTES = 600_000_000  # bytes for Python and torch
_ALLOCATOR_FACTOR = 1.15  # overhead of a CPU's allocator
# The same for activations beside a base in 16 bits: measured with SmolLM2-135M and distilgpt2.
_ALLOCATOR_FACTOR_16 = 1.4
_LOGIT_BYTES_16 = 2  # bytes per logit on a CPU beside a base in 16 bits


@dataclass(frozen=True)
class Size:
    """A model's size, known without loading it.

    What differs from GPT-2's can be given too: `embeddings`: parameters of the embeddings, and of a head of its own;
    `kept`: bytes of activations that a block keeps per token, in 16 bits; `lora`: rows and columns of a block's
    matrices together. `ours`: it runs on a model that is written here, and not on transformers'.
    """

    parameters: int
    window: int
    width: int
    layers: int
    vocabulary: int
    embeddings: int | None = None
    kept: int | None = None
    lora: int | None = None
    ours: bool = True


@dataclass(frozen=True)
class Footprint:
    """Bytes of memory that training takes: `fixed` regardless of the batch, plus `window` for each window in it."""

    fixed: int
    window: int

    def total(self, batch: int) -> int:
        """Bytes for a batch of this many windows."""
        return self.fixed + batch * self.window


def size_of_shape(shape: ScratchShape, vocabulary: int, window: int) -> Size:
    """The size of a new GPT-2 with this vocabulary and window."""
    width = shape.width
    block = 12 * width * width + 13 * width
    parameters = (vocabulary + window) * width + shape.layers * block + 2 * width
    return Size(parameters, window, width, shape.layers, vocabulary)


def size_of_gpt_neo(shape: ScratchShape) -> Size:
    """The size of a GPT-Neo: a GPT-2 without biases for queries, keys and values, which transformers computes."""
    size = size_of_shape(shape, shape.vocabulary, shape.window)
    return replace(size, parameters=size.parameters - shape.layers * 3 * shape.width, ours=False)


def size_of_llama(config: Mapping[str, Any]) -> Size:
    """The size of a Llama with the numbers of this config.json and tied embeddings."""
    width, inner, layers, vocabulary = (
        config[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
    )
    head, embeddings = config["head_dim"], vocabulary * width
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    norms = 2 * width + (2 * head if config["model_type"] == "qwen3" else 0)
    block = 2 * width * (queries + keys) + 3 * width * inner + norms
    window = config["max_position_embeddings"]
    parameters = embeddings + layers * block + width
    return Size(parameters, window, width, layers, vocabulary, embeddings, **_llama_block(config))


def size_in(folder: Path) -> Size:
    """The size of the model in a folder, from its config.json and its weight files' headers. Raises ModelError."""
    config = model_folder.read_json(folder / model_folder.CONFIG)
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    shapes = safetensors_header.shapes_in(folder / name for name in model_folder.weight_names(folder))
    count = sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(_MASKS))
    return Size(
        parameters=count,
        window=_first(text, _WINDOWS, _WINDOW_UNKNOWN),
        width=_first(text, _WIDTHS, 768),
        layers=_first(text, _LAYERS, 12),
        vocabulary=_first(text, ("vocab_size",), 50_257),
        embeddings=sum(
            math.prod(shape)
            for name, shape in shapes.items()
            if any(part in name for part in _EMBEDDINGS) and not name.endswith(_MASKS)
        )
        or None,
        ours=config.get("model_type") in ("gpt2", *LLAMAS),
        **_llama_block(text),
    )


def _llama_block(config: Any) -> dict[str, Any]:
    """`kept` and `lora` of a Llama's block: {} for another kind, or a config without its numbers."""
    names = ("hidden_size", "intermediate_size", "num_attention_heads")
    if config.get("model_type") not in LLAMAS or not all(isinstance(config.get(name), int) for name in names):
        return {}
    width, inner, heads = (config[name] for name in names)
    head_width = config.get("head_dim") or width // heads
    queries, keys = heads * head_width, (config.get("num_key_value_heads") or heads) * head_width
    # both norms' inputs in 32 bits and outputs in 16; queries, keys, values and what they give; four times the MLP's
    kept = 12 * width + 4 * queries + 4 * keys + 8 * inner
    lora = 2 * (width + queries) + 2 * (width + keys) + 3 * (width + inner)
    return {"kept": kept, "lora": lora}


def _first(config: Any, names: tuple[str, ...], default: int) -> int:
    values = [config.get(name) for name in names]
    return next((value for value in values if isinstance(value, int) and value > 0), default)


def estimate_memory(
    size: Size,
    *,
    batch: int,
    block: int,
    precision: str,
    dropout: float,
    checkpointing: bool,
    accumulates: bool = True,
    lora_rank: int = 0,
    frozen_embeddings: bool = False,
    eight_bit: bool = False,
    on_gpu: bool = False,
) -> int:
    """Bytes that training takes with `batch` windows of `block` tokens per micro-batch.

    `precision` is fp32 or a 16-bit one. `accumulates`: a step has more than one micro-batch, so the gradients of the
    earlier ones are in memory during the forward pass. Without it they replace the activations as these are freed.
    """
    sixteen_bit = precision != "fp32"
    # A frozen base is stored in 16 bits, and so is its residual stream: on a GPU, and on a CPU with a model of ours.
    base_in_16_bits = lora_rank > 0 and sixteen_bit and (on_gpu or size.ours)
    embeddings = size.embeddings or (size.vocabulary + size.window) * size.width
    if lora_rank:
        trained = lora_rank * (size.lora or _LORA_UNITS * size.width) * size.layers
        weights = size.parameters * (2 if base_in_16_bits else 4) + 4 * trained
    else:
        trained = size.parameters - (embeddings if frozen_embeddings else 0)
        weights = size.parameters * 4
    gradients = 4 * trained
    fixed = weights + trained * (2 if eight_bit else 8) + (gradients if accumulates else 0)

    tokens = batch * block
    per_token = (size.kept or _BLOCK_BYTES * size.width) + (_MASK_BYTES * size.width if dropout else 0)
    one_block = tokens * per_token * (1 if sixteen_bit else 2)
    if checkpointing:  # only each block's input is kept
        activations = tokens * size.width * size.layers * (2 if base_in_16_bits else 4)
    else:  # all activations, and the 16-bit copies of the weights
        copies = 2 * (size.parameters - embeddings) if sixteen_bit and not base_in_16_bits else 0
        activations = one_block * size.layers + copies
    activations += 24 * tokens * size.width  # outside the blocks

    head = size.vocabulary * size.width
    head_copies = 2 * head if sixteen_bit and not base_in_16_bits else 0
    head_copies += 4 * head if trained == size.parameters else 0  # its gradient
    logits = min(_LOGIT_BYTES * tokens * size.vocabulary, _LOGITS_GPU if on_gpu else _LOGITS_CPU)
    if base_in_16_bits and not on_gpu:
        logits = logits * _LOGIT_BYTES_16 // _LOGIT_BYTES
        activations = int(activations * _ALLOCATOR_FACTOR_16 / _ALLOCATOR_FACTOR)
    peak_in_loss = activations + head_copies + logits
    peak_in_backward = activations + head_copies + (one_block if checkpointing else 0)
    peak = fixed + max(peak_in_loss, peak_in_backward, 0 if accumulates else gradients)
    if base_in_16_bits and not on_gpu:
        peak = max(peak, 4 * size.parameters)  # as it is loaded, in 32 bits
    return peak if on_gpu else _PROCESS_BYTES + int(_ALLOCATOR_FACTOR * peak)
