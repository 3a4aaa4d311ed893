"""Library: words are found in the texts; the reader opens where they are; a place is kept in each story."""

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from storytime_tui.corpus.collection import Collection, Story
from storytime_tui.jobs.find_stories import TextSearch
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.library import LibraryScreen
from storytime_tui.tui.services import Services
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_library import SHELF, collection
from tests.tui.fakes import World

WIDE = (120, 40)
LONG = "\n\n".join(
    f"Paragraph {i}. The mouse sold button number {i} to a frog who paid in acorns." for i in range(60)
)
SPECTACLES = (
    f"{LONG}\n\nHe had lost his “Spectacles” on the stair.\n\n{LONG}\n\nThe spec-\ntacles and the spectacles."
)


def shelf() -> tuple[Collection, ...]:
    stories = [
        Story("The Mole", SPECTACLES, "mole.txt"),
        Story("Spectacles for a Stoat", LONG, "stoat.txt"),
        Story("The Frog", LONG, "frog.txt"),
    ]
    return (
        dataclasses.replace(SHELF[2], name="lost", title="Lost Things", stories=tuple(stories)),
        *SHELF[:2],
        collection("lens", "The Book of Spectacles", ["One Lens"]),
    )


@pytest.fixture
def world(world: World) -> World:
    world.collections = shelf()
    return world


def tree_of(app: StorytimeApp) -> ShelfTree:
    return app.screen.query_one(ShelfTree)


def pane(app: StorytimeApp) -> Reading:
    return app.screen.query_one(Reading)


def in_view(app: StorytimeApp) -> str:
    """What the reading pane shows now, as one line."""
    reading = pane(app)
    height = reading.scrollable_content_region.height
    return " ".join(" ".join(reading.sheet.lines[reading.top : reading.top + height]).split())


def titles(app: StorytimeApp) -> list[str]:
    tree = tree_of(app)
    return ["".join(text for text, _ in tree.parts(row, 60)) for row in range(tree.count())]


async def look_for(pilot: Pilot[Any], words: str) -> None:
    await pilot.press("slash")
    await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "filter")
    await pilot.press(*words)
    await until(pilot, lambda: "searching" not in str(pilot.app.screen.query_one("#shelf").border_subtitle))


async def test_a_word_of_the_text_finds_the_story_and_titles_come_first(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "spectacles")
        await until(pilot, lambda: "2 by title · 1 in the text" in flat(app))
        shown = [" ".join(line.split()) for line in titles(app)]
        assert [line.split("] ")[1].rpartition(" ")[0] for line in shown] == [
            "Lost Things 3 stories",
            "Spectacles for a Stoat title",
            "The Mole text",
            "The Book of Spectacles 1 story",
        ]
        assert tree_of(app).leaf.title == "Spectacles for a Stoat"  # type: ignore[union-attr]
        await pilot.press("down")
        await until(pilot, lambda: "He had lost his “Spectacles” on the stair." in in_view(app))
        assert "place 1 of 2" in flat(app)
        await pilot.press("escape")
        await until(pilot, lambda: "Under the Fir Trees" in screen_text(app))
        assert tree_of(app).leaf.title == "The Mole"  # type: ignore[union-attr]


async def test_every_word_may_stand_in_another_place_and_quotes_keep_them_together(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "stoat acorns")
        await until(pilot, lambda: "1 in the text" in flat(app))
        assert [line.split("] ")[1].split("  ")[0] for line in titles(app)] == [
            "Lost Things",
            "Spectacles for a Stoat",
        ]
        await pilot.press("escape")
        await look_for(pilot, '"frog who paid"')
        await until(pilot, lambda: "3 in the text" in flat(app))
        await pilot.press("escape")
        await look_for(pilot, '"who frog"')
        await until(pilot, lambda: "No story has these words" in flat(app) and "nothing found" in flat(app))


async def test_the_reader_goes_from_place_to_place(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "spectacles")
        await pilot.press("down", "enter", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading) and "place 1 of 2 · n next" in flat(app))
        assert "n Next place" in flat(app)
        marks = pane(app)._read.found
        line = pane(app).sheet.lines[marks.rows[0]]
        (_, begin, end), *_ = marks.spans[marks.rows[0]]
        assert line[begin:end] == "Spectacles"
        await pilot.press("n")
        await until(pilot, lambda: "place 2 of 2" in flat(app) and "and the spectacles." in in_view(app))
        await pilot.press("n")
        await until(pilot, lambda: "place 1 of 2" in flat(app) and "on the stair" in in_view(app))
        await pilot.press("N")
        await until(pilot, lambda: "place 2 of 2" in flat(app))


