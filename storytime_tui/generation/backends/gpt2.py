"""GPT-2 for generation: the arithmetic of `models.gpt2`. See `own_model`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from storytime_tui.generation.backends.own_model import Attend, Heads, OwnBackend, copied, prepared
from storytime_tui.models.gpt2 import GPT2, TransformerBlock


class _Block:
    """One layer's weights, prepared for generation."""

    def __init__(self, block: TransformerBlock, precision: str, dtype: torch.dtype) -> None:
        self.norm_1, self.norm_2 = _norm(block.ln_1, dtype), _norm(block.ln_2, dtype)
        self.attn_qkv = prepared([block.attn.c_attn], precision)
        self.attn_out = prepared([block.attn.c_proj], precision)
        self.mlp_in = prepared([block.mlp.c_fc], precision)
        self.mlp_out = prepared([block.mlp.c_proj], precision)


class GPT2Backend(OwnBackend):
    """See `backend.Backend`."""

    def __init__(self, model: GPT2, precision: str) -> None:
        shape, layers = model.shape, model.transformer
        super().__init__(model, Heads(shape.heads, shape.heads, shape.width // shape.heads), precision)
        self._epsilon = shape.epsilon
        with torch.inference_mode():
            self._token_embeddings = self.embeddings_of(model.head)
            self._position_embeddings = copied(layers.wpe.weight, self.dtype)
            self.blocks = [_Block(block, precision, self.dtype) for block in layers.h]  # type: ignore[arg-type]
            self.last_norm = _norm(layers.ln_f, self.dtype)

    def embed(self, ids: Tensor, positions: slice | Tensor) -> tuple[Tensor, None]:
        """See `OwnBackend`."""
        tokens = F.embedding(ids, self._token_embeddings).to(self.dtype)
        return tokens + self._position_embeddings[positions], None

    def block(self, block: _Block, x: Tensor, place: None, attend: Attend) -> Tensor:
        """See `OwnBackend`."""
        rows, new, width = x.shape
        x = x.view(rows * new, width)
        normed = F.layer_norm(x, (width,), *block.norm_1, self._epsilon)
        query, key, value = block.attn_qkv(normed).view(rows, new, 3, self.heads.queries, -1).unbind(2)
        x = x + block.attn_out(attend(query, key, value))
        normed = F.layer_norm(x, (width,), *block.norm_2, self._epsilon)
        x += block.mlp_out(F.gelu(block.mlp_in(normed), approximate="tanh"))
        return x.view(rows, new, width)

    def norm_last(self, x: Tensor) -> Tensor:
        """See `OwnBackend`."""
        return F.layer_norm(x, (x.shape[1],), *self.last_norm, self._epsilon)


def _norm(norm: nn.LayerNorm, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return copied(norm.weight, dtype), copied(norm.bias, dtype)
