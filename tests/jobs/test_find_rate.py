"""Finding a learning rate: on a copy in memory, with nothing changed on the disk."""

import hashlib
import json
from pathlib import Path

import pytest

from storytime_tui import cli, paths
from storytime_tui.errors import RunError
from storytime_tui.jobs import active_runs
from storytime_tui.jobs.find_rate import find_rate
from storytime_tui.jobs.progress import Stopped
from storytime_tui.jobs.train import learn
from storytime_tui.training import events as ev
from storytime_tui.training.control import Control
from storytime_tui.training.rate_range import RateFound, RateTried
from tests.jobs.test_train import plan_for
from tests.tiny import write_collection


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "tales")


def on_disk(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_rates_rise_until_the_loss_explodes_and_the_base_and_runs_stay_as_they_are(tales: Path) -> None:
    list(learn(plan_for(tales, max_steps=30, sample_every=0), Control(), "base"))
    before = on_disk(paths.runs_folder())
    items = [i for i in find_rate(plan_for(tales, base="base"), Control()) if not isinstance(i, ev.Preparing)]
    *tried, found = items
    assert isinstance(found, RateFound) and all(isinstance(item, RateTried) for item in tried)
    rates = [item.rate for item in tried if isinstance(item, RateTried)]
    assert rates == sorted(rates) and len(set(rates)) == len(rates) == found.steps <= 100
    assert on_disk(paths.runs_folder()) == before
    assert not active_runs.is_training()


def test_the_first_loss_is_that_of_the_base(tales: Path) -> None:
    """Before any step: what an untrained model of this vocabulary has, near the logarithm of it."""
    tried = next(i for i in find_rate(plan_for(tales), Control()) if isinstance(i, RateTried))
    first = next(e for e in learn(plan_for(tales, max_steps=1), Control()) if isinstance(e, ev.Evaluated))
    assert tried.loss == pytest.approx(first.validation_loss, abs=0.2)


def test_it_stops_within_a_step_and_refuses_while_a_run_trains(tales: Path) -> None:
    control, seen = Control(), 0
    for item in find_rate(plan_for(tales), control):
        if isinstance(item, RateTried):
            seen += 1
            if seen == 3:
                control.stop()
    assert isinstance(item, RateFound) and seen == 3
    assert item.sentence == "The test was stopped at step 3 of 80: no suggestion."
    control = Control()
    control.stop()
    with pytest.raises(Stopped):
        list(find_rate(plan_for(tales), control))
    with active_runs.training(), pytest.raises(RunError, match="A run trains now"):
        next(iter(find_rate(plan_for(tales), Control())))


def test_the_command_prints_a_table_or_json_and_a_suggestion(
    tales: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--corpus", str(tales), "--base", "scratch-2x64", "--find-rate"]
    words += ["--set", "block_size=64", "--set", "batch_size=4", "--set", "accumulation=1"]
    assert cli.main([*words, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["event"] for line in lines[:-1]} == {"rate_tried"}
    assert lines[-1]["event"] == "rate_found" and lines[-1]["steps"] == len(lines) - 1
    assert lines[-1]["rate"] is not None
    assert cli.main(words) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["step", "learning", "rate", "loss", "smoothed"]
    assert table[-1] == f"use it with: --set learning_rate={lines[-1]['rate']:g}"
    assert not paths.runs_folder().exists() or not any(paths.runs_folder().iterdir())
    assert cli.main([*words, "--run", "x"]) == 1
    assert "leave --resume, --run" in capsys.readouterr().err


def test_the_plan_of_a_run_starts_another(tales: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list(learn(plan_for(tales, max_steps=2, seed=5, sample_every=0), Control(), "first"))
    assert cli.main(["train", "--plan", "first", "--run", "second", "--set", "max_steps=1"]) == 0
    plan = (paths.runs_folder() / "second" / "plan.toml").read_text()
    assert "seed = 5" in plan and "max_steps = 1" in plan
