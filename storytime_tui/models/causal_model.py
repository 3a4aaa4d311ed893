"""What the models written here have in common, GPT-2 and Llama: running the blocks, logits, and the cache.

Parameters have Hugging Face's names. `TRANSPOSED`: the ends of the names of matrices that are (in, out) in Hugging
Face's files, while ours are (out, in). `PADDED`: the ends of the names of those with a row for each token, which may
be followed by rows of zeros, because some GPUs multiply padded matrices faster; no token uses them. `PREFIX`: what
all names but that of a head of its own begin with.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from storytime_tui.models.attention import KeyValueCache


class ModelShape(Protocol):
    """The sizes that every model has: see `gpt2.Shape`."""

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""

    @property
    def window(self) -> int:
        """The number of positions."""


class CausalModel(nn.Module, ABC):
    """A model that predicts the next token. `shape` has its sizes."""

    TRANSPOSED: ClassVar[tuple[str, ...]] = ()
    PADDED: ClassVar[tuple[str, ...]] = ()
    PREFIX: ClassVar[str] = ""
    shape: Any

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        # gradient checkpointing: recompute each block in the backward pass, slower with far less memory
        self.checkpointing = False
        # whether blocks are compiled; input shapes other than training's use the eager forward
        self.compiled = False

    @property
    def window(self) -> int:
        """The most tokens in a context; there are no positions beyond it."""
        return int(self.shape.window)

    @property
    def vocabulary(self) -> int:
        """The number of tokens, without padding."""
        return int(self.shape.vocabulary)

    @property
    @abstractmethod
    def head(self) -> Tensor:
        """(vocabulary and padding, width): maps hidden states to logits."""

    @property
    @abstractmethod
    def blocks(self) -> list[nn.Module]:
        """The layers, from the first."""

    @abstractmethod
    def hidden(self, ids: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, width) hidden states after the final norm."""

    def run_blocks(self, x: Tensor, cache: KeyValueCache | None, *context: Tensor) -> Tensor:
        """(batch, tokens, width) -> the same, through all blocks; `context` is what each needs besides."""
        for block in self.blocks:
            if self.checkpointing and self.training:
                x = checkpoint(block, x, *context, use_reentrant=False)
            elif cache is None and (self.training or not self.compiled):
                x = block(x, *context)
            else:  # Bypass the compiled block, which would recompile for another input shape.
                x = block.forward(x, *context, cache=cache)
        return x

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, tokens) ids -> (batch, tokens, vocabulary) logits."""
        return F.linear(self.hidden(ids), self.head[: self.vocabulary])

    def new_cache(self) -> KeyValueCache:
        """An empty cache, which grows up to a whole window."""
        return KeyValueCache(self.window)

    def read(self, ids: Tensor, cache: KeyValueCache) -> Tensor:
        """Append (batch, tokens) ids to the cache -> (batch, vocabulary) logits of the token after the last."""
        return F.linear(self.hidden(ids, cache)[:, -1], self.head[: self.vocabulary])