async def test_a_place_that_is_scrolled_away_is_not_the_one_that_n_goes_on_from(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "acorns")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading) and "place 1 of" in flat(app))
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: pane(app).top > 20)
        top = pane(app).top
        await pilot.press("n")
        await until(pilot, lambda: "place 1 of" not in flat(app))
        row = pane(app)._read.found.rows[pane(app)._at]
        assert top <= row < top + 20


class Slow(TextSearch):
    """Waits at each search for a permit."""

    def __init__(self, gate: threading.Semaphore) -> None:
        super().__init__()
        self.gate = gate
        self.sought: list[tuple[str, ...]] = []

    def find(
        self, collections: Sequence[Collection], phrases: Sequence[str], stop: threading.Event
    ) -> Mapping[str, Any]:
        self.sought.append(tuple(phrases))
        self.gate.acquire(timeout=30)
        return super().find(collections, phrases, stop)


def with_search(world: World, search: TextSearch) -> StorytimeApp:
    services: Services = dataclasses.replace(world.services(), open_texts=lambda: search)
    app = StorytimeApp(services)
    app.theme, app.animation_level = "storytime", "none"
    return app


async def test_titles_are_there_at_once_and_the_screen_says_that_the_texts_are_searched(world: World) -> None:
    search = Slow(threading.Semaphore(1))  # one permit: for making the texts ready
    app = with_search(world, search)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: search.sought == [()])
        await pilot.press(*"stair")
        await until(
            pilot, lambda: "Searching the texts…" in flat(app) and "searching the texts…" in flat(app)
        )
        await pilot.press("enter", "down", "space")  # the keys go on working
        search.gate.release(20)
        await until(pilot, lambda: "1 in the text" in flat(app) and "on the stair." in in_view(app))
        assert search.sought[-1] == ("stair",)
        assert len(search.sought) <= 4  # not one for each letter


async def test_while_a_word_is_typed_on_the_stories_found_stay(world: World) -> None:
    search = Slow(threading.Semaphore(2))
    app = with_search(world, search)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: search.sought == [()])
        await pilot.press(*"stai")
        await until(pilot, lambda: "1 in the text" in flat(app))
        await pilot.press("r")  # its search has to wait
        await until(pilot, lambda: search.sought[-1] == ("stair",))
        assert "The Mole" in screen_text(app)
        search.gate.release(20)
        await until(pilot, lambda: "1 in the text" in flat(app))


async def test_a_shelf_that_changes_under_a_filter_is_searched_again(world: World) -> None:
    world.collections = (dataclasses.replace(shelf()[0], bundled=False), *SHELF[:1])
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "acorns")
        await until(pilot, lambda: "3 in the text" in flat(app))
        await pilot.press("enter", "d")
        await until(pilot, lambda: "2 in the text" in flat(app))
        assert [line.split("] ")[1].split("  ")[0] for line in titles(app)][1:] == [
            "Spectacles for a Stoat",
            "The Frog",
        ]
        await pilot.press("u")  # the story comes back, and the filter gives way to show it
        await until(pilot, lambda: tree_of(app).leaf and tree_of(app).leaf.title == "The Mole")  # type: ignore[union-attr]
        await look_for(pilot, "acorns")
        await until(pilot, lambda: "3 in the text" in flat(app))


async def test_what_is_ticked_under_a_filter_is_what_was_found(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "stair")
        await until(pilot, lambda: "1 in the text" in flat(app))
        await pilot.press("enter", "home", "space")  # the first collection was ticked whole
        await until(pilot, lambda: "ticked 2 stories" in flat(app))
        assert app.desk.ticks.places(app.desk.collections[0]) == {1, 2}


# -- reading on -------------------------------------------------------------------------------------------


async def test_the_next_story_and_the_one_before_are_a_key_away(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading) and "← → Story" in flat(app))
        for title in (
            "Spectacles for a Stoat",
            "The Frog",
            "The Hedgehog's Umbrella",
            "Mr. Moldwarp's Lantern",
        ):
            await pilot.press("right")
            await until(pilot, lambda title=title: in_view(app).startswith(title))
        assert "2 of 10" in flat(app)
        await pilot.press("left", "left")
        await until(pilot, lambda: in_view(app).startswith("The Frog"))
        await pilot.press("left", "left", "left")
        await until(pilot, lambda: "This is the first story." in flat(app))
        assert isinstance(app.focused, Reading)
        app.screen.go_to("lens", 0)  # type: ignore[attr-defined]
        pane(app).focus()
        await until(pilot, lambda: isinstance(app.focused, Reading) and in_view(app).startswith("One Lens"))
        await pilot.press("right")
        await until(pilot, lambda: "This is the last story." in flat(app))


