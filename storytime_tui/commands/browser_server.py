"""The server of the app in a browser: textual-serve's, behind a token, and without its shell, fonts and logs.

Every request must bear the token: in the address on the first visit, in a cookie from then on. The name in the address
bar must be an address or this machine's own name, so that no other site's name can be led here (DNS rebinding). A
request that a page of another site makes is refused. Each page has an app of its own, in a process of its own, which
saves and leaves when its page is closed.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import secrets
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp_jinja2
import jinja2
import textual_serve.server
from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService

from storytime_tui import crash_words, log, watcher
from storytime_tui.commands.output import say
from storytime_tui.terminal import printable

PAGES = Path(__file__).with_name("browser_page")
LARGEST = 64_000_000  # bytes of one message of a page: a pasted text
SAVED = 120.0  # seconds for the apps to save when the server ends
BESIDE = 64  # apps at once; each is a process
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_REFUSED = (
    "This page needs its token. Open the whole address that storytime-tui serve printed in the terminal, "
    "with all that follows the question mark.\n"
)
_ELSEWHERE = "This page was asked for by another site, or under a name that is not this machine's.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BrowserServer(textual_serve.server.Server):
    """Serves one page; `address` has the token."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__("storytime-tui", host=host, port=port, title="Storytime", templates_path=PAGES)
        self._token = secrets.token_urlsafe(24)
        self._once = ""  # a second token, for one visit
        self._cookie = f"storytime-{port}"  # cookies know no ports
        self._apps: set[_App] = set()
        self._ended: dict[str, str] = {}  # by page: why its app has ended

    def address(self) -> str:
        """Where the app is, with the token."""
        return f"{self._base()}/?token={self._token}"

    def once(self) -> str:
        """An address that works once: other users of the machine see the browser's command line."""
        self._once = secrets.token_urlsafe(24)
        return f"{self._base()}/?token={self._once}"

    def _base(self) -> str:
        host = _own_address() if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    # -- who may come in ----------------------------------------------------------------------------------

    def _knows(self, given: str) -> bool:
        """Whether this is the token, or the one for one visit, which is spent then."""
        held = given.encode("utf-8", "surrogateescape")
        if self._once and hmac.compare_digest(held, self._once.encode()):
            self._once = ""
            return True
        return hmac.compare_digest(held, self._token.encode())

    def _is_ours(self, name: str) -> bool:
        """Whether a host of a request is an address, or a name of this machine."""
        bare = urlsplit(f"//{name}").hostname or ""
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(bare)
            return True
        own = socket.gethostname().lower()
        return bare in ("localhost", self.host.lower(), own, f"{own}.local", own.partition(".")[0])

    def _is_foreign(self, request: web.Request) -> bool:
        if not self._is_ours(request.host):
            return True
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return True
        return origin is None and request.path.startswith(
            "/ws/"
        )  # every browser says where a socket comes from

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if self._is_foreign(request):
                raise web.HTTPForbidden(text=_ELSEWHERE)
            if request.path == "/" and "token" in request.query:
                return self._welcome(request)
            if not self._knows(request.cookies.get(self._cookie, "")):
                raise web.HTTPForbidden(text=_REFUSED)
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _welcome(self, request: web.Request) -> web.StreamResponse:
        """Exchange the token in the address for a cookie, so that it is in no history."""
        if not self._knows(request.query["token"]):
            raise web.HTTPForbidden(text=_REFUSED)
        rest = {name: value for name, value in request.query.items() if name != "token"}
        welcome = web.HTTPSeeOther(request.url.with_path("/").with_query(rest).relative())
        welcome.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict", path="/")
        raise welcome

    # -- the page -----------------------------------------------------------------------------------------

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guarded])
        aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(self.templates_path), autoescape=True)
        app.add_routes(
            [
                web.get("/", self.handle_index),
                web.get("/ws/{page}", self.handle_websocket),
                web.get("/ended/{page}", self._why),
                web.get("/download/{key}", self.handle_download),
                web.static("/page", PAGES),
                web.static("/static", self.statics_path),
            ]
        )
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page: a terminal, and where its app is."""
        size = textual_serve.server.to_int(request.query.get("fontsize", "16"), 16)
        values = {"page": secrets.token_hex(8), "font_size": min(max(size, 6), 72)}
        return aiohttp_jinja2.render_template("page.html", request, values)

    async def _why(self, request: web.Request) -> web.Response:
        """Why the app of this page has ended, in words; nothing if it was asked to."""
        return web.Response(text=self._ended.pop(request.match_info["page"], ""))

    async def handle_download(self, request: web.Request) -> web.StreamResponse:
        """A file that an app delivers to its page."""
        return await super().handle_download(request)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run an app for a page until either ends."""
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=LARGEST)
        await websocket.prepare(request)
        page = request.match_info["page"]
        if len(self._apps) >= BESIDE:
            self._ended[page] = f"{BESIDE} pages are open: close one, and reload this one."
            await websocket.close()
            return websocket
        size = [textual_serve.server.to_int(request.query.get(side, ""), 80) for side in ("width", "height")]
        app = _App(websocket, self.download_manager, partial(self._tell, page))
        self._apps.add(app)
        try:
            await app.start(*map(_cells, size))
            async for message in websocket:
                if message.type == WSMsgType.TEXT:
                    await app.hear(message.json(), websocket)
        except (ValueError, TypeError, KeyError, IndexError) as error:  # no page of ours
            log.keep(error, "in a message of a browser's page")
        except OSError as error:  # no more processes, no memory
            self._ended[page] = log.sentence_for(error, "an app in the browser")
        finally:
            await app.stop()
            self._apps.discard(app)
        await websocket.close()
        return websocket

    def _tell(self, page: str, why: str) -> None:
        """Keep for a page why its app has ended, and say it in the terminal."""
        self._ended[page] = why
        say(crash_words.wrapped(f"An app in the browser:\n{why}"))

    # -- beginning and end --------------------------------------------------------------------------------

    def serve_on(self, listening: socket.socket) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP; then let each app save."""
        asyncio.run(self._serve_on(listening))

    async def _serve_on(self, listening: socket.socket) -> None:
        enough = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with contextlib.suppress(NotImplementedError, RuntimeError, AttributeError):
                loop.add_signal_handler(getattr(signal, name), enough.set)
        runner = web.AppRunner(await self._make_app(), access_log=None, shutdown_timeout=SAVED)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            await enough.wait()
        finally:
            if self._apps:
                say("Saving what is open…")
            await runner.cleanup()

    async def on_shutdown(self, app: web.Application) -> None:
        """Ask each app to save and leave; the runner waits for them."""
        await asyncio.gather(*(each.stop() for each in list(self._apps)))


def _cells(wanted: Any) -> int:
    """The width or height of a page, within reason. Raises ValueError, TypeError."""
    return min(max(int(wanted), 1), 1000)


def _own_address() -> str:
    """This machine's address in its network, or its name. Sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address that is nobody's
        return str(probe.getsockname()[0])
    return socket.gethostname()


