"""Second thoughts: what the keys do with the passages of a story. Nothing is overwritten, and undo takes all back."""

import dataclasses
import time
from typing import Any

import pytest
from textual.pilot import Pilot

from storytime_tui.stories import tree
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.story_turns import GO_ON
from storytime_tui.tui.widgets.edit_page import PassageEditor
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, screen_text, until
from tests.tui.fakes import World
from tests.tui.test_story import LINE, go_to_story, send

FIRST, SECOND, THIRD = " sold buttons.", " sold bread.", " slept."


@pytest.fixture
def world(world: World) -> World:
    world.pieces = [FIRST]
    return world


def tell_next(world: World, text: str) -> None:
    """What the fake model tells from now on."""
    world.pieces[:] = [text]  # type: ignore[index]


async def told_once(pilot: Pilot[Any], app: StorytimeApp) -> Page:
    """A story of one line and one told passage, with the focus on the page."""
    await go_to_story(pilot, app)
    await send(pilot)
    await until(pilot, lambda: FIRST.strip() in screen_text(app) and "told" in screen_text(app))
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.focused, Page))
    return app.screen.query_one(Page)


async def retried(pilot: Pilot[Any], app: StorytimeApp, world: World, text: str) -> None:
    tell_next(world, text)
    await pilot.press("r")
    await until(pilot, lambda: text in app.screen.query_one(Page).text and not app.screen.turns.telling)  # type: ignore[attr-defined]


