"""The books of other kinds that were marked by hand, and the tool that measures them in a folder."""

import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.benchmarks import marked_books
from tests.corpus.invented_plays import ACT_ONE, gutenberg, play
from tests.corpus.truth_tools import KINDS, Truth


def test_three_books_of_other_kinds_are_marked() -> None:
    truths = marked_books.marked()
    assert {Path(truth.file).suffix for truth in truths} == {".txt", ".epub"} and len(truths) >= 3
    for truth in truths:
        last = max(last for pairs in truth.ranges.values() for _, last in pairs)
        marks = [
            number
            for pairs in truth.ranges.values()
            for first, end in pairs
            for number in range(first, end + 1)
        ]
        assert len(marks) == len(set(marks)) and 1 <= min(marks) <= max(marks) == last
        assert set(truth.ranges) == set(KINDS) and truth.ranges["story"] and truth.ranges["title"]
        assert sum(end - first + 1 for first, end in truth.ranges["story"]) > 1000, "a book, not a page"


def test_a_truth_file_holds_no_text() -> None:
    for path in marked_books.MARKED.glob("*.toml"):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        assert set(table) == {"file", "bytes", "sha256", *KINDS}


def test_an_e_books_lines_are_those_of_its_pages_in_order(tmp_path: Path) -> None:
    path = tmp_path / "book.epub"
    with zipfile.ZipFile(path, "w") as book:
        items = '<item href="text/b%20c.xhtml" id="two"/><item id="one" href="text/a.xhtml"/>'
        book.writestr(
            "epub/content.opf", f'{items}<spine><itemref idref="one"/><itemref idref="two"/></spine>'
        )
        book.writestr("epub/text/a.xhtml", "<p>One &amp;\n\t<i>two</i></p>")
        book.writestr("epub/text/b c.xhtml", "<p>three</p>")
    assert marked_books.raw_lines(path) == ["One &", "two", "three"]
    digest = marked_books.digest_of(path)
    with (
        zipfile.ZipFile(tmp_path / "again.epub", "w", zipfile.ZIP_DEFLATED) as again,
        zipfile.ZipFile(path) as book,
    ):
        for name in reversed(book.namelist()):
            again.writestr(name, book.read(name))
    assert marked_books.digest_of(tmp_path / "again.epub") == digest


def test_the_table_shows_what_came_of_a_marked_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "the-hat.txt"
    path.write_text(gutenberg(play()), encoding="utf-8")
    lines = marked_books.raw_lines(path)
    first = lines.index("DRAMATIS PERSONAE") + 1
    titles = [n for n, line in enumerate(lines, 1) if line in ("ACT I", "ACT II")]
    end = next(n for n, line in enumerate(lines, 1) if line.startswith("[Exeunt"))
    ranges = {
        "drop": ((1, first - 1), (end + 1, len(lines))),
        "title": tuple((n, n) for n in titles),
        "story": ((first, titles[0] - 1), (titles[0] + 1, titles[1] - 1), (titles[1] + 1, end)),
        "either": (),
    }
    truth = Truth("the_hat", path.name, path.stat().st_size, marked_books.digest_of(path), ranges)
    found = marked_books.figures_of(path, truth)
    assert found.story[0] == found.story[1] > len(ACT_ONE) and found.drop[0] == 0 < found.drop[1]
    assert (found.tales, found.chapters, found.missing) == (1, 2, ())
    assert marked_books.wrong_lines(path, truth) == []
    monkeypatch.setattr(marked_books, "marked", lambda: [truth])
    marked_books.main([str(tmp_path), "--errors"])
    assert "100.000%" in capsys.readouterr().out
    marked_books.main([str(tmp_path / "nowhere")])
    assert "not in this folder" in capsys.readouterr().out
