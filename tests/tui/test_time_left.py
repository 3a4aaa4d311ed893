"""The time that is left: within a fifth after the first tenth of a run, on runs of any kind."""

import dataclasses
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training import events as ev
from storytime_tui.tui.run_view import RunView, view_after
from storytime_tui.tui.time_left import Costs, costs_after
from tests.tui.fakes import STARTED, evaluated, sampled, step


@dataclasses.dataclass(frozen=True)
class Pace:
    """A simulated run: its steps, and the seconds of each kind of work."""

    steps: int
    every: int
    step: float
    evaluation: float
    sample: float
    checkpoint: float
    sample_every: int = 0
    first: float = 0.0  # more seconds of the first step, which compiles


def simulated(pace: Pace) -> list[tuple[ev.Event, float]]:
    """Each event with the time at which it came."""
    chance, clock, trained = random.Random(7), 0.0, 0.0
    sampling = pace.sample_every or 2 * pace.every
    started = dataclasses.replace(
        STARTED, total_steps=pace.steps, evaluate_every=pace.every, sample_every=sampling
    )
    said: list[tuple[ev.Event, float]] = [(started, 0.0)]

    def say(event: ev.Event, seconds: float) -> None:
        nonlocal clock
        clock += seconds
        said.append((event, clock))

    def check(number: int) -> None:
        took = pace.evaluation * chance.uniform(0.9, 1.1)
        say(dataclasses.replace(evaluated(number), seconds=took), took)

    def tell(number: int) -> None:
        for _ in range(2):
            say(dataclasses.replace(sampled(number, " a"), seconds=pace.sample), pace.sample)

    check(0)
    tell(0)
    for number in range(1, pace.steps + 1):
        took = pace.step * chance.uniform(0.8, 1.2) + (pace.first if number == 1 else 0.0)
        trained += took
        say(dataclasses.replace(step(number, 3.0), elapsed=trained), took)
        if number % pace.every == 0 or number == pace.steps:
            check(number)
            saved = ev.CheckpointSaved(number, f"checkpoints/step-{number}", True, pace.checkpoint)
            say(saved, pace.checkpoint)
        if number % sampling == 0 or number == pace.steps:
            tell(number)
    return said


def errors(pace: Pace) -> list[float]:
    """By how much each estimate after the first tenth is wrong, as a share of what was really left."""
    said = simulated(pace)
    end = said[-1][1]
    view, wrong = RunView(), []
    for event, clock in said:
        view = view_after(view, event)
        is_late = isinstance(event, ev.StepDone) and event.step > pace.steps / 10
        if is_late and end - clock > 3 * pace.step:  # at the very end a single step makes the difference
            wrong.append(abs(view.seconds_left - (end - clock)) / (end - clock))
    return wrong


@pytest.mark.parametrize(
    "pace",
    [
        Pace(60, 5, 2.0, 3.0, 1.0, 0.5),  # a small shelf on a laptop
        Pace(40, 3, 1.0, 4.0, 2.0, 0.3),  # more time between the steps than in them
        Pace(3_000, 250, 0.1, 2.0, 1.0, 1.0, first=60.0),  # a GPU that compiles first
    ],
    ids=["laptop", "much between", "compiled"],
)
def test_the_time_left_is_right_within_a_fifth_after_the_first_tenth(pace: Pace) -> None:
    assert max(errors(pace)) < 0.2


@given(
    st.integers(30, 300),
    st.integers(4, 12),
    st.floats(0.05, 5),
    st.floats(0, 10),
    st.floats(0, 5),
)
def test_it_is_so_for_any_run(steps: int, checks: int, seconds: float, check: float, sample: float) -> None:
    # a checkpoint takes a part of an evaluation: one that was never saved cannot be foreseen
    wrong = errors(Pace(steps, max(1, steps // checks), seconds, check, sample, check / 10))
    assert sum(error < 0.2 for error in wrong) >= 0.95 * len(wrong)


def test_an_old_journal_is_read_without_the_seconds_of_its_evaluations() -> None:
    record = ev.to_json(evaluated(25))
    del record["seconds"]
    assert ev.from_json(record) == evaluated(25)
    record = json.loads(json.dumps(ev.to_json(STARTED)))
    old = {name: value for name, value in record.items() if not name.endswith("_every")}
    started = ev.from_json(old)
    assert isinstance(started, ev.Started)
    assert (started.evaluate_every, started.sample_every) == (0, 0)


def test_going_back_to_a_checkpoint_does_the_later_work_again() -> None:
    costs = Costs()
    for event in (dataclasses.replace(evaluated(n), seconds=2.0) for n in (0, 10, 20)):
        costs = costs_after(costs, event)
    costs = costs_after(costs, ev.Resumed(10, from_checkpoint=True))
    assert (costs.evaluations.step, costs.evaluations.each) == (10, 2.0)
    assert costs_after(costs, ev.Paused(10)) is costs
    assert costs_after(costs, STARTED) == Costs()
