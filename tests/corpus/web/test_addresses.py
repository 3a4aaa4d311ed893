import base64
import errno
import hashlib
import threading
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from storytime_tui import __version__, files
from storytime_tui.corpus.web import addresses, polite
from storytime_tui.corpus.web.addresses import (
    DownloadStopped,
    NotThere,
    download,
    download_text,
    downloads_folder,
    read,
)
from storytime_tui.corpus.web.partial import Part, part_of
from tests.corpus.conftest import refusal
from tests.loopback_library import LOGIN, LoopbackLibrary, Waits, manners_without_waiting

BOOK = "/shelf/snail.txt"
TEXT = b"".join(b"On the %dth day the snail went on towards the sea.\r\n" % day for day in range(4000))


@pytest.fixture(name="waits")
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Waits:
    waits = Waits()
    monkeypatch.setattr(polite, "manners", manners_without_waiting(waits))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return waits


@pytest.fixture(name="library")
def open_library(waits: Waits) -> Iterator[LoopbackLibrary]:
    with LoopbackLibrary() as library:
        library.put(BOOK, TEXT)
        yield library


def parts(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob("*.part")]


# -- a file comes whole --------------------------------------------------------------------------------------


def test_a_text_comes_whole_with_what_the_server_said(library: LoopbackLibrary, folder: Path) -> None:
    came = download(library.url + BOOK, folder)
    assert came.path == folder / "snail.txt"
    assert came.path.read_bytes() == TEXT
    assert (came.name, came.content_type, came.charset) == ("snail.txt", "text/plain", "utf-8")
    assert came.final_url == library.url + BOOK
    assert [path.name for path in folder.iterdir()] == ["snail.txt"], "nothing of the work is left beside it"


def test_the_server_is_told_who_asks(library: LoopbackLibrary, folder: Path) -> None:
    download(library.url + BOOK, folder)
    agent = library.requests[0][1]["User-Agent"]
    assert agent.startswith(f"storytime-tui/{__version__} (")
    assert agent.isascii()


def test_the_caller_may_name_the_file(library: LoopbackLibrary, folder: Path) -> None:
    (folder / "mine.txt").write_text("an earlier one")
    came = download(library.url + BOOK, folder / "mine.txt")
    assert came.path == folder / "mine.txt"
    assert came.path.read_bytes() == TEXT


def test_another_file_of_that_name_is_left_alone(library: LoopbackLibrary, folder: Path) -> None:
    first = download(library.url + BOOK, folder)
    second = download(library.put("/other/snail.txt", b"Another snail.\n"), folder)
    assert first.path.read_bytes() == TEXT
    assert second.path.name == "snail (2).txt"


