"""GPT-2 on one page: the model that Storytime trains and generates with.

The architecture is that of Radford et al., "Language Models are Unsupervised Multitask Learners" (2019).
Parameters have Hugging Face's names, so checkpoints move in and out unchanged (`gpt2_files`). Token ids are
embedded and pass through a stack of blocks; in each, attention mixes information from earlier tokens and the MLP
transforms every token separately. The output is the logits of the next token.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from storytime_tui.models.dropout import dropout

_DIRECT_TOKENS = 512  # longer windows' attention weights would take more memory than everything else


@dataclass(frozen=True)
class Shape:
    """The sizes of a GPT-2.

    `vocabulary`: tokens; `window`: positions; `width`: numbers per token; `inner`: the MLP's hidden width;
    `dropout`: on embeddings and on the residual branches. Attention weights have no dropout, because the fast
    kernels do not support it.
    """

    vocabulary: int
    window: int
    width: int
    layers: int
    heads: int
    inner: int
    dropout: float = 0.0
    epsilon: float = 1e-5


class KeyValueCache:
    """The key-value cache: keys and values of the tokens read so far.

    It holds `length` tokens and has room for `room`.
    """

    def __init__(self, room: int) -> None:
        self.room, self.length = room, 0
        self._tensors: dict[int, tuple[Tensor, Tensor]] = {}

    def put(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append a layer's new keys and values, both (batch, heads, tokens, head width); return all of them."""
        if layer not in self._tensors:
            shape = (*key.shape[:2], self.room, key.shape[3])
            self._tensors[layer] = key.new_empty(shape), value.new_empty(shape)
        keys, values = self._tensors[layer]
        end = self.length + key.shape[2]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]


class _Matrix(nn.Linear):
    """nn.Linear without initialisation: weights are loaded over it, and initialising on the meta device imports
    torch._dynamo (1 s)."""

    def reset_parameters(self) -> None:
        """Do nothing."""


class Attention(nn.Module):
    """Multi-head causal self-attention."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.heads, self.layer = shape.heads, layer
        self.c_attn = _Matrix(shape.width, 3 * shape.width)  # queries, keys and values
        self.c_proj = _Matrix(shape.width, shape.width)

    def forward(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        """(batch, tokens, width) -> the same; with a cache, the tokens follow those in it."""
        batch, tokens, width = x.shape
        qkv = self.c_attn(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, head width)
        if cache is None or cache.length == 0:
            if cache is not None:
                cache.put(self.layer, key, value)
            if self.training and x.device.type == "cpu" and tokens <= _DIRECT_TOKENS:
                attended = attend(query, key, value)
            else:
                attended = F.scaled_dot_product_attention(query, key, value, is_causal=tokens > 1)
        else:
            key, value = cache.put(self.layer, key, value)
            # a single token attends to all
            mask = _causal_mask(cache.length, tokens, x.device) if tokens > 1 else None
            attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = attended.transpose(1, 2).reshape(batch, tokens, width)
        return self.c_proj(attended)  # type: ignore[no-any-return]


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention written out in matrix products: all three (batch, heads, tokens, head width) -> the same.

    On a CPU with short windows this is nearly three times as fast as `scaled_dot_product_attention`, which avoids
    storing the whole matrix of attention weights.
    """
    batch, heads, tokens, width = query.shape
    query, key, value = (part.reshape(batch * heads, tokens, width) for part in (query, key, value))
    mask = torch.full((tokens, tokens), -torch.inf, dtype=query.dtype, device=query.device).triu(1)
    scores = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=width**-0.5)
    return torch.bmm(F.softmax(scores, -1), value).view(batch, heads, tokens, width)


def _causal_mask(cached: int, tokens: int, device: torch.device) -> Tensor:
    """(tokens, cached + tokens): True where a new token may attend."""
    positions = torch.arange(cached + tokens, device=device)
    return positions[None, :] <= positions[cached:, None]


