"""The Runs screen beyond the table: order, queries, curves side by side, training further, names, notes, exports."""

import dataclasses
from pathlib import Path

import pytest
from textual.widgets import Input

from storytime_tui.errors import RunError
from storytime_tui.jobs.bench.keys import fill_home
from storytime_tui.jobs.run_curve import RunCurve
from storytime_tui.jobs.run_details import RunDetails
from storytime_tui.training.plan import TrainingPlan
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.real_services import real_services
from storytime_tui.tui.run_comparison import comparison_lines, picks_of
from storytime_tui.tui.run_rows import row_of
from storytime_tui.tui.widgets.run_compare import RunCompare
from storytime_tui.tui.widgets.run_list import RunList, RunTitles
from tests.tui.conftest import SMALL, flat, make_app, screen_text, until
from tests.tui.fakes import FINISHED, FINISHED_RUN, World, a_run
from tests.tui.test_runs_screen import DAMAGED, STOPPED, WIDE, line_of, open_runs
from tests.tui.test_train import begin


def details(note: str = "", **knobs: object) -> RunDetails:
    values = {"collections": ("hedgerow",), "learning_rate": 5e-4, "epochs": 4.0, **knobs}
    return RunDetails(dataclasses.asdict(TrainingPlan(**values)), 483_328, 14_200_000, note)  # type: ignore[arg-type]


@pytest.fixture
def world(world: World) -> World:
    """Two runs with a curve each, and a damaged one."""
    world.runs = (STOPPED, FINISHED_RUN, DAMAGED)
    world.details = {
        "hedgerow-1": details(base="scratch-small"),
        "grimm-2": details("the wild one", base="gpt2", learning_rate=1e-3, lora_rank=8),
    }
    world.curves = {
        name: RunCurve(tuple((i, 5.0 - i / 50) for i in range(1, 100)), ((0, 8.0), (50, 4.0), (100, low)))
        for name, low in (("hedgerow-1", 3.1), ("grimm-2", 3.6))
    }
    return world


def shown(app: StorytimeApp) -> list[str]:
    return [row.name for row in app.screen.query_one(RunList).rows]


# -- order and queries -------------------------------------------------------------------------------------


async def test_o_sorts_by_each_column_in_turn_and_a_click_on_its_title_too(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: len(shown(app)) == 3 and "Date▼" in screen_text(app))
        await pilot.press("o")
        await until(pilot, lambda: "Run▲" in screen_text(app))
        assert shown(app) == ["grimm-2", "hedgerow-1", "old-3"]
        await pilot.press("O")
        await until(
            pilot, lambda: shown(app) == ["old-3", "hedgerow-1", "grimm-2"] and "Run▼" in screen_text(app)
        )
        titles = app.screen.query_one(RunTitles)
        row = screen_text(app).split("\n")[titles.region.y]
        await pilot.click(RunTitles, offset=(row.index("Steps") - titles.region.x, 0))
        await until(pilot, lambda: shown(app)[-1] == "grimm-2" and "Steps▼" in screen_text(app))


async def test_a_query_narrows_the_table_while_it_is_typed_and_a_mistake_is_said(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "grimm-2") and "483k tokens" in screen_text(app))
        await pilot.press("slash", *"rate>")
        await until(pilot, lambda: "Type a value after rate>" in screen_text(app))
        await pilot.press(*"6e-4")
        await until(pilot, lambda: shown(app) == ["grimm-2"] and "Type a value" not in screen_text(app))
        assert "1 of 3 runs" in screen_text(app)
        app.screen.query_one("#filter", Input).value = "lora_rank:8 state:stopped wild -base:starter"
        await until(pilot, lambda: shown(app) == ["grimm-2"])
        app.screen.query_one("#filter", Input).value = "colour:red"
        await until(
            pilot, lambda: "There is no field “colour”. Fields: name, base, shelves" in screen_text(app)
        )
        assert len(shown(app)) == 3
        await pilot.press("escape")
        await until(pilot, lambda: "There is no field" not in screen_text(app))


