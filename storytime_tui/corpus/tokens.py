"""Stories as one memory-mapped stream of token ids, written once and found again."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from storytime_tui import disk_cache, files
from storytime_tui.corpus.arrays import ArrayWriter, open_array
from storytime_tui.corpus.cleaning.clean import CLEANING_VERSION
from storytime_tui.corpus.collection import Story
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Progress

_FORMAT = 3  # of the token folder; part of its key
_BATCH = 1_000_000  # characters encoded at once: enough for every core, little enough to show progress

Ids = npt.NDArray[np.unsignedinteger[Any]]
Starts = npt.NDArray[np.int64]


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

    `ids`: memory-mapped, one-dimensional, uint16 or uint32: end-of-text, header, story, end-of-text, ...
    read as a ring, so that each story stands between two. `starts`: memory-mapped, where each story's
    end-of-text stands in `ids`. `text_bytes`: UTF-8 bytes of the stories' texts. `digest`: of the ids.
    `skipped`: (stories, 2), half-open ranges of `ids` that are read and not learned: each story's header.

    A story that continues the one before has a blank line and its header between the two, and no end-of-text.
    """

    ids: Ids
    starts: Starts
    text_bytes: int
    digest: str
    skipped: Starts

    @property
    def stories(self) -> int:
        """How many stories it holds."""
        return len(self.starts)


def open_tokens(
    stories: Sequence[Story], encoder: Encoder, cache_folder: Path, on_progress: Progress | None = None
) -> TokenFile:
    """The stories' tokens, encoded at the first call and found in `cache_folder` at every later one.

    Never holds more than a batch and the story in hand in memory. `on_progress` gets the bytes encoded and
    their total, while encoding only; what it raises ends the work and leaves nothing behind. Raises
    CorpusError for no stories, or when the cache cannot be written.
    """
    if not stories:
        raise CorpusError("There is no story to turn into tokens: pick at least one.")
    folder = cache_folder / _key(stories, encoder)
    try:
        return disk_cache.find_or_build(
            folder,
            lambda place: _open(place, encoder, len(stories)),
            lambda part: _write(part, stories, encoder, on_progress),
        )
    except OSError as error:
        raise CorpusError(files.explain(error, "keeping the stories' tokens")) from error


def _key(stories: Sequence[Story], encoder: Encoder) -> str:
    """What the tokens depend on, as the name of their folder."""
    digest = hashlib.sha256(f"{_FORMAT} {CLEANING_VERSION} {len(encoder.fingerprint)} ".encode())
    digest.update(encoder.fingerprint.encode())
    for story in stories:
        digest.update(story.facts.digest.encode())
        if story.header or story.continues:
            digest.update(f" {story.continues:d} {story.header}\n".encode())
    return digest.hexdigest()[:40]


# -- writing ----------------------------------------------------------------------------------------------


def _write(folder: Path, stories: Sequence[Story], encoder: Encoder, on_progress: Progress | None) -> None:
    dtype = np.uint16 if encoder.vocabulary_size <= 2**16 else np.uint32
    total, done = sum(story.facts.bytes + 2 * story.continues for story in stories), 0
    starts: list[int] = []
    skipped: list[int] = []
    with ArrayWriter(folder / "ids.npy", dtype) as ids:
        for batch in _batches(stories):
            encoded = encoder.encode_batch([piece for piece, _ in batch])
            headers = _header_ids([story.header for _, story in batch if story], encoder)
            for (_, story), own in zip(batch, encoded, strict=True):
                if story:
                    starts.append(ids.length)
                    ids.append(headers["\n"] if story.continues else [encoder.end_of_text])
                    skipped.append(ids.length)
                    ids.append(headers[story.header])
                    skipped.append(ids.length)
                ids.append(own)
            done += sum(len(piece.encode()) for piece, _ in batch)
            if on_progress:
                on_progress(done, total)
    np.save(folder / "starts.npy", np.array(starts, np.int64), allow_pickle=False)
    np.save(folder / "skipped.npy", np.array(skipped, np.int64), allow_pickle=False)
    facts = {"text_bytes": total, "digest": ids.digest}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _header_ids(headers: Sequence[str], encoder: Encoder) -> dict[str, list[int]]:
    """The ids of each header as `headers.header_ids` gives them, all encoded at once; of "\\n" a blank line's."""
    if not any(headers):
        return {"": []}
    lines = sorted(set(filter(None, headers)))
    end, *encoded = encoder.encode_batch(["\n", *(header.rstrip("\n") + "\n" for header in lines)])
    known = {header: [*ids, *end] for header, ids in zip(lines, encoded, strict=True)}
    return {"": [], "\n": [*end, *end], **known}


