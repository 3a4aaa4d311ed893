"""Text is data: markup, actions and control characters are shown as they are written, wherever they come from."""

import dataclasses

import pytest
from textual.widgets import Input

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.errors import CorpusError, ModelError
from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.jobs.shelves import AddedCollection
from storytime_tui.training import events as ev
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import flat, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import HOSTILE, STARTED, World, step

pytestmark = pytest.mark.usefixtures("every_frame")

SIZE = (160, 48)
SHOWN = "[/b] [@click=app.quit]quit[/] ␛[2J [bold]"  # the escape is shown by its picture


@pytest.fixture
def hostile(world: World) -> World:
    story = Story(HOSTILE, f"It said {HOSTILE} aloud.", HOSTILE)
    world.collections = (Collection("bad", HOSTILE, (story, story), author=HOSTILE, source=HOSTILE),)
    world.choices = (ModelChoice(HOSTILE, HOSTILE, HOSTILE),)
    world.pieces = [" told ", *HOSTILE, "."]
    return world


def run(world: World) -> StorytimeApp:
    return make_app(world)


async def test_on_the_shelf(hostile: World) -> None:
    app = run(hostile)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: screen_text(app).count(SHOWN) >= 4)  # tree twice, title, author or source
        await pilot.press("down")
        await until(pilot, lambda: f"It said {SHOWN} aloud." in screen_text(app))
        await pilot.press("slash", "left_square_bracket", "slash")
        await until(pilot, lambda: SHOWN in screen_text(app))
        hostile.add_error = CorpusError(f"There is nothing at {HOSTILE}.")
        await pilot.press("escape", "i")
        await type_text(pilot, "[/b]")
        await pilot.press("enter")
        await until(pilot, lambda: f"There is nothing at {SHOWN}." in screen_text(app))
        hostile.add_error = None
        hostile.to_add = AddedCollection(hostile.collections[0], (f"{HOSTILE} is not a text.",))
        await pilot.press("i")
        await type_text(pilot, "[/b]")
        await pilot.press("enter")
        await until(pilot, lambda: f"{SHOWN} is not a text." in screen_text(app))


async def test_in_a_run(hostile: World) -> None:
    app = run(hostile)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2")
        await until(pilot, lambda: f"{SHOWN[:20]}" in screen_text(app))
        await pilot.press("s")
        hostile.run.say(ev.Preparing(HOSTILE, 0, 0))
        await until(pilot, lambda: f"{SHOWN}…" in screen_text(app))
        hostile.run.say(
            dataclasses.replace(STARTED, run=HOSTILE),
            step(1, 3.0),
            ev.Sampled(1, f"Prompt {HOSTILE}", f" sample {HOSTILE}"),
            ev.Recovered(1, f"mended {HOSTILE}"),
        )
        await until(pilot, lambda: f"sample {SHOWN}" in screen_text(app))
        text = screen_text(app)
        assert f"Prompt {SHOWN}" in text
        assert f"mended {SHOWN}" in text
        assert SHOWN[:20] in text.splitlines()[0]
        hostile.run.say(ev.Failed(HOSTILE, 1, f"failed: {HOSTILE}"))
        await until(pilot, lambda: f"failed: {SHOWN}" in screen_text(app))
        await until(pilot, lambda: app.desk.training.control is None)
        await pilot.press("n", "s")
        hostile.run.say(ModelError(f"refused: {HOSTILE}"))
        await until(pilot, lambda: f"refused: {SHOWN}" in screen_text(app))


async def test_in_a_story(hostile: World) -> None:
    app = run(hostile)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        assert SHOWN[:20] in screen_text(app).splitlines()[0]
        await pilot.press("escape", "p", "enter")  # without the panel, the rows are the story's
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await type_text(pilot, f"I wrote {HOSTILE}")
        await pilot.press("enter")
        await until(pilot, lambda: f" told {SHOWN}." in flat(app))
        assert flat(app).count(f"I wrote {SHOWN}") >= 1
        kept = hostile.store().text(1)
        assert kept == f"I wrote {HOSTILE} told {HOSTILE}."  # shown with a sign, kept as it is
        await pilot.press("escape", "o")
        await until(pilot, lambda: "Bookshelf" in screen_text(app) and "I wrote [/b]" in screen_text(app))
        await pilot.press("escape", "m")
        await until(pilot, lambda: "Write with" in screen_text(app) and SHOWN in screen_text(app))
        await pilot.press("escape", "ctrl+p")
        await type_text(pilot, "Write with")
        await until(
            pilot, lambda: f"Write with {SHOWN[:20]}" in screen_text(app) and SHOWN in screen_text(app)
        )
        await pilot.press("escape")
        hostile.teller_error = ModelError(f"broke: {HOSTILE}")
        app.desk.writing.thread.forget(HOSTILE)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: f"broke: {SHOWN}" in screen_text(app))


async def test_in_the_palette(hostile: World) -> None:
    app = run(hostile)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen) and app.screen.query(Input))
        app.screen.query_one(Input).value = "[/b]"
        await until(pilot, lambda: f"in {SHOWN}" in screen_text(app))