class _App(AppService):
    """One app in a process of its own."""

    def __init__(
        self, websocket: web.WebSocketResponse, downloads: Any, tell: Callable[[str], object]
    ) -> None:
        """`tell` gets why the process has ended, if it was by an error."""
        self._websocket, self._tell = websocket, tell
        self._errors: asyncio.StreamReader | None = None
        self._said = b""  # the end of what the process wrote to standard error: a sentence
        super().__init__(
            "storytime-tui",
            write_bytes=self._send,
            write_str=self._send,
            close=self._not_yet,
            download_manager=downloads,
        )

    def _why(self) -> str:
        """Why the process has ended, if it was by an error; else nothing."""
        code = self._process.returncode if self._process is not None else 0
        if not code:
            return ""
        if code < 0:
            return crash_words.of_signal(watcher.name_of(-code), log.place_in_words()).strip()
        said = printable(self._said.decode("utf-8", "replace")).strip()
        return said or f"An error ended it. {log.place_in_words()}"

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        # without a shell; away from the terminal, whose Ctrl+C is for the server: it asks the apps to save
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "storytime_tui", "app"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self._build_environment(width=width, height=height), "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self._stdin, self._errors = process.stdin, process.stderr
        process.stderr = asyncio.StreamReader()  # what textual-serve reads there, it would print
        process.stderr.feed_eof()
        return process

    async def hear(self, envelope: list[Any], websocket: web.WebSocketResponse) -> None:
        """Do what the page asks for."""
        kind = envelope[0]
        if kind == "stdin":
            await self.send_bytes(str(envelope[1]).encode("utf-8", "replace"))
        elif kind == "resize":
            await self.set_terminal_size(*(_cells(envelope[1][side]) for side in ("width", "height")))
        elif kind == "ping":
            await websocket.send_json(["pong", envelope[1]])
        elif kind in ("blur", "focus"):
            await (self.blur() if kind == "blur" else self.focus())

    async def run(self) -> None:
        """Pass on what the app writes until it has ended, then close the page."""
        assert self._process is not None and self._errors is not None
        listening = asyncio.create_task(self._hear_errors(self._errors))
        await super().run()
        await self._process.wait()
        await listening
        if why := self._why():
            self._tell(why)  # before the page asks
        await self._close()

    async def _hear_errors(self, errors: asyncio.StreamReader) -> None:
        while data := await errors.read(4096):
            self._said = (self._said + data)[-4096:]

    async def _send(self, data: bytes | str) -> None:
        # the app is heard to its end, even if nobody looks: it would wait for a reader while it saves
        with contextlib.suppress(ConnectionError, RuntimeError):
            await (
                self._websocket.send_bytes(data)
                if isinstance(data, bytes)
                else self._websocket.send_str(data)
            )

    async def _not_yet(self) -> None:
        """The app has left the page; its process may still save, and say why."""

    async def _close(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._websocket.close()
