"""The loss chart: every check is seen; keys and mouse zoom, move and read it."""

import dataclasses
import math
import re
from functools import reduce
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from storytime_tui.training import events as ev
from storytime_tui.tui import theme
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.run_view import RunView, view_after
from storytime_tui.tui.widgets.loss_chart import LossChart, _Plot
from storytime_tui.tui.widgets.run_panel import RunPanel
from tests.tui.conftest import screen_text, until
from tests.tui.fakes import FINISHED, STARTED, World, a_run, evaluated, step
from tests.tui.test_train import begin


class ChartApp(App[None]):
    AUTO_FOCUS = None

    def compose(self) -> ComposeResult:
        yield LossChart(id="chart")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **theme.FALLBACKS}


def view(said: list[ev.Event], total: int = 118) -> RunView:
    return reduce(view_after, [dataclasses.replace(STARTED, total_steps=total), *said], RunView())


def is_drawn(pilot: Pilot[None]) -> bool:
    """Whether the chart has its room and is drawn; its legend is there before."""
    return pilot.app.query_one(LossChart)._picture is not None


def shown(pilot: Pilot[Any]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


def window(pilot: Pilot[Any]) -> tuple[float, float]:
    picture = pilot.app.query_one(LossChart)._picture
    assert picture is not None
    return picture.window.first, picture.window.last


@pytest.mark.parametrize("rising", [False, True], ids=["falling", "rising"])
@pytest.mark.parametrize("size", [(40, 12), (53, 14), (91, 30)])
@pytest.mark.parametrize("steps", [(0, 30, 60), (0, 118), (0, 5)])
async def test_the_first_and_the_last_validation_point_are_seen(
    size: tuple[int, int], steps: tuple[int, ...], rising: bool
) -> None:
    said = [evaluated(number) for number in steps]
    if rising:
        said = [dataclasses.replace(e, validation_loss=3 + e.step / 9) for e in said]
    app = ChartApp()
    async with app.run_test(size=size) as pilot:
        app.query_one(LossChart).show(view([*said], steps[-1]))
        await until(pilot, lambda: shown(pilot).split("best")[0].count("●") >= len(steps))
        # the star is one of them, and the line below explains both signs
        marks = [line.count("●") + line.count("★") for line in shown(pilot).split("\n")[:-2]]
        assert sum(marks) == len(steps)


async def reading(pilot: Pilot[Any], *keys: str) -> str:
    """What the title and the line below say after these keys."""
    await pilot.press(*keys)
    await pilot.pause()
    lines = shown(pilot).split("\n")
    return f"{lines[0]} {lines[-2]}"


async def test_the_cursor_reads_any_point() -> None:
    app = ChartApp()
    async with app.run_test(size=(91, 20)) as pilot:
        run = view(a_run(100)[1:])
        chart = app.query_one(LossChart)
        chart.show(run)
        await until(pilot, lambda: is_drawn(pilot))
        chart.focus()
        await until(pilot, lambda: "step 100" in shown(pilot))
        read = []
        for key in ("home", "right", "right", "right", "left", "end"):
            said = await reading(pilot, key)
            number = int(re.findall(r"by step · step (\d+)", said)[0])
            read.append(number)
            checked = number // 25 * 25
            assert f"{run.evaluations[checked // 25].validation_loss:.3f}" in said
            assert ("at step" in said) == (number != checked)
            if number:
                assert f"{dict(run.curve)[number]:.3f}" in said
                assert f"{run.line[number - 1].smoothed:.3f}" in said
        assert 0 == read[0] < read[1] < read[2] <= read[4] < read[3] < read[5] == 100
        seen = set()
        await pilot.press("plus", "plus", "home")
        for _ in range(101):  # zoomed in, each key reads the next point, and the window follows
            seen.add(chart._cursor)
            await pilot.press("right")
        assert seen == set(range(101))


async def test_it_is_zoomed_and_moved_by_keys() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.query_one(LossChart)
        chart.show(view(a_run(100)[1:]))
        await until(pilot, lambda: is_drawn(pilot))
        assert window(pilot) == (0, 118)
        chart.focus()
        await pilot.press("plus")
        first, last = window(pilot)
        assert last - first == pytest.approx(59)
        await pilot.press("shift+left")
        assert window(pilot)[0] == pytest.approx(first - 59 / 4)
        await pilot.press("shift+right", "minus")
        assert window(pilot) == (0, 118)
        await pilot.press(*["plus"] * 20)
        first, last = window(pilot)
        assert last - first == pytest.approx(4)  # no closer than a few steps
        chart.show(view(a_run(110)[1:]))
        assert window(pilot) == (first, last)  # it stays while the run goes on
        await pilot.press("0")
        assert window(pilot) == (0, 118)


async def test_it_is_zoomed_moved_and_read_by_the_mouse() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.query_one(LossChart)
        chart.show(view(a_run(100)[1:]))
        await until(pilot, lambda: is_drawn(pilot))
        await pilot.hover(_Plot, offset=(30, 5))
        await until(pilot, lambda: "step " in shown(pilot).split("\n")[0])
        middle = chart._cursor
        assert middle is not None and 30 < middle < 50
        wheel = {"widget": None, "x": 30, "y": 5, "delta_x": 0, "delta_y": 0, "button": 0}
        flags = {"shift": False, "meta": False, "ctrl": False}
        plot = app.query_one(_Plot)
        plot.post_message(events.MouseScrollUp(**wheel, **flags))  # type: ignore[arg-type]
        await pilot.pause()
        assert window(pilot) == (0, 118)  # without the focus the wheel scrolls the screen
        await pilot.click(_Plot, offset=(30, 5))
        assert chart.has_focus
        for _ in range(3):
            plot.post_message(events.MouseScrollUp(**wheel, **flags))  # type: ignore[arg-type]
        await until(pilot, lambda: window(pilot) != (0, 118))
        await pilot.pause()
        before = window(pilot)
        await pilot.mouse_down(_Plot, offset=(30, 5))
        await pilot.hover(_Plot, offset=(20, 5))
        await until(pilot, lambda: window(pilot)[0] > before[0])  # drawn to the left, later steps come
        await pilot.mouse_up(_Plot, offset=(20, 5))
        held = window(pilot)
        await pilot.hover(_Plot, offset=(40, 5))
        assert window(pilot) == held


async def test_its_axes_are_log_or_linear_and_by_step_tokens_or_time() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.query_one(LossChart)
        chart.show(view(a_run(100)[1:]))
        await until(pilot, lambda: "Loss by step" in shown(pilot))
        linear = shown(pilot)
        chart.focus()
        assert "log" in await reading(pilot, "l")
        assert shown(pilot).split("\n")[4] != linear.split("\n")[4]
        said = await reading(pilot, "l", "t")
        assert "log" not in said
        assert "Loss by tokens · step 100 · 40,678 tokens" in said  # 12,000 tokens in 29.5 steps
        assert "Loss by time · step 100 · 2:30" in await reading(pilot, "t")
        assert "Loss by step · step 100" in await reading(pilot, "t")


async def test_another_unit_shows_the_same_steps() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.query_one(LossChart)
        chart.show(view(a_run(100)[1:]))
        await until(pilot, lambda: is_drawn(pilot))
        chart.focus()
        await pilot.press("home", *["right"] * 30, "plus", "plus")
        first, last = window(pilot)
        assert 0 < first < last < 118
        each = 12_000 / 29.5  # tokens of a step
        await pilot.press("t")
        assert window(pilot) == (pytest.approx(first * each), pytest.approx(last * each))
        await pilot.press("t")
        assert window(pilot) == (pytest.approx(first * 1.5), pytest.approx(last * 1.5))  # 100 steps in 2:30
        await pilot.press("t")
        assert window(pilot) == (pytest.approx(first), pytest.approx(last))


async def test_a_loss_that_is_no_number_is_a_gap_and_no_error() -> None:
    said: list[ev.Event] = [step(number, 3.0) for number in range(1, 101)]
    said[40:60] = [step(number, math.nan if number % 2 else math.inf) for number in range(41, 61)]
    said.append(dataclasses.replace(evaluated(100), validation_loss=math.nan))
    app = ChartApp()
    async with app.run_test(size=(106, 12)) as pilot:
        app.query_one(LossChart).show(view(said, 100))
        await until(pilot, lambda: is_drawn(pilot))
        drawn = max(shown(pilot).split("\n"), key=lambda line: sum("⠀" < sign <= "⣿" for sign in line))
        gaps = [part for part in drawn.split("⠀")[0].rstrip(" │").split("  ") if part]
        assert "                " in drawn.strip(" │")  # twenty of a hundred steps, on a hundred columns
        assert gaps


async def test_z_takes_the_keys_to_the_chart_and_back(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(100))
        await until(pilot, lambda: "5 of 5" in screen_text(app))
        await pilot.press("z")
        await until(pilot, lambda: isinstance(app.focused, LossChart))
        await until(pilot, lambda: "← → Read" in screen_text(app) and "t Axis" in screen_text(app))
        await until(pilot, lambda: "by step · step 100" in screen_text(app))
        await pilot.press("left", "left")
        await until(pilot, lambda: re.search(r"by step · step 9\d", screen_text(app)))
        assert "5 of 5" in screen_text(app)  # the samples stay
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, RunPanel))
        await pilot.press("left")
        await until(pilot, lambda: "4 of 5" in screen_text(app))
        world.run.say(FINISHED)
        await until(pilot, lambda: "Finished after 118 steps" in screen_text(app))


async def test_leaving_train_leaves_the_chart_and_its_legend_is_back(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, app)
        world.run.say(*a_run(100))
        await until(pilot, lambda: "5 of 5" in screen_text(app))
        await pilot.press("z")
        await until(pilot, lambda: "by step · step 100" in screen_text(app))
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "runs")
        await pilot.press("2")
        await until(
            pilot,
            lambda: (
                "w Write" in screen_text(app) and "● ─ validation" in screen_text(app).replace("●─", "● ─")
            ),
        )
        assert "← → Read" not in screen_text(app)
        app.desk.training.stop()


async def test_another_run_is_shown_by_step_and_linear() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.query_one(LossChart)
        chart.show(view(a_run(100)[1:]))
        await until(pilot, lambda: is_drawn(pilot))
        chart.focus()
        await pilot.press("t", "l")
        assert "Loss by tokens, log" in shown(pilot)
        other = dataclasses.replace(view(a_run(50)[1:]), started=dataclasses.replace(STARTED, run="other"))
        chart.show(other)
        await until(
            pilot, lambda: "Loss by step" in shown(pilot) and "log" not in shown(pilot).split("\n")[0]
        )
