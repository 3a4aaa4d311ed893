"""Stories as one memory-mapped stream of token ids, cached on disk."""

import hashlib
import json
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from storytime_tui import disk_cache, files
from storytime_tui.corpus.arrays import ArrayWriter, array_digest, open_array
from storytime_tui.corpus.cleaning.clean import CLEANING_VERSION
from storytime_tui.corpus.collection import Story
from storytime_tui.errors import CorpusError
from storytime_tui.reporting import Progress

_FORMAT = 4  # of the token folder; part of its key
_BATCH = 1_000_000  # characters encoded at once: enough to use every core, few enough to show progress

Ids = npt.NDArray[np.unsignedinteger[Any]]
Starts = npt.NDArray[np.int64]


class Encoder(Protocol):
    """What turns text into token ids; `models.tokenizer.Tokenizer` is one."""

    @property
    def fingerprint(self) -> str:
        """Equal for two encoders only if they give the same ids."""

    @property
    def end_of_text(self) -> int:
        """The id between two stories."""

    @property
    def vocabulary_size(self) -> int:
        """The number of ids; every id is below it."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""


class Readings(Protocol):
    """What is turned into tokens: whole stories, or parts of stories that are made as they are read."""

    def __iter__(self) -> Iterator[Story]:
        """The stories or parts, in order."""

    def marks(self) -> Iterator[str]:
        """A few words for each whole story, equal only where the same is read of it."""

    @property
    def bytes(self) -> int:
        """About how many bytes of text they have, for the progress."""


@dataclass(frozen=True)
class WholeStories:
    """Stories that are read as they are."""

    stories: Sequence[Story]

    def __iter__(self) -> Iterator[Story]:
        """The stories."""
        return iter(self.stories)

    def marks(self) -> Iterator[str]:
        """See `Readings`."""
        for story in self.stories:
            more = f" {story.continues:d} {story.header}\n" if story.header or story.continues else ""
            yield f"{story.facts.digest}{more}"

    @property
    def bytes(self) -> int:
        """See `Readings`."""
        return sum(story.facts.bytes + 2 * story.continues for story in self.stories)


@dataclass(frozen=True)
class TokenFile:
    """A stream of tokens on disk.

    `ids`: memory-mapped, one-dimensional, uint16 or uint32: end-of-text, header, story, end-of-text, ... It is
    read as a ring, so each story has an end-of-text on both sides. `starts`: memory-mapped, the position of each
    story's end-of-text in `ids`. `text_bytes`: UTF-8 bytes of the stories' texts. `digest`: hash of the ids.
    `skipped`: (stories, 2), half-open ranges of `ids` that are read but not learned: the headers.

    Before a story that continues the previous one there is a blank line instead of the end-of-text.
    """

    ids: Ids
    starts: Starts
    text_bytes: int
    digest: str
    skipped: Starts

    @property
    def stories(self) -> int:
        """The number of stories."""
        return len(self.starts)


def open_tokens(
    stories: Sequence[Story] | Readings,
    encoder: Encoder,
    cache_folder: Path,
    on_progress: Progress | None = None,
) -> TokenFile:
    """The stories' tokens, encoded on the first call and loaded from `cache_folder` afterwards.

    Memory holds one batch and one story at a time. While encoding, `on_progress` gets the bytes encoded and their
    total; an exception from it stops the work and leaves nothing behind. Raises CorpusError if there are no stories
    or the cache cannot be written.
    """
    readings = WholeStories(stories) if isinstance(stories, Sequence) else stories
    folder = cache_folder / _key(readings, encoder)
    try:
        return disk_cache.find_or_build(
            folder,
            lambda place: _open(place, encoder),
            lambda part: _write(part, readings, encoder, on_progress),
        )
    except OSError as error:
        raise CorpusError(files.explain(error, "keeping the stories' tokens")) from error


def _key(readings: Readings, encoder: Encoder) -> str:
    """The folder name of the tokens: a hash of everything they depend on. Raises CorpusError if nothing is read."""
    digest = hashlib.sha256(f"{_FORMAT} {CLEANING_VERSION} {len(encoder.fingerprint)} ".encode())
    digest.update(encoder.fingerprint.encode())
    nothing = True
    for mark in readings.marks():
        nothing = False
        digest.update(mark.encode())
    if nothing:
        raise CorpusError("There is no story to turn into tokens: pick at least one.")
    return digest.hexdigest()[:40]


# -- writing ----------------------------------------------------------------------------------------------


def _write(folder: Path, readings: Readings, encoder: Encoder, on_progress: Progress | None) -> None:
    dtype = np.uint16 if encoder.vocabulary_size <= 2**16 else np.uint32
    total, done, text_bytes = readings.bytes, 0, 0
    starts, skipped = array("q"), array("q")
    with ArrayWriter(folder / "ids.npy", dtype) as ids:
        for batch in _batches(readings):
            encoded = encoder.encode_batch([piece for piece, _ in batch])
            headers = _header_ids([story.header for _, story in batch if story], encoder)
            for (_, story), own in zip(batch, encoded, strict=True):
                if story:
                    starts.append(ids.length)
                    ids.append(headers["\n"] if story.continues else [encoder.end_of_text])
                    skipped.append(ids.length)
                    ids.append(headers[story.header])
                    skipped.append(ids.length)
                    text_bytes += story.facts.bytes + 2 * story.continues
                ids.append(own)
            done += sum(len(piece.encode()) for piece, _ in batch)
            if on_progress:
                on_progress(min(done, total), total)
    np.save(folder / "starts.npy", np.array(starts, np.int64), allow_pickle=False)
    np.save(folder / "skipped.npy", np.array(skipped, np.int64), allow_pickle=False)
    facts = {"text_bytes": text_bytes, "stories": len(starts), "digest": ids.digest}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _header_ids(headers: Sequence[str], encoder: Encoder) -> dict[str, list[int]]:
    """The ids of each header, as from `headers.header_ids`, encoded in one batch; "\\n" gives a blank line's ids."""
    if not any(headers):
        return {"": []}
    lines = sorted(set(filter(None, headers)))
    end, *encoded = encoder.encode_batch(["\n", *(header.rstrip("\n") + "\n" for header in lines)])
    ids_of = {header: [*ids, *end] for header, ids in zip(lines, encoded, strict=True)}
    return {"": [], "\n": [*end, *end], **ids_of}


