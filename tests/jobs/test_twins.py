"""Two programs on one run or one name: one gets it, the other is told, and nothing of either is lost."""

import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storytime_tui import files, paths
from storytime_tui.errors import StorytimeError
from storytime_tui.jobs import records, train
from storytime_tui.jobs.find_model import Origin
from storytime_tui.jobs.listen import Listening
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.plan import TrainingPlan, read_plan, write_plan
from storytime_tui.training.runs import Journal, read_events

PLAN = TrainingPlan(base="scratch-tiny", collections=("grimm",))
TWINS = 6


def started(run: str) -> ev.Started:
    return ev.Started(
        run=run, base="scratch-tiny", collections=("grimm",), device="cpu", precision="fp32", parameters=1000,
        stories=9, validation_stories=1, training_tokens=4000, validation_tokens=400, total_steps=20,
        steps_per_epoch=10.0, block_size=64, token_frequency_loss=5.0, time=1.0,
    )  # fmt: skip


def finished_run(name: str) -> Path:
    folder = paths.runs_folder() / name
    write_plan(PLAN, folder / "plan.toml")
    journal = Journal(folder / "events.jsonl")
    for event in (started(name), ev.Finished(name, 20, 3.0, 20, "done", 9.0)):
        journal.append(event)
    journal.close()
    return folder


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What each of some threads that begin together gave or raised."""
    barrier = threading.Barrier(TWINS)
    outcomes: list[Any] = [None] * TWINS

    def body(number: int) -> None:
        barrier.wait()
        try:
            outcomes[number] = work(number)
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=body, args=(number,)) for number in range(TWINS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def split(outcomes: list[Any]) -> tuple[list[Any], list[Exception]]:
    """What went well and what did not; all that did not is a sentence."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(error, StorytimeError) for error in failed), failed
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)], failed


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is nothing but a folder, a plan and a journal; all twins come to the folder together."""
    barrier = threading.Barrier(TWINS)

    def trainer_in(folder: Path) -> Any:
        events = [started(folder.name), ev.Finished(folder.name, 20, 3.0, 20, "done", 9.0)]
        return SimpleNamespace(step=0, run=lambda: iter(events))

    def build(*_: Any) -> Any:
        barrier.wait(30)
        return SimpleNamespace(trainer_in=trainer_in, plan=PLAN, listening=Listening(PLAN, (), 0))

    def prepare(*_: Any) -> Generator[ev.Event, None, Any]:
        yield ev.Preparing("reading the stories", 0, 0)
        return SimpleNamespace(origin=Origin(PLAN.base, None))

    monkeypatch.setattr(train, "_build", build)
    monkeypatch.setattr(train, "_prepare_in_turn", prepare)


@pytest.mark.parametrize("before", ["nothing", "an empty folder"])
def test_of_twins_with_one_name_one_learns_and_its_folder_stays(no_torch: None, before: str) -> None:
    for name in map("twin-{}".format, range(10)):
        if before == "an empty folder":  # of a run that never began
            (paths.runs_folder() / name).mkdir(parents=True)
        done, refused = split(at_once(lambda _, name=name: list(train.learn(PLAN, Control(), name))))
        assert len(done) == 1 and len(refused) == TWINS - 1
        folder = paths.runs_folder() / name
        assert read_plan(folder / "plan.toml") == PLAN
        assert [type(event) for event in read_events(folder)] == [ev.Started, ev.Finished]
        assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "lock", "plan.toml"]


def test_twins_without_a_name_get_one_each(no_torch: None) -> None:
    done, refused = split(at_once(lambda _: list(train.learn(PLAN, Control()))))
    assert len(done) == TWINS and not refused
    assert sorted(path.name for path in paths.runs_folder().iterdir()) == [
        f"grimm-{n + 1}" for n in range(TWINS)
    ]


def test_a_failed_beginning_takes_only_its_own_folder_away(
    no_torch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storytime_tui.training import plan

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plan.files, "write_atomically", full)
    done, refused = split(at_once(lambda number: list(train.learn(PLAN, Control(), f"n{number // 2}"))))
    assert not done and any("disk is full" in str(error) for error in refused)
    assert not list(paths.runs_folder().iterdir())


def test_a_run_is_held_from_the_first_look_on() -> None:
    folder = finished_run("r")
    first = train.resume("r", Control(), 1.0)
    assert isinstance(next(first), ev.Preparing)  # nothing is loaded yet
    for second in (lambda: next(train.resume("r", Control(), 1.0)), lambda: records.remove_runs(["r"])):
        with pytest.raises(StorytimeError, match="open in another Storytime"):
            second()
    assert records.run_record("r").state == "training"
    first.close()
    assert records.run_record("r").state == "finished" and read_plan(folder / "plan.toml") == PLAN


def test_a_run_that_was_taken_away_is_not_made_again_by_who_holds_on_to_it() -> None:
    folder = finished_run("r")
    waiting = train.resume("r", Control(), 1.0)  # has not looked yet
    records.remove_runs(["r"])
    with pytest.raises(StorytimeError, match="no run called"):
        next(waiting)
    assert not folder.exists()


def test_of_twins_that_remove_and_restore_one_does() -> None:
    for _ in range(5):
        folder = finished_run("r") if not (paths.runs_folder() / "r").exists() else paths.runs_folder() / "r"
        done, _ = split(at_once(lambda _: records.remove_runs(["r"])))
        assert len(done) == 1 and not folder.exists() and len(records.removed_runs()) == 1
        done, _ = split(at_once(lambda _: records.restore_run("r")))
        assert len(done) == 1 and not records.removed_runs()
        assert read_plan(folder / "plan.toml") == PLAN and len(read_events(folder)) == 2


def test_a_name_taken_while_a_run_comes_back_is_kept_by_one_of_them() -> None:
    for round_ in range(5):
        name = f"r{round_}"
        finished_run(name)
        records.remove_runs([name])

        def work(number: int, name: str = name) -> str:
            if number % 2:
                records.restore_run(name)
                return "came back"
            with runs.new_run(name, PLAN) as folder:
                return folder.name

        done, _ = split(at_once(work))
        assert len(done) == 1
        said = read_events(paths.runs_folder() / name)
        assert len(said) == (2 if done == ["came back"] else 0)
        assert len(records.removed_runs()) == (0 if said else 1)
        records.remove_runs([name])
        for each in records.removed_runs():
            shutil.rmtree(each.folder)


def test_listing_is_in_nobody_s_way() -> None:
    """Whoever lists runs asks each lock for a moment; a run that begins then is not refused."""
    finished_run("r")
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            records.run_records()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(30):
            going = train.resume("r", Control(), 1.0)
            assert isinstance(next(going), ev.Preparing)
            going.close()
    finally:
        over.set()
        looking.join(30)


def test_of_two_writers_of_one_file_that_replace_nothing_one_does(tmp_path: Path) -> None:
    """Two exports to one GGUF file: the second one says that it is there."""

    def work(number: int) -> int:
        with files.file_written_atomically(tmp_path / "mine.gguf", replace=False) as part:
            part.write_text(str(number))
        return number

    outcomes = at_once(work)
    (winner,) = (outcome for outcome in outcomes if not isinstance(outcome, Exception))
    assert (tmp_path / "mine.gguf").read_text() == str(winner)
    assert sum(isinstance(outcome, FileExistsError) for outcome in outcomes) == TWINS - 1
    assert not list(tmp_path.glob(".part-*"))
