"""The app in a browser: it answers keys and tells a story there, and only whoever has the token comes in."""

import asyncio
import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
import psutil
import pytest

from storytime_tui import cli
from tests.browser import CHROMIUM, Chromium, Served, Visitor, chromium, serving, visiting

pytestmark = pytest.mark.skipif(os.name == "nt", reason="textual-serve runs on POSIX")
SECRET = "the hedgehog buried Aunt Ottoline"


def apps_of(served: Served) -> list[psutil.Process]:
    return psutil.Process(served.process.pid).children()


async def use(page: Visitor | Chromium) -> None:
    """Untick and tick a collection, then have a story told: the main job, by keys."""
    press = page.keys
    await page.wait_for(r"\[x\] Hedgerow Tales")
    await press(" ")
    await page.wait_for(r"\[ \] Hedgerow Tales")
    await press(" ")
    await page.wait_for(r"\[x\] Hedgerow Tales")
    await press("3")
    await page.wait_for("A blank page")
    await press("One evening a small mouse\r")
    words = re.compile(r"(\d+) words")
    first = await page.wait_for(lambda text: (found := words.search(text)) and int(found[1]) > 8, 90)
    before = int((words.search(first) or [0, 0])[1])
    await page.wait_for(lambda text: (found := words.search(text)) and int(found[1]) > before + 5)


def tell_slowly(home: Path) -> None:
    """Have at least 40 tokens told at 900 words a minute: on any machine the words can be seen to come."""
    home.mkdir(parents=True)
    (home / "settings.toml").write_text("words_per_minute = 900\nmin_tokens = 40\n")


@pytest.mark.needs_torch
async def test_the_page_loads_the_app_which_ticks_a_collection_and_tells_a_story(home: Path) -> None:
    tell_slowly(home)
    async with serving(home) as served, visiting(served) as page:
        async with page.app():
            await use(page)
            await page.keys("\x1b")
        code, said = await served.end()
        assert code == 0 and "What you wrote" not in said
    with closing(sqlite3.connect(home / "stories.sqlite3")) as db:
        told = "".join(row[0] for row in db.execute("SELECT text FROM passage"))
    assert "One evening a small mouse" in told and len(told.split()) > 13


@pytest.mark.needs_torch
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here; the test above speaks its protocol")
async def test_in_a_headless_chromium(home: Path, tmp_path: Path) -> None:
    tell_slowly(home)
    async with serving(home) as served, chromium(tmp_path / "profile") as new_page:
        stranger = await new_page()
        await stranger.open(served.base + "/")
        await stranger.until("document.readyState == 'complete' && document.body.innerText.length > 0")
        assert stranger.statuses[served.base + "/"] == 403
        assert "This page needs its token" in await stranger.value("document.body.innerText")
        assert apps_of(served) == []

        page = await new_page()
        await page.open(served.address)
        await page.until("document.body.classList.contains('-first-byte')")
        assert await page.value("location.href") == served.base + "/"  # no token in the address bar
        assert await page.value("document.cookie") == ""  # nor for scripts
        await page.wait_for(r"\[x\] Hedgerow Tales")
        await page.until("document.fonts.check('16px \"Roboto Mono\"')")
        ticked = await page.picture()
        await use(page)
        told = await page.picture()
        assert ticked[:4] == b"\x89PNG" and ticked != told  # it is painted, too
        if folder := os.environ.get("STORYTIME_PICTURES"):
            (Path(folder) / "ticked.png").write_bytes(ticked)
            (Path(folder) / "told.png").write_bytes(told)
        strange = [url for url in page.requests if f"//127.0.0.1:{served.port}/" not in url]
        assert {url.partition(":")[0] for url in strange} <= {"data"}  # nothing comes from elsewhere
        assert page.complaints == []

        await page.keys("\x1b")
        await page.ask("Page.reload")  # a page of its own again: the app before it has saved
        await page.wait_for(r"\[x\] Hedgerow Tales")
        os.kill(apps_of(served)[-1].pid, signal.SIGSEGV)
        await page.until("document.body.innerText.includes('Storytime has closed')")
        await page.until("document.body.innerText.includes('SIGSEGV')")
        assert "storytime.log" in await page.value("document.body.innerText")
        if folder := os.environ.get("STORYTIME_PICTURES"):
            (Path(folder) / "closed.png").write_bytes(await page.picture())
        assert (await served.end())[0] == 0


def bare() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())


