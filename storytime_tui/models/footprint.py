"""How large a model is, and how much memory learning with it will take: before any of it is loaded. Knows no torch.

The sums are those of mixed-precision training with AdamW (Rajbhandari et al., "ZeRO", 2020) and of what a block
of GPT-2 keeps for its backward pass with flash attention: about 36 bytes a token and a unit of width, where
16-bit numbers are kept, twice that in 32 bits, and a sixth more with dropout's masks. `training.probe` measures
what it really is.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storytime_tui.models import folder as model_folder
from storytime_tui.models import weights_head
from storytime_tui.models.shapes import ScratchShape

_WINDOWS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
_WIDTHS = ("n_embd", "hidden_size", "d_model")
_LAYERS = ("n_layer", "num_hidden_layers", "num_layers")
_WINDOW_UNKNOWN = 1024
_KEPT_BY_A_BLOCK = 36  # bytes a token and unit of width, in 16 bits
_MASKS = 6  # of dropout
# bytes of the logits that are there at once, and their gradients, at most (see `training.loss`)
_LOGITS = 256 * 2**20
_LOGITS_GPU = 1024 * 2**20
_LOGIT = 10  # bytes that each of them takes there (see `training.loss`)
_PROCESS = 600_000_000  # bytes: Python and torch themselves
_BETWEEN = 1.15  # times what is asked for: a CPU's allocator holds more than it gives out


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
    shapes = weights_head.shapes_in(folder / name for name in model_folder.weight_names(folder))
    masks = (".attn.bias", ".attn.masked_bias")  # GPT-2's old ones
    count = sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(masks))
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
    """Bytes that learning will take, with `batch` windows of `block` tokens at once.

    `precision` is fp32 or one of the 16-bit ones; `accumulates`: a step reads more than one batch, and so finds
    the gradients of those before it there already. Else they come while what was kept goes.
    """
    halves = precision != "fp32"
    # there the base is in 16 bits, and so is what its blocks add up
    read_only = lora_rank > 0 and halves and on_gpu
    embeddings = (size.vocabulary + size.window) * size.width
    if lora_rank:
        trained = 18 * lora_rank * size.width * size.layers
        weights = size.parameters * (2 if read_only else 4) + 4 * trained
    else:
        trained = size.parameters - (embeddings if frozen_embeddings else 0)
        weights = size.parameters * 4
    before, after = (4 * trained, 0) if accumulates else (0, 4 * trained)  # gradients
    always = weights + trained * (2 if eight_bit else 8) + before

    tokens = batch * block
    each = (_KEPT_BY_A_BLOCK + (_MASKS if dropout else 0)) * (1 if halves else 2.0)
    a_block = int(tokens * size.width * each)
    if checkpointing:  # what goes into each block
        kept = tokens * size.width * size.layers * (2 if read_only else 4)
    else:  # and the weights that it was multiplied with
        kept = a_block * size.layers + (2 * (size.parameters - embeddings) if halves and not read_only else 0)
    kept += 24 * tokens * size.width  # around the blocks

    head = size.vocabulary * size.width  # a copy of it in 16 bits, and its gradient
    copies = (2 * head if halves and not read_only else 0) + (4 * head if trained == size.parameters else 0)
    logits = min(_LOGIT * tokens * size.vocabulary, _LOGITS_GPU if on_gpu else _LOGITS)
    at_the_loss = kept + copies + logits
    going_back = kept + copies + (a_block if checkpointing else 0)
    all_of_it = always + max(at_the_loss, going_back, after)
    return all_of_it if on_gpu else _PROCESS + int(_BETWEEN * all_of_it)
