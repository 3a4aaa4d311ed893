"""Asking the Hub: answers that are bounded in bytes and in time, and that can be cut off from any thread.

huggingface_hub's own requests take whatever comes: an answer without end fills the memory or the disk, and one that
drips never ends. So a model is fetched by these few lines. Knows no torch.
"""

import contextlib
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from storytime_tui import __version__

# Before huggingface_hub reads it: else it asks the Hub for a list of programs to look for on this machine, and names
# what it found in the header of every request.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

_ANSWER = 20.0  # seconds without a byte
_CONNECTING = 15.0
_GRACE = 60.0  # seconds until the speed is looked at
_SLOWEST = 1000  # bytes a second, on the whole: what comes more slowly would not end today
_LARGEST = 24_000_000  # bytes of an answer in JSON: a repository of 100,000 files has some 20 MB
_HOPS = 10  # redirects followed
_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # of git, or SHA-256


class Refused(Exception):
    """The Hub said no: `status` is HTTP's, `code` the Hub's own word for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code)
        self.status, self.code, self.message = status, code, message


class NotTheHub(Exception):
    """What answers is no Hub, or a broken one; the message is what came, as a noun."""


class Abandoned(Exception):
    """Nobody waits for this answer any more."""


@dataclass(frozen=True)
class FileAnswer:
    """The head of an answer with a file's bytes: from where in the file they are, how long the file is by it, and
    what the file's hash is by the Hub; None and "" where it does not say."""

    start: int
    size: int | None
    hash: str


class HubClient:
    """Requests to the Hub at `endpoint`. `cut` ends the one in hand, whatever the other side does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.token: str | None = None  # sent to the endpoint alone
        self._left = threading.Event()
        self._sockets: list[socket.socket] = []
        self._client = httpx.Client(timeout=httpx.Timeout(_ANSWER, connect=_CONNECTING))

    def cut(self) -> None:
        """End the request in hand, and every later one; may be called from any thread."""
        self._left.set()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # wakes who waits for a byte

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until `cut`."""
        if self._left.wait(seconds):
            raise Abandoned

    def json(self, path: str) -> Any:
        """The value of a JSON answer. Raises Refused, NotTheHub, OSError and httpx.HTTPError."""
        with self._asked(path, {}) as (response, _):
            if response.headers.get("content-encoding", "identity") != "identity":
                raise NotTheHub("a packed answer, which was not asked for")
            body = b"".join(self._bytes(response, _LARGEST, "an answer that is far too long"))
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise NotTheHub("no JSON") from error

    @contextlib.contextmanager
    def file(self, path: str, start: int) -> Iterator[tuple[FileAnswer, Callable[[int], Iterator[bytes]]]]:
        """A file's bytes from `start` on: the answer's head, and what gives the bytes up to a place in the file, with
        NotTheHub where more come.

        Also raises Refused, OSError and httpx.HTTPError.
        """
        with self._asked(path, {"Range": f"bytes={start}-"} if start else {}) as (response, named):
            begin, size = _place(response)
            yield (
                FileAnswer(begin, size, named),
                lambda end: self._bytes(response, end - begin, "more bytes than it named"),
            )

    @contextlib.contextmanager
    def _asked(self, path: str, headers: dict[str, str]) -> Iterator[tuple[httpx.Response, str]]:
        """The answer at the end of all redirects, and the hash that was named on the way."""
        url, named = self._endpoint + path, ""
        for _ in range(_HOPS):
            if self._left.is_set():
                raise Abandoned
            if urlsplit(url).scheme not in ("http", "https") or _is_downgrade(self._endpoint, url):
                raise NotTheHub("a way to an address that may not be asked")
            with self._client.stream(
                "GET",
                url,
                headers={**headers, **self._own_headers(url)},
                extensions={"trace": self._note_socket},
            ) as response:
                named = named or _hash_in(response, "x-linked-etag")
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code not in (200, 206):
                    raise Refused(
                        response.status_code,
                        response.headers.get("x-error-code", ""),
                        response.headers.get("x-error-message", ""),
                    )
                yield response, named or _hash_in(response, "etag")
                return
        raise NotTheHub("a way from one address to another without end")

    def _own_headers(self, url: str) -> dict[str, str]:
        """The token goes to the Hub alone, not to the store of files that it leads to."""
        own = {"User-Agent": f"storytime-tui/{__version__}", "Accept-Encoding": "identity"}
        there, here = urlsplit(url), urlsplit(self._endpoint)
        if self.token and (there.scheme, there.netloc) == (here.scheme, here.netloc):
            own["Authorization"] = f"Bearer {self.token}"
        return own

    def _note_socket(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                self._sockets.append(found)
        if self._left.is_set():
            raise Abandoned

    def _bytes(self, response: httpx.Response, limit: int, beyond: str) -> Iterator[bytes]:
        """The answer as it comes, not unpacked: no more than `limit` bytes (`beyond` says what else it is), and not
        for ever."""
        came, begun = 0, time.monotonic()
        for piece in response.iter_raw():
            if self._left.is_set():
                raise Abandoned
            came += len(piece)
            if came > limit:
                raise NotTheHub(beyond)
            waited = time.monotonic() - begun
            if waited > _GRACE and came < (waited - _GRACE) * _SLOWEST:
                raise TimeoutError("it sends too slowly to come to an end")
            yield piece


def token() -> str | None:
    """The user's token, from where huggingface_hub finds it."""
    from huggingface_hub import get_token

    disabled = os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in ("1", "ON", "YES", "TRUE")
    return None if disabled else get_token()


def _is_downgrade(endpoint: str, url: str) -> bool:
    return urlsplit(endpoint).scheme == "https" and urlsplit(url).scheme != "https"


def _hash_in(response: httpx.Response, header: str) -> str:
    value = response.headers.get(header, "").removeprefix("W/").strip('"')
    return value if _HASH.fullmatch(value) else ""


def _place(response: httpx.Response) -> tuple[int, int | None]:
    """Where in the file the answer begins, and how long the file is by it."""
    if response.status_code == 206:
        found = re.fullmatch(
            r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", response.headers.get("content-range", "")
        )
        if found is None:
            raise NotTheHub("a part of a file that does not say which")
        return int(found[1]), int(found[2])
    length = response.headers.get("content-length", "")
    return 0, int(length) if re.fullmatch(r"\d{1,18}", length) else None
