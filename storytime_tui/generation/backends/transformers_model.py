"""Any model that transformers knows, for telling: its own cache behind the words of `backend.Backend`."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from storytime_tui.generation.backends.backend import (
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
    """The ids that were read, and what transformers keeps of them."""

    def __init__(self, rows: list[list[int]], kept: DynamicCache) -> None:
        super().__init__(rows)
        self.kept = kept


class TransformersBackend:
    """See `backend.Backend`. `can_cut` is False where a layer remembers otherwise than token by token.

    Such are layers that see a sliding window, which have let go of what a cut would need, and recurrent ones.
    """

    def __init__(self, model: TransformersModel, dtype: torch.dtype) -> None:
        self.precision = {torch.float32: "fp32", torch.bfloat16: "bf16"}.get(dtype, "fp16")
        # Weights one by one, so that their gradients are not copied too; buffers stay as exact as they are.
        own: dict[int, Any] = {
            id(weight): nn.Parameter(weight.detach().to(dtype, copy=True), requires_grad=False)
            for weight in model.parameters()
        }
        self._model = copy.deepcopy(model, own).eval()
        self.window, self.vocabulary = model.window, model.vocabulary
        self._device = next(model.parameters()).device
        self.can_cut = all(type(layer) is DynamicLayer for layer in self._model.new_cache().layers)

    def new_cache(self, rows: int = 1) -> TransformersCache:
        """An empty one."""
        return TransformersCache([[] for _ in range(rows)], self._model.new_cache())

    def read(self, ids: Sequence[int], cache: TransformersCache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read([list(ids)], cache)[0]

    def read_rows(self, ids: Sequence[int], cache: TransformersCache) -> Tensor:
        """See `backend.Backend`."""
        check_each(ids, len(cache.rows))
        return self._read([[token] for token in ids], cache)

    def likelihoods(self, ids: Sequence[int]) -> Tensor:
        """See `backend.Backend`."""
        if len(ids) < 2:
            return torch.empty(0)
        check_reading(0, len(ids) - 1, self.window)
        check_ids(ids, self.vocabulary)
        with torch.inference_mode():
            logits = self._model(torch.tensor([list(ids[:-1])], device=self._device))[0]
            return logprobs_of_next(logits_out(logits), ids[1:])

    def cut(self, cache: TransformersCache, length: int) -> None:
        """See `backend.Backend`. Raises ValueError where `can_cut` is False, but for a cut to nothing."""
        surplus = cache.length - length
        if not 0 <= length <= cache.length:
            raise ValueError(f"The cache holds {cache.length} tokens and cannot be cut to {length}.")
        if length == 0:
            cache.kept = self._model.new_cache()
        elif surplus and not self.can_cut:
            raise ValueError("This model cannot forget single tokens: read again into a new cache.")
        elif surplus:
            layers: list[Any] = cache.kept.layers
            for layer in layers:
                # by hand: what `crop` takes has changed its meaning between versions
                layer.keys = layer.keys[..., :length, :]
                layer.values = layer.values[..., :length, :]
        for row in cache.rows:
            del row[length:]

    def share(self, cache: TransformersCache, rows: int) -> TransformersCache:
        """See `backend.Backend`. Each row has a copy."""
        check_one_row(len(cache.rows))
        if rows < 1:
            raise ValueError(f"A cache has at least one row, not {rows}.")
        with torch.inference_mode():
            kept = copy.deepcopy(cache.kept)
            if cache.length:
                kept.batch_repeat_interleave(rows)
        return TransformersCache([list(cache.ids) for _ in range(rows)], kept)

    def drop(self, cache: TransformersCache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        if not keep:
            raise ValueError("A cache keeps at least one row: let go of it as a whole instead.")
        if cache.length:
            with torch.inference_mode():
                cache.kept.batch_select_indices(torch.tensor(list(keep), device=self._device))
        cache.rows = [list(cache.rows[row]) for row in keep]

    def memory(self, cache: TransformersCache) -> int:
        """Bytes."""
        tensors = (value for layer in cache.kept.layers for value in vars(layer).values())
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors if isinstance(tensor, Tensor))

    def _read(self, ids: list[list[int]], cache: TransformersCache) -> Tensor:
        check_reading(cache.length, len(ids[0]), self.window)
        for row in ids:
            check_ids(row, self.vocabulary)
        with torch.inference_mode():
            logits = logits_out(self._model.read(torch.tensor(ids, device=self._device), cache.kept))
        for row, added in zip(cache.rows, ids, strict=True):
            row.extend(added)
        return logits
