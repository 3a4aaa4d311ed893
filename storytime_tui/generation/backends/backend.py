"""A model made ready for telling: what it has read can be cut back, shared between continuations, and batched.

Two plain classes have the same few words: `gpt2.GPT2Backend` for ours, `transformers_model.TransformersBackend` for
any other that transformers knows. Only ids go in and only logits come out: nothing here knows of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

CHUNK = 128  # tokens of a long prompt to read in one call: what a stop may have to wait for


class Rows:
    """What a backend has read: `rows` are the ids of each continuation, all as many.

    One backend's cache means nothing to another: it is one of these with what that backend's attention needs.
    """

    def __init__(self, rows: list[list[int]]) -> None:
        self.rows = rows

    @property
    def length(self) -> int:
        """Tokens in each row."""
        return len(self.rows[0])

    @property
    def ids(self) -> list[int]:
        """The first row's."""
        return self.rows[0]


class Backend(Protocol):
    """Reads ids and says what may follow. Each call enters inference mode by itself and leaves nothing behind.

    `window`: never more tokens in a cache than this; a `read` that would pass it raises ValueError.
    `vocabulary`: how many logits there are, padding left out. `precision`: what the weights are in.
    `can_cut`: whether `cut` may be called; where not, the caller reads again into a new cache.
    A backend may be used from one thread at a time, whichever that is.
    """

    window: int
    vocabulary: int
    precision: str
    can_cut: bool

    def new_cache(self, rows: int = 1) -> Any:
        """An empty one."""

    def read(self, ids: Sequence[int], cache: Any) -> Tensor:
        """Put ids behind the only row of a cache -> (vocabulary,) float32 logits, on the CPU, of what follows them."""

    def read_rows(self, ids: Sequence[int], cache: Any) -> Tensor:
        """Put one id behind each row -> (rows, vocabulary) float32 logits on the CPU."""

    def likelihoods(self, ids: Sequence[int]) -> Tensor:
        """(ids - 1,) float32 on the CPU: log p (nats) of each id but the first, given all before it."""

    def cut(self, cache: Any, length: int) -> None:
        """Forget all tokens from `length` on, in every row."""

    def share(self, cache: Any, rows: int) -> Any:
        """A new cache of `rows` rows that begin with what the only row of this one holds; this one stays as it is."""

    def drop(self, cache: Any, keep: Sequence[int]) -> None:
        """Go on with these rows only, in this order."""

    def memory(self, cache: Any) -> int:
        """Bytes that a cache takes."""


def read_in_chunks(backend: Backend, ids: Sequence[int], cache: Any) -> Tensor:
    """Read a text of any length that fits, `CHUNK` tokens at a time; the logits of what follows the last."""
    for start in range(0, len(ids), CHUNK):
        logits = backend.read(ids[start : start + CHUNK], cache)
    return logits


def check_reading(length: int, new: int, window: int) -> None:
    """Raise ValueError where a reading is empty or would pass the window.

    On a CPU a position beyond it is an IndexError, on a GPU it kills the whole process's context.
    """
    if new < 1:
        raise ValueError("There is nothing to read: give at least one token.")
    if length + new > window:
        raise ValueError(f"{length} tokens and {new} more pass the window of {window}: cut the text first.")


def check_ids(ids: Sequence[int], vocabulary: int) -> None:
    """Raise ValueError for an id that the model has no row for; a GPU would die of it."""
    if min(ids) < 0 or max(ids) >= vocabulary:
        wrong = next(token for token in ids if not 0 <= token < vocabulary)
        raise ValueError(f"There is no token {wrong}: the model knows {vocabulary}.")


def check_one_row(rows: int) -> None:
    """Raise ValueError where a cache has more rows than the one that is meant."""
    if rows != 1:
        raise ValueError(
            f"The cache has {rows} rows, and this is for one: use read_rows, or drop the others."
        )


def check_each(ids: Sequence[int], rows: int) -> None:
    """Raise ValueError where there is not one id for each row."""
    if len(ids) != rows:
        raise ValueError(f"The cache has {rows} rows, but there are {len(ids)} tokens.")


def logprobs_of_next(logits: Tensor, ids: Sequence[int]) -> Tensor:
    """(tokens, vocabulary) logits after each place, and what stood there next -> (tokens,) log p (nats)."""
    return logits.log_softmax(1).gather(1, torch.tensor(ids)[:, None])[:, 0]


def logits_out(logits: Tensor) -> Tensor:
    """Float32 logits on the CPU, which the sampler may modify in place (they have left inference mode)."""
    return logits.to("cpu", torch.float32)
