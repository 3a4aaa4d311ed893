"""Reading and writing GPT-2 as Hugging Face's files, so that other tools can open what was trained here."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Parameter

from storytime_tui.models import folder as model_folder
from storytime_tui.models.gpt2 import GPT2, Shape

PAD_TO = 64  # rows: NVIDIA's tensor cores are slower with other multiples

_MATRICES = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # transposed in Hugging Face's files
_SUPPORTED = {  # the options that `GPT2` implements; the first is the default
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "reorder_and_upcast_attn": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),  # equal to 1e-7
}


def is_gpt2(config: dict[str, Any]) -> bool:
    """Whether `GPT2` can compute a model with this config.json."""
    return config.get("model_type") == "gpt2" and all(config.get(k, v[0]) in v for k, v in _SUPPORTED.items())


def shape_of(config: dict[str, Any], dropout: float | None) -> Shape:
    """The shape in a config.json; `dropout`, if given, replaces its own. Raises KeyError, TypeError or ValueError."""
    width, heads = int(config["n_embd"]), int(config["n_head"])
    if width % heads:
        raise ValueError(f"n_embd is {width}, which is not a multiple of {heads} heads")
    return Shape(
        vocabulary=int(config["vocab_size"]),
        window=int(config["n_positions"]),
        width=width,
        layers=int(config["n_layer"]),
        heads=heads,
        inner=int(config.get("n_inner") or 4 * width),
        dropout=float(config.get("resid_pdrop", 0.1)) if dropout is None else dropout,
        epsilon=float(config.get("layer_norm_epsilon", 1e-5)),
    )


def config_of(shape: Shape, end_of_text: int) -> dict[str, Any]:
    """The config.json of a new model."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.window,
        "n_ctx": shape.window,
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_inner": shape.inner,
        "activation_function": "gelu_pytorch_tanh",
        "layer_norm_epsilon": shape.epsilon,
        "initializer_range": 0.02,
        "resid_pdrop": shape.dropout,
        "embd_pdrop": shape.dropout,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "dtype": "float32",
    }


def empty_gpt2(shape: Shape, device: torch.device, dtype: torch.dtype, *, padded: bool) -> GPT2:
    """A model with uninitialised weights."""
    with torch.device("meta"):
        model = GPT2(shape, -shape.vocabulary % PAD_TO if padded else 0)
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            # not `to_empty`, for which torch imports its compiler (1 s)
            setattr(module, name, Parameter(torch.empty(parameter.shape, dtype=dtype, device=device)))
    return model


def read_weights(model: GPT2, folder: Path) -> tuple[list[str], list[str]]:
    """Load a model's weights from a folder's safetensors; return the missing names and those with a different shape.

    Raises OSError and SafetensorError.
    """
    return fill_from(model, _tensors(folder))


def fill_from(model: GPT2, tensors: Iterable[tuple[str, Tensor]]) -> tuple[list[str], list[str]]:
    """Load tensors under Hugging Face's names into a model; return the names missing and those of another shape."""
    missing = dict(model.named_parameters())
    mismatched = []
    with torch.no_grad():
        model.head[model.vocabulary :].zero_()
        for name, tensor in tensors:
            parameter = missing.pop(name, None)
            if parameter is None:
                continue  # causal masks in old files, or a copy of the tied embeddings
            target = parameter[: model.vocabulary] if name.endswith("wte.weight") else parameter
            values = tensor.T if name.endswith(_MATRICES) and tensor.dim() == 2 else tensor
            if values.shape == target.shape:
                target.copy_(values)
            else:
                mismatched.append(name)
    return sorted(missing), sorted(mismatched)


def _tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    for file in model_folder.weight_names(folder):
        with safe_open(folder / file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                tensor = opened.get_tensor(name)
                # old files, GPT-2's own among them, omit this prefix
                yield name if name.startswith("transformer.") else f"transformer.{name}", tensor


def weights_of(model: GPT2) -> dict[str, Tensor]:
    """The weights in Hugging Face's layout, on the CPU, without padding; with FSDP every rank must call this."""
    return {name: _as_stored(model, name, p.detach()) for name, p in _named_parameters(model)}


def named_gradients(model: GPT2) -> dict[str, Tensor]:
    """The gradients, in the same layout as the weights."""
    return {
        name: _as_stored(model, name, p.grad) for name, p in _named_parameters(model) if p.grad is not None
    }


def _named_parameters(model: GPT2) -> Iterator[tuple[str, Parameter]]:
    """Parameters by their names in files, without the prefix that compiling a block adds."""
    return ((name.replace("_orig_mod.", ""), parameter) for name, parameter in model.named_parameters())


def _as_stored(model: GPT2, name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    tensor = tensor[: model.vocabulary] if name.endswith("wte.weight") else tensor
    tensor = tensor.T if name.endswith(_MATRICES) else tensor
    return tensor.cpu().contiguous()


def write_gpt2(weights: dict[str, Tensor], config: dict[str, Any], folder: Path) -> None:
    """Write the weights and both configuration files. Raises OSError and SafetensorError."""
    save_file(weights, folder / model_folder.WEIGHTS, metadata={"format": "pt"})
    dtype = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    _write_json(folder / model_folder.CONFIG, {**config, "dtype": dtype})
    special_ids = {name: value for name, value in config.items() if name in ("bos_token_id", "eos_token_id")}
    _write_json(folder / model_folder.GENERATION_CONFIG, special_ids)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