class MLP(nn.Module):
    """The feed-forward layer, applied to each token separately."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = _Matrix(shape.width, shape.inner)
        self.c_proj = _Matrix(shape.inner, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> the same."""
        # GPT-2's tanh approximation; the fused kernel keeps a quarter of the memory
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Attention, then the MLP, each on a residual branch with a layer norm in front."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.dropout = shape.dropout
        self.ln_1 = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.attn = Attention(shape, layer)
        self.ln_2 = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.mlp = MLP(shape)

    def forward(self, x: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """(batch, tokens, width) -> the same."""
        x = x + dropout(self.attn(self.ln_1(x), cache), self.dropout, self.training)
        return x + dropout(self.mlp(self.ln_2(x)), self.dropout, self.training)


class Layers(nn.Module):
    """All weights, from the bottom: token embeddings, position embeddings, the blocks, the final norm."""

    def __init__(self, shape: Shape, padded: int) -> None:
        super().__init__()
        self.wte = _embedding(shape.vocabulary + padded, shape.width)
        self.wpe = _embedding(shape.window, shape.width)
        self.h = nn.ModuleList([TransformerBlock(shape, layer) for layer in range(shape.layers)])
        self.ln_f = nn.LayerNorm(shape.width, eps=shape.epsilon)


def _embedding(rows: int, width: int) -> nn.Embedding:
    """An uninitialised embedding: initialising it on the meta device makes torch import its compiler."""
    made: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.empty(rows, width), freeze=False
    )
    return made


class GPT2(nn.Module):
    """The whole model. Parameters have Hugging Face's names; matrices are (out, in), Hugging Face's are (in, out).

    `padded` zero rows may follow the vocabulary, because some GPUs multiply padded matrices faster; no token uses
    them.
    """

    def __init__(self, shape: Shape, padded: int = 0) -> None:
        super().__init__()
        self.shape = shape
        # gradient checkpointing: recompute each block in the backward pass, slower with far less memory
        self.checkpointing = False
        # whether blocks are compiled; input shapes other than training's use the eager forward
        self.compiled = False
        self.transformer = Layers(shape, padded)

    @property
    def window(self) -> int:
        """The most tokens in a context; there are no positions beyond it."""
        return self.shape.window

    @property
    def vocabulary(self) -> int:
        """The number of tokens, without padding."""
        return self.shape.vocabulary

    @property
    def head(self) -> Tensor:
        """(vocabulary and padding, width): maps hidden states to logits; tied to the token embeddings."""
        return self.transformer.wte.weight

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers, from the first."""
        return list(self.transformer.h)

    def hidden(self, ids: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, width) hidden states after the final norm."""
        layers = self.transformer
        start = cache.length if cache else 0
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = dropout(layers.wte(ids) + layers.wpe(positions), self.shape.dropout, self.training)
        for block in self.blocks:
            if self.checkpointing and self.training:
                x = checkpoint(block, x, use_reentrant=False)
            elif cache is None and (self.training or not self.compiled):
                x = block(x)
            else:  # Bypass the compiled block, which would recompile for another input shape.
                x = block.forward(x, cache)
        if cache is not None:
            cache.length += ids.shape[1]
        return layers.ln_f(x)  # type: ignore[no-any-return]

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, vocabulary) logits."""
        return F.linear(self.hidden(ids), self.head[: self.vocabulary])

    def new_cache(self) -> KeyValueCache:
        """An empty cache with room for a whole window."""
        return KeyValueCache(self.window)

    def read(self, ids: Tensor, cache: KeyValueCache) -> Tensor:
        """Append (batch, tokens) ids to the cache -> (batch, vocabulary) logits of the token after the last."""
        return F.linear(self.hidden(ids, cache)[:, -1], self.head[: self.vocabulary])

    def fill(self, seed: int) -> None:
        """Initialise the weights as GPT-2 did; the same seed gives the same weights, and torch's global state stays
        untouched."""
        generator = torch.Generator(self.head.device).manual_seed(seed)
        # smaller on the residual branches, so that their sum stays small
        residual_std = 0.02 / (2 * self.shape.layers) ** 0.5
        for name, parameter in self.named_parameters():
            if parameter.dim() == 1:
                nn.init.constant_(parameter, 1.0 if ".ln_" in name and name.endswith("weight") else 0.0)
            else:
                std = residual_std if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(parameter, 0.0, std, generator=generator)
        with torch.no_grad():
            self.head[self.vocabulary :].zero_()
