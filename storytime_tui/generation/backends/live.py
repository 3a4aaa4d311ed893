"""Reads with a model as it stands, weights and all: for a sample from one that is learning.

`make_backend` copies the weights and is faster for it; here there is nothing to copy. What a prepared model does
with its caches is done here the plain way: row by row, and by reading again.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from storytime_tui.generation.backends.backend import (
    Rows,
    check_each,
    check_ids,
    check_one_row,
    check_reading,
    logits_out,
    logprobs_of_next,
)


class LiveCache(Rows):
    """The ids that were read, and what the model keeps of each row."""

    def __init__(self, rows: list[list[int]], kept: list[Any]) -> None:
        super().__init__(rows)
        self.kept = kept


class LiveBackend:
    """See `backend.Backend`. A cut begins anew: the model may have learned since."""

    can_cut = False

    def __init__(self, model: Any) -> None:
        self._model, self._modules = model, list(model.modules())
        self.window, self.vocabulary = model.window, model.vocabulary
        self.precision = "as it is"

    def new_cache(self, rows: int = 1) -> LiveCache:
        """An empty one."""
        return LiveCache([[] for _ in range(rows)], [self._model.new_cache() for _ in range(rows)])

    def read(self, ids: Sequence[int], cache: LiveCache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read(ids, cache, 0)

    def read_rows(self, ids: Sequence[int], cache: LiveCache) -> Tensor:
        """See `backend.Backend`."""
        check_each(ids, len(cache.rows))
        return torch.stack([self._read([token], cache, row) for row, token in enumerate(ids)])

    def likelihoods(self, ids: Sequence[int]) -> Tensor:
        """See `backend.Backend`."""
        check_reading(0, len(ids), self.window)
        check_ids(ids, self.vocabulary)
        with self._at_rest():
            return logprobs_of_next(self._model(self._tensor(ids))[0, :-1].float(), ids[1:]).cpu()

    def cut(self, cache: LiveCache, length: int) -> None:
        """See `backend.Backend`. Raises ValueError but for a cut to nothing."""
        if length:
            raise ValueError("A model that learns has nothing to cut back to: read again into a new cache.")
        fresh = self.new_cache(len(cache.rows))
        cache.rows, cache.kept = fresh.rows, fresh.kept

    def share(self, cache: LiveCache, rows: int) -> LiveCache:
        """See `backend.Backend`. Each row reads it all."""
        check_one_row(len(cache.rows))
        shared = self.new_cache(rows)
        for row in range(rows) if cache.length else ():
            self._read(cache.ids, shared, row)
        return shared

    def drop(self, cache: LiveCache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        cache.rows = [cache.rows[row] for row in keep]
        cache.kept = [cache.kept[row] for row in keep]

    def memory(self, cache: LiveCache) -> int:
        """More than anybody has: nothing of it is worth keeping, since the weights are other ones by then."""
        return 2**62

    def _read(self, ids: Sequence[int], cache: LiveCache, row: int) -> Tensor:
        """Put ids behind one row -> (vocabulary,) logits."""
        check_reading(len(cache.rows[row]), len(ids), self.window)
        check_ids(ids, self.vocabulary)
        with self._at_rest():
            logits = logits_out(self._model.read(self._tensor(ids), cache.kept[row])[0])
        cache.rows[row].extend(ids)
        return logits

    def _tensor(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor([list(ids)], device=next(self._model.parameters()).device)

    @contextlib.contextmanager
    def _at_rest(self) -> Iterator[None]:
        """For one call: no gradients, no autocast of the trainer's, no dropout; all as it was afterwards."""
        device = next(self._model.parameters()).device
        with (
            torch.inference_mode(),
            torch.autocast(device.type, enabled=False),
            _evaluating(self._modules),
        ):
            yield


@contextlib.contextmanager
def _evaluating(modules: list[nn.Module]) -> Iterator[None]:
    """Dropout off for the block; afterwards every module is in the mode that it was in, each by itself.

    Sets `training` directly: Module.eval() over a hundred modules costs as much as a token on a GPU.
    """
    training = [vars(module) for module in modules if module.training]
    for own in training:
        own["training"] = False
    try:
        yield
    finally:
        for own in training:
            own["training"] = True
