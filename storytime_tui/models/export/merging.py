"""A LoRA adapter put into the weights of its base, one tensor at a time (Hu et al. 2021, arXiv:2106.09685).

An adapter folder is peft's: `adapter_config.json` and `adapter_model.safetensors`, in which each module that was
taught has a pair of narrow matrices, and what was trained as a whole stands as it is.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.blend import blend
from storytime_tui.models.export.weight_files import TensorInfo, Weights

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

_PREFIX = "base_model.model."
_PAIR = re.compile(r"(.+)\.lora_(A|B)\.weight")
# Kinds whose layers are transformers' Conv1D, which keeps its weight as (in, out) where a Linear has (out, in).
_CONV1D_KINDS = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")
_CONV1D_LAYERS = ("c_attn", "q_attn", "c_proj", "c_fc")
_BEYOND = {  # settings of peft that change more than W += BA
    "use_dora": "DoRA",
    "lora_bias": "biases beside its matrices",
    "target_parameters": "parameters that are no layer's weight",
    "trainable_token_indices": "single tokens",
    "layer_replication": "layers that are there several times",
    "alora_invocation_tokens": "activation by a token",
}


@dataclass(frozen=True)
class _Pair:
    """One taught layer: where its matrices stand, and how their product joins the weight."""

    a: str  # (rank, in)
    b: str  # (out, rank)
    scaling: float
    transposed: bool  # the weight is (in, out)


def is_adapter(folder: Path) -> bool:
    """Whether the folder holds an adapter, which is nothing without its base."""
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_base(folder: Path) -> str:
    """What the adapter in `folder` calls its base: a folder, a run, or an id on the Hub. Raises ModelError."""
    name = model_folder.read_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ModelError(f"The adapter in {folder} does not name its base: {ADAPTER_CONFIG} is damaged.")
    return name


class MergedWeights:
    """The base's weights with the adapter's in them: `W + scaling * B @ A`, in the base's own dtype.

    The product is computed in fp32 whatever both are stored in. Raises ModelError, naming `where`, for an
    adapter of another method than LoRA, or one that does not fit this base.
    """

    def __init__(
        self,
        base: Weights,
        adapter: Weights,
        adapter_config: dict[str, Any],
        base_config: dict[str, Any],
        where: str,
    ) -> None:
        self._base = base
        self._adapter = adapter
        self._where = where
        self.entries: Mapping[str, TensorInfo] = base.entries
        _check_method(adapter_config, where)
        modules: dict[str, dict[str, str]] = {}
        self._whole: dict[str, str] = {}  # the base's tensor -> the adapter's, which takes its place
        for key in adapter.entries:
            pair = _PAIR.fullmatch(key)
            if pair is not None:
                modules.setdefault(pair[1].removeprefix(_PREFIX), {})[pair[2]] = key
            elif "lora_" in key or "token_adapter" in key:
                raise self._cannot(f"it teaches {key.removeprefix(_PREFIX)}")
            else:
                # peft puts a taught layer into another one, and names a bias by where it is then
                name = key.removeprefix(_PREFIX).replace(".base_layer.", ".")
                self._whole[self._find(name)] = key
        self._check_ties(base_config)
        self._pairs: dict[str, _Pair] = {}
        for module, found in modules.items():
            if found.keys() != {"A", "B"}:
                raise ModelError(
                    f"The adapter in {where} is damaged: {module} lacks one of its two matrices."
                )
            name = self._find(f"{module}.weight")
            self._pairs[name] = self._pair(module, name, found, adapter_config, base_config)
        for name, key in self._whole.items():
            if adapter.entries[key].shape != base.entries[name].shape:
                raise self._unfit(name)

    def load(self, name: str) -> torch.Tensor:
        """One merged tensor, in the base's dtype. Raises ModelError for damage."""
        dtype = self.entries[name].dtype
        if name in self._whole:
            return self._adapter.load(self._whole[name]).to(dtype)
        weight = self._base.load(name)
        pair = self._pairs.get(name)
        if pair is None:
            return weight
        delta = self._adapter.load(pair.b).float() @ self._adapter.load(pair.a).float()  # (out, in)
        delta = (delta.T if pair.transposed else delta) * pair.scaling
        return (weight.float() + delta).to(dtype)

    def _find(self, name: str) -> str:
        """The base's name of a tensor: GPT-2's own files leave out the outermost module, `transformer.`."""
        for candidate in (name, name.partition(".")[2]):
            if candidate in self._base.entries:
                return candidate
        raise ModelError(
            f"The adapter in {self._where} teaches {name}, and its base has no such weight: they do not belong "
            "together."
        )

    def _pair(
        self,
        module: str,
        name: str,
        found: dict[str, str],
        config: dict[str, Any],
        base_config: dict[str, Any],
    ) -> _Pair:
        a, b = self._adapter.entries[found["A"]].shape, self._adapter.entries[found["B"]].shape
        if len(a) != 2 or len(b) != 2 or a[0] != b[1] or not a[0]:
            raise self._unfit(name)
        transposed = _is_transposed(module, config, base_config)
        shape = (a[1], b[0]) if transposed else (b[0], a[1])
        if self._base.entries[name].shape != shape:
            raise self._unfit(name)
        return _Pair(found["A"], found["B"], _scaling(module, a[0], config), transposed)

    def _check_ties(self, config: dict[str, Any]) -> None:
        """One matrix for reading words and for choosing them cannot take what only one of the two learned."""
        ends = (
            "wte.weight",
            "embed_tokens.weight",
            "lm_head.weight",
            "tokens_embed.weight",
            "embed_in.weight",
        )
        taught = [name for name in self._whole if name.endswith(ends)]
        if (
            taught
            and config.get("tie_word_embeddings", True)
            and not any("lm_head" in n for n in self.entries)
        ):
            raise self._cannot(f"it has its own {taught[0]}, which its base also uses for something else")

    def _cannot(self, why: str) -> ModelError:
        return ModelError(
            f"The adapter in {self._where} cannot be merged here, since {why}: merge it with peft's own "
            "merge_and_unload."
        )

    def _unfit(self, name: str) -> ModelError:
        return ModelError(
            f"The adapter in {self._where} does not fit its base: {name} has another size. The base was changed "
            "since, or is another model."
        )


