"""How large a model is, and how much memory learning with it will take: before any of it is loaded. Knows no torch.

The sums are those of mixed-precision training with AdamW (Rajbhandari et al., "ZeRO", 2020) and of what a block
of GPT-2 keeps for its backward pass with flash attention: about 36 bytes a token and a unit of width, where
16-bit numbers are kept, half as much again with dropout's masks. `training.probe` measures what it really is.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.catalogue import ScratchShape

_WINDOWS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
_WIDTHS = ("n_embd", "hidden_size", "d_model")
_LAYERS = ("n_layer", "num_hidden_layers", "num_layers")
_WINDOW_UNKNOWN = 1024
_KEPT_BY_A_BLOCK = 36  # bytes a token and unit of width, in 16 bits
_MASKS = 6  # of dropout
_LONGEST_HEAD = 100_000_000  # bytes
_LOGITS = 160_000_000  # bytes: the part of them that is there at once, and its gradient
_PROCESS = 600_000_000  # bytes: Python and torch themselves


@dataclass(frozen=True)
class Size:
    """What can be told of a model without loading it."""

    parameters: int
    window: int
    width: int
    layers: int
    vocabulary: int


@dataclass(frozen=True)
class Footprint:
    """Bytes of memory that learning takes: `fixed` whatever the batch, `window` for each window of it."""

    fixed: int
    window: int

    def total(self, batch: int) -> int:
        """All of it, for so many windows at once."""
        return self.fixed + batch * self.window

    def largest_batch(self, available: int) -> int:
        """How many windows at once fit, 0 where not one does."""
        return max(0, (available - self.fixed) // max(1, self.window))


def size_of_shape(shape: ScratchShape, vocabulary: int, window: int) -> Size:
    """The size of a new GPT-2 with this many words and positions."""
    width = shape.width
    block = 12 * width * width + 13 * width
    parameters = (vocabulary + window) * width + shape.layers * block + 2 * width
    return Size(parameters, window, width, shape.layers, vocabulary)


def size_in(folder: Path) -> Size:
    """The size of the model in a folder, from its config.json and the heads of its weight files. Raises ModelError."""
    config = model_folder.read_json(folder / model_folder.CONFIG)
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    count = sum(_parameters_in(folder / name) for name in model_folder.weight_names(folder))
    return Size(
        parameters=count,
        window=_first(text, _WINDOWS, _WINDOW_UNKNOWN),
        width=_first(text, _WIDTHS, 768),
        layers=_first(text, _LAYERS, 12),
        vocabulary=_first(text, ("vocab_size",), 50_257),
    )


def _first(config: Any, names: tuple[str, ...], otherwise: int) -> int:
    found = [config.get(name) for name in names]
    return next((value for value in found if isinstance(value, int) and value > 0), otherwise)


def _parameters_in(path: Path) -> int:
    """How many numbers a safetensors file holds, GPT-2's old masks not counted."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _LONGEST_HEAD:
                raise ValueError("no head of a safetensors file is so long")
            head = json.loads(file.read(length))
        tensors = {name: facts for name, facts in head.items() if name != "__metadata__"}
        return sum(
            math.prod(facts["shape"])
            for name, facts in tensors.items()
            if not name.endswith((".attn.bias", ".attn.masked_bias"))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The weights in {path} are damaged: fetch or copy the model again.") from error


def estimate(
    size: Size,
    *,
    block: int,
    precision: str,
    dropout: float,
    checkpointing: bool,
    lora_rank: int = 0,
    frozen_embeddings: bool = False,
    eight_bit: bool = False,
    on_gpu: bool = False,
) -> Footprint:
    """What learning will take; `precision` is fp32 or one of the 16-bit ones."""
    halves = precision != "fp32"
    embeddings = (size.vocabulary + size.window) * size.width
    if lora_rank:
        trained = 18 * lora_rank * size.width * size.layers
        weights = size.parameters * (2 if halves and on_gpu else 4) + 4 * trained
    else:
        trained = size.parameters - (embeddings if frozen_embeddings else 0)
        weights = size.parameters * 4
    copies = 2 * (size.parameters - embeddings) if halves and not (lora_rank and on_gpu) else 0
    moments = trained * (2 if eight_bit else 8)
    head = 4 * size.vocabulary * size.width if not (lora_rank or frozen_embeddings) else 0
    fixed = weights + copies + 4 * trained + moments + head + _LOGITS + (0 if on_gpu else _PROCESS)
    a_token = (_KEPT_BY_A_BLOCK + (_MASKS if dropout else 0)) * size.width * (1 if halves else 1.6)
    if checkpointing:
        kept = 4 * size.width * size.layers + a_token  # each block's input, and one block in full
    else:
        kept = a_token * size.layers
    return Footprint(int(fixed), int(block * (kept + 24 * size.width)))
