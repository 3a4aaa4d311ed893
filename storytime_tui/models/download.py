"""One model on its way from the Hugging Face Hub into the Hub's own cache. Knows no torch.

Only what is needed is fetched: the configuration, the tokenizer and safetensors weights. The small files come
first, so that a model that cannot be used here is refused before its weights are on their way.
"""

import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before the library reads it: else it asks the Hub for a list of programs to look for on this machine, and
# names what it found in the header of every request.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import huggingface_hub
from huggingface_hub.utils import logging as hub_logging

from storytime_tui import files
from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder

hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what it prints tears the screen

_ANSWER = 10.0  # seconds that the Hub may take for its first answer
_SPARE = 50_000_000  # bytes to leave free: a disk filled to the last one helps nobody
_RESTARTS = 3  # how often a file may begin again from nothing
_WANTED = (model_folder.CONFIG, model_folder.GENERATION_CONFIG, *model_folder.TOKENIZER_FILES)


def endpoint() -> str:
    """Where the Hub is, by the environment of now."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def cache_folder() -> Path:
    """The Hub's cache, found as huggingface_hub finds it, but by the environment of now."""
    default = os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    hub = os.path.join(os.environ.get("HF_HOME", default), "hub")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or hub
    return Path(os.path.expandvars(os.path.expanduser(named)))


def storage_folder(repo_id: str) -> Path:
    """What the cache keeps of one model: `refs`, `snapshots`, `blobs`."""
    return cache_folder() / f"models--{repo_id.replace('/', '--')}"


@dataclass(frozen=True)
class Came:
    """`done` of `total` bytes are here; `receiving` while a file's data is on its way."""

    done: int
    total: int
    receiving: bool


class Abandoned(Exception):
    """Nobody waits for this download any more."""


class Download:
    """One model's download: `run` it in a thread; `said` gives `Came`s, then a folder or what went wrong.

    Set `left` to make it end at its next piece of data.
    """

    def __init__(self, repo_id: str) -> None:
        self.repo_id = repo_id
        self.said: queue.SimpleQueue[Came | Path | Exception] = queue.SimpleQueue()
        self.left = threading.Event()
        self.file = ""  # on its way now
        self.kept = False  # whether some file is whole already
        self._done = 0
        self._total = 0
        self._revision = ""

    def run(self) -> None:
        """Fetch it all; never raises."""
        try:
            self.said.put(self._fetch())
        except Exception as error:
            self.said.put(error)

    def _fetch(self) -> Path:
        api = huggingface_hub.HfApi(endpoint=endpoint())
        info = api.model_info(self.repo_id, files_metadata=True, timeout=_ANSWER)
        sizes = {each.rfilename: each.size or 0 for each in info.siblings or ()}
        self._revision = info.sha or "main"
        model_folder.check_files(sizes, self.repo_id)
        small = [name for name in _WANTED if name in sizes]
        sharded = model_folder.WEIGHTS not in sizes
        if sharded:
            small.append(model_folder.WEIGHTS_INDEX)

        # What looks like a shard is counted until the index, fetched with the small files, names them.
        self._check_room(sizes, [*small, *(_shards_in(sizes) if sharded else [model_folder.WEIGHTS])])
        folder = self._get(model_folder.CONFIG).parent
        model_folder.check_config(model_folder.read_json(folder / model_folder.CONFIG), self.repo_id)
        for name in small:
            self._get(name)
        weights = model_folder.weight_names(folder)
        for name in weights:
            if name not in sizes:
                raise ModelError(f"{self.repo_id} is not whole on the Hub, it lacks {name}: pick another.")
        self._check_room(sizes, [*small, *weights])
        for name in weights:
            self._get(name)

        # Last, so that what the cache calls "main" is always whole, even if the Hub's moves on meanwhile.
        files.write_atomically(
            storage_folder(self.repo_id) / "refs" / "main", folder.name.encode(), shared=True
        )
        return folder

    def _get(self, name: str) -> Path:
        """One file, from the cache where it is there."""
        self.file = name
        path = huggingface_hub.hf_hub_download(
            self.repo_id,
            name,
            revision=self._revision,
            endpoint=endpoint(),
            cache_dir=cache_folder(),
            tqdm_class=_bar_into(self.came),
        )
        self.kept = True
        return Path(path)

    def _check_room(self, sizes: dict[str, int], names: Iterable[str]) -> None:
        """Count what is still to fetch; raise ModelError where the disk has no room for it."""
        snapshot = storage_folder(self.repo_id) / "snapshots" / self._revision
        missing = sum(sizes[name] for name in names if not (snapshot / name).exists())
        self._total = self._done + missing
        folder = next(each for each in (snapshot, *snapshot.parents) if each.exists())
        free = shutil.disk_usage(folder).free
        needed = missing + max(missing // 20, _SPARE)
        if missing and free < needed:
            raise ModelError(
                f"{self.repo_id} needs {_size(needed)} of disk in {cache_folder()}, and {_size(free)} are "
                "free: make room, or let HF_HOME name a folder on a bigger disk."
            )

    def came(self, count: int, receiving: bool) -> None:
        """Note `count` more bytes. Raises Abandoned where nobody waits any more."""
        if self.left.is_set():
            raise Abandoned
        self._done += count
        self.said.put(Came(min(self._done, self._total), self._total, receiving))


def _bar_into(came: Callable[[int, bool], None]) -> type[Any]:
    """What the library takes for a progress bar: it counts, prints nothing, and ends what goes in circles."""

    class Bar:
        def __init__(self, *_: object, total: float | None = None, **__: object) -> None:
            self.total = total  # the library reads and sets it
            self._restarts = 0
            came(0, True)

        def update(self, n: float | None = 1) -> None:
            count = int(n or 0)
            if count < 0:  # the server began again, what had come is void; the library would retry for ever
                self._restarts += 1
                if self._restarts > _RESTARTS:
                    raise ConnectionError("the server keeps sending the same beginning")
            came(count, True)

        def update_transfer(self, n: float | None = 1) -> None:
            came(0, True)  # bytes off the wire, not on the disk yet: a sign of life

        def close(self) -> None:
            came(0, False)

        def set_postfix_str(self, *_: object, **__: object) -> None: ...

        def set_transfer_postfix_str(self, *_: object, **__: object) -> None: ...

        def refresh(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, kind: object, *_: object) -> None:
            if kind is None:
                self.close()

    return Bar


def _shards_in(sizes: dict[str, int]) -> list[str]:
    return [name for name in sizes if name.startswith("model-") and name.endswith(".safetensors")]


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
