"""Project Gutenberg in the Library: the list that is always there, the search of all of it, fetching."""

import dataclasses
import threading

from textual.widgets import Input

from storytime_tui.errors import CorpusError
from storytime_tui.jobs.books import FoundBooks, GutenbergBook
from storytime_tui.jobs.shelves import AddedCollection
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.book_rows import FIRST, BookIndex, in_order, on_the_shelf
from storytime_tui.tui.screens.search_books import SearchScreen
from storytime_tui.tui.widgets.book_list import BookList
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_library import BOOKS, SHELF, collection
from tests.tui.fakes import World

NEW = AddedCollection(collection("potter", "The Tales of Beatrix Potter", ["Peter", "Tom"], bundled=False))


def titles(app: StorytimeApp) -> list[str]:
    return [book.title for book in app.screen.query_one(BookList).books]


async def test_beatrix_potter_is_two_keys_away(app: StorytimeApp, world: World) -> None:
    world.to_add = NEW
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g")
        await until(pilot, lambda: "The Great Big Treasury of Beatrix Potter" in screen_text(app))
        first = screen_text(app)
        assert "Grimms' Fairy Tales" in first
        assert "Alice's Adventures in Wonderland" in first
        await pilot.press("enter")
        await until(pilot, lambda: "Added “The Tales of Beatrix Potter”: 2 stories." in screen_text(app))
        assert [book.number for book in world.fetched] == [572]


async def test_the_list_narrows_as_one_types_and_offers_to_look_further(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g", *"grimm")
        await until(pilot, lambda: "Search all of Gutenberg for “grimm”" in screen_text(app))
        assert titles(app) == ["Grimms' Fairy Tales", "Household Stories by the Brothers Grimm"]
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "The Fairy Book" in screen_text(app))
        assert world.sought == ["grimm"]
        assert "1 book found" in screen_text(app)
        world.to_add = NEW
        await pilot.press("enter")
        await until(pilot, lambda: [book.number for book in world.fetched] == [7865])


async def test_a_search_says_when_there_is_no_network(app: StorytimeApp, world: World) -> None:
    world.found = FoundBooks((), "gutendex.com cannot be reached, so only the list was searched.")
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g", *"zzz", "ctrl+s")
        await until(pilot, lambda: "Nothing found · gutendex.com cannot be reached" in flat(app))
        world.search_error = CorpusError("The disk is [/b] full.")
        await pilot.press("z", "enter")  # no book left: the offer stands alone
        await until(pilot, lambda: "The disk is [/b] full." in screen_text(app))
        assert world.sought == ["zzz", "zzzz"]


async def test_a_search_stops_and_the_screen_is_left(app: StorytimeApp, world: World) -> None:
    world.search_gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g", *"owl", "ctrl+s")
        await until(pilot, lambda: "Searching Gutenberg for “owl”" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped" in screen_text(app))
        assert isinstance(app.screen, SearchScreen)
        await pilot.press("ctrl+s", "s")  # typed on: the search for "owl" is not wanted any more
        await until(pilot, lambda: "Search all of Gutenberg for “owls”" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])


async def test_a_download_shows_how_far_it_has_come_and_stops(app: StorytimeApp, world: World) -> None:
    world.to_add, world.add_gate = NEW, threading.Semaphore(2)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g")
        await until(pilot, lambda: "Beatrix" in screen_text(app))
        await pilot.press("down", "enter")
        await until(
            pilot, lambda: "Fetching Grimms' Fairy Tales" in screen_text(app) and "━━" in screen_text(app)
        )
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped; nothing was imported." in screen_text(app))


async def test_a_book_that_cannot_be_fetched_leaves_the_search_as_it_was_and_enter_tries_again(
    app: StorytimeApp, world: World
) -> None:
    world.add_error = CorpusError(
        "www.gutenberg.org cannot be reached: check the network, or try again later."
    )
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g", *"grimm", "ctrl+s")
        await until(pilot, lambda: titles(app) == ["The Fairy Book"])
        world.found = FoundBooks(())  # a second search would find nothing
        await pilot.press("enter")
        await until(pilot, lambda: "gutenberg.org cannot be reached: check the network, or try" in flat(app))
        await until(pilot, lambda: isinstance(app.screen, SearchScreen))
        assert titles(app) == ["The Fairy Book"]
        assert app.screen.query_one("#query", Input).value == "grimm"
        assert "↵ Fetch" in flat(app)
        assert "Traceback" not in flat(app)
        world.add_error, world.to_add = None, NEW
        await pilot.press("enter")
        await until(pilot, lambda: "Added “The Tales of Beatrix Potter”: 2 stories." in screen_text(app))
        assert app.screen is app.screen_stack[0]
        assert [book.number for book in world.fetched] == [7865, 7865]


