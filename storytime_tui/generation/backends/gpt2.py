"""GPT-2 for generation: the arithmetic of `models.gpt2` with a private copy of the weights and fewer operations.

Keys and values are in one tensor, so cutting the cache only changes its length. Several continuations of one text
store the prompt once and only their own tokens separately; reading the prompt's keys once per row would cost more
than reading the weights. Juravsky et al., "Hydragen" (2024), share a prefix in the same way.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

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
from storytime_tui.models.gpt2 import GPT2, Shape
from storytime_tui.models.lora import whole_weight

_GROWTH = 256  # tokens by which a cache grows, so that a short story does not take a whole window's memory


class GPT2Cache(Rows):
    """The keys and values of a prefix that all rows share, and of each row's own tokens after it.

    `rows` are the ids. `shared` is (layers, 2, heads, tokens, head width) or None, `own` is (layers, 2, rows,
    heads, room, head width).
    """

    def __init__(self, rows: list[list[int]], own: Tensor, shared: Tensor | None = None) -> None:
        super().__init__(rows)
        self.own, self.shared = own, shared

    @property
    def shared_length(self) -> int:
        """The number of tokens in the shared prefix."""
        return 0 if self.shared is None else self.shared.shape[3]


Attend = Callable[[Tensor], Tensor]


class _Block:
    """One layer's weights, prepared for generation."""

    def __init__(self, block: torch.nn.Module, precision: str, dtype: torch.dtype) -> None:
        def linear(module: torch.nn.Linear) -> Linear:
            return prepare_linear(whole_weight(module), module.bias, precision)

        def norm_weights(norm: torch.nn.LayerNorm) -> tuple[Tensor, Tensor]:
            return _copy(norm.weight, dtype), _copy(norm.bias, dtype)

        self.norm_1, self.norm_2 = norm_weights(block.ln_1), norm_weights(block.ln_2)  # type: ignore[arg-type]
        self.attn_qkv = linear(block.attn.c_attn)  # type: ignore[union-attr, arg-type]
        self.attn_out = linear(block.attn.c_proj)  # type: ignore[union-attr, arg-type]
        self.mlp_in = linear(block.mlp.c_fc)  # type: ignore[union-attr, arg-type]
        self.mlp_out = linear(block.mlp.c_proj)  # type: ignore[union-attr, arg-type]


