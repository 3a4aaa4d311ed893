"""A list of runs is remembered, and is still what the files say."""

import dataclasses
import json
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.training import events as ev
from storytime_tui.training import journal, runs, summary_cache
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.training.runs import list_runs, new_run
from tests.training.test_journal_index import STARTED, step

VOICE = ev.VoiceMeasured(2, 24, 19, 3, 0.01, ("Hedgerow",), (19,))


def a_run(name: str, *said: ev.Event) -> Path:
    with new_run(name, TrainingPlan(base="starter", collections=("hedgerow-tales",))) as folder:
        (folder / "checkpoints" / "step-2").mkdir(parents=True)
        writer = Journal(folder / JOURNAL)
        for event in (STARTED, ev.Evaluated(0, 5.0, 9.0, 2.0, False), step(1), step(2), VOICE, *said):
            writer.append(event)
        writer.close()
    return folder


@pytest.fixture
def three() -> tuple[Path, ...]:
    return (
        a_run("done", ev.Finished("done", 2, 4.5, 2, "done", 1.0)),
        a_run("failed", ev.Failed("failed", 2, "The disk is full.")),
        a_run("cut"),
    )


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new program: nothing is in memory."""
    journal._facts_of_journal.cache_clear()


def read_nothing(*_: object) -> None:
    raise AssertionError("this was remembered")


def test_what_is_remembered_is_what_was_read(
    three: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list_runs()
    assert {run.name: run.state for run in first} == {
        "done": "finished",
        "failed": "failed",
        "cut": "interrupted",
    }
    forget(monkeypatch)
    monkeypatch.setattr(summary_cache, "read_plan", read_nothing)
    monkeypatch.setattr(summary_cache, "run_facts", read_nothing)
    assert list_runs() == first
    (three[0] / "checkpoints" / "step-9").mkdir()  # what stands in no file is looked up
    assert next(run for run in list_runs() if run.name == "done").checkpoints == (2, 9)


def test_a_run_that_went_on_is_read_again(three: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    list_runs()
    writer = Journal(three[2] / JOURNAL)
    writer.append(step(3))
    writer.close()
    forget(monkeypatch)
    assert {run.name: run.step for run in list_runs()} == {"done": 2, "failed": 2, "cut": 3}


def test_a_run_that_is_open_is_said_to_train_whatever_is_remembered(three: tuple[Path, ...]) -> None:
    list_runs()
    with runs.run_locked(three[0]):
        assert next(run for run in list_runs() if run.name == "done").state == "training"
    assert next(run for run in list_runs() if run.name == "done").state == "finished"


def test_a_renamed_or_removed_run_is_not_remembered(three: tuple[Path, ...]) -> None:
    list_runs()
    three[0].rename(three[0].with_name("other"))
    assert {run.name for run in list_runs()} == {"other", "failed", "cut"}
    remembered = json.loads((paths.cache_folder() / "runs.json").read_text())["runs"]
    assert set(remembered) == {"other", "failed", "cut"}


def test_a_damaged_run_is_read_each_time(three: tuple[Path, ...]) -> None:
    (three[0] / "plan.toml").write_text("base = [")
    first = list_runs()
    assert next(run for run in first if run.name == "done").state == "damaged"
    assert list_runs() == first


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 1, "runs": 3}', '{"version": 1, "runs": {"done": {}}}']
)
def test_a_damaged_memory_is_made_again(three: tuple[Path, ...], text: str) -> None:
    truth = list_runs()
    (paths.cache_folder() / "runs.json").write_text(text)
    assert list_runs() == truth
    assert "done" in json.loads((paths.cache_folder() / "runs.json").read_text())["runs"]


def test_a_memory_with_values_of_other_kinds_is_not_believed(three: tuple[Path, ...]) -> None:
    truth = list_runs()
    place = paths.cache_folder() / "runs.json"
    record = json.loads(place.read_text())
    record["runs"]["done"]["step"] = "many"
    record["runs"]["cut"].pop("voice")
    place.write_text(json.dumps(record))
    assert list_runs() == truth


def test_a_loss_that_is_no_number_is_read_again_and_stops_nothing(
    three: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_run("nan", TrainingPlan()) as folder:
        writer = Journal(folder / JOURNAL)
        writer.append(dataclasses.replace(STARTED, run="nan"))
        writer.append(ev.Evaluated(0, float("nan"), 9.0, 2.0, False))
        writer.close()
    list_runs()
    remembered = json.loads((paths.cache_folder() / "runs.json").read_text())["runs"]
    assert set(remembered) == {"done", "failed", "cut"}
    forget(monkeypatch)
    assert {run.name for run in list_runs()} == {"nan", "done", "failed", "cut"}
