"""The list dialog shows the note of the row under the cursor whole, wherever it has to cut it in the list."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.models.catalogue import bases
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.cells import shortened
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, ListScreen, Row
from storytime_tui.tui.widgets.choice_list import ChoiceList
from tests.tui.conftest import SMALL, make_app, screen_text, shelf_is_open, until
from tests.tui.fakes import World
from tests.tui.test_story import go_to_story

LONG = (
    "starter trained on hedgerow-tales, nonsense-from-the-attic, grandmothers-letters, validation loss 3.338"
)


def words_in_dialog(app: StorytimeApp) -> str:
    """What stands in the dialog, without its frame."""
    lines = [line.split("│") for line in screen_text(app).split("\n")]
    return " ".join(" ".join(parts[1] for parts in lines if len(parts) == 3).split())


async def opened(pilot: Pilot[Any], app: StorytimeApp) -> ChoiceList:
    await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "esc Cancel" in screen_text(app))
    return app.screen.query_one(ChoiceList)


@pytest.mark.parametrize("size", [(60, 20), SMALL])
async def test_the_note_of_the_chosen_model_is_shown_whole(world: World, size: tuple[int, int]) -> None:
    world.choices = (
        ModelChoice("hedgerow-1", "hedgerow-1", LONG),
        *(ModelChoice(base.name, base.short, f"{base.note}; 548 MB to fetch") for base in bases()),
    )
    app = make_app(world)
    async with app.run_test(size=size) as pilot:
        await go_to_story(pilot, app)
        await pilot.press("escape", "m")
        choices = await opened(pilot, app)
        height = choices.size.height
        assert height >= 5
        for choice in world.choices:
            await until(pilot, lambda note=choice.note: note in words_in_dialog(app))
            row = choices.rows[choices.cursor]
            assert row.value == choice.name
            assert choices.size.height == height  # nothing moves with the cursor
            await pilot.press("down")


async def test_notes_that_fit_are_not_said_twice(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.push_screen(ChooseScreen("Which?", [Row("a", "one", "the first"), Row("b", "two", "the second")]))
        await opened(pilot, app)
        assert screen_text(app).count("the first") == 1


async def test_a_title_that_is_cut_is_shown_whole_too(app: StorytimeApp) -> None:
    title = "a-run-with-a-name-that-goes-on-and-on-2 at step 120"
    async with app.run_test(size=(60, 20)) as pilot:
        await shelf_is_open(pilot)
        app.push_screen(ChooseScreen("Which?", [Row("a", title, "an earlier checkpoint of this run")]))
        await opened(pilot, app)
        await until(pilot, lambda: f"{title}: an earlier checkpoint of this run" in words_in_dialog(app))


def test_a_text_is_cut_between_words() -> None:
    assert shortened("poor stories", 12) == "poor stories"
    assert shortened("poor stories", 14) == "poor stories  "
    assert shortened("trains in minutes, poor stories", 22) == "trains in minutes…    "
    assert shortened("nonsense-from-the-attic", 9) == "nonsense…"


@pytest.mark.parametrize("size", [(60, 20), SMALL, (120, 40)])
@pytest.mark.parametrize(
    "dialog",
    [
        lambda: ChooseScreen("Which?", [Row(name, name, "") for name in "abc"]),
        lambda: ChooseScreen("Which?", [Row(name, name, LONG) for name in "abc"]),
        lambda: ListScreen("These?", ["one", "two", LONG]),
        lambda: ListScreen("These?", [(name, LONG) for name in "abc"], enter="Delete"),
        lambda: AskScreen("What?", "A name that says what is in it."),
    ],
    ids=["choose", "choose-cut", "list", "list-columns", "ask"],
)
async def test_a_dialog_has_its_height_from_the_first_paint(
    app: StorytimeApp, dialog: Callable[[], Screen[Any]], size: tuple[int, int]
) -> None:
    heights: set[int] = set()
    shown = dialog()

    def look(_: Message) -> None:
        heights.update(box.region.height for box in shown.query(".dialog"))

    async with app.run_test(size=size, message_hook=look) as pilot:
        await shelf_is_open(pilot)
        app.push_screen(shown)
        await until(pilot, lambda: shown.is_current and "esc C" in screen_text(app))
        await pilot.pause()  # what is laid out after the first paint is laid out
        assert heights - {0} == {shown.query_one(".dialog").region.height}
