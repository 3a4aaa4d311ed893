"""Which backend reads a model, and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storytime_tui.generation.backends.backend import Backend
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.quantized_linear import DTYPES, kinds_of_int8
from storytime_tui.models.gpt2 import GPT2

if TYPE_CHECKING:
    from storytime_tui.models.transformers_model import TransformersModel


def make_backend(model: GPT2 | TransformersModel, precision: str) -> Backend:
    """A backend with a private copy of a model's weights in "fp32", "bf16", "fp16" or, on a CPU, "int8".

    Matrices are copied one after another, so that the peak is the model and its copy; the model may be freed,
    or trained on, afterwards. A foreign model has no int8. Raises ValueError for a precision that is not to be
    had: `precisions_of` says which are.
    """
    if precision not in precisions_of(model):
        raise ValueError(f"{precision} is not to be had here: there is {', '.join(precisions_of(model))}.")
    if isinstance(model, GPT2):
        return GPT2Backend(model, precision)
    from storytime_tui.generation.backends.transformers_model import TransformersBackend

    return TransformersBackend(model, DTYPES[precision])


def precisions_of(model: GPT2 | TransformersModel) -> tuple[str, ...]:
    """What a model can be prepared in where it lies."""
    device = next(model.parameters()).device.type
    if device == "cpu":
        return ("fp32", "bf16", *(("int8",) if isinstance(model, GPT2) and kinds_of_int8() else ()))
    return ("fp32", "bf16", "fp16")
