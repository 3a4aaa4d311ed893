"""Library: ticking, reading, filtering, importing, going on."""

from pathlib import Path

from textual.widgets import Input

from storytime_tui.errors import CorpusError
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from tests.tui.conftest import SMALL, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import FakeAdded, World, collection


async def test_a_newcomer_can_go_straight_on(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        text = screen_text(app)
        assert "10 stories · 460 words · about 644 tokens for scratch-small" in text
        assert "[x] Hedgerow Tales" in text
        assert "[ ] Under the Fir Trees" in text
        await pilot.press("t")
        await until(pilot, lambda: app.current_mode == "train" and "Learn from" in screen_text(app))
        assert "Hedgerow Tales · 10 stories" in screen_text(app)


async def test_space_ticks_a_story_and_the_counts_follow(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "space")
        await until(pilot, lambda: "9 stories" in screen_text(app))
        assert "[-] Hedgerow Tales" in screen_text(app)
        await pilot.press("up", "space")
        await until(pilot, lambda: "[x] Hedgerow Tales" in screen_text(app))
        await pilot.press("space")
        await until(pilot, lambda: "nothing ticked" in screen_text(app))


async def test_a_click_on_the_tick_ticks(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.click(ShelfTree, offset=(6, 2))
        await until(pilot, lambda: "9 stories" in screen_text(app))


async def test_enter_opens_a_collection_and_reads_a_story(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading))
        assert "At the bottom of Primrose Lane" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, ShelfTree))
        await pilot.press("left", "enter")
        await until(pilot, lambda: "The Robin's Coat" in screen_text(app))


async def test_the_filter_narrows_as_one_types_and_escape_shows_all(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", "w", "r", "e", "n")
        await until(pilot, lambda: "Under the Fir Trees" not in screen_text(app))
        assert "A Button for the Wren" in screen_text(app)
        await pilot.press("1", "2", "question_mark")
        assert app.current_mode == "library"
        assert app.screen.query_one("#filter", Input).value == "wren12?"
        await pilot.press("escape")
        await until(pilot, lambda: "Under the Fir Trees" in screen_text(app))


async def test_import_adds_a_collection_and_ticks_it(app: StorytimeApp, world: World) -> None:
    world.to_add = FakeAdded(collection("mine", "My Tales", ["One", "Two"]), ("notes.bin is not a text.",))
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await type_text(pilot, "~/tales of mine")
        await pilot.press("enter")
        await until(pilot, lambda: "12 stories" in screen_text(app))
        assert world.added == [Path("~/tales of mine").expanduser()]
        assert "notes.bin is not a text." in screen_text(app)
        assert "[x] My Tales" in screen_text(app)


async def test_an_import_that_cannot_work_says_why(app: StorytimeApp, world: World) -> None:
    world.add_error = CorpusError("There is nothing at /nowhere: check the path.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await type_text(pilot, "/nowhere")
        await pilot.press("enter")
        await until(pilot, lambda: "There is nothing at /nowhere" in screen_text(app))
        assert "10 stories" in screen_text(app)


async def test_a_shelf_that_cannot_be_opened_says_why(app: StorytimeApp, world: World) -> None:
    world.shelf_error = CorpusError("The shelf is locked.")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "The shelf is locked." in screen_text(app))


async def test_an_empty_shelf_says_what_to_do(app: StorytimeApp, world: World) -> None:
    world.collections = ()
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "Press i to add" in screen_text(app))
        await pilot.press("space", "enter", "t")
        await until(pilot, lambda: "nothing is ticked yet" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "Nothing is ticked to learn from" in screen_text(app))