class GPT2Backend:
    """See `backend.Backend`.

    On a CPU everything but the weights is float32: bf16 attention is eight times as slow there, and the residual
    stream keeps full precision.
    """

    can_cut = True

    def __init__(self, model: GPT2, precision: str) -> None:
        self.precision = precision
        self.shape: Shape = model.shape
        self.window, self.vocabulary = model.window, model.vocabulary
        self.device = model.head.device
        self.dtype = torch.float32 if self.device.type == "cpu" else DTYPES[precision]
        layers = model.transformer
        with torch.inference_mode():
            # The output matrix is tied to the embeddings, but a packed matrix gives no rows back.
            embedding_dtype = torch.bfloat16 if precision == "int8" else DTYPES[precision]
            self.token_embeddings = _copy(model.head[: self.vocabulary], embedding_dtype)
            self.position_embeddings = _copy(layers.wpe.weight, self.dtype)
            self.blocks = [_Block(block, precision, self.dtype) for block in layers.h]
            self.last_norm = _copy(layers.ln_f.weight, self.dtype), _copy(layers.ln_f.bias, self.dtype)
            self.head = prepare_linear(model.head[: self.vocabulary], None, precision)

    def new_cache(self, rows: int = 1) -> GPT2Cache:
        """An empty cache."""
        return GPT2Cache([[] for _ in range(rows)], self.empty_keys_values(rows, min(_GROWTH, self.window)))

    def read(self, ids: Sequence[int], cache: GPT2Cache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read([list(ids)], cache)[0]

    def read_rows(self, ids: Sequence[int], cache: GPT2Cache) -> Tensor:
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

    def cut(self, cache: GPT2Cache, length: int) -> None:
        """See `backend.Backend`. Takes no time, however long the text."""
        if not 0 <= length <= cache.length:
            raise ValueError(f"The cache holds {cache.length} tokens and cannot be cut to {length}.")
        if cache.shared is not None and length < cache.shared_length:
            cache.shared = cache.shared[:, :, :, :length] if length else None
        for row in cache.rows:
            del row[length:]

    def share(self, cache: GPT2Cache, rows: int) -> GPT2Cache:
        """See `backend.Backend`. The prefix is copied once, not once per row."""
        check_one_row(len(cache.rows))
        if rows < 1:
            raise ValueError(f"A cache has at least one row, not {rows}.")
        with torch.inference_mode():
            own = cache.own[:, :, 0, :, : cache.length - cache.shared_length]
            parts = [own] if cache.shared is None else [cache.shared, own]
            shared = torch.cat(parts, 3) if cache.length else None
            return GPT2Cache([list(cache.ids) for _ in range(rows)], self.empty_keys_values(rows, 32), shared)

    def drop(self, cache: GPT2Cache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        if not keep:
            raise ValueError("A cache keeps at least one row: discard the whole cache instead.")
        with torch.inference_mode():
            cache.own = cache.own[:, :, list(keep)]
        cache.rows = [list(cache.rows[row]) for row in keep]

    def memory(self, cache: GPT2Cache) -> int:
        """Bytes of a cache."""
        shared = 0 if cache.shared is None else cache.shared.untyped_storage().nbytes()
        return shared + cache.own.untyped_storage().nbytes()

    def _read(self, ids: list[list[int]], cache: GPT2Cache) -> Tensor:
        """Append (rows, new) ids -> (rows, vocabulary) logits of the next token of each row."""
        with torch.inference_mode():
            return logits_out(self.logits(self._hidden(ids, cache)[:, -1]))

    def _hidden(self, ids: list[list[int]], cache: GPT2Cache) -> Tensor:
        """Append (rows, new) ids -> (rows, new, width) hidden states before the final norm."""
        new = len(ids[0])
        check_reading(cache.length, new, self.window)
        for row in ids:
            check_ids(row, self.vocabulary)
        self._make_room(cache, new)
        start = cache.length
        x = self.embed(torch.tensor(ids, device=self.device), slice(start, start + new))
        mask = self._mask(cache, new)
        for layer, block in enumerate(self.blocks):
            x = self.block(block, x, partial(self._attend, cache, layer, mask))
        for row, added in zip(cache.rows, ids, strict=True):
            row.extend(added)
        return x

    def embed(self, ids: Tensor, positions: slice | Tensor) -> Tensor:
        """(rows, new) ids -> (rows, new, width)."""
        return F.embedding(ids, self.token_embeddings).to(self.dtype) + self.position_embeddings[positions]

    def block(self, block: _Block, x: Tensor, attend: Attend) -> Tensor:
        """(rows, new, width) -> the same; `attend` maps (rows, new, 3 x width) queries, keys and values to (rows x
        new, width)."""
        rows, new, width = x.shape
        x = x.view(rows * new, width)
        normed = F.layer_norm(x, (width,), *block.norm_1, self.shape.epsilon)
        x = x + block.attn_out(attend(block.attn_qkv(normed).view(rows, new, -1)))
        normed = F.layer_norm(x, (width,), *block.norm_2, self.shape.epsilon)
        x += block.mlp_out(F.gelu(block.mlp_in(normed), approximate="tanh"))
        return x.view(rows, new, width)

    def logits(self, x: Tensor) -> Tensor:
        """(rows, width) -> (rows, vocabulary)."""
        return self.head(F.layer_norm(x, (self.shape.width,), *self.last_norm, self.shape.epsilon))

    def _attend(self, cache: GPT2Cache, layer: int, mask: Tensor | None, qkv: Tensor) -> Tensor:
        """(rows, new, 3 x width) -> (rows x new, width); stores the new keys and values."""
        rows, new, _ = qkv.shape
        heads = self.shape.heads
        query, key, value = qkv.view(rows, new, 3, heads, -1).permute(2, 0, 3, 1, 4)
        keys, values = cache.own[layer].unbind()  # each (rows, heads, room, head width)
        start = cache.length - cache.shared_length
        end = start + new
        keys[:, :, start:end] = key
        values[:, :, start:end] = value
        keys, values = keys[:, :, :end], values[:, :, :end]
        if cache.shared is None and new == 1 and query.device.type == "cpu":
            attended = _attend_one(query, keys, values)
        elif cache.shared is None:
            attended = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        else:
            attended = _attend_shared(query, cache.shared[layer], keys, values, mask)
        return attended.transpose(1, 2).reshape(rows * new, -1)

    def _mask(self, cache: GPT2Cache, new: int) -> Tensor | None:
        """(new, own tokens, old and new): True where a token may attend; None for a single token, which attends to
        all."""
        if new == 1:
            return None
        start = cache.length - cache.shared_length
        positions = torch.arange(start + new, device=self.device)
        return positions[None, :] <= positions[start:, None]

    def empty_keys_values(self, rows: int, tokens: int) -> Tensor:
        """(layers, 2, rows, heads, tokens, head width), uninitialised."""
        width = self.shape.width // self.shape.heads
        shape = (self.shape.layers, 2, rows, self.shape.heads, tokens, width)
        with torch.inference_mode():
            return torch.empty(shape, dtype=self.dtype, device=self.device)

    def _make_room(self, cache: GPT2Cache, new: int) -> None:
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
    own_scores = query @ keys.transpose(2, 3)
    if mask is not None:
        own_scores = own_scores.masked_fill(~mask, -torch.inf)
    weights = (torch.cat((prefix_scores, own_scores), 3) * width**-0.5).softmax(3)
    prefix_length = prefix_scores.shape[3]
    prefix_weights = weights[..., :prefix_length].transpose(0, 1).reshape(heads, rows * new, prefix_length)
    attended = torch.bmm(prefix_weights, prefix_values).view(heads, rows, new, width).transpose(0, 1)
    return torch.add(attended, weights[..., prefix_length:] @ values)


def _copy(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to(dtype, copy=True)
