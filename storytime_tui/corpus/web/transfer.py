"""An answer on its way: a connection that another thread can cut, and bytes that are decoded within bounds."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from storytime_tui.errors import CorpusError

PIECE = 65_536  # bytes; nothing larger is ever decoded at once
_GZIP = ("gzip", "x-gzip")
_EITHER = 47  # zlib: a gzip header or a zlib one
_RAW = -15  # zlib: neither, as some servers understand "deflate"


class Wire:
    """The connection that one answer comes through, and how long it has taken so far.

    One thread reads from it; another one looks at the time and cuts it. `came`: bytes of the body so far.
    """

    def __init__(self) -> None:
        self.host = ""
        self.has_head = False
        self.came = 0
        self._since: float | None = None
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()

    def pauses(self) -> None:
        """Nothing is waited for: the next request has not gone out."""
        self._since = None

    def asks(self, host: str) -> None:
        """A request goes out: its head is waited for from now on."""
        self.host, self._since = host, time.monotonic()

    def answers(self) -> None:
        """The head is here: its body is waited for from now on."""
        self.has_head, self._since = True, time.monotonic()

    def seconds(self) -> float:
        """How long the head, or the body, has been waited for."""
        since = self._since  # another thread may change it meanwhile
        return 0.0 if since is None else time.monotonic() - since

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx tells of its work: of a new connection a second handle is kept.

        The first handle goes to the reading thread, and into TLS: only the second can be reached from here.
        """
        if event != "connection.connect_tcp.complete":
            return
        with contextlib.suppress(OSError), self._lock:
            handle = info["return_value"].get_extra_info("socket").dup()
            self._sockets.append(handle)
            if self._is_cut:
                self._shut()

    def cut(self) -> None:
        """End the connection: whoever reads from it wakes up and finds it closed."""
        with self._lock:
            self._is_cut = True
            self._shut()

    def _shut(self) -> None:
        while self._sockets:
            handle = self._sockets.pop()
            with contextlib.suppress(OSError):  # the other side was quicker
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()


def decoded(pieces: Iterable[bytes], encoding: str, shown: str) -> Iterator[bytes]:
    """A body's bytes as they were before a server packed them, at most PIECE at a time.

    `encoding` is what its Content-Encoding says: nothing, gzip or deflate. `shown` names it in messages. Raises
    CorpusError for any other, for one upon another (300 bytes can hold gigabytes so) and for damaged data;
    EOFError where the end is missing.
    """
    layers = [
        layer for name in encoding.lower().split(",") if (layer := name.strip()) not in ("", "identity")
    ]
    if not layers:
        yield from pieces
        return
    if len(layers) > 1 or layers[0] not in (*_GZIP, "deflate"):
        how = "more than once" if len(layers) > 1 else "in a way that was not asked for"
        raise CorpusError(f"What {shown} sends is packed {how}: try another address.")
    try:
        yield from _unpacked(pieces, layers[0] == "deflate")
    except zlib.error as error:
        raise CorpusError(f"What {shown} sends is damaged: try again later.") from error


def _unpacked(pieces: Iterable[bytes], is_deflate: bool) -> Iterator[bytes]:
    """What gzip or deflate holds. Raises zlib.error, EOFError."""
    unpacking = None
    for piece in pieces:
        if unpacking is None:
            unpacking = zlib.decompressobj(_RAW if is_deflate and not _has_zlib_header(piece) else _EITHER)
        full = True
        while full or piece:  # a full one may have left more inside
            data = unpacking.decompress(piece, PIECE)
            if data:
                yield data
            full, piece = len(data) == PIECE, unpacking.unconsumed_tail
        if unpacking.unused_data:
            raise zlib.error("more follows after the end")
    if unpacking is not None and not unpacking.eof:
        raise EOFError


def _has_zlib_header(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
