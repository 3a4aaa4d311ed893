"""The first run: the starter is chosen to learn from and to write with, and awake before anybody asks for it."""

import contextlib
import dataclasses
import os
import sys
import time
from pathlib import Path

import pytest
from textual.widgets import OptionList

from storytime_tui.errors import ModelError
from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.models import catalogue
from storytime_tui.settings import Loaded, Settings
from storytime_tui.tui.app import StorytimeApp
from tests.tui.conftest import SMALL, flat, make_app, shelf_is_open, type_text, until
from tests.tui.fakes import World

STARTER = ModelChoice("starter", "starter", "tells simple stories already")


@pytest.fixture
def newcomer(world: World, starter: Path) -> World:
    world.choices = (STARTER, world.choices[1])
    return world


async def test_it_is_woken_after_the_shelf_was_read_and_tells_the_first_line(newcomer: World) -> None:
    app = make_app(newcomer)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "starter · cpu" in flat(app))
        assert app.current_mode == "library"
        await pilot.press("3")
        await type_text(pilot, "Once upon a time")
        await pilot.press("enter")
        await until(pilot, lambda: newcomer.told and "tokens told" in flat(app))
        assert newcomer.opened == ["starter"]
        assert "starter · cpu" in flat(app)


async def test_the_plan_begins_with_it(newcomer: World) -> None:
    app = make_app(newcomer)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        await until(pilot, lambda: newcomer.run.plans)
        assert newcomer.run.plans[0].base == "starter"
        assert newcomer.run.plans[0].patience == 4  # "balanced"
        bases = app.screen.query_one("#bases", OptionList)
        assert bases.highlighted == 0 and bases.option_count == len(catalogue.bases())
        newcomer.run.say(None)


async def test_what_was_trained_stays_the_choice_and_is_opened_only_in_story(
    world: World, starter: Path
) -> None:
    world.choices = (*world.choices, STARTER)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.desk.writing.now.model == "hedgerow-1")
        assert world.opened == []
        await pilot.press("3")
        await until(pilot, lambda: world.opened == ["hedgerow-1"])


async def test_a_run_that_is_learned_before_the_first_story_tells_it(newcomer: World) -> None:
    app = make_app(newcomer)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "starter · cpu" in flat(app))
        newcomer.choices = (ModelChoice("hedgerow-1", "hedgerow-1", "just learned"), STARTER)
        await pilot.press("3")
        await until(pilot, lambda: newcomer.opened == ["starter", "hedgerow-1"])
        assert app.desk.writing.now.model == "hedgerow-1"


async def test_a_story_told_with_another_model_keeps_it(newcomer: World) -> None:
    store = newcomer.store()
    store.add_passage(store.new_story("Old").id, "model", "Long ago.", "distilgpt2", "{}")
    app = make_app(newcomer)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.desk.writing.now.model == "distilgpt2")
        assert newcomer.opened == []


async def test_a_starter_that_cannot_be_opened_is_told_of_in_story_alone(newcomer: World) -> None:
    newcomer.open_error = ModelError("The checkpoint in starter is damaged.")
    app = make_app(newcomer)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.desk.writing.now.number)
        assert "damaged" not in flat(app)
        await pilot.press("3")
        await until(pilot, lambda: "is damaged" in flat(app))


async def test_without_it_nothing_is_woken(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.screen.query("#bases"))
        assert app.screen.query_one("#bases", OptionList).option_count == len(catalogue.bases())
        assert (app.desk.writing.now.model, app.desk.writing.now.number, world.opened) == ("", 0, [])


async def test_a_preferred_starter_that_is_not_here_is_no_base(world: World) -> None:
    app = StorytimeApp(
        dataclasses.replace(world.services(), load_settings=lambda: Loaded(Settings(base="starter")))
    )
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        await until(pilot, lambda: world.run.plans)
        assert world.run.plans[0].base == "scratch-small"
        world.run.say(None)


@pytest.mark.skipif(os.name == "nt", reason="Windows offers no pseudo-terminal")
@pytest.mark.parametrize("seconds", [0.3, 1.2, 1.8])
def test_leaving_while_it_wakes_is_a_clean_end(seconds: float, home: Path, starter: Path) -> None:
    import pexpect

    code = (
        "import sys; from pathlib import Path; from storytime_tui.models import catalogue\n"
        f"catalogue.STARTER_FOLDER = Path({str(starter)!r})\n"
        "from storytime_tui.cli import main; sys.exit(main([]))"
    )
    app = pexpect.spawn(sys.executable, ["-c", code], dimensions=(24, 80), timeout=30)
    app.expect("Library")
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then:  # read on, or the app would wait to write
        with contextlib.suppress(pexpect.TIMEOUT):
            app.read_nonblocking(65536, 0.05)
    app.send("\x11")
    app.expect(pexpect.EOF)
    app.wait()
    assert (app.exitstatus, app.signalstatus) == (0, None)
