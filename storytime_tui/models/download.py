"""One model on its way from the Hugging Face Hub into the Hub's own cache. Knows no torch.

Only what is needed is fetched: the configuration, the tokenizer and safetensors weights. The small files come
first, so that a model that cannot be used here is refused before its weights are on their way. Every file is held
against the size and the hash that the Hub names, as it comes: nothing else becomes part of the cache.
"""

import math
import os
import queue
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import httpx

from storytime_tui import files, formatting, small_files
from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import folder as model_folder
from storytime_tui.models import hub_cache
from storytime_tui.models.hub_cache import cache_folder, storage_folder
from storytime_tui.models.hub_line import Abandoned, FileAnswer, HubClient, NotTheHub, token

_SPARE = 50_000_000  # bytes to leave free: a disk filled to the last one helps nobody
_RESTARTS = 3  # how often a file may begin again from nothing
_TRIES = 5  # in a row that bring nothing new
_PAUSE = 0.5  # seconds between two tries
_WANTED = (model_folder.CONFIG, model_folder.GENERATION_CONFIG, *model_folder.TOKENIZER_FILES)
_LARGEST = {  # bytes; what is larger would not be read here anyway
    model_folder.CONFIG: small_files.LIMIT,
    model_folder.GENERATION_CONFIG: small_files.LIMIT,
    model_folder.WEIGHTS_INDEX: model_folder.INDEX_LIMIT,
    **dict.fromkeys(model_folder.TOKENIZER_FILES, model_folder.TOKENIZER_LIMIT),
}


def endpoint() -> str:
    """Where the Hub is, by the environment of now."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


@dataclass(frozen=True)
class Came:
    """`done` of `total` bytes are here; `receiving` while a file's data is on its way."""

    done: int
    total: int
    receiving: bool


@dataclass(frozen=True)
class Named:
    """What the Hub says of a file: its bytes, None where it does not say, and its hash, or ""."""

    size: int | None
    hash: str


