"""LoRA (Hu et al. 2021) through peft: small matrices beside the model's own are trained, the model itself stays
frozen."""

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
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.gpt2 import GPT2

_GPT2_MATRICES = ("c_attn", "c_proj", "c_fc")


@dataclass(frozen=True)
class Lora:
    """An adapter's settings: its `rank`, `alpha` (the adapter is scaled by alpha / rank), and the adapted matrices'
    names."""

    rank: int
    alpha: float
    targets: tuple[str, ...]


def add_lora(model: Any, rank: int, alpha: float | None, targets: tuple[str, ...], seed: int) -> Lora:
    """Add LoRA matrices of `rank` to the model's blocks and freeze everything else, in place.

    `alpha` defaults to twice the rank, `targets` to all matrices of each block. The same seed gives the same
    initial values. The LoRA matrices are in fp32 whatever the model is in. Raises ModelError if peft is not
    installed or a target matches nothing.
    """
    default_targets = _GPT2_MATRICES if isinstance(model, GPT2) else _linear_names(model.blocks)
    lora = Lora(rank, alpha or 2.0 * rank, targets or tuple(default_targets))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        _inject(model, lora)
    for parameter in _lora_parameters(model).values():
        parameter.data = parameter.data.float()  # in 16 bits most updates would round to nothing
    return lora


def _inject(model: Any, lora: Lora, *, on_meta: bool = False) -> None:
    """Add the matrices. `on_meta`: without values, so that no random number is drawn. Raises ModelError."""
    peft = _peft()
    config = peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.targets))
    try:
        peft.inject_adapter_in_model(config, _module_of(model), low_cpu_mem_usage=on_meta)
    except ValueError as error:
        raise ModelError(
            f"lora_targets is {', '.join(lora.targets)}, but the model has no such matrix: leave lora_targets out."
        ) from error


def store_base_in(dtype: torch.dtype, model: CausalModel) -> None:
    """Store what a model with LoRA keeps frozen in this dtype, in place: all but the norms and the LoRA matrices.

    In 16 bits its products and the numbers between them are in 16 bits then, and nothing is cast from layer to layer.
    """
    for module in model.modules():
        if not isinstance(module, nn.LayerNorm | nn.RMSNorm):
            for parameter in module.parameters(recurse=False):
                if not parameter.requires_grad:
                    parameter.data = parameter.data.to(dtype)


def adapter_weights(model: Any) -> dict[str, Tensor]:
    """The LoRA matrices under peft's names, on the CPU; with FSDP every rank must call this."""
    weights = {}
    for name, parameter in _lora_parameters(model).items():
        tensor = parameter.detach()
        tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        weights[name] = tensor.cpu().contiguous()
    return weights


def write_adapter(weights: dict[str, Tensor], lora: Lora, base: str, is_gpt2: bool, folder: Path) -> None:
    """Write a peft adapter folder, which names the base. Raises OSError and SafetensorError."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "target_modules": list(lora.targets),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": is_gpt2,  # GPT-2's matrices are transposed in Hugging Face's files
        "inference_mode": True,
    }
    (folder / model_folder.ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(weights, folder / model_folder.ADAPTER_WEIGHTS, metadata={"format": "pt"})


def read_adapter(model: Any, folder: Path) -> None:
    """Load a model's LoRA matrices. Raises ModelError if the file is damaged or of another model."""
    try:
        tensors = load_file(folder / model_folder.ADAPTER_WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The adapter in {folder} is damaged: {error}.") from error
    parameters = _lora_parameters(model)
    if parameters.keys() != tensors.keys() or any(
        parameters[name].shape != tensor.shape for name, tensor in tensors.items()
    ):
        raise ModelError(f"The adapter in {folder} does not fit its base: it was trained on another model.")
    with torch.no_grad():
        for name, tensor in tensors.items():
            parameters[name].copy_(tensor)


def open_adapter(model: Any, folder: Path) -> None:
    """Merge an adapter into the model's own matrices, in place, so that it costs nothing to generate with.

    Raises ModelError.
    """
    config = model_folder.read_json(folder / model_folder.ADAPTER_CONFIG)
    try:
        lora = Lora(int(config["r"]), float(config["lora_alpha"]), tuple(config["target_modules"]))
        # another thread may be training, whose dropout uses the global random state
        _inject(model, lora, on_meta=True)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / model_folder.ADAPTER_CONFIG} is damaged: {error}.") from error
    device = next(model.parameters()).device
    for module in _module_of(model).modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_meta:
                setattr(module, name, nn.Parameter(torch.empty(parameter.shape, device=device)))
    read_adapter(model, folder)
    from peft.tuners.lora import LoraLayer

    root = _module_of(model)
    for name, module in list(root.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge(safe_merge=True)
            parent, _, last = name.rpartition(".")
            setattr(root.get_submodule(parent), last, module.get_base_layer())
    for parameter in root.parameters():
        parameter.requires_grad_(True)


def has_adapter(model: nn.Module) -> bool:
    """Whether the model has LoRA matrices that are not merged."""
    return any(".lora_" in name for name, _ in model.named_parameters())


def whole_weight(linear: nn.Module) -> Tensor:
    """A linear layer's weight, with its LoRA matrices if it has some, then in fp32; the layer stays as it is.

    To a weight in 16 bits most of what LoRA adds would be lost.
    """
    layer: Any = linear
    weight: Tensor = layer.weight  # of a layer with LoRA, the frozen one
    if not hasattr(layer, "lora_A"):
        return weight
    added: Tensor = layer.lora_B["default"].weight.float() @ layer.lora_A["default"].weight.float()
    whole: Tensor = weight.float() + added * layer.scaling["default"]
    return whole


@contextlib.contextmanager
def scaled(model: nn.Module, by: float) -> Iterator[None]:
    """Scale a live model's LoRA matrices by `by` for the block; 0 gives the base alone."""
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


def _lora_parameters(model: Any) -> dict[str, nn.Parameter]:
    """The LoRA parameters by their names in peft's files."""
    return {
        "base_model.model." + name.replace(".default.", ".").replace("_orig_mod.", ""): parameter
        for name, parameter in _module_of(model).named_parameters()
        if ".lora_" in name
    }


def _module_of(model: Any) -> nn.Module:
    module: nn.Module = model if isinstance(model, CausalModel) else model.model
    return module


def _linear_names(blocks: list[nn.Module]) -> list[str]:
    """The last name components of the linear layers in a block."""
    layers = (name for name, module in blocks[0].named_modules() if isinstance(module, nn.Linear))
    return sorted({name.rsplit(".", 1)[-1] for name in layers})


def _peft() -> Any:
    try:
        import peft

        from storytime_tui.models.library_messages import send_to_log
    except ImportError as error:
        raise ModelError(
            "LoRA needs peft, which is not installed: `pip install 'storytime-tui[lora]'`, or set lora_rank=0."
        ) from error
    send_to_log()
    return peft
