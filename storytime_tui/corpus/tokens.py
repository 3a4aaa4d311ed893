"""Stories as one memory-mapped stream of token ids, and the windows that training cuts from it."""

import hashlib
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from storytime_tui import files
from storytime_tui.corpus.cleaning import CLEANING_VERSION
from storytime_tui.corpus.collection import Story
from storytime_tui.errors import CorpusError

_FORMAT = 1  # of the token file; part of its key
_BATCH = 1_000_000  # characters encoded at once: enough for every core, little enough to show progress

Ids = npt.NDArray[np.unsignedinteger[Any]]


class Encoder(Protocol):
    """What turns text into token ids; `models.tokenizer.Tokenizer` is one."""

    @property
    def fingerprint(self) -> str:
        """Differs between two encoders that may give different ids."""

    @property
    def end_of_text(self) -> int:
        """The id that stands between two stories."""

    @property
    def vocabulary_size(self) -> int:
        """Every id is below it."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""


@dataclass(frozen=True)
class TokenFile:
    """A stream of tokens on the disk.

    `ids`: memory-mapped, one-dimensional, uint16 or uint32: end-of-text, story, end-of-text, story, ...
    read as a ring, so that each story stands between two. `text_bytes`: UTF-8 bytes of the stories' texts.
    """

    ids: Ids
    text_bytes: int
    stories: int


def open_tokens(
    stories: Sequence[Story],
    encoder: Encoder,
    cache_folder: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> TokenFile:
    """The stories' tokens, encoded at the first call and found in `cache_folder` at every later one.

    `on_progress` gets the characters encoded and their total, while encoding only. Raises CorpusError for
    no stories, or when the cache cannot be written.
    """
    if not stories:
        raise CorpusError("There is no story to turn into tokens: pick at least one.")
    texts = [story.text for story in stories]
    text_bytes = sum(len(text.encode()) for text in texts)
    path = cache_folder / f"{_key(texts, encoder)}.npy"
    ids = _open(path, encoder, len(texts))
    if ids is None:
        _write(path, _encode(texts, encoder, on_progress))
        ids = _open(path, encoder, len(texts))
    if ids is None:
        raise CorpusError(f"The token file {path} cannot be read back: check the disk, then try again.")
    return TokenFile(ids, text_bytes, len(stories))


def _key(texts: Sequence[str], encoder: Encoder) -> str:
    """What a token file depends on, as the name of the file."""
    digest = hashlib.sha256(f"{_FORMAT} {CLEANING_VERSION} {len(encoder.fingerprint)} ".encode())
    digest.update(encoder.fingerprint.encode())
    for text in texts:
        data = text.encode()
        digest.update(b"%d " % len(data))  # so that no two lists of texts run into the same bytes
        digest.update(data)
    return digest.hexdigest()[:40]


def _dtype(encoder: Encoder) -> type[np.uint16] | type[np.uint32]:
    return np.uint16 if encoder.vocabulary_size <= 2**16 else np.uint32


def _encode(texts: Sequence[str], encoder: Encoder, on_progress: Callable[[int, int], None] | None) -> Ids:
    dtype = _dtype(encoder)
    end_of_text = np.array([encoder.end_of_text], dtype)
    total, done = sum(map(len, texts)), 0
    parts: list[npt.NDArray[Any]] = []
    for batch in _batches(texts):
        for ids in encoder.encode_batch(batch):
            parts += [end_of_text, np.array(ids, dtype)]
        done += sum(map(len, batch))
        if on_progress:
            on_progress(done, total)
    return np.concatenate(parts)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write(path: Path, ids: Ids) -> None:
    file = io.BytesIO()
    np.save(file, ids, allow_pickle=False)
    try:
        files.write_atomically(path, file.getvalue())
    except OSError as error:
        raise CorpusError(files.explain(error, "keeping the stories' tokens")) from error


def _open(path: Path, encoder: Encoder, stories: int) -> Ids | None:
    """The token file, or None where there is none or it is not what we wrote (cut short, say)."""
    try:
        ids = np.load(path, mmap_mode="r", allow_pickle=False)
        size = path.stat().st_size
    except (OSError, ValueError, EOFError):
        return None
    whole = (
        isinstance(ids, np.memmap)
        and ids.ndim == 1
        and ids.dtype == _dtype(encoder)
        and len(ids) >= stories
        and size == ids.offset + ids.nbytes
        and int(ids[0]) == encoder.end_of_text
    )
    return ids if whole else None


def epoch_windows(tokens: int, stride: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Where the windows of one pass over a ring of `tokens` start: ceil(tokens / stride) places, shuffled.

    The places are `stride` apart (the last two may be nearer), from a random offset that changes with the
    epoch. The result is a function of the arguments alone, and of no NumPy version: the raw numbers of a
    PCG64 never change, whereas NumPy's own shuffle may. So exact resume needs only seed and epoch.
    """
    count = math.ceil(tokens / stride)
    numbers = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(count + 1)
    starts = (int(numbers[0]) % tokens + np.arange(count, dtype=np.int64) * stride) % tokens
    return starts[np.argsort(numbers[1:], kind="stable")]


def window_at(ids: Ids, start: int, length: int) -> npt.NDArray[np.int64]:
    """`length` ids from `start` on, going round the ring at its end."""
    if start >= 0 and start + length <= len(ids):
        return ids[start : start + length].astype(np.int64)
    return ids.take(np.arange(start, start + length), mode="wrap").astype(np.int64)


def token_frequency_loss(training_ids: Ids, validation_ids: Ids, vocabulary_size: int) -> float:
    """What knowing only how often each token occurs in training gives on validation, in nats per token.

    Add-one smoothed over the vocabulary, so that a token never seen costs much, but not everything.
    """
    counts = _counts(training_ids, vocabulary_size) + 1
    costs = math.log(counts.sum()) - np.log(counts)
    return float((_counts(validation_ids, vocabulary_size) * costs).sum() / len(validation_ids))


def _counts(ids: Ids, vocabulary_size: int) -> npt.NDArray[np.int64]:
    counts = np.zeros(vocabulary_size, np.int64)
    for start in range(0, len(ids), 1 << 20):  # bincount makes a copy of eight bytes a token
        counts += np.bincount(ids[start : start + (1 << 20)], minlength=vocabulary_size)
    return counts
