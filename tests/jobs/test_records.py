"""What is known of runs: which of them was at work last."""

import json
from pathlib import Path

import pytest

from storytime_tui import files, paths
from storytime_tui.errors import RunError
from storytime_tui.jobs import records
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan, write_plan
from tests.tui.fakes import FINISHED, STARTED, a_run


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORYTIME_HOME", str(tmp_path))


def write_run(name: str, said: list[ev.Event]) -> Path:
    folder = paths.runs_folder() / name
    folder.mkdir(parents=True)
    write_plan(TrainingPlan(base="scratch-tiny", collections=("hedgerow",)), folder / "plan.toml")
    (folder / "events.jsonl").write_text("".join(json.dumps(ev.to_json(event)) + "\n" for event in said))
    return folder


def test_without_runs_there_is_no_last_one() -> None:
    assert records.last_run() is None


def test_the_last_run_comes_with_all_that_it_said() -> None:
    said = [*a_run(30), FINISHED]
    write_run("hedgerow-1", said)
    last = records.last_run()
    assert last is not None
    assert (last.name, list(last.events)) == ("hedgerow-1", said)


def test_a_run_that_is_at_work_elsewhere_and_what_cannot_be_read_is_passed_over() -> None:
    write_run("whole-1", [STARTED])
    write_run("never-began-1", [])
    busy = write_run("busy-1", [STARTED])
    strange = write_run("strange-1", [STARTED])
    (strange / "events.jsonl").unlink()
    (strange / "events.jsonl").mkdir()
    with files.locked(busy / "lock", RunError("busy")):
        last = records.last_run()
        with pytest.raises(RunError, match=r"busy-1.*open in another"):
            records.journal_of("busy-1")
    assert last is not None
    assert last.name == "whole-1"
    with pytest.raises(RunError, match=r"never-began-1.*ended before training started"):
        records.journal_of("never-began-1")