async def test_a_passage_is_told_again_and_its_takes_are_leafed_through(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        await retried(pilot, app, world, SECOND)
        assert page.text == LINE + SECOND and world.told[-1][0] == LINE
        await until(pilot, lambda: "‹ 2 of 2 ›" in screen_text(app))
        await retried(pilot, app, world, THIRD)
        await until(pilot, lambda: "‹ 3 of 3 ›" in screen_text(app))
        await pilot.press("alt+left", "alt+left")
        await until(pilot, lambda: page.text == LINE + FIRST)
        await until(pilot, lambda: "‹ 1 of 3 ›" in screen_text(app))
        await pilot.press("alt+left")
        await until(pilot, lambda: "This is the first of 3 takes" in screen_text(app))
        await pilot.press("alt+right")
        await until(pilot, lambda: page.text == LINE + SECOND)
        for expected in (FIRST, SECOND, THIRD, SECOND, FIRST, ""):  # back through every act
            await pilot.press("u")
            await until(pilot, lambda expected=expected: page.text == LINE + expected)
        for expected in (FIRST, SECOND, THIRD, SECOND, FIRST, SECOND):
            await pilot.press("y")
            await until(pilot, lambda expected=expected: page.text == LINE + expected)
        assert len(tree.passages_of(world.store(), 1)) == 4


async def test_a_passage_in_the_middle_is_told_again_on_a_branch_of_its_own(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        tell_next(world, SECOND)
        await pilot.press("enter", "enter")  # to the line; an empty line goes on
        await until(pilot, lambda: page.text == LINE + FIRST + SECOND)
        await until(pilot, lambda: "told" in screen_text(app))
        await pilot.press("escape", "up")
        await until(pilot, lambda: "passage 2 of 3" in screen_text(app))
        await retried(pilot, app, world, THIRD)
        assert page.text == LINE + THIRD
        await pilot.press("alt+left")
        await until(pilot, lambda: page.text == LINE + FIRST + SECOND)
        await pilot.press("alt+up")
        await until(pilot, lambda: page.text == LINE + FIRST)
        await pilot.press("alt+down")
        await until(pilot, lambda: page.text == LINE + FIRST + SECOND)


async def test_a_passage_of_yours_asks_for_the_models_after_it(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        await pilot.press("up")
        await until(pilot, lambda: "passage 1 of 2" in screen_text(app))
        await retried(pilot, app, world, SECOND)
        assert page.text == LINE + SECOND
        assert [p.author for p in world.store().passages(1)] == ["you", "model"]


async def test_a_retry_that_tells_nothing_leaves_the_story_as_it_was(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        world.pieces[:] = []  # type: ignore[index]
        await pilot.press("r")
        await until(pilot, lambda: len(world.told) == 2)
        await until(pilot, lambda: page.text == LINE + FIRST)
        assert world.store().text(1) == LINE + FIRST


async def test_twenty_undos_at_once_while_it_streams_undo_all(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        for text in (SECOND, THIRD):
            await retried(pilot, app, world, text)
        await pilot.press(*"u" * 20)
        await until(pilot, lambda: "There is nothing to undo." in screen_text(app))
        assert page.text == "" and len(tree.passages_of(world.store(), 1)) == 4
        await pilot.press(*"y" * 20)
        await until(pilot, lambda: page.text == LINE + THIRD)


async def test_a_passage_in_the_middle_is_edited_in_its_place_and_the_rest_stays(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        tell_next(world, SECOND)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: page.text == LINE + FIRST + SECOND and "told" in screen_text(app))
        await pilot.press("escape", "up", "e")
        await until(pilot, lambda: isinstance(app.focused, PassageEditor))
        text = screen_text(app)
        assert text.index(LINE) < text.index("sold buttons") < text.index("sold bread")
        await pilot.press("backspace", *" and pins.", "escape")
        edited = FIRST.removesuffix(".") + " and pins."
        await until(pilot, lambda: page.text == LINE + edited + SECOND)
        await until(pilot, lambda: isinstance(app.focused, Page) and "u takes it back" in screen_text(app))
        assert [p.writer for p in world.store().passages(1)] == ["you", "edited", "model"]
        await until(pilot, lambda: "‹ 2 of 2 ›" in screen_text(app))  # the old one is a take beside it
        await pilot.press("u")
        await until(pilot, lambda: page.text == LINE + FIRST + SECOND)
        await pilot.press("y")
        await until(pilot, lambda: page.text == LINE + edited + SECOND)
        await pilot.press("e", "escape")  # nothing changed: nothing is kept
        await until(pilot, lambda: isinstance(app.focused, Page))
        assert len(tree.passages_of(world.store(), 1)) == 5


async def test_the_story_can_end_with_what_is_edited(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        await pilot.press("up", "e")
        await until(pilot, lambda: isinstance(app.focused, PassageEditor))
        await pilot.press(*" and a cat", "ctrl+b")
        await until(pilot, lambda: page.text == LINE + " and a cat")
        await pilot.press("u")
        await until(pilot, lambda: page.text == LINE + FIRST)


async def test_the_model_rewrites_the_sentence_at_the_cursor(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, PassageEditor))
        tell_next(world, " ate cheese. And")
        await pilot.press("ctrl+r")
        editor = app.screen.query_one(PassageEditor)
        await until(pilot, lambda: editor.text == " ate cheese.")
        assert world.told[-1][0] == LINE + " " and editor.selected_text == "ate cheese."
        tell_next(world, " slept. And")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: editor.text == " slept.")
        await pilot.press("ctrl+z", "escape")
        await until(pilot, lambda: page.text == LINE + " ate cheese.")


async def test_words_come_at_reading_speed_if_asked_and_a_stop_keeps_what_is_shown(world: World) -> None:
    world.pieces = [f" word{number}" for number in range(500)]
    app = StorytimeApp(dataclasses.replace(world.services(), clock=time.monotonic))
    app.animation_level = "none"
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press("escape", "t")
        await until(pilot, lambda: "at reading speed, 240 words a minute" in screen_text(app))
        await pilot.press("enter")
        await send(pilot)
        await until(pilot, lambda: "word1" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in screen_text(app))
        page = app.screen.query_one(Page)
        told = page.text.removeprefix(LINE).split()
        assert 0 < len(told) < 100  # 500 would take two minutes
        assert world.store().text(1) == page.text
        await pilot.press("escape", "t")
        await until(pilot, lambda: "as fast as the model can" in screen_text(app))
        assert app.desk.preferences.now.words_per_minute == 0


async def test_an_edit_is_kept_while_it_is_typed_and_stands_in_its_place(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        page = await told_once(pilot, app)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, PassageEditor))
        before = app.screen.query_one("#page-before", Page)
        await until(pilot, lambda: app.focused.region.y == before.region.bottom < 10)  # type: ignore[union-attr]
        await pilot.press(*" Twice")

        def texts() -> list[str]:
            return [passage.text for passage in tree.passages_of(world.store(), 1)]

        await until(pilot, lambda: texts() == [LINE, FIRST, FIRST + " Twice"])
        assert world.store().text(1) == LINE + FIRST
        await pilot.press("escape")
        await until(pilot, lambda: page.text == LINE + FIRST + " Twice")
        assert texts() == [LINE, FIRST, FIRST + " Twice"]


async def test_words_are_counted_again_when_a_passage_is_retold(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await told_once(pilot, app)
        await retried(pilot, app, world, SECOND)
        words = len((LINE + SECOND).split())
        await until(pilot, lambda: f"{words} words" in screen_text(app))


async def test_only_asked_to_go_on_the_model_does_not_end_the_story(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await told_once(pilot, app)
        assert world.told[-1][1].min_tokens == 0
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await pilot.press("enter")
        await until(pilot, lambda: len(world.told) == 2 and not app.desk.busy)
        assert world.told[-1][1].min_tokens == GO_ON