def _check_method(config: dict[str, Any], where: str) -> None:
    method = str(config.get("peft_type") or "nothing").upper()
    beyond = next((words for key, words in _BEYOND.items() if config.get(key)), None)
    if method != "LORA" or beyond:
        raise ModelError(
            f"The adapter in {where} uses {beyond or method}, and only plain LoRA can be merged here: merge it "
            "with peft's own merge_and_unload."
        )


def _is_transposed(module: str, config: dict[str, Any], base_config: dict[str, Any]) -> bool:
    """Whether the layer keeps its weight as (in, out).

    For the kinds that we know it is the layer that decides, as in peft, which overrules a wrong
    `fan_in_fan_out`; one adapter may teach layers of both ways, and a square weight would not tell.
    """
    if base_config.get("model_type") in _CONV1D_KINDS:
        return module.rpartition(".")[2] in _CONV1D_LAYERS
    return bool(config.get("fan_in_fan_out"))


def _scaling(module: str, rank: int, config: dict[str, Any]) -> float:
    """What the product is multiplied by: alpha / r, or alpha / sqrt(r) (rsLoRA, arXiv:2312.03732)."""
    alpha = config.get("lora_alpha", 8)
    try:
        for pattern, value in (config.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):  # the first that fits the name's end, as in peft
                alpha = value
                break
        return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)
    except (re.error, AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"The adapter's {ADAPTER_CONFIG} is damaged ({error}): copy the adapter again."
        ) from error


class StrongWeights:
    """A run's weights at a strength: `base + strength * (run - base)`, in the run's own dtypes; see `models.blend`.

    Raises ModelError where the base, called `where`, has no such tensor or one of another size.
    """

    def __init__(self, base: Weights, run: Weights, strength: float, where: str) -> None:
        self._base, self._run, self._strength, self._where = base, run, strength, where
        self.entries: Mapping[str, TensorInfo] = run.entries

    def load(self, name: str) -> torch.Tensor:
        """One tensor at the strength. Raises ModelError."""
        # GPT-2's own files leave out the outermost module, `transformer.`
        names = (name, name.partition(".")[2], f"transformer.{name}")
        found = next((each for each in names if each in self._base.entries), None)
        if found is None or self._base.entries[found].shape != self.entries[name].shape:
            raise ModelError(f"{self._where} has no {name} of the run's size: export it with --strength 1.")
        return blend(self._base.load(found), self._run.load(name), self._strength)
