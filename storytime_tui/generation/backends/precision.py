"""Chooses the precision to generate in: int8 if it hardly changes a model's loss, which is measured once per model.

The verdict is cached under the identity of the weights and of the arithmetic, so that another checkpoint, torch
version or processor is measured again. A model folder may bring its own verdict (`write_verdict`), so that a
bundled model needs no measurement.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from storytime_tui.errors import ModelError
from storytime_tui.files import write_atomically
from storytime_tui.generation.backends.backend import Backend
from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.backends.quantized_linear import arithmetic_of_int8, kinds_of_int8
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.identity import identity_of as identity_of
from storytime_tui.models.loading import choose_precision
from storytime_tui.paths import cache_folder
from storytime_tui.small_files import UnreadableFile, read_json

if TYPE_CHECKING:
    from storytime_tui.models.transformers_model import TransformersModel

MAX_CHANGE = 0.005  # relative increase of perplexity by int8; two checkpoints of one run differ by more
VERDICT_TOKENS = 1024  # tokens that int8 is measured on
VERDICT = "precision.json"  # in a model folder
_ENGINE = 1  # raised when the arithmetic of a precision changes
_MAX_VERDICTS = 500  # the oldest are dropped


def mean_loss(backend: Backend, ids: Sequence[int], window: int = 256) -> float:
    """The mean loss (nats per token) over consecutive windows; a window's first token is not predicted.

    Raises ValueError for fewer than two tokens.
    """
    window = min(window, backend.window)
    parts = [ids[start : start + window] for start in range(0, len(ids), window)]
    logprobs = torch.cat([backend.logprobs(part) for part in parts if len(part) > 1] or [torch.empty(0)])
    if not len(logprobs):
        raise ValueError("There is nothing to predict: give at least two tokens.")
    return -float(logprobs.double().mean())


def choose_telling_precision(
    model: CausalModel | TransformersModel,
    identity: str,
    text: Callable[[], Sequence[int]],
    known: Callable[[], float | None] = lambda: None,
) -> tuple[str, float | None]:
    """The precision for `make_backend`, and the relative change of perplexity by int8 (None if not applicable).

    int8 on a CPU if it raises the perplexity of `text`, ids of the kind to be generated, by less than half a per
    cent. Otherwise bf16 or fp16 if the hardware supports it, else fp32. `text` is called, and the model copied
    twice for a moment, only if no verdict is cached and `known` gives None. `identity`: see `identity_of`.
    """
    device = next(model.parameters()).device
    float_precision = choose_precision("auto", device)
    if "int8" not in precisions_of(model):
        return float_precision, None
    key = sha256(f"{identity} {_engine()}".encode()).hexdigest()
    verdicts = _load_verdicts()
    change = verdicts.pop(key, None)
    if change is None:
        change = known()
    if change is None:
        change = int8_change(model, list(text())[:VERDICT_TOKENS])
        _save_verdicts({**verdicts, key: change})
    return ("int8" if change < MAX_CHANGE else float_precision), change


def check_telling_precision(model: CausalModel | TransformersModel, precision: str) -> str:
    """The precision, if this model can tell in it on its device. Raises ModelError."""
    if precision == "int8":
        if "int8" not in precisions_of(model):
            raise ModelError(
                "int8 is there for GPT-2 and Llama models on a CPU only: set precision=auto or fp32, or device=cpu."
            )
        return precision
    return choose_precision(precision, next(model.parameters()).device)


def int8_change(model: CausalModel | TransformersModel, ids: Sequence[int]) -> float:
    """The relative change of a model's perplexity of the ids by int8; infinite if the result is not finite.

    The two copies are measured one after the other, so that only one exists at a time.
    """
    fp32_loss = mean_loss(make_backend(model, "fp32"), ids)
    change = math.expm1(min(mean_loss(make_backend(model, "int8"), ids) - fp32_loss, 20.0))
    return change if math.isfinite(change) else math.inf


def write_verdict(folder: Path, change: float) -> None:
    """Write the relative change of perplexity by int8 into a model folder. Raises OSError."""
    record = {"weights": _digest_of(folder), "int8": {_arithmetic(): round(change, 6)}}
    write_atomically(folder / VERDICT, (json.dumps(record, indent=2) + "\n").encode())


def verdict_in(folder: Path) -> float | None:
    """The change in a folder's verdict file; None unless it is for these weights and this machine's int8
    arithmetic."""
    with contextlib.suppress(OSError, UnreadableFile, ValueError, KeyError, TypeError, OverflowError):
        record = read_json(folder / VERDICT)
        change = float(record["int8"][_arithmetic()])
        return change if record["weights"] == _digest_of(folder) else None
    return None


def _digest_of(folder: Path) -> str:
    """The SHA-256 of all weight files. Raises OSError."""
    total = sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            total.update(file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _arithmetic() -> str:
    return f"{_ENGINE} {arithmetic_of_int8()}"


def _engine() -> str:
    """What can change the rounding: torch version, CPU capability, int8 kernel."""
    processor = torch.backends.cpu.get_cpu_capability()
    return f"{_ENGINE} {torch.__version__} {processor} {kinds_of_int8()[0]}"


def _file() -> Path:
    return cache_folder() / "precision.json"


def _load_verdicts() -> dict[str, float]:
    """The verdicts by key, the oldest first; empty if the file is missing or damaged."""
    with contextlib.suppress(OSError, UnreadableFile, OverflowError):
        verdicts = read_json(_file())
        if isinstance(verdicts, dict):
            return {key: float(change) for key, change in verdicts.items() if isinstance(change, float | int)}
    return {}


def _save_verdicts(verdicts: dict[str, float]) -> None:
    """Write the newest verdicts; a cache that cannot be written is ignored."""
    newest = dict(list(verdicts.items())[-_MAX_VERDICTS:])
    with contextlib.suppress(OSError):
        write_atomically(_file(), json.dumps(newest).encode())
