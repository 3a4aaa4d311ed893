"""A model on its way from this machine to the Hugging Face Hub. Knows no torch."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from storytime_tui.errors import ModelError
from storytime_tui.models import catalogue
from storytime_tui.models.download import endpoint  # first: it keeps the library from asking for more

import huggingface_hub  # isort: skip
from huggingface_hub import errors as hub_errors  # isort: skip
from huggingface_hub.utils import disable_progress_bars, get_session  # type: ignore[attr-defined]  # isort: skip
from huggingface_hub.utils import logging as hub_logging  # isort: skip

hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what it prints tears the screen

_ANSWER = 45.0  # seconds to wait for the Hub to say whether we may write there
_LARGEST = 24_000_000  # bytes of an answer

Result = TypeVar("Result")


def check_repo_id(repo_id: str) -> None:
    """Raise ModelError for what cannot be a repository of one's own."""
    if "/" not in repo_id or not catalogue.is_repo_id(repo_id):
        raise ModelError(
            f"{repo_id!r} is no place on the Hub: write it as owner/model, such as ada/hedgerow-tales."
        )


def make_repo(repo_id: str, *, private: bool) -> str:
    """Make the repository unless it is there, and give its address. `private` is for a new one.

    HF_ENDPOINT and HF_TOKEN are respected. Raises ModelError with one sentence where the Hub is silent, cannot be
    reached, or does not let us.
    """
    check_repo_id(repo_id)
    api = _api()
    _within(
        _ANSWER,
        lambda: api.create_repo(repo_id, private=private or None, exist_ok=True),
        repo_id,
    )
    return f"{endpoint()}/{repo_id}"


def upload(path: Path, repo_id: str, message: str) -> None:
    """Put a folder's files, or one file, into the repository as one commit.

    Raises ModelError with one sentence; nothing of it is in the repository then.
    """
    api = _api()
    disable_progress_bars()  # what they print tears the screen
    try:
        if path.is_dir():
            api.upload_folder(repo_id=repo_id, folder_path=path, commit_message=message)
        else:
            api.upload_file(
                repo_id=repo_id, path_or_fileobj=path, path_in_repo=path.name, commit_message=message
            )
    except Exception as error:
        raise _explained(error, repo_id) from error


def _api() -> Any:
    session: Any = get_session()
    hooks = session.event_hooks
    if _bound not in hooks["response"]:  # the library takes an answer whole, however long it is
        session.headers["accept-encoding"] = "identity"
        session.event_hooks = {**hooks, "response": [*hooks["response"], _bound]}
    return huggingface_hub.HfApi(endpoint=endpoint())


def _bound(response: Any) -> None:
    """Let an answer be no longer than `_LARGEST` bytes. Raises ValueError for a packed one; reading may raise it."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("a packed answer, which was not asked for")
    stream = response.stream
    base = next(
        each for each in type(stream).__mro__ if each.__name__ == "SyncByteStream"
    )  # of its own httpx

    def pieces(_: object) -> Iterator[bytes]:
        came = 0
        for piece in stream:
            came += len(piece)
            if came > _LARGEST:
                raise ValueError("an answer that is far too long")
            yield piece

    response.stream = type("Bounded", (base,), {"__iter__": pieces, "close": lambda _: stream.close()})()


def _within(seconds: float, work: Callable[[], Result], repo_id: str) -> Result:
    """Do `work` in a thread of its own: the library waits for ever on a server that says nothing."""
    said: queue.SimpleQueue[tuple[Result | None, Exception | None]] = queue.SimpleQueue()

    def body() -> None:
        try:
            said.put((work(), None))
        except Exception as error:
            said.put((None, error))

    threading.Thread(target=body, name=f"upload {repo_id}", daemon=True).start()
    try:
        result, error = said.get(timeout=seconds)
    except queue.Empty:
        raise ModelError(
            f"The Hub at {endpoint()} says nothing, so nothing was uploaded to {repo_id}: try again later."
        ) from None
    if error is not None:
        raise _explained(error, repo_id) from error
    return result  # type: ignore[return-value]


def _explained(error: Exception, repo_id: str) -> ModelError:
    sign_in = "sign in with `hf auth login`, or set HF_TOKEN to a token that may write"
    if isinstance(error, ModelError):
        return error
    if isinstance(error, hub_errors.LocalTokenNotFoundError):
        return ModelError(f"Nobody is signed in to the Hub, so {repo_id} cannot be written: {sign_in}.")
    if isinstance(error, hub_errors.OfflineModeIsEnabled):
        return ModelError(f"HF_HUB_OFFLINE forbids uploading to {repo_id}: unset it, and try again.")
    if isinstance(error, hub_errors.HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return ModelError(f"The Hub does not accept your sign-in for {repo_id}: {sign_in}.")
        if status in (403, 404):
            owner = repo_id.partition("/")[0]
            return ModelError(
                f"Your sign-in may not write to {repo_id}: push to a repository of your own in the place of "
                f"{owner}'s, or {sign_in} there."
            )
        if status == 429:
            return ModelError(f"The Hub asks for a pause: try to upload to {repo_id} again in a few minutes.")
        return ModelError(
            f"The Hub answered with error {status} when {repo_id} was written: try again later."
        )
    if isinstance(error, hub_errors.HFValidationError):
        return ModelError(f"{repo_id!r} is no place on the Hub: write it as owner/model.")
    if isinstance(error, ValueError):  # an answer that is no JSON, or a card that the Hub refuses
        return ModelError(
            f"What {endpoint()} answers when {repo_id} is written is not the Hub's, or it refuses the model's "
            "README.md: check HF_ENDPOINT, and whether the network wants a login."
        )
    return ModelError(
        f"The Hub at {endpoint()} cannot be reached, so nothing was uploaded to {repo_id}: check the network."
    )