async def test_without_the_token_nothing_is_served(home: Path) -> None:
    async with serving(home) as served, bare() as session:
        paths = [
            *("/", "/?token=", "/?token=wrong", "/ws/abc?width=80&height=24", "/ended/abc", "/download/abc"),
            *("/static/js/textual.js", "/page/page.js", "/nosuch", "/static/../../../../etc/passwd"),
        ]
        for path in paths:
            for cookie in ({}, {"Cookie": f"storytime-{served.port}=wrong"}):
                async with session.get(served.base + path, headers=cookie) as answer:
                    assert answer.status == 403, path
                    assert served.token not in await answer.text()
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            async with session.request(method, served.base + "/") as answer:
                assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(served.base + "/ws/abc", origin=served.base)
        assert refused.value.status == 403
        assert apps_of(served) == []


async def test_another_sites_page_and_another_name_are_refused_even_with_the_cookie(home: Path) -> None:
    async with serving(home) as served, bare() as session:
        cookie = {"Cookie": f"storytime-{served.port}={served.token}"}
        here = f"127.0.0.1:{served.port}"

        async def status(path: str, **headers: str) -> int:
            async with session.get(served.base + path, headers={**cookie, **headers}) as answer:
                return answer.status

        assert await status("/") == 200
        assert await status("/", Host=f"localhost:{served.port}") == 200
        assert await status("/", Host="localhost:9000") == 200  # through a forwarded port
        assert await status("/", Host=f"evil.example:{served.port}") == 403
        assert await status("/", Origin="http://evil.example") == 403
        assert await status("/", Origin="null") == 403
        assert await status("/", Origin=f"http://127.0.0.1:{served.port + 1}") == 403
        assert await status(f"/?token={served.token}", Host="evil.example") == 403
        for origin in ("http://evil.example", f"http://localhost:{served.port}", "null", None):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"http://{here}/ws/abc", origin=origin, headers=cookie)
            assert refused.value.status == 403, origin
        assert apps_of(served) == []


async def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(home: Path) -> None:
    async with serving(home) as served, bare() as session:
        async with session.get(served.address + "&fontsize=20", allow_redirects=False) as answer:
            assert answer.status == 303 and answer.headers["Location"] == "/?fontsize=20"
            cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
        async with session.get(served.base + "/", headers={"Cookie": cookie.partition(";")[0]}) as answer:
            text, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert served.token not in text and "http" not in text.replace("http-equiv", "")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        for part in ("/static/js/textual.js", "/static/css/xterm.css", "/page/page.js", "/page/page.css"):
            async with session.get(served.base + part, headers={"Cookie": cookie.partition(";")[0]}) as file:
                assert file.status == 200 and file.headers["X-Content-Type-Options"] == "nosniff"


async def test_it_listens_on_this_machine_alone_unless_it_is_told_otherwise(home: Path) -> None:
    async with serving(home) as served:
        heard = [
            each for each in psutil.Process(served.process.pid).net_connections() if each.status == "LISTEN"
        ]
        assert [each.laddr for each in heard] == [("127.0.0.1", served.port)]
    async with serving(home, "--host", "0.0.0.0") as served, bare() as session:
        heard = [
            each for each in psutil.Process(served.process.pid).net_connections() if each.status == "LISTEN"
        ]
        assert [each.laddr[0] for each in heard] == ["0.0.0.0"]
        for name in ("127.0.0.1", "localhost"):
            async with session.get(f"http://{name}:{served.port}/") as answer:
                assert answer.status == 403  # the token, there as well
        async with session.get(f"http://127.0.0.1:{served.port}/?token={served.token}") as answer:
            assert answer.status == 403  # after the redirect, without a cookie
        code, said = await served.end()
        assert code == 0 and "It is open to the network" in said


async def test_a_closed_page_saves_what_was_typed_and_ends_its_app(home: Path) -> None:
    async with serving(home) as served, visiting(served) as page, visiting(served) as other:
        async with page.app(), other.app():
            await page.wait_for(r"\[x\] Hedgerow Tales")
            await other.wait_for(r"\[x\] Hedgerow Tales")  # two pages, two apps
            assert len(apps_of(served)) == 2
            await page.keys("3")
            await page.wait_for("A blank page")
            await page.keys(SECRET)
            await page.wait_for(f"› {SECRET}")
            await page.socket.close()
            while len(apps_of(served)) > 1:
                await asyncio.sleep(0.05)
            await other.keys("4")
            await other.wait_for("No runs yet")  # the other one goes on
        code, said = await served.end()
        assert code == 0 and "Traceback" not in said
    with closing(sqlite3.connect(home / "stories.sqlite3")) as db:
        assert db.execute("SELECT text FROM draft").fetchone()[0] == SECRET
    log = home / "logs" / "storytime.log"
    assert not log.exists() or "hedgehog" not in log.read_text()


