"""Servers that drip, never end, lie about sizes or pack gigabytes into a few bytes: one sentence, soon."""

import contextlib
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from storytime_tui.corpus.formats.read import read_document
from storytime_tui.corpus.web import addresses, polite
from storytime_tui.corpus.web.addresses import DownloadStopped, download, read
from storytime_tui.corpus.web.transfer import PIECE, decoded
from storytime_tui.errors import CorpusError
from tests.corpus.conftest import refusal
from tests.loopback_library import Waits, manners_without_waiting
from tests.loopback_raw import LoopbackRaw, drip

TALE = b"Once a fox slept under the hill and ate apples.\n" * 40
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
SOON = 20.0  # seconds: far more than it takes, far less than for ever


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def answer(*more: bytes, body: bytes = TALE) -> Callable[[socket.socket, threading.Event], None]:
    """A server that says these header lines, and a body to the end of the connection."""
    lines = b"".join(line + b"\r\n" for line in more)
    return lambda conn, _: conn.sendall(HEAD + lines + b"Connection: close\r\n\r\n" + body)


def drip_head(conn: socket.socket, closing: threading.Event) -> None:
    conn.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
    drip(conn, closing)


def drip_body(conn: socket.socket, closing: threading.Event) -> None:
    conn.sendall(HEAD + b"\r\n")
    drip(conn, closing)


def drip_chunks(conn: socket.socket, closing: threading.Event) -> None:
    conn.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    drip(conn, closing, b"1\r\na\r\n")


def only_hints(conn: socket.socket, closing: threading.Event) -> None:
    while not closing.is_set():
        conn.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 50)


def no_word(conn: socket.socket, closing: threading.Event) -> None:
    closing.wait()


def nobody_reads_on() -> bool:
    """Whether the threads of all downloads end soon."""
    deadline = time.monotonic() + SOON
    while any(thread.name == "storytime-download" for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# -- time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("say", [drip_head, drip_body, drip_chunks, only_hints])
def test_what_drips_for_ever_is_given_up(
    say: Callable[[socket.socket, threading.Event], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polite, "HEAD_SECONDS", 0.3)
    began = time.monotonic()
    with LoopbackRaw(say) as server:
        said = refusal(lambda: download(server.url + "/a.txt", folder))
        assert nobody_reads_on()
    assert "did not answer" in said or "too slowly" in said
    assert time.monotonic() - began < SOON


def test_a_body_has_its_time_however_fast_it_comes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polite, "BODY_SECONDS", 0.3)

    def endless(conn: socket.socket, closing: threading.Event) -> None:
        conn.sendall(HEAD + b"\r\n")
        while not closing.wait(0.001):
            conn.sendall(TALE)

    with LoopbackRaw(endless) as server:
        assert "did not send the whole file" in refusal(lambda: download(server.url + "/a.txt", folder))
        assert nobody_reads_on()


@pytest.mark.parametrize("say", [drip_head, drip_body, only_hints, no_word])
def test_a_stop_is_heard_at_once_and_cuts_the_connection(
    say: Callable[[socket.socket, threading.Event], None], folder: Path
) -> None:
    stop = threading.Event()
    heard: list[float] = []

    def work(url: str) -> None:
        with pytest.raises(DownloadStopped):
            download(url, folder, stop=stop)
        heard.append(time.monotonic())

    with LoopbackRaw(say) as server:
        thread = threading.Thread(target=work, args=(server.url + "/a.txt",))
        thread.start()
        deadline = time.monotonic() + SOON
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        set_at = time.monotonic()
        stop.set()
        thread.join(SOON)
        assert nobody_reads_on()
    assert heard and heard[0] - set_at < 3


# -- how much ------------------------------------------------------------------------------------------------


def bomb(layers: int) -> bytes:
    data = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(data.compress(b"\n" * (1 << 20)) for _ in range(64)) + data.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_few_bytes_that_unpack_to_gigabytes_take_no_memory(layers: int, folder: Path) -> None:
    encoding = b"Content-Encoding: " + b", ".join([b"gzip"] * layers)
    body = bomb(layers)
    tracemalloc.start()
    try:
        with LoopbackRaw(answer(encoding, body=body)) as server:
            said = refusal(lambda: download(server.url + "/a.txt", folder, largest=3_000_000))
            assert "too much" in refusal(lambda: read(server.url, largest=3_000_000)) or layers > 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ("packed more than once" in said) if layers > 1 else ("too large" in said)
    assert peak < 20_000_000
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "encoding", [b"br", b"zstd", b"compress", b"gzip, br", b"x", b"gzip" + b", gzip" * 2000]
)
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: bytes, folder: Path) -> None:
    with LoopbackRaw(answer(b"Content-Encoding: " + encoding)) as server:
        assert "is packed" in refusal(lambda: download(server.url + "/a.txt", folder))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        (b"gzip", gzip.compress),
        (b"X-GZIP", gzip.compress),
        (b"identity, gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"deflate", lambda data: zlib.compress(data)[2:-4]),
        (b"identity", bytes),
        (b"", bytes),
    ],
)
def test_what_is_packed_once_comes_whole(
    encoding: bytes, pack: Callable[[bytes], bytes], folder: Path
) -> None:
    with LoopbackRaw(answer(b"Content-Encoding: " + encoding, body=pack(TALE))) as server:
        assert download(server.url + "/a.txt", folder).path.read_bytes() == TALE


