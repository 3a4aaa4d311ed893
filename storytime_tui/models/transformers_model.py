"""Any other causal language model that transformers knows, behind the few words that ours has (`gpt2.GPT2`)."""

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
from storytime_tui.models import config_numbers, weights_head
from storytime_tui.models import folder as model_folder

# What transformers would print, natively too, tears the screen: it goes to the log, where there is one.
transformers.logging.disable_default_handler()
transformers.logging.enable_propagation()
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
logging.getLogger("transformers").addHandler(logging.NullHandler())

_log = logging.getLogger(__name__)

_DROPOUT = ("resid_pdrop", "embd_pdrop", "hidden_dropout", "hidden_dropout_prob", "embed_dropout", "dropout")
_ATTENTION_DROPOUT = ("attn_pdrop", "attention_dropout", "attention_probs_dropout_prob")
_WINDOWS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
_NOT_THEIRS = {  # keys of a config.json that choose code, from the Hub too, or a dtype: that is for us to do
    *("attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
    *("experts_implementation", "_experts_implementation", "_experts_implementation_internal"),
    *("use_kernels", "kernel_config", "auto_map", "custom_pipelines", "_name_or_path", "name_or_path"),
    *("base_model_name_or_path", "dtype", "torch_dtype", "output_attentions", "output_hidden_states"),
}
_WINDOW_UNKNOWN = 1024  # for models without positions of their own, such as ALiBi's: GPT-2's window


class TransformersModel(nn.Module):
    """A model of transformers. `head` is None where its logits are more than a product with a matrix."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        # Only the last position's logits are wanted of a reading; nearly every model can leave the others out.
        takes = inspect.signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        # renamed in the middle of the versions that we take; the old word goes in 5.40
        self._cache_word = "cache" if "cache" in takes else "past_key_values"
        self._plain_head = self._has_plain_head()

    @property
    def window(self) -> int:
        """The largest number of tokens that it sees at once: never give it a position beyond."""
        config = _text_config(self.model.config)
        for name in _WINDOWS:
            window = getattr(config, name, None)
            if isinstance(window, int) and window > 0:
                return window
        return _WINDOW_UNKNOWN

    @property
    def vocabulary(self) -> int:
        """How many tokens it has a row for, padding included."""
        return int(_text_config(self.model.config).vocab_size)

    @property
    def head(self) -> Tensor | None:
        """(vocabulary, width), or None where that is not all."""
        return self.model.get_output_embeddings().weight if self._plain_head else None

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers, from the first: the longest list of modules that there is."""
        lists = [list(module) for module in self.model.modules() if isinstance(module, nn.ModuleList)]
        return max(lists, key=len, default=[])

    @property
    def checkpointing(self) -> bool:
        """Whether each block is computed twice, and nothing of it kept."""
        return any(getattr(module, "gradient_checkpointing", False) for module in self.model.modules())

    @checkpointing.setter
    def checkpointing(self, on: bool) -> None:
        # renamed in the middle of the versions that we take; the old words go in 6
        word = "activation" if hasattr(self.model, "activation_checkpointing_enable") else "gradient"
        if not on:
            getattr(self.model, f"{word}_checkpointing_disable")()
        elif self.model.supports_gradient_checkpointing:
            getattr(self.model, f"{word}_checkpointing_enable")({"use_reentrant": False})

    def hidden(self, ids: Tensor) -> Tensor:
        """(batch, tokens) -> (batch, tokens, width)."""
        return self.model.base_model(input_ids=ids, use_cache=False)[0]  # type: ignore[no-any-return]

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, tokens) -> (batch, tokens, vocabulary) logits.

        The cache is off: with it on, transformers would keep keys and values that training never reads.
        """
        return self.model(input_ids=ids, use_cache=False).logits  # type: ignore[no-any-return]

    def new_cache(self) -> DynamicCache:
        """An empty one, that grows."""
        return DynamicCache(config=self.model.config)

    def read(self, ids: Tensor, cache: DynamicCache) -> Tensor:
        """Put (batch, tokens) ids behind the cache -> (batch, vocabulary): logits of what follows the last."""
        found = self.model(input_ids=ids, use_cache=True, **{self._cache_word: cache}, **self._last_only)
        return found.logits[:, -1]  # type: ignore[no-any-return]

    def weights(self) -> dict[str, Tensor]:
        """All of them, on the CPU. Where ranks hold parts of the model, each has to ask."""
        found = {}
        for name, tensor in self.model.state_dict().items():
            tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
            found[name.replace("_orig_mod.", "")] = tensor.detach().cpu()
        return found

    def write(self, weights: dict[str, Tensor], folder: Path) -> None:
        """Weights and configuration, as transformers writes them. Raises OSError and SafetensorError."""
        self.model.save_pretrained(folder, state_dict=weights)

    def _has_plain_head(self) -> bool:
        """Tried, since models scale, cap and shift their logits under many names."""
        head: Any = self.model.get_output_embeddings()
        if not isinstance(head, nn.Linear) or getattr(head, "bias", None) is not None:
            return False
        learning = [module for module in self.modules() if module.training]
        self.eval()
        ids = torch.arange(1, 5, device=head.weight.device)[None] % self.vocabulary
        try:
            with torch.no_grad():
                product, logits = F.linear(self.hidden(ids), head.weight), self(ids)
                return torch.allclose(product.float(), logits.float(), rtol=1e-2, atol=1e-2)
        except Exception:  # a base model that is called otherwise
            return False
        finally:
            for module in learning:  # each as it was: some may have been at rest
                module.training = True


def open_foreign(
    folder: Path, device: torch.device, dtype: torch.dtype, dropout: float | None
) -> tuple[TransformersModel, list[str], list[str]]:
    """The model, and the names of weights that its files lack or have in another size. Raises whatever goes wrong.

    transformers sees nothing of the folder but its weights: all else in one could lead it to other repositories.
    """
    config: Any = read_config(folder)
    if dropout is not None:
        _set(config, _DROPOUT, dropout)
        _set(config, _ATTENTION_DROPOUT, 0.0)
    names = model_folder.weight_names(folder)
    with _offline(), tempfile.TemporaryDirectory(prefix="storytime-") as place:
        _check_size(config, weights_head.shapes_in([folder / name for name in names]), folder)
        index = (model_folder.WEIGHTS_INDEX,) if names != (model_folder.WEIGHTS,) else ()
        for name in (*names, *index):
            _link(folder / name, Path(place) / name)
        (Path(place) / model_folder.GENERATION_CONFIG).write_text(json.dumps(_generation_config(folder)))
        opened: Any = transformers.AutoModelForCausalLM.from_pretrained(
            place,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # counted, in place of a report on the screen
            output_loading_info=True,
        )  # attention is SDPA where the architecture has it, by transformers' own choice
    model, found = opened
    absent, unfit = sorted(found["missing_keys"]), sorted(each[0] for each in found["mismatched_keys"])
    if absent or unfit:
        return model, absent, unfit
    return TransformersModel(model.to(device)), [], []


def _generation_config(folder: Path) -> dict[str, Any]:
    path = folder / model_folder.GENERATION_CONFIG
    return model_folder.read_json(path) if path.exists() else {}


def read_config(folder: Path) -> Any:
    """transformers' view of config.json, without what would choose code or numbers for us. Raises ModelError."""
    path = folder / model_folder.CONFIG
    said = model_folder.read_json(path)
    model_folder.check_config(said, str(folder))
    try:
        return CONFIG_MAPPING[said["model_type"]].from_dict(_ours(said))
    except BaseException as error:  # whatever a foreign configuration can raise
        if not is_fault(error):
            raise
        raise _unusable(path, said, error) from error


