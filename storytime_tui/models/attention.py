"""Causal attention and its cache, which GPT-2 and Llama share.

Queries may have more heads than keys and values: each group of neighbouring queries then shares one head of keys and
values (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245). A token may attend to the last few tokens only,
itself included: a sliding window (Jiang et al., "Mistral 7B", 2023, arXiv:2310.06825).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_DIRECT_TOKENS = 512  # longer windows' attention weights would take more memory than everything else
_FIRST_ROOM = 256  # tokens that a cache first has room for; a long window would take gigabytes


class KeyValueCache:
    """The key-value cache: keys and values of the tokens read so far.

    It holds `length` tokens, and its room grows up to `most`.
    """

    def __init__(self, most: int) -> None:
        self.most, self.length = most, 0
        self._tensors: dict[int, tuple[Tensor, Tensor]] = {}

    def put(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append a layer's new keys and values, both (batch, heads, tokens, head width); return all of them."""
        end = self.length + key.shape[2]
        held = self._tensors.get(layer)
        if held is None or held[0].shape[2] < end:
            self._tensors[layer] = self._larger(held, key, end)
        keys, values = self._tensors[layer]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]

    def _larger(self, held: tuple[Tensor, Tensor] | None, key: Tensor, end: int) -> tuple[Tensor, Tensor]:
        """Tensors with room for `end` tokens and more, with what is held."""
        room = max(end, min(self.most, max(_FIRST_ROOM, 2 * self.length)))
        shape = (*key.shape[:2], room, key.shape[3])
        keys, values = key.new_empty(shape), key.new_empty(shape)
        if held is not None:
            keys[:, :, : self.length] = held[0][:, :, : self.length]
            values[:, :, : self.length] = held[1][:, :, : self.length]
        return keys, values


def causal_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    layer: int,
    cache: KeyValueCache | None,
    *,
    training: bool,
    sliding_window: int | None = None,
) -> Tensor:
    """(batch, heads, tokens, head width) -> the same; keys and values may have fewer heads.

    With a cache, the tokens follow those in it, and are added to it. `sliding_window`: to how many tokens each attends,
    itself included; None: to all before it.
    """
    tokens, grouped = query.shape[2], query.shape[1] != key.shape[1]
    start = cache.length if cache is not None else 0
    if cache is not None:
        keys, values = cache.put(layer, key, value)
        if start > 0:
            first = first_in_reach(start, sliding_window)
            key, value = keys[:, :, first:], values[:, :, first:]
    if sliding_window is not None and key.shape[2] <= sliding_window:
        sliding_window = None  # all are in reach
    if start == 0 and training and query.device.type == "cpu" and tokens <= _DIRECT_TOKENS:
        return attend(query, key, value, sliding_window)
    if start == 0 and sliding_window is None:
        return F.scaled_dot_product_attention(query, key, value, is_causal=tokens > 1, enable_gqa=grouped)
    # a single token attends to all that are left
    mask = causal_mask(key.shape[2], tokens, sliding_window, query.device) if tokens > 1 else None
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=grouped)


def first_in_reach(position: int, sliding_window: int | None) -> int:
    """The first position that a token at `position` attends to."""
    return 0 if sliding_window is None else max(0, position + 1 - sliding_window)


def attend(query: Tensor, key: Tensor, value: Tensor, sliding_window: int | None = None) -> Tensor:
    """Attention written out in matrix products: (batch, heads, tokens, head width) -> the same.

    On a CPU with short windows this is nearly three times as fast as `scaled_dot_product_attention`, which avoids
    storing the whole matrix of attention weights.
    """
    batch, heads, tokens, width = query.shape
    groups = (
        heads // key.shape[1]
    )  # queries of a group stand below each other, so that their keys are not repeated
    query = query.reshape(-1, groups * tokens, width)
    key, value = key.reshape(-1, tokens, width), value.reshape(-1, tokens, width)
    mask = torch.full((tokens, tokens), -torch.inf, dtype=query.dtype, device=query.device).triu(1)
    if sliding_window is not None:
        mask += torch.full_like(mask, -torch.inf).tril(-sliding_window)
    scores = torch.baddbmm(mask.repeat(groups, 1), query, key.transpose(1, 2), alpha=width**-0.5)
    return torch.bmm(F.softmax(scores, -1), value).view(batch, heads, tokens, width)


def causal_mask(total: int, tokens: int, sliding_window: int | None, device: torch.device) -> Tensor:
    """(tokens, total): True where one of the last `tokens` of `total` tokens may attend."""
    positions = torch.arange(total, device=device)
    last = positions[total - tokens :, None]
    allowed = positions[None, :] <= last
    return allowed if sliding_window is None else allowed & (positions[None, :] > last - sliding_window)
