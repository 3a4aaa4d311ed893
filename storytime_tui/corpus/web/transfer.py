"""A response in transit: a connection that another thread can cut, and bounded decompression."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from storytime_tui.errors import CorpusError

PIECE = 65_536  # bytes; the most decompressed at once
_GZIP = ("gzip", "x-gzip")
_EITHER = 47  # zlib: detect a gzip or zlib header
_RAW = -15  # zlib: no header, as some servers send for "deflate"


class Wire:
    """The connection of one response, and how long it has taken so far.

    One thread reads from it; another checks the time and may cut it. `received`: bytes of the body so far.
    """

    def __init__(self) -> None:
        self.host = ""
        self.has_head = False
        self.received = 0
        self._since: float | None = None
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()

    def pause(self) -> None:
        """No request is under way: stop the clock."""
        self._since = None

    def request_sent(self, host: str) -> None:
        """Start the clock for the head."""
        self.host, self._since = host, time.monotonic()

    def head_received(self) -> None:
        """Start the clock for the body."""
        self.has_head, self._since = True, time.monotonic()

    def seconds(self) -> float:
        """How long we have waited for the head, or for the body."""
        since = self._since  # read once, as another thread may change it
        return 0.0 if since is None else time.monotonic() - since

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """A trace callback for httpx: keeps a duplicate of each new connection's socket.

        The original socket is wrapped in TLS and owned by the reading thread; only the duplicate can be shut down.
        """
        if event != "connection.connect_tcp.complete":
            return
        with contextlib.suppress(OSError), self._lock:
            handle = info["return_value"].get_extra_info("socket").dup()
            self._sockets.append(handle)
            if self._is_cut:
                self._shut()

    def cut(self) -> None:
        """End the connection: a thread that is reading from it wakes up with an error."""
        with self._lock:
            self._is_cut = True
            self._shut()

    def _shut(self) -> None:
        while self._sockets:
            handle = self._sockets.pop()
            with contextlib.suppress(OSError):  # already closed by the server
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()


def decoded(pieces: Iterable[bytes], encoding: str, shown: str) -> Iterator[bytes]:
    """Decompress a body, at most PIECE bytes at a time.

    `encoding`: the Content-Encoding ("", gzip or deflate). `shown`: the address, for messages. Raises CorpusError
    for another encoding, for nested ones (300 bytes could hold gigabytes) and for damaged data; EOFError if the end
    is missing.
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
    """Decompress gzip or deflate. Raises zlib.error, EOFError."""
    decompressor = None
    for piece in pieces:
        if decompressor is None:
            decompressor = zlib.decompressobj(_RAW if is_deflate and not _has_zlib_header(piece) else _EITHER)
        full = True
        while full or piece:  # after a full piece there may be more output
            data = decompressor.decompress(piece, PIECE)
            if data:
                yield data
            full, piece = len(data) == PIECE, decompressor.unconsumed_tail
        if decompressor.unused_data:
            raise zlib.error("more follows after the end")
    if decompressor is not None and not decompressor.eof:
        raise EOFError


def _has_zlib_header(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
