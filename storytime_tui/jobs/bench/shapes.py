"""The bases whose shape can be measured without a download, and models of such a shape with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storytime_tui.models.catalogue import STARTER, starter_shape
from storytime_tui.models.shapes import GPT2_SHAPES, LLAMA_CONFIGS, SCRATCH_SHAPES, ScratchShape

if TYPE_CHECKING:
    import torch

    from storytime_tui.models.causal_model import CausalModel

_OF_GPT2 = {**SCRATCH_SHAPES, **{name: GPT2_SHAPES[name] for name in ("distilgpt2", "gpt2", "gpt2-medium")}}


def bases() -> list[str]:
    """Their names."""
    return [*_gpt2_shapes(), *LLAMA_CONFIGS]


def _gpt2_shapes() -> dict[str, ScratchShape]:
    starter = starter_shape()
    return {**({STARTER: starter} if starter else {}), **_OF_GPT2}


def random_model(base: str, where: torch.device, dropout: float = 0.0) -> CausalModel:
    """A model of this base's shape on the device, in fp32, with random weights."""
    import torch

    from storytime_tui.models import gpt2, gpt2_files, llama, llama_files, own_files

    model: gpt2.GPT2 | llama.Llama
    cpu, padded = torch.device("cpu"), where.type == "cuda"
    if base in LLAMA_CONFIGS:
        shape = llama_files.shape_of(LLAMA_CONFIGS[base], dropout)
        model = own_files.empty_model(llama.Llama, shape, cpu, torch.float32, padded=padded)
    else:
        of = _gpt2_shapes()[base]
        full = gpt2.Shape(of.vocabulary, of.window, of.width, of.layers, of.heads, 4 * of.width, dropout)
        model = gpt2_files.empty_gpt2(full, cpu, torch.float32, padded=padded)
    model.fill(0)
    return model.to(where)
