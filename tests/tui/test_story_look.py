"""How a story looks on the page, and what its title is where it is changed."""

from textual.widgets import Input

from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.dialogs import AskScreen
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import World

LONG = "Once upon a time there was a little mouse who kept a shop under the kitchen stair."


async def test_a_title_made_of_the_first_words_is_offered_whole_for_renaming(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        await type_text(pilot, LONG)
        await pilot.press("enter")
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.focused, Prompt))
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert app.screen.query_one(Input).value == LONG


async def test_a_paragraph_of_the_model_stands_apart_as_yours_does(app: StorytimeApp, world: World) -> None:
    """It may end its paragraphs with one line end; between yours there are two."""
    world.pieces = (
        " He swept",
        " the step.",
        "\n",
        "Then",
        " he slept",
        " until the moon came up over the whole of the lane.",
    )
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
        await type_text(pilot, LONG)
        await pilot.press("enter")
        await until(pilot, lambda: "tokens told" in screen_text(app))
        rows = app.screen.query_one(Page).laid.rows
        assert [row.kind for row in rows] == ["", "", "blank", ""]
