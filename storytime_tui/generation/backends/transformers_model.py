"""Any model of transformers for generation: its own cache behind the interface of `backend.Backend`."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

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
from storytime_tui.models.transformers_model import TransformersModel


class TransformersCache(Rows):
    """The ids that were read, and transformers' cache of them."""

    def __init__(self, rows: list[list[int]], past: DynamicCache) -> None:
        super().__init__(rows)
        self.past = past


class TransformersBackend:
    """See `backend.Backend`. `can_cut` is False if a layer's state is not stored token by token.

    Such layers have a sliding window, which has already dropped the earlier tokens, or are recurrent.
    """

    def __init__(self, model: TransformersModel, dtype: torch.dtype) -> None:
        self.precision = {torch.float32: "fp32", torch.bfloat16: "bf16"}.get(dtype, "fp16")
        # copied one by one, without gradients; buffers keep their precision
        weights: dict[int, Any] = {
            id(weight): nn.Parameter(weight.detach().to(dtype, copy=True), requires_grad=False)
            for weight in model.parameters()
        }
        self._model = copy.deepcopy(model, weights).eval()
        self.window, self.vocabulary = model.window, model.vocabulary
        self._device = next(model.parameters()).device
        self.can_cut = all(type(layer) is DynamicLayer for layer in self._model.new_cache().layers)

    def new_cache(self, rows: int = 1) -> TransformersCache:
        """An empty cache."""
        return TransformersCache([[] for _ in range(rows)], self._model.new_cache())

    def read(self, ids: Sequence[int], cache: TransformersCache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read([list(ids)], cache)[0]

    def read_rows(self, ids: Sequence[int], cache: TransformersCache) -> Tensor:
        """See `backend.Backend`."""
        check_each(ids, len(cache.rows))
        return self._read([[token] for token in ids], cache)

    def all_logits(self, ids: Sequence[int]) -> Iterator[Tensor]:
        """See `backend.Backend`."""
        yield from torch.split(self._forward(ids), CHUNK)

    def logprobs(self, ids: Sequence[int]) -> Tensor:
        """See `backend.Backend`."""
        if len(ids) < 2:
            return torch.empty(0)
        check_ids(ids, self.vocabulary)
        return logprobs_of_next(self._forward(ids[:-1]), ids[1:])

    def _forward(self, ids: Sequence[int]) -> Tensor:
        """(ids, vocabulary) logits of the token after each id."""
        check_reading(0, len(ids), self.window)
        check_ids(ids, self.vocabulary)
        with torch.inference_mode():
            return logits_out(self._model(torch.tensor([list(ids)], device=self._device))[0])

    def cut(self, cache: TransformersCache, length: int) -> None:
        """See `backend.Backend`. Raises ValueError if `can_cut` is False, except for a cut to 0."""
        surplus = cache.length - length
        if not 0 <= length <= cache.length:
            raise ValueError(f"The cache holds {cache.length} tokens and cannot be cut to {length}.")
        if length == 0:
            cache.past = self._model.new_cache()
        elif surplus and not self.can_cut:
            raise ValueError("This model cannot forget single tokens: read again into a new cache.")
        elif surplus:
            layers: list[Any] = cache.past.layers
            for layer in layers:
                # not `crop`, whose argument has changed its meaning between versions
                layer.keys = layer.keys[..., :length, :]
                layer.values = layer.values[..., :length, :]
        for row in cache.rows:
            del row[length:]

    def share(self, cache: TransformersCache, rows: int) -> TransformersCache:
        """See `backend.Backend`. Each row gets a copy."""
        check_one_row(len(cache.rows))
        if rows < 1:
            raise ValueError(f"A cache has at least one row, not {rows}.")
        with torch.inference_mode():
            past = copy.deepcopy(cache.past)
            if cache.length:
                past.batch_repeat_interleave(rows)
        return TransformersCache([list(cache.ids) for _ in range(rows)], past)

    def drop(self, cache: TransformersCache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        if not keep:
            raise ValueError("A cache keeps at least one row: discard the whole cache instead.")
        if cache.length:
            with torch.inference_mode():
                cache.past.batch_select_indices(torch.tensor(list(keep), device=self._device))
        cache.rows = [list(cache.rows[row]) for row in keep]

    def memory(self, cache: TransformersCache) -> int:
        """Bytes of a cache."""
        tensors = (value for layer in cache.past.layers for value in vars(layer).values())
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors if isinstance(tensor, Tensor))

    def _read(self, ids: list[list[int]], cache: TransformersCache) -> Tensor:
        check_reading(cache.length, len(ids[0]), self.window)
        for row in ids:
            check_ids(row, self.vocabulary)
        with torch.inference_mode():
            logits = logits_out(self._model.read(torch.tensor(ids, device=self._device), cache.past))
        for row, added in zip(cache.rows, ids, strict=True):
            row.extend(added)
        return logits
