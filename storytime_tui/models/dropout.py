"""Dropout (Srivastava et al. 2014): by chance, numbers are left out while a model learns; it must lean on none."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def dropout(x: Tensor, rate: float, learning: bool) -> Tensor:
    """Each number of `x` is 0 with the probability `rate`, or else 1 / (1 - rate) times itself; as it is, at rest.

    On a CPU torch draws masks one by one, as floating-point numbers: 7% of a small model's step. There a whole
    mask is drawn at once, 16 bits for each number, from a generator that torch's own seeds, so that the same
    torch seed gives the same masks, when blocks are computed twice too.
    """
    if not learning or rate == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, rate, training=True)
    seed = int(torch.randint(2**62, ()))
    drawn = np.random.Generator(np.random.SFC64(seed)).bytes(2 * x.numel())
    chances = torch.frombuffer(bytearray(drawn), dtype=torch.int16).view(
        x.shape
    )  # -32768 to 32767, all alike
    kept = chances >= round(rate * 2**16) - 2**15
    return x * kept * (1 / (1 - rate))