async def test_the_server_lets_its_apps_save_and_they_leave_when_it_is_killed(home: Path) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        async with serving(home) as served, visiting(served) as page, page.app():
            await page.wait_for(r"\[x\] Hedgerow Tales")
            await page.keys("3")
            await page.wait_for("A blank page|›")
            await page.keys("a")
            await page.wait_for("› a" if number == signal.SIGINT else "› aa")
            (app,) = apps_of(served)
            code, _ = await served.end(number)
            assert code == (0 if number == signal.SIGINT else -number)
            await asyncio.to_thread(psutil.wait_procs, [app], 30)
            assert not app.is_running()
    with closing(sqlite3.connect(home / "stories.sqlite3")) as db:
        assert db.execute("SELECT text FROM draft").fetchone()[0] == "aa"


async def test_a_message_that_no_page_of_ours_sends_ends_that_page_alone(home: Path) -> None:
    async with serving(home) as served, visiting(served) as page, visiting(served) as other:
        async with page.app(), other.app():
            await other.wait_for(r"\[x\] Hedgerow Tales")
            await page.socket.send_str('{"stdin": 1}')
            while not page.closed:
                await asyncio.sleep(0.02)
            await other.keys("4")
            await other.wait_for("No runs yet")
        assert (await served.end())[0] == 0


async def test_why_an_app_has_ended_is_told_to_its_page(home: Path) -> None:
    async with serving(home) as served, visiting(served) as page:
        async with page.app():
            await page.wait_for(r"\[x\] Hedgerow Tales")
            os.kill(apps_of(served)[0].pid, signal.SIGKILL)
            while not page.closed:
                await asyncio.sleep(0.02)
        async with page.session.get(f"{served.base}/ended/{page.page}") as why:
            assert "It was killed" in await why.text()
        code, said = await served.end()
        assert "It was killed" in said and "storytime.log" in said and code == 0


async def test_a_crash_in_a_page_saves_what_was_typed_and_says_so(home: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.orig_argv[-1] == 'app':\n"
        "    from tests.crashing_app import break_by\n"
        "    break_by('handler')\n"
    )
    found = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    async with serving(home, PYTHONPATH=found) as served, visiting(served) as page:
        async with page.app():
            await page.wait_for(r"\[x\] Hedgerow Tales")
            await page.keys("3")
            await page.wait_for("A blank page")
            await page.keys(SECRET)
            await page.wait_for(f"› {SECRET}")
            await page.keys("\x1bOP")  # F1
            while not page.closed:
                await asyncio.sleep(0.02)
        async with page.session.get(f"{served.base}/ended/{page.page}") as why:
            said = await why.text()
        assert "An unexpected error occurred in the app (ValueError)" in said
        assert "storytime.log" in said and "hedgehog" not in said and "Traceback" not in said
        _, printed = await served.end()
        assert "hedgehog" not in printed and "Traceback" not in printed
    with closing(sqlite3.connect(home / "stories.sqlite3")) as db:
        assert db.execute("SELECT text FROM draft").fetchone()[0] == SECRET
    log = (home / "logs" / "storytime.log").read_text()
    assert "in stumble" in log and "hedgehog" not in log


def test_without_the_extra_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from storytime_tui.commands import serve

    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["serve"]) == 1
    said = capsys.readouterr().err
    assert "textual-serve, which is not installed" in said and "[web]" in said and said.count("\n") == 1


def test_a_port_that_is_taken_or_is_none_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["serve", "--port", str(taken.getsockname()[1])]) == 1
    assert "another program uses it" in capsys.readouterr().err
    assert cli.main(["serve", "--port", "70000"]) == 2
    assert cli.main(["serve", "--host", "no.such.name.invalid"]) == 1
    said = capsys.readouterr().err
    assert "no.such.name.invalid" in said and "Traceback" not in said


def test_the_address_that_is_opened_works_once_and_another_one_does_not() -> None:
    from storytime_tui.commands.browser_server import BrowserServer

    server = BrowserServer("127.0.0.1", 1)
    once = server.once().partition("=")[2]
    assert once not in server.address()
    assert [server._knows(once), server._knows(once), server._knows("")] == [True, False, False]
    assert server._knows(server.address().partition("=")[2])
