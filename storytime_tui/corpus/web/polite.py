"""Polite HTTP requests: one a second to each host, retries with back-off, and a stop that acts at once."""

from __future__ import annotations

import contextlib
import math
import queue
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from storytime_tui import __version__
from storytime_tui.corpus.web.redacted import bare, shown
from storytime_tui.corpus.web.transfer import Wire, decoded
from storytime_tui.errors import CorpusError
from storytime_tui.terminal import printable_line

if TYPE_CHECKING:  # httpx is loaded with the first request
    import httpx

AGENT = f"storytime-tui/{__version__} (reads public-domain stories for one person, one request a second)"
PATIENCE = 30.0  # seconds without a byte from the server
_CONNECTING = 15.0  # seconds to connect
_EVERY = 1.0  # seconds between two requests to one host
_LONGEST_PAUSE = 120.0  # seconds; if a server asks for a longer pause, we give up
_LONGEST_NAMED = 86_400.0  # seconds; a longer pause is shown as "more than a day"
_LONGEST_DATE = 100  # characters
HEAD_SECONDS = 60.0  # limit for the whole head of an answer
BODY_SECONDS = 1800.0  # limit for the whole body
SLOWEST = 1000  # bytes a second; after HEAD_SECONDS a slower body is given up
_BACK_OFF = 30.0  # most seconds between two tries, if the server names no pause
_HOPS = 10  # redirects followed
_POLL = 0.1  # seconds between two checks for a stop
_AHEAD = 16  # pieces of data queued for the caller

Item = TypeVar("Item")
Result = TypeVar("Result")
Pause = Callable[[float, threading.Event | None], None]


class DownloadStopped(CorpusError):
    """The user stopped the download."""

    def __init__(self) -> None:
        super().__init__("The download was stopped; the part so far is kept for the next time.")


class ServerTrouble(CorpusError):
    """A server or the connection failed. `reason`: what happened, without a full stop. `advice`: what to do."""

    def __init__(self, reason: str, advice: str = "try again later") -> None:
        super().__init__(f"{reason}: {advice}.")
        self.reason = reason


class NotThere(ServerTrouble):
    """The server has nothing at that address (404, 410)."""


class TryAgain(ServerTrouble):
    """A failure that a pause may cure. `wait`: the seconds that `host` asks for; None if it does not say."""

    def __init__(
        self, reason: str, host: str, wait: float | None = None, advice: str = "try again later"
    ) -> None:
        super().__init__(reason, advice)
        self.host = host
        self.wait = wait


class Unreachable(TryAgain):
    """No connection, or no answer: retried only if an earlier attempt got an answer."""


