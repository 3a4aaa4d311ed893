"""`storytime-tui serve`: the app in a browser, for whoever has the address with its token."""

import argparse
import contextlib
import importlib.util
import ipaddress
import socket
import webbrowser
from collections.abc import Iterator

from storytime_tui import log
from storytime_tui.commands.output import say
from storytime_tui.errors import Misused, StorytimeError
from storytime_tui.terminal import printable_line

LOOPBACK = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The address, the port, and whether to open it."""
    parser.add_argument("--port", type=int, default=0, help="the port; a free one by default")
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        help=f"the address to listen on; only this machine ({LOOPBACK}) by default. 0.0.0.0 is every network",
    )
    parser.add_argument("--open", action="store_true", help="open the page in your browser")


def run(args: argparse.Namespace) -> int:
    """Serve the app until Ctrl+C. Raises StorytimeError without the extra `web`, or if the address cannot be used."""
    missing = [name for name in ("aiohttp", "textual_serve") if importlib.util.find_spec(name) is None]
    if missing:
        raise StorytimeError(
            "The app in a browser needs textual-serve, which is not installed: run pip install "
            "'storytime-tui[web]' (from a copy of the source: pip install '.[web]')."
        )
    if not 0 <= args.port <= 65535:
        raise Misused("The port must be between 0 and 65535; 0 takes a free one.")
    log.start()
    with _listening(args.host, args.port) as listening:
        from storytime_tui.commands import browser_server

        server = browser_server.BrowserServer(args.host, listening.getsockname()[1])
        say(f"Storytime is at {server.address()}")
        say("Anyone with this address can use the app as you do. Ctrl+C ends it; what is open is saved.")
        if not _is_loopback(args.host):
            say(
                f"It is open to the network ({args.host}), and the connection is not encrypted: use it only in a "
                "network that you trust."
            )
        if args.open:
            webbrowser.open(server.once())
        server.serve_on(listening)
    say("Storytime is no longer in the browser; what was open is saved.")
    return 0


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    shown = printable_line(host)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server((address[0], port), family=family)
    except OSError as error:
        reason = "another program uses it" if "in use" in str(error) else (error.strerror or "it is refused")
        raise StorytimeError(
            f"Port {port} of {shown} cannot be used ({reason}): choose another with --port, or leave it out."
        ) from None
    with listening:
        yield listening


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
