"""Small models of several kinds, with weights random and large enough for clear opinions."""

from collections.abc import Callable
from typing import Any

import torch
import transformers
from transformers import (
    GPT2Config,
    GPTNeoConfig,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from storytime_tui.models.transformers_model import TransformersModel
from tests.models import small_llamas
from tests.tiny import ours

VOCABULARY = 96
WINDOW = 640
OURS = ("llama", "qwen2", "qwen3", "sliding")  # the kinds that our Llama computes

_COMMON: dict[str, Any] = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
_LARGE: dict[str, Any] = {**_COMMON, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}

CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "gpt2": lambda: GPT2Config(**_COMMON, n_positions=WINDOW, n_embd=32, n_layer=2, n_head=2),
    "llama": lambda: LlamaConfig(
        **_LARGE, intermediate_size=64, num_key_value_heads=1, max_position_embeddings=WINDOW
    ),
    "qwen2": lambda: Qwen2Config(
        **{**_LARGE, "num_attention_heads": 4},
        intermediate_size=64,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        tie_word_embeddings=True,
    ),
    "qwen3": lambda: Qwen3Config(
        **{**_LARGE, "num_attention_heads": 4},
        intermediate_size=64,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        head_dim=16,
    ),
    "neox": lambda: GPTNeoXConfig(**_LARGE, intermediate_size=64, max_position_embeddings=WINDOW),
    "neo": lambda: GPTNeoConfig(
        **_COMMON,
        hidden_size=32,
        num_layers=2,
        num_heads=2,
        intermediate_size=64,
        max_position_embeddings=WINDOW,
        attention_types=[[["global", "local"], 1]],
        window_size=24,
    ),
    "opt": lambda: OPTConfig(
        **_LARGE, ffn_dim=64, word_embed_proj_dim=32, max_position_embeddings=WINDOW, init_std=0.3
    ),
    "mistral": lambda: MistralConfig(
        **_LARGE,
        intermediate_size=64,
        num_key_value_heads=1,
        max_position_embeddings=WINDOW,
        sliding_window=16,
    ),
}
CONFIGS["sliding"] = CONFIGS["mistral"]  # by our own hand


def theirs(kind: str, seed: int = 0) -> Any:
    """A model by transformers itself, in fp32."""
    config = CONFIGS[kind]()
    config.initializer_range = 0.3
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: Any = transformers.AutoModelForCausalLM.from_config(config)
        for name, weight in model.named_parameters():  # norms and biases with a life of their own too
            if weight.dim() == 1 and "embed" not in name:
                torch.nn.init.normal_(
                    weight, 1.0 if name.endswith("norm.weight") or ".ln_" in name else 0.0, 0.1
                )
            # so that a word's own embedding, which is its row of the output too, does not call for it again
            if "ln_f.weight" in name:
                torch.nn.init.normal_(weight, 0.0, 1.0)
            if "wpe" in name or "embed_positions" in name:
                weight.detach().mul_(16)
    return model.eval()


def ours_of(model: Any, kind: str) -> Any:
    """As this program reads it: GPT-2 and Llama by our own hand, all others through `TransformersModel`."""
    if kind == "gpt2":
        return ours(model, dropout=0.0)
    return small_llamas.ours(model) if kind in OURS else TransformersModel(model)


def greedy_rows_by_generate(model: Any, rows: list[list[int]], tokens: int) -> list[list[int]]:
    """What transformers' `generate` takes for the likeliest after each row, however often that ends a story."""
    found = model.generate(
        torch.tensor(rows), max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, eos_token_id=-1
    )
    return found[:, len(rows[0]) :].tolist()  # type: ignore[no-any-return]


def greedy_by_generate(model: Any, ids: list[int], tokens: int) -> list[int]:
    """The same after one row."""
    return greedy_rows_by_generate(model, [ids], tokens)[0]
