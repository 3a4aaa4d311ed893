"""`storytime-tui serve` as a program, and the two ways to it: the protocol of its page, and a real Chromium."""

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.quick_screen import QuickScreen, QuickStream
from tests.terminal import known

CHROMIUM = next(
    filter(
        None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell"))
    ),
    None,
)


class Served:
    """A running server: its address with the token, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self.process, self.address = process, address
        self.base, _, self.token = address.partition("/?token=")
        self.port = int(self.base.rpartition(":")[2])

    async def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Ask the server to end; its exit code, and what it has said since its address."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        said = (await asyncio.wait_for(self.process.stderr.read(), 90)).decode()
        return await self.process.wait(), said


@asynccontextmanager
async def serving(home: Path, *words: str, **environment: str) -> AsyncIterator[Served]:
    """A server on a free port of this machine; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "storytime_tui", "serve", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "STORYTIME_HOME": str(home), "TEXTUAL_ANIMATIONS": "none", **environment},
    )
    try:
        assert process.stderr is not None
        first = (await asyncio.wait_for(process.stderr.readline(), 60)).decode()
        found = re.fullmatch(r"Storytime is at (http://\S+/\?token=\S+)\n", first)
        assert found, first
        yield Served(process, found[1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Page:
    """A screen that is fed from somewhere until it shows what is waited for."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = QuickScreen(columns, rows)
        self._stream = QuickStream(self.screen)
        self._news = asyncio.Event()
        self.closed = False

    def feed(self, data: bytes) -> None:
        self._stream.feed(known(data))
        self._news.set()

    def end(self) -> None:
        self.closed = True
        self._news.set()

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    async def wait_for(self, wanted: str | Callable[[str], object], seconds: float = 60) -> str:
        """Wait until the screen matches a regular expression, or a function of its text; return that text."""
        holds = (lambda text: re.search(wanted, text)) if isinstance(wanted, str) else wanted
        until = asyncio.get_running_loop().time() + seconds
        while not holds(text := self.text()):
            left = until - asyncio.get_running_loop().time()
            assert left > 0 and not self.closed, f"the page does not show {wanted}:\n{text}"
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
        return text


class Visitor(Page):
    """Speaks the protocol of the served page without a browser: HTTP, then a websocket."""

    def __init__(self, served: Served, session: aiohttp.ClientSession) -> None:
        super().__init__(100, 30)
        self.served, self.session = served, session

    async def open_page(self) -> str:
        """Visit the address with its token; the number of the page."""
        async with self.session.get(self.served.address) as page:
            assert page.status == 200 and "token" not in str(page.url)
            text = await page.text()
        found = re.search(r'data-page="(\w+)"', text)
        assert found
        return found[1]

    @asynccontextmanager
    async def app(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The app of a new page, as the page's script opens it."""
        self.page = await self.open_page()
        where = f"{self.served.base}/ws/{self.page}?width=100&height=30"
        async with self.session.ws_connect(where, origin=self.served.base) as self.socket:
            hearing = asyncio.create_task(self._hear())
            try:
                yield self.socket
            finally:
                await self.socket.close()
                await hearing

    async def _hear(self) -> None:
        async for message in self.socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                self.feed(message.data)
        self.end()

    async def keys(self, text: str) -> None:
        await self.socket.send_json(["stdin", text])


@asynccontextmanager
async def visiting(served: Served) -> AsyncIterator[Visitor]:
    # cookies of an address such as 127.0.0.1 too, as browsers keep them
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Visitor(served, session)


class Chromium(Page):
    """One page of a headless Chromium, driven by its DevTools protocol; its screen is what its socket received."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__(80, 24)
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self.statuses: dict[str, int] = {}
        self.complaints: list[str] = []
        self._hearing = asyncio.create_task(self._hear())

    async def ask(self, method: str, **values: Any) -> dict[str, Any]:
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": values})
        return await asyncio.wait_for(self._answers[number], 60)

    async def value(self, script: str) -> Any:
        """What a script in the page gives."""
        found = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return found["result"].get("value")

    async def until(self, script: str, seconds: float = 30) -> None:
        """Wait until a script in the page is true."""
        end = asyncio.get_running_loop().time() + seconds
        while not await self.value(script):
            assert asyncio.get_running_loop().time() < end, f"never: {script}"
            await asyncio.sleep(0.05)

    async def open(self, address: str) -> None:
        for domain in ("Network", "Page", "Runtime", "Log"):
            await self.ask(f"{domain}.enable")
        await self.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # as the window in front
        await self.ask("Page.navigate", url=address)

    async def keys(self, text: str) -> None:
        """Press keys, one after another, as a keyboard does."""
        for sign in text:
            key = {"\r": "Enter", "\x1b": "Escape"}.get(sign, sign)
            code = {"Enter": 13, "Escape": 27}.get(key, ord(sign.upper()))
            shared = {"key": key, "windowsVirtualKeyCode": code}
            await self.ask("Input.dispatchKeyEvent", type="keyDown", text=sign, **shared)
            await self.ask("Input.dispatchKeyEvent", type="keyUp", **shared)

    async def picture(self) -> bytes:
        """A PNG of the page."""
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])

    async def _hear(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            about = said.get("params", {})
            if "id" in said:
                self._answers[said["id"]].set_result(said.get("result", {}))
            elif said["method"] == "Network.requestWillBeSent":
                self.requests.append(about["request"]["url"])
            elif said["method"] == "Network.webSocketCreated":
                self.requests.append(about["url"])
            elif said["method"] == "Network.responseReceived":
                self.statuses[about["response"]["url"]] = about["response"]["status"]
            elif said["method"] == "Network.webSocketFrameSent":
                self._follow(about["response"]["payloadData"])
            elif said["method"] == "Network.webSocketFrameReceived" and about["response"]["opcode"] == 2:
                self.feed(base64.b64decode(about["response"]["payloadData"]))
            elif said["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
                self.complaints.append(about["entry"]["text"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(about["exceptionDetails"]))

    def _follow(self, sent: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
            kind, size = json.loads(sent)[:2]
            if kind == "resize":
                self.screen.resize(size["height"], size["width"])


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Callable[[], Any]]:
    """A headless Chromium with nothing in its profile; yields what opens one more page."""
    assert CHROMIUM is not None
    browser = await asyncio.create_subprocess_exec(
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--remote-debugging-port=0", "--window-size=1100,750"),
        *(f"--user-data-dir={folder}", "--no-first-run", "--disable-background-networking", "about:blank"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert browser.stderr is not None
        port = ""
        while not port:
            line = (await asyncio.wait_for(browser.stderr.readline(), 60)).decode()
            assert line, "Chromium has ended"
            if found := re.search(r"ws://127\.0\.0\.1:(\d+)/", line):
                port = found[1]
        hearing = asyncio.create_task(browser.stderr.read())
        async with aiohttp.ClientSession() as session:

            async def new_page() -> Chromium:
                async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                    where = (await answer.json())["webSocketDebuggerUrl"]
                return Chromium(await session.ws_connect(where, max_msg_size=0))

            yield new_page
    finally:
        browser.terminate()
        await browser.wait()
        hearing.cancel()