async def test_the_lines_below_say_what_has_no_column(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "perplexity 22.3 · 3:32 · 483k tokens · 14.2 MB" in screen_text(app))
        assert "the wild one" in screen_text(app)
        assert line_of(app, "grimm-2").split()[:3] == ["│", "grimm-2", "*"]


# -- side by side ------------------------------------------------------------------------------------------


async def test_a_short_list_leaves_the_curve_its_room_on_a_small_screen(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        curves = app.screen.query_one(RunCompare)
        await until(pilot, lambda: curves.display and curves.size.height >= 6 and line_of(app, "old-3"))
        assert curves.region.bottom <= app.screen.query_one("#message").region.y
        world.runs = tuple(dataclasses.replace(FINISHED_RUN, name=f"run-{n}") for n in range(9))
        await pilot.press("1", "4")  # the runs are read again
        await until(pilot, lambda: not curves.display and line_of(app, "run-8"))
        await pilot.resize_terminal(80, 30)
        await until(pilot, lambda: curves.display and line_of(app, "run-8"))


async def test_a_pinned_run_stands_beside_the_one_under_the_cursor(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("p")
        await until(pilot, lambda: "│◆grimm-2" in screen_text(app))
        await pilot.press("down")
        await until(
            pilot,
            lambda: "Validation loss" in screen_text(app) and "1.0e-3" in screen_text(app),
        )
        await until(pilot, lambda: "◆ grimm-2" in screen_text(app) and "LoRA rank" in screen_text(app))
        await until(pilot, lambda: any(0x2800 < ord(sign) < 0x2900 for sign in screen_text(app)))
        await pilot.press("c")
        await until(pilot, lambda: "learning rate: 1.0e-3 · 5.0e-4" in screen_text(app))
        await pilot.press("escape", "escape")
        await until(
            pilot,
            lambda: "◆" not in screen_text(app) and "Loss: validation, and training" in screen_text(app),
        )


async def test_marked_runs_are_laid_over_each_other_at_most_four(app: StorytimeApp, world: World) -> None:
    world.runs = tuple(
        dataclasses.replace(FINISHED_RUN, name=f"tale-{i}", started=100.0 - i) for i in range(6)
    )
    async with app.run_test(size=WIDE) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "tale-5"))
        await pilot.press("space", "space", "space", "space")
        await until(
            pilot, lambda: all(f"│{sign}tale-{i}" in screen_text(app) for i, sign in enumerate("▲■▼○"))
        )
        await pilot.press("space")
        await until(
            pilot, lambda: "4 runs are marked: take a mark away first, with space." in screen_text(app)
        )
        await pilot.press("home", "space")
        await until(pilot, lambda: "▲" not in screen_text(app).replace("Date▼", ""))


async def test_each_curve_is_read_once_until_its_run_goes_on(app: StorytimeApp, world: World) -> None:
    def shown(names: list[str]) -> bool:
        """Whether these were read, and the last one is drawn: one that nobody waits for would be read again."""
        return world.curves_read == names and "Reading the curve…" not in screen_text(app)

    async with app.run_test(size=WIDE) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: shown(["grimm-2"]))
        await pilot.press("down")
        await until(pilot, lambda: shown(["grimm-2", "hedgerow-1"]))
        await pilot.press("up", "p", "down", "1", "4")
        await until(pilot, lambda: "Validation loss" in screen_text(app))
        assert world.curves_read == ["grimm-2", "hedgerow-1"]
        world.runs = (dataclasses.replace(STOPPED, step=41), FINISHED_RUN)
        await pilot.press("1", "4")
        await until(pilot, lambda: world.curves_read == ["grimm-2", "hedgerow-1", "grimm-2"])


async def test_a_run_whose_curve_cannot_be_read_is_shown_without_one(app: StorytimeApp, world: World) -> None:
    def unreadable(name: str) -> RunCurve:
        raise RunError("There is no such run.")

    app = StorytimeApp(dataclasses.replace(world.services(), run_curve=unreadable))
    async with app.run_test(size=WIDE) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "No curve yet." in screen_text(app))
        assert line_of(app, "grimm-2")


