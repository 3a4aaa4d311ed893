"""Loading weights into a model on a device, in a given precision: our GPT-2 or Llama, or any model of transformers.

These classes share one interface: `window`, `vocabulary`, `head`, `blocks`, `hidden(ids)`, `(ids)`, `new_cache()`,
`read(ids, cache)`; see `causal_model.CausalModel`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch

from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import config_numbers, gpt2_files, llama, llama_files, own_files, safetensors_header
from storytime_tui.models import folder as model_folder
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.gpt2 import GPT2, Shape
from storytime_tui.models.shapes import ScratchShape
from storytime_tui.models.tokenizer import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from storytime_tui.models.transformers_model import TransformersModel


class LoadedModel(NamedTuple):
    """A model and its config.json ({} for a model of transformers, which writes its own)."""

    model: CausalModel | TransformersModel
    config: dict[str, Any]


def new_model(
    shape: ScratchShape,
    tokenizer: Tokenizer,
    seed: int,
    dropout: float,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> LoadedModel:
    """A GPT-2 of `shape` with random weights in fp32, in evaluation mode.

    The same seed gives the same weights on every device; torch's global random state stays untouched. The
    vocabulary is the tokenizer's, which may be smaller than the shape's.
    """
    full = Shape(
        vocabulary=tokenizer.vocabulary_size,
        window=shape.window,
        width=shape.width,
        layers=shape.layers,
        heads=shape.heads,
        inner=4 * shape.width,
        dropout=dropout,
    )
    padded = device.type == "cuda"
    model = gpt2_files.empty_gpt2(full, torch.device("cpu"), torch.float32, padded=padded)
    model.fill(seed)
    model.eval()
    return LoadedModel(model.to(device), gpt2_files.config_of(full, tokenizer.end_of_text))


def load_model(
    folder: Path, *, device: torch.device, dtype: torch.dtype, dropout: float | None = None
) -> LoadedModel:
    """The causal language model in `folder`, in evaluation mode, with weights in `dtype` on `device`.

    Reads safetensors only and runs no code from the folder. `dropout`, if given, is set on the embeddings and
    residual branches, and attention dropout is turned off. Raises ModelError naming the folder for a model that
    is missing, damaged, of an unknown type, or does not match its tokenizer.
    """
    model_folder.check_folder(folder)
    config = model_folder.read_json(folder / model_folder.CONFIG)
    ours = gpt2_files.is_gpt2(config) or llama_files.is_llama(config)
    _check_vocabulary(config, folder, ours=ours)
    shape = _shape_of(config, folder, dropout) if ours else None
    try:
        model, missing, mismatched = _read(folder, shape, device, dtype, dropout)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ModelError(
            f"The model in {folder} does not fit the memory of {device}: close other programs, or pick a "
            "smaller one."
        ) from error
    except ModelError:
        raise
    except BaseException as error:  # each library raises its own kind of error
        if not is_fault(error):
            raise
        raise ModelError(
            f"The weights in {folder} are damaged or do not fit its config.json: {_one_line(error)}"
        ) from error
    # These weights would stay random.
    if missing:
        raise ModelError(f"The weights in {folder} lack {_and_more(missing)}: fetch or copy the model again.")
    if mismatched:
        raise ModelError(
            f"The weights in {folder} do not fit its config.json: {_and_more(mismatched)} has a different size "
            "there. Fetch or copy the model again."
        )
    model.eval()
    return LoadedModel(model, {**config, **_dropout_config(shape)} if shape else {})


def _read(
    folder: Path,
    shape: Shape | llama.Shape | None,
    device: torch.device,
    dtype: torch.dtype,
    dropout: float | None,
) -> tuple[CausalModel | TransformersModel, list[str], list[str]]:
    if shape is not None:
        kind = GPT2 if isinstance(shape, Shape) else llama.Llama
        _check_size(kind, shape, folder)
        model = own_files.empty_model(kind, shape, device, dtype, padded=device.type == "cuda")
        return model, *own_files.read_weights(model, folder)
    # transformers takes seconds to import
    from storytime_tui.models.transformers_model import load_transformers_model

    return load_transformers_model(folder, device, dtype, dropout)


def _check_size(kind: type[CausalModel], shape: Shape | llama.Shape, folder: Path) -> None:
    """Raise ModelError if the model would be far larger than its weights, before memory is allocated for it."""
    files = [folder / name for name in model_folder.weight_names(folder)]
    held = sum(math.prod(each) for each in safetensors_header.shapes_in(files).values())
    built = sum(each.numel() for each in own_files.on_meta(kind, shape).parameters())
    config_numbers.check_size(built, held, str(folder))


def _shape_of(config: dict[str, Any], folder: Path, dropout: float | None) -> Shape | llama.Shape:
    try:
        if llama_files.is_llama(config):
            return llama_files.shape_of(config, dropout)
        return gpt2_files.shape_of(config, dropout)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / model_folder.CONFIG} cannot be used: {_one_line(error)}") from error


def _dropout_config(shape: Shape | llama.Shape) -> dict[str, float]:
    if isinstance(shape, llama.Shape):  # its files have no dropout but this, which is not used here
        return {"attention_dropout": 0.0}
    return {"resid_pdrop": shape.dropout, "embd_pdrop": shape.dropout, "attn_pdrop": 0.0}


def weights_of(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """All weights under Hugging Face's names, on the CPU; with FSDP every rank must call this."""
    if isinstance(loaded.model, CausalModel):
        return own_files.weights_of(loaded.model)
    return loaded.model.weights()


