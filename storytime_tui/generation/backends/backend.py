"""The interface of a model prepared for generation: its key-value cache can be cut, shared and batched.

Its classes: `gpt2.GPT2Backend`, `llama.LlamaBackend`, and `transformers_model.TransformersBackend` for any other model
of transformers. Backends take ids and return logits; they know nothing of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

CHUNK = 128  # tokens prefilled in one call; a stop waits for at most one call


class Rows:
    """A key-value cache's ids: `rows` has the ids of each continuation, all of the same length.

    Each backend derives its own cache class, which works only with that backend.
    """

    def __init__(self, rows: list[list[int]]) -> None:
        self.rows = rows

    @property
    def length(self) -> int:
        """Tokens in each row."""
        return len(self.rows[0])

    @property
    def ids(self) -> list[int]:
        """The first row's ids."""
        return self.rows[0]


class Backend(Protocol):
    """Reads ids and returns logits. Each call enters inference mode itself and leaves no global state changed.

    `window`: the most tokens in a cache; a `read` beyond it raises ValueError. `vocabulary`: the number of
    logits, without padding. `precision`: of the weights. `can_cut`: whether `cut` works; if not, the caller has
    to prefill a new cache. A backend may be used from one thread at a time, whichever that is.
    """

    window: int
    vocabulary: int
    precision: str
    can_cut: bool

    def new_cache(self, rows: int = 1) -> Any:
        """An empty cache."""

    def read(self, ids: Sequence[int], cache: Any) -> Tensor:
        """Append ids to a one-row cache -> (vocabulary,) float32 logits of the next token, on the CPU."""

    def read_rows(self, ids: Sequence[int], cache: Any) -> Tensor:
        """Append one id to each row -> (rows, vocabulary) float32 logits on the CPU."""

    def all_logits(self, ids: Sequence[int]) -> Iterator[Tensor]:
        """Float32 logits on the CPU of the token after each id: (at most CHUNK, vocabulary) at a time."""

    def logprobs(self, ids: Sequence[int]) -> Tensor:
        """(ids - 1,) float32 on the CPU: the logprob (nats) of each id but the first, given all before it."""

    def cut(self, cache: Any, length: int) -> None:
        """Remove all tokens from index `length` on, in every row."""

    def share(self, cache: Any, rows: int) -> Any:
        """A new cache with `rows` copies of this one-row cache's tokens; this cache stays unchanged."""

    def drop(self, cache: Any, keep: Sequence[int]) -> None:
        """Keep only these rows, in this order."""

    def memory(self, cache: Any) -> int:
        """Bytes of a cache."""


def read_in_chunks(backend: Backend, ids: Sequence[int], cache: Any) -> Tensor:
    """Prefill ids, `CHUNK` tokens at a time -> the logits of the next token."""
    for start in range(0, len(ids), CHUNK):
        logits = backend.read(ids[start : start + CHUNK], cache)
    return logits


def check_reading(length: int, new: int, window: int) -> None:
    """Raise ValueError for an empty read or one beyond the window.

    Beyond the window, a CPU raises IndexError, but a GPU's context is lost for the whole process.
    """
    if new < 1:
        raise ValueError("There is nothing to read: give at least one token.")
    if length + new > window:
        raise ValueError(f"{length} tokens and {new} more exceed the window of {window}: cut the text first.")


def check_ids(ids: Sequence[int], vocabulary: int) -> None:
    """Raise ValueError for an id that the model has no embedding for; it would kill a GPU's context."""
    if min(ids) < 0 or max(ids) >= vocabulary:
        unknown = next(token for token in ids if not 0 <= token < vocabulary)
        raise ValueError(f"There is no token {unknown}: the model has {vocabulary}.")


def check_one_row(rows: int) -> None:
    """Raise ValueError unless the cache has exactly one row."""
    if rows != 1:
        raise ValueError(
            f"The cache has {rows} rows, and this is for one: use read_rows, or drop the others."
        )


def check_each(ids: Sequence[int], rows: int) -> None:
    """Raise ValueError unless there is one id for each row."""
    if len(ids) != rows:
        raise ValueError(f"The cache has {rows} rows, but there are {len(ids)} tokens.")


def logprobs_of_next(logits: Tensor, ids: Sequence[int]) -> Tensor:
    """(tokens, vocabulary) logits and the ids that follow each position -> (tokens,) logprobs (nats)."""
    return logits.log_softmax(1).gather(1, torch.tensor(ids)[:, None])[:, 0]


def logits_out(logits: Tensor) -> Tensor:
    """Float32 logits on the CPU, which the sampler may modify in place (they have left inference mode)."""
    return logits.to("cpu", torch.float32)