@pytest.mark.parametrize(
    "body",
    [
        b"no gzip at all" * 9,
        gzip.compress(TALE)[:-9],
        gzip.compress(TALE) + b"more",
        gzip.compress(b"") * 999,
    ],
    ids=["no gzip at all", "cut", "with more behind it", "a thousand times nothing"],
)
def test_damaged_packing_is_one_sentence(body: bytes, folder: Path) -> None:
    with LoopbackRaw(answer(b"Content-Encoding: gzip", body=body)) as server:
        refusal(lambda: download(server.url + "/a.txt", folder))
    assert not (folder / "a.txt").exists()


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_decoded_pieces_are_small_wherever_the_bytes_are_cut(step: int) -> None:
    data = TALE * 300 + b"\0" * 500_000
    packed = gzip.compress(data)
    pieces = list(decoded((packed[at : at + step] for at in range(0, len(packed), step)), "gzip", "it"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= PIECE


# -- what a server says of itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: -1",),
        (b"Content-Length: " + b"9" * 30,),
        (b"Content-Length: 100000",),
        (b"Content-Range: bytes 5-10/99999999999",),
        (b"Transfer-Encoding: chunked",),
        tuple(b"X-A: " + b"a" * 8000 for _ in range(100)),
    ],
)
def test_lies_about_a_size_are_one_sentence(lines: tuple[bytes, ...], folder: Path) -> None:
    with LoopbackRaw(answer(*lines)) as server, contextlib.suppress(CorpusError):
        download(server.url + "/a.txt", folder)
    assert not any(path.stat().st_size > 10_000 for path in folder.iterdir())


@pytest.mark.parametrize(
    "charset", ["idna", "undefined", "unicode_escape", "zip", "rot13", "utf-7", "hex", "x" * 9000]
)
def test_a_codec_is_one_of_a_list(charset: str, folder: Path) -> None:
    named = f"Content-Disposition: attachment; filename*={charset}''x%ff%41.txt".encode()
    typed = f"Content-Type: text/html; charset={charset}".encode()
    page = b"<html><head><meta charset=" + charset.encode() + b"></head><p>Caf\xe9. " + TALE + b"</p></html>"
    said = b"\r\n".join([b"HTTP/1.1 200 OK", typed, named, b"", page])
    with LoopbackRaw(lambda conn, _: conn.sendall(said)) as server:
        came = download(server.url + "/a.html", folder)
    assert "Café" in read_document(came.path).text
    xml = folder / "a.xhtml"
    xml.write_bytes(b'<?xml version="1.0" encoding="' + charset.encode() + b'"?>' + page)
    assert "Café" in read_document(xml).text


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/PWN.txt",
        "/etc/PWN.txt",
        "..\\..\\PWN.txt",
        "a" * 5000 + ".txt",
        "\x07\x0b\x08.txt",
        "CON.txt",
        ".",
    ],
)
def test_a_name_that_a_server_gives_stays_in_the_folder(name: str, folder: Path) -> None:
    line = f"Content-Disposition: attachment; filename*=utf-8''{quote(name, safe='')}".encode()
    with LoopbackRaw(answer(line)) as server:
        came = download(server.url + "/a.txt", folder)
    assert came.path.parent == folder and came.path.read_bytes() == TALE
    assert len(came.name) < 150 and came.name.isprintable()


@pytest.mark.parametrize(
    "value",
    [
        "1" + "0" * 30, "-1", "NaN", "1e9", "inf", "0", "²", "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 0001 23:59:59 +2359",
        "Fri, 31 Dec 2027 23:59:59 +99999999999999", "Fri, 99 Foo 2027 99:99:99 GMT", "," * 60_000, "1 " * 30_000,
    ],
)  # fmt: skip
def test_any_pause_is_bounded_or_one_sentence(value: str) -> None:
    seconds = polite.retry_after({"retry-after": value})
    assert seconds is None or seconds >= 0
    with pytest.raises(CorpusError) as refused:
        polite._check_status(polite.Answer(503, "http://books.example/a", {"retry-after": value}))
    assert len(str(refused.value)) < 200
    if isinstance(refused.value, polite.TryAgain):
        assert (refused.value.wait or 0) <= polite._LONGEST_PAUSE


# -- the look for a login form --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        b"<html>" + b"<input " * 28_000,
        b"<html><input type=password>" + b"<script" * 28_000,
        b"<html><input type=password>" + b"<script>" * 25_000,
        b"<html>" + b"<input type" * 18_000,
        b"<html><input type" + b" " * 190_000 + b"=",
        b"<html>" + b"<input type=" * 16_000 + b"'",
        b"<" * 200_000,
    ],
)
def test_the_look_for_a_login_form_takes_a_moment(page: bytes) -> None:
    began = time.process_time()
    addresses._is_login_page(page, True)
    addresses._is_login_page(page, False)
    assert time.process_time() - began < 2


def test_a_login_form_is_seen_all_the_same() -> None:
    assert addresses._is_login_page(b"<p>Hello<INPUT name=x\n TYPE = 'Password'>", False)
    assert not addresses._is_login_page(b"<p>Hello<input name=password type=text>", False)
    script = b"<script>" + b"if (a < b) word " * 400 + b"</script>"
    assert addresses._is_login_page(b"<input type=password>" + script, False), (
        "no word of a script is there to be read"
    )
