"""Llama and its family for generation: the arithmetic of `models.llama`. See `own_model`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from storytime_tui.generation.backends.own_model import Attend, Heads, OwnBackend, copied, prepared
from storytime_tui.models.llama import Llama, TransformerBlock, angles

_FIRST_PLACES = 512  # positions
Place = tuple[Tensor, Tensor]  # (new, 1, head width): cosines, and sines whose first half is negative


class _Block:
    """One layer's weights, prepared for generation: matrices with the same input are one."""

    def __init__(self, block: TransformerBlock, precision: str, dtype: torch.dtype) -> None:
        attention, mlp = block.self_attn, block.mlp
        self.norm_1 = copied(block.input_layernorm.weight, dtype)
        self.norm_2 = copied(block.post_attention_layernorm.weight, dtype)
        self.attn_qkv = prepared([attention.q_proj, attention.k_proj, attention.v_proj], precision)
        self.attn_out = prepared([attention.o_proj], precision)
        self.mlp_in = prepared([mlp.gate_proj, mlp.up_proj], precision)
        self.mlp_out = prepared([mlp.down_proj], precision)
        self.head_norms: tuple[Tensor, Tensor] | None = None
        if attention.q_norm is not None and attention.k_norm is not None:
            self.head_norms = copied(attention.q_norm.weight, dtype), copied(attention.k_norm.weight, dtype)


class LlamaBackend(OwnBackend):
    """See `backend.Backend`."""

    def __init__(self, model: Llama, precision: str) -> None:
        self._shape = model.shape
        heads = Heads(model.shape.heads, model.shape.key_value_heads, model.shape.head_width)
        super().__init__(model, heads, precision, model.shape.sliding_window)
        layers = model.model
        with torch.inference_mode():
            self._token_embeddings = self.embeddings_of(layers.embed_tokens.weight)
            self.blocks = [_Block(block, precision, self.dtype) for block in layers.layers]  # type: ignore[arg-type]
            self.last_norm = copied(layers.norm.weight, self.dtype)
            self._epsilon = torch.tensor(model.shape.epsilon, device=self.device)
            self._places = self._place(torch.arange(0, device=self.device))

    def embed(self, ids: Tensor, positions: slice | Tensor) -> tuple[Tensor, Place]:
        """See `OwnBackend`."""
        place = self._known_place(positions) if isinstance(positions, slice) else self._place(positions)
        return F.embedding(ids, self._token_embeddings).to(self.dtype), place

    def _place(self, positions: Tensor) -> Place:
        cosines, sines = angles(self._shape, positions)
        sines[:, : sines.shape[1] // 2].neg_()
        return cosines[:, None].to(self.dtype), sines[:, None].to(self.dtype)

    def _known_place(self, positions: slice) -> Place:
        """From a table that grows: the cosines of a single token take as long as a layer."""
        if len(self._places[0]) < positions.stop:
            room = max(positions.stop, min(self.window, max(_FIRST_PLACES, 2 * positions.stop)))
            self._places = self._place(torch.arange(room, device=self.device))
        return self._places[0][positions], self._places[1][positions]

    def block(self, block: _Block, x: Tensor, place: Place, attend: Attend) -> Tensor:
        """See `OwnBackend`."""
        rows, new, width = x.shape
        queries, keys, head_width = self.heads
        x = x.view(rows * new, width)
        qkv = block.attn_qkv(self._norm(x, block.norm_1)).view(rows, new, -1, head_width)
        turned, value = qkv[:, :, : queries + keys], qkv[:, :, queries + keys :]
        if block.head_norms is not None:
            query, key = turned[:, :, :queries], turned[:, :, queries:]
            turned = torch.cat(
                [self._norm(query, block.head_norms[0]), self._norm(key, block.head_norms[1])], 2
            )
        # rolled by half, each number meets the one that it is a pair with
        turned = torch.addcmul(turned * place[0], turned.roll(head_width // 2, 3), place[1])
        x = x + block.attn_out(attend(turned[:, :, :queries], turned[:, :, queries:], value))
        gate_up = block.mlp_in(self._norm(x, block.norm_2))
        inner = gate_up.shape[1] // 2
        x += block.mlp_out(F.silu(gate_up[:, :inner]).mul_(gate_up[:, inner:]))
        return x.view(rows, new, width)

    def norm_last(self, x: Tensor) -> Tensor:
        """See `OwnBackend`."""
        return self._norm(x, self.last_norm)

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        """RMSNorm over the last dimension. On a CPU, torch's own takes three times as long for a single row."""
        if x.device.type != "cpu":
            return F.rms_norm(x, weight.shape, weight, self._shape.epsilon)
        if len(x) == 1 == x.dim() - 1:
            square = torch.dot(x[0], x[0])
            return (x * torch.add(self._epsilon, square, alpha=1 / x.shape[1]).rsqrt_()).mul_(weight)
        lengths = torch.linalg.vector_norm(x, 2, -1, keepdim=True)
        scale = torch.addcmul(self._epsilon, lengths, lengths, value=1 / x.shape[-1]).rsqrt_()
        return (x * scale).mul_(weight)
