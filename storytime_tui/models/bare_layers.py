"""Layers without initial values, because weights are loaded over them."""

import torch
from torch import Tensor, nn


class Matrix(nn.Linear):
    """nn.Linear without initialisation: initialising on the meta device imports torch._dynamo (1 s)."""

    def reset_parameters(self) -> None:
        """Do nothing."""


def cast_once(x: Tensor) -> Tensor:
    """The input of several matrices, in the dtype that they multiply in under autocast.

    Each would make and keep a copy of its own otherwise.
    """
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x


def embedding(rows: int, width: int) -> nn.Embedding:
    """An uninitialised embedding: initialising it on the meta device makes torch import its compiler."""
    made: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.empty(rows, width), freeze=False
    )
    return made