def _batches(stories: Sequence[Story]) -> Iterator[list[tuple[str, Story | None]]]:
    """Pieces of about `_BATCH` characters together, each with the story that begins with it."""
    batch: list[tuple[str, Story | None]] = []
    size = 0
    for story in stories:
        for place, piece in enumerate(pieces_of(story.text, _BATCH)):
            batch.append((piece, story if place == 0 else None))
            size += len(piece)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def pieces_of(text: str, size: int) -> Iterator[str]:
    """A long text cut into pieces of `size` characters or a little more; joined they are the text.

    A cut stands between a letter and the white space after it, where GPT-2's tokenizer and its heirs cut as
    well, so that the pieces' tokens are those of the whole.
    """
    start = 0
    while len(text) - start > size:
        end = start + size
        while end < len(text) and not (text[end - 1].isalpha() and text[end].isspace()):
            end += 1
        yield text[start:end]
        start = end
    if start < len(text) or not text:
        yield text[start:]


def _open(folder: Path, encoder: Encoder, stories: int) -> TokenFile | None:
    """The tokens, or None where there are none or they are not what we wrote (cut short, say)."""
    try:
        ids, starts = open_array(folder / "ids.npy"), open_array(folder / "starts.npy")
        skipped = open_array(folder / "skipped.npy").reshape(-1, 2)
        facts = json.loads((folder / "facts.json").read_bytes())
        found = TokenFile(ids, starts, int(facts["text_bytes"]), str(facts["digest"]), skipped)
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None
    whole = (
        ids.dtype == (np.uint16 if encoder.vocabulary_size <= 2**16 else np.uint32)
        and starts.dtype == np.int64
        and len(starts) == len(skipped) == stories
        and len(ids) >= stories
        and int(ids[0]) == encoder.end_of_text
    )
    return found if whole else None


# -- what a model without order would know ---------------------------------------------------------------


def token_frequency_loss(training: TokenFile, validation: TokenFile, vocabulary_size: int) -> float:
    """What knowing only how often each token occurs in training gives on validation, in nats per token.

    Add-one smoothed over the vocabulary, so that a token never seen costs much, but not everything. What is not
    learned is not counted.
    """
    counts = _learned(training, vocabulary_size) + 1
    costs = math.log(counts.sum()) - np.log(counts)
    asked = _learned(validation, vocabulary_size)
    return float((asked * costs).sum() / asked.sum())


def _learned(stream: TokenFile, vocabulary_size: int) -> npt.NDArray[np.int64]:
    skipped = [np.asarray(stream.ids[begin:end]) for begin, end in stream.skipped.tolist() if begin < end]
    counts = _counts(stream.ids, vocabulary_size)
    return counts - _counts(np.concatenate(skipped), vocabulary_size) if skipped else counts


def _counts(ids: Ids, vocabulary_size: int) -> npt.NDArray[np.int64]:
    counts = np.zeros(vocabulary_size, np.int64)
    for start in range(0, len(ids), 1 << 20):  # bincount makes a copy of eight bytes a token
        counts += np.bincount(ids[start : start + (1 << 20)], minlength=vocabulary_size)
    return counts