async def test_under_a_filter_the_next_story_is_the_next_that_was_found(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "spectacles")
        await pilot.press("enter", "enter")
        await until(
            pilot, lambda: isinstance(app.focused, Reading) and in_view(app).startswith("Spectacles for a")
        )
        await pilot.press("right")
        await until(pilot, lambda: "on the stair" in in_view(app))
        await pilot.press("right")
        await until(pilot, lambda: in_view(app).startswith("One Lens"))


async def test_a_story_opens_where_one_was_also_after_a_restart_and_at_another_width(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading) and len(pane(app).sheet.lines) > 200)
        await pilot.press(*["pagedown"] * 4)
        await until(pilot, lambda: pane(app).top > 50)
        first = pane(app).sheet.lines[pane(app).top + 1] or pane(app).sheet.lines[pane(app).top + 2]
        await pilot.press("right")
        await until(pilot, lambda: in_view(app).startswith("Spectacles for a Stoat"))
        await pilot.press("down", "down", "down", "down", "down", "down")
        await until(pilot, lambda: pane(app).top == 6)
        await pilot.press("left")
        await until(pilot, lambda: first in in_view(app))
        assert "─ The Mole ─" in flat(app)  # its title is out of view
        await until(pilot, lambda: world.remembered and len(world.remembered.read) == 2)
    for size in (SMALL, WIDE):
        again = make_app(world)
        async with again.run_test(size=size) as pilot:
            await shelf_is_open(pilot)
            await until(pilot, lambda app=again: first[:18] in in_view(app))
            assert tree_of(again).leaf.title == "The Mole"  # type: ignore[union-attr]


async def test_words_that_are_looked_for_do_not_move_the_place_where_one_was(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading) and len(pane(app).sheet.lines) > 100)
        await pilot.press("pagedown")
        await until(pilot, lambda: pane(app).top > 10)
        top = pane(app).top
        await pilot.press("escape")
        await look_for(pilot, "stair")
        await until(pilot, lambda: "on the stair" in in_view(app))
        await pilot.press("enter", "enter", "n", "escape", "escape")
        await pilot.press("down")
        await until(pilot, lambda: in_view(app).startswith("Spectacles for"))
        await pilot.press("up")
        await until(pilot, lambda: pane(app).top == top)


async def test_the_place_in_a_closed_collection_that_a_filter_found_is_there_after_a_restart(
    world: World,
) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "fir tale 7")
        await pilot.press("enter")
        await until(pilot, lambda: tree_of(app).leaf and tree_of(app).leaf.title == "Fir Tale 7")  # type: ignore[union-attr]
        assert "fir-trees" not in tree_of(app).opened
    again = make_app(world)
    async with again.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: tree_of(again).leaf and tree_of(again).leaf.title == "Fir Tale 7")  # type: ignore[union-attr]
        assert "Fir Tale 7" in screen_text(again)


async def test_a_filter_that_finds_nothing_does_not_lose_the_place(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "down")
        await look_for(pilot, "xyzzy")
        await until(pilot, lambda: "nothing found" in flat(app))
        assert tree_of(app).place == ("lost", "stoat.txt:1")
        await pilot.press("escape")
        await until(pilot, lambda: "Under the Fir Trees" in screen_text(app))
        assert tree_of(app).leaf.title == "Spectacles for a Stoat"  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(60, 20), SMALL, WIDE])
async def test_columns_hold_with_titles_of_every_script_found_in_title_or_text(
    world: World, size: tuple[int, int]
) -> None:
    names = [
        "狐と葡萄の長い長い題名の昔話の題名",
        "השועל והענבים",
        "قصة الثعلب والعنب",
        "e\u0301" * 40,
        "x" * 300,
    ]
    stories = tuple(Story(title, LONG, f"{i}.txt") for i, title in enumerate(names))
    world.collections = (dataclasses.replace(SHELF[0], stories=stories),)
    app = make_app(world)
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await look_for(pilot, "acorns")
        await until(pilot, lambda: "5 in the text" in flat(app))
        tree = tree_of(app)
        lines = ["".join(text for text, _ in tree.parts(row, tree.room)) for row in range(1, 6)]
        assert {cell_len(line) for line in lines} == {tree.room}
        assert len({cell_len(line[: line.rindex("text")]) for line in lines}) == 1
        assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {size[0]}
        assert isinstance(app.screen, LibraryScreen)
