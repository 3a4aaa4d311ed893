"""Any other causal language model of transformers, with the interface of our own (`causal_model.CausalModel`)."""

import contextlib
import inspect
import json
import logging
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from huggingface_hub import constants as hub_constants
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, DynamicCache

from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import config_numbers, safetensors_header
from storytime_tui.models import folder as model_folder
from storytime_tui.models.library_messages import send_to_log

send_to_log()

_log = logging.getLogger(__name__)

_DROPOUT = ("resid_pdrop", "embd_pdrop", "hidden_dropout", "hidden_dropout_prob", "embed_dropout", "dropout")
_ATTENTION_DROPOUT = ("attn_pdrop", "attention_dropout", "attention_probs_dropout_prob")
_WINDOWS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
_IGNORED_KEYS = {  # keys that choose code (also from the Hub) or a dtype, which we choose
    *("attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
    *("experts_implementation", "_experts_implementation", "_experts_implementation_internal"),
    *("use_kernels", "kernel_config", "auto_map", "custom_pipelines", "_name_or_path", "name_or_path"),
    *("base_model_name_or_path", "dtype", "torch_dtype", "output_attentions", "output_hidden_states"),
}
_WINDOW_UNKNOWN = 1024  # for models without position embeddings, such as ALiBi's: GPT-2's window


class TransformersModel(nn.Module):
    """A model of transformers. `head` is None if its logits are not simply hidden states times a matrix."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        # `read` needs only the last position's logits; nearly every model can skip the others.
        parameters = inspect.signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        # renamed within the supported versions; the old name disappears in 5.40
        self._cache_argument = "cache" if "cache" in parameters else "past_key_values"
        self._plain_head = self._has_plain_head()

    @property
    def window(self) -> int:
        """The most tokens in a context; there are no positions beyond it."""
        config = _text_config(self.model.config)
        for name in _WINDOWS:
            window = getattr(config, name, None)
            if isinstance(window, int) and window > 0:
                return window
        return _WINDOW_UNKNOWN

    @property
    def vocabulary(self) -> int:
        """The number of embedding rows, padding included."""
        return int(_text_config(self.model.config).vocab_size)

    @property
    def head(self) -> Tensor | None:
        """(vocabulary, width), or None if the logits are not a plain product."""
        return self.model.get_output_embeddings().weight if self._plain_head else None

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers, from the first: the longest list of modules."""
        lists = [list(module) for module in self.model.modules() if isinstance(module, nn.ModuleList)]
        return max(lists, key=len, default=[])

    @property
    def checkpointing(self) -> bool:
        """Whether gradient checkpointing is on."""
        return any(getattr(module, "gradient_checkpointing", False) for module in self.model.modules())

    @checkpointing.setter
    def checkpointing(self, on: bool) -> None:
        # renamed within the supported versions; the old names disappear in 6
        prefix = "activation" if hasattr(self.model, "activation_checkpointing_enable") else "gradient"
        if not on:
            getattr(self.model, f"{prefix}_checkpointing_disable")()
        elif self.model.supports_gradient_checkpointing:
            getattr(self.model, f"{prefix}_checkpointing_enable")({"use_reentrant": False})

    def hidden(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, width)."""
        return self.model.base_model(input_ids=ids, use_cache=False)[0]  # type: ignore[no-any-return]

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, vocabulary) logits.

        The cache is off; otherwise transformers would store keys and values that training never reads.
        """
        return self.model(input_ids=ids, use_cache=False).logits  # type: ignore[no-any-return]

    def new_cache(self) -> DynamicCache:
        """An empty cache, which grows as needed."""
        return DynamicCache(config=self.model.config)

    def read(self, ids: Tensor, cache: DynamicCache) -> Tensor:
        """Append (batch, tokens) ids to the cache -> (batch, vocabulary) logits of the token after the last."""
        output = self.model(input_ids=ids, use_cache=True, **{self._cache_argument: cache}, **self._last_only)
        return output.logits[:, -1]  # type: ignore[no-any-return]

    def weights(self) -> dict[str, Tensor]:
        """All weights, on the CPU; with FSDP every rank must call this."""
        weights = {}
        for name, tensor in self.model.state_dict().items():
            tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
            weights[name.replace("_orig_mod.", "")] = tensor.detach().cpu()
        return weights

    def write(self, weights: dict[str, Tensor], folder: Path) -> None:
        """Write weights and configuration as transformers does. Raises OSError and SafetensorError."""
        self.model.save_pretrained(folder, state_dict=weights)

    def _has_plain_head(self) -> bool:
        """Whether the logits are hidden states times the head; tested, since models scale, cap and shift under many
        names."""
        head: Any = self.model.get_output_embeddings()
        if not isinstance(head, nn.Linear) or getattr(head, "bias", None) is not None:
            return False
        training_modules = [module for module in self.modules() if module.training]
        self.eval()
        ids = torch.arange(1, 5, device=head.weight.device)[None] % self.vocabulary
        try:
            with torch.no_grad():
                product, logits = F.linear(self.hidden(ids), head.weight), self(ids)
                return torch.allclose(product.float(), logits.float(), rtol=1e-2, atol=1e-2)
        except Exception:  # for example, a base model with another signature
            return False
        finally:
            for module in training_modules:  # restore each module's own mode
                module.training = True


def load_transformers_model(
    folder: Path, device: torch.device, dtype: torch.dtype, dropout: float | None
) -> tuple[TransformersModel, list[str], list[str]]:
    """The model, the names of weights missing in its files, and those with a different shape. Raises any error.

    transformers gets to see only the weights of the folder; other files could make it access other repositories.
    """
    config: Any = read_config(folder)
    if dropout is not None:
        _set_where_present(config, _DROPOUT, dropout)
        _set_where_present(config, _ATTENTION_DROPOUT, 0.0)
    names = model_folder.weight_names(folder)
    with _offline(), tempfile.TemporaryDirectory(prefix="storytime-") as weights_only:
        _check_size(config, safetensors_header.shapes_in([folder / name for name in names]), folder)
        index = (model_folder.WEIGHTS_INDEX,) if names != (model_folder.WEIGHTS,) else ()
        for name in (*names, *index):
            _link(folder / name, Path(weights_only) / name)
        (Path(weights_only) / model_folder.GENERATION_CONFIG).write_text(
            json.dumps(_generation_config(folder))
        )
        loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
            weights_only,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # reported below instead of on the screen
            output_loading_info=True,
        )  # transformers chooses SDPA attention if the architecture supports it
    model, report = loaded
    missing, mismatched = (
        sorted(report["missing_keys"]),
        sorted(each[0] for each in report["mismatched_keys"]),
    )
    if missing or mismatched:
        return model, missing, mismatched
    return TransformersModel(model.to(device)), [], []


