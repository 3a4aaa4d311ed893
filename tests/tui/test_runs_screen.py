"""The Runs screen: every run in a table, opened, written with, removed and brought back from there."""

import dataclasses
import math
import threading
from pathlib import Path

import pytest
from textual.widgets import Input

from storytime_tui.errors import RunError
from storytime_tui.jobs.bench.keys import fill_home
from storytime_tui.training import events as ev
from storytime_tui.training.runs import RunSummary
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.run_rows import cell, columns_of, date, row_of, with_live_run
from storytime_tui.tui.run_view import RunView, view_of
from storytime_tui.tui.widgets.run_list import RunList
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, FINISHED_RUN, HOSTILE, STARTED, World, a_run, step
from tests.tui.test_train import begin

WIDE = (120, 40)
TITLES = {"hedgerow": "Hedgerow Tales"}
STOPPED = dataclasses.replace(
    FINISHED_RUN, name="grimm-2", base="gpt2", collections=("grimm",), state="stopped", step=40, voice=None
)
DAMAGED = dataclasses.replace(FINISHED_RUN, name="old-3", state="damaged", trouble="The plan is not a file.")


def line_of(app: StorytimeApp, name: str) -> str:
    """The line of a run in the table."""
    return next((row for row in screen_text(app).split("\n") if row.startswith(f"│ {name} ")), "")


async def open_runs(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await shelf_is_open(pilot)
    await pilot.press("4")
    await until(pilot, lambda: app.current_mode == "runs" and "Reading the runs" not in screen_text(app))


# -- the table ---------------------------------------------------------------------------------------------


async def test_the_table_shows_every_run_and_more_of_each_where_there_is_room(world: World) -> None:
    world.runs = (FINISHED_RUN, STOPPED, DAMAGED)
    for size, shelves in ((SMALL, False), (WIDE, True)):
        app = make_app(world)
        async with app.run_test(size=size) as pilot:
            await open_runs(pilot, app)
            await until(pilot, lambda app=app: line_of(app, "old-3"))
            line = line_of(app, "hedgerow-1").split()
            assert [each for each in ("3.104", "19/24", "finished") if each not in line] == []
            assert "40" in line_of(app, "grimm-2")
            assert "stopped" in line_of(app, "grimm-2")
            assert "damaged" in line_of(app, "old-3")
            assert ("Hedgerow Tales" in line_of(app, "hedgerow-1")) == shelves
            assert ("118/118" in line) == shelves
            assert "hedgerow-1: scratch-small → Hedgerow Tales" in screen_text(app)
            assert "118 steps of 118 · perplexity 22.3 · 3:32" in screen_text(app)
            await pilot.press("end")
            await until(pilot, lambda app=app: "old-3: The plan is not a file." in screen_text(app))


async def test_an_empty_list_says_what_to_do_next(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "No runs yet. Press 2 to plan one." in screen_text(app))
        assert "w Write" not in screen_text(app)
        await pilot.press("enter", "w", "d", "2")
        await until(pilot, lambda: app.current_mode == "train")


async def test_runs_that_cannot_be_read_are_told_in_the_message_line(app: StorytimeApp, world: World) -> None:
    world.runs_error = RunError("The folder of the runs cannot be read.")
    async with app.run_test(size=SMALL) as pilot:
        await open_runs_anyway(pilot, app)
        await until(pilot, lambda: "The folder of the runs cannot be read." in screen_text(app))


async def open_runs_anyway(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await shelf_is_open(pilot)
    await pilot.press("4")
    await until(pilot, lambda: app.current_mode == "runs")


async def test_keys_are_answered_while_three_hundred_runs_are_read(world: World) -> None:
    gate = threading.Event()
    many = tuple(dataclasses.replace(FINISHED_RUN, name=f"tale-{i}") for i in range(300))

    def slowly() -> tuple[RunSummary, ...]:
        assert gate.wait(60)
        return many

    app = StorytimeApp(dataclasses.replace(world.services(), runs=slowly))
    async with app.run_test(size=SMALL) as pilot:
        await open_runs_anyway(pilot, app)
        await until(pilot, lambda: "Reading the runs…" in screen_text(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: "everything that was trained" in screen_text(app))
        await pilot.press("escape")
        gate.set()
        await until(pilot, lambda: "300 runs" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: line_of(app, "tale-299"))


async def test_hostile_names_are_text(world: World) -> None:
    world.runs = (
        dataclasses.replace(
            FINISHED_RUN, name=HOSTILE, base=HOSTILE, collections=(HOSTILE,), state="failed", trouble=HOSTILE
        ),
    )
    app = make_app(world)
    async with app.run_test(size=(250, 40)) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: screen_text(app).count("[/b] [@click=app.quit]quit[/] ␛[2J [bold]") >= 5)
        await pilot.press("d")
        await until(pilot, lambda: "Removed “[/b] [@click=app.quit]quit[/] ␛[2J [bold]”." in screen_text(app))


@pytest.mark.parametrize("size", [(60, 20), (72, 22)])
async def test_a_small_table_is_whole(world: World, size: tuple[int, int]) -> None:
    world.runs = (FINISHED_RUN, STOPPED)
    app = make_app(world)
    async with app.run_test(size=size) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "grimm-2"))
        rows = screen_text(app).split("\n")
        assert rows[1].startswith("╭")
        assert rows[1].endswith("╮")
        assert sum(row.startswith("╰") and row.endswith("╯") for row in rows) == 1
        line = line_of(app, "hedgerow-1").split()
        assert [each for each in ("3.104", "19/24", "118", "finished") if each not in line] == []
        assert "w Write" in rows[-1]
        assert "? Help" in rows[-1]


