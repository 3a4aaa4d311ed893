"""Library: bringing texts in, by hand and by paste; renaming, removing and taking back."""

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from storytime_tui.errors import CorpusError
from storytime_tui.jobs.shelves import AddedCollection
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen, ListScreen
from storytime_tui.tui.screens.importing import ImportingScreen
from storytime_tui.tui.screens.library import LibraryScreen
from storytime_tui.tui.widgets.message_line import MessageLine
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fake_library import SHELF, FakeRemoved, collection
from tests.tui.fakes import World

MINE = collection("mine", "My Tales", ["One", "Two", "Three"], bundled=False)


@pytest.fixture
def world(world: World) -> World:
    world.collections = (*SHELF[:1], MINE)
    return world


async def ask_for(pilot: Pilot[Any], typed: str) -> None:
    await pilot.press("i")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    await type_text(pilot, typed)
    await pilot.press("enter")


async def paste(pilot: Pilot[Any], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


def newcomer(*problems: str, copies: tuple[str, ...] = ()) -> AddedCollection:
    return AddedCollection(
        collection("new", "New Tales", ["First", "Second"], bundled=False), problems, copies
    )


def tree_of(app: StorytimeApp) -> ShelfTree:
    return app.screen_stack[0].query_one(ShelfTree)


# -- importing --------------------------------------------------------------------------------------------


async def test_import_adds_a_collection_ticks_it_and_shows_it(app: StorytimeApp, world: World) -> None:
    world.to_add = newcomer("notes.bin is not a text.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await ask_for(pilot, "~/tales of mine")
        await until(pilot, lambda: "12 stories" in flat(app))
        assert world.added == [str(Path("~/tales of mine").expanduser())]
        await until(pilot, lambda: "notes.bin is not a text." in screen_text(app))
        assert "Added “New Tales”: 2 stories." in screen_text(app)
        assert "[x] New Tales" in screen_text(app)
        await until(pilot, lambda: tree_of(app).leaf and tree_of(app).leaf.collection.name == "new")  # type: ignore
        await pilot.press("escape")
        await until(pilot, lambda: "Added" not in screen_text(app))


async def test_an_address_and_several_paths_are_taken_as_they_are(app: StorytimeApp, world: World) -> None:
    world.to_add = newcomer()
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await ask_for(pilot, "https://example.org/a%20book.epub")
        await until(pilot, lambda: "Added" in screen_text(app))
        await ask_for(pilot, "'/a b/c.txt' /d.zip")
        await until(pilot, lambda: len(world.added) == 3)
        assert world.added == ["https://example.org/a%20book.epub", "/a b/c.txt", "/d.zip"]


async def test_an_import_that_cannot_work_says_why(app: StorytimeApp, world: World) -> None:
    world.add_error = CorpusError("There is nothing at /nowhere: check the path.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await ask_for(pilot, "/nowhere")
        await until(pilot, lambda: "There is nothing at /nowhere" in screen_text(app))
        assert "10 stories" in screen_text(app)


async def test_an_import_shows_how_far_it_has_come_and_stops(app: StorytimeApp, world: World) -> None:
    world.to_add, world.add_gate = newcomer(), threading.Semaphore(1)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await ask_for(pilot, "/tales")
        await until(pilot, lambda: "Importing tales" in screen_text(app) and "━━━" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped; nothing was imported." in screen_text(app))
        await until(pilot, lambda: app.screen is app.screen_stack[0])
        assert len(app.desk.collections) == 2


async def test_an_import_goes_on_while_one_looks_at_another_screen(app: StorytimeApp, world: World) -> None:
    world.to_add, world.add_gate = newcomer(), threading.Semaphore(1)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await ask_for(pilot, "/tales")
        await until(pilot, lambda: isinstance(app.screen, ImportingScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "Importing tales… i shows the progress." in screen_text(app))
        await pilot.press("f3")
        await until(pilot, lambda: app.current_mode == "train")
        await pilot.press("f2", "i")
        await until(
            pilot, lambda: isinstance(app.screen, ImportingScreen)
        )  # one at a time: it is shown again
        window = app.screen
        world.add_gate.release(9)
        await until(pilot, lambda: "Added “New Tales”" in screen_text(app))
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen))
        window._update()  # a late tick of its timer closes nothing else
        assert isinstance(app.screen, LibraryScreen)


async def test_everything_that_was_left_out_can_be_read(app: StorytimeApp, world: World) -> None:
    problems = tuple(
        f"file{i}.bin [/b] is not a text, but something that nobody can read." for i in range(200)
    )
    world.to_add = newcomer(*problems, copies=("“First” is the same as “One” in My Tales.",))
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("l")
        assert app.screen is app.screen_stack[0]  # nothing was left out yet
        await ask_for(pilot, "/tales")
        await until(pilot, lambda: "l lists all 201 remarks" in flat(app))
        assert f"known before. l lists all 201 remarks. {problems[0]}" in flat(app)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ListScreen) and "file1.bin" in screen_text(app))
        await pilot.press("end")
        await until(pilot, lambda: "“First” is the same as “One” in My Tales." in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])


