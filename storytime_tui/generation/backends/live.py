"""Reads with a model in training as it is, without copying its weights, to generate samples.

`make_backend` copies the weights and is then faster. Here cutting and sharing a cache means prefilling again,
row by row.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from storytime_tui.generation.backends.backend import (
    CHUNK,
    Rows,
    check_each,
    check_ids,
    check_one_row,
    check_reading,
    logits_out,
    logprobs_of_next,
)


class LiveCache(Rows):
    """The ids that were read, and the model's own cache of each row."""

    def __init__(self, rows: list[list[int]], caches: list[Any]) -> None:
        super().__init__(rows)
        self.caches = caches


class LiveBackend:
    """See `backend.Backend`. A cache cannot be cut, since the weights may have changed since."""

    can_cut = False

    def __init__(self, model: Any) -> None:
        self._model, self._modules = model, list(model.modules())
        self.window, self.vocabulary = model.window, model.vocabulary
        self.precision = "as in training"

    def new_cache(self, rows: int = 1) -> LiveCache:
        """An empty cache."""
        return LiveCache([[] for _ in range(rows)], [self._model.new_cache() for _ in range(rows)])

    def read(self, ids: Sequence[int], cache: LiveCache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read(ids, cache, 0)

    def read_rows(self, ids: Sequence[int], cache: LiveCache) -> Tensor:
        """See `backend.Backend`."""
        check_each(ids, len(cache.rows))
        return torch.stack([self._read([token], cache, row) for row, token in enumerate(ids)])

    def all_logits(self, ids: Sequence[int]) -> Iterator[Tensor]:
        """See `backend.Backend`."""
        yield from torch.split(self._forward(ids), CHUNK)

    def logprobs(self, ids: Sequence[int]) -> Tensor:
        """See `backend.Backend`."""
        return logprobs_of_next(self._forward(ids)[:-1], ids[1:])

    def _forward(self, ids: Sequence[int]) -> Tensor:
        """(ids, vocabulary) logits of the token after each id."""
        check_reading(0, len(ids), self.window)
        check_ids(ids, self.vocabulary)
        with self._inference():
            return logits_out(self._model(self._tensor(ids))[0])

    def cut(self, cache: LiveCache, length: int) -> None:
        """See `backend.Backend`. Raises ValueError, except for a cut to 0."""
        if length:
            raise ValueError("The cache of a model in training cannot be cut: read again into a new cache.")
        fresh = self.new_cache(len(cache.rows))
        cache.rows, cache.caches = fresh.rows, fresh.caches

    def share(self, cache: LiveCache, rows: int) -> LiveCache:
        """See `backend.Backend`. Each row is prefilled."""
        check_one_row(len(cache.rows))
        shared = self.new_cache(rows)
        for row in range(rows) if cache.length else ():
            self._read(cache.ids, shared, row)
        return shared

    def drop(self, cache: LiveCache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        cache.rows = [cache.rows[row] for row in keep]
        cache.caches = [cache.caches[row] for row in keep]

    def memory(self, cache: LiveCache) -> int:
        """More than any limit, so that no cache is kept: the weights change before it could be reused."""
        return 2**62

    def _read(self, ids: Sequence[int], cache: LiveCache, row: int) -> Tensor:
        """Append ids to one row -> (vocabulary,) logits."""
        check_reading(len(cache.rows[row]), len(ids), self.window)
        check_ids(ids, self.vocabulary)
        with self._inference():
            logits = logits_out(self._model.read(self._tensor(ids), cache.caches[row])[0])
        cache.rows[row].extend(ids)
        return logits

    def _tensor(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor([list(ids)], device=next(self._model.parameters()).device)

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        """For one call: no gradients, no autocast, no dropout; the previous state is restored afterwards."""
        device = next(self._model.parameters()).device
        with (
            torch.inference_mode(),
            torch.autocast(device.type, enabled=False),
            _evaluating(self._modules),
        ):
            yield


@contextlib.contextmanager
def _evaluating(modules: list[nn.Module]) -> Iterator[None]:
    """Evaluation mode for the block; each module's own mode is restored afterwards.

    Sets `training` directly: Module.eval() over a hundred modules costs as much as a token on a GPU.
    """
    training_modules = [vars(module) for module in modules if module.training]
    for attributes in training_modules:
        attributes["training"] = False
    try:
        yield
    finally:
        for attributes in training_modules:
            attributes["training"] = True
