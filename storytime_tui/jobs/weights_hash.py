"""Which weights a model was opened from: a hash of their files, computed once per file and kept. Loads no torch."""

import contextlib
import functools
import json
import os
import re
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from storytime_tui import disk_cache, paths
from storytime_tui.errors import ModelError
from storytime_tui.models import folder as model_folder
from storytime_tui.models.identity import digest_of
from storytime_tui.small_files import UnreadableFile, is_regular, read_bytes

_HASH = re.compile(r"[0-9a-f]{64}")


class WeightsHash:
    """The hash of the weights in some folders, computed in the background: large files take seconds the first time."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders, self._hash = tuple(folders), ""
        self._thread = threading.Thread(target=self._compute, name="storytime-weights", daemon=True)
        if self._folders:
            self._thread.start()

    def get(self) -> str:
        """One SHA-256 per folder, separated by spaces; "" if there are no folders, or if one cannot be read."""
        if self._folders:
            self._thread.join()
        return self._hash

    def _compute(self) -> None:
        with contextlib.suppress(ModelError, OSError):
            self._hash = " ".join(hash_of(folder) for folder in self._folders)


def hash_of(folder: Path) -> str:
    """The SHA-256 of all weights in a folder, full or adapter (see `digest_of`). Raises ModelError or OSError.

    A file is read again only if its size or time has changed.
    """
    adapter = folder / model_folder.ADAPTER_WEIGHTS
    names = (adapter.name,) if is_regular(adapter) else model_folder.weight_names(folder)
    facts = []
    for name in names:
        found = os.stat(folder / name)
        facts.append((str((folder / name).resolve()), found.st_size, found.st_mtime_ns))
    return _kept_hash(folder, json.dumps(facts))


@functools.lru_cache(maxsize=32)
def _kept_hash(folder: Path, facts: str) -> str:
    key = sha256(facts.encode()).hexdigest()[:40]
    path = paths.cache_folder() / "weights" / f"{key}.txt"
    found = disk_cache.find(path, _read)
    if found is None:
        found = digest_of(folder)
        disk_cache.remember(path, found.encode())
    return found


def _read(path: Path) -> str | None:
    with contextlib.suppress(OSError, UnreadableFile):
        text = read_bytes(path).decode("ascii", "replace")
        return text if _HASH.fullmatch(text) else None
    return None
