"""Small models of the Llama family by transformers itself, with random weights, and the same as ours."""

import copy
from typing import Any

import torch
import transformers
from transformers import LlamaConfig, MistralConfig, PreTrainedConfig, Qwen2Config, Qwen3Config

from storytime_tui.models import llama_files, own_files
from storytime_tui.models.llama import Llama

_SIZES: dict[str, Any] = {
    "vocab_size": 301,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
    "initializer_range": 0.15,
}
LLAMA_3 = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
SLIDING = 12  # tokens
LINEAR = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}

CONFIGS: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**_SIZES),
    "llama-3": LlamaConfig(**_SIZES, rope_parameters=LLAMA_3, tie_word_embeddings=True),
    "llama-linear": LlamaConfig(**{**_SIZES, "num_key_value_heads": 6}, rope_parameters=LINEAR),
    "smollm2": LlamaConfig(
        **{**_SIZES, "num_attention_heads": 3, "num_key_value_heads": 1},
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
    ),
    "mistral": MistralConfig(**_SIZES, sliding_window=None, head_dim=16),
    "mistral-sliding": MistralConfig(**_SIZES, sliding_window=SLIDING, head_dim=16),
    "qwen2": Qwen2Config(**_SIZES, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**_SIZES, head_dim=16),
}


def theirs(kind: str, seed: int = 0, **changes: Any) -> Any:
    """A model by transformers itself, in fp32, with norms and biases of their own too; `changes`: of its config."""
    config = copy.deepcopy(CONFIGS[kind])
    for name, value in changes.items():
        setattr(config, name, value)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: Any = transformers.AutoModelForCausalLM.from_config(config)
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                torch.nn.init.normal_(weight, 0.0 if name.endswith("bias") else 1.0, 0.2)
    return model.eval()


def ours(model: Any, *, padded: bool = False, dropout: float | None = None) -> Llama:
    """The same model as ours."""
    config = model.config.to_dict()
    assert llama_files.is_llama(config)
    made = own_files.empty_model(
        Llama, llama_files.shape_of(config, dropout), torch.device("cpu"), torch.float32, padded=padded
    )
    assert own_files.fill_from(made, model.state_dict().items()) == ([], [])
    return made.eval()
