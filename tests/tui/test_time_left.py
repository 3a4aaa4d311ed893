"""The time that is left: within a fifth after the first tenth of a run, on runs of any kind."""

import dataclasses
import functools
import itertools
import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storytime_tui.training import events as ev
from storytime_tui.tui.run_view import RunView, view_after
from storytime_tui.tui.steady_time import MEASURING, Steady, steadied
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
    loading: float = 0.0  # more seconds of the first evaluation, which loads


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
        took = pace.evaluation * chance.uniform(0.9, 1.1) + (0 if number else pace.loading)
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


# -- as it is shown ------------------------------------------------------------------------------------


SLOW_STARTS = {
    "laptop": Pace(60, 5, 2.0, 3.0, 1.0, 0.5, first=12.0),
    "much between": Pace(150, 10, 2.0, 8.0, 4.0, 1.0, first=20.0, loading=25.0),
    "compiled": Pace(3_000, 250, 0.2, 8.0, 3.0, 2.0, first=60.0, loading=20.0),
    "few evaluations": Pace(400, 100, 1.0, 15.0, 5.0, 3.0, first=15.0, loading=40.0),
    "an evaluation a step": Pace(22, 1, 4.0, 3.0, 0.0, 0.5, first=8.0, loading=10.0, sample_every=5),
}


def shown(pace: Pace) -> list[tuple[Steady, float, float]]:
    """What is shown after each event, the seconds since the event before, and the seconds that were really left."""
    said = simulated(pace)
    end = said[-1][1]
    view, steady, before, looks = RunView(), Steady(), 0.0, []
    for event, clock in said:
        view = view_after(view, event)
        steady = steadied(steady, view)
        looks.append((steady, clock - before, end - clock))
        before = clock
    return looks


@pytest.mark.parametrize("pace", SLOW_STARTS.values(), ids=SLOW_STARTS)
def test_the_shown_time_left_never_jumps_once_it_appears(pace: Pace) -> None:
    looks = shown(pace)
    assert looks[5][0].words == MEASURING
    pairs = [
        (one.seconds, two.seconds, passed)
        for (one, _, _), (two, passed, left) in itertools.pairwise(looks)
        if not math.isnan(one.seconds) and left > 45
    ]
    assert len(pairs) > 10
    assert all(abs(two - one) <= 0.2 * one for one, two, _ in pairs)
    assert all(abs(two - (one - passed)) <= 0.1 * one + 1e-9 for one, two, passed in pairs)


@pytest.mark.parametrize("pace", SLOW_STARTS.values(), ids=SLOW_STARTS)
def test_the_shown_time_left_is_near_the_truth_when_it_appears(pace: Pace) -> None:
    looks = [(steady, left) for steady, _, left in shown(pace) if not math.isnan(steady.seconds)]
    first, left = looks[0]
    assert 0.5 < first.seconds / left < 2.0
    assert left > 0.7 * shown(pace)[1][2]  # and it appears early
    late = [steady.seconds / left for steady, left in looks if left > 45][len(looks) // 3 :]
    assert all(0.75 < share < 1.35 for share in late)


@pytest.mark.parametrize("pace", SLOW_STARTS.values(), ids=SLOW_STARTS)
def test_the_words_of_the_time_left_are_coarse_and_never_go_back(pace: Pace) -> None:
    words = [steady.words for steady, _, _ in shown(pace)]
    changes = [one for one, two in itertools.pairwise([*words, ""]) if one != two]
    assert changes[0] == MEASURING and changes[-1] == "under 1 min left"
    assert len(changes) == len(set(changes)), changes  # none comes twice
    minutes = [int(each.split()[1]) for each in changes if each.startswith("about") and " min " in each]
    assert minutes == sorted(minutes, reverse=True)


def test_a_run_that_is_opened_late_or_resumed_is_measured_anew() -> None:
    events = [event for event, _ in simulated(SLOW_STARTS["few evaluations"])]
    view = functools.reduce(view_after, events[:200], RunView())
    late = steadied(Steady(), view)
    assert late.seconds == view.seconds_left and late.words == "about 5 min left"
    assert steadied(late, view) == late  # looked at again, nothing has moved
    resumed = view_after(view, ev.Resumed(100, from_checkpoint=True))
    assert steadied(late, resumed).words == MEASURING


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