class Download:
    """One model's download: `run` it in a thread; `said` gives `Came`s, then a folder or what went wrong.

    `leave` makes it end at once, from any thread.
    """

    def __init__(self, repo_id: str) -> None:
        self.repo_id = repo_id
        self.said: queue.SimpleQueue[Came | Path | BaseException] = queue.SimpleQueue()
        self.file = ""  # on its way now
        self.kept = False  # whether some file is whole already
        self._line = HubClient(endpoint())
        self._done = 0
        self._total = 0
        self._revision = ""
        self._storage = storage_folder(repo_id)

    def run(self) -> None:
        """Fetch it all; never raises."""
        try:
            self.said.put(self._fetch())
        except BaseException as error:
            self.said.put(error if is_fault(error) else Abandoned())
        finally:
            self._line.close()

    def leave(self) -> None:
        """Nobody waits for it any more."""
        self._line.cut()

    def _fetch(self) -> Path:
        self._line.token = token()
        named = self._listing()
        model_folder.check_files(named, self.repo_id)
        small = [name for name in _WANTED if name in named]
        sharded = model_folder.WEIGHTS not in named
        if sharded:
            small.append(model_folder.WEIGHTS_INDEX)

        # What looks like a shard is counted until the index, fetched with the small files, names them.
        self._check_room(named, [*small, *(_shards_in(named) if sharded else [model_folder.WEIGHTS])])
        folder = self._get(model_folder.CONFIG, named).parent
        model_folder.check_config(model_folder.read_json(folder / model_folder.CONFIG), self.repo_id)
        for name in small:
            self._get(name, named)
        weights = model_folder.weight_names(folder)
        for name in weights:
            if name not in named:
                raise ModelError(f"{self.repo_id} is not whole on the Hub, it lacks {name}: pick another.")
        self._check_room(named, [*small, *weights])
        for name in weights:
            self._get(name, named)

        # Last, so that what the cache calls "main" is always whole, even if the Hub's moves on meanwhile.
        files.write_atomically(self._storage / "refs" / "main", folder.name.encode(), shared=True)
        return folder

    def _listing(self) -> dict[str, Named]:
        """What files there are, by name, at the commit of now."""
        info = self._line.json(f"/api/models/{quote(self.repo_id)}?blobs=true")
        siblings = info.get("siblings") if isinstance(info, dict) else None
        if not isinstance(siblings, list) or not hub_cache.is_commit(info.get("sha")):
            raise NotTheHub("no listing of a model")
        self._revision = info["sha"]
        return {
            each["rfilename"]: _named(each)
            for each in siblings
            if isinstance(each, dict) and isinstance(each.get("rfilename"), str)
        }

    def _get(self, name: str, listed: dict[str, Named]) -> Path:
        """One file of the snapshot, from the cache where it is there and sound."""
        self.file = name
        place = self._storage / "snapshots" / self._revision / name
        if place.exists() and hub_cache.is_sound(place, listed[name].hash):
            self.kept = True
            return place
        blobs = self._storage / "blobs"
        blob = blobs / (listed[name].hash or f"{self._revision}.{name}")
        files.forget_unused(blobs, days=math.inf)  # only what an earlier download left unfinished
        with files.file_written_atomically(blob, shared=True) as part, part.open("w+b") as file:
            self._receive(name, listed[name], file)
        hub_cache.place_blob(blob, place)
        self.kept = True
        return place

    def _receive(self, name: str, named: Named, file: BinaryIO) -> None:
        """Fill `file` with what the Hub sends, going on where the connection broke. Raises where it is not sound."""
        got = restarts = vain = 0
        while True:
            before, size, expected = got, named.size, named.hash
            try:
                with self._line.file(f"/{self.repo_id}/resolve/{self._revision}/{name}", got) as (
                    answer,
                    pieces,
                ):
                    size, expected = self._agreed(name, named, answer)
                    self._came(0, receiving=True)
                    if answer.start != got:
                        restarts += 1
                        if restarts > _RESTARTS or answer.start:
                            raise ConnectionError("the server keeps sending the same beginning")
                        self._came(-got, receiving=True)
                        file.seek(0)
                        file.truncate()
                        got = 0
                    for piece in pieces(size):
                        file.write(piece)
                        got += len(piece)
                        self._came(len(piece), receiving=True)
                if got == size:
                    break
            except httpx.TransportError:
                if vain >= _TRIES:
                    raise
            vain = 0 if got > before else vain + 1
            if vain > _TRIES:
                raise ConnectionError("the server sends nothing new")
            self._line.wait(_PAUSE)
        self._came(0, receiving=False)
        if expected and hub_cache.digest(file, expected) != expected:
            raise ModelError(
                f"What came as {name} of {self.repo_id} is not what the Hub has (its {len(expected) * 4}-bit hash is "
                "another), so it was not kept: try again later, and check HF_ENDPOINT."
            )

    def _agreed(self, name: str, named: Named, answer: FileAnswer) -> tuple[int, str]:
        """A file's size and hash by the listing and by the answer."""
        size = answer.size if named.size is None else named.size
        if size is None:
            raise NotTheHub("a file whose length is not named")
        if answer.size not in (None, size):
            raise ConnectionError("the server sends a file of another length than it named")
        if size > _LARGEST.get(name, size):
            raise ModelError(
                f"{name} of {self.repo_id} has {size:,} bytes, far more than such a file needs: pick another model."
            )
        return size, named.hash or answer.hash

    def _check_room(self, named: dict[str, Named], names: Iterable[str]) -> None:
        """Count what is still to fetch; raise ModelError where the disk has no room for it."""
        snapshot = self._storage / "snapshots" / self._revision
        missing = sum(named[name].size or 0 for name in names if not (snapshot / name).exists())
        self._total = self._done + missing
        folder = next(each for each in (snapshot, *snapshot.parents) if each.exists())
        free = shutil.disk_usage(folder).free
        needed = missing + max(missing // 20, _SPARE)
        if missing and free < needed:
            raise ModelError(
                f"{self.repo_id} needs {formatting.size(needed)} of disk in {cache_folder()}, "
                f"and {formatting.size(free)} are free: make room, or let HF_HOME name a folder on a bigger disk."
            )

    def _came(self, count: int, *, receiving: bool) -> None:
        """Note `count` more bytes."""
        self._done += count
        self.said.put(Came(min(self._done, self._total), self._total, receiving))


def _named(each: dict[str, object]) -> Named:
    """What a listing says of one file. Raises NotTheHub for a size that cannot be."""
    size, large = each.get("size"), each.get("lfs")
    if size is not None and (type(size) is not int or size < 0):
        raise NotTheHub("a file of an impossible size")
    digest = large.get("sha256") if isinstance(large, dict) else each.get("blobId")
    return Named(size, digest if isinstance(digest, str) and hub_cache.is_hash(digest) else "")


def _shards_in(named: Iterable[str]) -> list[str]:
    return [name for name in named if name.startswith("model-") and name.endswith(".safetensors")]