def _pause(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise DownloadStopped


class Manners:
    """Schedules requests to each host, for all threads.

    `clock` gives seconds; `pause(seconds, stop)` waits and raises DownloadStopped when `stop` is set; `chance`
    gives a random number from 0 to 1. Tests replace all three.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        pause: Pause = _pause,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._chance = chance
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait_turn(self, host: str, stop: threading.Event | None) -> None:
        """Wait until a request may go to `host`; the next one may go a second later."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._free.get(host, now))
            self._free[host] = turn + _EVERY
        if turn > now:
            self._pause(turn - now, stop)

    def leave_alone(self, host: str, seconds: float) -> None:
        """Send no request to `host` for `seconds`."""
        with self._lock:
            self._free[host] = max(self._free.get(host, 0.0), self._clock() + seconds)

    def back_off(self, tries: int) -> float:
        """Seconds to wait after `tries` failures: doubled each time, with jitter."""
        return min(_BACK_OFF, 2.0**tries) * (0.5 + self._chance())


manners = Manners()  # shared, so that a search and a download wait for each other


@dataclass(frozen=True)
class Answer:
    """The head of an answer. `headers` ignore case; `url` is the address after redirects."""

    status: int
    url: str
    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """The media type in lower case, "text/plain" for example; "" if the server does not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding named by the server, or ""."""
        for part in self.headers.get("content-type", "").split(";")[1:]:
            key, _, value = part.partition("=")
            if key.strip().lower() == "charset":
                return value.strip().strip("'\"").lower()
        return ""

    @property
    def length(self) -> int | None:
        """The size of the body in bytes; None if unknown or compressed."""
        value = self.headers.get("content-length", "")
        return (
            int(value)
            if value.isascii() and value.isdigit() and len(value) < 19 and not self.encoded
            else None
        )

    @property
    def encoded(self) -> bool:
        """Whether the body is compressed, so that its bytes are not the file's."""
        return self.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


def is_address(text: str) -> bool:
    """Whether `text` is a web address rather than a path."""
    return text.strip().lower().startswith(("http://", "https://"))


def host_of(url: str) -> str:
    """The host of a web address. Raises CorpusError for an invalid one."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise CorpusError(
            f"{shown(url)} is not an address that a text can be fetched from: it must begin with "
            "http:// or https:// and name a host."
        )
    return printable_line(host)


@contextlib.contextmanager
def get(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    stop: threading.Event | None = None,
    patience: float | None = None,
) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """One GET with redirects, rate-limited: the answer's head, and its body in pieces.

    The body is decompressed, in pieces of at most 64 kB. The server may be silent for `patience` seconds; head and
    body must be complete within HEAD_SECONDS and BODY_SECONDS. Raises DownloadStopped soon after `stop` is set, also
    during a silent wait or a slow name look-up; TryAgain for 429, 5xx and a broken connection; NotThere;
    Unreachable; CorpusError for anything else.
    """
    wire = Wire()
    stream = _in_a_thread(_conversation(url, headers or {}, stop, patience or PATIENCE, wire), stop, wire)
    try:
        head = next(stream)
        assert isinstance(head, Answer)
        _check_status(head)
        yield head, (piece for piece in stream if isinstance(piece, bytes))
    finally:
        stream.close()


def with_retries(
    attempt: Callable[[], Result], tries: int, on_wait: Callable[[str], None] = lambda _: None
) -> Result:
    """What `attempt` returns. After TryAgain it is called again, up to `tries` times in all.

    Between two calls it calls `on_wait(host)` and pauses as long as the server asks. Raises the last error; an
    Unreachable on the first call is raised at once.
    """
    for number in range(tries):
        try:
            return attempt()
        except TryAgain as trouble:
            if number == tries - 1 or (number == 0 and isinstance(trouble, Unreachable)):
                raise
            manners.leave_alone(
                trouble.host, manners.back_off(number) if trouble.wait is None else trouble.wait
            )
            on_wait(trouble.host)
    raise AssertionError("no tries were allowed")


def _conversation(
    url: str, headers: Mapping[str, str], stop: threading.Event | None, patience: float, wire: Wire
) -> Generator[Answer | bytes, None, None]:
    """The head of the last answer, then its body."""
    import httpx

    host = host_of(url)
    try:
        with _client(patience) as client:
            for _ in range(_HOPS + 1):
                host = host_of(url)
                wire.pause()
                manners.wait_turn(host, stop)
                wire.request_sent(host)
                extensions = {"trace": wire.trace}
                with client.stream("GET", url, headers=dict(headers), extensions=extensions) as response:
                    if response.has_redirect_location:
                        url = _next_hop(url, response.headers["location"])
                        continue
                    wire.head_received()
                    yield Answer(response.status_code, bare(url), response.headers)
                    encoding = response.headers.get("content-encoding", "")
                    yield from decoded(response.iter_raw(), encoding, shown(url))
                    return
        raise CorpusError(f"{shown(url)} redirects in a circle: check the address in a browser.")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError) as error:
        raise CorpusError(f"{shown(url)} is not a valid address: check how it is written.") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        hint = "its certificate is not valid" if "CERTIFICATE" in str(error).upper() else "check the network"
        reason = f"{host} cannot be reached"
        raise Unreachable(reason, host, advice=f"{hint}, or try again later") from error
    except httpx.TimeoutException as error:
        raise Unreachable(f"{host} did not answer for {patience:.0f} seconds", host) from error
    except (httpx.TransportError, EOFError) as error:  # EOFError: a compressed body was truncated
        raise TryAgain(f"{host} broke the connection", host) from error


def _next_hop(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise CorpusError(f"{shown(url)} leads to an address that is not valid: try another.") from error


def _client(patience: float) -> httpx.Client:
    """A client with our user agent and the environment's proxies. Raises CorpusError if they are invalid."""
    import httpx

    try:
        return httpx.Client(
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(patience, connect=min(_CONNECTING, patience)),
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise CorpusError(
            "The proxy or the certificates set in the environment cannot be used "
            f"({printable_line(str(error))}): correct HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE."
        ) from error


def _check_status(answer: Answer) -> None:
    status, host = answer.status, host_of(answer.url)
    if status in (200, 206, 416):
        return
    if status in (404, 410):
        raise NotThere(f"There is nothing at {shown(answer.url)} (error {status})", "check the address")
    if status in (401, 403, 407, 451):
        raise CorpusError(
            f"{host} does not give {shown(answer.url)} to everybody (error {status}): log in with a browser, "
            "download the file there, and add it."
        )
    wait = retry_after(answer.headers)
    if wait is not None and wait > _LONGEST_PAUSE:
        how_long = "more than a day" if wait > _LONGEST_NAMED else f"{math.ceil(wait / 60):,} minutes"
        raise ServerTrouble(f"{host} asks for no requests for {how_long}", "try again after that")
    if status == 429:
        raise TryAgain(f"{host} asks for a pause (error 429)", host, wait)
    if status >= 500 or status in (408, 425):
        raise TryAgain(f"{host} failed (error {status})", host, wait)
    raise CorpusError(f"{host} answered with error {status} when asked for {shown(answer.url)}: try another.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait by Retry-After (a number or a date), at least 0; None if it is missing or invalid."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])  # nine digits are thirty years, which is enough
    try:
        when = parsedate_to_datetime(value[:_LONGEST_DATE])
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):  # not a valid date
        return None


