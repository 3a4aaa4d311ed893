"""HTTP requests to the Hub, bounded in bytes and in time, which any thread can cancel. Knows no torch.

huggingface_hub accepts answers of any length and any slowness, so a broken server could fill the memory or the
disk, or block for ever. Models are therefore fetched by this small client.
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

# Must be set before huggingface_hub is imported. Otherwise it reports, in the header of every request, which
# programs it found on this machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

_READ_TIMEOUT = 20.0  # seconds without a byte
_CONNECT_TIMEOUT = 15.0
_GRACE = 60.0  # seconds before the speed is checked
_MIN_SPEED = 1000  # bytes a second on average; a slower download would take days
_LARGEST_JSON = 24_000_000  # bytes; a repository of 100,000 files has about 20 MB
_MAX_REDIRECTS = 10
_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # git's hash or SHA-256


class Refused(Exception):
    """The Hub refused a request: `status` is HTTP's, `code` the Hub's own error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code)
        self.status, self.code, self.message = status, code, message


class NotTheHub(Exception):
    """The answer is not the Hub's; the message describes it, as a noun."""


class Cancelled(Exception):
    """The request was cancelled."""


@dataclass(frozen=True)
class Answer:
    """The headers of an answer with file data: `start` is the data's offset in the file, `size` the file's length
    (None if not stated), `hash` the file's hash ("" if not stated)."""

    start: int
    size: int | None
    hash: str


class HubClient:
    """Requests to the Hub at `endpoint`. `cancel` ends the current one, whatever the server does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.token: str | None = None  # sent to the endpoint only
        self._cancelled = threading.Event()
        self._sockets: list[socket.socket] = []
        self._client = httpx.Client(timeout=httpx.Timeout(_READ_TIMEOUT, connect=_CONNECT_TIMEOUT))

    def cancel(self) -> None:
        """End the current request and every later one; may be called from any thread."""
        self._cancelled.set()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # wakes a thread that waits for data

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def wait(self, seconds: float) -> None:
        """Sleep; raises Cancelled if `cancel` is called."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    def json(self, path: str) -> Any:
        """The value of a JSON answer. Raises Refused, NotTheHub, OSError and httpx.HTTPError."""
        with self._request(path, {}) as (response, _):
            if response.headers.get("content-encoding", "identity") != "identity":
                raise NotTheHub("a compressed answer, which was not requested")
            body = b"".join(self._bytes(response, _LARGEST_JSON, "an answer that is far too long"))
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise NotTheHub("no JSON") from error

    @contextlib.contextmanager
    def file(self, path: str, start: int) -> Iterator[tuple[Answer, Callable[[int], Iterator[bytes]]]]:
        """A file's data from `start` on: the answer's headers, and a function that yields the data up to an end offset.

        That function raises NotTheHub if more data comes. Also raises Refused, OSError and httpx.HTTPError.
        """
        with self._request(path, {"Range": f"bytes={start}-"} if start else {}) as (response, file_hash):
            start_byte, size = _file_range(response)
            yield (
                Answer(start_byte, size, file_hash),
                lambda end: self._bytes(response, end - start_byte, "more bytes than it stated"),
            )

    @contextlib.contextmanager
    def _request(self, path: str, headers: dict[str, str]) -> Iterator[tuple[httpx.Response, str]]:
        """The answer after all redirects, and the file's hash if any answer stated it."""
        url, file_hash = self._endpoint + path, ""
        for _ in range(_MAX_REDIRECTS):
            if self._cancelled.is_set():
                raise Cancelled
            if urlsplit(url).scheme not in ("http", "https") or _is_downgrade(self._endpoint, url):
                raise NotTheHub("a redirect to an address that is not allowed")
            with self._client.stream(
                "GET",
                url,
                headers={**headers, **self._request_headers(url)},
                extensions={"trace": self._note_socket},
            ) as response:
                file_hash = file_hash or _hash_in(response, "x-linked-etag")
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code not in (200, 206):
                    raise Refused(
                        response.status_code,
                        response.headers.get("x-error-code", ""),
                        response.headers.get("x-error-message", ""),
                    )
                yield response, file_hash or _hash_in(response, "etag")
                return
        raise NotTheHub("an endless chain of redirects")

    def _request_headers(self, url: str) -> dict[str, str]:
        """The token is sent to the Hub only, not to the file storage that it redirects to."""
        headers = {"User-Agent": f"storytime-tui/{__version__}", "Accept-Encoding": "identity"}
        there, here = urlsplit(url), urlsplit(self._endpoint)
        if self.token and (there.scheme, there.netloc) == (here.scheme, here.netloc):
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def _note_socket(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            connection = info["return_value"].get_extra_info("socket")
            if isinstance(connection, socket.socket):
                self._sockets.append(connection)
        if self._cancelled.is_set():
            raise Cancelled

    def _bytes(self, response: httpx.Response, limit: int, beyond: str) -> Iterator[bytes]:
        """The answer's raw data; raises NotTheHub with `beyond` after `limit` bytes, and TimeoutError if it is too
        slow."""
        received, started = 0, time.monotonic()
        for chunk in response.iter_raw():
            if self._cancelled.is_set():
                raise Cancelled
            received += len(chunk)
            if received > limit:
                raise NotTheHub(beyond)
            elapsed = time.monotonic() - started
            if elapsed > _GRACE and received < (elapsed - _GRACE) * _MIN_SPEED:
                raise TimeoutError("it sends too slowly")
            yield chunk


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


def _file_range(response: httpx.Response) -> tuple[int, int | None]:
    """The offset of the answer's data in the file, and the file's length if stated."""
    if response.status_code == 206:
        match = re.fullmatch(
            r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", response.headers.get("content-range", "")
        )
        if match is None:
            raise NotTheHub("a part of a file without its range")
        return int(match[1]), int(match[2])
    length = response.headers.get("content-length", "")
    return 0, int(length) if re.fullmatch(r"\d{1,18}", length) else None
