"""Products with one input and several matrices, each perhaps with LoRA's two small ones beside it.

peft keeps those in a layer around the matrix, whose forward pass has six operations and copies the input and the output
into the other precision; autograd then finds the gradients of each. Here, on a CPU, all is in the precision of the
input, the input's gradient is summed up in place, and the small matrices of one input are multiplied as one.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from storytime_tui.models.bare_layers import cast_once

_ADAPTER = "default"  # peft's name for an adapter that was given none


def products(x: Tensor, *matrices: nn.Module) -> tuple[Tensor, ...]:
    """(…, in) -> (…, out) for each matrix, which is a linear layer or peft's layer around one."""
    x = cast_once(x)
    if x.device.type != "cpu" or not all(hasattr(matrix, "lora_A") for matrix in matrices):
        return tuple(matrix(x) for matrix in matrices)
    scales, parts = [], list[Tensor | None]()
    for matrix in matrices:
        layer: Any = matrix
        base, scale = layer.get_base_layer(), layer.scaling[_ADAPTER]
        weight, bias = base.weight.to(x.dtype), None if base.bias is None else base.bias.to(x.dtype)
        parts += [weight, bias, layer.lora_A[_ADAPTER].weight, layer.lora_B[_ADAPTER].weight]
        scales.append(scale)
    outputs: tuple[Tensor, ...] = AdaptedProducts.apply(x, scales, *parts)  # type: ignore[no-untyped-call]
    return outputs


def product(x: Tensor, matrix: nn.Module) -> Tensor:
    """(…, in) -> (…, out) for a single matrix."""
    return products(x, matrix)[0]


class AdaptedProducts(torch.autograd.Function):
    """`x @ (weight + scale * b @ a).T + bias` for several matrices. Only `x`, each `a` and each `b` have gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scales: list[float], *parts: Any) -> tuple[Tensor, ...]:
        """(…, in) -> (…, out) for each.

        `parts`: for each matrix its weight (out, in), bias (out,) or None, a (rank, in) and b (out, rank). The small
        ones may be in fp32 beside an `x` in 16 bits.
        """
        weights, biases, downs, ups = parts[0::4], parts[1::4], parts[2::4], parts[3::4]
        rows = x.reshape(-1, x.shape[-1])
        down = torch.cat(downs).to(x.dtype)  # (ranks, in), as one matrix
        narrow = rows @ down.T  # (rows, ranks)
        scaled = [(up * scale).to(x.dtype) for up, scale in zip(ups, scales, strict=True)]
        outputs = []
        for weight, bias, up, own in zip(weights, biases, scaled, _own(narrow, ups), strict=True):
            out = rows @ weight.T if bias is None else torch.addmm(bias, rows, weight.T)
            outputs.append(out.addmm_(own, up.T).view(*x.shape[:-1], -1))
        ctx.save_for_backward(rows, narrow, down, *weights, *scaled)
        ctx.scales, ctx.shape, ctx.dtype = scales, x.shape, ups[0].dtype
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """(…, out) for each -> the gradients of `x` and of the small matrices."""
        rows, narrow, down, *others = ctx.saved_tensors
        weights, scaled = others[: len(others) // 2], others[len(others) // 2 :]
        tall = [gradient.reshape(len(rows), -1) for gradient in gradients]
        of_narrow = torch.empty_like(narrow)
        of_ups = []
        for gradient, up, own, of_own, scale in zip(
            tall, scaled, _own(narrow, scaled), _own(of_narrow, scaled), ctx.scales, strict=True
        ):
            torch.mm(gradient, up, out=of_own)
            # in the narrow form, which is faster to compute
            of_ups.append((own.T @ gradient).T.to(ctx.dtype).mul_(scale))
        of_downs = (of_narrow.T @ rows).to(ctx.dtype).split([up.shape[1] for up in scaled])
        of_x = None
        if ctx.needs_input_grad[0]:  # not below the first matrices that learn
            of_x = of_narrow @ down
            for gradient, weight in zip(tall, weights, strict=True):
                of_x.addmm_(gradient, weight)
            of_x = of_x.view(ctx.shape)
        of_parts = [(None, None, a, b) for a, b in zip(of_downs, of_ups, strict=True)]
        return of_x, None, *(gradient for each in of_parts for gradient in each)


def _own(narrow: Tensor, ups: Any) -> tuple[Tensor, ...]:
    """(rows, ranks) -> each matrix's (rows, rank)."""
    return torch.split(narrow, [up.shape[1] for up in ups], 1)