# -- the run in training -----------------------------------------------------------------------------------


async def test_the_run_in_training_is_live_and_cannot_be_removed(app: StorytimeApp, world: World) -> None:
    world.runs = (STOPPED,)
    world.journals = {"grimm-2": a_run(60)}
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30))
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1").split()[5:6] == ["30"])
        assert "training" in line_of(app, "hedgerow-1")
        world.run.say(step(31, 3.0))
        await until(pilot, lambda: line_of(app, "hedgerow-1").split()[5:6] == ["31"])
        await pilot.press("home", "d")
        await until(pilot, lambda: "“hedgerow-1” is training: stop it before you remove it." in flat(app))
        await pilot.press("down", "enter")
        await until(
            pilot, lambda: "A run is training: you can open other runs when it has ended." in flat(app)
        )
        await pilot.press("up", "enter")
        await until(
            pilot, lambda: app.current_mode == "train" and "hedgerow-1 ● training" in screen_text(app)
        )
        await pilot.press("4")
        world.runs = (FINISHED_RUN, STOPPED)
        world.run.say(FINISHED)
        await until(pilot, lambda: "finished" in line_of(app, "hedgerow-1"))
        assert world.removed_runs == []


async def test_writing_with_the_run_in_training_copies_its_weights(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30))
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("w")
        await until(pilot, lambda: app.current_mode == "story" and "hedgerow-1 at step 30" in world.opened)
        app.desk.training.stop()


# -- opening and writing -----------------------------------------------------------------------------------


