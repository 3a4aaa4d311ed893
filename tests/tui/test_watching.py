"""A run of another process on the Train screen: live, steered, and seen to end."""

import contextlib
import dataclasses
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storytime_tui import paths
from storytime_tui.errors import RunError
from storytime_tui.training import events as ev
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.run_view import view_of
from tests.tiny import write_collection
from tests.tui.conftest import SMALL, flat, screen_text, until
from tests.tui.fakes import FINISHED, FINISHED_RUN, World, a_run, step
from tests.tui.test_runs_screen import STOPPED, WIDE, line_of, open_runs

OTHER = dataclasses.replace(FINISHED_RUN, name="other-1", state="training", step=30)


def of_other(*said: ev.Event) -> list[ev.Event]:
    """The events with the other run's name."""
    return [dataclasses.replace(each, run="other-1") if hasattr(each, "run") else each for each in said]


@pytest.fixture
def says(world: World) -> "queue.SimpleQueue[Any]":
    """What the run of another process says; None: it ended."""
    world.runs = (OTHER, STOPPED)
    world.others["other-1"] = said = queue.SimpleQueue()
    for event in of_other(*a_run(30)):
        said.put(event)
    return said


async def watch(pilot: Any, app: StorytimeApp) -> None:
    await open_runs(pilot, app)
    await until(pilot, lambda: "training" in line_of(app, "other-1"))
    await pilot.press("home", "enter")
    await until(pilot, lambda: app.current_mode == "train" and "step 30 of 118" in screen_text(app))


async def test_a_run_of_another_process_is_live_and_says_where_it_is(app: StorytimeApp, says: Any) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "in another process" in screen_text(app))
        await watch(pilot, app)
        assert "In another process: scratch-small → Hedgerow Tales" in screen_text(app)
        says.put(step(31, 3.0))
        await until(pilot, lambda: "step 31 of 118" in screen_text(app))
        says.put(ev.Paused(31))
        await until(pilot, lambda: "p Continue" in screen_text(app) and "paused" in screen_text(app))
        says.put(ev.Resumed(31, from_checkpoint=False))
        says.put(step(32, 3.0))
        await until(pilot, lambda: "p Pause" in screen_text(app) and "step 32 of 118" in screen_text(app))


async def test_its_keys_ask_the_other_process(app: StorytimeApp, world: World, says: Any) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await watch(pilot, app)
        await pilot.press("p", "c", "s", "x")
        await until(pilot, lambda: len(world.asked) == 4)
        assert sorted(asked for _, asked in world.asked) == ["checkpoint", "pause", "sample", "stop"]
        assert {run for run, _ in world.asked} == {"other-1"}
        says.put(ev.Paused(30))
        await until(pilot, lambda: "p Continue" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: world.asked[-1] == ("other-1", "resume"))
        assert not app.desk.busy  # quitting loses nothing


async def test_a_request_that_fails_is_said_and_stays_while_steps_come(
    app: StorytimeApp, world: World, says: Any
) -> None:
    world.ask_error = RunError("No program has the run 'other-1' open.")
    async with app.run_test(size=SMALL) as pilot:
        await watch(pilot, app)
        await pilot.press("c")
        await until(pilot, lambda: "No program has the run 'other-1' open." in screen_text(app))
        says.put(step(31, 3.0))
        await until(pilot, lambda: "step 31 of 118" in screen_text(app))
        assert "No program has the run 'other-1' open." in screen_text(app)


async def test_when_it_ends_the_whole_run_is_shown_as_its_journal_has_it(
    app: StorytimeApp, world: World, says: Any
) -> None:
    world.journals["other-1"] = of_other(*a_run(118), FINISHED)
    async with app.run_test(size=SMALL) as pilot:
        await watch(pilot, app)
        says.put(None)
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        assert app.desk.training.view == view_of(world.journals["other-1"], {"hedgerow": "Hedgerow Tales"})
        assert app.desk.watching.run == ""
        await pilot.press("m")
        await until(pilot, lambda: "Epochs to add" in screen_text(app))


async def test_when_its_process_dies_the_run_is_interrupted_and_can_be_resumed(
    app: StorytimeApp, world: World, says: Any
) -> None:
    world.journals["other-1"] = of_other(*a_run(60))
    async with app.run_test(size=SMALL) as pilot:
        await watch(pilot, app)
        says.put(RunError("The run 'other-1' was interrupted at step 60: no program has it open."))
        await until(pilot, lambda: "Interrupted at step 60 of 118." in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: world.run.resumed == ["other-1"])
        app.desk.training.stop()


