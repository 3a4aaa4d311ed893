"""LoRA: small matrices beside a model's own learn, and the model stays as it is (Hu et al. 2021), through peft."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.gpt2 import GPT2

_GPT2_MATRICES = ("c_attn", "c_proj", "c_fc")


@dataclass(frozen=True)
class Lora:
    """`rank` of the small matrices; `alpha` over the rank is how loudly they speak; `targets` names whose side they
    are at."""

    rank: int
    alpha: float
    targets: tuple[str, ...]


def add_lora(model: Any, rank: int, alpha: float | None, targets: tuple[str, ...], seed: int) -> Lora:
    """Put matrices of `rank` beside those of the model's blocks, and freeze all else, in place.

    `alpha` is by default twice the rank; `targets` are by default all matrices of each block. The same seed
    gives the same beginning. The small matrices are in fp32, whatever the model is in. Raises ModelError where
    peft is not installed or a name fits nothing.
    """
    peft = _peft()
    usual = _GPT2_MATRICES if isinstance(model, GPT2) else _linear_names(model.blocks)
    lora = Lora(rank, alpha or 2.0 * rank, targets or tuple(usual))
    config = peft.LoraConfig(r=rank, lora_alpha=lora.alpha, target_modules=list(lora.targets))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            peft.inject_adapter_in_model(config, _inner(model))
        except ValueError as error:
            raise ModelError(
                f"lora_targets is {', '.join(lora.targets)}, and the model has no such matrix: leave lora_targets out."
            ) from error
    for parameter in _own(model).values():
        parameter.data = parameter.data.float()  # in 16 bits most steps would be too small to change it
    return lora


def adapter_weights(model: Any) -> dict[str, Tensor]:
    """The small matrices under peft's names, on the CPU. Where ranks hold parts of them, each has to ask."""
    found = {}
    for name, parameter in _own(model).items():
        tensor = parameter.detach()
        tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        found[name] = tensor.cpu().contiguous()
    return found


def write_adapter(weights: dict[str, Tensor], lora: Lora, base: str, is_gpt2: bool, folder: Path) -> None:
    """peft's folder, which names the base: any tool can put the two together. Raises OSError and SafetensorError."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "target_modules": list(lora.targets),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": is_gpt2,  # Hugging Face keeps GPT-2's matrices the other way round
        "inference_mode": True,
    }
    (folder / model_folder.ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(weights, folder / model_folder.ADAPTER_WEIGHTS, metadata={"format": "pt"})


def read_adapter(model: Any, folder: Path) -> None:
    """Fill a model's small matrices. Raises ModelError where the file is damaged, or of another model."""
    try:
        tensors = load_file(folder / model_folder.ADAPTER_WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The adapter in {folder} is damaged: {error}.") from error
    own = _own(model)
    if own.keys() != tensors.keys() or any(own[name].shape != found.shape for name, found in tensors.items()):
        raise ModelError(f"The adapter in {folder} does not fit its base: it was learned on another model.")
    with torch.no_grad():
        for name, found in tensors.items():
            own[name].copy_(found)


def open_adapter(model: Any, folder: Path) -> None:
    """Add an adapter to the model's own matrices, in place: telling costs no more with it. Raises ModelError."""
    config = model_folder.read_json(folder / model_folder.ADAPTER_CONFIG)
    try:
        add_lora(
            model, int(config["r"]), float(config["lora_alpha"]), tuple(config["target_modules"]), seed=0
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / model_folder.ADAPTER_CONFIG} is damaged: {error}.") from error
    read_adapter(model, folder)
    from peft.tuners.lora import LoraLayer

    inner = _inner(model)
    for name, module in list(inner.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge(safe_merge=True)
            parent, _, last = name.rpartition(".")
            setattr(inner.get_submodule(parent), last, module.get_base_layer())
    for parameter in inner.parameters():
        parameter.requires_grad_(True)


def has_adapter(model: nn.Module) -> bool:
    """Whether small matrices stand beside a model's own; false once they were added to these."""
    return any(".lora_" in name for name, _ in model.named_parameters())


@contextlib.contextmanager
def scaled(model: nn.Module, by: float) -> Iterator[None]:
    """Let a live model's small matrices speak so many times as loudly for the block: 0 is the base alone."""
    from peft.tuners.lora import LoraLayer

    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    before = [dict(layer.scaling) for layer in layers]
    try:
        for layer, scaling in zip(layers, before, strict=True):
            layer.scaling = {name: scale * by for name, scale in scaling.items()}
        yield
    finally:
        for layer, scaling in zip(layers, before, strict=True):
            layer.scaling = scaling


def _own(model: Any) -> dict[str, nn.Parameter]:
    """The small matrices by the names that peft's files have."""
    return {
        "base_model.model." + name.replace(".default.", ".").replace("_orig_mod.", ""): parameter
        for name, parameter in _inner(model).named_parameters()
        if ".lora_" in name
    }


def _inner(model: Any) -> nn.Module:
    inner: nn.Module = model if isinstance(model, GPT2) else model.model
    return inner


def _linear_names(blocks: list[nn.Module]) -> list[str]:
    """The last names of the linear layers in a model's blocks."""
    layers = (name for name, module in blocks[0].named_modules() if isinstance(module, nn.Linear))
    return sorted({name.rsplit(".", 1)[-1] for name in layers})


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise ModelError(
            "LoRA needs peft, which is not installed: `pip install 'storytime-tui[lora]'`, or set lora_rank=0."
        ) from error
    return peft
