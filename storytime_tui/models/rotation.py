"""Turning queries and keys by their positions (RoPE, Su et al. 2021, arXiv:2104.09864)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """(batch, heads, tokens, head width), turned; number i of the first half is a pair with i of the second.

    `cosines` and `sines`: (tokens, head width), of how far each is turned; their halves are alike.
    """
    if x.device.type == "cpu":
        turned: Tensor = Rotate.apply(x, cosines, sines)  # type: ignore[no-untyped-call]
        return turned
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat((-second, first), -1) * sines


class Rotate(torch.autograd.Function):
    """`rotate` in two passes over memory each way, where torch's own takes five there and more back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        """(batch, heads, tokens, head width), twice (tokens, head width) -> x turned."""
        ctx.save_for_backward(cosines, sines)
        return _turned(x, cosines, sines)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient turned back."""
        cosines, sines = ctx.saved_tensors
        return _turned(gradient, cosines, -sines), None, None


def _turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    turned, of_pairs = x * cosines, sines.chunk(2, -1)[0]
    (first, second), (of_first, of_second) = x.chunk(2, -1), turned.chunk(2, -1)
    of_first.addcmul_(second, of_pairs, value=-1)
    of_second.addcmul_(first, of_pairs)
    return turned
