"""Train after a restart: the run of an earlier sitting is as it was, and can go on."""

import dataclasses
import math
import threading

import pytest

from storytime_tui.errors import RunError
from storytime_tui.jobs.records import LastRun
from storytime_tui.training import events as ev
from storytime_tui.tui.app import StorytimeApp
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, STARTED, World, a_run, step
from tests.tui.test_train import begin


async def test_an_interrupted_run_of_an_earlier_sitting_is_shown_and_can_go_on(
    app: StorytimeApp, world: World
) -> None:
    world.last_run = LastRun("hedgerow-1", a_run(60))
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Interrupted at step 60 of 118" in screen_text(app))
        assert "resume from the checkpoint of step 50" in flat(app)
        assert "Step 50 · 3 of 3" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: world.run.resumed == ["hedgerow-1"])
        world.run.say(ev.Resumed(50, from_checkpoint=True, total_steps=118), step(51, 2.9))
        await until(pilot, lambda: "step 51 of 118" in screen_text(app))
        assert [number for number, _ in app.desk.training.view.curve] == list(range(1, 52))
        app.desk.training.stop()


async def test_after_a_restart_the_run_that_ended_is_as_it_was(app: StorytimeApp, world: World) -> None:
    """Curve, samples, outcome, and what was learned from; `m` gives it more epochs."""
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        assert "scratch-small → Hedgerow Tales · 10 stories" in screen_text(app)
        assert "hedgerow-1 ● finished" in screen_text(app)
        assert len(app.desk.training.view.curve) == 118
        assert "Step 100 · 5 of 5" in screen_text(app)
        await pilot.press("m")
        await until(pilot, lambda: "Epochs to add" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: (world.run.resumed, world.run.more) == (["hedgerow-1"], [1.0]))
        app.desk.training.stop()


async def test_both_samples_of_an_earlier_run_are_in_view_where_there_is_room(
    app: StorytimeApp, world: World
) -> None:
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    async with app.run_test(size=(160, 48)) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        await until(pilot, lambda: "From “Once upon a time”" in screen_text(app))
        assert "From a held-out story" in screen_text(app)


async def test_the_plan_leads_back_to_the_run_that_was_left(app: StorytimeApp, world: World) -> None:
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "or press v to show the last run, hedgerow-1" in screen_text(app))
        await pilot.press("v")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        assert "More epochs" in screen_text(app)


async def test_after_ticking_other_stories_train_shows_the_plan_with_them(
    app: StorytimeApp, world: World
) -> None:
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app.desk.training.view.run == "hedgerow-1")
        await pilot.press("down", "space", "t")
        await until(pilot, lambda: "Start training" in screen_text(app))
        assert "Finished after 118 steps" not in screen_text(app)
        await pilot.press("v")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))


async def test_a_stopped_run_goes_on_after_a_restart_and_from_the_plan(
    app: StorytimeApp, world: World
) -> None:
    stopped = ev.Finished("hedgerow-1", 40, 3.9, 25, "stopped", 60.0)
    world.last_run = LastRun("hedgerow-1", [*a_run(40), stopped])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stopped after 40 steps" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "or press r to resume hedgerow-1 at step 40 of 118" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: world.run.resumed == ["hedgerow-1"])
        app.desk.training.stop()


async def test_a_run_that_is_begun_at_once_is_not_replaced_by_an_earlier_one(world: World) -> None:
    gate = threading.Event()
    services = dataclasses.replace(
        world.services(), last_run=lambda: (gate.wait(60), LastRun("old-1", [*a_run(118), FINISHED]))[1]
    )
    app = StorytimeApp(services)
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(STARTED, step(7, 3.0))
        await until(pilot, lambda: "step 7 of 118" in screen_text(app))
        gate.set()
        await until(pilot, lambda: app.desk.training.last is not None)
        assert app.desk.training.view.run == "hedgerow-1"
        app.desk.training.stop()


async def test_a_refused_resume_says_why_in_one_line(app: StorytimeApp, world: World) -> None:
    world.last_run = LastRun("hedgerow-1", a_run(60))
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Interrupted at step 60" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: world.run.resumed)
        world.run.say(RunError("Its stories have changed."))
        await until(pilot, lambda: "Its stories have changed." in screen_text(app))
        assert "Preparing" not in screen_text(app)
        assert len(app.desk.training.view.curve) == 60


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 0.0, 1e-320, 1e308, -5.0])
async def test_a_journal_may_say_anything_of_a_number(app: StorytimeApp, world: World, odd: float) -> None:
    started = dataclasses.replace(STARTED, steps_per_epoch=odd, token_frequency_loss=odd, memory_needed=1)
    done = dataclasses.replace(
        step(5, odd), learning_rate=odd, tokens_per_second=odd, epoch=min(odd, 1e9), elapsed=odd
    )
    scored = ev.Evaluated(5, odd, odd, odd, best=True)
    finished = ev.Finished("hedgerow-1", 5, odd, 5, "done", odd)
    world.last_run = LastRun("hedgerow-1", [started, done, scored, finished])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "after 5 steps" in flat(app) and "At the end" in screen_text(app))


async def test_a_wrong_number_of_epochs_stays_in_the_question_with_the_reason(
    app: StorytimeApp, world: World
) -> None:
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "Epochs to add" in screen_text(app))
        await pilot.press("backspace", "0", "enter")
        await until(pilot, lambda: "epochs is " in flat(app))
        assert "Epochs to add" in screen_text(app)
        await pilot.press("backspace", "2", "enter")
        await until(pilot, lambda: (world.run.resumed, world.run.more) == (["hedgerow-1"], [2.0]))
        app.desk.training.stop()