def _in_a_thread(
    items: Generator[Item, None, None], stop: threading.Event | None, wire: Wire
) -> Generator[Item, None, None]:
    """Iterates `items` in a background thread. Raises DownloadStopped soon after `stop` is set.

    Raises Unreachable or ServerTrouble if the server exceeds a time limit. The connection is cut at the end, so that
    the thread does not go on waiting for the server.
    """
    queued: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(_AHEAD)
    abandoned = threading.Event()

    def put(more: bool, item: Item | BaseException | None) -> None:
        while not abandoned.is_set():
            with contextlib.suppress(queue.Full):
                queued.put((more, item), timeout=_POLL)
                return

    def body() -> None:
        try:
            with contextlib.closing(items):
                for item in items:
                    put(True, item)
                    if abandoned.is_set():
                        return
            put(False, None)
        except BaseException as error:  # raised again below, in the caller's thread
            put(False, error)

    threading.Thread(target=body, name="storytime-download", daemon=True).start()
    try:
        while True:
            if stop is not None and stop.is_set():
                raise DownloadStopped
            _check_time(wire)
            try:
                more, item = queued.get(timeout=_POLL)
            except queue.Empty:
                continue
            if isinstance(item, BaseException):
                raise item
            if not more:
                return
            if isinstance(item, bytes):
                wire.received += len(item)
            yield item  # type: ignore[misc]  # None comes only with more=False
    finally:
        abandoned.set()
        wire.cut()


def _check_time(wire: Wire) -> None:
    """Raise Unreachable or ServerTrouble if the head or the body takes too long."""
    seconds = wire.seconds()
    if not wire.has_head:
        if seconds > HEAD_SECONDS:
            raise Unreachable(f"{wire.host} did not answer in {HEAD_SECONDS:.0f} seconds", wire.host)
    elif seconds > BODY_SECONDS:
        raise ServerTrouble(f"{wire.host} did not send the whole file in {BODY_SECONDS / 60:.0f} minutes")
    elif seconds > HEAD_SECONDS and wire.received < SLOWEST * seconds:
        raise ServerTrouble(f"{wire.host} sends too slowly: {wire.received:,} bytes in {seconds:.0f} seconds")
