"""GPT-2 for telling: the same arithmetic as `models.gpt2`, with weights of its own and as few steps as it takes.

What was read lies in one tensor, so that forgetting is setting a length back. Several continuations of one text
keep its beginning once and each only its own tokens: reading that beginning eight times over would cost more
than the weights (Juravsky et al., "Hydragen", 2024, share it the same way).
"""

from collections.abc import Callable, Sequence
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
from storytime_tui.generation.backends.quantized_linear import DTYPES, Product, prepare_linear
from storytime_tui.models.gpt2 import GPT2, Shape

_STEP = 256  # tokens that a cache grows by: a short story should not take a whole window's memory


class GPT2Cache(Rows):
    """Keys and values of what was read: a beginning that all rows share, and behind it what each has by itself.

    `rows` are the ids. `shared` is (layers, 2, heads, tokens, head width) or None, `own` is
    (layers, 2, rows, heads, room, head width).
    """

    def __init__(self, rows: list[list[int]], own: Tensor, shared: Tensor | None = None) -> None:
        super().__init__(rows)
        self.own, self.shared = own, shared

    @property
    def shared_length(self) -> int:
        """How many of them all rows share."""
        return 0 if self.shared is None else self.shared.shape[3]


Attend = Callable[[Tensor], Tensor]


class _Block:
    """One layer's weights."""

    def __init__(self, block: torch.nn.Module, precision: str, dtype: torch.dtype) -> None:
        def matrix(module: torch.nn.Linear) -> Product:
            return prepare_linear(module.weight, module.bias, precision)

        def vectors(norm: torch.nn.LayerNorm) -> tuple[Tensor, Tensor]:
            return _own(norm.weight, dtype), _own(norm.bias, dtype)

        self.norm_1, self.norm_2 = vectors(block.ln_1), vectors(block.ln_2)  # type: ignore[arg-type]
        self.asking = matrix(block.attn.c_attn)  # type: ignore[union-attr, arg-type]
        self.answering = matrix(block.attn.c_proj)  # type: ignore[union-attr, arg-type]
        self.widening = matrix(block.mlp.c_fc)  # type: ignore[union-attr, arg-type]
        self.narrowing = matrix(block.mlp.c_proj)  # type: ignore[union-attr, arg-type]


