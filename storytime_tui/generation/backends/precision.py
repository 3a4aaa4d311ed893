"""Which precision to tell in: int8 where it says nearly the same, which each model is asked once.

The verdict is remembered in the cache folder under the weights' identity and the engine that judged, so that
another checkpoint, another torch or another processor's arithmetic is asked anew. A model folder may bring its own
(`write_verdict`), so that a model that ships with the program is told at once.
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

from storytime_tui.files import write_atomically
from storytime_tui.generation.backends.backend import Backend
from storytime_tui.generation.backends.prepare import make_backend, precisions_of
from storytime_tui.generation.backends.quantized_linear import arithmetic_of_int8, kinds_of_int8
from storytime_tui.models.gpt2 import GPT2
from storytime_tui.models.identity import identity_of as identity_of
from storytime_tui.models.loading import choose_precision
from storytime_tui.paths import cache_folder
from storytime_tui.small_files import UnreadableFile, read_json

if TYPE_CHECKING:
    from storytime_tui.models.transformers_model import TransformersModel

TOLERATED = 0.005  # how much larger int8's perplexity may be: less than two checkpoints of one run differ
ASKED = 1024  # tokens that a verdict rests on
VERDICT = "precision.json"  # a folder's own
_ENGINE = 1  # counted up when the arithmetic of a precision changes
_KEPT = 500  # verdicts; the oldest go


def surprise(backend: Backend, ids: Sequence[int], window: int = 256) -> float:
    """The mean of -log p (nats) of each token given those before it, in windows one after another.

    Each window's first token is only read. Raises ValueError for less than two tokens.
    """
    window = min(window, backend.window)
    parts = [ids[start : start + window] for start in range(0, len(ids), window)]
    found = torch.cat([backend.likelihoods(part) for part in parts if len(part) > 1] or [torch.empty(0)])
    if not len(found):
        raise ValueError("There is nothing to judge: give at least two tokens.")
    return -float(found.double().mean())


def choose_telling_precision(
    model: GPT2 | TransformersModel,
    identity: str,
    text: Callable[[], Sequence[int]],
    known: Callable[[], float | None] = lambda: None,
) -> tuple[str, float | None]:
    """The precision for `make_backend`, and how much larger its perplexity is (None where nobody asked).

    int8 on a CPU where that raises perplexity by less than half a per cent of what the model makes of `text`,
    ids of the kind that it will tell. Else bf16 or fp16
    where the processor has it, else fp32. `text` is called, and the model copied twice for a moment, only
    where no verdict is remembered and none is `known`. `identity`: see `identity_of`.
    """
    device = next(model.parameters()).device
    otherwise = choose_precision("auto", device)
    if "int8" not in precisions_of(model):
        return otherwise, None
    key = sha256(f"{identity} {_engine()}".encode()).hexdigest()
    verdicts = _remembered()
    change = verdicts.pop(key, None)
    if change is None:
        change = known()
    if change is None:
        change = asked(model, list(text())[:ASKED])
        _remember({**verdicts, key: change})
    return ("int8" if change < TOLERATED else otherwise), change


def asked(model: GPT2 | TransformersModel, ids: Sequence[int]) -> float:
    """How much larger int8 makes a model's perplexity of the ids, infinite where it breaks it.

    One after the other, so that only one copy lives at a time.
    """
    exact = surprise(make_backend(model, "fp32"), ids)
    change = math.expm1(min(surprise(make_backend(model, "int8"), ids) - exact, 20.0))
    return change if math.isfinite(change) else math.inf


def write_verdict(folder: Path, change: float) -> None:
    """Put how much larger int8 makes the perplexity of a folder's model beside its weights. Raises OSError."""
    said = {"weights": _digest_of(folder), "int8": {_arithmetic(): round(change, 6)}}
    write_atomically(folder / VERDICT, (json.dumps(said, indent=2) + "\n").encode())


def verdict_in(folder: Path) -> float | None:
    """What `write_verdict` left there, if these are the weights that it was about and this machine rounds alike."""
    with contextlib.suppress(OSError, UnreadableFile, ValueError, KeyError, TypeError, OverflowError):
        said = read_json(folder / VERDICT)
        change = float(said["int8"][_arithmetic()])
        return change if said["weights"] == _digest_of(folder) else None
    return None


def _digest_of(folder: Path) -> str:
    """Of all its weights. Raises OSError."""
    whole = sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as opened:
            whole.update(file_digest(opened, "sha256").digest())
    return whole.hexdigest()


def _arithmetic() -> str:
    return f"{_ENGINE} {arithmetic_of_int8()}"


def _engine() -> str:
    """What multiplies: other arithmetic, other verdict."""
    processor = torch.backends.cpu.get_cpu_capability()
    return f"{_ENGINE} {torch.__version__} {processor} {kinds_of_int8()[0]}"


def _file() -> Path:
    return cache_folder() / "precision.json"


def _remembered() -> dict[str, float]:
    """By key, the oldest first. A file that is damaged, or absent, remembers nothing."""
    with contextlib.suppress(OSError, UnreadableFile, OverflowError):
        found = read_json(_file())
        if isinstance(found, dict):
            return {key: float(change) for key, change in found.items() if isinstance(change, float | int)}
    return {}


def _remember(verdicts: dict[str, float]) -> None:
    """A cache that cannot be written is no reason to stop."""
    newest = dict(list(verdicts.items())[-_KEPT:])
    with contextlib.suppress(OSError):
        write_atomically(_file(), json.dumps(newest).encode())
