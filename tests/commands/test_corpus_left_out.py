"""`corpus add`, `show --left-out` and `put-back`: what an import left out is said, shown and can be put back."""

import argparse
import json
from pathlib import Path

import pytest

from storytime_tui.commands import corpus
from storytime_tui.errors import CorpusError

PREFACE = "PREFACE\n\n" + "\n\n".join(f"In the year {year} I began to write." for year in range(1800, 1850))
TALES = "".join(
    f"\n\n\n\nTHE {name}\n\n\n"
    + "\n\n".join(
        f"The {name.lower()} met number {n}, who was out late and asked for a lamp." for n in range(60)
    )
    for name in ("GOOSE", "MILLER", "HERON")
)
CONTENTS = "CONTENTS\n\n PREFACE\n THE GOOSE\n THE MILLER\n THE HERON"
BOOK = (
    "*** START OF THE PROJECT GUTENBERG EBOOK THREE TALES ***\n\n\nTHREE TALES\n\n\n\n"
    f"{CONTENTS}\n\n\n\n{PREFACE}{TALES}\n\n\n*** END OF THE PROJECT GUTENBERG EBOOK THREE TALES ***\n"
)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    corpus.add_arguments(parser)
    return corpus.run(parser.parse_args(arguments))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "three.txt"
    path.write_text(BOOK)
    return path


def test_an_import_ends_with_its_account_and_asks_about_large_parts(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("add", str(book), "--name", "three")
    printed = capsys.readouterr()
    assert "three.txt: " in printed.err and "in its stories and titles." in printed.err
    assert "contents list 8 words" in printed.err and "licence" in printed.err
    assert "Is this a story? three.txt, lines " in printed.err and "(front matter, " in printed.err
    number = printed.err.split("corpus put-back three ")[1].split("`")[0]
    run("put-back", "three", number)
    assert "is a story of Three" in capsys.readouterr().out
    run("show", "three", "--json")
    titles = [json.loads(line)["title"] for line in capsys.readouterr().out.splitlines()]
    assert titles == ["PREFACE", "The Goose", "The Miller", "The Heron"]
    run("show", "three", "--left-out", "--json")
    left = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "front matter" not in {each["reason"] for each in left if each["words"] > 10}


def test_left_out_lists_each_part_with_its_place_reason_and_text(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("add", str(book), "--name", "three", "--json")
    printed = capsys.readouterr()
    (file,) = json.loads(printed.out)["files"]
    assert file["file"] == "three.txt" and file["kept"] < file["words"]
    assert sum(each["words"] for each in file["left_out"]) == file["words"] - file["kept"]
    run("show", "three", "--left-out")
    table = capsys.readouterr().out
    assert "contents list" in table and "lines 8 to 13" in table
    run("show", "three", "--left-out", "--text")
    assert "In the year 1849 I began to write." in capsys.readouterr().out
    run("show", "three", "--left-out", "--json")
    parts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [part["number"] for part in parts] == list(range(1, len(parts) + 1))
    assert next(part["text"] for part in parts if part["reason"] == "contents list") == CONTENTS


def test_a_part_that_is_not_there_is_refused(book: Path) -> None:
    run("add", str(book), "--name", "three")
    with pytest.raises(CorpusError, match="no part 99"):
        run("put-back", "three", "1", "99")


def test_of_many_files_the_first_are_told_and_all_are_summed_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text(f"Tale {number}\n\nThe goose met number {number}.")
    run("add", str(folder))
    printed = capsys.readouterr().err
    assert printed.count("in its stories and titles.") == 10
    assert "Together 210 words in 30 files, 210 of them in the stories and titles." in printed