async def test_enter_opens_a_run_as_it_looked_when_it_trained(app: StorytimeApp, world: World) -> None:
    world.runs = (STOPPED, FINISHED_RUN)
    world.journals = {"hedgerow-1": [*a_run(118), FINISHED]}
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("enter")
        await until(pilot, lambda: "There is no run called 'grimm-2'." in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        assert app.current_mode == "train"
        assert app.desk.training.view == view_of(world.journals["hedgerow-1"], TITLES)
        assert "Step 100 · 5 of 5" in screen_text(app)
        await pilot.press("left", "left")
        await until(pilot, lambda: "3 of 5" in screen_text(app))
        world.journals["grimm-2"] = [
            dataclasses.replace(event, run="grimm-2") if hasattr(event, "run") else event
            for event in world.journals["hedgerow-1"]
        ]
        await pilot.press("4")
        await until(pilot, lambda: line_of(app, "grimm-2"))
        await pilot.press("home", "enter")  # another run opens at its newest samples
        await until(pilot, lambda: "grimm-2 ● finished" in screen_text(app))
        await until(pilot, lambda: "5 of 5" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "or press v to show the last run, grimm-2" in screen_text(app))


async def test_escape_returns_from_an_opened_run_to_the_runs(app: StorytimeApp, world: World) -> None:
    world.runs = (FINISHED_RUN,)
    world.journals = {"hedgerow-1": [*a_run(118), FINISHED]}
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("enter")
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))
        assert "esc Runs" in screen_text(app)
        await pilot.press("z")  # in the chart it returns to the run first
        await until(pilot, lambda: app.focused is not None and app.focused.id == "chart")
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is not None and app.focused.id != "chart")
        assert app.current_mode == "train"
        await pilot.press("escape")
        await until(pilot, lambda: app.current_mode == "runs" and line_of(app, "hedgerow-1"))
        await pilot.press("2")  # by its own key nobody comes from Runs
        await until(pilot, lambda: app.current_mode == "train" and "esc Runs" not in screen_text(app))
        await pilot.press("escape")
        assert app.current_mode == "train"


async def test_a_run_that_is_started_while_another_is_opened_stays_on_the_screen(world: World) -> None:
    world.runs = (FINISHED_RUN,)
    asked, gate = threading.Event(), threading.Event()

    def slowly(name: str) -> list[ev.Event]:
        asked.set()
        assert gate.wait(60)
        return [dataclasses.replace(STARTED, run="old-1"), dataclasses.replace(FINISHED, run="old-1")]

    app = StorytimeApp(dataclasses.replace(world.services(), run_events=slowly))
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("enter")
        await until(pilot, asked.is_set)
        await begin(pilot, app)
        world.run.say(STARTED, step(7, 3.0))
        await until(pilot, lambda: "step 7 of 118" in screen_text(app))
        gate.set()
        await pilot.press("4")
        await until(pilot, lambda: "training" in line_of(app, "hedgerow-1"))
        assert app.desk.training.view.run == "hedgerow-1"
        app.desk.training.stop()


async def test_w_writes_with_a_run_that_has_a_checkpoint(app: StorytimeApp, world: World) -> None:
    world.runs = (dataclasses.replace(STOPPED, checkpoints=()), FINISHED_RUN)
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("w")
        await until(pilot, lambda: "“grimm-2” has no checkpoint to write with." in screen_text(app))
        await pilot.press("down", "w")
        await until(pilot, lambda: app.current_mode == "story" and app.desk.writing.now.model == "hedgerow-1")


# -- removing ----------------------------------------------------------------------------------------------


async def test_a_removed_run_comes_back(app: StorytimeApp, world: World) -> None:
    world.runs = (STOPPED, FINISHED_RUN)
    world.dependents = ("lora-1", "lora-2")
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        assert "u Undo" not in screen_text(app)
        await pilot.press("down", "d")
        await until(pilot, lambda: not line_of(app, "hedgerow-1") and "u Undo" in screen_text(app))
        assert "Removed “hedgerow-1”. lora-1, lora-2 need it as LoRA base. u brings it back." in flat(app)
        await pilot.press("u")
        await until(pilot, lambda: line_of(app, "hedgerow-1") and "“hedgerow-1” is back." in screen_text(app))
        assert app.screen.query_one(RunList).run == row_of(FINISHED_RUN, TITLES)
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to bring back." in screen_text(app))


