"""`corpus add ADDRESS`, `corpus search` and `corpus fetch`, against a library on loopback."""

import json
from collections.abc import Iterator

import pytest

from storytime_tui.cli import main
from storytime_tui.corpus.web import polite
from storytime_tui.formatting import size
from tests.loopback_library import LoopbackLibrary, Waits, manners_without_waiting


@pytest.fixture(name="library")
def open_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackLibrary]:
    monkeypatch.setattr(polite, "manners", manners_without_waiting(Waits()))
    with LoopbackLibrary() as library:
        monkeypatch.setenv("STORYTIME_GUTENDEX", library.url)
        monkeypatch.setenv("STORYTIME_GUTENBERG", library.url)
        yield library


def test_a_page_at_an_address_becomes_a_collection(
    library: LoopbackLibrary, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "<h2>The Fox</h2><p>Once a fox &amp; a hen.</p>"
    page = f"<html><head><title>Two Tales</title></head><body>{body}</body></html>"
    library.put("/tales/page", page.encode(), "text/html; charset=utf-8")
    assert main(["corpus", "add", f"{library.url}/tales/page", "--name", "web", "--json"]) == 0
    added = json.loads(capsys.readouterr().out)
    assert (added["name"], added["stories"], added["source"]) == ("web", 1, f"{library.url}/tales/page")
    assert main(["corpus", "show", "web", "--text"]) == 0
    assert "Once a fox & a hen." in capsys.readouterr().out


def test_search_names_books_and_fetch_puts_one_on_the_shelf(
    library: LoopbackLibrary, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", "search", "snail", "monday", "--json"]) == 0
    (book,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (book["number"], book["title"], book["author"]) == (90002, "The Snail's Monday", "Minnie Harrow")
    assert main(["corpus", "fetch", str(book["number"])]) == 0
    assert capsys.readouterr().out.startswith("Added the-snail-s-monday: 1 story,")
    assert main(["corpus", "show", "the-snail-s-monday"]) == 0
    assert "Public domain in the USA" in capsys.readouterr().out


def test_without_a_network_the_classics_are_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STORYTIME_GUTENDEX", "http://127.0.0.1:9")
    assert main(["corpus", "search", "grimm"]) == 0
    printed = capsys.readouterr()
    assert "2591" in printed.out and "Grimm" in printed.out
    assert len(printed.err.strip().splitlines()) == 2  # that it is offline, and what comes next
    assert main(["corpus", "search", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 300
    assert main(["corpus", "search", "xyzzy-no-such-book"]) == 0
    assert "No book was found" in capsys.readouterr().err


def test_what_is_no_number_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for typed in ("alice", "\u00b2", "-1x", ""):
        with pytest.raises(SystemExit) as misused:
            main(["corpus", "fetch", typed])
        assert misused.value.code == 2
    assert "'alice' is not a book number" in capsys.readouterr().err


def test_an_address_that_is_not_of_the_web_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "add", "ftp://x/y.txt"]) == 1
    said = capsys.readouterr().err
    assert "ftp://x/y.txt cannot be fetched: only addresses that begin with http:// or https:// are." in said


def test_the_command_line_and_the_list_say_the_same_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "search", "--offline", "2591"]) == 0
    assert "551 kB" in capsys.readouterr().out
    assert [size(each) for each in (0, 200, 550_592, 999_600, 1_500_000, 120_000_000, 1_900_000_000)] == [
        *("0 kB", "1 kB", "551 kB", "1.0 MB", "1.5 MB", "120 MB", "1.9 GB"),
    ]
