"""A tiny byte-level vocabulary and tiny models for the stream's tests."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from storytime_tui.generation.backends.backend import Backend

WINDOW = 64


class Bytes:
    """Each byte is a token; so are some longer pieces, one of which ends inside a character."""

    pieces = [bytes([byte]) for byte in range(256)] + [
        b"<end>",
        b" the",
        b" \xf0\x9f",
        b"\n\n",
        b"  ",
        b'."',
        b"Once upon",
        b"\xe2\x80",
    ]
    end_of_text = 256
    vocabulary_size = len(pieces)
    longer = (262, 257, 258, 259, 260, 261, 263)  # the pieces of several bytes, the longest first

    def encode(self, text: str) -> list[int]:
        data, ids = text.encode(), []
        while data:
            token = next((i for i in self.longer if data.startswith(self.pieces[i])), data[0])
            ids.append(token)
            data = data[len(self.pieces[token]) :]
        return ids

    def token_bytes(self, token: int) -> bytes:
        return self.pieces[token]


def tiny_gpt2(window: int = WINDOW, seed: int = 0, dropout: float = 0.0) -> GPT2LMHeadModel:
    """Random weights large enough for opinions; it hardly ever ends a story.

    Its vocabulary is padded beyond the tokenizer's.
    """
    config = GPT2Config(
        vocab_size=Bytes.vocabulary_size + 8,
        n_positions=window,
        n_embd=32,
        n_layer=2,
        n_head=2,
        initializer_range=0.3,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        bos_token_id=256,
        eos_token_id=256,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        model.transformer.wte.weight[Bytes.end_of_text] = 0  # its logit too, the weights being tied
    return model


class Watched:
    """Passes readings on to a backend, keeps what it was asked, and refuses positions outside the window."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.window, self.vocabulary = inner.window, inner.vocabulary
        self.precision, self.can_cut = inner.precision, inner.can_cut
        self.calls: list[list[int]] = []
        self.positions: list[int] = []  # the cache's length at each call

    def read(self, ids: Sequence[int], cache: Any) -> torch.Tensor:
        assert cache.length + len(ids) <= self.window
        self.calls.append(list(ids))
        self.positions.append(cache.length)
        return self.inner.read(ids, cache)

    def read_rows(self, ids: Sequence[int], cache: Any) -> torch.Tensor:
        assert cache.length < self.window
        self.calls.append(list(ids))
        return self.inner.read_rows(ids, cache)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def read_tokens(self) -> int:
        """How many were read in all."""
        return sum(map(len, self.calls))


class Scripted(nn.Module):
    """Says the same tokens always, whatever it reads: each `script` entry in turn, then end-of-text."""

    window = 10_000
    vocabulary = Bytes.vocabulary_size

    def __init__(self, script: list[int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.script = [*script, Bytes.end_of_text]
        self.was_read: list[int] = []
        self.said = 0

    def new_cache(self) -> None:
        return None

    def read(self, ids: torch.Tensor, cache: None) -> torch.Tensor:
        self.was_read += ids[0].tolist()
        logits = torch.zeros(1, Bytes.vocabulary_size)
        logits[0, self.script[self.said]] = 100.0
        self.said += 1
        return logits