# -- training further --------------------------------------------------------------------------------------


async def test_r_resumes_a_stopped_run_on_the_train_screen(app: StorytimeApp, world: World) -> None:
    said = [
        dataclasses.replace(event, run="grimm-2", stopped_by="stopped")
        if event is FINISHED
        else dataclasses.replace(event, run="grimm-2")
        if hasattr(event, "run")
        else event
        for event in [*a_run(40), FINISHED]
    ]
    world.journals = {"grimm-2": said}
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "r Resume" in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "“grimm-2” has not finished: r resumes it." in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: app.current_mode == "train" and world.run.resumed == ["grimm-2"])
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "runs" and line_of(app, "hedgerow-1"))
        await pilot.press("end", "up", "m")
        await until(
            pilot, lambda: "A run is training: you can train another one when it has ended." in flat(app)
        )
        app.desk.training.stop()


async def test_m_asks_for_more_epochs_of_a_finished_run_on_the_train_screen(
    app: StorytimeApp, world: World
) -> None:
    world.runs = (FINISHED_RUN,)
    world.journals = {"hedgerow-1": [*a_run(118), FINISHED]}
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "m More epochs" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: "“hedgerow-1” has finished: m adds epochs." in screen_text(app))
        await pilot.press("m")
        await until(pilot, lambda: "Epochs to add" in screen_text(app))
        assert app.current_mode == "train"
        await pilot.press("enter")
        await until(pilot, lambda: (world.run.resumed, world.run.more) == (["hedgerow-1"], [1.0]))
        app.desk.training.stop()


# -- names, notes, exports ---------------------------------------------------------------------------------


async def test_e_renames_a_run_also_where_it_is_shown(app: StorytimeApp, world: World) -> None:
    world.journals = {"hedgerow-1": [*a_run(118), FINISHED]}
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.current_mode == "train" and "hedgerow-1" in screen_text(app))
        await pilot.press("4", "e")
        await until(pilot, lambda: "Rename this run" in screen_text(app))
        app.screen.query_one(Input).value = "grimm-2"
        await pilot.press("enter")
        await until(pilot, lambda: "There is a run called 'grimm-2' already." in flat(app))
        assert app.screen.query_one(Input).value == "grimm-2"  # still open, with what was typed
        app.screen.query_one(Input).value = "bedtime"
        await pilot.press("enter")
        await until(pilot, lambda: "Now called “bedtime”." in screen_text(app) and line_of(app, "bedtime"))
        assert app.screen.query_one(RunList).run.name == "bedtime"  # type: ignore[union-attr]
        assert app.desk.training.view.run == "bedtime"


async def test_n_keeps_a_note_with_a_run(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "the wild one" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "Note about grimm-2" in screen_text(app))
        app.screen.query_one(Input).value = "[/b] try again"
        await pilot.press("enter")
        await until(pilot, lambda: "The note is kept with “grimm-2”." in screen_text(app))
        await until(pilot, lambda: "grimm-2 “[/b] try again”: gpt2" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: "Note about grimm-2" in screen_text(app))
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: "The note is removed from “grimm-2”." in screen_text(app))
        await until(pilot, lambda: "*" not in line_of(app, "grimm-2"))


async def test_x_exports_a_run_to_a_folder(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "grimm-2"))
        await pilot.press("x")
        await until(pilot, lambda: "Export grimm-2" in screen_text(app))
        app.screen.query_one(Input).value = "~/models/grimm"
        await pilot.press("enter")
        await until(pilot, lambda: "“grimm-2” is in ~/models/grimm." in screen_text(app))
        assert world.exports == [("grimm-2", "~/models/grimm")]