def write_model(loaded: LoadedModel, weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Write weights and configuration in Hugging Face's layout. Raises OSError and SafetensorError."""
    if isinstance(loaded.model, CausalModel):
        own_files.write_files(weights, loaded.config, folder)
    else:
        loaded.model.write(weights, folder)


def choose_device(name: str, local: int | None = None) -> torch.device:
    """The device called `name` ("cpu", "cuda", "cuda:1", "mps"), or the fastest one for "auto".

    `local` is this process's number on the machine if several processes use one GPU each. Raises ModelError for a
    device that does not exist.
    """
    available = list(_devices())
    if local is not None and available[0] == "cuda" and name in ("auto", "cuda"):
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    if name == "auto":
        return torch.device(available[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in available or (device.index or 0) >= _count(device.type):
        raise ModelError(
            f"There is no device {name!r} here; available: {', '.join(available)}. "
            "Set device=auto to let the program choose."
        )
    return device


def choose_precision(name: str, device: torch.device) -> Literal["bf16", "fp16", "fp32"]:
    """The precision called `name`; "auto" is bf16 if `device` supports it in hardware, else fp16 on a GPU, else fp32.

    Raises ModelError for a precision that the device can only emulate, which is 20 to 50 times slower.
    """
    if name == "fp32":
        return "fp32"
    if name not in ("auto", "bf16", "fp16"):
        raise ModelError(f"There is no precision {name!r}: use auto, bf16, fp16 or fp32.")
    if name == "fp16" and device.type != "cuda":
        raise ModelError(f"fp16 needs a GPU, but this run is on {device.type}: set precision=auto or fp32.")
    if name == "fp16":
        return "fp16"
    if _has_bf16(device):
        return "bf16"
    if name == "bf16":
        raise ModelError(
            f"This machine's {device.type} does not support bf16, and emulating it is many times slower: "
            "set precision=fp32 or precision=auto."
        )
    return "fp16" if device.type == "cuda" else "fp32"


def _devices() -> Iterator[str]:
    """The kinds of device on this machine, the fastest first."""
    if torch.cuda.is_available():
        yield "cuda"
    if torch.backends.mps.is_available():
        yield "mps"
    yield "cpu"


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # These names are private to torch; a missing one counts as unsupported, since fp32 always works.
        tests = (getattr(torch.cpu, f"_is_{unit}_supported", None) for unit in ("avx512_bf16", "amx_tile"))
        return any(test is not None and test() for test in tests)
    return False


def _check_vocabulary(config: dict[str, Any], folder: Path, *, ours: bool) -> None:
    """Raise ModelError if the tokenizer has more tokens than the model has rows; extra rows are common padding."""
    if ours:
        rows = config.get("vocab_size")
    else:
        from storytime_tui.models.transformers_model import read_config, rows_of

        rows = rows_of(read_config(folder))
    tokens = load_tokenizer(folder).vocabulary_size
    if isinstance(rows, int) and tokens > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {tokens:,} tokens, but its model has only {rows:,}: "
            "they do not belong together."
        )


def _and_more(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else text[:200] + "…").rstrip(".") + "."
