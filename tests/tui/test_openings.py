"""A blank page offers openings: told when they are wished for, taken with a key, and nothing kept before that."""

import json
import threading

import pytest

from storytime_tui.errors import ModelError
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.openings import Openings
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, flat, screen_text, until
from tests.tui.fakes import HOSTILE, World

FIRST = "A mole kept three clocks, and none agreed. Then"
SECOND = "The pond froze on a Tuesday. So"
THIRD = "Nobody knew who had painted the gate. But"
FOURTH = "It rained on the mill for a week. And"
OFFER = "press ↑ for three openings by hedgerow-1"


@pytest.fixture
def world(world: World) -> World:
    world.openings = (
        FIRST,
        SECOND,
        THIRD,
        FOURTH,
        "Snow fell on the lane. It",
        "The wren was early today. So",
    )
    return world


async def blank_page(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.focused, Prompt) and OFFER in flat(app))


async def three(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await blank_page(pilot, app)
    await pilot.press("up")
    await until(pilot, lambda: "painted the gate." in flat(app) and not app.desk.busy)


async def test_an_opening_is_taken_as_the_models_first_passage(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await blank_page(pilot, app)
        assert world.told == []  # nobody asked
        await pilot.press("up")
        await until(pilot, lambda: "3  Nobody knew" in screen_text(app))
        assert "1  A mole kept three clocks, and none agreed." in screen_text(app)
        assert "Then" not in screen_text(app)
        assert world.store().stories() == ()
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and "4 words" not in screen_text(app))
        await until(pilot, lambda: world.store().stories())
        story = world.store().stories()[0]
        (passage,) = world.store().passages(story.id)
        assert (story.title, passage.author, passage.model) == (
            "The pond froze on a Tuesday",
            "model",
            "hedgerow-1",
        )
        assert passage.text == "The pond froze on a Tuesday."
        assert json.loads(passage.settings)["seed"] == world.told[1][1].seed
        await until(pilot, lambda: "6 words" in screen_text(app) and OFFER not in flat(app))
        await pilot.press("enter")  # the model goes on from there
        await until(pilot, lambda: world.told[-1][0] == "The pond froze on a Tuesday.")
        await until(pilot, lambda: "said the mouse." in screen_text(app))
        await pilot.press("escape", "u", "u")
        await until(pilot, lambda: "A blank page" in screen_text(app))


async def test_arrows_and_enter_take_one_and_others_are_others_and_none_is_copied(
    app: StorytimeApp, world: World
) -> None:
    world.copied = frozenset({"It rained on the mill for a week."})
    world.openings += ("A crab came up the lane. It",)
    async with app.run_test(size=SMALL) as pilot:
        await three(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: "A crab came" in flat(app) and not app.desk.busy)
        assert "mole kept" not in flat(app)
        assert "It rained" not in flat(app)
        assert len({settings.seed for _, settings in world.told}) == 7
        await pilot.press("down", "down", "up", "enter")
        await until(pilot, lambda: world.store().stories())
        await until(pilot, lambda: world.store().text(1) == "The wren was early today.")


async def test_a_model_that_tells_too_little_else_says_so(app: StorytimeApp, world: World) -> None:
    world.openings = (FIRST,)
    async with app.run_test(size=SMALL) as pilot:
        await blank_page(pilot, app)
        await pilot.press("up")
        await until(pilot, lambda: "No further opening was short, new and not copied" in flat(app))
        await pilot.press("1")
        await until(pilot, lambda: world.store().stories())


async def test_the_first_letter_ends_the_telling_and_the_line_is_sent_as_ever(
    app: StorytimeApp, world: World
) -> None:
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await blank_page(pilot, app)
        await pilot.press("up")
        await until(pilot, lambda: world.told)
        await pilot.press("down")  # back to the line
        await until(pilot, lambda: isinstance(app.focused, Prompt) and not app.desk.busy)
        await pilot.press("H", "i")
        await until(pilot, lambda: OFFER not in flat(app))
        world.gate.release(100)
        await pilot.press("enter")
        await until(pilot, lambda: len(world.told) == 2 and "said the mouse." in screen_text(app))
        assert world.told[1][0] == "Hi"
        assert world.store().passages(1)[0].text == "Hi"


@pytest.mark.parametrize("key", ["f2", "escape"])
async def test_leaving_ends_the_telling_and_keeps_nothing(app: StorytimeApp, world: World, key: str) -> None:
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await blank_page(pilot, app)
        await pilot.press("up")
        await until(pilot, lambda: world.told)
        await pilot.press(key)
        await until(pilot, lambda: not app.desk.busy)
        assert len(world.told) == 1
        assert world.store().stories() == ()
        await pilot.press("f4")
        world.gate.release(1000)
        await until(pilot, lambda: OFFER in flat(app))


async def test_a_page_with_words_offers_none_and_up_is_an_arrow(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await three(pilot, app)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        asked = len(world.told)
        await pilot.press("up", "a", "ctrl+j", "b", "up", "c")
        assert app.screen.query_one(Prompt).text == "ac\nb"
        await pilot.press("escape", "b")
        await until(pilot, lambda: isinstance(app.focused, Page))
        assert len(world.told) == asked
        await pilot.press("n")  # another page: others, by other seeds
        await until(pilot, lambda: OFFER in flat(app))
        await pilot.press("escape", "b")
        await until(pilot, lambda: isinstance(app.focused, Openings) and "It rained" in flat(app))
        assert "mole kept" not in flat(app)


async def test_trouble_is_a_sentence_and_text_is_text(app: StorytimeApp, world: World) -> None:
    world.openings = (f"A mouse said {HOSTILE} to the wren. Then",)
    async with app.run_test(size=SMALL) as pilot:
        await blank_page(pilot, app)
        await pilot.press("up")
        await until(pilot, lambda: "[@click=app.quit]quit[/]" in flat(app))
        world.teller_error = world.open_error = ModelError("The model is not whole: fetch it again.")
        await pilot.press("escape", "escape", "m")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "not whole" in flat(app))


async def test_openings_are_told_as_the_chosen_shelf_and_anew_for_another(
    app: StorytimeApp, world: World
) -> None:
    world.voices = {"hedgerow-1": ("Hedgerow Tales", "Mill Tales")}
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: f"{OFFER} as Hedgerow Tales" in flat(app))
        await pilot.press("up")
        await until(pilot, lambda: "painted the gate." in flat(app) and not app.desk.busy)
        assert set(world.last_voice) == {(("Hedgerow Tales", 1.0),)}
        app.desk.writing.choose_voice((("Mill Tales", 1.0),))
        await until(pilot, lambda: f"{OFFER} as Mill Tales" in flat(app))
        app.screen.query_one(Prompt).focus()
        await pilot.press("up")
        await until(pilot, lambda: "wren was early" in flat(app))
        await pilot.press("1")
        await until(pilot, lambda: world.store().stories())
        await until(pilot, lambda: world.store().passages(1))
        assert json.loads(world.store().passages(1)[0].settings)["voice"] == [["Mill Tales", 1.0]]
