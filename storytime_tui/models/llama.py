"""Llama and its family on one page: Llama, SmolLM2, Mistral, Qwen2 and Qwen3.

The architecture is that of Touvron et al., "LLaMA" (2023, arXiv:2302.13971). Against GPT-2, norms have no mean and no
bias (RMSNorm), positions turn the queries and keys (RoPE, Su et al. 2021, arXiv:2104.09864) instead of being added,
queries share heads of keys and values, and the MLP is gated (SwiGLU, Shazeer 2020, arXiv:2002.05202). Qwen2 has
biases on queries, keys and values, Qwen3 norms on each head of queries and keys, and Mistral may have a window that
slides. Parameters have Hugging Face's names, so checkpoints move in and out unchanged (`llama_files`).
"""

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from storytime_tui.models.attention import KeyValueCache, causal_attention
from storytime_tui.models.bare_layers import Matrix, embedding
from storytime_tui.models.causal_model import CausalModel
from storytime_tui.models.dropout import dropout
from storytime_tui.models.norms import Norm
from storytime_tui.models.products import product, products


@dataclass(frozen=True)
class Rotation:
    """How positions turn the queries and keys: pairs of numbers turn at speeds from 1 to about 1 / `theta`.

    For windows longer than the first training's, `factor` slows the turning down: of all pairs, or, where `original`
    is given, only of those that turn slowly, as Llama 3 does. Pairs that turn fewer than `low` times within
    `original` tokens are slowed down whole, those that turn more than `high` times not at all.
    """

    theta: float = 10_000.0
    factor: float = 1.0
    original: int | None = None
    low: float = 1.0
    high: float = 4.0


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama.

    `vocabulary`: tokens; `window`: positions; `width`: numbers per token; `heads` of queries and `key_value_heads`,
    each `head_width` wide; `inner`: the MLP's hidden width; `tied`: whether the output matrix is the embeddings';
    `qkv_biases`: biases on queries, keys and values; `head_norms`: norms on each head of queries and keys; `dropout`:
    on embeddings and on the residual branches; `sliding_window`: to how many tokens each attends, None for all.
    """

    vocabulary: int
    window: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    inner: int
    rotation: Rotation = Rotation()
    tied: bool = True
    qkv_biases: bool = False
    head_norms: bool = False
    dropout: float = 0.0
    epsilon: float = 1e-5
    sliding_window: int | None = None


def angles(shape: Shape, positions: Tensor) -> tuple[Tensor, Tensor]:
    """(tokens,) positions -> the cosines and sines of how far each pair of numbers turns, (tokens, head width)."""
    turned = positions[:, None].float() * _speeds_on(positions.device, shape.rotation, shape.head_width)
    turned = torch.cat((turned, turned), 1)
    return turned.cos(), turned.sin()


@functools.cache
def _speeds_on(device: torch.device, rotation: Rotation, head_width: int) -> Tensor:
    with torch.inference_mode(False):  # else training could not use what telling computed
        return speeds_of(rotation, head_width).to(device)


def speeds_of(rotation: Rotation, head_width: int) -> Tensor:
    """(head width / 2,): the angle, in radians, by which each pair turns from token to token."""
    exponents = torch.arange(0, head_width, 2, dtype=torch.float32) / head_width
    speeds = 1.0 / rotation.theta**exponents
    if rotation.original is None:
        return speeds / rotation.factor
    lengths = 2 * math.pi / speeds  # in tokens, of a whole turn
    slow, fast = rotation.original / rotation.low, rotation.original / rotation.high
    share = (rotation.original / lengths - rotation.low) / (rotation.high - rotation.low)
    between = (1 - share) * speeds / rotation.factor + share * speeds
    slowed = torch.where(lengths > slow, speeds / rotation.factor, speeds)
    return torch.where((lengths >= fast) & (lengths <= slow), between, slowed)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """(batch, heads, tokens, head width), turned; number i of the first half is a pair with i of the second."""
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat((-second, first), -1) * sines


class HeadNorm(nn.RMSNorm):
    """A norm on each head, whose input is a matrix's output: under autocast in 16 bits, unlike the weights."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, head width) -> the same."""
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    """Causal self-attention in which groups of query heads share a head of keys and values."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.layer, self.head_width, self.sliding_window = layer, shape.head_width, shape.sliding_window
        queries, keys = shape.heads * shape.head_width, shape.key_value_heads * shape.head_width
        self.q_proj = Matrix(shape.width, queries, bias=shape.qkv_biases)
        self.k_proj = Matrix(shape.width, keys, bias=shape.qkv_biases)
        self.v_proj = Matrix(shape.width, keys, bias=shape.qkv_biases)
        self.o_proj = Matrix(queries, shape.width, bias=False)
        self.q_norm = HeadNorm(shape.head_width, shape.epsilon) if shape.head_norms else None
        self.k_norm = HeadNorm(shape.head_width, shape.epsilon) if shape.head_norms else None

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor, cache: KeyValueCache | None) -> Tensor:
        """(batch, tokens, width) -> the same; with a cache, the tokens follow those in it."""
        batch, tokens, _ = x.shape
        query, key, value = (
            each.view(batch, tokens, -1, self.head_width)
            for each in products(x, self.q_proj, self.k_proj, self.v_proj)
        )
        if self.q_norm is not None and self.k_norm is not None:
            query, key = self.q_norm(query), self.k_norm(key)
        # each (batch, heads, tokens, head width)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        cosines, sines = cosines.to(query.dtype), sines.to(query.dtype)
        query, key = rotate(query, cosines, sines), rotate(key, cosines, sines)
        attended = causal_attention(
            query,
            key,
            value,
            self.layer,
            cache,
            training=self.training,
            sliding_window=self.sliding_window,
        )
        return product(attended.transpose(1, 2).reshape(batch, tokens, -1), self.o_proj)


class MLP(nn.Module):
    """The gated feed-forward layer, applied to each token separately."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = Matrix(shape.width, shape.inner, bias=False)
        self.up_proj = Matrix(shape.width, shape.inner, bias=False)
        self.down_proj = Matrix(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> the same."""
        gate, up = products(x, self.gate_proj, self.up_proj)
        return product(F.silu(gate) * up, self.down_proj)


class TransformerBlock(nn.Module):
    """Attention, then the MLP, each on a residual branch with a norm in front."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.dropout = shape.dropout
        self.input_layernorm = Norm(shape.width, shape.epsilon)
        self.self_attn = Attention(shape, layer)
        self.post_attention_layernorm = Norm(shape.width, shape.epsilon)
        self.mlp = MLP(shape)

    def forward(
        self, x: Tensor, cosines: Tensor, sines: Tensor, cache: KeyValueCache | None = None
    ) -> Tensor:
        """(batch, tokens, width) -> the same."""
        attended = self.self_attn(self.input_layernorm(x), cosines, sines, cache)
        x = x + dropout(attended, self.dropout, self.training)
        return x + dropout(self.mlp(self.post_attention_layernorm(x)), self.dropout, self.training)


class Layers(nn.Module):
    """All weights but a head of its own, from the bottom: token embeddings, the blocks, the final norm."""

    def __init__(self, shape: Shape, padded: int) -> None:
        super().__init__()
        self.embed_tokens = embedding(shape.vocabulary + padded, shape.width)
        self.layers = nn.ModuleList([TransformerBlock(shape, layer) for layer in range(shape.layers)])
        self.norm = Norm(shape.width, shape.epsilon)


class Llama(CausalModel):
    """The whole model. Parameters have Hugging Face's names and their shapes.

    `padded` zero rows may follow the vocabulary, because some GPUs multiply padded matrices faster; no token uses
    them.
    """

    PADDED = ("embed_tokens.weight", "lm_head.weight")
    PREFIX = "model."
    shape: Shape

    def __init__(self, shape: Shape, padded: int = 0) -> None:
        super().__init__(shape)
        self.model = Layers(shape, padded)
        self.lm_head = None if shape.tied else Matrix(shape.width, shape.vocabulary + padded, bias=False)

    @property
    def head(self) -> Tensor:
        """(vocabulary and padding, width): maps hidden states to logits; the embeddings, if it is tied to them."""
        return self.model.embed_tokens.weight if self.lm_head is None else self.lm_head.weight

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers, from the first."""
        return list(self.model.layers)

    def hidden(self, ids: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, width) hidden states after the final norm."""
        start = cache.length if cache else 0
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = dropout(self.model.embed_tokens(ids), self.shape.dropout, self.training)
        x = self.run_blocks(x, cache, *angles(self.shape, positions))
        if cache is not None:
            cache.length += ids.shape[1]
        return self.model.norm(x)  # type: ignore[no-any-return]

    def fill(self, seed: int) -> None:
        """Initialise the weights as Llama's were; the same seed gives the same weights, and torch's global state stays
        untouched."""
        generator = torch.Generator(self.head.device).manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 1:
                nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
            else:
                nn.init.normal_(parameter, 0.0, 0.02, generator=generator)
        with torch.no_grad():
            self.model.embed_tokens.weight[self.vocabulary :].zero_()
            self.head[self.vocabulary :].zero_()