# -- pasting ----------------------------------------------------------------------------------------------


async def test_dropped_files_are_imported_after_a_question(app: StorytimeApp, world: World) -> None:
    world.to_add = newcomer()
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await paste(pilot, "/home/me/My\\ Tales.epub file:///home/me/two%20tales.txt ")
        await until(pilot, lambda: "Import these 2?" in screen_text(app))
        assert "/home/me/My Tales.epub" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])
        assert world.added == []
        await paste(pilot, "https://www.gutenberg.org/ebooks/11")
        await until(pilot, lambda: "Import this?" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Added “New Tales”" in screen_text(app))
        assert world.added == ["https://www.gutenberg.org/ebooks/11"]


async def test_a_file_dropped_while_the_filter_is_typed_is_imported(app: StorytimeApp, world: World) -> None:
    async with app.run_test() as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", *"fo")
        await paste(pilot, "/home/me/My\\ Tales.epub ")
        await until(pilot, lambda: "Import this?" in screen_text(app))
        await pilot.press("escape")
        assert app.screen.query_one("#filter", Input).value == "fo"
        await paste(pilot, "x")
        await until(pilot, lambda: app.screen.query_one("#filter", Input).value == "fox")


async def test_a_pasted_text_becomes_a_story(app: StorytimeApp, world: World) -> None:
    world.to_add = newcomer()
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "enter")  # while one reads, too
        await until(pilot, lambda: isinstance(app.focused, Reading))
        await paste(pilot, "The Fox\r\rOnce there was a fox.\r")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert app.screen.query_one(Input).value == "The Fox"
        assert "7 words" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: world.pasted == [("The Fox\n\nOnce there was a fox.\n", "The Fox")])
        await until(pilot, lambda: "Added “New Tales”" in screen_text(app))


