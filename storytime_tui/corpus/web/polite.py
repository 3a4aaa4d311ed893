"""Asking a server politely: one request a second to each host, further tries with back-off, a stop that stops."""

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

if TYPE_CHECKING:  # loaded when the first address is asked for
    import httpx

AGENT = f"storytime-tui/{__version__} (reads public-domain stories for one person, one request a second)"
PATIENCE = 30.0  # seconds that a server may say nothing
_CONNECTING = 15.0  # seconds for a connection to be made
_EVERY = 1.0  # seconds between two requests to one host
_LONGEST_PAUSE = 120.0  # seconds; who asks for a longer pause is left alone for now
_LONGEST_NAMED = 86_400.0  # seconds; a longer pause than a day is called that
_LONGEST_DATE = 100  # characters
HEAD_SECONDS = 60.0  # for the head of an answer to come whole, whatever comes meanwhile
BODY_SECONDS = 1800.0  # for a body to come whole
SLOWEST = 1000  # bytes a second; a body that came more slowly for as long as a head may take is given up
_BACK_OFF = 30.0  # seconds at most between two tries, where the server names none
_HOPS = 10  # redirects followed
_POLL = 0.1  # seconds between two looks at whether to stop
_AHEAD = 16  # pieces of data that may wait to be taken

Item = TypeVar("Item")
Result = TypeVar("Result")
Pause = Callable[[float, threading.Event | None], None]


class DownloadStopped(CorpusError):
    """The user stopped the download."""

    def __init__(self) -> None:
        super().__init__("The download was stopped; what came is kept for the next time.")


class ServerTrouble(CorpusError):
    """A server or the way to it failed: `reason` is what happened, without the full stop, `advice` what to do."""

    def __init__(self, reason: str, advice: str = "try again later") -> None:
        super().__init__(f"{reason}: {advice}.")
        self.reason = reason


class NotThere(ServerTrouble):
    """The server has nothing at that address (404, 410)."""


class TryAgain(ServerTrouble):
    """It may work after a pause: `host` asks for `wait` seconds of it, or does not say how many (None)."""

    def __init__(
        self, reason: str, host: str, wait: float | None = None, advice: str = "try again later"
    ) -> None:
        super().__init__(reason, advice)
        self.host = host
        self.wait = wait


class Unreachable(TryAgain):
    """No connection, or a silent one: worth another try only where something came before."""


def _pause(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise DownloadStopped


class Manners:
    """When the next request to a host may go out, whichever thread asks.

    `clock` gives seconds, `pause(seconds, stop)` waits (and raises DownloadStopped when `stop` is set),
    `chance` gives 0 to 1: a test hands in its own, and never waits.
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
        """Wait until a request may go to `host`; the turn after it is a second later."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._free.get(host, now))
            self._free[host] = turn + _EVERY
        if turn > now:
            self._pause(turn - now, stop)

    def leave_alone(self, host: str, seconds: float) -> None:
        """Let nobody ask `host` for so long."""
        with self._lock:
            self._free[host] = max(self._free.get(host, 0.0), self._clock() + seconds)

    def back_off(self, tries: int) -> float:
        """Seconds to wait after so many tries in vain: twice as long each time, and never in step with others."""
        return min(_BACK_OFF, 2.0**tries) * (0.5 + self._chance())


manners = Manners()  # shared by all, so that a search and a download take turns too


@dataclass(frozen=True)
class Answer:
    """The head of a server's answer. `headers` are looked up without regard to capitals; `url` is the last hop's."""

    status: int
    url: str
    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """Such as "text/plain", small; "" where the server does not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding that the server names, or ""."""
        for part in self.headers.get("content-type", "").split(";")[1:]:
            key, _, value = part.partition("=")
            if key.strip().lower() == "charset":
                return value.strip().strip("'\"").lower()
        return ""

    @property
    def length(self) -> int | None:
        """Bytes of the body to come, where the server says so and sends them as they are."""
        value = self.headers.get("content-length", "")
        return (
            int(value)
            if value.isascii() and value.isdigit() and len(value) < 19 and not self.encoded
            else None
        )

    @property
    def encoded(self) -> bool:
        """Whether the body is compressed on its way, so that its bytes are not the file's."""
        return self.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


def is_address(text: str) -> bool:
    """Whether `text` is meant as an address on the web, rather than a path."""
    return text.strip().lower().startswith(("http://", "https://"))


def host_of(url: str) -> str:
    """The host of an address that can be asked. Raises CorpusError for any other."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise CorpusError(
            f"{shown(url)} is no address that a text can be fetched from: it must begin with "
            "http:// or https:// and name a host."
        )
    return printable_line(host)


@contextlib.contextmanager
def asked(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    stop: threading.Event | None = None,
    patience: float | None = None,
) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """One GET, redirects followed, each hop in its turn: the answer's head, and its body piece by piece.

    The body is decompressed, in pieces of 64 kB at most. The server may say nothing for `patience` seconds at a
    time; its head and its body must come within HEAD_SECONDS and BODY_SECONDS, however they drip. Raises
    DownloadStopped within a moment of `stop` (neither a silent server nor a slow name look-up holds it up),
    TryAgain for 429, 5xx and a broken connection, NotThere, Unreachable, and CorpusError for all else.
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


def persistently(
    attempt: Callable[[], Result], tries: int, on_wait: Callable[[str], None] = lambda _: None
) -> Result:
    """What `attempt` returns, tried again after TryAgain up to `tries` times in all, with pauses in between.

    The pause is the one that the server asks for; `on_wait(host)` is told before it. Raises what the last
    attempt raised, or the first where nothing answers at all.
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
    """The head of the last hop's answer, then its body."""
    import httpx

    host = host_of(url)
    try:
        with _client(patience) as client:
            for _ in range(_HOPS + 1):
                host = host_of(url)
                wire.pauses()
                manners.wait_turn(host, stop)
                wire.asks(host)
                watched = {"trace": wire.trace}
                with client.stream("GET", url, headers=dict(headers), extensions=watched) as response:
                    if response.has_redirect_location:
                        url = _next_hop(url, response.headers["location"])
                        continue
                    wire.answers()
                    yield Answer(response.status_code, bare(url), response.headers)
                    encoding = response.headers.get("content-encoding", "")
                    yield from decoded(response.iter_raw(), encoding, shown(url))
                    return
        raise CorpusError(f"{shown(url)} leads round in a circle: check the address in a browser.")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError) as error:
        raise CorpusError(f"{shown(url)} is not a valid address: check how it is written.") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        hint = "its certificate is not valid" if "CERTIFICATE" in str(error).upper() else "check the network"
        reason = f"{host} cannot be reached"
        raise Unreachable(reason, host, advice=f"{hint}, or try again later") from error
    except httpx.TimeoutException as error:
        raise Unreachable(f"{host} said nothing for {patience:.0f} seconds", host) from error
    except (httpx.TransportError, EOFError) as error:  # EOFError: compressed, and without its end
        raise TryAgain(f"{host} broke the connection", host) from error