async def test_when_it_is_removed_the_list_says_so(app: StorytimeApp, world: World, says: Any) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await watch(pilot, app)
        world.runs = (STOPPED,)
        says.put(RunError("The run 'other-1' was removed while it was watched."))
        await until(pilot, lambda: app.current_mode == "runs" and not line_of(app, "other-1"))
        assert "The run 'other-1' was removed while it was watched." in screen_text(app)
        assert app.desk.training.view.phase == "idle"
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))


async def test_n_leaves_it_for_a_new_plan_and_it_goes_on(app: StorytimeApp, world: World, says: Any) -> None:
    world.journals["grimm-2"] = [
        dataclasses.replace(each, run="grimm-2") if hasattr(each, "run") else each
        for each in [*a_run(40), FINISHED]
    ]
    async with app.run_test(size=SMALL) as pilot:
        await watch(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        says.put(step(31, 3.0))
        await pilot.press("4")
        await until(pilot, lambda: line_of(app, "grimm-2"))
        await pilot.press("end", "enter")
        await until(pilot, lambda: "grimm-2" in screen_text(app) and app.current_mode == "train")
        assert app.desk.training.view.run == "grimm-2"
        assert world.asked == []


async def test_a_run_that_has_not_begun_is_waited_for(app: StorytimeApp, world: World) -> None:
    world.runs = (OTHER,)
    world.others["other-1"] = said = queue.SimpleQueue()
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "other-1"))
        await pilot.press("enter")
        await until(pilot, lambda: "In another process: not started yet" in screen_text(app))
        assert "Waiting for its first step…" in flat(app)
        for event in of_other(*a_run(3)):
            said.put(event)
        await until(pilot, lambda: "step 3 of 118" in screen_text(app))


# -- a real process ----------------------------------------------------------------------------------------

LENGTH = 1_000_000  # steps: it ends only because it is asked to, or killed
KNOBS = [
    f"max_steps={LENGTH}", "listen=false", "block_size=16", "batch_size=2", "accumulation=1", "precision=fp32",
    f"evaluate_every={LENGTH}", "sample_every=0", "sample_tokens=3", "device=cpu",
]  # fmt: skip


@contextlib.contextmanager
def headless_run(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that trains a tiny run, called r."""
    words = ["-m", "storytime_tui", "train", "--base", "scratch-1x64", "--name", "r", "--json"]
    words += ["--corpus", str(write_collection(tmp_path / "tales", stories=4, sentences=10))]
    words += [word for knob in KNOBS for word in ("--set", knob)]
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    printed, training = [], threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:  # to the end: a full pipe would stop the run
            printed.append(line)
            if '"step_done"' in line:
                training.set()
        training.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        training.wait()
        assert process.poll() is None, "".join(printed)
        yield process
    finally:
        process.kill()
        process.wait()
        listener.join()


@pytest.mark.needs_torch
async def test_a_headless_run_is_watched_paused_and_seen_to_die(
    world: World, home: Path, tmp_path: Path
) -> None:
    names = ("runs", "run_events", "run_details", "run_curve", "watch", "ask_run")
    real = real_services()
    with headless_run(tmp_path) as process:
        own = {name: getattr(real, name) for name in names}
        app = StorytimeApp(dataclasses.replace(world.services(), **own))
        async with app.run_test(size=SMALL) as pilot:
            await open_runs(pilot, app)
            await until(pilot, lambda: "training" in line_of(app, "r"))
            await pilot.press("enter")
            await until(pilot, lambda: app.desk.training.view.done > 0)
            await pilot.press("p")
            await until(pilot, lambda: app.desk.training.view.phase == "paused")
            await pilot.press("4")
            await until(pilot, lambda: "paused" in line_of(app, "r"))
            await pilot.press("2", "p")
            await until(pilot, lambda: app.desk.training.view.phase == "training")
            before = app.desk.training.view.done
            await until(pilot, lambda: app.desk.training.view.done > before)
            os.kill(process.pid, signal.SIGKILL)
            await until(pilot, lambda: app.desk.training.view.phase == "interrupted")
            assert "Interrupted at step" in screen_text(app)
            await pilot.press("4")
            await until(pilot, lambda: "interrupted" in line_of(app, "r"))
    assert (paths.runs_folder() / "r").exists()
