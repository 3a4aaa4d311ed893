"""The stories and branches beside the page of a very wide terminal."""

import pytest

from storytime_tui.stories.shelf import set_favourite
from storytime_tui.stories.tree import label
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.map_list import MapList
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.story_aside import StoryAside, StoryNames
from tests.tui.conftest import SMALL, screen_text, until
from tests.tui.fakes import World
from tests.tui.test_story_passages import FIRST, LINE, SECOND, retried, told_once

VERY_LARGE = (200, 60)


async def test_the_branches_stand_beside_the_page_and_enter_goes_to_one(
    app: StorytimeApp, world: World
) -> None:
    world.pieces = [FIRST]
    async with app.run_test(size=VERY_LARGE) as pilot:
        page = await told_once(pilot, app)
        branches = app.screen.query_one(MapList)
        await until(pilot, lambda: branches.count() == 1)
        await retried(pilot, app, world, SECOND)
        await until(pilot, lambda: [row.current for row in branches.rows] == [True, False, True])
        await until(pilot, lambda: "Branches · 2" in screen_text(app) and "Bookshelf · 1" in screen_text(app))
        branches.focus()
        await pilot.press("up", "enter")
        await until(pilot, lambda: page.text == LINE + FIRST)
        await until(pilot, lambda: "".join(row.beginning for row in branches.rows if row.current) != "")
        await pilot.press("u")
        await until(pilot, lambda: page.text == LINE + SECOND)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Prompt))


async def test_the_stories_stand_beside_the_page_and_enter_opens_one(app: StorytimeApp, world: World) -> None:
    store = world.store()
    frog, crow = (store.new_story(title) for title in ("The Frog", "The Crow"))
    for story in (frog, crow):
        store.add_passage(story.id, "you", f"Here is {story.title}.")
    set_favourite(store, frog.id, True)
    async with app.run_test(size=VERY_LARGE) as pilot:
        await pilot.press("3")
        names = app.screen.query_one(StoryNames)
        await until(pilot, lambda: names.count() == 2 and " ● The Crow" in screen_text(app))
        assert "★ The Frog" in screen_text(app) and "Bookshelf · 2" in screen_text(app)
        names.focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen.query_one(Page).text == "Here is The Frog.")
        await until(pilot, lambda: " ● ★ The Frog" in screen_text(app))
        await pilot.press("p")  # hides both columns
        await until(pilot, lambda: "★ The Frog" not in screen_text(app))
        assert isinstance(app.focused, Prompt)
        label(store, store.passages(frog.id)[0].id, name="the pond")
        await pilot.press("escape", "p")
        await until(pilot, lambda: "● the pond" in screen_text(app))


async def test_a_long_title_and_many_words_stay_apart(app: StorytimeApp, world: World) -> None:
    store = world.store()
    store.add_passage(store.new_story("Wide and wider " * 9).id, "you", "word " * 200_589)
    async with app.run_test(size=VERY_LARGE) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "… 200,589 " in screen_text(app))


@pytest.mark.parametrize("size", [SMALL, (120, 40)])
async def test_without_the_room_nothing_stands_there_nor_is_read(
    app: StorytimeApp, world: World, size: tuple[int, int]
) -> None:
    world.pieces = [FIRST]
    async with app.run_test(size=size) as pilot:
        await told_once(pilot, app)
        assert not app.screen.query_one(StoryAside).display
        assert app.screen.query_one(StoryNames).count() == 0
        await pilot.resize_terminal(*VERY_LARGE)
        await until(pilot, lambda: app.screen.query_one(StoryNames).count() == 1)
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: not app.screen.query_one(StoryAside).display)
