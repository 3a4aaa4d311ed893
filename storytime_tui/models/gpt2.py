"""GPT-2, whole and plain: the model that Storytime trains and tells with, on one page.

The architecture of Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), with the
names that Hugging Face's files have, so that a checkpoint moves in and out without a change (`gpt2_files`).
Text goes in as ids; each passes through the same blocks, in which attention looks back at earlier tokens and
the MLP thinks about each by itself; what comes out says how likely each token of the vocabulary is next.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from storytime_tui.models.dropout import dropout

_PLAIN = 512  # tokens: in longer windows the shares of attention would take more memory than all else


@dataclass(frozen=True)
class Shape:
    """The numbers that make one GPT-2 different from another.

    `vocabulary`: tokens it knows; `window`: positions it knows; `width`: numbers that stand for one token;
    `inner`: the MLP's width; `dropout`: on embeddings and on what each half of a block adds (attention's own
    has none: the fast kernels refuse it).
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
    """Keys and values of the tokens that were read: what attention needs of them, so that none is read twice.

    `length` counts the tokens in it; it has room for `room`.
    """

    def __init__(self, room: int) -> None:
        self.room, self.length = room, 0
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def put(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keep a layer's new keys and values, both (batch, heads, tokens, head width); returns all so far."""
        if layer not in self._kept:
            size = (*key.shape[:2], self.room, key.shape[3])
            self._kept[layer] = key.new_empty(size), value.new_empty(size)
        keys, values = self._kept[layer]
        end = self.length + key.shape[2]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]


class _Matrix(nn.Linear):
    """nn.Linear without initialisation: weights are loaded over it, and initialising on the meta device imports
    torch._dynamo (1 s)."""

    def reset_parameters(self) -> None:
        """Leave it as it is."""


class Attention(nn.Module):
    """Each token asks all before it, and itself, for what they know: several questions (heads) at once."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.heads, self.layer = shape.heads, layer
        self.c_attn = _Matrix(shape.width, 3 * shape.width)  # queries, keys and values
        self.c_proj = _Matrix(shape.width, shape.width)

    def forward(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        """(batch, tokens, width) -> the same; with a cache the tokens stand behind those in it."""
        batch, tokens, width = x.shape
        asked = self.c_attn(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, head width)
        if cache is None or cache.length == 0:
            if cache is not None:
                cache.put(self.layer, key, value)
            if self.training and x.device.type == "cpu" and tokens <= _PLAIN:
                mixed = attend(query, key, value)
            else:
                mixed = F.scaled_dot_product_attention(query, key, value, is_causal=tokens > 1)
        else:
            key, value = cache.put(self.layer, key, value)
            mask = _behind(cache.length, tokens, x.device) if tokens > 1 else None  # one token sees them all
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(batch, tokens, width)
        return self.c_proj(mixed)  # type: ignore[no-any-return]


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention as it is written down, all three (batch, heads, tokens, head width) -> the same.

    Each token gives every token before it a share of its attention, and takes so much of what that one has to
    say. `scaled_dot_product_attention` does the same without ever holding all the shares, for which a CPU
    takes nearly three times as long where the windows are short.
    """
    batch, heads, tokens, width = query.shape
    query, key, value = (part.reshape(batch * heads, tokens, width) for part in (query, key, value))
    later = torch.full((tokens, tokens), -torch.inf, dtype=query.dtype, device=query.device).triu(1)
    scores = torch.baddbmm(later, query, key.transpose(1, 2), alpha=width**-0.5)
    return torch.bmm(F.softmax(scores, -1), value).view(batch, heads, tokens, width)


def _behind(before: int, tokens: int, device: torch.device) -> Tensor:
    """(tokens, before + tokens): True where one of the new tokens may look."""
    places = torch.arange(before + tokens, device=device)
    return places[None, :] <= places[before:, None]


class MLP(nn.Module):
    """Each token by itself: wide, bent, narrow again."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = _Matrix(shape.width, shape.inner)
        self.c_proj = _Matrix(shape.inner, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> the same."""
        # the formula that GPT-2 was trained with, in one kernel, which keeps a quarter of the memory
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Attention, then the MLP; each adds to what came in."""

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
    """All that has weights, from the bottom: what a token means, what its place means, the blocks, a last norm."""

    def __init__(self, shape: Shape, padded: int) -> None:
        super().__init__()
        self.wte = _embedding(shape.vocabulary + padded, shape.width)
        self.wpe = _embedding(shape.window, shape.width)
        self.h = nn.ModuleList([TransformerBlock(shape, layer) for layer in range(shape.layers)])
        self.ln_f = nn.LayerNorm(shape.width, eps=shape.epsilon)


def _embedding(rows: int, width: int) -> nn.Embedding:
    """Unfilled: the random numbers it would otherwise get make torch load its compiler where there is no memory yet."""
    made: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.empty(rows, width), freeze=False
    )
    return made


class GPT2(nn.Module):
    """The whole model. Parameters have Hugging Face's names; matrices are (out, in) where theirs are (in, out).

    `padded` rows may stand behind the vocabulary, which some GPUs like: they are zero, and no token is theirs.
    """

    def __init__(self, shape: Shape, padded: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.checkpointing = False  # compute each block twice and keep nothing of it: slower, far less memory
        self.compiled = (
            False  # whether blocks are compiled; shapes other than training's use the eager forward
        )
        self.transformer = Layers(shape, padded)

    @property
    def window(self) -> int:
        """The largest number of tokens that it sees at once: never give it a position beyond."""
        return self.shape.window

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return self.shape.vocabulary

    @property
    def head(self) -> Tensor:
        """(vocabulary and padding, width): makes logits of hidden states. The embeddings themselves ("tied")."""
        return self.transformer.wte.weight

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers, from the first."""
        return list(self.transformer.h)

    def hidden(self, ids: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, width): what it has made of each token and all before it."""
        parts = self.transformer
        start = cache.length if cache else 0
        places = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = dropout(parts.wte(ids) + parts.wpe(places), self.shape.dropout, self.training)
        for block in self.blocks:
            if self.checkpointing and self.training:
                x = checkpoint(block, x, use_reentrant=False)
            elif cache is None and (self.training or not self.compiled):
                x = block(x)
            else:  # what was compiled for windows of one size would be made anew, and for any, after another
                x = block.forward(x, cache)
        if cache is not None:
            cache.length += ids.shape[1]
        return parts.ln_f(x)  # type: ignore[no-any-return]

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, vocabulary) logits."""
        return F.linear(self.hidden(ids), self.head[: self.vocabulary])

    def new_cache(self) -> KeyValueCache:
        """Room for as many tokens as the window."""
        return KeyValueCache(self.window)

    def read(self, ids: Tensor, cache: KeyValueCache) -> Tensor:
        """Put (batch, tokens) ids behind the cache -> (batch, vocabulary): logits of what follows the last."""
        return F.linear(self.hidden(ids, cache)[:, -1], self.head[: self.vocabulary])

    def fill(self, seed: int) -> None:
        """Random weights as GPT-2 began with: the same for the same seed; torch's own random state stays."""
        generator = torch.Generator(self.head.device).manual_seed(seed)
        shrunk = (
            0.02 / (2 * self.shape.layers) ** 0.5
        )  # what each half of a block adds: their sum stays small
        for name, parameter in self.named_parameters():
            if parameter.dim() == 1:
                nn.init.constant_(parameter, 1.0 if ".ln_" in name and name.endswith("weight") else 0.0)
            else:
                std = shrunk if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(parameter, 0.0, std, generator=generator)
        with torch.no_grad():
            self.head[self.vocabulary :].zero_()
