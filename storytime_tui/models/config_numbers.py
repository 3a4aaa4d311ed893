"""The numbers of a config.json, held against what can be and against the weights. Knows no torch.

A model is built by these numbers before its weights fill it, so a million layers, or a vocabulary without end, would
take all memory before anybody saw that the weights have four.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models.weights_head import TensorShape

_RANGES = {  # what each number is called, in the many kinds of models, and what it can be
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
_DEEPEST = 20  # tables within tables
_SPARE = 10_000_000  # parameters, beyond twice what the weights hold: tables that are computed, not kept


def check_ranges(config: Mapping[str, Any], where: str) -> None:
    """Raise ModelError where a number of the config is of another kind, or out of all reason.

    The parts that a model of several kinds keeps apart (`text_config`) are looked at too. None stands for a default.
    """
    for part in _parts(config, where):
        for names, (low, high) in _RANGES.items():
            for name in names:
                value = part.get(name)
                each_layer = isinstance(value, list) and config.get("model_type") != "gpt2"
                if value is not None and not each_layer:
                    _check_whole(name, value, low, high, where)
        for name in (*_EPSILONS, *_DROPOUTS):
            value = part.get(name)
            if value is not None:
                _check_share(name, value, where)
    if config.get("model_type") == "gpt2":
        for name in _GPT2:
            if config.get(name) is None:
                raise _unusable(where, f"it does not say {name}")
        if config["n_embd"] % config["n_head"]:
            raise _unusable(
                where, f"n_embd is {config['n_embd']}, which {config['n_head']} heads cannot share evenly"
            )


def check_against(config: Mapping[str, Any], shapes: Mapping[str, TensorShape], where: str) -> None:
    """Raise ModelError where the weights are not those of this config; call `check_ranges` first.

    A GPT-2 must have exactly its tensors. For another kind nothing may be larger than the largest tensor, and
    there may not be more layers than tensors.
    """
    if not shapes:
        raise ModelError(
            f"The weights in {where} are damaged: there are none in them. Fetch or copy the model again."
        )
    if config.get("model_type") == "gpt2":
        _check_gpt2(config, shapes, where)
        return
    largest = max((side for shape in shapes.values() for side in shape), default=0)
    text = config.get("text_config")
    text = text if isinstance(text, dict) else config
    for names, most, of in (
        (("n_layer", "num_hidden_layers", "num_layers", "n_layers"), len(shapes), "tensors"),
        (
            ("n_embd", "hidden_size", "d_model", "n_embed", "vocab_size"),
            largest,
            "rows in the largest tensor",
        ),
    ):
        for name in names:
            value = text.get(name)
            if isinstance(value, int) and value > most:
                raise _unfit(where, f"{name} is {value:,}, and there are {most:,} {of}")


def check_size(built: int, held: int, where: str) -> None:
    """Raise ModelError where a model would have `built` numbers and its files hold no more than `held`."""
    if built > 2 * held + _SPARE:  # twice: one matrix may be used at both ends
        raise _unfit(where, f"it describes {built:,} numbers, and the weights hold {held:,}")


def expected_gpt2(config: Mapping[str, Any]) -> Iterator[tuple[str, TensorShape]]:
    """The tensors of a GPT-2 of this config.json, by Hugging Face's names."""
    width, inner = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    yield "transformer.wte.weight", (config["vocab_size"], width)
    yield "transformer.wpe.weight", (config["n_positions"], width)
    for layer in range(config["n_layer"]):
        for name, out, into in (
            ("attn.c_attn", width, 3 * width),
            ("attn.c_proj", width, width),
            ("mlp.c_fc", width, inner),
            ("mlp.c_proj", inner, width),
        ):
            yield f"transformer.h.{layer}.{name}.weight", (out, into)
            yield f"transformer.h.{layer}.{name}.bias", (into,)
        for name in ("ln_1", "ln_2"):
            yield f"transformer.h.{layer}.{name}.weight", (width,)
            yield f"transformer.h.{layer}.{name}.bias", (width,)
    yield "transformer.ln_f.weight", (width,)
    yield "transformer.ln_f.bias", (width,)


def _check_gpt2(config: Mapping[str, Any], shapes: Mapping[str, TensorShape], where: str) -> None:
    found = {
        name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}": shape
        for name, shape in shapes.items()
    }
    layers = sum(name.endswith(".ln_1.weight") for name in found)
    absent, unfit = [], []
    for name, shape in expected_gpt2(config):
        if name not in found:
            absent.append(name)
        elif found[name] != shape:
            unfit.append(name)
    if absent:
        raise ModelError(
            f"The weights in {where} lack {_and_more(sorted(absent))}: fetch or copy the model again."
        )
    if unfit:
        raise ModelError(
            f"The weights in {where} do not fit its config.json, {_and_more(sorted(unfit))} has another size there: "
            "fetch or copy the model again."
        )
    if layers != config["n_layer"]:
        raise _unfit(where, f"n_layer is {config['n_layer']}, and the weights are of {layers} layers")


def _parts(config: Mapping[str, Any], where: str) -> Iterator[Mapping[str, Any]]:
    """The config, and all tables in it."""
    waiting: list[tuple[Mapping[str, Any], int]] = [(config, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _unusable(where, "its tables are nested too deep")
        yield part
        waiting += [(value, depth + 1) for value in part.values() if isinstance(value, dict)]


def _check_whole(name: str, value: Any, low: int, high: int, where: str) -> None:
    if type(value) is not int:
        raise _unusable(where, f"{name} is {_shown(value)}, and must be a whole number")
    if not low <= value <= high:
        raise _unusable(where, f"{name} is {_shown(value)}, and must be from {low} to {high:,}")


def _check_share(name: str, value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unusable(where, f"{name} is {_shown(value)}, and must be a number")
    if not 0 <= value <= 1:
        raise _unusable(where, f"{name} is {_shown(value)}, and must be from 0 to 1")


def _shown(value: Any) -> str:
    if type(value) is int:
        return f"{value:,}" if abs(value) < 10**20 else "a number of very many digits"
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _and_more(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _unusable(where: str, why: str) -> ModelError:
    return ModelError(f"In {where}, config.json cannot be used: {why}. Fetch or copy the model again.")


def _unfit(where: str, why: str) -> ModelError:
    return ModelError(
        f"The weights in {where} do not fit its config.json: {why}. Fetch or copy the model again."
    )
