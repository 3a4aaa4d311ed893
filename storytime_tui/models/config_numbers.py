"""Checks of the numbers in config.json, against plausible ranges and against the weights. Knows no torch.

A model is built from these numbers before its weights are loaded, so an absurd layer count or vocabulary size
would exhaust the memory before anyone compared it with the weights.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models.safetensors_header import TensorShape
from storytime_tui.models.shapes import LLAMAS

_RANGES = {  # each number's names across architectures, and its range
    ("n_layer", "num_hidden_layers", "num_layers", "n_layers"): (1, 1000),
    ("n_head", "num_attention_heads", "num_key_value_heads", "n_heads", "num_heads"): (1, 10_000),
    ("n_embd", "hidden_size", "d_model", "n_embed"): (1, 1_000_000),
    ("n_inner", "intermediate_size", "ffn_dim", "d_ff"): (1, 10_000_000),
    ("vocab_size",): (1, 10_000_000),
    ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length"): (1, 100_000_000),
}
_EPSILONS = ("layer_norm_epsilon", "layer_norm_eps", "rms_norm_eps", "norm_eps")
_DROPOUTS = (
    *("resid_pdrop", "embd_pdrop", "attn_pdrop", "hidden_dropout", "hidden_dropout_prob", "embed_dropout"),
    *("dropout", "attention_dropout", "attention_probs_dropout_prob"),
)
_GPT2 = ("n_layer", "n_head", "n_embd", "vocab_size", "n_positions")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_MAX_DEPTH = 20  # levels of nested tables
_SLACK = 10_000_000  # parameters beyond twice those stored: computed tables such as position embeddings


def check_ranges(config: Mapping[str, Any], where: str) -> None:
    """Raise ModelError if a number of the config has the wrong type or is out of range.

    Nested tables of a multimodal model (`text_config`) are checked too. None stands for a default.
    """
    for part in _parts(config, where):
        for names, (low, high) in _RANGES.items():
            for name in names:
                value = part.get(name)
                per_layer = isinstance(value, list) and config.get("model_type") != "gpt2"
                if value is not None and not per_layer:
                    _check_integer(name, value, low, high, where)
        for name in (*_EPSILONS, *_DROPOUTS):
            value = part.get(name)
            if value is not None:
                _check_fraction(name, value, where)
    if config.get("model_type") == "gpt2":
        for name in _GPT2:
            if config.get(name) is None:
                raise _unusable(where, f"it lacks {name}")
        if config["n_embd"] % config["n_head"]:
            raise _unusable(
                where, f"n_embd is {config['n_embd']}, which is not a multiple of {config['n_head']} heads"
            )


def check_against(config: Mapping[str, Any], shapes: Mapping[str, TensorShape], where: str) -> None:
    """Raise ModelError if the weights do not match this config; call `check_ranges` first.

    A GPT-2 must have exactly its tensors. For other architectures, no size may exceed the largest tensor's, and
    there may not be more layers than tensors.
    """
    if not shapes:
        raise ModelError(
            f"The weights in {where} are damaged: they hold no tensors. Fetch or copy the model again."
        )
    if config.get("model_type") == "gpt2":
        _check_gpt2(config, shapes, where)
        return
    largest = max((size for shape in shapes.values() for size in shape), default=0)
    text = config.get("text_config")
    text = text if isinstance(text, dict) else config
    layers = {found[1] for name in shapes if (found := _LAYER.search(name))}
    if config.get("model_type") in LLAMAS and text.get("num_hidden_layers", 0) < len(layers):
        raise _mismatch(
            where,
            f"num_hidden_layers is {text['num_hidden_layers']}, but the weights have {len(layers)} layers",
        )
    for names, limit, what in (
        (("n_layer", "num_hidden_layers", "num_layers", "n_layers"), len(shapes), "tensors"),
        (
            ("n_embd", "hidden_size", "d_model", "n_embed", "vocab_size"),
            largest,
            "rows in the largest tensor",
        ),
    ):
        for name in names:
            value = text.get(name)
            if isinstance(value, int) and value > limit:
                raise _mismatch(where, f"{name} is {value:,}, but there are {limit:,} {what}")


def check_size(built: int, held: int, where: str) -> None:
    """Raise ModelError if a model has `built` parameters but its files hold far fewer, `held`."""
    if built > 2 * held + _SLACK:  # twice, because tied embeddings are stored once
        raise _mismatch(where, f"it describes {built:,} parameters, but the weights hold {held:,}")


def expected_gpt2(config: Mapping[str, Any]) -> Iterator[tuple[str, TensorShape]]:
    """The names and shapes of a GPT-2's tensors under Hugging Face's names, by its config.json."""
    width, inner = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    yield "transformer.wte.weight", (config["vocab_size"], width)
    yield "transformer.wpe.weight", (config["n_positions"], width)
    for layer in range(config["n_layer"]):
        for name, rows, columns in (
            ("attn.c_attn", width, 3 * width),
            ("attn.c_proj", width, width),
            ("mlp.c_fc", width, inner),
            ("mlp.c_proj", inner, width),
        ):
            yield f"transformer.h.{layer}.{name}.weight", (rows, columns)
            yield f"transformer.h.{layer}.{name}.bias", (columns,)
        for name in ("ln_1", "ln_2"):
            yield f"transformer.h.{layer}.{name}.weight", (width,)
            yield f"transformer.h.{layer}.{name}.bias", (width,)
    yield "transformer.ln_f.weight", (width,)
    yield "transformer.ln_f.bias", (width,)


def _check_gpt2(config: Mapping[str, Any], shapes: Mapping[str, TensorShape], where: str) -> None:
    by_name = {
        name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}": shape
        for name, shape in shapes.items()
    }
    layers = sum(name.endswith(".ln_1.weight") for name in by_name)
    missing, mismatched = [], []
    for name, shape in expected_gpt2(config):
        if name not in by_name:
            missing.append(name)
        elif by_name[name] != shape:
            mismatched.append(name)
    if missing:
        raise ModelError(
            f"The weights in {where} lack {_and_more(sorted(missing))}: fetch or copy the model again."
        )
    if mismatched:
        raise ModelError(
            f"The weights in {where} do not fit its config.json: {_and_more(sorted(mismatched))} has a different size "
            "there. Fetch or copy the model again."
        )
    if layers != config["n_layer"]:
        raise _mismatch(where, f"n_layer is {config['n_layer']}, but the weights have {layers} layers")


def _parts(config: Mapping[str, Any], where: str) -> Iterator[Mapping[str, Any]]:
    """The config and every table nested in it."""
    pending: list[tuple[Mapping[str, Any], int]] = [(config, 0)]
    while pending:
        part, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise _unusable(where, "its objects are nested too deeply")
        yield part
        pending += [(value, depth + 1) for value in part.values() if isinstance(value, dict)]


def _check_integer(name: str, value: Any, low: int, high: int, where: str) -> None:
    if type(value) is not int:
        raise _unusable(where, f"{name} is {_shortened(value)}, but must be a whole number")
    if not low <= value <= high:
        raise _unusable(where, f"{name} is {_shortened(value)}, but must be from {low} to {high:,}")


def _check_fraction(name: str, value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unusable(where, f"{name} is {_shortened(value)}, but must be a number")
    if not 0 <= value <= 1:
        raise _unusable(where, f"{name} is {_shortened(value)}, but must be from 0 to 1")


def _shortened(value: Any) -> str:
    if type(value) is int:
        return f"{value:,}" if abs(value) < 10**20 else "a number with very many digits"
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _and_more(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _unusable(where: str, why: str) -> ModelError:
    return ModelError(f"In {where}, config.json cannot be used: {why}. Fetch or copy the model again.")


def _mismatch(where: str, why: str) -> ModelError:
    return ModelError(
        f"The weights in {where} do not fit its config.json: {why}. Fetch or copy the model again."
    )