def test_progress_is_told_in_bytes(library: LoopbackLibrary, folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    download(library.url + BOOK, folder, report=lambda *words: told.append(words))
    assert told[0] == ("downloading snail.txt", 0, len(TEXT))
    assert told[-1] == ("downloading snail.txt", len(TEXT), len(TEXT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_download_by_way_of_the_cache_moves_out_of_it(library: LoopbackLibrary, folder: Path) -> None:
    came = download_text(library.url + BOOK, folder)
    assert came.path == folder / "snail.txt"
    assert came.path.read_bytes() == TEXT
    assert list(downloads_folder().iterdir()) == []


def test_the_proxy_of_the_environment_is_used(
    library: LoopbackLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", library.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    said = refusal(lambda: download("http://books.invalid/a.txt", folder))
    assert library.requests[0][0] == "http://books.invalid/a.txt"
    assert "nothing at http://books.invalid/a.txt" in said


def test_a_proxy_that_cannot_be_used_is_named(
    library: LoopbackLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:1")
    assert "ALL_PROXY" in refusal(lambda: download(library.url + BOOK, folder))


# -- what it is called ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content_type", "disposition", "name"),
    [
        ("/a/tale.md", "text/markdown", "", "tale.md"),
        ("/a/tale.epub", "application/epub+zip", "", "tale.epub"),
        ("/a/tale.epub", "application/octet-stream", "", "tale.epub"),
        ("/a/tales.zip", "application/zip", "", "tales.zip"),
        ("/a/tale", "text/plain", "", "tale.txt"),
        ("/a/tale", "text/html; charset=latin-1", "", "tale.html"),
        ("/a/tale.php", "text/html", "", "tale.php.html"),
        ("/ebooks/2591.txt.utf-8", "text/plain", "", "2591.txt"),
        ("/", "text/plain", "", "text.txt"),
        ("/a/", "text/html", "", "text.html"),
        ("/get", "application/epub+zip", 'attachment; filename="The Fox.epub"', "The Fox.epub"),
        ("/get", "text/plain", "attachment; filename*=UTF-8''F%C3%BCchse.txt", "Füchse.txt"),
        ("/get", "text/plain", 'attachment; filename="../../.bashrc"', "bashrc.txt"),
        ("/get", "text/plain", 'attachment; filename="..\\..\\evil.txt"', "evil.txt"),
        ("/get", "text/plain", 'attachment; filename="a\x1b[2Jb.txt"', "a␛[2Jb.txt"),
        ("/get", "text/plain", f'attachment; filename="{"long " * 90}.txt"', f"{'long ' * 23}long.txt"),
    ],
)
def test_the_file_is_called_as_the_server_or_the_address_says(
    library: LoopbackLibrary, folder: Path, path: str, content_type: str, disposition: str, name: str
) -> None:
    url = library.put(path, b"A tale of a fox.\n", content_type)
    if disposition:
        library.files[path].headers["Content-Disposition"] = disposition
    came = download(url, folder)
    assert came.name == name
    assert came.path.parent == folder
    assert came.path.read_bytes() == b"A tale of a fox.\n"


def test_an_address_is_shown_without_its_password_and_query() -> None:
    assert addresses.shown("https://me:secret@books.example/a.txt?key=1#x") == "https://books.example/a.txt"
    assert "\x1b" not in addresses.shown("https://books.example/\x1b[2J")


def test_what_is_an_address_and_what_a_path() -> None:
    assert addresses.is_address(" HTTPS://books.example/a.txt")
    assert not addresses.is_address("http.txt")
    assert not addresses.is_address("ftp://books.example/a.txt")


# -- politeness ----------------------------------------------------------------------------------------------


def test_one_host_is_asked_once_a_second(library: LoopbackLibrary, waits: Waits, folder: Path) -> None:
    for _ in range(3):
        download(library.url + BOOK, folder)
    assert waits.seconds == [1.0, 1.0]


def test_each_hop_of_a_redirect_takes_its_turn(library: LoopbackLibrary, waits: Waits, folder: Path) -> None:
    library.faults["/old"] = "to-login"
    refusal(lambda: download(library.url + "/old", folder))
    assert library.asked() == ["/old", "/account/login"]
    assert waits.seconds == [1.0]


def test_hosts_do_not_wait_for_each_other_and_threads_do() -> None:
    waits = Waits()
    manners = manners_without_waiting(waits)
    manners.wait_turn("a.example", None)
    manners.wait_turn("b.example", None)
    assert waits.seconds == []
    threads = [threading.Thread(target=manners.wait_turn, args=("a.example", None)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.now >= 1005.0, "five more requests take five more seconds, however many threads ask"


def test_a_pause_that_is_asked_for_is_kept(library: LoopbackLibrary, waits: Waits, folder: Path) -> None:
    library.faults[BOOK] = "429"
    told: list[str] = []
    came = download(library.url + BOOK, folder, report=lambda words, *_: told.append(words))
    assert came.path.read_bytes() == TEXT
    assert waits.seconds == [7.0]
    assert told[0] == "waiting for 127.0.0.1"


def test_a_pause_may_be_given_as_a_date() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    seconds = polite.retry_after({"retry-after": when})
    assert seconds is not None
    assert 45 < seconds <= 50
    assert polite.retry_after({"retry-after": "soon"}) is None
    assert polite.retry_after({}) is None
    assert polite.retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_a_pause_too_long_to_wait_for_is_told_at_once(
    library: LoopbackLibrary, waits: Waits, folder: Path
) -> None:
    library.faults[BOOK] = "429-long"
    assert "no requests for 60 minutes" in refusal(lambda: download(library.url + BOOK, folder))
    assert waits.seconds == []
    assert len(library.requests) == 1


def test_trouble_that_passes_is_waited_out_longer_each_time(
    library: LoopbackLibrary, waits: Waits, folder: Path
) -> None:
    library.faults[BOOK] = "503-twice"
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    assert waits.seconds == [1.0, 2.0]


def test_trouble_that_stays_is_given_up(library: LoopbackLibrary, waits: Waits, folder: Path) -> None:
    library.faults[BOOK] = "503"
    assert "error 503" in refusal(lambda: download(library.url + BOOK, folder))
    assert waits.seconds == [1.0, 2.0, 4.0, 8.0]
    assert list(folder.iterdir()) == []


def test_pauses_differ_between_two_programs() -> None:
    early = polite.Manners(chance=lambda: 0.0)
    late = polite.Manners(chance=lambda: 1.0)
    assert [early.back_off(tries) for tries in range(3)] == [0.5, 1.0, 2.0]
    assert [late.back_off(tries) for tries in range(3)] == [1.5, 3.0, 6.0]
    assert late.back_off(50) == 45.0


def test_a_dropped_connection_is_tried_again(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "dropped-once"
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    library.faults[BOOK] = "dropped"
    assert "broke the connection" in refusal(lambda: download(library.url + BOOK, folder))


def test_nobody_there_is_told_at_once(waits: Waits, folder: Path) -> None:
    said = refusal(lambda: download("http://127.0.0.1:9/book.txt", folder))
    assert "127.0.0.1 cannot be reached" in said
    assert waits.seconds == []


def test_a_silent_server_is_left_after_one_try(
    library: LoopbackLibrary, waits: Waits, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polite, "PATIENCE", 0.05)
    library.faults[BOOK] = "silent"
    assert "did not answer for" in refusal(lambda: download(library.url + BOOK, folder))
    # a second try would have waited first; the server may not have seen even the one request yet
    assert waits.seconds == []


# -- going on ------------------------------------------------------------------------------------------------


def test_a_download_that_breaks_off_goes_on_where_it_was(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "half-sent-once"
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    (_, first), (_, second) = library.requests
    assert "Range" not in first
    assert second["Range"] == f"bytes={len(TEXT) // 2}-"
    assert second["If-Range"] == '"1"'


def test_a_date_serves_where_there_is_no_version(library: LoopbackLibrary, folder: Path) -> None:
    library.files[BOOK].version, library.files[BOOK].dated = "", "Wed, 21 Oct 2015 07:28:00 GMT"
    library.faults[BOOK] = "half-sent-once"
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    assert library.requests[1][1]["If-Range"] == "Wed, 21 Oct 2015 07:28:00 GMT"


def test_a_download_that_keeps_breaking_off_is_kept_for_the_next_time(
    library: LoopbackLibrary, folder: Path
) -> None:
    library.faults[BOOK] = "half-sent"
    said = refusal(lambda: download(library.url + BOOK, folder))
    assert "broke off after" in said
    assert "goes on from there" in said
    [kept] = parts(folder)
    assert TEXT.startswith(kept)
    assert len(kept) > len(TEXT) * 0.9
    assert not (folder / "snail.txt").exists()

    library.faults.clear()
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    assert library.requests[-1][1]["Range"] == f"bytes={len(kept)}-"
    assert [path.name for path in folder.iterdir()] == ["snail.txt"]


def test_a_part_in_the_cache_outlives_the_folder_it_was_for(library: LoopbackLibrary, tmp_path: Path) -> None:
    library.faults[BOOK] = "half-sent"
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    refusal(lambda: download_text(library.url + BOOK, tmp_path / "first"))
    library.faults.clear()
    assert download_text(library.url + BOOK, tmp_path / "second").path.read_bytes() == TEXT
    assert "Range" in library.requests[-1][1]


@pytest.mark.parametrize("fault", ["no-ranges", "wrong-range", "416"])
def test_a_server_that_cannot_go_on_begins_again(library: LoopbackLibrary, folder: Path, fault: str) -> None:
    library.faults[BOOK] = fault
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT


def test_two_versions_are_never_put_together(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "other-version"
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT.upper()


def test_a_part_without_a_note_is_not_trusted(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "half-sent"
    refusal(lambda: download(library.url + BOOK, folder))
    [note] = folder.glob("*.part.json")
    note.write_text("{not json")
    library.faults.clear()
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    assert "Range" not in library.requests[-1][1]


def test_one_address_is_downloaded_once_at_a_time(library: LoopbackLibrary, folder: Path) -> None:
    with part_of(library.url + BOOK, folder):
        assert "being downloaded already" in refusal(lambda: download(library.url + BOOK, folder))
    assert download(library.url + BOOK, folder).path.exists()


def test_a_note_of_another_shape_begins_anew(tmp_path: Path) -> None:
    part = tmp_path / "x.part"
    part.write_bytes(b"some")
    for text in (
        "[]",
        "null",
        '{"total": "9", "version": "1"}',
        '{"total": 9}',
        '{"total": 9, "version": 1}',
    ):
        (tmp_path / "x.part.json").write_text(text)
        assert Part(part).headers() == {}


def test_a_checksum_must_agree(library: LoopbackLibrary, folder: Path) -> None:
    right = base64.b64encode(hashlib.sha256(TEXT).digest()).decode()
    library.files[BOOK].headers["Repr-Digest"] = f"sha-256=:{right}:"
    assert download(library.url + BOOK, folder).path.exists()
    del library.files[BOOK].headers["Repr-Digest"]
    library.files[BOOK].headers["Digest"] = f"SHA-256={right}"
    assert download(library.url + BOOK, folder).path.exists()
    library.files[BOOK].headers.clear()
    library.faults[BOOK] = "bad-digest"
    assert "checksum" in refusal(lambda: download(library.url + BOOK, folder))
    assert parts(folder) == []


# -- stopping ------------------------------------------------------------------------------------------------


def test_a_stop_ends_it_and_keeps_what_came(library: LoopbackLibrary, folder: Path) -> None:
    stop = threading.Event()

    def report(words: str, done: int, total: int) -> None:
        if done:
            stop.set()

    with pytest.raises(DownloadStopped):
        download(library.url + BOOK, folder, report=report, stop=stop)
    [kept] = parts(folder)
    assert TEXT.startswith(kept) and 0 < len(kept) < len(TEXT)
    assert not (folder / "snail.txt").exists()
    assert download(library.url + BOOK, folder).path.read_bytes() == TEXT
    assert library.requests[-1][1]["Range"] == f"bytes={len(kept)}-"


def test_a_stop_before_the_beginning_asks_nothing(library: LoopbackLibrary, folder: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(DownloadStopped):
        download(library.url + BOOK, folder, stop=stop)
    assert list(folder.iterdir()) == []


def test_a_stop_does_not_wait_for_a_silent_server(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "silent"
    stop = threading.Event()
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    with pytest.raises(DownloadStopped):
        download(library.url + BOOK, folder, stop=stop)


def test_a_stop_ends_a_pause(library: LoopbackLibrary, waits: Waits, folder: Path) -> None:
    library.faults[BOOK] = "503"
    stop = threading.Event()
    waits.before_waiting = stop.set
    with pytest.raises(DownloadStopped):
        download(library.url + BOOK, folder, stop=stop)
    assert waits.seconds == []


def test_the_real_pause_ends_with_the_stop() -> None:
    stop = threading.Event()
    manners = polite.Manners(clock=lambda: 0.0)
    manners.wait_turn("a.example", stop)
    stop.set()
    with pytest.raises(DownloadStopped):
        manners.wait_turn("a.example", stop)


def test_what_the_report_raises_ends_it_too(library: LoopbackLibrary, folder: Path) -> None:
    class Enough(Exception):
        pass

    def report(words: str, done: int, total: int) -> None:
        if done:
            raise Enough

    with pytest.raises(Enough):
        download(library.url + BOOK, folder, report=report)
    assert len(parts(folder)) == 1


# -- refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [BOOK, "/shelf/tale.html", "/shelf/tale", "/shelf/tale.epub"])
def test_a_redirect_to_a_login_page_is_refused(library: LoopbackLibrary, folder: Path, path: str) -> None:
    library.faults[path] = "to-login"
    assert "login page" in refusal(lambda: download(library.url + path, folder))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("path", ["/shelf/tale.txt", "/shelf/tale.epub", "/shelf/tale.html", "/read"])
def test_a_login_page_in_a_books_place_is_refused(library: LoopbackLibrary, folder: Path, path: str) -> None:
    url = library.put(path, LOGIN, "text/html")
    assert "login page" in refusal(lambda: download(url, folder))
    assert list(folder.iterdir()) == []


def test_a_page_to_read_may_have_a_login_form(library: LoopbackLibrary, folder: Path) -> None:
    story = b"<p>" + b"The mouse kept a shop under the stair. " * 60 + b"</p>"
    url = library.put("/tale.html", LOGIN.replace(b"</body>", story + b"</body>"), "text/html")
    assert download(url, folder).path.name == "tale.html"


def test_a_place_that_is_only_called_like_a_login_is_none(library: LoopbackLibrary, folder: Path) -> None:
    for path in ("/authors/blogins.html", "/signing/tale.html", "/login/tale.html"):
        url = library.put(path, b"<html><p>A tale.</p></html>", "text/html")
        assert download(url, folder).path.exists()


def test_a_page_instead_of_a_file_is_refused(library: LoopbackLibrary, folder: Path) -> None:
    for fault in ("html", "html-as-text"):
        library.faults[BOOK] = fault
        assert "web page, not the text" in refusal(lambda: download(library.url + BOOK, folder))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "content_type", "what"),
    [
        ("/cover.jpg", "image/jpeg", "a picture"),
        ("/tale.mp4", "video/mp4", "a film"),
        ("/tale.mp3", "audio/mpeg", "a sound"),
        ("/tale.docx", "application/pdf", "a PDF"),
        ("/tale.txt", "application/pdf", "a PDF"),
        ("/tale.xml", "application/xml", "application/xml"),
        ("/setup.exe", "application/octet-stream", "application/octet-stream"),
    ],
)
def test_what_is_no_text_is_refused_before_it_comes(
    library: LoopbackLibrary, folder: Path, path: str, content_type: str, what: str
) -> None:
    url = library.put(path, b"x" * 1000, content_type)
    library.faults[path] = "huge"  # its body would never end
    assert what in refusal(lambda: download(url, folder))
    assert list(folder.iterdir()) == []


def test_too_much_is_refused_by_what_is_said_and_by_what_comes(
    library: LoopbackLibrary, folder: Path
) -> None:
    assert "more than 1 kB" in refusal(lambda: download(library.url + BOOK, folder, largest=1000))
    library.faults[BOOK] = "huge"
    assert "too large: more than 200 MB" in refusal(lambda: download(library.url + BOOK, folder))
    library.faults[BOOK] = "endless"
    assert "too large" in refusal(lambda: download(library.url + BOOK, folder, largest=1_000_000))
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_before_the_download(
    library: LoopbackLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9 - 40_000_000, 40_000_000))
    said = refusal(lambda: download(library.url + BOOK, folder))
    assert "of disk" in said and "40.0 MB are free" in said


def test_a_disk_that_fills_on_the_way_is_told(
    library: LoopbackLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Part, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Part, "add", full)
    assert "disk is full" in refusal(lambda: download(library.url + BOOK, folder))


def test_a_folder_that_cannot_be_written_is_told(
    library: LoopbackLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path, data: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(files, "write_atomically", locked)
    assert "No permission" in refusal(lambda: download(library.url + BOOK, folder))


def test_nothing_at_all_is_refused(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "empty"
    assert "is empty" in refusal(lambda: download(library.url + BOOK, folder))
    with pytest.raises(NotThere, match=r"nothing at .*/gone\.txt"):
        download(library.url + "/gone.txt", folder)
    library.faults[BOOK] = "forbidden"
    assert "not give" in refusal(lambda: download(library.url + BOOK, folder))
    assert list(folder.iterdir()) == []


def test_a_circle_of_redirects_ends(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "circle"
    assert "circle" in refusal(lambda: download(library.url + BOOK, folder))
    assert len(library.requests) < 20


def test_only_the_web_is_fetched_from(library: LoopbackLibrary, folder: Path) -> None:
    library.faults[BOOK] = "to-file"
    assert "http://" in refusal(lambda: download(library.url + BOOK, folder))
    for url in ("file:///etc/hosts", "ftp://books.example/a.txt", "http://", "http://[::1", "https:///a.txt"):
        assert "not an address" in refusal(lambda url=url: download(url, folder))
    for url in (
        "http://books.invalid/\udcff",
        "http://books.example:port/a.txt",
        "http://a\x00b.example/",
        "http://" + "a" * 300 + "/",
    ):
        refusal(lambda url=url: download(url, folder))
    assert list(folder.iterdir()) == []


# -- a small answer ------------------------------------------------------------------------------------------


def test_a_small_answer_is_read_whole(library: LoopbackLibrary) -> None:
    answer, data = read(library.url + BOOK)
    assert data == TEXT
    assert answer.content_type == "text/plain"


def test_a_small_answer_that_is_large_is_refused(library: LoopbackLibrary) -> None:
    library.faults[BOOK] = "endless"
    assert "too much" in refusal(lambda: read(library.url + BOOK, largest=100_000))
