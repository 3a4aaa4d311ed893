"""`storytime-tui corpus`: what it prints, and that nothing it prints can command the terminal."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.commands import corpus
from storytime_tui.errors import CorpusError

ODD = "[/b] [@click=app.quit] \x1b[2J"


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    corpus.add_arguments(parser)
    return corpus.run(parser.parse_args(arguments))


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bundled" / "hedge-tales"
    folder.mkdir(parents=True)
    (folder / "wren.txt").write_text("The Wren\n\nShe sang and\x1b[2J sang.")
    (folder / "owl.txt").write_text("The Owl\n\nHe slept.")
    (folder / "collection.toml").write_text('title = "Hedge Tales"\nauthor = "Us"\nlicence = "MIT"\n')
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: folder.parent)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "fox.txt").write_text(f"The Fox\n\nHe said {ODD}.")
    (folder / "日本.txt").write_text("Once.")
    (folder / "bad.txt").write_bytes(b"\0\1\2\3" * 9)
    return folder


def test_list_prints_an_aligned_table(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("add", str(books), "--name", ODD)
    capsys.readouterr()
    assert run("list") == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "name                 title                        stories  words  kind",
        "hedge-tales          Hedge Tales                        2      6  bundled",
        "b-click-app-quit-2j  [/b] [@click=app.quit] ␛[2J        2      6  yours",
    ]
    assert printed.err == ""


def test_list_as_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    run("list", "--json")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "name": "hedge-tales",
        "title": "Hedge Tales",
        "stories": 2,
        "words": 6,
        "source": "",
        "author": "Us",
        "licence": "MIT",
        "bundled": True,
    }


def test_list_tells_of_what_cannot_be_read_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    (paths.collections_folder() / "bro\x1bken").mkdir(parents=True)
    assert run("list", "--json") == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1
    assert "bro␛ken holds no .txt, .md" in printed.err


def test_an_empty_shelf_says_how_to_fill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "bundled_collections_folder", lambda: tmp_path / "none")
    assert run("list") == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "corpus add PATH" in printed.err


def test_add_says_what_it_did_and_what_it_left_out(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("add", str(books)) == 0
    printed = capsys.readouterr()
    assert printed.out == "Added books: 2 stories, 6 words.\n"
    assert printed.err.startswith("Left out: ")
    assert "bad.txt" in printed.err
    assert run("add", str(books), "--name", "again", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "again"
    with pytest.raises(CorpusError):
        run("add", str(books / "bad.txt"))


def test_show_prints_the_stories(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "hedge-tales") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Hedge Tales · Us · MIT",
        "story     words",
        "The Owl       2",
        "The Wren      4",
        "2 in all      6",
    ]
    run("show", "hedge-tales", "--json")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"collection": "hedge-tales", "title": "The Owl", "words": 2},
        {"collection": "hedge-tales", "title": "The Wren", "words": 4},
    ]
    run("show", str(books / "fox.txt"), "--json", "--text")
    line = capsys.readouterr().out
    assert "\x1b" not in line
    assert json.loads(line)["text"] == f"He said {ODD}."


def test_rename_makes_the_title_one_line_and_says_who_has_it(
    books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("add", str(books), "--name", "grimm")
    capsys.readouterr()
    run("rename", "grimm", "Household\n Tales")
    assert capsys.readouterr().out == "Renamed “Grimm” to “Household Tales”.\n"
    assert run("show", "household tales") == 0  # by its title, too
    run("rename", "Household Tales", "hedge tales")
    assert "Another collection is called “hedge tales”, too: hedge-tales." in capsys.readouterr().err
    run("rename", "grimm", "The Fox", "--story", "日本")
    printed = capsys.readouterr()
    assert "Another story in hedge tales is called “The Fox”, too." in printed.err


def test_restore_lists_and_brings_back_stories_and_collections(
    books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("restore") == 0
    assert "There is nothing to restore" in capsys.readouterr().err
    run("add", str(books), "--name", "grimm")
    run("remove", "grimm", "--story", "The Fox")
    assert "corpus restore grimm --story 'The Fox'` brings it back" in capsys.readouterr().out
    run("restore", "--json")
    assert json.loads(capsys.readouterr().out) == {"collection": "grimm", "title": "The Fox", "kind": "story"}
    run("restore", "Grimm", "--story", "the fox")
    assert capsys.readouterr().out == "“The Fox” is back in Grimm.\n"
    with pytest.raises(CorpusError, match="No story called “The Fox” was removed from grimm"):
        run("restore", "grimm", "--story", "The Fox")
    run("remove", "grimm")
    run("restore")
    assert capsys.readouterr().out.splitlines()[-1] == "grimm       Grimm  collection"
    run("add", str(books), "--name", "grimm")
    run("restore", "grimm", "--name", "Old Grimm")
    assert capsys.readouterr().out.splitlines()[-1] == "“Grimm” is back on the shelf as old-grimm."
    run("remove", "grimm")
    run("restore", "Grimm")
    assert capsys.readouterr().out.splitlines()[-1] == "“Grimm” is back on the shelf."
    with pytest.raises(CorpusError, match="No collection called “grimm” was removed"):
        run("restore", "grimm")


def test_removing_says_what_the_cache_keeps(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("add", str(books), "--name", "grimm")
    tokens = paths.cache_folder() / "tokens" / "0123"
    run("remove", "grimm")
    assert "disk clear" not in capsys.readouterr().out
    run("restore", "grimm")
    tokens.mkdir(parents=True)
    (tokens / "ids.npy").write_bytes(bytes(2_000_000))
    run("remove", "grimm", "--story", "The Fox")
    assert "disk clear" not in capsys.readouterr().out
    run("remove", "grimm")
    said = capsys.readouterr().out
    assert "2.0 MB of texts and tokens, of this collection and others: " in said
    assert "`storytime-tui disk clear texts` and `… tokens` free them." in said


@pytest.mark.parametrize(("terminal", "shown"), [(True, "␛[2J"), (False, "\x1b[2J")])
def test_show_text_is_safe_in_a_terminal_and_exact_in_a_pipe(
    terminal: bool, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert run("show", "hedge-tales", "--text") == 0
    assert capsys.readouterr().out == f"The Owl\n\nHe slept.\n\n\nThe Wren\n\nShe sang and{shown} sang.\n"


def test_the_corpus_needs_neither_torch_nor_textual() -> None:
    code = (
        "import sys, storytime_tui.commands.corpus\n"
        "import storytime_tui.corpus.tokens, storytime_tui.corpus.splitting\n"
        "print(sorted({'torch', 'transformers', 'textual', 'tokenizers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_readme_that_is_named_itself_is_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# The Fox\n\nOnce a fox ran home over the hill and slept.\n")
    assert run("add", str(readme), "--name", "foxes") == 0
    assert run("show", "foxes") == 0
    assert "The Fox" in capsys.readouterr().out


def test_a_collection_that_cannot_be_read_is_removed_and_comes_back(
    books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(books)  # ".." is what lies around it, and is read
    folder = paths.collections_folder() / "broken"
    folder.mkdir(parents=True)
    (folder / "collection.toml").write_text("x = [")
    assert run("remove", "broken") == 0
    assert not folder.exists()
    assert run("restore", "broken") == 0
    assert (folder / "collection.toml").read_text() == "x = ["
    with pytest.raises(CorpusError, match="no collection"):
        run("remove", "nothing-of-that-name")
    with pytest.raises(CorpusError):
        run("remove", "..")
