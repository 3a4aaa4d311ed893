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

from storytime_tui.models.attention import KeyValueCache, causal_attention
from storytime_tui.models.bare_layers import Matrix, embedding
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.dropout import dropout
from storytime_tui.models.products import product


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


class Attention(nn.Module):
    """Multi-head causal self-attention."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.heads, self.layer = shape.heads, layer
        self.c_attn = Matrix(shape.width, 3 * shape.width)  # queries, keys and values
        self.c_proj = Matrix(shape.width, shape.width)

    def forward(self, x: Tensor, cache: KeyValueCache | None) -> Tensor:
        """(batch, tokens, width) -> the same; with a cache, the tokens follow those in it."""
        batch, tokens, width = x.shape
        qkv = product(x, self.c_attn).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, head width)
        attended = causal_attention(query, key, value, self.layer, cache, training=self.training)
        attended = attended.transpose(1, 2).reshape(batch, tokens, width)
        return product(attended, self.c_proj)


class MLP(nn.Module):
    """The feed-forward layer, applied to each token separately."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = Matrix(shape.width, shape.inner)
        self.c_proj = Matrix(shape.inner, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> the same."""
        # GPT-2's tanh approximation; the fused kernel keeps a quarter of the memory
        return product(F.gelu(product(x, self.c_fc), approximate="tanh"), self.c_proj)


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
        self.wte = embedding(shape.vocabulary + padded, shape.width)
        self.wpe = embedding(shape.window, shape.width)
        self.h = nn.ModuleList([TransformerBlock(shape, layer) for layer in range(shape.layers)])
        self.ln_f = nn.LayerNorm(shape.width, eps=shape.epsilon)


class GPT2(CausalModel):
    """The whole model. Parameters have Hugging Face's names; matrices are (out, in), Hugging Face's are (in, out).

    `padded` zero rows may follow the vocabulary, because some GPUs multiply padded matrices faster; no token uses
    them.
    """

    TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    PADDED = ("wte.weight",)
    PREFIX = "transformer."
    shape: Shape

    def __init__(self, shape: Shape, padded: int = 0) -> None:
        super().__init__(shape)
        self.transformer = Layers(shape, padded)

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
        x = self.run_blocks(x, cache)
        if cache is not None:
            cache.length += ids.shape[1]
        return layers.ln_f(x)  # type: ignore[no-any-return]

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
