"""Models from the Hugging Face Hub: from its local cache, or downloaded into it. Knows no torch."""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from storytime_tui.errors import ModelError
from storytime_tui.models import catalogue, hub_cache, hub_errors
from storytime_tui.models.download import USUAL_ENDPOINT, Announced, Download, endpoint
from storytime_tui.models.wanted import Wanted, is_agreed

_ANSWER_TIMEOUT = 45.0  # seconds
_DATA_TIMEOUT = 120.0  # seconds without new data
_POLL = 0.1  # seconds between two checks for cancellation


class FetchStopped(ModelError):
    """The user stopped the download, or did not want it."""


def fetch(
    repo_id: str,
    on_progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """The folder with the complete model `repo_id`, downloaded unless an intact copy is in the cache.

    A cached model is used without network access. `on_progress(what, done, total)` counts bytes, in the calling
    thread; `cancelled` is polled ten times a second. Before a download begins, the user is asked (see `wanted`).
    HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN and HF_HUB_OFFLINE
    are respected. Raises ModelError with one sentence for every failure, and FetchStopped after cancellation or a no.
    """
    if not catalogue.is_repo_id(repo_id):
        raise ModelError(f"{repo_id!r} is not a model id: an id on the Hub is written model or owner/model.")
    folder = hub_cache.cached(repo_id)
    damaged = (
        [] if folder is None else [each.name for each in folder.iterdir() if not hub_cache.is_intact(each)]
    )
    if folder is not None and not damaged:
        return folder
    if damaged and _offline():
        raise ModelError(
            f"{repo_id} is damaged on this machine ({damaged[0]} has a wrong hash), and HF_HUB_OFFLINE forbids "
            "fetching it again: unset it, or pick another base."
        )
    if _offline():
        raise ModelError(
            f"{repo_id} is not on this machine, and HF_HUB_OFFLINE forbids fetching it: unset it, or pick a "
            f"base that works offline ({hub_errors.offline_bases()})."
        )
    try:
        job = Download(repo_id)
    except (
        ValueError,
        ImportError,
        OSError,
        httpx.InvalidURL,
    ) as error:  # a proxy that is no address, or of a kind that lacks a library
        raise hub_errors.unusable_proxy(error) from error
    return _wait(job, on_progress, cancelled)


def is_mirror() -> bool:
    """Whether HF_ENDPOINT names another server than the Hub itself."""
    return endpoint() != USUAL_ENDPOINT


def _offline() -> bool:
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in ("1", "ON", "YES", "TRUE")


def _wait(
    job: Download, on_progress: Callable[[str, int, int], None] | None, cancelled: Callable[[], bool] | None
) -> Path:
    """Run `job` in its own thread, so that a silent or slow server cannot block the caller.

    On return the connection is cut, so the thread ends.
    """
    threading.Thread(target=job.run, name=f"fetch {job.repo_id}", daemon=True).start()
    timeout, last_message = _ANSWER_TIMEOUT, time.monotonic()
    try:
        while True:
            if cancelled is not None and cancelled():
                raise FetchStopped(f"Fetching {job.repo_id} was stopped; the completed files are kept.")
            try:
                message = job.messages.get(timeout=_POLL)
            except queue.Empty:
                if time.monotonic() - last_message > timeout:
                    raise hub_errors.silent(job.repo_id) from None
                continue
            if isinstance(message, Path):
                return message
            if isinstance(message, Announced):
                if not is_agreed(_wanted(job, message), cancelled or (lambda: False)):
                    raise FetchStopped(f"{job.repo_id} was not downloaded.")
                job.go_on()
                last_message = time.monotonic()
                continue
            if isinstance(message, BaseException):
                raise hub_errors.explain_download(message, job) from message
            timeout, last_message = _DATA_TIMEOUT if message.receiving else _ANSWER_TIMEOUT, time.monotonic()
            if on_progress is not None:
                on_progress(f"fetching {job.repo_id}", message.done, message.total)
    finally:
        job.cancel()


def _wanted(job: Download, announced: Announced) -> Wanted:
    return Wanted(job.repo_id, announced.bytes, endpoint(), hub_cache.cache_folder())
