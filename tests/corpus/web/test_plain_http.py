"""What comes over http, or would, is said; other schemes are refused, also where an address leads to one."""

from pathlib import Path

import pytest

from storytime_tui.cli import main
from storytime_tui.corpus.web import polite
from storytime_tui.jobs import shelves
from storytime_tui.plain_http import is_plain_http
from tests.corpus.conftest import refusal
from tests.loopback_library import LoopbackLibrary, Waits, manners_without_waiting

TEXT = b"The Snail\n\n" + b"".join(
    b"On the %dth day the snail went on towards the sea.\r\n" % day for day in range(40)
)
BOOK = "/shelf/snail.txt"


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("http://tales.example/snail.txt", True), ("HTTP://10.0.0.7", True), ("https://tales.example", False),
        ("http://localhost:8000", False), ("http://127.0.0.1:1", False), ("http://[::1]/", False), ("http://[", False),
        ("/a/path", False),
    ],
)  # fmt: skip
def test_only_http_to_another_machine_is_plain(address: str, plain: bool) -> None:
    assert is_plain_http(address) is plain


def test_a_text_that_came_over_http_is_added_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    with LoopbackLibrary() as library:
        library.put(BOOK, TEXT)
        monkeypatch.setenv("HTTP_PROXY", library.url)  # it answers for every host
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert main(["corpus", "add", f"http://tales.example{BOOK}"]) == 0
        said = capsys.readouterr().err
        assert (
            f"http://tales.example{BOOK} came over http, which is not encrypted" in said
            and "https://" in said
        )
        added = shelves.add([f"http://tales.example{BOOK}"])
        assert "came over http" in added.notes[0]
        monkeypatch.delenv("HTTP_PROXY")
        assert shelves.add([library.url + BOOK]).notes == ()  # from this machine


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher", "data", "javascript", "ssh"])
def test_other_schemes_are_refused(scheme: str, folder: Path) -> None:
    from storytime_tui.corpus.web.addresses import download

    assert "must begin with http:// or https://" in refusal(
        lambda: download(f"{scheme}://tales.example/x.txt", folder)
    )


def test_a_redirect_to_another_scheme_is_refused(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    from storytime_tui.corpus.web.addresses import download

    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    with LoopbackLibrary() as library:
        library.put(BOOK, TEXT)
        library.faults[BOOK] = "to-file"
        assert "must begin with http:// or https://" in refusal(lambda: download(library.url + BOOK, folder))
    assert list(folder.iterdir()) == []
