"""`stories` as a stranger meets it: what was written is listed, read, searched, exported, imported and removed."""

import json
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.stories.history import undo
from storytime_tui.stories.store import StoryStore
from tests.terminal import open_program


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> tuple[str, str]:
    assert main(["stories", *argv]) == code
    told = capsys.readouterr()
    return told.out, told.err


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def written(title: str, *texts: str, model: str = "grimm-1") -> int:
    """A story with your first passage, and the model's others."""
    with closing(StoryStore(paths.stories_file())) as store:
        story = store.new_story(title).id
        for place, text in enumerate(texts):
            store.add_passage(
                story, "model" if place else "you", text, model if place else "", "{}" if place else ""
            )
        return story


def test_stories_are_listed_last_changed_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "list")[0].startswith("No stories yet")
    assert said(capsys, "list", "--json") == ("", "")
    assert not paths.stories_file().exists()  # looking makes nothing
    written("The owl", "An owl", " sang to the moon.")
    written("Mine", "All of it is mine.")
    table = said(capsys, "list")[0].splitlines()
    assert table[0].split() == ["id", "title", "words", "model", "changed"]
    assert [line.split()[:4] for line in table[1:]] == [["2", "Mine", "5", "–"], ["1", "The", "owl", "6"]]
    newest, oldest = objects(said(capsys, "list", "--json")[0])
    assert oldest.keys() == {"id", "title", "words", "model", "changed"}
    assert (oldest["id"], oldest["title"], oldest["words"], oldest["model"]) == (1, "The owl", 6, "grimm-1")
    assert (newest["model"], newest["changed"] >= oldest["changed"]) == ("", True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminal")
def test_a_story_is_wrapped_at_words_on_a_terminal_and_stays_as_it_is_in_a_pipe(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "The hedgehog said that the umbrella was hers. " * 6
    written("The Owl", f"{text}\n\nAnd so it was.")
    assert f"\n{text}\n\nAnd so it was.\n" in said(capsys, "show", "The Owl")[0]
    argv = [sys.executable, "-m", "storytime_tui", "stories", "show", "The Owl"]
    with open_program(40, 30, home, argv) as terminal:
        terminal.wait_for("And so it was")
        assert terminal.wait_for_end() == 0
        rows = terminal.text().split("\n")
    words = set(f"{text} And so it was.".split())
    told = rows[rows.index("") + 1 : rows.index("And so it was.") - 1]
    assert len(told) > 6 and all(set(row.split()) <= words for row in told)  # no row cuts a word
    assert " ".join(told) == text.strip()


def test_a_story_is_shown_by_its_id_or_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    number = written("The owl", "An owl", " sang.\n\n“Yes.”\n")
    with closing(StoryStore(paths.stories_file())) as store:
        store.set_draft(number, "half a thou")
    shown = said(capsys, "show", "The owl")[0]
    assert shown.startswith("The owl\n4 words, told by grimm-1, changed 20")
    assert shown.endswith("\n\nAn owl sang.\n\n“Yes.”\n\ndraft: half a thou\n")
    assert said(capsys, "show", "1")[0] == shown
    (record,) = objects(said(capsys, "show", "1", "--json")[0])
    assert (record["text"], record["draft"], record["words"]) == (
        "An owl sang.\n\n“Yes.”\n",
        "half a thou",
        4,
    )


def test_what_no_story_is_called_or_several_are_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no story with the id or title 'owl'" in said(capsys, "show", "owl", code=1)[1]
    written("owl", "a")
    written("owl", "b")
    assert (
        "Several stories are called 'owl': name one by its id (1, 2)."
        in said(capsys, "show", "owl", code=1)[1]
    )
    written("1", "c")
    assert said(capsys, "show", "1")[0].startswith("owl\n")  # an id comes first
    said(capsys, "remove", "2")
    assert said(capsys, "show", "owl")[0].startswith("owl\n")
    for argv in (("show", "2"), ("export", "2", "--to", "x.txt"), ("rename", "2", "x"), ("remove", "2")):
        assert "The story '2' is removed: `storytime-tui stories restore 2`" in said(capsys, *argv, code=1)[1]
    assert "The story '3' is not removed." in said(capsys, "restore", "3", code=1)[1]
    assert "There is no removed story" in said(capsys, "restore", "9" * 30, code=1)[1]


def test_of_a_title_that_is_nearly_right_the_right_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    written("The Owl", "An owl sang.")
    for argv in (("show", "the owl"), ("export", "Th Owl", "--to", "x.txt")):
        assert f"title {argv[1]!r}: did you mean 'The Owl'?" in said(capsys, *argv, code=1)[1]
    assert "`storytime-tui stories list` lists them" in said(capsys, "show", "The Fox's Teapot", code=1)[1]


def test_a_search_names_stories_with_a_line_of_context(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "search", "owl")[0] == "No story holds this.\n"
    written("The owl", "An owl", " sang to the moon.")
    written("The fox", "The moon was red.")
    out, err = said(capsys, "search", "moon", "AN OWL")
    assert (out, err) == ("1  The owl\n   An owl sang to the moon.\n", "")
    hits = objects(said(capsys, "search", "moon", "--json")[0])
    assert [(hit["id"], hit["title"], hit["context"]) for hit in hits] == [
        (2, "The fox", "The moon was red."),
        (1, "The owl", "An owl sang to the moon."),
    ]
    assert hits[0].keys() == {"id", "title", "words", "model", "changed", "context"}
    out, err = said(capsys, "search", "moon", "--limit", "1", "--json")
    assert [hit["id"] for hit in objects(out)] == [2]
    assert "2 stories hold this. Shown: the 1 changed last (--limit 2 shows all)." in err
    assert said(capsys, "search", "dragon", "--json") == ("", "")
    for wrong in ("0", "-1", "x", "9" * 20):
        with pytest.raises(SystemExit) as left:
            main(["stories", "search", "moon", "--limit", wrong])
        assert left.value.code == 2
    assert "is not a number from 1 on" in capsys.readouterr().err
    assert "One of the phrases is empty" in said(capsys, "search", "moon", "", code=1)[1]


def test_a_story_is_renamed_removed_and_restored(capsys: pytest.CaptureFixture[str]) -> None:
    written("The owl", "An owl")
    written("The fox", "A fox")
    assert said(capsys, "rename", "1", " An\n owl ")[0] == "The story The owl is now called An owl.\n"
    assert objects(said(capsys, "rename", "An owl", "Owl", "--json")[0]) == [
        {"id": 1, "title": "Owl", "before": "An owl"}
    ]
    said(capsys, "remove", "1", "nothing", code=1)
    assert len(objects(said(capsys, "list", "--json")[0])) == 2  # all or none
    assert "stories restore 1` brings it back" in said(capsys, "remove", "Owl", "1")[0]
    assert objects(said(capsys, "remove", "2", "--json")[0]) == [{"id": 2, "title": "The fox"}]
    assert said(capsys, "list")[0].startswith("No stories yet")
    assert "Owl" in said(capsys, "restore")[0]
    assert [each["id"] for each in objects(said(capsys, "restore", "--json")[0])] == [2, 1]
    assert said(capsys, "restore", "Owl")[0] == "The story Owl is back.\n"
    assert objects(said(capsys, "restore", "2", "--json")[0]) == [{"id": 2, "title": "The fox"}]
    assert said(capsys, "restore")[0] == "There is no removed story to restore.\n"
    assert "empty" in said(capsys, "rename", "1", " ", code=1)[1]


def test_several_removed_stories_are_restored_at_once_all_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    written("The owl", "An owl")
    written("The fox", "A fox")
    said(capsys, "remove", "1", "2")
    said(capsys, "restore", "1", "nothing", code=1)
    assert [each["id"] for each in objects(said(capsys, "restore", "--json")[0])] == [2, 1]
    assert said(capsys, "restore", "2", "The owl", "1")[0] == (
        "The story The fox is back.\nThe story The owl is back.\n"
    )
    assert [each["id"] for each in objects(said(capsys, "list", "--json")[0])] == [1, 2]


@pytest.mark.parametrize("ending", ["txt", "md", "html", "epub", "json"])
def test_a_story_is_exported_by_the_ending_of_its_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ending: str
) -> None:
    written("The owl", "An owl", " sang.")
    file = tmp_path / f"owl.{ending}"
    assert (
        said(capsys, "export", "The owl", "--to", str(file))[0]
        == f"The owl is in {file} ({file_size(file)}).\n"
    )
    assert b"sang" in file.read_bytes() or ending == "epub"  # which is compressed
    assert (
        "exists already and is not overwritten" in said(capsys, "export", "1", "--to", str(file), code=1)[1]
    )
    other = tmp_path / f"other.{ending}"
    (record,) = objects(said(capsys, "export", "1", "--to", str(other), "--json", "--language", "de")[0])
    assert record == {"id": 1, "path": str(other), "bytes": other.stat().st_size}
    assert (b'lang="de"' in other.read_bytes()) == (ending == "html")


def file_size(file: Path) -> str:
    return f"{max(1, round(file.stat().st_size / 1000))} kB"


def test_what_was_exported_is_imported_and_exported_again_identically(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    number = written("The owl", "An owl", " sang.", " It slept.")
    with closing(StoryStore(paths.stories_file())) as store:
        undo(store, number)
        store.add_passage(number, "you", " It flew.")
        store.set_draft(number, "half a thou")
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    said(capsys, "export", "1", "--to", str(one))
    (record,) = objects(said(capsys, "import", str(one), "--json")[0])
    assert record == {"id": 2, "title": "The owl"}
    said(capsys, "export", "2", "--to", str(two))
    assert one.read_bytes() == two.read_bytes() and b"slept" in one.read_bytes()
    said(capsys, "import", str(one), "--title", "Other")
    assert objects(said(capsys, "show", "Other", "--json")[0])[0]["text"] == "An owl sang. It flew."


def test_texts_are_imported_and_what_is_none_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "Owl.txt").write_text("An owl sang.\n")
    assert said(capsys, "import", str(tmp_path / "Owl.txt"))[0] == "Owl is story 1 now.\n"
    (tmp_path / "bad.json").write_text("{")
    assert "bad.json is not valid JSON" in said(capsys, "import", str(tmp_path / "bad.json"), code=1)[1]
    assert "There is no file" in said(capsys, "import", str(tmp_path / "none.md"), code=1)[1]
    assert "ends in .json, .md or .txt" in said(capsys, "import", str(tmp_path / "owl.docx"), code=2)[1]
    assert ".epub or .json, not 'owl.pdf'" in said(capsys, "export", "1", "--to", "owl.pdf", code=2)[1]
    assert "--language is 'x'" in said(capsys, "export", "1", "--to", "owl.md", "--language", "x", code=2)[1]
    assert [each["title"] for each in objects(said(capsys, "list", "--json")[0])] == ["Owl"]


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_a_file_name_that_is_no_text_gives_a_title_that_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / os.fsdecode(b"owl\xff.txt")
    file.write_text("An owl")
    assert "owl\ufffd is story 1 now." in said(capsys, "import", str(file))[0]
    (tmp_path / "out").mkdir()
    assert "is in" in said(capsys, "export", "1", "--to", str(tmp_path / "out" / os.fsdecode(b"\xff.md")))[0]


def test_a_story_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    written("owl\x1b[2J\u202e[b]", "An owl\x1b]0;x\x07 sang\x9b2J.", " \x00Yes.", model="grimm\x1b[31m")
    for argv in (
        ("list",), ("show", "1"), ("search", "sang"), ("export", "1", "--to", str(tmp_path / "owl.md")),
        ("rename", "1", "fox\x1b[2J"), ("remove", "1"), ("restore",), ("restore", "1"),
        ("show", "owl\x1b[2J"), ("list", "--json"), ("show", "1", "--json"),
    ):  # fmt: skip
        assert main(["stories", *argv]) in (0, 1)
        told = capsys.readouterr()
        assert not set("\x1b\x07\x9b\x00\u202e") & set(told.out + told.err), argv
    assert "[b]" not in said(capsys, "list")[0] and "fox" in said(capsys, "list")[0]


def test_a_damaged_file_is_recovered_and_that_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    written("The owl", "An owl", " sang.")
    path = paths.stories_file()
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])  # the list of the tables
    out, err = said(capsys, "show", "1")
    assert "An owl sang." in out
    assert err.startswith("The stories file was damaged. Recovered into a new one: 1 story with 2 passages. ")
    assert "stories-damaged-" in err and err.count("\n") == 1
    assert said(capsys, "show", "1") == (out, "")


def test_a_newer_file_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    written("The owl", "An owl")
    with closing(sqlite3.connect(paths.stories_file())) as db:
        db.execute("PRAGMA user_version = 99")
    for argv in (("list",), ("search", "owl"), ("show", "1"), ("restore",)):
        out, err = said(capsys, *argv, code=1)
        assert "newer version of Storytime" in err and err.count("\n") == 1 and out == ""


def test_signs_of_formatting_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    written("100% {owl}", "An owl %s {0} \\n")
    assert "An owl %s {0} \\n" in said(capsys, "show", "100% {owl}")[0]