async def test_a_slip_of_the_hand_does_nothing(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await paste(pilot, "a few words")
        await until(pilot, lambda: "too short for a story" in screen_text(app))
        await paste(pilot, "  \n ")
        assert app.screen is app.screen_stack[0]


# -- changing ---------------------------------------------------------------------------------------------


async def test_rename_a_story_and_a_collection(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("mine", 1)  # type: ignore[attr-defined]
        await pilot.press("space", "r")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert app.screen.query_one(Input).value == "Two"
        await type_text(pilot, "Two and a Half")
        await pilot.press("enter")
        await until(pilot, lambda: "[x] Two and a Half" in screen_text(app))
        assert "Now called “Two and a Half”." in screen_text(app)
        await pilot.press("left", "r")
        await type_text(pilot, "Ours")
        await pilot.press("enter")
        await until(pilot, lambda: "Now called “Ours”." in screen_text(app))
        assert world.collections[1].title == "Ours"
        await pilot.press("r", "enter")  # the same title: nothing to do
        assert "[-] Ours" in screen_text(app)


async def test_remove_and_undo_keep_ticks_and_place(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("mine", 1)  # type: ignore[attr-defined]
        await pilot.press("down", "space", "up", "d")
        await until(pilot, lambda: "Removed “Two”. u brings it back." in screen_text(app))
        await until(pilot, lambda: "[x] Three" in screen_text(app))
        assert app.desk.ticks.places(world.collections[1]) == {1}
        assert tree_of(app).leaf.title == "Three"  # type: ignore[union-attr]
        await pilot.press("left", "delete")
        await until(pilot, lambda: "Removed “My Tales”. u brings it back." in screen_text(app))
        assert "[ ] My Tales" not in screen_text(app)
        await pilot.press("home", "u")
        await until(pilot, lambda: "“My Tales” is back on the shelf." in screen_text(app))
        assert "[-] My Tales" in screen_text(app)
        assert tree_of(app).leaf.title == "My Tales"  # type: ignore[union-attr]
        await pilot.press("u")
        await until(pilot, lambda: app.desk.collections[1].stories == MINE.stories)
        assert app.desk.ticks.places(app.desk.collections[1]) == {2}
        assert "“Two” is back in My Tales." in screen_text(app)
        assert tree_of(app).leaf.title == "Two"  # type: ignore[union-attr]
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to bring back." in screen_text(app))
        assert "is back" not in screen_text(app)


async def test_what_was_removed_earlier_can_be_chosen_and_brought_back(
    app: StorytimeApp, world: World
) -> None:
    whole = world.collections
    world.collections = (whole[0], dataclasses.replace(MINE, stories=MINE.stories[:2]))
    three = FakeRemoved(whole, "Three", "My Tales", "mine", MINE.stories[2].place)
    world.removed_earlier = (FakeRemoved(whole, "Old [b]"), three)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        assert "Old [b] a collection" in flat(app)
        assert "Three" in screen_text(app)
        assert "of My Tales" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "“Three” is back in My Tales." in screen_text(app))
        assert tree_of(app).leaf.title == "Three"  # type: ignore[union-attr]


async def test_a_title_that_another_has_is_warned_of(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("mine", None)  # type: ignore[attr-defined]
        await pilot.press("r")
        await type_text(pilot, "Hedgerow Tales")
        await pilot.press("enter")
        await until(pilot, lambda: "Another collection is called so, too: hedgerow." in flat(app))


async def test_what_was_said_goes_with_the_next_key_and_nothing_moves(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        before = tree_of(app).region
        app.screen.go_to("mine", 0)  # type: ignore[attr-defined]
        await pilot.press("d")
        await until(pilot, lambda: "Removed “One”. u brings it back." in screen_text(app))
        assert tree_of(app).region == before
        await pilot.press("up")
        await until(pilot, lambda: "Removed" not in screen_text(app))
        assert tree_of(app).region == before
        await pilot.press("slash")
        world.change_error = CorpusError("The disk is full.")
        await pilot.press("escape", "end", "d")
        await until(pilot, lambda: "The disk is full." in screen_text(app))
        await pilot.press("slash", "o")  # a letter that is typed is a key, too
        await until(pilot, lambda: "The disk is full." not in screen_text(app))


async def test_a_long_remark_is_cut_and_l_has_all_of_it(app: StorytimeApp, world: World) -> None:
    world.change_error = CorpusError("The disk is full [/b]: " + "make room and try again; " * 12 + "END.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("mine", 0)  # type: ignore[attr-defined]
        await pilot.press("d")
        await until(pilot, lambda: "The disk is full [/b]: make room" in screen_text(app))
        assert "… (l)" in screen_text(app)
        await pilot.press("down", "l")
        await until(pilot, lambda: isinstance(app.screen, ListScreen) and "END." in screen_text(app))


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 1), ((160, 48), 2)])
async def test_the_remark_has_its_place_from_the_start(
    app: StorytimeApp, size: tuple[int, int], lines: int
) -> None:
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: app.screen.query_one(MessageLine).region.height == lines)


async def test_what_cannot_be_read_of_the_shelf_is_said(app: StorytimeApp, world: World) -> None:
    world.unreadable = ("broken/collection.toml is not valid TOML: line 1.", "empty holds no .txt files.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "2 things on the shelf cannot be read (l): broken/coll" in flat(app))
        await pilot.press("down", "l")
        await until(pilot, lambda: "empty holds no .txt files." in screen_text(app))
        await pilot.press("escape")
        app.screen.go_to("mine", 0)  # type: ignore[attr-defined]
        await pilot.press("d")  # the shelf is read anew: it is not said again
        await until(pilot, lambda: "Removed “One”" in screen_text(app))


async def test_escape_leaves_an_import_that_does_not_look_up(app: StorytimeApp, world: World) -> None:
    world.to_add, world.add_gate, world.add_is_deaf = newcomer(), threading.Semaphore(1), True
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await ask_for(pilot, "/tales")
        await until(pilot, lambda: isinstance(app.screen, ImportingScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])  # at once
        await until(pilot, lambda: "Stopped; nothing was imported." in screen_text(app))
        await pilot.press("i")  # another one can begin
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("escape")
        world.add_gate.release(9)  # it was through already: then it is said
        await until(pilot, lambda: "Added “New Tales”: 2 stories." in screen_text(app))


async def test_what_came_with_the_program_stays(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        for key in ("d", "minus"):
            await pilot.press("escape", key)
            await until(
                pilot, lambda: "Hedgerow Tales came with Storytime and stays as it is." in screen_text(app)
            )


async def test_the_punctuation_of_a_collection_is_switched(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("mine", None)  # type: ignore[attr-defined]
        await until(pilot, lambda: "curly quotes simplified" in screen_text(app))
        await pilot.press("minus")
        await until(pilot, lambda: "Quotes and dashes in “My Tales” are used as written." in screen_text(app))
        await until(pilot, lambda: "curly quotes kept" in screen_text(app))
        await pilot.press("minus")
        await until(pilot, lambda: "are made plain." in screen_text(app))


async def test_a_change_that_fails_is_a_sentence(app: StorytimeApp, world: World) -> None:
    world.change_error = CorpusError("The disk is full.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("mine", 0)  # type: ignore[attr-defined]
        await pilot.press("d")
        await until(pilot, lambda: "The disk is full." in screen_text(app))
        assert "u brings it back" not in screen_text(app)


async def test_leaving_while_everything_is_under_way(world: World) -> None:
    world.to_add, world.add_gate = newcomer(), threading.Semaphore(1)
    world.collections = tuple(dataclasses.replace(c, name=f"{c.name}{i}") for i in range(9) for c in SHELF)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "down", "space", "slash", "f")
        await pilot.press("escape")
        await ask_for(pilot, "/tales")
        await pilot.press("ctrl+q")
        world.add_gate.release(9)
    assert app.return_code == 0
