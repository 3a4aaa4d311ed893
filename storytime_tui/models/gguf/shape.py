"""What kind of model a GGUF file holds: its config.json and the names of its tensors in Hugging Face's words.

Names and layouts follow llama.cpp's convert_hf_to_gguf.py, the other way round. Knows no torch.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storytime_tui.errors import ModelError
from storytime_tui.models.gguf.header import Header, UnusableFile
from storytime_tui.models.gguf.names import GPT2_BLOCK, GPT2_OUTER, HEAD_NORMS, LLAMA_BLOCK, LLAMA_OUTER

ARCHITECTURES = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
FACTORS = "rope_freqs.weight"  # not a weight: see `_rope`
_LLAMA_3 = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
_LONGEST_WINDOW = 100_000_000


def check(header: Header, where: str) -> None:
    """Raise ModelError for a kind of model that is not read here."""
    kind = header.architecture
    if kind not in ARCHITECTURES:
        raise ModelError(
            f"{where} holds a model of the kind {kind[:40]!r}, and from GGUF files only {', '.join(ARCHITECTURES)} "
            "are read here: use the model that the file was made from."
        )


def names_of(header: Header) -> Iterator[tuple[str, str]]:
    """For each tensor that is read: its name in the file, and in Hugging Face's files."""
    gpt2 = header.architecture == "gpt2"
    outer, block = (GPT2_OUTER, GPT2_BLOCK) if gpt2 else (LLAMA_OUTER, LLAMA_BLOCK | HEAD_NORMS)
    prefix, blocks = ("transformer", "h") if gpt2 else ("model", "layers")
    for name in header.tensors:
        if name in outer:
            yield name, f"{prefix}.{outer[name]}"
        elif name == "output.weight":
            yield name, "lm_head.weight"
        elif name != FACTORS:
            first, layer, part, kind = (*name.split("."), "", "", "")[:4]
            if first != "blk" or part not in block or kind not in ("weight", "bias"):
                raise UnusableFile(f"holds {name[:80]!r}, which no {header.architecture} here has.")
            yield name, f"{prefix}.{blocks}.{layer}.{block[part]}.{kind}"


def config_of(header: Header, end_of_text: int | None, factors: Sequence[float] = ()) -> dict[str, Any]:
    """The config.json. `factors`: the numbers of the tensor `rope_freqs.weight`, if the file has it.

    Raises UnusableFile for a file that lacks a number, says what cannot be computed here, or states other sizes than
    its tensors have.
    """
    _check_sizes(header)
    config = _gpt2_config(header) if header.architecture == "gpt2" else _llama_config(header, factors)
    kind = header.architecture
    return {
        "architectures": [ARCHITECTURES[kind]],
        "model_type": kind,
        "vocab_size": header.tensors["token_embd.weight"].shape[0],
        "tie_word_embeddings": "output.weight" not in header.tensors,
        **({} if end_of_text is None else {"eos_token_id": end_of_text, "bos_token_id": end_of_text}),
        **config,
    }


def _check_sizes(header: Header) -> None:
    """Raise UnusableFile if the file states other sizes than its tensors have, whichever of the two are used here."""
    held = {
        "block_count": len({name.split(".")[1] for name in header.tensors if name.startswith("blk.")}),
        "embedding_length": _tensor_shape(header, "token_embd.weight")[1],
        "feed_forward_length": _tensor_shape(header, "blk.0.ffn_up.weight")[0],
    }
    if header.architecture != "gpt2":
        heads, width = _heads(header)
        few = _integer(header, "attention.head_count_kv", heads)
        for name, stated in (("attn_q", heads), ("attn_k", few), ("attn_v", few)):
            rows = _tensor_shape(header, f"blk.0.{name}.weight")[0]
            if rows != stated * width:
                raise UnusableFile(
                    f"states {stated:,} heads of {width:,} numbers for {name}, but holds {rows:,} rows for them: "
                    "fetch or copy it again."
                )
    for name, size in held.items():
        if (stated := _integer(header, name, size)) != size:
            raise UnusableFile(
                f"states {stated:,} as its {name}, but its tensors have {size:,}: fetch or copy it again."
            )


def _heads(header: Header) -> tuple[int, int]:
    """How many heads the queries of one token have, and how many numbers each."""
    heads = _integer(header, "attention.head_count")
    return heads, _integer(
        header, "attention.key_length", _tensor_shape(header, "token_embd.weight")[1] // heads
    )


def _gpt2_config(header: Header) -> dict[str, Any]:
    return {
        "n_positions": _tensor_shape(header, "position_embd.weight")[0],
        "n_embd": _tensor_shape(header, "token_embd.weight")[1],
        "n_layer": _integer(header, "block_count"),
        "n_head": _integer(header, "attention.head_count"),
        "n_inner": _tensor_shape(header, "blk.0.ffn_up.weight")[0],
        "layer_norm_epsilon": _number(header, "attention.layer_norm_epsilon", 1e-5),
        "activation_function": "gelu_new",
    }


