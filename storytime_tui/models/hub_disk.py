"""The models that the Hub's cache keeps on this machine: how large each is, and removing one. Loads no torch."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storytime_tui import files
from storytime_tui.errors import ModelError
from storytime_tui.models import (
    hub_client as hub_client,
)  # imported first: it turns off the library's telemetry
from storytime_tui.models.hub_cache import cache_folder

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo, HFCacheInfo


@dataclass(frozen=True)
class CachedModel:
    """A model in the cache: its id, its size in bytes, and the days since a program last read it."""

    repo_id: str
    bytes: int
    idle_days: int


def cached_models() -> tuple[CachedModel, ...]:
    """The models in the Hub's cache, the largest first; none if there is no cache. Data sets are not listed."""
    found = _scan()
    now = time.time()
    models = [
        CachedModel(repo.repo_id, _bytes_in(repo.repo_path), max(0, int((now - repo.last_accessed) / 86_400)))
        for repo in (_models_of(found) if found else ())
    ]
    return tuple(sorted(models, key=lambda model: (-model.bytes, model.repo_id)))


def remove_cached(repo_id: str) -> None:
    """Remove a model from the Hub's cache. Raises ModelError if it is not there or cannot be removed.

    By its folder: huggingface_hub removes by commit, and a model under two ids (gpt2 and openai-community/gpt2) has the
    same commits under both.
    """
    found = _scan()
    repo = next((each for each in _models_of(found) if each.repo_id == repo_id), None) if found else None
    if repo is None:
        raise ModelError(f"{repo_id} is not in the Hub's cache {cache_folder()}.")
    try:
        files.remove_folder(repo.repo_path / "refs")  # first: without them it counts as not downloaded
        files.remove_folder(repo.repo_path)
    except OSError as error:
        raise ModelError(files.explain(error, f"removing {repo_id} from the Hub's cache")) from error


def _scan() -> HFCacheInfo | None:
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        return scan_cache_dir(cache_folder())
    except (CacheNotFound, ValueError, OSError):  # ValueError: it is a file
        return None


def _bytes_in(folder: Path) -> int:
    """All files, also those that a download left behind which broke off; links are not followed."""
    sizes = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                about = os.lstat(os.path.join(place, name))
                sizes += about.st_size if stat.S_ISREG(about.st_mode) else 0
    return sizes


def _models_of(found: HFCacheInfo) -> list[CachedRepoInfo]:
    return [repo for repo in found.repos if repo.repo_type == "model"]
