"""Uploading a model to the Hugging Face Hub. Knows no torch."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from storytime_tui.errors import ModelError
from storytime_tui.models import catalogue
from storytime_tui.models.download import endpoint  # imported first: it turns off the library's telemetry

import huggingface_hub  # isort: skip
from huggingface_hub import errors as hub_errors  # isort: skip
from huggingface_hub.utils import disable_progress_bars, get_session  # type: ignore[attr-defined]  # isort: skip
from huggingface_hub.utils import logging as hub_logging  # isort: skip

hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # its messages would disturb the screen

_TIMEOUT = 45.0  # seconds to wait for the Hub's permission to write
_LARGEST_ANSWER = 24_000_000  # bytes

Result = TypeVar("Result")


def check_repo_id(repo_id: str) -> None:
    """Raise ModelError if `repo_id` is not of the form owner/model."""
    if "/" not in repo_id or not catalogue.is_repo_id(repo_id):
        raise ModelError(
            f"{repo_id!r} is not a repository on the Hub: write it as owner/model, such as ada/hedgerow-tales."
        )


def make_repo(repo_id: str, *, private: bool) -> str:
    """Create the repository unless it exists, and return its address; `private` applies to a new one.

    HF_ENDPOINT and HF_TOKEN are respected. Raises ModelError with one sentence if the Hub does not answer, cannot
    be reached, or refuses.
    """
    check_repo_id(repo_id)
    api = _api()
    _with_timeout(
        _TIMEOUT,
        lambda: api.create_repo(repo_id, private=private or None, exist_ok=True),
        repo_id,
    )
    return f"{endpoint()}/{repo_id}"


def upload(path: Path, repo_id: str, message: str) -> None:
    """Upload a folder's files, or one file, to the repository as one commit.

    Raises ModelError with one sentence; the repository is then unchanged.
    """
    api = _api()
    disable_progress_bars()  # they would disturb the screen
    try:
        if path.is_dir():
            api.upload_folder(repo_id=repo_id, folder_path=path, commit_message=message)
        else:
            api.upload_file(
                repo_id=repo_id, path_or_fileobj=path, path_in_repo=path.name, commit_message=message
            )
    except Exception as error:
        raise _explain(error, repo_id) from error


def _api() -> Any:
    session: Any = get_session()
    hooks = session.event_hooks
    if _limit_answer not in hooks["response"]:  # the library reads answers of any length
        session.headers["accept-encoding"] = "identity"
        session.event_hooks = {**hooks, "response": [*hooks["response"], _limit_answer]}
    return huggingface_hub.HfApi(endpoint=endpoint())


def _limit_answer(response: Any) -> None:
    """Limit an answer to `_LARGEST_ANSWER` bytes; reading more raises ValueError, as does a compressed answer."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("a compressed answer, which was not requested")
    stream = response.stream
    # the base class of the library's own httpx
    base = next(each for each in type(stream).__mro__ if each.__name__ == "SyncByteStream")

    def chunks(_: object) -> Iterator[bytes]:
        received = 0
        for chunk in stream:
            received += len(chunk)
            if received > _LARGEST_ANSWER:
                raise ValueError("an answer that is far too long")
            yield chunk

    response.stream = type("Bounded", (base,), {"__iter__": chunks, "close": lambda _: stream.close()})()


def _with_timeout(seconds: float, work: Callable[[], Result], repo_id: str) -> Result:
    """Do `work` in its own thread, because the library waits for ever for a silent server."""
    outcome: queue.SimpleQueue[tuple[Result | None, Exception | None]] = queue.SimpleQueue()

    def body() -> None:
        try:
            outcome.put((work(), None))
        except Exception as error:
            outcome.put((None, error))

    threading.Thread(target=body, name=f"upload {repo_id}", daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise ModelError(
            f"The Hub at {endpoint()} does not answer, so nothing was uploaded to {repo_id}: try again later."
        ) from None
    if error is not None:
        raise _explain(error, repo_id) from error
    return result  # type: ignore[return-value]


def _explain(error: Exception, repo_id: str) -> ModelError:
    sign_in = "sign in with `hf auth login`, or set HF_TOKEN to a token that may write"
    if isinstance(error, ModelError):
        return error
    if isinstance(error, hub_errors.LocalTokenNotFoundError):
        return ModelError(f"You are not signed in to the Hub, so {repo_id} cannot be written: {sign_in}.")
    if isinstance(error, hub_errors.OfflineModeIsEnabled):
        return ModelError(f"HF_HUB_OFFLINE forbids uploading to {repo_id}: unset it, and try again.")
    if isinstance(error, hub_errors.HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return ModelError(f"The Hub does not accept your sign-in for {repo_id}: {sign_in}.")
        if status in (403, 404):
            owner = repo_id.partition("/")[0]
            return ModelError(
                f"Your sign-in may not write to {repo_id}: push to a repository of your own instead of "
                f"{owner}'s, or {sign_in} there."
            )
        if status == 429:
            return ModelError(
                f"The Hub limits requests right now: upload to {repo_id} again in a few minutes."
            )
        return ModelError(
            f"The Hub answered with error {status} when {repo_id} was written: try again later."
        )
    if isinstance(error, hub_errors.HFValidationError):
        return ModelError(f"{repo_id!r} is not a repository on the Hub: write it as owner/model.")
    if isinstance(error, ValueError):  # the answer is not JSON, or the Hub refuses the model card
        return ModelError(
            f"{endpoint()} does not answer like the Hub when {repo_id} is written, or it refuses the model's "
            "README.md: check HF_ENDPOINT, and whether the network needs a login."
        )
    return ModelError(
        f"The Hub at {endpoint()} cannot be reached, so nothing was uploaded to {repo_id}: check the network."
    )
