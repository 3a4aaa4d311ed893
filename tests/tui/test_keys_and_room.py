"""Library and Train: keys that do or say something wherever one is, and screens that are whole on small terminals."""

import dataclasses

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from storytime_tui.jobs.estimates import Estimate
from storytime_tui.jobs.records import LastRun
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.totals import Totals
from storytime_tui.tui.widgets.choice_list import ChoiceList, Row
from storytime_tui.tui.widgets.counts import Counts
from storytime_tui.tui.widgets.run_panel import Numbers, RunPanel
from tests.tui.conftest import SMALL, flat, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, STARTED, World, a_run
from tests.tui.test_train import begin


@pytest.mark.parametrize("size", [(60, 20), (72, 22), (80, 24)])
async def test_a_small_run_is_whole(app: StorytimeApp, world: World, size: tuple[int, int]) -> None:
    """No border and no key is lost, while it learns and after."""
    async with app.run_test(size=size) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(100))
        await until(
            pilot, lambda: "5 of 5" in screen_text(app) and "hedgerow-1 ● training" in screen_text(app)
        )
        await until(pilot, lambda: "x Stop" in screen_text(app))
        for words in ("training", "finished"):
            await until(pilot, lambda words=words: f"● {words}" in screen_text(app))
            await until(pilot, lambda: "? Help" in screen_text(app).split("\n")[-1])
            rows = screen_text(app).split("\n")
            assert sum(row.count("╭") for row in rows) == sum(row.count("╰") for row in rows) == 3
            assert rows[-2].startswith("╰")
            world.run.say(FINISHED)
            await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))


async def test_while_a_knob_is_typed_the_footer_names_the_keys_that_still_work(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "Stories to train on" in screen_text(app))
        await pilot.press("tab")
        await until(pilot, lambda: isinstance(app.focused, Input) and "f2 Library" in screen_text(app))
        assert "f1 Help" in screen_text(app)
        assert "f4 Story" in screen_text(app)


async def test_the_keys_go_on_working_after_a_dialog_and_after_a_run(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(30), FINISHED)
        await until(pilot, lambda: "m More epochs" in screen_text(app))
        panel = app.focused
        await pilot.press("m")
        await until(pilot, lambda: "Epochs to add" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1 and app.focused is panel)
        await pilot.press("n")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "bases")
        await pilot.press("s")
        await until(pilot, lambda: len(world.run.plans) == 2)
        app.desk.training.stop()


async def test_a_run_that_ends_while_one_is_elsewhere_leaves_no_key_in_the_plan(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await begin(pilot, app)
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "library")
        world.run.say(*a_run(30), FINISHED)
        await until(pilot, lambda: app.desk.training.view.phase == "finished")
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "train" and isinstance(app.focused, RunPanel))


async def test_the_key_for_remarks_says_that_there_are_none(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        assert "l Remarks" not in screen_text(app)
        await pilot.press("l")
        await until(pilot, lambda: "There are no remarks." in screen_text(app))
        assert "l Remarks" not in screen_text(app)


async def test_while_the_filter_is_typed_the_footer_names_the_keys_that_still_work(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: "f1 Help" in screen_text(app) and "f4 Story" in screen_text(app))
        await pilot.press("f3")
        await until(pilot, lambda: app.current_mode == "train")


@pytest.mark.parametrize("size", [(60, 20), (66, 22), (80, 24)])
async def test_a_small_library_is_whole(app: StorytimeApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "licence: MIT" in flat(app) and "windows" in flat(app))
        rows = screen_text(app).split("\n")
        assert rows[1].startswith("╭")
        assert rows[1].rstrip().endswith("╮")
        assert any(row.startswith("╰") and row.rstrip().endswith("╯") for row in rows)
        assert "under 1 min" in flat(app) or "about 2 min" in flat(app)
        assert "? Help" in rows[-1]


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_the_columns_of_the_counts_stay_apart(size: tuple[int, int]) -> None:
    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield Counts(id="counts")

    app = Alone()
    async with app.run_test(size=size) as pilot:
        counts = app.query_one(Counts)
        counts.show(Totals(16, 1_234_567), "scratch-small")
        counts.show_estimate(Estimate(1_234_567, 1_234_567, 60.0))
        await pilot.pause()
        shown = str(counts.content)
        assert " stories 1,234,567 words" in shown
        assert " tokens  1,234,567 windows" in shown
        counts.show(Totals(16, 17_137), "scratch-small")
        counts.show_estimate(Estimate(23_456, 1_234, 120.0))
        await pilot.pause()
        lines = str(counts.content).split("\n")
        assert lines[0].index(" words") == lines[1].index(" windows")
        assert len(lines[1].rstrip()) <= counts.content_size.width


@pytest.mark.parametrize("size", [(120, 40), (160, 50)])
async def test_no_figure_of_a_run_is_wrapped(app: StorytimeApp, world: World, size: tuple[int, int]) -> None:
    started = dataclasses.replace(STARTED, memory_needed=128_400_000_000, memory_available=192_500_000_000)
    world.last_run = LastRun("hedgerow-1", [started, *a_run(118)[1:], FINISHED])
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: "192.5 GB" in screen_text(app))
        numbers = app.screen.query_one(Numbers)
        assert all(len(line) <= numbers.content_size.width for line in str(numbers.content).split("\n"))
        assert "of 192.5 GB" in screen_text(app)


async def test_a_terminal_that_is_too_small_is_told_so_and_grows_back(app: StorytimeApp) -> None:
    async with app.run_test(size=(40, 12)) as pilot:
        for key, mode in (("1", "library"), ("2", "train"), ("4", "runs"), ("3", "story")):
            await pilot.press(key)
            await until(pilot, lambda mode=mode: app.current_mode == mode)
            await until(pilot, lambda: "40×12 is too small: 60×20 shows all" in screen_text(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "1 Library" in screen_text(app) and "too small" not in screen_text(app))


async def test_a_list_that_is_not_laid_out_waits_without_work(
    app: StorytimeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screens that are made before they are shown have such lists; one that asked again and again took a whole core."""
    asked = []
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        hidden = ChoiceList([Row("a", "a"), Row("b", "b")], "b", id="hidden")
        hidden.display = False
        await app.screen.mount(hidden)
        monkeypatch.setattr(type(hidden), "call_after_refresh", lambda *call: asked.append(call))
        hidden.show([Row("a", "a"), Row("b", "b")], "b")
        await pilot.pause()
        assert asked == [] and hidden.cursor == 1
