"""Models from the Hugging Face Hub: from its cache on this machine, or fetched into it. Knows no torch."""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from storytime_tui import small_files
from storytime_tui.errors import ModelError, StorytimeError
from storytime_tui.models import catalogue, hub_cache, trouble
from storytime_tui.models import folder as model_folder
from storytime_tui.models.download import Download

_ANSWER = 45.0  # seconds to wait for an answer of the Hub
_DATA = 120.0  # seconds without data
_POLL = 0.1  # seconds between two looks at whether to stop


class FetchStopped(ModelError):
    """The user stopped the download."""


def fetch(
    repo_id: str,
    on_progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """The folder with the whole model `repo_id`, fetched unless it is in the cache already.

    A whole and sound model in the cache is used as it is, without a word to the network. `on_progress(what, done,
    total)` counts bytes, in the calling thread; `cancelled` is asked ten times a second. HF_ENDPOINT,
    HF_HOME, HF_HUB_CACHE, HF_TOKEN and HF_HUB_OFFLINE are respected. Raises ModelError with one sentence for
    all that can go wrong, and FetchStopped where `cancelled` said so.
    """
    if not catalogue.is_repo_id(repo_id):
        raise ModelError(f"{repo_id!r} is no model's id: an id on the Hub is written model or owner/model.")
    here = cached(repo_id)
    damaged = [] if here is None else [each.name for each in here.iterdir() if not hub_cache.is_sound(each)]
    if here is not None and not damaged:
        return here
    if damaged and _offline():
        raise ModelError(
            f"{repo_id} is damaged on this machine ({damaged[0]} is not what the Hub had), and HF_HUB_OFFLINE forbids "
            "fetching it again: unset it, or pick another base."
        )
    if _offline():
        raise ModelError(
            f"{repo_id} is not on this machine, and HF_HUB_OFFLINE forbids fetching it: unset it, or pick a "
            f"base that works offline ({trouble.offline()})."
        )
    return _wait(Download(repo_id), on_progress, cancelled)


def cached(repo_id: str) -> Path | None:
    """The folder with the whole model `repo_id` in the Hub's cache, or None."""
    storage = hub_cache.storage_folder(repo_id)
    try:
        commit = small_files.read_text(storage / "refs" / "main", 1000).strip()
        if not hub_cache.is_commit(commit):
            return None
        snapshot = storage / "snapshots" / commit
        model_folder.check_folder(snapshot)
    except (OSError, StorytimeError):
        return None
    return snapshot


def _offline() -> bool:
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in ("1", "ON", "YES", "TRUE")


def _wait(
    job: Download, on_progress: Callable[[str, int, int], None] | None, cancelled: Callable[[], bool] | None
) -> Path:
    """Run `job` in a thread of its own, so that neither a silent server nor a slow one keeps the caller.

    A thread that is left behind ends at once, since its connection is cut.
    """
    threading.Thread(target=job.run, name=f"fetch {job.repo_id}", daemon=True).start()
    patience, heard = _ANSWER, time.monotonic()
    try:
        while True:
            if cancelled is not None and cancelled():
                raise FetchStopped(f"Fetching {job.repo_id} was stopped; the files that came whole are kept.")
            try:
                said = job.said.get(timeout=_POLL)
            except queue.Empty:
                if time.monotonic() - heard > patience:
                    raise trouble.silent(job.repo_id) from None
                continue
            if isinstance(said, Path):
                return said
            if isinstance(said, BaseException):
                raise trouble.explain_download(said, job) from said
            patience, heard = _DATA if said.receiving else _ANSWER, time.monotonic()
            if on_progress is not None:
                on_progress(f"fetching {job.repo_id}", said.done, said.total)
    finally:
        job.leave()