async def test_a_run_that_another_program_removed_is_not_shown_any_more(
    app: StorytimeApp, world: World
) -> None:
    world.journals = {"hedgerow-1": [*a_run(118), FINISHED]}
    async with app.run_test(size=SMALL) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("down", "enter")
        await until(
            pilot, lambda: app.current_mode == "train" and "Finished after 118 steps" in screen_text(app)
        )
        world.runs = (STOPPED,)
        await pilot.press("4")
        await until(pilot, lambda: "The run “hedgerow-1” was removed by another program." in screen_text(app))
        assert app.desk.training.view.phase == "idle"
        assert app.desk.training.last is None


async def test_a_journal_with_rubbish_a_newer_event_and_a_cut_line_is_listed_drawn_and_opened(
    world: World, home: Path
) -> None:
    fill_home(home, stories=0, runs=2)
    journal = home / "runs" / "hedgerow-0" / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    newer = b'{"event": "danced", "step": 51, "partner": "fox"}\n'
    longer = lines[60].replace(b"{", b'{"new_field": [1], ', 1)
    journal.write_bytes(
        b"".join([*lines[:50], b"rubbish \xff\x00\n", newer, longer, *lines[61:100], b'{"event": "step_do'])
    )
    names = ("runs", "run_events", "run_details", "run_curve")
    own = {name: getattr(real_services(), name) for name in names}
    app = StorytimeApp(dataclasses.replace(world.services(), **own))
    async with app.run_test(size=WIDE) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: "interrupted" in line_of(app, "hedgerow-0"))
        app.screen.query_one("#filter", Input).value = "state:interrupted steps>90"
        await until(pilot, lambda: shown(app) == ["hedgerow-0"])
        await until(pilot, lambda: any(0x2800 < ord(sign) < 0x2900 for sign in screen_text(app)))
        await pilot.press("enter")
        await until(
            pilot,
            lambda: app.current_mode == "train" and "Interrupted at step 99 of 100." in screen_text(app),
        )


async def test_the_run_in_training_has_a_live_curve(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(60))
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("home")
        await until(pilot, lambda: any(0x2800 < ord(sign) < 0x2900 for sign in screen_text(app)))
        assert "hedgerow-1" not in world.curves_read
        await pilot.press("e")
        await until(pilot, lambda: "“hedgerow-1” is training: stop it before you rename it." in flat(app))
        app.desk.training.stop()


@pytest.mark.parametrize("size", [(60, 20), SMALL, WIDE, (200, 60)])
async def test_the_comparison_is_whole_at_every_size(world: World, size: tuple[int, int]) -> None:
    app = make_app(world)
    async with app.run_test(size=size) as pilot:
        await open_runs(pilot, app)
        await until(pilot, lambda: line_of(app, "hedgerow-1"))
        await pilot.press("p", "down")
        await until(pilot, lambda: app.screen.has_class("-picks"))
        if size[1] >= 24:
            await until(pilot, lambda: "best loss" in screen_text(app) and "3.104" in screen_text(app))
        rows = screen_text(app).split("\n")
        assert sum(row.startswith("╭") and row.endswith("╮") for row in rows) == 1 + (size[1] >= 24)
        assert sum(row.startswith("╰") and row.endswith("╯") for row in rows) == 1 + (size[1] >= 24)
        assert "? Help" in rows[-1]


def test_a_run_that_was_stopped_early_shows_the_epochs_that_it_read() -> None:
    plan = details(epochs=4.0)
    rows = [
        row_of(dataclasses.replace(FINISHED_RUN, name=name, step=step, steps_per_epoch=29.5), {}, plan)
        for name, step in (("whole", 118), ("stopped", 68))
    ]
    both = comparison_lines(picks_of(rows, "stopped", "whole", {}))
    assert "epochs: 4 · 2.3 of 4" in both
    assert "epochs: 2.3 of 4" in comparison_lines(picks_of(rows, "stopped", "", {}))
    assert "epochs: 4" in comparison_lines(picks_of(rows, "whole", "", {}))
    unknown = dataclasses.replace(rows[1], per_epoch=0.0)  # not known: those of the plan
    assert "epochs: 4" in comparison_lines(picks_of([unknown], "stopped", "", {}))
