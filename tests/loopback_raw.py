"""A server on 127.0.0.1 that says whatever bytes a test wants, and a wire of its own for each client.

with LoopbackRaw(lambda conn, closing: conn.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\nhello")) as server:
    download(server.url + "/a.txt", folder)
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

Say = Callable[[socket.socket, threading.Event], None]


class LoopbackRaw:
    """Answers each request by calling `say` with its connection."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.closing = threading.Event()
        self.requests: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self._listening.accept()
                threading.Thread(target=self._answer, args=(conn,), daemon=True).start()

    def _answer(self, conn: socket.socket) -> None:
        with conn:
            try:
                self.requests.append(conn.recv(65_536))
                self._say(conn, self.closing)
            except OSError:
                pass  # the client has hung up


def drip(conn: socket.socket, closing: threading.Event, byte: bytes = b"a") -> None:
    """One byte now and then, until the client hangs up."""
    while not closing.wait(0.005):
        conn.sendall(byte)
