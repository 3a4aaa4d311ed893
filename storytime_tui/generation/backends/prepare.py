"""Chooses the backend for a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storytime_tui.generation.backends.backend import Backend
from storytime_tui.generation.backends.gpt2 import GPT2Backend
from storytime_tui.generation.backends.llama import LlamaBackend
from storytime_tui.generation.backends.quantized_linear import DTYPES, kinds_of_int8
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.gpt2 import GPT2
from storytime_tui.models.llama import Llama

if TYPE_CHECKING:
    from storytime_tui.models.transformers_model import TransformersModel


def make_backend(model: CausalModel | TransformersModel, precision: str) -> Backend:
    """A backend with a private copy of a model's weights in "fp32", "bf16", "fp16" or, for our own on a CPU, "int8".

    Matrices are copied one at a time, so the peak is the model plus the copy. The model may be freed or trained
    on afterwards. Raises ValueError for a precision that is not in `precisions_of`.
    """
    if precision not in precisions_of(model):
        raise ValueError(f"{precision} is not available here: use one of {', '.join(precisions_of(model))}.")
    if isinstance(model, GPT2):
        return GPT2Backend(model, precision)
    if isinstance(model, Llama):
        return LlamaBackend(model, precision)
    assert not isinstance(model, CausalModel)
    from storytime_tui.generation.backends.transformers_model import TransformersBackend

    return TransformersBackend(model, DTYPES[precision])


def precisions_of(model: CausalModel | TransformersModel) -> tuple[str, ...]:
    """The precisions that a model can be prepared in on its device."""
    device = next(model.parameters()).device.type
    if device == "cpu":
        return ("fp32", "bf16", *(("int8",) if isinstance(model, CausalModel) and kinds_of_int8() else ()))
    return ("fp32", "bf16", "fp16")
