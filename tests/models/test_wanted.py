"""Before a download begins it is asked for, with its size; proxies that are in the way are named."""

import io
import os
import pty
import re
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pexpect
import pytest

from storytime_tui.cli import main
from storytime_tui.commands import downloads as command
from storytime_tui.errors import ModelError
from storytime_tui.jobs import downloads
from storytime_tui.models.hub import FetchStopped, fetch
from storytime_tui.models.proxies import proxy_for
from storytime_tui.models.wanted import Cancelled, Wanted, asked_first, is_agreed
from tests.loopback import Loopback
from tests.loopback_hub import LoopbackHub, keep_only_pickle, want_remote_code
from tests.tiny import write_collection

TALE = "owner/tale"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def large_files(hub: LoopbackHub) -> list[str]:
    """What was sent of the model but its configuration."""
    return [name for name in hub.downloads() if name != "config.json"]


def test_the_question_has_the_size_and_comes_before_the_download(hub: LoopbackHub) -> None:
    seen: list[Wanted] = []

    def ask(wanted: Wanted, cancelled: Cancelled) -> bool:
        assert large_files(hub) == [] and not cancelled()
        seen.append(wanted)
        return True

    with asked_first(ask):
        folder = fetch(TALE)
        assert fetch(TALE) == folder  # nothing to ask: it is here now
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert [each.bytes for each in seen] == [sum(sizes.values()) - sizes["config.json"]]
    assert (seen[0].repo_id, seen[0].endpoint) == (TALE, hub.url)
    what, where = downloads.in_words(seen[0])
    assert re.fullmatch(rf"{TALE} is not on this machine: \d+ kB to download from {hub.url}\.", what)
    assert str(seen[0].folder) in where and "free" in where


def test_a_no_downloads_nothing(hub: LoopbackHub) -> None:
    with (
        asked_first(lambda wanted, cancelled: False),
        pytest.raises(FetchStopped, match="was not downloaded"),
    ):
        fetch(TALE)
    assert large_files(hub) == []


def test_without_anybody_to_ask_it_begins(hub: LoopbackHub) -> None:
    assert (fetch(TALE) / "model.safetensors").is_file()


def test_what_cannot_be_used_is_refused_before_the_question(hub: LoopbackHub) -> None:
    def ask(wanted: Wanted, cancelled: Cancelled) -> bool:
        raise AssertionError("it was asked about")

    with asked_first(ask):
        want_remote_code(hub.models / "owner" / "tale")
        with pytest.raises(ModelError, match="code"):
            fetch(TALE)
        keep_only_pickle(hub.models / "owner" / "tale")
        with pytest.raises(ModelError, match="safetensors"):
            fetch(TALE)


# -- on the command line ---------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A terminal that is read and written."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    return Wanted("gpt2", 548_105_171, "https://huggingface.co", tmp_path / "hub")


ANSWERS = {"\n": True, "y\n": True, "YES\n": True, "n\n": False, "?\n": False, "": False}


@pytest.mark.parametrize(("typed", "agreed"), ANSWERS.items())
def test_a_terminal_is_asked(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool
) -> None:
    said = Terminal()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(command.select, "select", lambda *_: ([sys.stdin], [], []))
    with command.asked(yes=False):
        assert is_agreed(wanted, lambda: False) is agreed
    assert "gpt2 is not on this machine: 548 MB to download from https://huggingface.co." in said.getvalue()
    assert said.getvalue().endswith("Download it? [Y/n] ")


@pytest.mark.parametrize(("yes", "terminal"), [(True, True), (False, False)])
def test_yes_or_no_terminal_goes_on_and_says_it(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch, yes: bool, terminal: bool
) -> None:
    said = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setattr(sys, "stdin", None)
    with command.asked(yes=yes):
        assert is_agreed(wanted, lambda: False)
    assert "548 MB to download" in said.getvalue() and "[Y/n]" not in said.getvalue()


def test_a_connection_that_is_not_encrypted_is_said_in_the_question(tmp_path: Path) -> None:
    plain = downloads.in_words(Wanted("gpt2", 1000, "http://hub.example", tmp_path))
    assert plain[0].endswith("from http://hub.example. The connection is not encrypted (http).")


@pytest.mark.parametrize("verb", ["train", "tell", "write", "evaluate", "explain"])
def test_each_command_that_downloads_can_be_answered_beforehand(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    assert "--yes" in capsys.readouterr().out


@pytest.mark.parametrize(("key", "code", "says"), [("n\n", 1, "Stopped"), ("\x03", 130, "Stopped")])
def test_a_run_in_a_terminal_waits_for_the_answer(
    hub: LoopbackHub, tmp_path: Path, key: str, code: int, says: str
) -> None:
    tales = write_collection(tmp_path / "tales")
    words = ["-m", "storytime_tui", "train", "--corpus", str(tales), "--base", TALE]
    program = pexpect.spawn(sys.executable, words, timeout=60, encoding="utf-8", dimensions=(24, 200))
    program.expect_exact("Download it? [Y/n] ")
    assert large_files(hub) == []
    program.send(key)
    program.expect(says)
    program.expect(pexpect.EOF)
    program.close()
    assert program.exitstatus == code
    assert large_files(hub) == []


# -- proxies ---------------------------------------------------------------------------------------------


class _Refusing(BaseHTTPRequestHandler):
    """A proxy that wants a login of everybody."""

    def do_CONNECT(self) -> None:
        self.send_response(407, "Proxy Authentication Required")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_CONNECT()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def proxy() -> Iterator[str]:
    """The address of a proxy that lets nobody through, without its scheme."""
    with Loopback(_Refusing) as refusing:
        yield refusing.url.removeprefix("http://")


def refusal(repo_id: str = TALE) -> str:
    with pytest.raises(ModelError) as caught:
        fetch(repo_id)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_is_named_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{scheme}://hub.example")
    variable = f"{scheme.upper()}_PROXY"
    monkeypatch.setenv(variable, f"http://user:secret@{proxy}")
    said = refusal()
    assert said.startswith(f"The proxy {proxy} does not let {TALE} be fetched from {scheme}://hub.example")
    assert f"{variable}=http://USER:PASSWORD@HOST:PORT" in said and "secret" not in said


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "check the proxy 127.0.0.1:9, which HTTPS_PROXY names" in refusal()


def test_no_network_says_how_a_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://127.0.0.1:9")
    assert "check the network (behind a proxy, set HTTPS_PROXY to it)" in refusal()


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1", "ftp://proxy:1", "http://proxy:port"])
def test_a_proxy_that_no_client_can_use_is_a_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert "set in the environment cannot be used" in refusal()
    assert "HTTPS_PROXY" in refusal()


def test_the_proxy_for_an_address_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://huggingface.co") == ""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    assert proxy_for("https://huggingface.co") == "proxy.example:3128"
    assert proxy_for("http://huggingface.co") == ""
    monkeypatch.setenv("NO_PROXY", "huggingface.co")
    assert proxy_for("https://huggingface.co") == ""


@pytest.mark.skipif(not hasattr(os, "tcgetpgrp"), reason="jobs in the background are POSIX's")
def test_a_job_in_the_background_is_not_stopped_by_a_question(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shares the terminal, and reading from it would stop it."""
    owner, ours = pty.openpty()
    with os.fdopen(ours, "r") as terminal, os.fdopen(owner, "wb"):
        said = Terminal()
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr(sys, "stderr", said)
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        with command.asked(yes=False):
            assert is_agreed(wanted, lambda: False)
    assert "548 MB to download" in said.getvalue() and "[Y/n]" not in said.getvalue()