def _unusable(path: Path, said: Mapping[str, Any], error: BaseException) -> ModelError:
    """The sentence for a value of config.json on which transformers fell; its own words are for the log."""
    _log.warning("transformers cannot use %s", path, exc_info=error)
    words = str(error)
    asked = error.args[0] if isinstance(error, KeyError) and error.args else None
    for key, value in said.items():
        # a table of transformers that lacks the value, or a check that names the key
        if (isinstance(value, str) and value == asked) or re.search(rf"['\"`]{re.escape(key)}['\"`]", words):
            shown = repr(value) if len(repr(value)) <= 40 else repr(value)[:40] + "…"
            return ModelError(
                f"{path} cannot be used: {key} is {shown}, and transformers knows no such value."
            )
    return ModelError(
        f"{path} cannot be used: it holds a value that transformers cannot use. Fetch or copy the model again."
    )


def _ours(value: Any) -> Any:
    """A config without its choices of code and of dtype, at any depth: those are ours."""
    if isinstance(value, dict):
        return {key: _ours(each) for key, each in value.items() if key not in _NOT_THEIRS}
    return [_ours(each) for each in value] if isinstance(value, list) else value


def _check_size(config: Any, shapes: Mapping[str, weights_head.TensorShape], folder: Path) -> None:
    """Raise ModelError where the model would be far larger than its weights, before any memory is taken for it."""
    try:
        with torch.device("meta"):
            auto: Any = transformers.AutoModelForCausalLM
            model = auto.from_config(config, trust_remote_code=False)
    except Exception as error:  # whatever an architecture makes of values that no check of ours knows
        path = folder / model_folder.CONFIG
        raise _unusable(path, model_folder.read_json(path), error) from error
    tensors = {id(each): each.numel() for each in (*model.parameters(), *model.buffers())}
    held = sum(math.prod(shape) for shape in shapes.values())
    config_numbers.check_size(sum(tensors.values()), held, str(folder))


def _link(file: Path, place: Path) -> None:
    """Make `place` lead to `file`. Raises OSError."""
    try:
        place.symlink_to(file.resolve())
    except OSError:  # Windows, without the right to make one
        os.link(file.resolve(), place)


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Let nobody in this process ask the Hub through its library meanwhile: a model is here, or it is not."""
    before = hub_constants.HF_HUB_OFFLINE
    hub_constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub_constants.HF_HUB_OFFLINE = before


def rows_of(config: Any) -> int | None:
    """How many tokens the model has a row for, where it says so."""
    rows = getattr(_text_config(config), "vocab_size", None)
    return rows if isinstance(rows, int) else None


def _text_config(config: Any) -> Any:
    """The part of a configuration that is about text: models that also see or hear keep it apart."""
    return config.get_text_config(decoder=True)


def _set(config: Any, names: tuple[str, ...], value: float) -> None:
    for name in names:
        if isinstance(getattr(config, name, None), float | int):
            setattr(config, name, value)