async def test_the_cursor_of_the_search_stays_when_a_book_cannot_be_fetched_or_is_stopped(
    app: StorytimeApp, world: World
) -> None:
    world.add_gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g", *"grimm")
        await until(pilot, lambda: "Search all of Gutenberg for “grimm”" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Fetching Household Stories" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped; nothing was imported." in screen_text(app))
        assert isinstance(app.screen, SearchScreen)
        assert app.screen.query_one(BookList).cursor == 1
        world.add_error = CorpusError("The disk is [/b] full.")
        world.add_gate = None
        await pilot.press("enter")
        await until(pilot, lambda: "The disk is [/b] full." in screen_text(app))
        assert app.screen.query_one(BookList).cursor == 1


async def test_a_fetch_that_goes_on_in_the_background_closes_the_search(
    app: StorytimeApp, world: World
) -> None:
    world.to_add, world.add_gate = NEW, threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g")
        await until(pilot, lambda: "Beatrix" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Run in background" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.screen_stack[0] and "i shows the progress" in flat(app))
        world.add_gate.release(10)
        await until(pilot, lambda: "Added “The Tales of Beatrix Potter”: 2 stories." in screen_text(app))


async def test_a_book_that_is_on_the_shelf_says_so_and_is_shown_there(world: World) -> None:
    alice = dataclasses.replace(SHELF[2], source="https://www.gutenberg.org/ebooks/11")
    world.collections = (*SHELF[:2], alice)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g")
        await until(pilot, lambda: "on shelf" in screen_text(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.screen is app.screen_stack[0])
        assert world.fetched == []
        assert app.screen.shelf_tree.leaf.collection.name == "attic"  # type: ignore[attr-defined]


async def test_a_click_chooses(app: StorytimeApp, world: World) -> None:
    world.to_add = NEW
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g")
        await until(pilot, lambda: "Beatrix" in screen_text(app))
        await pilot.click(BookList, offset=(5, 2))
        await until(pilot, lambda: [book.number for book in world.fetched] == [11])


# -- pure -------------------------------------------------------------------------------------------------


def test_the_favourites_stand_first_and_the_rest_as_it_was() -> None:
    order = [book.number for book in in_order(BOOKS)]
    assert order == [*FIRST, 19068, 12, 21, 271]


def test_every_word_must_be_found_somewhere() -> None:
    catalogue = BookIndex(BOOKS)
    assert [b.number for b in catalogue.matching("carroll looking")] == [12]
    assert [b.number for b in catalogue.matching("ALICES")] == [11]
    assert [b.number for b in catalogue.matching("animals")] == [21]
    assert [b.number for b in catalogue.matching("2591")] == [2591]
    assert len(catalogue.matching("  ")) == len(BOOKS)
    assert BookIndex([GutenbergBook(1, "Märchen", "Müller")]).matching("marchen muller")


def test_books_on_the_shelf_are_known_by_their_source() -> None:
    sources = [
        "https://www.gutenberg.org/ebooks/11",
        "https://gutenberg.org/cache/epub/572/pg572.txt",
        "Project Gutenberg, no. 21",
        "Project Gutenberg eBook #271",
        "written for the tests",
        "",
    ]
    shelf = [dataclasses.replace(SHELF[0], name=str(i), source=source) for i, source in enumerate(sources)]
    assert on_the_shelf(shelf) == {11: "0", 572: "1", 21: "2", 271: "3"}


def test_the_lists_own_favourites_are_in_the_list_that_comes_with_the_program() -> None:
    from storytime_tui.tui.real_services import real_services

    books = in_order(real_services().browse_books())
    assert len(books) >= 300
    assert [book.number for book in books[:3]] == list(FIRST)


async def test_a_slip_of_the_hand_is_forgiven(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("g", *"poter trasury")
        await until(pilot, lambda: "No book has “poter trasury”; 1 book with a word spelled" in flat(app))
        assert "The Great Big Treasury of Beatrix Potter" in screen_text(app)
        assert "Search all of Gutenberg for “poter trasury”" in screen_text(app)


def test_a_word_that_a_book_has_is_never_taken_for_another() -> None:
    catalogue = BookIndex(BOOKS)
    assert [book.number for book in catalogue.fuzzy("caroll")] == [11, 12]
    assert catalogue.fuzzy("beatrix xyzzyq") == []
    assert [book.number for book in catalogue.fuzzy("alice carrol")] == [11]
    assert catalogue.fuzzy("fbl") == []
