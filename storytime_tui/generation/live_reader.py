"""Reads with a model as it stands, weights and all: for a sample from one that is learning.

`reader.prepare` copies the weights and is faster for it; here there is nothing to copy, and nothing to keep.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from storytime_tui.generation.reader import check_ids, check_reading, logits_out


class Cache:
    """The ids that were read, and what the model keeps of them."""

    def __init__(self, kept: Any) -> None:
        self.rows: list[list[int]] = [[]]
        self.kept = kept

    @property
    def length(self) -> int:
        """Tokens read."""
        return len(self.rows[0])

    @property
    def ids(self) -> list[int]:
        """All of them."""
        return self.rows[0]


class LiveReader:
    """See `reader.Reader`, of which it does the reading of one text: it neither cuts nor shares."""

    can_cut = False

    def __init__(self, model: Any) -> None:
        self._model = model
        self.window, self.vocabulary = model.window, model.vocabulary
        self.precision = "as it is"

    def new_cache(self, rows: int = 1) -> Cache:
        """An empty one. Raises ValueError for more rows than one."""
        if rows != 1:
            raise ValueError("A live reader reads one text at a time.")
        return Cache(self._model.new_cache())

    def read(self, ids: Sequence[int], cache: Cache) -> Tensor:
        """See `reader.Reader`.

        Modes are entered here, for one call, and are as they were afterwards.
        """
        check_reading(cache.length, len(ids), self.window)
        check_ids(ids, self.vocabulary)
        device = next(self._model.parameters()).device
        with (
            torch.inference_mode(),
            torch.autocast(device.type, enabled=False),
            _evaluating(self._model),
        ):
            logits = logits_out(self._model.read(torch.tensor([list(ids)], device=device), cache.kept)[0])
        cache.ids.extend(ids)
        return logits

    def memory(self, cache: Cache) -> int:
        """Nothing of it is worth keeping: the weights are other ones by then."""
        return 2**62

    def read_rows(self, ids: Sequence[int], cache: Cache) -> Tensor:
        """Not what it is for. Raises NotImplementedError."""
        raise NotImplementedError("A live reader reads one text at a time: prepare the model for more.")

    def share(self, cache: Cache, rows: int) -> Cache:
        """Not what it is for. Raises NotImplementedError."""
        raise NotImplementedError("A live reader reads one text at a time: prepare the model for more.")

    def cut(self, cache: Cache, length: int) -> None:
        """Not what it is for. Raises NotImplementedError."""
        raise NotImplementedError("A live reader cannot cut: read again into a new cache.")

    def drop(self, cache: Cache, keep: Sequence[int]) -> None:
        """Not what it is for. Raises NotImplementedError."""
        raise NotImplementedError("A live reader reads one text at a time: prepare the model for more.")


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off for the block; afterwards every module is in the mode that it was in, each by itself."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