async def test_a_run_that_was_removed_earlier_is_chosen_from_a_list(app: StorytimeApp, world: World) -> None:
    world.removed_runs = [STOPPED, FINISHED_RUN]
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await pilot.press("u")
        await until(pilot, lambda: "Bring back a run that was removed earlier?" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        assert [run.name for run in world.removed_runs] == ["grimm-2"]


async def test_a_removal_that_is_refused_says_why_and_reads_the_runs_again(
    app: StorytimeApp, world: World
) -> None:
    world.runs = (FINISHED_RUN,)
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        world.runs = (STOPPED,)  # another program was here
        await pilot.press("d")
        await until(pilot, lambda: line_of(app, "grimm-2") and not line_of(app, "hedgerow-1"))
        assert "There is no run called 'hedgerow-1'." in screen_text(app)


async def test_runs_of_the_disk_are_listed_opened_removed_and_brought_back(world: World, home: Path) -> None:
    fill_home(home, stories=0, runs=3)
    names = ("runs", "run_events", "remove_run", "removed_runs", "restore_run")
    real = real_services()
    own = {name: getattr(real, name) for name in names}
    app = StorytimeApp(dataclasses.replace(world.services(), **own))
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "3 runs" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: app.screen.query_one(RunList).cursor == 2)
        name = app.screen.query_one(RunList).rows[2].name
        await pilot.press("d")
        await until(pilot, lambda: "2 runs" in screen_text(app) and f"Removed “{name}”." in screen_text(app))
        assert not (home / "runs" / name).exists()
        await pilot.press("u")
        await until(pilot, lambda: "3 runs" in screen_text(app))
        assert (home / "runs" / name / "plan.toml").is_file()
        await pilot.press("enter")
        await until(pilot, lambda: "Finished after 100 steps" in screen_text(app))


# -- filtering ---------------------------------------------------------------------------------------------


async def test_the_filter_finds_names_bases_and_shelves(app: StorytimeApp, world: World) -> None:
    world.runs = (STOPPED, FINISHED_RUN, DAMAGED)
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "old-3"))
        await pilot.press("slash", *"tales")
        await until(pilot, lambda: not line_of(app, "grimm-2") and "2 of 3 runs" in screen_text(app))
        await until(pilot, lambda: "f1 Help" in screen_text(app) and "esc Show all" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: not isinstance(app.focused, Input))
        assert app.screen.query_one(RunList).run == row_of(DAMAGED, TITLES)
        await pilot.press("slash", *"xyz")
        await until(pilot, lambda: "No run matches this." in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: line_of(app, "grimm-2") and "3 runs" in screen_text(app))


# -- rows and columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [57, 69, 70, 77, 99, 100, 117, 197])
def test_the_columns_fill_a_line_and_no_number_is_cut(width: int) -> None:
    columns = columns_of(width)
    assert 1 + sum(column.width for column in columns) + 2 * (len(columns) - 1) in (width, width - 1)
    row = dataclasses.replace(
        row_of(FINISHED_RUN, TITLES), step=99_999, total=99_999, loss=12.345, tokens=123_456
    )
    numbers = [column for column in columns if column.right]
    assert {column.field for column in numbers} >= {"loss", "voice", "steps"}
    for column in numbers:
        assert len(cell(row, column)) <= column.width + (column.field == "loss" and width < 100)


def test_a_live_run_takes_the_place_of_its_row_or_becomes_the_first() -> None:
    view = dataclasses.replace(view_of(a_run(50), TITLES), phase="training")
    other, same = row_of(STOPPED, TITLES), row_of(FINISHED_RUN, TITLES)
    first, *rest = with_live_run([other], view, TITLES)
    assert (first.name, first.step, first.total, first.state) == ("hedgerow-1", 50, 118, "training")
    assert (first.shelves, first.saved, rest) == ("Hedgerow Tales", True, [other])
    assert [row.state for row in with_live_run([other, same], view, TITLES)] == ["stopped", "training"]
    assert with_live_run([other], RunView(phase="preparing"), TITLES) == (other,)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -1e300, 1e18])
def test_a_journal_may_say_anything_of_a_number(odd: float) -> None:
    row = row_of(dataclasses.replace(FINISHED_RUN, best_validation_loss=odd, started=odd), TITLES)
    assert all(cell(row, column) for column in columns_of(120))
    assert date(odd) == "–"
    started = dataclasses.replace(STARTED, time=odd)
    voice = ev.VoiceMeasured(step=1, passages=0, of_shelf=0, of_base=0)
    assert with_live_run([], view_of([started, voice], TITLES), TITLES)[0].voice is None