def _batches(stories: Iterable[Story]) -> Iterator[list[tuple[str, Story | None]]]:
    """Batches of about `_BATCH` characters: pieces of text, each with the story if it is the story's first piece."""
    batch: list[tuple[str, Story | None]] = []
    size = 0
    for story in stories:
        for number, piece in enumerate(pieces_of(story.text, _BATCH)):
            batch.append((piece, story if number == 0 else None))
            size += len(piece)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def pieces_of(text: str, size: int) -> Iterator[str]:
    """Cut a long text into pieces of `size` characters or a little more.

    Each cut is between a letter and the white space after it. GPT-2-style tokenizers split there too, so the pieces
    have the same tokens as the whole text.
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


def _open(folder: Path, encoder: Encoder) -> TokenFile | None:
    """The tokens; None if there are none or they are not as we wrote them (truncated, for example)."""
    try:
        ids, starts = open_array(folder / "ids.npy"), open_array(folder / "starts.npy")
        skipped = open_array(folder / "skipped.npy").reshape(-1, 2)
        facts = json.loads((folder / "facts.json").read_bytes())
        stories = int(facts["stories"])
        tokens = TokenFile(ids, starts, int(facts["text_bytes"]), str(facts["digest"]), skipped)
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None
    is_whole = (
        ids.dtype == (np.uint16 if encoder.vocabulary_size <= 2**16 else np.uint32)
        and starts.dtype == np.int64
        and len(starts) == len(skipped) == stories
        and len(ids) >= stories
        and int(ids[0]) == encoder.end_of_text
        and array_digest(folder / "ids.npy") == tokens.digest
    )
    return tokens if is_whole else None


# -- the baseline ----------------------------------------------------------------------------------------


def token_frequency_loss(training: TokenFile, validation: TokenFile, vocabulary_size: int) -> float:
    """The unigram baseline: validation loss, in nats per token, of the token frequencies in training.

    Add-one smoothing over the vocabulary keeps the cost of an unseen token finite. Headers are not counted.
    """
    counts = _learned(training, vocabulary_size) + 1
    costs = math.log(counts.sum()) - np.log(counts)
    targets = _learned(validation, vocabulary_size)
    return float((targets * costs).sum() / targets.sum())


def _learned(stream: TokenFile, vocabulary_size: int) -> npt.NDArray[np.int64]:
    skipped = [np.asarray(stream.ids[begin:end]) for begin, end in stream.skipped.tolist() if begin < end]
    counts = _counts(stream.ids, vocabulary_size)
    return counts - _counts(np.concatenate(skipped), vocabulary_size) if skipped else counts


def _counts(ids: Ids, vocabulary_size: int) -> npt.NDArray[np.int64]:
    counts = np.zeros(vocabulary_size, np.int64)
    for start in range(0, len(ids), 1 << 20):  # bincount copies its input at eight bytes per token
        counts += np.bincount(ids[start : start + (1 << 20)], minlength=vocabulary_size)
    return counts
