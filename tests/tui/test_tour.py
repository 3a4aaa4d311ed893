"""The tour of a new user: it follows what is really done, is left by one key, and never comes back by itself."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from storytime_tui import paths
from storytime_tui.jobs.records import LastRun
from storytime_tui.settings import TOUR, Loaded, Settings, change_settings, load_settings
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.keyboard import _USUAL
from storytime_tui.tui.run_view import RunView
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.tour import STEPS, Scene, sentence
from storytime_tui.tui.widgets.tour_line import TourLine
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import FINISHED, STARTED, World, a_run

TINY = dataclasses.replace(STARTED, base="scratch-tiny")


@pytest.fixture
def newcomer(world: World) -> StorytimeApp:
    world.tour = "new"
    return make_app(world)


KEYS = dict(_USUAL)


async def shows(pilot: Pilot[Any], words: str) -> None:
    """Wait until the tour's line has these words."""
    await until(pilot, lambda: words in _line(pilot.app))


def _line(app: Any) -> str:
    lines = [line for line in app.screen.query(TourLine) if line.display]
    return str(lines[0].content) if lines else ""


async def test_the_tour_follows_read_watch_train_write(world: World, starter: Path) -> None:
    world.tour = "new"
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await shows(pilot, "Tour 1/4  Read one: choose a story with ↑ ↓ and press ↵.")
        assert "Tour 1/4" in screen_text(app).split("\n")[1]
        await pilot.press("down", "enter")
        await shows(pilot, "Tour 2/4  Read on as you like. Then 2: watch a model learn.")
        await pilot.press("2")
        await shows(pilot, "Press 0: a tiny new model learns in about a minute.")
        await pilot.press("0")
        await shows(pilot, "Watch: the loss falls, the samples turn into words.")
        assert world.run.plans[-1].base == "scratch-tiny"
        world.run.say(TINY, *a_run(50)[1:])
        await until(pilot, lambda: app.desk.training.view.done == 50)
        await pilot.press("1")
        await shows(pilot, "Your tiny model is learning: press 2 to watch.")
        await pilot.press("2")
        world.run.say(FINISHED)
        await shows(pilot, "Tour 3/4  Next, train the starter, which knows English: press n.")
        await pilot.press("n")
        await shows(pilot, "Press s: the starter learns your ticked stories.")
        await pilot.press("s")
        await shows(pilot, "It takes on your shelf's voice. Press w to write.")
        assert world.run.plans[-1].base == "starter"
        world.run.say(*a_run(50), FINISHED)
        await shows(pilot, "Tour 4/4  It has learned. Press w to write with it.")
        await pilot.press("w")
        await shows(pilot, "Write with it: type a line, or none, and press ↵.")
        await type_text(pilot, "Once there was a mouse.")
        await pilot.press("enter")
        await shows(pilot, "That was it: read, train, write. ctrl+p finds the rest.")
        assert app.desk.preferences.now.tour == "done"


async def test_telling_with_the_tiny_model_does_not_end_the_tour(world: World, starter: Path) -> None:
    world.tour = "watch"
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "0")
        await shows(pilot, "Watch:")
        world.run.say(TINY, *a_run(50)[1:], FINISHED)
        await shows(pilot, "Tour 3/4  Next, train the starter")
        await pilot.press("w")
        await shows(pilot, "Tour 3/4  Next, train the starter on your shelf: press f3.")
        await type_text(pilot, "Once there was a mouse.")
        await pilot.press("enter")
        await until(pilot, lambda: "That will do" in screen_text(app) and not app.screen.turns.busy)
        assert app.desk.preferences.now.tour == "train"
        await pilot.press("f3")
        await shows(pilot, "Tour 3/4  Next, train the starter, which knows English: press n.")
        await pilot.press("n", "s")
        await shows(pilot, "It takes on your shelf's voice. Press w to write.")
        world.run.say(*a_run(50), FINISHED)
        await shows(pilot, "Tour 4/4  It has learned. Press w to write with it.")


async def test_telling_while_the_starter_learns_ends_the_tour(world: World, starter: Path) -> None:
    world.tour = "train"
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        world.run.say(*a_run(50))
        await until(pilot, lambda: app.desk.training.view.done == 50)
        await pilot.press("1")
        await shows(pilot, "Tour 3/4  It learns on. Write with it: press 3 for Story.")
        await pilot.press("3")
        await shows(pilot, "Tour 3/4  It learns on. Type a line, press ↵, and it writes.")
        await pilot.press("f3", "w")
        await until(pilot, lambda: app.desk.writing.now.in_training)
        await type_text(pilot, "Once there was a mouse.")
        await pilot.press("enter")
        await shows(pilot, "That was it: read, train, write.")


