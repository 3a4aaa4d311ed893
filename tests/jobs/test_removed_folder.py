"""The folder of a run in training is removed by hand: the run goes on and can be used."""

import shutil
from pathlib import Path

from storytime_tui import paths
from storytime_tui.jobs.generate import open_teller
from storytime_tui.jobs.train import learn, resume
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.control import Control
from storytime_tui.training.plan import read_plan
from tests.jobs.test_train import plan_for
from tests.tiny import write_collection


def trained(tmp_path: Path, at: type[ev.Event], **values: object) -> list[ev.Event]:
    """The events of a run whose folder is removed at the second event of a kind after the start."""
    plan = plan_for(write_collection(tmp_path / "tales"), **values)
    said: list[ev.Event] = []
    for event in learn(plan, Control(), "run"):
        said.append(event)
        if isinstance(event, at) and sum(isinstance(each, at) for each in said) == 2:
            shutil.rmtree(paths.runs_folder() / "run")
    return said


def test_a_run_whose_folder_is_removed_makes_it_again_and_can_be_told_with(tmp_path: Path) -> None:
    said = trained(tmp_path, ev.StepDone, max_steps=9, listen=False)
    assert isinstance(said[-1], ev.Finished)
    (recovered,) = [event for event in said if isinstance(event, ev.Recovered)]
    assert recovered.message.startswith("The run's folder was removed: it is made again")
    summary = runs.summary_of("run")
    assert (summary.state, summary.step, summary.trouble) == ("finished", 9, "")
    folder = paths.runs_folder() / "run"
    assert read_plan(folder / runs.PLAN).max_steps == 9
    events = [event for event in said if not isinstance(event, ev.Preparing)]
    assert runs.read_events(folder) == events
    assert open_teller("run").voices == ("Tales",)
    assert any(isinstance(event, ev.StepDone) for event in resume("run", Control(), 1.0))


def test_with_a_voice_too(tmp_path: Path) -> None:
    said = trained(tmp_path, ev.StepDone, max_steps=9)
    assert isinstance(said[-1], ev.Finished), said[-1]


def test_its_folder_is_locked_again(tmp_path: Path) -> None:
    plan = plan_for(write_collection(tmp_path / "tales"), listen=False)
    folder = paths.runs_folder() / "run"
    for event in learn(plan, Control(), "run"):
        if isinstance(event, ev.StepDone) and event.step == 2:
            shutil.rmtree(folder)
        if isinstance(event, ev.Recovered):
            assert runs.is_open(folder)
    assert not runs.is_open(folder)


def test_another_run_that_took_the_name_meanwhile_stays_as_it_is(tmp_path: Path) -> None:
    plan = plan_for(write_collection(tmp_path / "tales"), listen=False)
    folder = paths.runs_folder() / "run"
    said: list[ev.Event] = []
    for event in learn(plan, Control(), "run"):
        said.append(event)
        if isinstance(event, ev.StepDone) and event.step == 2:
            shutil.rmtree(folder)
            folder.mkdir()
            (folder / runs.PLAN).write_text("# another's")
    assert isinstance(said[-1], ev.Failed) and "another run has its name now" in said[-1].message
    assert (folder / runs.PLAN).read_text() == "# another's"
