"""The norm of Llama's family, with a faster one for 16 bits on a CPU."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Norm(nn.RMSNorm):
    """`x / sqrt(mean(x²) + eps) * weight` over the last numbers (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, width) -> the same, in x's dtype."""
        if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not self.weight.requires_grad:
            out: Tensor = FrozenNorm.apply(x, self.weight, self.eps)  # type: ignore[no-untyped-call]
            return out
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class FrozenNorm(torch.autograd.Function):
    """A norm whose weights don't learn, computed in fp32 between 16 bits in and 16 bits out.

    torch's own takes a pass over memory for each of its operations, and keeps what is between them for its gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """(…, width), (width,) -> (…, width)."""
        normal = x.to(torch.float32, copy=True)
        length = torch.linalg.vector_norm(normal, dim=-1, keepdim=True)
        shrink = (length.square_() / x.shape[-1] + eps).rsqrt_()  # (…, 1)
        ctx.save_for_backward(x, shrink, weight)
        return normal.mul_(shrink).mul_(weight).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """(…, width) -> the gradient of `x`: that of the normal numbers without its part along them, shrunk."""
        x, shrink, weight = ctx.saved_tensors
        normal = x.to(torch.float32, copy=True).mul_(shrink)
        of_normal = gradient.to(torch.float32, copy=True).mul_(weight)
        along = (of_normal * normal).mean(-1, keepdim=True)
        of_x = of_normal.addcmul_(normal, along, value=-1).mul_(shrink)
        return of_x.to(x.dtype), None, None
