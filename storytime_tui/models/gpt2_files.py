"""GPT-2's config.json: which models `GPT2` computes, and their sizes. The weights: `own_files`."""

from typing import Any

import torch

from storytime_tui.models.gpt2 import GPT2, Shape
from storytime_tui.models.own_files import empty_model

_SUPPORTED = {  # the options that `GPT2` implements; the first is the default
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "reorder_and_upcast_attn": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),  # equal to 1e-7
}


def is_gpt2(config: dict[str, Any]) -> bool:
    """Whether `GPT2` can compute a model with this config.json."""
    return config.get("model_type") == "gpt2" and all(config.get(k, v[0]) in v for k, v in _SUPPORTED.items())


def shape_of(config: dict[str, Any], dropout: float | None) -> Shape:
    """The shape in a config.json; `dropout`, if given, replaces its own. Raises KeyError, TypeError or ValueError."""
    width, heads = int(config["n_embd"]), int(config["n_head"])
    if width % heads:
        raise ValueError(f"n_embd is {width}, which is not a multiple of {heads} heads")
    return Shape(
        vocabulary=int(config["vocab_size"]),
        window=int(config["n_positions"]),
        width=width,
        layers=int(config["n_layer"]),
        heads=heads,
        inner=int(config.get("n_inner") or 4 * width),
        dropout=float(config.get("resid_pdrop", 0.1)) if dropout is None else dropout,
        epsilon=float(config.get("layer_norm_epsilon", 1e-5)),
    )


def config_of(shape: Shape, end_of_text: int) -> dict[str, Any]:
    """The config.json of a new model."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.window,
        "n_ctx": shape.window,
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_inner": shape.inner,
        "activation_function": "gelu_pytorch_tanh",
        "layer_norm_epsilon": shape.epsilon,
        "initializer_range": 0.02,
        "resid_pdrop": shape.dropout,
        "embd_pdrop": shape.dropout,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "dtype": "float32",
    }


def empty_gpt2(shape: Shape, device: torch.device, dtype: torch.dtype, *, padded: bool) -> GPT2:
    """A model with uninitialised weights."""
    return empty_model(GPT2, shape, device, dtype, padded=padded)
