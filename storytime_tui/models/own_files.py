"""Reading and writing the models written here as Hugging Face's files, so that other tools can open them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Parameter

from storytime_tui.models import folder as model_folder
from storytime_tui.models.causal_model import CausalModel, ModelShape

PAD_TO = 64  # rows: NVIDIA's tensor cores are slower with other multiples
M = TypeVar("M", bound=CausalModel)


def empty_model(
    kind: type[M], shape: ModelShape, device: torch.device, dtype: torch.dtype, *, padded: bool
) -> M:
    """A model of this class with uninitialised weights."""
    model = on_meta(kind, shape, padded=padded)
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            # not `to_empty`, for which torch imports its compiler (1 s)
            setattr(module, name, Parameter(torch.empty(parameter.shape, dtype=dtype, device=device)))
    return model


def on_meta(kind: type[M], shape: ModelShape, *, padded: bool = False) -> M:
    """A model of this class whose weights have a shape and take no memory."""
    make: Any = kind
    with torch.device("meta"):
        model: M = make(shape, -shape.vocabulary % PAD_TO if padded else 0)
    return model


def read_weights(model: CausalModel, folder: Path) -> tuple[list[str], list[str]]:
    """Load a model's weights from a folder's safetensors; return the missing names and those with a different shape.

    Raises OSError and SafetensorError.
    """
    return fill_from(model, _tensors(folder, model.PREFIX))


def fill_from(model: CausalModel, tensors: Iterable[tuple[str, Tensor]]) -> tuple[list[str], list[str]]:
    """Load tensors under Hugging Face's names into a model; return the names missing and those of another shape."""
    missing = dict(model.named_parameters())
    mismatched = []
    with torch.no_grad():
        for name, parameter in missing.items():
            if name.endswith(model.PADDED):
                parameter[model.vocabulary :].zero_()
        for name, tensor in tensors:
            if name not in missing:
                continue  # causal masks in old files, or a copy of the tied embeddings
            parameter = missing.pop(name)
            target = parameter[: model.vocabulary] if name.endswith(model.PADDED) else parameter
            transposed = name.endswith(model.TRANSPOSED) and tensor.dim() == 2
            values = tensor.T if transposed else tensor
            if values.shape == target.shape:
                target.copy_(values)
            else:
                mismatched.append(name)
    return sorted(missing), sorted(mismatched)


def _tensors(folder: Path, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for file in model_folder.weight_names(folder):
        with safe_open(folder / file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                tensor = opened.get_tensor(name)
                # some files, GPT-2's own among them, omit this prefix
                yield name if name.startswith((prefix, "lm_head.")) else prefix + name, tensor


def weights_of(model: CausalModel) -> dict[str, Tensor]:
    """The weights in Hugging Face's layout, on the CPU, without padding; with FSDP every rank must call this."""
    return {name: _as_stored(model, name, p.detach()) for name, p in _named_parameters(model)}


def named_gradients(model: CausalModel) -> dict[str, Tensor]:
    """The gradients, in the same layout as the weights."""
    return {
        name: _as_stored(model, name, p.grad) for name, p in _named_parameters(model) if p.grad is not None
    }


def _named_parameters(model: CausalModel) -> Iterator[tuple[str, Parameter]]:
    """Parameters by their names in files, without the prefix that compiling a block adds."""
    return ((name.replace("_orig_mod.", ""), parameter) for name, parameter in model.named_parameters())


def _as_stored(model: CausalModel, name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    tensor = tensor[: model.vocabulary] if name.endswith(model.PADDED) else tensor
    tensor = tensor.T if name.endswith(model.TRANSPOSED) else tensor
    return tensor.cpu().contiguous()


def write_files(weights: dict[str, Tensor], config: dict[str, Any], folder: Path) -> None:
    """Write the weights and both configuration files. Raises OSError and SafetensorError."""
    save_file(weights, folder / model_folder.WEIGHTS, metadata={"format": "pt"})
    dtype = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    others = {name: value for name, value in config.items() if name != "torch_dtype"}  # its old name
    _write_json(folder / model_folder.CONFIG, {**others, "dtype": dtype})
    special_ids = {name: value for name, value in config.items() if name in ("bos_token_id", "eos_token_id")}
    _write_json(folder / model_folder.GENERATION_CONFIG, special_ids)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
