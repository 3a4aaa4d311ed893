"""Suffix arrays: the sorted order of all suffixes of a long stream of numbers."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]


def suffix_array(
    stream: Int32s, on_progress: Callable[[float], None] = lambda share: None
) -> tuple[Int32s, Int32s]:
    """The suffixes of `stream` in order, each given by its start, and the rank of each; both int32.

    The numbers must be 0 or more, and no suffix may be a prefix of another, so end the stream with a number that
    occurs nowhere else. `on_progress` gets the share of suffixes in their final places. Prefix doubling (Manber and
    Myers 1990), only on suffixes that are not yet in place (Larsson and Sadakane 2007): O(n log n log n) at worst.
    """
    count = len(stream)
    width = max(1, int(stream.max(initial=0)).bit_length())
    sorted_by = min(count, 63 // width)  # as many numbers as fit into one 64-bit key give the first order
    keys = np.zeros(count, np.int64)
    for place in range(sorted_by):
        keys <<= width
        keys[: count - place] |= stream[place:]
    suffixes = np.argsort(keys).astype(np.int32)
    ranks = np.empty(count, np.int32)
    slots = _rank(np.arange(count, dtype=np.int32), suffixes, keys[suffixes], ranks)
    while len(slots):
        on_progress(1 - len(slots) / count)
        tied = suffixes[slots]
        keys = ranks[tied].astype(np.int64) << 32
        keys |= ranks[tied + sorted_by]
        order = np.argsort(keys)
        tied = tied[order]
        suffixes[slots] = tied
        slots = _rank(slots, tied, keys[order], ranks)
        sorted_by *= 2
    return suffixes, ranks


def _rank(slots: Int32s, suffixes: Int32s, keys: npt.NDArray[np.int64], ranks: Int32s) -> Int32s:
    """Give each suffix (sorted by key) the rank of the first slot with its key. Returns the slots still tied."""
    new = np.ones(len(keys) + 1, np.bool_)
    new[1:-1] = keys[1:] != keys[:-1]
    # slots ascend, so the running maximum is the first slot of each key
    firsts = np.where(new[:-1], slots, 0)
    ranks[suffixes] = np.maximum.accumulate(firsts, out=firsts)
    return slots[~(new[:-1] & new[1:])]
