"""The Library with 5,000 stories, and a story of 2 MB: what a key costs (`benchmarks/library_keys.py` measures it)."""

import dataclasses
import statistics
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

WIDE = (120, 40)
LIMIT = 0.05  # seconds of processor time for a key and its frame: other programs do not lengthen it


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


async def cost(pilot: Pilot[Any], watch: Watch, *keys: str) -> float:
    """The median processor time from a key to the frame that shows what it did."""
    took = []
    for key in keys:
        took.append((await watch.answer(key, key if len(key) == 1 else None))[1])
        await pilot.pause(0.05)  # what follows from it is done, too
    return statistics.median(took)


@pytest.mark.parametrize(("collections", "stories"), [(1, 5000), (500, 10)])
async def test_each_key_is_answered_at_once(world: World, collections: int, stories: int) -> None:
    world.collections = large(collections, stories)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        await until(pilot, lambda: "1,234" in screen_text(app) and " tokens" in screen_text(app))
        watch = Watch(app)
        times = {
            "down": await cost(pilot, watch, *["down"] * 5),
            "page": await cost(pilot, watch, *["pagedown"] * 5),
            "end": await cost(pilot, watch, "end", "home", "end"),
            "tick": await cost(pilot, watch, "home", "space", "space", "space"),
            "fold": await cost(pilot, watch, "left", "right", "left", "right"),
            "filter": await cost(pilot, watch, "slash", *"tale4"),
            "fewer": await cost(pilot, watch, *["backspace"] * 3),
            "all": await cost(pilot, watch, "escape", "slash", "x", "escape", "slash", "x", "escape"),
        }
        assert tree.count() >= 500
        assert {name: seconds for name, seconds in times.items() if seconds > LIMIT} == {}


async def test_only_the_lines_in_view_are_made(world: World) -> None:
    world.collections = large(1, 5000)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        await until(pilot, lambda: tree.count() == 5001)
        made: list[int] = []
        parts = tree.parts
        tree.parts = lambda row, width: (made.append(row), parts(row, width))[1]  # type: ignore[method-assign]
        await pilot.press("end")
        await until(pilot, lambda: "Number 4999" in screen_text(app))
        assert set(made) <= {0, *range(4950, 5001)}
        made.clear()
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
        assert await cost(pilot, Watch(app), "end", "home", "end") < LIMIT
        await until(pilot, lambda: "The very end." in screen_text(app))
        await pilot.press("pageup", "up", "home")
        await until(pilot, lambda: " 0 Once there was a mouse" in screen_text(app))