def _llama_config(header: Header, factors: Sequence[float]) -> dict[str, Any]:
    heads, head = _heads(header)
    few = _integer(header, "attention.head_count_kv", heads)
    sliding = header.value("attention.sliding_window")
    return {
        "hidden_size": _tensor_shape(header, "token_embd.weight")[1],
        "intermediate_size": _tensor_shape(header, "blk.0.ffn_up.weight")[0],
        "num_hidden_layers": _integer(header, "block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": few,
        "head_dim": head,
        "hidden_act": "silu",
        "max_position_embeddings": min(_integer(header, "context_length"), _LONGEST_WINDOW),
        "rms_norm_eps": _number(header, "attention.layer_norm_rms_epsilon", 1e-6),
        "attention_bias": False if header.architecture != "llama" else _has(header, "blk.0.attn_q.bias"),
        "rope_theta": _number(header, "rope.freq_base", 10_000.0),
        **({"rope_scaling": scaling} if (scaling := _rope(header, head, factors)) else {}),
        **({"sliding_window": sliding, "use_sliding_window": True} if sliding else {}),
    }


def _rope(header: Header, head: int, factors: Sequence[float]) -> dict[str, Any] | None:
    """How positions beyond the first training are scaled. Raises UnusableFile for a way that is not known here."""
    kind, factor = header.value("rope.scaling.type"), _number(header, "rope.scaling.factor", 1.0)
    if header.value("rope.dimension_count", head) != head:
        raise UnusableFile("turns only a part of each head by its position, which is not read here.")
    if factors:
        scaling = {**_LLAMA_3, "factor": float(round(max(factors)))}
        expected = _llama_3_factors(scaling, head, _number(header, "rope.freq_base", 10_000.0))
        if len(factors) == len(expected) and all(map(_near, factors, expected)):
            return scaling
        raise UnusableFile(
            "scales positions by a table that is not Llama 3's, which is not read from GGUF here: use the "
            "model that the file was made from."
        )
    if kind in (None, "none") or factor == 1.0:
        return None
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor}
    raise UnusableFile(f"scales positions by {str(kind)[:40]!r}, which is not read from GGUF here.")


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-4)


def _llama_3_factors(scaling: Mapping[str, Any], head: int, base: float) -> list[float]:
    """By what Llama 3.1 divides the frequency of each pair of a head's numbers."""
    window, low, high = (
        scaling[key] for key in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor")
    )
    factors = []
    for pair in range(head // 2):
        turns = window * base ** (-2 * pair / head) / (2 * math.pi)  # in the window of the first training
        share = min(1.0, max(0.0, (turns - low) / (high - low)))
        factors.append(1 / ((1 - share) / scaling["factor"] + share))
    return factors


def permuted_heads(header: Header, name: str) -> int:
    """In how many heads the rows of a tensor are stored pair by pair; 0 for all other tensors.

    llama.cpp turns neighbouring rows by a token's position, transformers turns row i with row i + half.
    """
    if header.architecture != "llama":
        return 0
    heads = _integer(header, "attention.head_count")
    part = name.split(".")[2] if name.count(".") == 3 else ""
    return {"attn_q": heads, "attn_k": _integer(header, "attention.head_count_kv", heads)}.get(part, 0)


def is_transposed(header: Header, name: str) -> bool:
    """Whether Hugging Face's file holds the tensor the other way round: GPT-2's matrices, (in, out) there."""
    return header.architecture == "gpt2" and name.startswith("blk.") and len(header.tensors[name].shape) == 2


def _has(header: Header, name: str) -> bool:
    return name in header.tensors


def _tensor_shape(header: Header, name: str) -> tuple[int, ...]:
    place = header.tensors.get(name)
    if place is None or len(place.shape) != 2:
        raise UnusableFile(f"lacks {name}, so its model is incomplete: fetch or copy it again.")
    return place.shape


def _integer(header: Header, name: str, default: int | None = None) -> int:
    value = header.value(name, default)
    if isinstance(value, list) and value and all(each == value[0] for each in value):
        value = value[0]  # one for each layer
    if not isinstance(value, int) or not 0 < value <= _LONGEST_WINDOW:
        raise UnusableFile(
            f"states {str(value)[:40]} as its {name}, which cannot be: fetch or copy it again."
        )
    return value


def _number(header: Header, name: str, default: float) -> float:
    value = header.value(name, default)
    if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise UnusableFile(
            f"states {str(value)[:40]} as its {name}, which cannot be: fetch or copy it again."
        )
    # written as float32; the shortest decimal of it is what was meant
    return float(f"{value:.7g}")
