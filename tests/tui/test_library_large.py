"""The Library with 5,000 stories, and a story of 2 MB: what a key costs (`benchmarks/library_keys.py` measures it)."""

import dataclasses
from typing import Any

import pytest
from textual.pilot import Pilot

from storytime_tui.corpus.collection import Collection, Facts, Story
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from tests.benchmarks.library_keys import Watch
from tests.tui.conftest import flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_library import SHELF, TALE
from tests.tui.fakes import World

pytestmark = pytest.mark.usefixtures("every_frame")

WIDE = (120, 40)


def large(collections: int, stories: int) -> tuple[Collection, ...]:
    facts = dataclasses.replace(SHELF[0].stories[0].facts, words=1234)
    assert isinstance(facts, Facts)
    return tuple(
        Collection(
            f"c{c}",
            f"Collection {c}",
            tuple(Story(f"The Tale of Number {i}", TALE, f"{i}.txt", known=facts) for i in range(stories)),
        )
        for c in range(collections)
    )


def lines_made(tree: ShelfTree) -> list[int]:
    """The tree's lines from now on as it makes them, by their numbers."""
    made: list[int] = []
    parts = tree.parts
    tree.parts = lambda row, width: (made.append(row), parts(row, width))[1]  # type: ignore[method-assign]
    return made


async def settled(pilot: Pilot[Any], made: list[int]) -> None:
    """Wait until nothing more is drawn, and forget what was."""
    made.append(0)
    while made:
        made.clear()
        await pilot.pause(0.05)


@pytest.mark.parametrize(("collections", "stories"), [(1, 5000), (500, 10)])
async def test_a_key_costs_a_screen_of_lines_whatever_the_shelf_holds(
    world: World, collections: int, stories: int
) -> None:
    world.collections = large(collections, stories)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        await until(pilot, lambda: "1,234" in screen_text(app) and " tokens" in screen_text(app))
        watch, made = Watch(app), lines_made(tree)
        keys = [
            "down",
            "pagedown",
            "end",
            "home",
            "space",
            "space",
            "left",
            "right",
            "slash",
            *"tale4",
            "backspace",
        ]
        keys += ["escape", "slash", "x", "escape"]
        costs = {}
        for number, key in enumerate(keys):
            await settled(pilot, made)
            await watch.answer(key, key if len(key) == 1 else None)
            costs[f"{number} {key}"] = len(made)
        assert tree.count() >= 500
        assert {key: lines for key, lines in costs.items() if lines > 2 * WIDE[1]} == {}


async def test_only_the_lines_in_view_are_made(world: World) -> None:
    world.collections = large(1, 5000)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        await until(pilot, lambda: tree.count() == 5001)
        made = lines_made(tree)
        await settled(pilot, made)
        await pilot.press("end")
        await until(pilot, lambda: "Number 4999" in screen_text(app))
        assert set(made) <= {0, *range(4950, 5001)}
        await settled(pilot, made)
        await pilot.press("up")
        await until(pilot, lambda: made)
        assert set(made) <= {4999, 5000}


async def test_the_ticks_of_a_large_shelf_are_counted_right(world: World) -> None:
    world.collections = large(500, 10)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", *"tale 7", "enter", "home", "space", "end", "left", "space")
        # the first collection was ticked: its seventh is not any more; the last one's is
        await until(pilot, lambda: "ticked 10 stories" in flat(app))
        assert app.desk.ticks.count(app.desk.collections) == 10
        assert app.desk.ticks.words(app.desk.collections) == 12_340


async def test_the_end_of_a_long_story_is_one_key_away(world: World) -> None:
    text = "\n\n".join(
        f"{i} " + "Once there was a mouse who kept a shop under the stair. " * 9 for i in range(4000)
    )
    story = Story("Long", text + "\n\nThe very end.", "long.txt")
    world.collections = (dataclasses.replace(SHELF[0], stories=(story,)),)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        reading = app.screen.query_one(Reading)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(reading.sheet.lines) > 30_000)
        await pilot.press("end")
        await until(pilot, lambda: "The very end." in screen_text(app))
        await pilot.press("pageup", "up", "home")
        await until(pilot, lambda: " 0 Once there was a mouse" in screen_text(app))
