"""Weights to a model on a device, in the right precision: the one module of `models` that imports torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from torch import nn

from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.catalogue import ScratchShape
from storytime_tui.models.tokenizer import Tokenizer, load_tokenizer

# What transformers would print, natively too, tears the screen; what matters of it is raised below.
transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]

_DROPOUT = ("resid_pdrop", "embd_pdrop", "hidden_dropout", "hidden_dropout_prob", "embed_dropout", "dropout")
_ATTENTION_DROPOUT = ("attn_pdrop", "attention_dropout", "attention_probs_dropout_prob")
_WINDOWS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
_WINDOW_UNKNOWN = 1024  # for models without positions of their own, such as ALiBi's: GPT-2's window


def new_model(shape: ScratchShape, tokenizer: Tokenizer, seed: int, dropout: float) -> nn.Module:
    """A GPT-2 (Radford et al. 2019) of `shape` with random weights in fp32 on the CPU, in evaluation mode.

    The same seed gives the same weights, and torch's own random state stays as it was. `dropout` is for the
    embeddings and the residual paths; attention has none, since the fast kernels refuse it. The vocabulary is
    the tokenizer's, which may be smaller than the shape's.
    """
    config = transformers.GPT2Config(
        vocab_size=tokenizer.vocabulary_size,
        n_positions=shape.window,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        # the same function as GPT-2's "gelu_new" to 1e-7, in one kernel that keeps a quarter of the memory
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=0.0,
        bos_token_id=tokenizer.end_of_text,
        eos_token_id=tokenizer.end_of_text,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs, too
        model = transformers.GPT2LMHeadModel(config)
    model.eval()  # type: ignore[no-untyped-call]
    return model


def load_model(
    folder: Path, *, device: torch.device, dtype: torch.dtype, dropout: float | None = None
) -> nn.Module:
    """The causal language model in `folder`, in evaluation mode, its weights in `dtype` on `device`.

    Only safetensors are read, and no code that comes with a model is run. `dropout`, when given, is set on
    the embeddings and residual paths and taken off attention; else the model's own stays. Raises ModelError
    naming the folder for what is missing, damaged, of an unknown kind, or not fit for its tokenizer.
    """
    model_folder.check_folder(folder)
    try:
        config: Any = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # whatever a foreign configuration can raise
        raise ModelError(f"{folder / model_folder.CONFIG} cannot be used: {_in_a_line(error)}") from error
    _check_vocabulary(config, folder)
    if dropout is not None:
        _set(config, _DROPOUT, dropout)
        _set(config, _ATTENTION_DROPOUT, 0.0)
    try:
        opened: Any = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # counted below, in place of a report on the screen
            output_loading_info=True,
        )  # attention is SDPA where the architecture has it, by transformers' own choice
        model, found = opened
        model = model.to(device)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ModelError(
            f"The model in {folder} does not fit the memory of {device}: close other programs, or pick a "
            "smaller one."
        ) from error
    except Exception as error:  # safetensors, JSON, torch and transformers each raise their own
        raise ModelError(
            f"The weights in {folder} are damaged or do not fit its config.json: {_in_a_line(error)}"
        ) from error
    # transformers would go on with random numbers in the place of these
    absent, unfit = sorted(found["missing_keys"]), sorted(each[0] for each in found["mismatched_keys"])
    if absent:
        raise ModelError(f"The weights in {folder} lack {_and_more(absent)}: fetch or copy the model again.")
    if unfit:
        raise ModelError(
            f"The weights in {folder} do not fit its config.json, {_and_more(unfit)} has another size there: "
            "fetch or copy the model again."
        )
    loaded: nn.Module = model.eval()
    return loaded


def window_of(model: nn.Module) -> int:
    """The largest number of tokens that `model` sees at once: never give it a position beyond."""
    config = _text_config(model.config)
    for name in _WINDOWS:
        window = getattr(config, name, None)
        if isinstance(window, int) and window > 0:
            return window
    return _WINDOW_UNKNOWN


def choose_device(name: str) -> torch.device:
    """The device called `name` ("cpu", "cuda", "cuda:1", "mps"), or the best there is for "auto".

    Raises ModelError for one that is not there.
    """
    present = list(_devices())
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


def choose_precision(name: str, device: torch.device) -> Literal["bf16", "fp32"]:
    """The precision called `name`, or for "auto" bf16 where `device` has it in hardware, else fp32.

    Raises ModelError for "bf16" on a device that would only imitate it, 20 to 50 times slower.
    """
    if name == "fp32":
        return "fp32"
    if name not in ("auto", "bf16"):
        raise ModelError(f"There is no precision {name!r}: there is auto, bf16 and fp32.")
    if _has_bf16(device):
        return "bf16"
    if name == "bf16":
        raise ModelError(
            f"This machine's {device.type} has no bf16 arithmetic, and imitating it is many times slower: "
            "set precision=fp32 or precision=auto."
        )
    return "fp32"


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


def _check_vocabulary(config: Any, folder: Path) -> None:
    """More rows than tokens are padding, and common; a token without a row would crash the first step."""
    rows = getattr(_text_config(config), "vocab_size", None)
    tokens = load_tokenizer(folder).vocabulary_size
    if isinstance(rows, int) and tokens > rows:
        raise ModelError(
            f"The tokenizer in {folder} has {tokens:,} tokens, but its model knows only {rows:,}: "
            "they do not belong together."
        )


def _text_config(config: Any) -> Any:
    """The part of a configuration that is about text: models that also see or hear keep it apart."""
    return config.get_text_config(decoder=True)


def _set(config: Any, names: tuple[str, ...], value: float) -> None:
    for name in names:
        if isinstance(getattr(config, name, None), float | int):
            setattr(config, name, value)


def _and_more(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _in_a_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else text[:200] + "…").rstrip(".") + "."
