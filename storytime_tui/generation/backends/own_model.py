"""The models written here for generation: their arithmetic with a private copy of the weights and fewer operations.

GPT-2's own is in `gpt2`, that of Llama and its family in `llama`. Keys and values are in one tensor, so cutting the
cache only changes its length. Several continuations of one text store the prompt once and only their own tokens
separately; reading the prompt's keys once per row would cost more than reading the weights. Juravsky et al.,
"Hydragen" (2024), share a prefix in the same way.

Where a group of query heads shares a head of keys and values, the group's queries stand below each other, as if they
were so many tokens. So nothing is repeated, and GPT-2 is the case of groups of one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

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
from storytime_tui.generation.backends.quantized_linear import DTYPES, Linear, prepare_linear
from storytime_tui.models.attention import causal_mask, first_in_reach
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.lora import whole_weight

_GROWTH = 256  # tokens by which a cache grows, so that a short story does not take a whole window's memory


class Heads(NamedTuple):
    """How many heads the queries have, how many the keys and values, and the width of each."""

    queries: int
    keys: int
    width: int

    @property
    def group(self) -> int:
        """Heads of queries that share a head of keys and values."""
        return self.queries // self.keys


class OwnCache(Rows):
    """The keys and values of a prefix that all rows share, and of each row's own tokens after it.

    `rows` are the ids. `shared` is (layers, 2, key heads, tokens, head width) or None, `own` is (layers, 2, rows,
    key heads, room, head width).
    """

    def __init__(self, rows: list[list[int]], own: Tensor, shared: Tensor | None = None) -> None:
        super().__init__(rows)
        self.own, self.shared = own, shared

    @property
    def shared_length(self) -> int:
        """The number of tokens in the shared prefix."""
        return 0 if self.shared is None else self.shared.shape[3]


# (rows, new, heads, head width) queries, keys and values -> (rows x new, heads x head width); stores keys and values
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


class OwnBackend(ABC):
    """See `backend.Backend`. A subclass has the arithmetic of one kind of model: `embed`, `block` and `norm_last`.

    On a CPU everything but the weights is float32: bf16 attention is eight times as slow there, and the residual
    stream keeps full precision.
    """

    can_cut = True

    def __init__(
        self, model: CausalModel, heads: Heads, precision: str, sliding_window: int | None = None
    ) -> None:
        self.precision, self.sliding_window = precision, sliding_window
        self.window, self.vocabulary = model.window, model.vocabulary
        self.heads, self.layers = heads, len(model.blocks)
        self.device = model.head.device
        self.dtype = torch.float32 if self.device.type == "cpu" else DTYPES[precision]
        self.blocks: list[Any] = []
        with torch.inference_mode():
            self.head = prepare_linear(model.head[: self.vocabulary], None, precision)

    @abstractmethod
    def embed(self, ids: Tensor, positions: slice | Tensor) -> tuple[Tensor, Any]:
        """(rows, new) ids -> (rows, new, width), and what each block needs to know of the positions."""

    @abstractmethod
    def block(self, block: Any, x: Tensor, place: Any, attend: Attend) -> Tensor:
        """(rows, new, width) -> the same; `place` is the second result of `embed`."""

    @abstractmethod
    def norm_last(self, x: Tensor) -> Tensor:
        """(rows, width) -> the same, after the final norm."""

    def logits(self, x: Tensor) -> Tensor:
        """(rows, width) -> (rows, vocabulary)."""
        return self.head(self.norm_last(x))

    def embeddings_of(self, weight: Tensor) -> Tensor:
        """A copy of the token embeddings. A head that is tied to them is packed, and gives no rows back."""
        return copied(weight[: self.vocabulary], DTYPES.get(self.precision, torch.bfloat16))

    def new_cache(self, rows: int = 1) -> OwnCache:
        """An empty cache."""
        return OwnCache([[] for _ in range(rows)], self.empty_keys_values(rows, min(_GROWTH, self.window)))

    def read(self, ids: Sequence[int], cache: OwnCache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read([list(ids)], cache)[0]

    def read_rows(self, ids: Sequence[int], cache: OwnCache) -> Tensor:
        """See `backend.Backend`."""
        check_each(ids, len(cache.rows))
        return self._read([[token] for token in ids], cache)

    def all_logits(self, ids: Sequence[int]) -> Iterator[Tensor]:
        """See `backend.Backend`."""
        cache = self.new_cache()
        # all positions' logits at once would take too much memory
        for start in range(0, len(ids), CHUNK):
            with torch.inference_mode():
                x = self._hidden([list(ids[start : start + CHUNK])], cache)[0]
                logits = logits_out(self.logits(x))
            yield logits

    def logprobs(self, ids: Sequence[int]) -> Tensor:
        """See `backend.Backend`."""
        parts = enumerate(self.all_logits(ids[:-1]))
        results = [logprobs_of_next(logits, ids[n * CHUNK + 1 : (n + 1) * CHUNK + 1]) for n, logits in parts]
        return torch.cat([torch.empty(0), *results])

    def cut(self, cache: OwnCache, length: int) -> None:
        """See `backend.Backend`. Takes no time, however long the text."""
        if not 0 <= length <= cache.length:
            raise ValueError(f"The cache holds {cache.length} tokens and cannot be cut to {length}.")
        if cache.shared is not None and length < cache.shared_length:
            cache.shared = cache.shared[:, :, :, :length] if length else None
        for row in cache.rows:
            del row[length:]

    def share(self, cache: OwnCache, rows: int) -> OwnCache:
        """See `backend.Backend`. The prefix is copied once, not once per row."""
        check_one_row(len(cache.rows))
        if rows < 1:
            raise ValueError(f"A cache has at least one row, not {rows}.")
        with torch.inference_mode():
            own = cache.own[:, :, 0, :, : cache.length - cache.shared_length]
            parts = [own] if cache.shared is None else [cache.shared, own]
            shared = torch.cat(parts, 3) if cache.length else None
            return OwnCache([list(cache.ids) for _ in range(rows)], self.empty_keys_values(rows, 32), shared)

    def drop(self, cache: OwnCache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        if not keep:
            raise ValueError("A cache keeps at least one row: discard the whole cache instead.")
        with torch.inference_mode():
            cache.own = cache.own[:, :, list(keep)]
        cache.rows = [list(cache.rows[row]) for row in keep]

    def memory(self, cache: OwnCache) -> int:
        """Bytes of a cache."""
        shared = 0 if cache.shared is None else cache.shared.untyped_storage().nbytes()
        return shared + cache.own.untyped_storage().nbytes()

    def _read(self, ids: list[list[int]], cache: OwnCache) -> Tensor:
        """Append (rows, new) ids -> (rows, vocabulary) logits of the next token of each row."""
        with torch.inference_mode():
            return logits_out(self.logits(self._hidden(ids, cache)[:, -1]))

    def _hidden(self, ids: list[list[int]], cache: OwnCache) -> Tensor:
        """Append (rows, new) ids -> (rows, new, width) hidden states before the final norm."""
        new = len(ids[0])
        check_reading(cache.length, new, self.window)
        for row in ids:
            check_ids(row, self.vocabulary)
        self._make_room(cache, new)
        start = cache.length
        x, place = self.embed(torch.tensor(ids, device=self.device), slice(start, start + new))
        first = first_in_reach(start, self.sliding_window)
        mask = self._mask(start + new - first, new)
        for layer, block in enumerate(self.blocks):
            x = self.block(block, x, place, partial(self._attend, cache, layer, first, mask))
        for row, added in zip(cache.rows, ids, strict=True):
            row.extend(added)
        return x

    def _attend(
        self,
        cache: OwnCache,
        layer: int,
        first: int,
        mask: Tensor | None,
        query: Tensor,
        key: Tensor,
        value: Tensor,
    ) -> Tensor:
        """See `Attend`. `first`: the first token that any of the new ones attends to."""
        keys, values = cache.own[layer].unbind()  # each (rows, key heads, room, head width)
        start = cache.length - cache.shared_length
        end = start + query.shape[1]
        keys[:, :, start:end] = key.transpose(1, 2)
        values[:, :, start:end] = value.transpose(1, 2)
        first_own = max(0, first - cache.shared_length)
        keys, values = keys[:, :, first_own:end], values[:, :, first_own:end]
        folded = self.fold(query)
        if cache.shared is None and query.shape[1] == 1 and query.device.type == "cpu":
            attended = _attend_one(folded, keys, values)
        elif cache.shared is None:
            attended = F.scaled_dot_product_attention(folded, keys, values, attn_mask=mask)
        else:
            attended = _attend_shared(folded, cache.shared[layer, :, :, first:], keys, values, mask)
        return self.unfold(attended)

    def fold(self, query: Tensor) -> Tensor:
        """(rows, new, heads, head width) -> (rows, key heads, group x new, head width)."""
        rows, new, _, width = query.shape
        if new == 1:
            return query.view(rows, self.heads.keys, -1, width)
        return query.view(rows, new, self.heads.keys, -1, width).permute(0, 2, 3, 1, 4).flatten(2, 3)

    def unfold(self, attended: Tensor) -> Tensor:
        """(rows, key heads, group x new, head width) -> (rows x new, heads x head width)."""
        rows, keys, queries, width = attended.shape
        new = queries // self.heads.group
        if new == 1:
            return attended.reshape(rows, -1)
        return attended.view(rows, keys, -1, new, width).permute(0, 3, 1, 2, 4).reshape(rows * new, -1)

    def _mask(self, total: int, new: int) -> Tensor | None:
        """(group x new, total): True where one of the last `new` of `total` tokens may attend; None for a single token,
        which attends to all."""
        if new == 1:
            return None
        return causal_mask(total, new, self.sliding_window, self.device).repeat(self.heads.group, 1)

    def empty_keys_values(self, rows: int, tokens: int) -> Tensor:
        """(layers, 2, rows, key heads, tokens, head width), uninitialised."""
        shape = (self.layers, 2, rows, self.heads.keys, tokens, self.heads.width)
        with torch.inference_mode():
            return torch.empty(shape, dtype=self.dtype, device=self.device)

    def bytes_of(self, tokens: int) -> int:
        """Bytes that the keys and values of as many tokens take."""
        return 2 * self.layers * self.heads.keys * self.heads.width * tokens * self.dtype.itemsize

    def _make_room(self, cache: OwnCache, new: int) -> None:
        held = cache.length - cache.shared_length
        if held + new > cache.own.shape[4]:
            capacity = -(-(held + new) // _GROWTH) * _GROWTH
            larger = self.empty_keys_values(len(cache.rows), min(capacity, self.window - cache.shared_length))
            larger[:, :, :, :, :held] = cache.own[:, :, :, :, :held]
            cache.own = larger


def _attend_one(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attention of one new token per row, all (rows, heads, tokens, head width).

    As fast as the fused kernel, but independent of the thread count. For a single token that kernel splits its
    sums over the threads, so more threads would give other last digits and sometimes another word.
    """
    if len(query) == 1:  # `matmul` takes half as long again, for a tensor of this size
        scores = torch.bmm(query[0], keys[0].transpose(1, 2)).mul_(query.shape[3] ** -0.5)
        return torch.bmm(scores.softmax(2), values[0])[None]
    scores = torch.matmul(query, keys.transpose(2, 3)).mul_(query.shape[3] ** -0.5)
    return torch.matmul(scores.softmax(3), values)


