"""Downloading one model from the Hugging Face Hub into the Hub's own cache. Knows no torch.

Only the needed files are fetched: configuration, tokenizer and safetensors weights. The small files come first,
so an unusable model is refused before its weights are downloaded. Each file is checked against the size and hash
that the Hub states; a file that fails the check does not enter the cache.
"""

import math
import os
import queue
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from storytime_tui import files, formatting, small_files
from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import folder as model_folder
from storytime_tui.models import hub_cache, hub_conversion
from storytime_tui.models.hub_cache import cache_folder, storage_folder
from storytime_tui.models.hub_client import Cancelled, FileAnswer, HubClient, NotTheHub, token
from storytime_tui.models.hub_listing import FileInfo, fetch_listing

_SPARE_BYTES = 50_000_000  # bytes to leave free on the disk
_MAX_RESTARTS = 3  # times that one file may restart from the first byte
_MAX_STALLS = 5  # consecutive attempts without new bytes
_PAUSE = 0.5  # seconds between two attempts
_TICK = 0.05  # seconds between two looks whether the download is wanted
_SMALL_FILES = (model_folder.CONFIG, model_folder.GENERATION_CONFIG, *model_folder.TOKENIZER_FILES)
_LARGEST = {  # bytes; larger files would not be read here anyway
    model_folder.CONFIG: small_files.LIMIT,
    model_folder.GENERATION_CONFIG: small_files.LIMIT,
    model_folder.WEIGHTS_INDEX: model_folder.INDEX_LIMIT,
    **dict.fromkeys(model_folder.TOKENIZER_FILES, model_folder.TOKENIZER_LIMIT),
}


USUAL_ENDPOINT = "https://huggingface.co"


def endpoint() -> str:
    """The Hub's address, read from the environment on each call."""
    return (os.environ.get("HF_ENDPOINT") or USUAL_ENDPOINT).rstrip("/")


@dataclass(frozen=True)
class Received:
    """`done` of `total` bytes are here; `receiving` is true while data of a file arrives."""

    done: int
    total: int
    receiving: bool


@dataclass(frozen=True)
class Announced:
    """The download will fetch this many bytes more; it waits for `go_on`."""

    bytes: int


