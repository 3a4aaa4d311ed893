"""The named shapes of GPT-2: new ones with random weights, and those on the Hub. Knows no torch."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScratchShape:
    """The sizes of a new GPT-2: layers, width, heads, vocabulary in tokens, and window in tokens."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    window: int


SCRATCH_SHAPES = {
    "scratch-tiny": ScratchShape(layers=4, width=128, heads=4, vocabulary=2048, window=256),
    "scratch-small": ScratchShape(layers=6, width=384, heads=6, vocabulary=8192, window=512),
}

# as published by OpenAI and Hugging Face
GPT2_SHAPES = {
    "distilgpt2": ScratchShape(layers=6, width=768, heads=12, vocabulary=50_257, window=1024),
    "gpt2": ScratchShape(layers=12, width=768, heads=12, vocabulary=50_257, window=1024),
    "gpt2-medium": ScratchShape(layers=24, width=1024, heads=16, vocabulary=50_257, window=1024),
    "gpt2-large": ScratchShape(layers=36, width=1280, heads=20, vocabulary=50_257, window=1024),
    "gpt2-xl": ScratchShape(layers=48, width=1600, heads=25, vocabulary=50_257, window=1024),
}

# as published by its authors: a GPT-Neo, which has no biases for queries, keys and values
TINY_STORIES = "roneneldan/TinyStories-33M"
TINY_STORIES_SHAPE = ScratchShape(layers=4, width=768, heads=16, vocabulary=50_257, window=2048)

# the model types that `llama.Llama` computes (see `llama_files`)
LLAMAS = ("llama", "mistral", "qwen2", "qwen3")

# of those on the Hub that the catalogue names, as in their config.json
LLAMA_CONFIGS: dict[str, dict[str, Any]] = {
    name: {
        "model_type": kind,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_value_heads,
        "head_dim": head_width,
        "vocab_size": vocabulary,
        "max_position_embeddings": window,
        "tie_word_embeddings": True,
    }
    for name, kind, width, inner, layers, heads, key_value_heads, head_width, vocabulary, window in (
        ("HuggingFaceTB/SmolLM2-135M", "llama", 576, 1536, 30, 9, 3, 64, 49_152, 8192),
        ("HuggingFaceTB/SmolLM2-360M", "llama", 960, 2560, 32, 15, 5, 64, 49_152, 8192),
        ("Qwen/Qwen3-0.6B-Base", "qwen3", 1024, 3072, 28, 16, 8, 128, 151_936, 32_768),
    )
}

LAYERS, WIDTHS, HEAD = (1, 48), (64, 2048), 64  # ranges for a shape given by its size; HEAD is the head width
_SIZED = re.compile(r"scratch-([1-9][0-9]*)x([1-9][0-9]*)")


def scratch_shape(name: str) -> ScratchShape | None:
    """The shape of a base with random weights: a listed one, or one by size, such as `scratch-9x320` (layers × width).

    Heads are 64 wide, the vocabulary is 8,192 tokens, the window 512 tokens. None for any other base, and for a size
    out of range, which `resolve_base` reports.
    """
    if name in SCRATCH_SHAPES:
        return SCRATCH_SHAPES[name]
    sized = _SIZED.fullmatch(name) if len(name) < 20 else None
    if sized is None:
        return None
    layers, width = int(sized[1]), int(sized[2])
    fits = LAYERS[0] <= layers <= LAYERS[1] and WIDTHS[0] <= width <= WIDTHS[1] and not width % HEAD
    return ScratchShape(layers, width, width // HEAD, vocabulary=8192, window=512) if fits else None
