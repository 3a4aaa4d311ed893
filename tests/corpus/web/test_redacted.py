"""What of an address is shown and kept: nothing that opens a door."""

from pathlib import Path

import pytest

from storytime_tui.cli import main
from storytime_tui.corpus.library.importing import add_collection
from storytime_tui.corpus.web import polite
from storytime_tui.corpus.web.polite import host_of
from storytime_tui.corpus.web.redacted import bare, kept, shown
from storytime_tui.errors import CorpusError
from storytime_tui.jobs import shelves
from storytime_tui.tui.screens import shelf_imports
from tests.loopback_library import LoopbackLibrary, Waits, manners_without_waiting


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://books.example/a.txt", "https://books.example/a.txt"),
        ("https://me:secret@books.example/a.txt", "https://books.example/a.txt"),
        ("https://secret@books.example:8080/a.txt", "https://books.example:8080/a.txt"),
        ("https://me:se@cret@books.example/a.txt", "https://books.example/a.txt"),
        ("https://me:se/cret@books.example/a.txt", "https://books.example/a.txt"),
        ("https://me:se?cret@books.example/a.txt", "https://books.example/a.txt"),
        ("https://me:se#cret@books.example/a.txt", "https://books.example/a.txt"),
        ("https://me:secret", "https://me"),
        ("https://[::1]:80/a.txt", "https://[::1]:80/a.txt"),
        ("https://blog.example/@ann/tale", "https://blog.example/@ann/tale"),
        ("https://books.example/a?token=secret", "https://books.example/a"),
        ("https://books.example/a?id=12&key=secret", "https://books.example/a"),
        ("https://books.example/a?id=secret", "https://books.example/a"),
        ("https://books.example/a?id=123456789012", "https://books.example/a"),
        ("https://books.example/a?secret", "https://books.example/a"),
        ("https://books.example/a?pin=1234", "https://books.example/a"),
        ("https://books.example/a?id=12&page=3", "https://books.example/a?id=12&page=3"),
        ("https://books.example/a#secret", "https://books.example/a"),
        ("https://books.example/a;sid=secret/b", "https://books.example/a/b"),
        ("ftp://me:secret@books.example/a", "ftp://books.example/a"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_an_address_is_kept_without_what_it_may_give_away(address: str, expected: str) -> None:
    assert kept(address) == expected
    assert "secret" not in kept(address) and "cret" not in shown(address)


def test_an_address_is_short_and_on_one_line_in_a_message() -> None:
    assert len(shown("https://books.example/" + "a" * 5000)) == 120
    assert "\x1b" not in shown("https://books.example/\x1b[2J\n")
    assert bare("https://me:secret@books.example/a?b=c") == "https://books.example/a?b=c"
    with pytest.raises(CorpusError) as refused:
        host_of("gopher://me:secret@books.example/?secret")
    assert "secret" not in str(refused.value)


def test_an_address_is_asked_about_without_what_it_may_give_away() -> None:
    assert shelves.source_shown("https://me:secret@books.example/a?token=secret") == "https://books.example/a"
    assert shelves.source_shown("/home/ann/a?b.txt") == "/home/ann/a?b.txt"
    assert shelf_imports._short_name("https://me:secret@books.example/a?token=secret") == "a"


def test_a_password_and_a_token_are_neither_kept_nor_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    told: list[str] = []
    with LoopbackLibrary() as library:
        library.put("/tale.txt", b"Once a fox slept under the hill and ate apples.\n" * 20)
        host = library.url.removeprefix("http://")
        address = f"http://alice:s3cretpw@{host}/tale.txt?token=QUERYTOKEN"
        added = add_collection([address], report=lambda *words: told.append(str(words)))
        assert any(agent.get("Authorization") for _, agent in library.requests), (
            "the server gets its password"
        )
        assert library.requests[0][0] == "/tale.txt?token=QUERYTOKEN", "and its query"
        for bad in ("/gone.txt", "/forbidden.txt", "/empty.txt"):
            library.put("/empty.txt", b"")
            library.faults["/forbidden.txt"] = "forbidden"
            assert main(["corpus", "add", f"http://alice:s3cretpw@{host}{bad}?token=QUERYTOKEN"]) == 1
    assert added.collection.folder is not None
    assert main(["corpus", "add", f"ftp://alice:s3cretpw@{host}/x?token=QUERYTOKEN"]) == 1
    assert main(["corpus", "show", added.collection.name]) == 0
    assert main(["corpus", "list", "--json"]) == 0
    printed = capsys.readouterr()
    card = (added.collection.folder / "collection.toml").read_text()
    assert f"http://{host}/tale.txt" in card
    everything = "".join([printed.out, printed.err, card, *told])
    assert "s3cretpw" not in everything and "QUERYTOKEN" not in everything and "alice" not in everything