def _next_hop(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise CorpusError(f"{shown(url)} leads to an address that is not valid: try another.") from error


def _client(patience: float) -> httpx.Client:
    """A client with our name. The environment's proxies are used. Raises CorpusError where they cannot be."""
    import httpx

    try:
        return httpx.Client(
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(patience, connect=min(_CONNECTING, patience)),
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise CorpusError(
            f"The proxy or the certificates that the environment names cannot be used "
            f"({printable_line(str(error))}): mend HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE."
        ) from error


def _check_status(answer: Answer) -> None:
    status, host = answer.status, host_of(answer.url)
    if status in (200, 206, 416):
        return
    if status in (404, 410):
        raise NotThere(f"There is nothing at {shown(answer.url)} (error {status})", "check the address")
    if status in (401, 403, 407, 451):
        raise CorpusError(
            f"{host} does not give {shown(answer.url)} to everybody (error {status}): fetch it in a browser, "
            "where you can log in, and add the file."
        )
    wait = retry_after(answer.headers)
    if wait is not None and wait > _LONGEST_PAUSE:
        time_asked = "more than a day" if wait > _LONGEST_NAMED else f"{math.ceil(wait / 60):,} minutes"
        asks = f"{host} asks to be left alone for {time_asked}"
        raise ServerTrouble(asks, "try again after that")
    if status == 429:
        raise TryAgain(f"{host} asks for a pause (error 429)", host, wait)
    if status >= 500 or status in (408, 425):
        raise TryAgain(f"{host} has trouble of its own (error {status})", host, wait)
    raise CorpusError(f"{host} answered with error {status} when asked for {shown(answer.url)}: try another.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks for, 0 or more, as a number or as a date; None where it does not say."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])  # of more digits the first nine are thirty years
    try:
        when = parsedate_to_datetime(value[:_LONGEST_DATE])
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):  # no date, or one that no calendar has
        return None


def _in_a_thread(
    items: Generator[Item, None, None], stop: threading.Event | None, wire: Wire
) -> Generator[Item, None, None]:
    """What `items` gives, made in a thread of its own; raises DownloadStopped soon after `stop` is set.

    Raises Unreachable or ServerTrouble where the server takes too long over all. The wire is cut when this ends, so
    that the thread does not wait for a server that nobody listens to.
    """
    given: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(_AHEAD)
    left = threading.Event()

    def give(more: bool, item: Item | BaseException | None) -> None:
        while not left.is_set():
            with contextlib.suppress(queue.Full):
                given.put((more, item), timeout=_POLL)
                return

    def body() -> None:
        try:
            with contextlib.closing(items):
                for item in items:
                    give(True, item)
                    if left.is_set():
                        return
            give(False, None)
        except BaseException as error:  # raised again below, in the caller's thread
            give(False, error)

    threading.Thread(target=body, name="storytime-download", daemon=True).start()
    try:
        while True:
            if stop is not None and stop.is_set():
                raise DownloadStopped
            _check_time(wire)
            try:
                more, item = given.get(timeout=_POLL)
            except queue.Empty:
                continue
            if isinstance(item, BaseException):
                raise item
            if not more:
                return
            if isinstance(item, bytes):
                wire.came += len(item)
            yield item  # type: ignore[misc]  # only what comes last is None
    finally:
        left.set()
        wire.cut()


def _check_time(wire: Wire) -> None:
    """Raise Unreachable or ServerTrouble where a head, or a body, has taken longer than it may."""
    seconds = wire.seconds()
    if not wire.has_head:
        if seconds > HEAD_SECONDS:
            raise Unreachable(f"{wire.host} did not answer in {HEAD_SECONDS:.0f} seconds", wire.host)
    elif seconds > BODY_SECONDS:
        raise ServerTrouble(f"{wire.host} did not send all of it in {BODY_SECONDS / 60:.0f} minutes")
    elif seconds > HEAD_SECONDS and wire.came < SLOWEST * seconds:
        raise ServerTrouble(f"{wire.host} sends too slowly: {wire.came:,} bytes in {seconds:.0f} seconds")
