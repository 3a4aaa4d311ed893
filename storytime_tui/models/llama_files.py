"""The config.json of Llama and its family: which models `Llama` computes, and their sizes. The weights: `own_files`.

A model with an option that is not known here to be without effect is left to transformers.
"""

from typing import Any

from storytime_tui.models.llama import Rotation, Shape
from storytime_tui.models.shapes import LLAMAS

_SIZES = {  # must be there
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    "max_position_embeddings",
}
_READ = _SIZES | {
    *("model_type", "num_key_value_heads", "head_dim", "rms_norm_eps", "tie_word_embeddings", "rope_theta"),
    *("rope_scaling", "rope_parameters", "sliding_window", "use_sliding_window", "layer_types"),
}
_SUPPORTED = {  # options of which `Llama` implements one value, which is the default too
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "is_encoder_decoder": False,
    "rope_interleaved": False,
    "use_mrope": False,
}
_WITHOUT_EFFECT = {
    *("architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path", "use_cache"),
    *("bos_token_id", "eos_token_id", "pad_token_id", "initializer_range", "attention_dropout"),
    *("pretraining_tp", "max_window_layers", "is_llama_config", "transformers.js_config", "problem_type"),
    *("output_hidden_states", "output_attentions", "return_dict", "chunk_size_feed_forward"),
    *("id2label", "label2id", "tokenizer_class"),
}
_MISTRALS_DEFAULT = 4096  # tokens, of a window that slides
_ROPE_TYPES = {  # what each must have, besides its type and its theta
    "default": set[str](),
    "linear": {"factor"},
    "llama3": {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"},
}


def is_llama(config: dict[str, Any]) -> bool:
    """Whether `Llama` can compute a model with this config.json."""
    kind = config.get("model_type")
    return (
        kind in LLAMAS
        and config.keys() >= _SIZES
        and config.keys() <= _READ | _SUPPORTED.keys() | _WITHOUT_EFFECT
        and all(config.get(name, value) == value for name, value in _SUPPORTED.items())
        and (kind == "llama" or "num_key_value_heads" in config)  # the others have defaults of their own
        and (kind != "qwen3" or config.get("head_dim") is not None)
        and _knows_window(config)
        and _knows_rotation(config)
    )


def _knows_window(config: dict[str, Any]) -> bool:
    """Whether each layer's tokens attend to all before them or, in a Mistral, to the same number."""
    kind, slides = config["model_type"], bool(config.get("use_sliding_window"))
    layers = config.get("layer_types") or ()
    if kind == "llama":
        return not (slides or layers or config.get("sliding_window"))
    if kind == "mistral":
        width = config.get("sliding_window", _MISTRALS_DEFAULT)
        return not (slides or layers) and (width is None or (type(width) is int and width > 0))
    return not slides and all(kind == "full_attention" for kind in layers)


def _sliding_window(config: dict[str, Any]) -> int | None:
    width = config.get("sliding_window", _MISTRALS_DEFAULT) if config["model_type"] == "mistral" else None
    return None if width is None or width >= config["max_position_embeddings"] else int(width)


def _knows_rotation(config: dict[str, Any]) -> bool:
    rope = _rope_of(config)
    name = rope.pop("rope_type", None) or rope.pop("type", None) or "default"
    rope.pop("type", None)  # its old name, which some files have besides
    numbers = rope.pop("rope_theta", None), *rope.values()
    return (
        name in _ROPE_TYPES
        and rope.keys() == _ROPE_TYPES[name]
        and all(type(value) in (int, float) and value > 0 for value in numbers)
    )


def _rope_of(config: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the rotation with its theta, from either form of config.json."""
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    theta = config.get("rope_theta", 10_000.0)
    return {"rope_theta": theta, **rope} if isinstance(rope, dict) else {"rope_type": "unknown"}


def shape_of(config: dict[str, Any], dropout: float | None) -> Shape:
    """The shape in a config.json for which `is_llama` is true. Raises KeyError, TypeError or ValueError."""
    kind, width, heads = config["model_type"], int(config["hidden_size"]), int(config["num_attention_heads"])
    key_value_heads = int(config.get("num_key_value_heads") or heads)
    head_width = int(config.get("head_dim") or width // heads)
    if heads % key_value_heads:
        raise ValueError(
            f"num_attention_heads is {heads}, which is not a multiple of {key_value_heads} key-value heads"
        )
    if head_width % 2 or not head_width:
        raise ValueError(f"the heads are {head_width} wide, which is not an even number")
    return Shape(
        vocabulary=int(config["vocab_size"]),
        window=int(config["max_position_embeddings"]),
        width=width,
        layers=int(config["num_hidden_layers"]),
        heads=heads,
        key_value_heads=key_value_heads,
        head_width=head_width,
        inner=int(config["intermediate_size"]),
        rotation=_rotation_of(_rope_of(config)),
        tied=bool(config.get("tie_word_embeddings", False)),
        qkv_biases=kind == "qwen2",
        head_norms=kind == "qwen3",
        dropout=dropout or 0.0,
        epsilon=float(config.get("rms_norm_eps", 1e-6)),
        sliding_window=_sliding_window(config),
    )


def _rotation_of(rope: dict[str, Any]) -> Rotation:
    theta, factor = float(rope["rope_theta"]), float(rope.get("factor", 1.0))
    if "original_max_position_embeddings" not in rope:
        return Rotation(theta, factor)
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    return Rotation(theta, factor, int(rope["original_max_position_embeddings"]), low, high)