@pytest.mark.parametrize("step", STEPS)
async def test_one_key_leaves_the_tour_at_every_step_and_while_typing(world: World, step: str) -> None:
    world.tour = step
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await shows(pilot, f"Tour {STEPS.index(step) + 1}/4")
        await pilot.press("3")  # letters are text there
        await until(pilot, lambda: app.current_mode == "story" and _line(app))
        await pilot.press("f9")
        await until(pilot, lambda: not _line(app))
        assert app.desk.preferences.now.tour == "done"
        await pilot.press("f2")
        await until(pilot, lambda: app.current_mode == "library")
        assert "Tour" not in screen_text(app)


async def test_a_click_leaves_it_too(newcomer: StorytimeApp) -> None:
    async with newcomer.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await shows(pilot, "Tour 1/4")
        await pilot.click(TourLine)
        await until(pilot, lambda: not _line(newcomer))


async def test_a_tour_that_was_left_is_kept_so_in_the_settings_file(world: World) -> None:
    path = Path(paths.settings_file())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# mine\nmax_tokens = 50\n", encoding="utf-8")
    services = dataclasses.replace(
        world.services(), load_settings=load_settings, save_settings=change_settings
    )
    app = StorytimeApp(services)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await shows(pilot, "Tour 1/4")
        await until(pilot, lambda: load_settings().settings.tour == "read")
        await pilot.press("f9")
        await until(pilot, lambda: load_settings().settings == Settings(tour="done", max_tokens=50))
    assert path.read_text(encoding="utf-8").startswith("# mine\nmax_tokens = 50\n")
    again = StorytimeApp(services)
    async with again.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: again.desk.training._last_run_loaded)
        assert not again.desk.tour.show and not _line(again)


async def test_it_goes_on_where_it_was_after_a_restart(world: World) -> None:
    world.tour = "write"
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await shows(pilot, "Tour 4/4  Write with it: press 3 for Story.")


async def test_who_has_a_run_already_is_shown_no_tour(world: World) -> None:
    world.tour = "new"
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app.desk.preferences.now.tour == "done")
        assert not _line(app)


async def test_the_palette_and_the_help_begin_it_again(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        assert not _line(app)
        await pilot.press("4", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
        await type_text(pilot, "Tour")
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "library" and "Tour 1/4" in _line(app))
        await pilot.press("f9", "2", "question_mark")
        await until(pilot, lambda: "t Tour" in screen_text(app))
        await pilot.press("t")
        await until(pilot, lambda: app.current_mode == "library" and "Tour 1/4" in _line(app))


async def test_a_failed_tiny_run_can_be_tried_again(world: World) -> None:
    world.tour = "watch"
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "0")
        await shows(pilot, "Watch:")
        world.run.say(TINY, RuntimeError("broke"))
        await shows(pilot, "To watch a model learn, press n, then 0.")


async def test_who_starts_with_the_starter_at_once_is_not_sent_back(
    newcomer: StorytimeApp, world: World
) -> None:
    async with newcomer.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        await shows(pilot, "Tour 3/4  It takes on your shelf's voice.")


def test_each_sentence_of_the_tour_fits_on_one_line_of_80_cells() -> None:
    views = [RunView(), RunView(phase="training", started=STARTED)]
    views += [RunView(phase="training", subject="scratch-tiny → Hedgerow Tales")]
    views += [RunView(phase="finished", started=each) for each in (TINY, STARTED)]
    plans = [
        (True, "starter", True, False),
        (False, "scratch-tiny", False, True),
        (False, "starter", True, False),
    ]
    modes = ("library", "train", "story", "runs")
    said = set()
    for step, mode, view, plan in itertools.product(TOUR[1:], modes, views, plans):
        words = sentence(step, Scene(mode, plan[0], view, *plan[1:], key=KEYS.get))
        number = "Tour 1/4" if step in STEPS else "Tour"
        assert len(f" {number}  {words}  f9 leaves ") <= 80, words
        said.add(words)
    assert len(said) > 15
    assert all(words.endswith(".") and "None" not in words for words in said), said


async def test_each_step_is_whole_on_a_small_terminal(newcomer: StorytimeApp) -> None:
    async with newcomer.run_test(size=(60, 20)) as pilot:
        await shelf_is_open(pilot)
        await shows(pilot, "Tour 1/4")
        await until(pilot, lambda: "f9\N{NO-BREAK SPACE}leaves" in screen_text(newcomer))
        assert "? Help" in screen_text(newcomer).split("\n")[-1]
        assert "press ↵." in flat(newcomer)


def test_the_default_settings_begin_it() -> None:
    assert Loaded().settings.tour == TOUR[0] == "new"
