"""The windows that training cuts from a stream of tokens."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.unsignedinteger[Any]]
Window = npt.NDArray[np.int64]


def epoch_windows(tokens: int, stride: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Where the windows of one epoch over a ring of `tokens` start: ceil(tokens / stride) positions, shuffled.

    The positions are `stride` apart (the last and the first may be nearer), from a random offset that changes with
    the epoch. A stride below the window's length makes windows overlap; the notebook used half. The result depends
    on the arguments only and on no NumPy version: the raw numbers of a PCG64 never change, while NumPy's shuffle
    may. So exact resume needs only the seed and the epoch.
    """
    count = math.ceil(tokens / stride)
    numbers = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(count + 1)
    starts = (int(numbers[0]) % tokens + np.arange(count, dtype=np.int64) * stride) % tokens
    return starts[np.argsort(numbers[1:], kind="stable")]


def window_at(ids: Ids, start: int, length: int) -> Window:
    """`length` ids from `start` on; the stream is a ring."""
    if start >= 0 and start + length <= len(ids):
        return ids[start : start + length].astype(np.int64)
    return ids.take(np.arange(start, start + length), mode="wrap").astype(np.int64)