class Download:
    """One model's download: call `run` in a thread; `messages` yields one `Announced` if there is anything to fetch,
    `Received`s, then the folder or the error.

    Nothing but the listing and the configuration is fetched before `go_on`. `cancel` ends it at once. Both may be
    called from any thread.
    """

    def __init__(self, repo_id: str) -> None:
        self.repo_id = repo_id
        self.messages: queue.SimpleQueue[Announced | Received | Path | BaseException] = queue.SimpleQueue()
        self.file = ""  # being downloaded now
        self.kept = False  # whether at least one file is complete
        self._agreed = threading.Event()
        self._client = HubClient(endpoint())
        self._done = 0
        self._total = 0
        self._revision = ""
        self._storage = storage_folder(repo_id)

    def run(self) -> None:
        """Fetch the model; never raises."""
        try:
            self.messages.put(self._fetch())
        except BaseException as error:
            self.messages.put(error if is_fault(error) else Cancelled())
        finally:
            self._client.close()

    def go_on(self) -> None:
        """Fetch what was announced."""
        self._agreed.set()

    def cancel(self) -> None:
        """End the download at once."""
        self._client.cancel()

    def _fetch(self) -> Path:
        self._client.token = token()
        found = fetch_listing(self._client, self.repo_id)
        found = hub_conversion.with_safetensors(self._client, self.repo_id, found)
        self._revision, listing = found.commit, found.files
        model_folder.check_files(listing, self.repo_id)
        small_files = [name for name in _SMALL_FILES if name in listing]
        sharded = model_folder.WEIGHTS not in listing
        if sharded:
            small_files.append(model_folder.WEIGHTS_INDEX)

        # Shards are first counted by their names, until the index, fetched with the small files, lists them.
        self._check_room(
            listing, [*small_files, *(_shards_in(listing) if sharded else [model_folder.WEIGHTS])]
        )
        folder = self._get(model_folder.CONFIG, listing).parent
        model_folder.check_config(model_folder.read_json(folder / model_folder.CONFIG), self.repo_id)
        self._announce()
        for name in small_files:
            self._get(name, listing)
        weights = model_folder.weight_names(folder)
        for name in weights:
            if name not in listing:
                raise ModelError(
                    f"{self.repo_id} is incomplete on the Hub, it lacks {name}: pick another model."
                )
        self._check_room(listing, [*small_files, *weights])
        for name in weights:
            self._get(name, listing)

        # The ref is written last, so in the cache it is always a complete model, even if the Hub's moves on.
        files.write_atomically(self._storage / "refs" / found.ref, folder.name.encode(), shared=True)
        return folder

    def _announce(self) -> None:
        """Say how much is still to be fetched, and wait until that is wanted. Raises Cancelled."""
        if missing := self._total - self._done:
            self.messages.put(Announced(missing))
            while not self._agreed.is_set():
                self._client.wait(_TICK)

    def _get(self, name: str, listing: dict[str, FileInfo]) -> Path:
        """One file of the snapshot: from the cache if it is there and intact, else downloaded."""
        self.file = name
        target = self._storage / "snapshots" / self._revision / name
        if target.exists() and hub_cache.is_intact(target, listing[name].hash):
            self.kept = True
            return target
        blobs = self._storage / "blobs"
        blob = blobs / (listing[name].hash or f"{self._revision}.{name}")
        files.forget_unused(blobs, days=math.inf)  # partial files of an earlier download
        with files.file_written_atomically(blob, shared=True) as part, part.open("w+b") as file:
            self._receive(name, listing[name], file)
        hub_cache.link_blob(blob, target)
        self.kept = True
        return target

    def _receive(self, name: str, info: FileInfo, file: BinaryIO) -> None:
        """Download a file's bytes into `file`, resuming where the connection broke. Raises if size or hash do not
        match."""
        received = restarts = stalls = 0
        while True:
            before, size, expected = received, info.size, info.hash
            try:
                with self._client.file(f"/{self.repo_id}/resolve/{self._revision}/{name}", received) as (
                    answer,
                    chunks,
                ):
                    size, expected = self._size_and_hash(name, info, answer)
                    self._count(0, receiving=True)
                    if answer.start != received:
                        restarts += 1
                        if restarts > _MAX_RESTARTS or answer.start:
                            raise ConnectionError("the server keeps sending the same beginning")
                        self._count(-received, receiving=True)
                        file.seek(0)
                        file.truncate()
                        received = 0
                    for chunk in chunks(size):
                        file.write(chunk)
                        received += len(chunk)
                        self._count(len(chunk), receiving=True)
                if received == size:
                    break
            except httpx.TransportError:
                if stalls >= _MAX_STALLS:
                    raise
            stalls = 0 if received > before else stalls + 1
            if stalls > _MAX_STALLS:
                raise ConnectionError("the server sends nothing new")
            self._client.wait(_PAUSE)
        self._count(0, receiving=False)
        if expected and hub_cache.digest(file, expected) != expected:
            raise ModelError(
                f"The download of {name} of {self.repo_id} does not match the Hub's {len(expected) * 4}-bit hash, so "
                "it was not kept: try again later, and check HF_ENDPOINT."
            )

    def _size_and_hash(self, name: str, info: FileInfo, answer: FileAnswer) -> tuple[int, str]:
        """A file's size and hash, from the listing or else from the answer."""
        size = answer.size if info.size is None else info.size
        if size is None:
            raise NotTheHub("a file without a stated length")
        if answer.size not in (None, size):
            raise ConnectionError("the server sends a file of a different length than it stated")
        if size > _LARGEST.get(name, size):
            raise ModelError(
                f"{name} of {self.repo_id} has {size:,} bytes, far too many for such a file: pick another model."
            )
        return size, info.hash or answer.hash

    def _check_room(self, listing: dict[str, FileInfo], names: Iterable[str]) -> None:
        """Set the number of bytes still to fetch; raise ModelError if the disk has no room for them."""
        snapshot = self._storage / "snapshots" / self._revision
        missing = sum(listing[name].size or 0 for name in names if not (snapshot / name).exists())
        self._total = self._done + missing
        folder = next(each for each in (snapshot, *snapshot.parents) if each.exists())
        free = shutil.disk_usage(folder).free
        needed = missing + max(missing // 20, _SPARE_BYTES)
        if missing and free < needed:
            raise ModelError(
                f"{self.repo_id} needs {formatting.size(needed)} of disk space in {cache_folder()}, but only "
                f"{formatting.size(free)} is free: make room, or set HF_HOME to a folder on a bigger disk."
            )

    def _count(self, count: int, *, receiving: bool) -> None:
        """Add `count` bytes and report the progress."""
        self._done += count
        self.messages.put(Received(min(self._done, self._total), self._total, receiving))


def _shards_in(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith("model-") and name.endswith(".safetensors")]