def _generation_config(folder: Path) -> dict[str, Any]:
    path = folder / model_folder.GENERATION_CONFIG
    return model_folder.read_json(path) if path.exists() else {}


def read_config(folder: Path) -> Any:
    """transformers' config object for config.json, without keys that choose code or dtype. Raises ModelError."""
    path = folder / model_folder.CONFIG
    values = model_folder.read_json(path)
    model_folder.check_config(values, str(folder))
    try:
        return CONFIG_MAPPING[values["model_type"]].from_dict(_without_ignored(values))
    except BaseException as error:  # any error is possible here
        if not is_fault(error):
            raise
        raise _unusable(path, values, error) from error


def _unusable(path: Path, values: Mapping[str, Any], error: BaseException) -> ModelError:
    """The error for a config.json that transformers cannot use; its own message goes to the log."""
    _log.warning("transformers cannot use %s", path, exc_info=error)
    message = str(error)
    missing_key = error.args[0] if isinstance(error, KeyError) and error.args else None
    for key, value in values.items():
        # a lookup table of transformers lacks the value, or a validation names the key
        if (isinstance(value, str) and value == missing_key) or re.search(
            rf"['\"`]{re.escape(key)}['\"`]", message
        ):
            shown = repr(value) if len(repr(value)) <= 40 else repr(value)[:40] + "…"
            return ModelError(
                f"{path} cannot be used: {key} is {shown}, which transformers does not support."
            )
    return ModelError(
        f"{path} cannot be used: it has a value that transformers does not support. Fetch or copy the model again."
    )


def _without_ignored(value: Any) -> Any:
    """A config without the keys that choose code or dtype, at any depth."""
    if isinstance(value, dict):
        return {key: _without_ignored(each) for key, each in value.items() if key not in _IGNORED_KEYS}
    return [_without_ignored(each) for each in value] if isinstance(value, list) else value


def _check_size(config: Any, shapes: Mapping[str, safetensors_header.TensorShape], folder: Path) -> None:
    """Raise ModelError if the model would be far larger than its weights, before memory is allocated for it."""
    try:
        with torch.device("meta"):
            auto: Any = transformers.AutoModelForCausalLM
            model = auto.from_config(config, trust_remote_code=False)
    except Exception as error:  # architectures raise any error for values that we do not check
        path = folder / model_folder.CONFIG
        raise _unusable(path, model_folder.read_json(path), error) from error
    tensors = {id(each): each.numel() for each in (*model.parameters(), *model.buffers())}
    held = sum(math.prod(shape) for shape in shapes.values())
    config_numbers.check_size(sum(tensors.values()), held, str(folder))


def _link(file: Path, place: Path) -> None:
    """Link `place` to `file`. Raises OSError."""
    try:
        place.symlink_to(file.resolve())
    except OSError:  # Windows, without the permission to make links
        os.link(file.resolve(), place)


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Keep huggingface_hub from network access in this process for the block; the model must be local."""
    before = hub_constants.HF_HUB_OFFLINE
    hub_constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub_constants.HF_HUB_OFFLINE = before


def rows_of(config: Any) -> int | None:
    """The number of embedding rows by the config, None if it does not say."""
    rows = getattr(_text_config(config), "vocab_size", None)
    return rows if isinstance(rows, int) else None


def _text_config(config: Any) -> Any:
    """The text part of a config; multimodal models nest it."""
    return config.get_text_config(decoder=True)


def _set_where_present(config: Any, names: tuple[str, ...], value: float) -> None:
    for name in names:
        if isinstance(getattr(config, name, None), float | int):
            setattr(config, name, value)
