"""Weights to a model on a device, in the right precision: ours for GPT-2's shapes, transformers' for all others.

Both have the same few words: `window`, `vocabulary`, `head`, `blocks`, `hidden(ids)`, `(ids)`, `new_cache()`,
`read(ids, cache)`; see `gpt2.GPT2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch

from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import folder as model_folder
from storytime_tui.models import gpt2_files
from storytime_tui.models.gpt2 import GPT2, Shape
from storytime_tui.models.shapes import ScratchShape
from storytime_tui.models.tokenizer import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from storytime_tui.models.transformers_model import TransformersModel


class LoadedModel(NamedTuple):
    """A model, and the config.json that it is saved with ({} for one that transformers writes itself)."""

    model: GPT2 | TransformersModel
    config: dict[str, Any]


def new_model(
    shape: ScratchShape,
    tokenizer: Tokenizer,
    seed: int,
    dropout: float,
    device: torch.device = torch.device("cpu"),  # noqa: B008
) -> LoadedModel:
    """A GPT-2 of `shape` with random weights in fp32, in evaluation mode.

    The same seed gives the same weights on every device, and torch's own random state stays as it was. The
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
    """The causal language model in `folder`, in evaluation mode, its weights in `dtype` on `device`.

    Only safetensors are read, and no code that comes with a model is run. `dropout`, when given, is set on
    the embeddings and residual paths and taken off attention; else the model's own stays. Raises ModelError
    naming the folder for what is missing, damaged, of an unknown kind, or not fit for its tokenizer.
    """
    model_folder.check_folder(folder)
    config = model_folder.read_json(folder / model_folder.CONFIG)
    ours = gpt2_files.is_gpt2(config)
    _check_vocabulary(config, folder, ours=ours)
    shape = _shape_of(config, folder, dropout) if ours else None
    try:
        model, absent, unfit = _read(folder, shape, device, dtype, dropout)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ModelError(
            f"The model in {folder} does not fit the memory of {device}: close other programs, or pick a "
            "smaller one."
        ) from error
    except ModelError:
        raise
    except BaseException as error:  # safetensors, JSON, torch and transformers each raise their own
        if not is_fault(error):
            raise
        raise ModelError(
            f"The weights in {folder} are damaged or do not fit its config.json: {_in_a_line(error)}"
        ) from error
    # one would go on with random numbers in the place of these
    if absent:
        raise ModelError(f"The weights in {folder} lack {_and_more(absent)}: fetch or copy the model again.")
    if unfit:
        raise ModelError(
            f"The weights in {folder} do not fit its config.json, {_and_more(unfit)} has another size there: "
            "fetch or copy the model again."
        )
    model.eval()
    return LoadedModel(model, {**config, **_dropout_words(shape)} if shape else {})


def _read(
    folder: Path, shape: Shape | None, device: torch.device, dtype: torch.dtype, dropout: float | None
) -> tuple[GPT2 | TransformersModel, list[str], list[str]]:
    if shape is not None:
        model = gpt2_files.empty_gpt2(shape, device, dtype, padded=device.type == "cuda")
        return model, *gpt2_files.read_weights(model, folder)
    from storytime_tui.models.transformers_model import open_foreign  # transformers takes seconds to import

    return open_foreign(folder, device, dtype, dropout)


def _shape_of(config: dict[str, Any], folder: Path, dropout: float | None) -> Shape:
    try:
        return gpt2_files.shape_of(config, dropout)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / model_folder.CONFIG} cannot be used: {_in_a_line(error)}") from error


def _dropout_words(shape: Shape) -> dict[str, float]:
    return {"resid_pdrop": shape.dropout, "embd_pdrop": shape.dropout, "attn_pdrop": 0.0}


def weights_of(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """All weights under Hugging Face's names, on the CPU. Where ranks hold parts of the model, each has to ask."""
    if isinstance(loaded.model, GPT2):
        return gpt2_files.weights_of(loaded.model)
    return loaded.model.weights()


def write_model(loaded: LoadedModel, weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Write weights and configuration as Hugging Face's tools expect them. Raises OSError and SafetensorError."""
    if isinstance(loaded.model, GPT2):
        gpt2_files.write_gpt2(weights, loaded.config, folder)
    else:
        loaded.model.write(weights, folder)


def choose_device(name: str, local: int | None = None) -> torch.device:
    """The device called `name` ("cpu", "cuda", "cuda:1", "mps"), or the best there is for "auto".

    `local`: the number of this process on the machine, where several have a GPU each.

    Raises ModelError for one that is not there.
    """
    present = list(_devices())
    if local is not None and present[0] == "cuda" and name in ("auto", "cuda"):
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    if name == "auto":
        return torch.device(present[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in present or (device.index or 0) >= _count(device.type):
        raise ModelError(
            f"There is no device {name!r} here: there is {', '.join(present)}. "
            "Set device=auto to let the program choose."
        )
    return device


def choose_precision(name: str, device: torch.device) -> Literal["bf16", "fp16", "fp32"]:
    """The precision called `name`, or for "auto" bf16 where `device` has it in hardware, else fp16 on a GPU, else fp32.

    Raises ModelError for what a device would only imitate, 20 to 50 times slower.
    """
    if name == "fp32":
        return "fp32"
    if name not in ("auto", "bf16", "fp16"):
        raise ModelError(f"There is no precision {name!r}: there is auto, bf16, fp16 and fp32.")
    if name == "fp16" and device.type != "cuda":
        raise ModelError(f"fp16 is for GPUs, and this run is on {device.type}: set precision=auto or fp32.")
    if name == "fp16":
        return "fp16"
    if _has_bf16(device):
        return "bf16"
    if name == "bf16":
        raise ModelError(
            f"This machine's {device.type} has no bf16 arithmetic, and imitating it is many times slower: "
            "set precision=fp32 or precision=auto."
        )
    return "fp16" if device.type == "cuda" else "fp32"


def _devices() -> Iterator[str]:
    """The kinds of device that are here, the fastest first."""
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
        # private names, so missing ones count as "no": fp32 is always right, only slower
        tests = (getattr(torch.cpu, f"_is_{unit}_supported", None) for unit in ("avx512_bf16", "amx_tile"))
        return any(test is not None and test() for test in tests)
    return False


def _check_vocabulary(config: dict[str, Any], folder: Path, *, ours: bool) -> None:
    """More rows than tokens are padding, and common; a token without a row would crash the first step."""
    if ours:
        rows = config.get("vocab_size")
    else:
        from storytime_tui.models.transformers_model import read_config, rows_of

        rows = rows_of(read_config(folder))
    tokens = load_tokenizer(folder).vocabulary_size
    if isinstance(rows, int) and tokens > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {tokens:,} tokens, but its model knows only {rows:,}: "
            "they do not belong together."
        )


def _and_more(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _in_a_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else text[:200] + "…").rstrip(".") + "."
