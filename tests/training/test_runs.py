"""Run folders: names, locks, and a journal that survives being cut anywhere."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui import paths
from storytime_tui.errors import RunError
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.plan import TrainingPlan


def step(number: int) -> ev.StepDone:
    return ev.StepDone(number, 3.0, 1e-3, 100.0, 0.1, 1.0, float(number), 10)


def made(name: str | None = None, *said: ev.Event) -> Path:
    plan = TrainingPlan(base="scratch-tiny", collections=("Grimm & Sons",))
    with runs.new_run(name, plan) as folder:
        pass
    journal = runs.Journal(folder / "events.jsonl")
    for event in said:
        journal.append(event)
    journal.close()
    return folder


def test_names_are_the_collections_numbered_and_taken_names_are_refused() -> None:
    assert [made().name, made().name] == ["grimm-sons-1", "grimm-sons-2"]
    made("mine")
    with pytest.raises(RunError, match="--resume mine"):
        made("mine")
    for bad in ("", "..", "a/b", ".hidden", "x" * 81, "a\x1bb"):
        with pytest.raises(RunError, match="cannot be called"):
            made(bad)
    with pytest.raises(RunError, match="There is no run called 'yours'; the newest are"):
        runs.run_folder("yours")


def test_a_second_program_on_the_same_run_is_refused() -> None:
    folder = made("mine")
    with runs.run_locked(folder):
        assert runs.summary_of("mine").state == "training"
        with pytest.raises(RunError, match="open in another Storytime"), runs.run_locked(folder):
            pass
    assert runs.summary_of("mine").state == "interrupted"


@given(cut=st.integers(0, 2000))
def test_a_journal_cut_anywhere_reads_as_the_whole_lines_before_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    path = folder / "events.jsonl"
    journal = runs.Journal(path)
    said = [step(n) for n in range(1, 8)]
    for event in said:
        journal.append(event)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole))])
    kept = whole[: min(cut, len(whole))].count(b"\n")
    assert runs.read_events(folder)[:kept] == said[:kept]
    journal = runs.Journal(path)
    journal.append(ev.Paused(99))
    journal.close()
    assert runs.read_events(folder) == [*said[:kept], ev.Paused(99)]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_what_a_resume_made_void_is_not_read() -> None:
    folder = made(
        "r",
        step(1),
        step(2),
        ev.Evaluated(2, 3.0, 20.0, 2.0, True),
        step(3),
        step(4),
        ev.Failed("r", 4, "The disk is full."),
        ev.Resumed(2, True),
        step(3),
    )
    said = runs.read_events(folder)
    assert [e.step for e in said if isinstance(e, ev.StepDone)] == [1, 2, 3]
    assert not any(isinstance(e, ev.Failed) for e in said)


def test_a_summary_says_how_it_ended() -> None:
    made("a", step(1), ev.Finished("a", 1, 3.0, 1, "done", 2.0))
    made("b", step(1), ev.Finished("b", 1, 3.0, 1, "stopped", 2.0))
    made("c", step(1), ev.Failed("c", 1, "The disk is full."))
    made("d", step(1))
    assert [runs.summary_of(n).state for n in "abcd"] == ["finished", "stopped", "failed", "interrupted"]
    assert runs.summary_of("c").trouble == "The disk is full."
    assert {s.name for s in runs.list_runs()} == set("abcd")


def test_a_run_with_a_broken_plan_is_listed_as_damaged() -> None:
    folder = made("r", step(1))
    (folder / "plan.toml").write_text("colour = 'red'")
    (summary,) = runs.list_runs()
    assert summary.state == "damaged"
    assert "Unknown setting 'colour'" in summary.trouble
    assert str(paths.runs_folder()) in summary.trouble
