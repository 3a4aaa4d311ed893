"""What a list shows of runs besides their summaries: plans, tokens, sizes, curves."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.errors import RunError
from storytime_tui.jobs import records, run_details
from storytime_tui.jobs.run_curve import run_curve
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan
from tests.commands.test_runs import learned


def test_details_have_the_plan_the_tokens_and_the_size() -> None:
    folder = learned("a", 4.0, 3.0, block_size=64, batch_size=4, accumulation=2)
    (folder / "checkpoints" / "step-20").mkdir(parents=True)
    (folder / "checkpoints" / "step-20" / "model.safetensors").write_bytes(bytes(5_000))
    os.symlink("step-20", folder / "checkpoints" / "last")
    details = run_details.details_of(records.run_record("a"))
    assert details.plan["block_size"] == 64
    assert details.tokens == 20 * 64 * 4 * 2
    own = sum(each.stat().st_size for each in folder.iterdir() if each.is_file())
    assert details.size == own + 5_000 + (folder / "checkpoints" / "last").lstat().st_size


def test_what_is_damaged_or_gone_is_left_out() -> None:
    whole, damaged, gone = learned("whole", 3.0), learned("damaged", 3.0), learned("gone", 3.0)
    (damaged / "plan.toml").write_text("seed = [")
    summaries = records.run_records()
    (gone / "plan.toml").unlink()
    (gone / "events.jsonl").unlink()
    details = run_details.all_details(summaries)
    assert details.keys() == {"whole", "damaged"}
    assert details["damaged"].plan == {}
    assert details["damaged"].tokens is None
    assert whole.exists()


def test_plans_differ_by_their_options_and_validate_on_the_same_stories_or_not() -> None:
    plans = [
        dataclasses.asdict(TrainingPlan(collections=("a",), **each))
        for each in ({}, {"seed": 1}, {"keep": 5})
    ]
    assert run_details.differing_knobs(plans) == ("keep", "seed")
    assert run_details.differing_knobs([{}, plans[0]]) == ()
    assert run_details.differing_knobs([]) == ()
    assert run_details.same_stories(plans[0], plans[2])
    assert not run_details.same_stories(plans[0], plans[1])
    assert not run_details.same_stories({}, {})


def test_a_curve_is_thin_however_long_the_run_and_skips_what_cannot_be_read() -> None:
    folder = learned("a", *[4.0 - i / 100 for i in range(80)])
    with (folder / "events.jsonl").open("ab") as file:
        file.write(
            b"rubbish\n" + json.dumps({"event": "danced", "step": 9}).encode() + b'\n{"event": "step_do'
        )
    curve = run_curve("a")
    assert len(curve.training) <= 400
    assert curve.training[-1][0] > 700
    assert curve.validation[0] == (10, 4.0)
    assert len(curve.validation) == 80
    with pytest.raises(RunError, match="no run called 'nobody'"):
        run_curve("nobody")


def test_a_run_without_a_journal_has_no_curve() -> None:
    learned("a")
    (paths.runs_folder() / "a" / "events.jsonl").write_bytes(b"\x00\xff\n")
    assert run_curve("a").validation == run_curve("a").training == ()


def test_an_event_of_a_resume_voids_later_points(tmp_path: Path) -> None:
    folder = learned("a", 4.0, 3.0)
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(ev.to_json(ev.Resumed(10, from_checkpoint=True))) + "\n")
    assert run_curve("a").validation == ((10, 4.0),)