def _attend_shared(
    query: Tensor, shared: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None
) -> Tensor:
    """Attention over a shared prefix and each row's own tokens: (rows, heads, new, head width).

    `shared` is (2, heads, tokens, head width): all rows' queries attend to it in one product.
    """
    rows, heads, new, width = query.shape
    prefix_keys, prefix_values = shared.unbind()
    all_queries = query.transpose(0, 1).reshape(heads, rows * new, width)
    prefix_scores = (
        torch.bmm(all_queries, prefix_keys.transpose(1, 2)).view(heads, rows, new, -1).transpose(0, 1)
    )
    scores = torch.cat((prefix_scores, query @ keys.transpose(2, 3)), 3) * width**-0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(3)
    prefix_length = prefix_scores.shape[3]
    prefix_weights = weights[..., :prefix_length].transpose(0, 1).reshape(heads, rows * new, prefix_length)
    attended = torch.bmm(prefix_weights, prefix_values).view(heads, rows, new, width).transpose(0, 1)
    return torch.add(attended, weights[..., prefix_length:] @ values)


def prepared(modules: Sequence[Any], precision: str) -> Linear:
    """Linear layers with the same input as one, with their LoRA matrices; see `prepare_linear`."""
    weights = [whole_weight(module) for module in modules]
    biases = [module.bias for module in modules if module.bias is not None]
    weight = weights[0] if len(weights) == 1 else torch.cat(weights)
    return prepare_linear(weight, torch.cat(biases) if biases else None, precision)


def copied(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A private copy."""
    return tensor.detach().to(dtype, copy=True)