class GPT2Backend:
    """See `backend.Backend`.

    On a CPU everything but the weights is float32: attention in bf16 takes eight times as long there, and what
    the layers add up loses nothing.
    """

    can_cut = True

    def __init__(self, model: GPT2, precision: str) -> None:
        self.precision = precision
        self.shape: Shape = model.shape
        self.window, self.vocabulary = model.window, model.vocabulary
        self.device = model.head.device
        self.dtype = torch.float32 if self.device.type == "cpu" else DTYPES[precision]
        parts = model.transformer
        with torch.inference_mode():
            # The embeddings are the output's matrix too, but a packed one gives no rows back.
            rows = torch.bfloat16 if precision == "int8" else DTYPES[precision]
            self.tokens = _own(model.head[: self.vocabulary], rows)
            self.places = _own(parts.wpe.weight, self.dtype)
            self.blocks = [_Block(block, precision, self.dtype) for block in parts.h]
            self.last_norm = _own(parts.ln_f.weight, self.dtype), _own(parts.ln_f.bias, self.dtype)
            self.head = prepare_linear(model.head[: self.vocabulary], None, precision)

    def new_cache(self, rows: int = 1) -> GPT2Cache:
        """An empty one."""
        return GPT2Cache([[] for _ in range(rows)], self.room(rows, min(_STEP, self.window)))

    def read(self, ids: Sequence[int], cache: GPT2Cache) -> Tensor:
        """See `backend.Backend`."""
        check_one_row(len(cache.rows))
        return self._read([list(ids)], cache)[0]

    def read_rows(self, ids: Sequence[int], cache: GPT2Cache) -> Tensor:
        """See `backend.Backend`."""
        check_each(ids, len(cache.rows))
        return self._read([[token] for token in ids], cache)

    def likelihoods(self, ids: Sequence[int]) -> Tensor:
        """See `backend.Backend`."""
        cache, found = self.new_cache(), [torch.empty(0)]
        for start in range(0, len(ids) - 1, CHUNK):  # the logits of all places at once would fill the memory
            part = ids[start : min(start + CHUNK, len(ids) - 1)]
            with torch.inference_mode():
                x = self._hidden([list(part)], cache)[0]
                after = ids[start + 1 : start + 1 + len(part)]
                found.append(logprobs_of_next(logits_out(self.logits(x)), after))
        return torch.cat(found)

    def cut(self, cache: GPT2Cache, length: int) -> None:
        """See `backend.Backend`. Takes no time, however long the text."""
        if not 0 <= length <= cache.length:
            raise ValueError(f"The cache holds {cache.length} tokens and cannot be cut to {length}.")
        if cache.shared is not None and length < cache.shared_length:
            cache.shared = cache.shared[:, :, :, :length] if length else None
        for row in cache.rows:
            del row[length:]

    def share(self, cache: GPT2Cache, rows: int) -> GPT2Cache:
        """See `backend.Backend`. The beginning is copied once, not once a row."""
        check_one_row(len(cache.rows))
        if rows < 1:
            raise ValueError(f"A cache has at least one row, not {rows}.")
        with torch.inference_mode():
            own = cache.own[:, :, 0, :, : cache.length - cache.shared_length]
            parts = [own] if cache.shared is None else [cache.shared, own]
            shared = torch.cat(parts, 3) if cache.length else None
            return GPT2Cache([list(cache.ids) for _ in range(rows)], self.room(rows, 32), shared)

    def drop(self, cache: GPT2Cache, keep: Sequence[int]) -> None:
        """See `backend.Backend`."""
        if not keep:
            raise ValueError("A cache keeps at least one row: let go of it as a whole instead.")
        with torch.inference_mode():
            cache.own = cache.own[:, :, list(keep)]
        cache.rows = [list(cache.rows[row]) for row in keep]

    def memory(self, cache: GPT2Cache) -> int:
        """Bytes."""
        shared = 0 if cache.shared is None else cache.shared.untyped_storage().nbytes()
        return shared + cache.own.untyped_storage().nbytes()

    def _read(self, ids: list[list[int]], cache: GPT2Cache) -> Tensor:
        """(rows, new) ids -> (rows, vocabulary) logits of what follows the last of each."""
        with torch.inference_mode():
            return logits_out(self.logits(self._hidden(ids, cache)[:, -1]))

    def _hidden(self, ids: list[list[int]], cache: GPT2Cache) -> Tensor:
        """Put (rows, new) ids behind the cache -> (rows, new, width) of what was made of them."""
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

    def embed(self, ids: Tensor, places: slice | Tensor) -> Tensor:
        """(rows, new) ids -> (rows, new, width)."""
        return F.embedding(ids, self.tokens).to(self.dtype) + self.places[places]

    def block(self, block: _Block, x: Tensor, attend: Attend) -> Tensor:
        """(rows, new, width) -> the same; `attend` turns (rows, new, 3 x width) questions into (rows x new, width)."""
        rows, new, width = x.shape
        x = x.view(rows * new, width)
        normed = F.layer_norm(x, (width,), *block.norm_1, self.shape.epsilon)
        x = x + block.answering(attend(block.asking(normed).view(rows, new, -1)))
        normed = F.layer_norm(x, (width,), *block.norm_2, self.shape.epsilon)
        x += block.narrowing(F.gelu(block.widening(normed), approximate="tanh"))
        return x.view(rows, new, width)

    def logits(self, x: Tensor) -> Tensor:
        """(rows, width) -> (rows, vocabulary)."""
        return self.head(F.layer_norm(x, (self.shape.width,), *self.last_norm, self.shape.epsilon))

    def _attend(self, cache: GPT2Cache, layer: int, mask: Tensor | None, asked: Tensor) -> Tensor:
        """(rows, new, 3 x width) -> (rows x new, width); keeps the new keys and values."""
        rows, new, _ = asked.shape
        heads = self.shape.heads
        query, key, value = asked.view(rows, new, 3, heads, -1).permute(2, 0, 3, 1, 4)
        keys, values = cache.own[layer].unbind()  # each (rows, heads, room, head width)
        start = cache.length - cache.shared_length
        end = start + new
        keys[:, :, start:end] = key
        values[:, :, start:end] = value
        keys, values = keys[:, :, :end], values[:, :, :end]
        if cache.shared is None and new == 1 and query.device.type == "cpu":
            mixed = _attend_one(query, keys, values)
        elif cache.shared is None:
            mixed = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        else:
            mixed = _attend_shared(query, cache.shared[layer], keys, values, mask)
        return mixed.transpose(1, 2).reshape(rows * new, -1)

    def _mask(self, cache: GPT2Cache, new: int) -> Tensor | None:
        """(new, own tokens so far and new) True where one may look; None for a single token, which sees them all."""
        if new == 1:
            return None
        start = cache.length - cache.shared_length
        places = torch.arange(start + new, device=self.device)
        return places[None, :] <= places[start:, None]

    def room(self, rows: int, tokens: int) -> Tensor:
        """(layers, 2, rows, heads, tokens, head width), not set yet: for keys and values."""
        width = self.shape.width // self.shape.heads
        size = (self.shape.layers, 2, rows, self.shape.heads, tokens, width)
        with torch.inference_mode():
            return torch.empty(size, dtype=self.dtype, device=self.device)

    def _make_room(self, cache: GPT2Cache, new: int) -> None:
        held = cache.length - cache.shared_length
        if held + new > cache.own.shape[4]:
            whole = -(-(held + new) // _STEP) * _STEP
            larger = self.room(len(cache.rows), min(whole, self.window - cache.shared_length))
            larger[:, :, :, :, :held] = cache.own[:, :, :, :, :held]
            cache.own = larger


def _attend_one(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attention of one new token a row, all (rows, heads, tokens, head width).

    As fast as the kernel, which for a single token splits the sums over the threads: the same story would then
    have other last digits, and now and then another word, when it is told with more of them.
    """
    scores = torch.matmul(query, keys.transpose(2, 3)).mul_(query.shape[3] ** -0.5)
    return torch.matmul(scores.softmax(3), values)


def _attend_shared(
    query: Tensor, shared: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None
) -> Tensor:
    """Attention over a beginning that all rows share, and over what each has: (rows, heads, new, head width).

    `shared` is (2, heads, tokens, head width): all rows ask it together, as if they were one row's tokens.
    """
    rows, heads, new, width = query.shape
    first_keys, first_values = shared.unbind()
    together = query.transpose(0, 1).reshape(heads, rows * new, width)
    first = torch.bmm(together, first_keys.transpose(1, 2)).view(heads, rows, new, -1).transpose(0, 1)
    later = query @ keys.transpose(2, 3)
    if mask is not None:
        later = later.masked_fill(~mask, -torch.inf)
    shares = (torch.cat((first, later), 3) * width**-0.5).softmax(3)
    known = first.shape[3]
    to_first = shares[..., :known].transpose(0, 1).reshape(heads, rows * new, known)
    mixed = torch.bmm(to_first, first_values).view(heads, rows, new, width).transpose(0, 1)
    return torch.add(mixed, shares[..., known:] @ values)


def _own(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to(dtype, copy=True)
