"""`runs rename`, `runs note` and `runs list --where` as a stranger meets them."""

import json
import os
from pathlib import Path

import pytest

from storytime_tui import files, paths
from storytime_tui.errors import RunError
from storytime_tui.training import events as ev
from storytime_tui.training import notes, runs
from storytime_tui.training.journal import Journal
from tests.commands.test_runs import learned, objects, said


def names(text: str) -> list[str]:
    return [each["name"] for each in objects(text)]


# -- queries -----------------------------------------------------------------------------------------------


def test_where_lists_the_runs_that_match(capsys: pytest.CaptureFixture[str]) -> None:
    learned("a", 4.0, 3.0, learning_rate=1e-3)
    learned("b", 4.0, 2.5, learning_rate=1e-4, base="gpt2")
    assert names(said(capsys, "list", "--json", "--where", "rate>5e-4")[0]) == ["a"]
    assert names(said(capsys, "list", "--json", "--where", "-base:gpt2 loss:3 shelf:grimm")[0]) == ["a"]
    table, _ = said(capsys, "list", "--where", "base:gpt2")
    assert "b " in table and "scratch-tiny" not in table
    assert said(capsys, "list", "--where", "grimm-9")[0] == "No run matches this.\n"
    assert said(capsys, "list", "--json", "--where", "grimm-9")[0] == ""


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("colour:red", "--where: There is no field “colour”. Fields: name, base, shelves, state"),
        ("rate>fast", "--where: “rate” is a number, not “fast”."),
    ],
)
def test_a_mistake_in_a_query_is_one_sentence(
    capsys: pytest.CaptureFixture[str], query: str, sentence: str
) -> None:
    learned("a", 3.0)
    assert sentence in said(capsys, "list", "--where", query, code=2)[1]


# -- names -------------------------------------------------------------------------------------------------


def test_a_renamed_run_is_the_same_run_by_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    folder = learned("a", 4.0, 3.0)
    before = sorted(os.listdir(folder))
    assert said(capsys, "rename", "a", "bedtime")[0] == "The run a is now called bedtime.\n"
    assert sorted(set(os.listdir(paths.runs_folder() / "bedtime")) - {"lock"}) == before
    assert names(said(capsys, "list", "--json")[0]) == ["bedtime"]
    assert "bedtime: scratch-tiny" in said(capsys, "show", "bedtime")[0]
    assert "There is no run called 'a'" in said(capsys, "show", "a", code=1)[1]
    with runs.run_locked(paths.runs_folder() / "bedtime"):  # nobody holds it
        pass
    assert objects(said(capsys, "rename", "bedtime", "b", "--json")[0]) == [{"run": "b", "before": "bedtime"}]


def test_what_cannot_be_renamed_stays_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    folder = learned("a", 3.0)
    learned("b", 3.0)
    learned("lora", 3.0, base="b", lora_rank=4)
    for argv, sentence in (
        (("a", "b"), "There is a run called 'b' already"),
        (("a", "gpt2"), "which is the name of a base"),
        (("a", "../x"), "A run cannot be called '../x'"),
        (("nobody", "c"), "There is no run called 'nobody'"),
        (("b", "c"), "lora needs 'b' as LoRA base, by this name: it cannot be renamed."),
    ):
        assert sentence in said(capsys, "rename", *argv, code=1)[1]
    with files.locked(folder / "lock", RunError("busy")):
        assert "is open in another Storytime" in said(capsys, "rename", "a", "c", code=1)[1]
    assert set(names(said(capsys, "list", "--json")[0])) == {"a", "b", "lora"}


# -- notes -------------------------------------------------------------------------------------------------


def test_a_note_is_kept_with_its_run_and_shown_wherever_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = learned("a", 3.0)
    assert said(capsys, "note", "a")[0] == "The run a has no note.\n"
    assert said(capsys, "note", "a", " the one\n for bedtime ")[0] == "The note is kept with the run a.\n"
    assert (folder / notes.NOTE).read_text() == "the one for bedtime\n"
    assert said(capsys, "note", "a")[0] == "the one for bedtime\n"
    assert "note: the one for bedtime\n" in said(capsys, "show", "a")[0]
    assert objects(said(capsys, "show", "a", "--json")[0])[0]["note"] == "the one for bedtime"
    assert objects(said(capsys, "list", "--json")[0])[0]["note"] == "the one for bedtime"
    assert names(said(capsys, "list", "--json", "--where", "bedtime")[0]) == ["a"]
    said(capsys, "report", "a", "--to", str(tmp_path / "a.md"))
    assert "the one for bedtime" in (tmp_path / "a.md").read_text()
    said(capsys, "rename", "a", "b")
    assert objects(said(capsys, "note", "b", "--json")[0]) == [{"run": "b", "note": "the one for bedtime"}]
    assert said(capsys, "note", "b", "--remove")[0] == "The note is removed from the run b.\n"
    assert not (paths.runs_folder() / "b" / notes.NOTE).exists()
    assert said(capsys, "note", "b", "--remove")[0] == "The run b has no note.\n"
    said(capsys, "note", "b", "again")
    assert said(capsys, "note", "b", "")[0] == "The note is removed from the run b.\n"
    assert said(capsys, "note", "b")[0] == "The run b has no note.\n"


def test_a_note_that_is_too_long_or_no_text_replaces_none(capsys: pytest.CaptureFixture[str]) -> None:
    folder = learned("a", 3.0)
    said(capsys, "note", "a", "short")
    assert "The note has 2,001 characters" in said(capsys, "note", "a", "x" * 2_001, code=1)[1]
    assert said(capsys, "note", "a")[0] == "short\n"
    for odd in (b"\xff\xfe", b"x" * 100_000):
        (folder / notes.NOTE).write_bytes(odd)
        assert said(capsys, "note", "a")[0] == "The run a has no note.\n"
    (folder / notes.NOTE).unlink()
    (folder / notes.NOTE).mkdir()
    assert "writing the note of the run a did not finish" in said(capsys, "note", "a", "x", code=1)[1].lower()


# -- states of runs that another program has open ----------------------------------------------------------


def test_an_open_run_is_paused_until_it_goes_on_whatever_it_says_meanwhile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = learned("a", 3.0)

    def state() -> str:
        shown = json.loads(said(capsys, "show", "a", "--json")[0])["state"]
        assert objects(said(capsys, "list", "--json")[0])[0]["state"] == shown
        return str(shown)

    def say(event: ev.Event) -> None:
        journal = Journal(folder / "events.jsonl")
        journal.append(event)
        journal.close()

    say(ev.Paused(10))
    assert state() == "interrupted"
    with files.locked(folder / "lock", RunError("busy")):
        assert state() == "paused"
        say(ev.Sampled(10, "Once", " upon a time"))
        say(ev.CheckpointSaved(10, "checkpoints/step-10", best=False))
        assert state() == "paused"
        say(ev.Resumed(10, from_checkpoint=False))
        assert state() == "training"
        (folder / "events.jsonl").write_bytes(b'{"event": "paused", "st')  # cut in the middle of a line
        assert state() == "training"
