"""What learning would take: from the words, the usual plan, and the speed this machine has shown."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.jobs import estimates
from storytime_tui.jobs.estimates import estimate, preview
from storytime_tui.training import events as ev
from storytime_tui.training.plan import TrainingPlan, write_plan

STORIES = [Story(f"Tale {i}", "word " * 2_000) for i in range(20)]


def past_run(name: str, base: str, speed: float, when: float) -> None:
    folder = paths.runs_folder() / name
    folder.mkdir(parents=True)
    write_plan(TrainingPlan(base=base, collections=("x",)), folder / "plan.toml")
    steps = [ev.StepDone(i, 3.0, 1e-3, speed * i / 300, 0.1, 1.0, float(i), 10) for i in range(1, 301)]
    lines = [*steps, ev.Evaluated(300, 3.0, 20.0, 2.0, True)]
    journal = folder / "events.jsonl"
    journal.write_text("".join(json.dumps(ev.to_json(line)) + "\n" for line in lines) + '{"event": "step_d')
    os.utime(journal, (when, when))


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "likely_gpu", lambda: False)
    monkeypatch.setattr(estimates, "_cores", lambda: 2)


def test_more_stories_take_longer_and_a_larger_base_does_too() -> None:
    small, large = estimate(STORIES[:5], "scratch-small"), estimate(STORIES, "scratch-small")
    assert 0 < small.tokens < large.tokens
    assert 0 < small.windows < large.windows
    assert small.seconds and large.seconds and small.seconds < large.seconds
    gpt2 = estimate(STORIES, "gpt2").seconds
    assert gpt2 and gpt2 > large.seconds


def test_a_shape_named_by_its_size_is_estimated_like_the_one_of_the_list() -> None:
    named, listed = estimate(STORIES, "scratch-6x384"), estimate(STORIES, "scratch-small")
    assert (named.tokens, named.windows) == (listed.tokens, listed.windows)
    assert named.seconds == pytest.approx(listed.seconds, rel=0.05)


def test_the_newest_run_of_the_base_says_how_fast_it_is_here() -> None:
    past_run("old", "scratch-small", 100.0, 1_000.0)
    past_run("new", "scratch-small", 1_000.0, 2_000.0)
    past_run("other", "gpt2", 1.0, 3_000.0)
    found = estimate(STORIES, "scratch-small")
    assert found.seconds is not None
    ten_epochs = found.tokens * 0.9 * 10
    # and what it does beside its steps: evaluations, samples, checkpoints
    assert ten_epochs / 1_000.0 < found.seconds < 1.25 * ten_epochs / 1_000.0


def test_what_a_run_does_beside_its_steps_takes_time_too() -> None:
    """The starter on the bundled tales: "under 1 min" was said, and it took 1:38 with all that belongs to it."""
    past_run("quick", "scratch-tiny", 1e9, 1_000.0)  # steps that take no time
    few = [Story("A", "word " * 3_000), Story("B", "word " * 3_000)]
    seconds = estimate(few, "scratch-tiny").seconds
    assert seconds is not None and 4.0 < seconds < 30.0


def test_another_base_s_run_tells_by_its_size() -> None:
    past_run("other", "distilgpt2", 1_000.0, 1_000.0)
    seconds, known = estimate(STORIES, "gpt2").seconds, estimate(STORIES, "distilgpt2").seconds
    assert seconds and known
    assert seconds / known == pytest.approx(124_439_808 / 81_912_576, rel=0.01)


def test_a_gpu_that_has_shown_nothing_yet_is_not_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "likely_gpu", lambda: True)
    assert estimate(STORIES, "gpt2").seconds is None
    past_run("first", "gpt2", 50_000.0, 1_000.0)
    assert estimate(STORIES, "gpt2").seconds


@pytest.mark.parametrize("base", ["scratch-tiny", "gpt2", "owner/model", "/some/folder", "no-such-run"])
def test_nothing_ticked_too_little_and_unknown_bases_are_no_trouble(base: str) -> None:
    assert estimate([], base).tokens == 0
    assert estimate([Story("A", "three small words")], base).windows == 0
    assert estimate(STORIES, base).tokens > 40_000


def test_the_first_steps_of_a_run_say_nothing_of_its_speed(tmp_path: Path) -> None:
    steps = [ev.StepDone(i, 3.0, 1e-3, 1.0 if i <= 5 else 100.0, 0.1, 1.0, 1.0, 10) for i in range(1, 9)]
    journal = tmp_path / "events.jsonl"
    journal.write_text("".join(json.dumps(ev.to_json(step)) + "\n" for step in steps[:2]))
    assert estimates._last_speed(journal) is None
    journal.write_text("".join(json.dumps(ev.to_json(step)) + "\n" for step in steps))
    assert estimates._last_speed(journal) == 100.0


def test_a_journal_without_a_step_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"event": "started"}\nnonsense "step_done"\n')
    assert estimates._last_speed(tmp_path / "events.jsonl") is None
    assert estimates._last_speed(tmp_path / "nowhere") is None


def test_a_base_that_is_a_run_has_its_base_s_size() -> None:
    past_run("mine", "gpt2", 10.0, 1_000.0)
    assert estimate(STORIES, "mine").seconds == pytest.approx(estimate(STORIES, "gpt2").seconds, rel=0.01)


@pytest.mark.parametrize(
    "base", ["scratch-tiny", "scratch-small", "scratch-9x320", "distilgpt2", "/some/folder"]
)
def test_tokens_are_about_a_quarter_of_the_bytes(base: str) -> None:
    assert estimates.estimate_tokens(0, base) == 0
    assert 200 <= estimates.estimate_tokens(1000, base) <= 300


# -- what a plan comes to --------------------------------------------------------------------------------------


def test_a_preview_is_the_plan_that_the_run_will_have() -> None:
    found = preview(STORIES, TrainingPlan(base="scratch-tiny", collections=("Hedgerow Tales",)))
    assert found.plan is not None and found.plan.epochs == 10 and found.plan.learning_rate == 1e-3
    assert found.run == "hedgerow-tales-1" and found.steps > 0 and found.problem == ""
    short = preview(STORIES, TrainingPlan(base="scratch-tiny", collections=("x",), max_steps=3))
    assert short.steps == 3
    (paths.runs_folder() / "x-1").mkdir(parents=True)
    assert preview(STORIES, TrainingPlan(base="scratch-tiny", collections=("x",))).run == "x-2"


def test_a_preview_counts_the_stories_that_an_epoch_repeats() -> None:
    tales = [Story(f"Tale {i}", f"word{i:02} " * 2_000) for i in range(20)]
    plan = TrainingPlan(base="scratch-tiny", collections=("x", "y"), epochs=10)
    shelves = ["x"] * 10 + ["y"] * 10
    repeated = dataclasses.replace(plan, repeats=("x=2", "y=3"))
    once, often = preview(tales, plan, shelves), preview(tales, repeated, shelves)
    assert often.steps == pytest.approx(2.5 * once.steps, rel=0.02)
    assert once.seconds and often.seconds and 2 * once.seconds < often.seconds < 2.5 * once.seconds
    fewer = preview(tales, dataclasses.replace(plan, repeats=("x=0.5",)), shelves)
    assert 0.5 * once.steps < fewer.steps < once.steps
    for repeats, problem in (
        (("z=2",), "repeats names z"),
        (("x=0.0001", "y=0.0001"), "repeats leaves no story"),
    ):
        refused = preview(tales, dataclasses.replace(plan, repeats=repeats), shelves)
        assert refused.plan is None and problem in refused.problem


def test_a_plan_that_cannot_be_says_why_and_a_base_of_unknown_size_says_nothing() -> None:
    refused = preview(STORIES, TrainingPlan(base="scratch-tiny", collections=("x",), block_size=4096))
    assert refused.plan is None and "sees at most 256 tokens" in refused.problem
    unknown = preview(STORIES, TrainingPlan(base="owner/model", collections=("x",)))
    assert (unknown.plan, unknown.problem) == (None, "")
    assert preview([], TrainingPlan(base="scratch-tiny", collections=("x",))).plan is None
