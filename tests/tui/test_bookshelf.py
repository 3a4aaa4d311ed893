"""The bookshelf: every story is listed, found, read, changed, exported, brought back and learned from."""

import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input

from storytime_tui.jobs.own_stories import LearnedStories
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.whole import read_tree
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.phrases import phrases_of
from storytime_tui.tui.screens.book_view import BookScreen
from storytime_tui.tui.screens.bookshelf import FOUND, BookshelfScreen
from storytime_tui.tui.screens.dialogs import AskScreen, ChooseScreen
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.story_rows import Order, place_in, reading_time, when
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.story_list import StoryList
from storytime_tui.tui.widgets.story_preview import StoryPreview, sheet_of
from tests.tui.conftest import SMALL, flat, make_app, screen_text, type_text, until
from tests.tui.fakes import AT_NOON, HOSTILE, World

WIDE = (120, 40)
OWL, MOUSE, FROG = (
    "An owl sat in the oak and sang about the moon.\n\nThe moon came down to listen.",
    "A mouse sold buttons under the stair. The mouse was glad of every button, and the stair was dark.",
    "Frøg og fløde. The frog paid with three acorns.",
)


@pytest.fixture
def shelf(world: World) -> World:
    """Three stories, Frog changed last."""
    store = world.services().open_store()
    for title, text in ("The Owl", OWL), ("The Mouse", MOUSE), ("Frog", FROG):
        story = store.new_story(title)
        store.add_passage(story.id, "you", text[:10])
        store.add_passage(story.id, "model", text[10:], "hedgerow-1")
    store.close()
    return world


def stories(app: StorytimeApp) -> StoryList:
    return app.screen.query_one(StoryList)


def titles(app: StorytimeApp) -> list[str]:
    return [row.story.title for row in stories(app).rows]


async def to_shelf(pilot: Pilot[Any], app: StorytimeApp, title: str = "") -> None:
    """Go to the bookshelf, and there to the story of this title."""
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)
    await pilot.press("escape", "o")
    await until(pilot, lambda: isinstance(app.focused, StoryList) and (not title or title in titles(app)))
    if title:
        stories(app).move_to(titles(app).index(title))
    await pilot.pause()


async def answer(pilot: Pilot[Any], app: StorytimeApp, text: str) -> None:
    """Type into the dialog in place of what is there."""
    await until(pilot, lambda: isinstance(app.screen, AskScreen) and isinstance(app.focused, Input))
    await pilot.press("ctrl+u")
    await type_text(pilot, text)
    await pilot.press("enter")


# -- the list --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_every_story_is_listed_with_its_figures_and_first_lines(
    shelf: World, size: tuple[int, int]
) -> None:
    app = make_app(shelf)
    async with app.run_test(size=size) as pilot:
        await to_shelf(pilot, app, "The Owl")
        assert titles(app) == ["Frog", "The Mouse", "The Owl"]  # the last changed first
        await until(pilot, lambda: "An owl sat in the oak" in flat(app))
        line = next(line for line in screen_text(app).splitlines() if "The Mouse " in line)
        assert line.split()[1:6] == ["The", "Mouse", "19", "1970-01-12", "hedgerow-1"]
        assert "17 words · 1 min to read" in flat(app)
        assert "3 stories" in flat(app)


async def test_only_the_story_under_the_cursor_is_read_and_not_on_the_event_loop(
    shelf: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, threading.Thread]] = []

    def watched(store: StoryStore, story: int, phrases: Sequence[str], room: int) -> Any:
        read.append((story, threading.current_thread()))
        return original(store, story, phrases, room)

    from storytime_tui.tui.widgets import story_preview

    original = story_preview.sheet_of
    monkeypatch.setattr(story_preview, "sheet_of", watched)
    app = make_app(shelf)
    async with app.run_test(size=WIDE) as pilot:
        await to_shelf(pilot, app)
        await until(pilot, lambda: "Frøg og fløde." in flat(app))
        await pilot.press("down", "down")
        await until(pilot, lambda: "An owl sat" in flat(app))
    assert {1, 3} <= {story for story, _ in read} <= {1, 2, 3}
    assert threading.main_thread() not in {thread for _, thread in read}


async def test_it_sorts_by_change_title_and_words_and_favourites_come_first(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Owl")
        await pilot.press("s")
        assert titles(app) == ["Frog", "The Mouse", "The Owl"]
        assert "Title ▲" in screen_text(app)
        await pilot.press("s")
        assert titles(app) == ["The Mouse", "The Owl", "Frog"]
        assert "Words ▼" in screen_text(app)
        await pilot.press("f")
        await until(pilot, lambda: "“The Owl” is a favourite." in flat(app))
        await until(pilot, lambda: "★ The Owl" in screen_text(app))
        await pilot.press("F")
        assert titles(app) == ["The Owl", "The Mouse", "Frog"]
        assert stories(app).row and stories(app).row.story.title == "The Owl"  # the cursor stays on its story
        await pilot.press("escape", "o")
        await until(pilot, lambda: isinstance(app.focused, StoryList))
        assert titles(app) == ["The Owl", "The Mouse", "Frog"]  # remembered
        assert shelf.store().story(1).favourite
        assert app.desk.bookshelf.order == Order("words", favourites_first=True)


async def test_an_empty_shelf_says_what_to_do(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app)
        await until(pilot, lambda: "No stories yet." in flat(app) and "i imports a file" in flat(app))
        await pilot.press(*"bfrtDdwxl", "enter", "space")  # nothing to act on
        assert isinstance(app.screen, BookshelfScreen)


async def test_titles_of_any_signs_break_no_column_and_are_no_markup(world: World) -> None:
    store = world.services().open_store()
    for title in (HOSTILE, "龍的故事" * 20, "قصة البومة الصغيرة", "e\u0301" * 60, "[b]bold[/b]", ""):
        store.add_passage(store.new_story(title).id, "you", "One two.")
    store.close()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app)
        await until(pilot, lambda: len(stories(app).rows) == 6)
        lines = [line for line in screen_text(app).splitlines() if "1970-01-12" in line]
        assert len(lines) == 6
        ends = {cell_len(line[: line.index("1970-01-12")]) for line in lines}
        assert len(ends) == 1
        assert "[b]bold[/b]" in screen_text(app) and "(no title)" in screen_text(app)


# -- finding ---------------------------------------------------------------------------------------------


async def test_a_search_shows_the_place_of_each_hit_while_one_types(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=WIDE) as pilot:
        await to_shelf(pilot, app, "The Owl")
        await pilot.press("slash", *"fro")
        await until(pilot, lambda: titles(app) == ["Frog"])
        assert "1 of 3 stories" in flat(app)
        await pilot.press("ctrl+u", *"the stair")
        await until(pilot, lambda: titles(app) == ["The Mouse"])  # both words, in any place
        await until(pilot, lambda: "A mouse sold buttons under" in flat(app))
        await pilot.press("ctrl+u", *"acorns")
        await until(pilot, lambda: titles(app) == ["Frog"] and "three acorns" in flat(app))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(titles(app)) == 3)
        assert stories(app).row and stories(app).row.story.title == "Frog"
        assert isinstance(app.focused, StoryList)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))


async def test_the_place_that_a_search_found_is_in_the_lowest_pane(world: World) -> None:
    store = world.services().open_store()
    talk = "\n\n".join(f"“{number},” said the owl." for number in range(40))
    store.add_passage(store.new_story("Talk").id, "you", f"{talk}\n\nA lantern was lit.\n\n{talk}")
    store.close()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "Talk")
        pane = app.screen.query_one(StoryPreview)
        await until(pilot, lambda: "“1,” said the owl." in rows_of(app, pane))
        await pilot.press("slash", *"lantern")
        await until(pilot, lambda: "A lantern was lit." in rows_of(app, pane))
        assert "“39,” said the owl." in rows_of(app, pane)
        row = next(row for row in range(pane.size.height) if "lantern" in pane.render_line(row).text)
        marked = [each for each in pane.render_line(row) if each.text == "lantern"]
        assert marked and marked[0].style != pane.base
        await pilot.press("enter", "escape")
        await until(pilot, lambda: "“1,” said the owl." in rows_of(app, pane))


def rows_of(app: StorytimeApp, pane: StoryPreview) -> str:
    """What is seen in the pane."""
    return "\n".join(pane.render_line(row).text for row in range(pane.size.height))


@pytest.mark.parametrize("sign", ["a ", "故"])
def test_the_lines_around_a_place_fit_and_hold_it_wherever_it_is(world: World, sign: str) -> None:
    with closing(world.services().open_store()) as store:
        for number in (0, 1, 40, 700, 9_000):
            story = store.new_story("Place").id
            store.add_passage(story, "you", sign * number + "fox" + sign * 9_000)
            for room in (16, 40, 74):
                sheet = sheet_of(store, story, ["fox"], room)
                assert "fox" in "".join(sheet.lines[:4]), (number, room)
                assert max(map(cell_len, sheet.lines)) <= sheet.width
                assert sheet.lines[0].startswith("…") == (number > 40) or number == 40


async def test_nothing_found_is_said_and_many_are_counted(world: World) -> None:
    store = world.services().open_store()
    for number in range(FOUND + 20):
        store.add_passage(store.new_story(f"Story {number}").id, "you", "The same words.")
    store.close()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app)
        await pilot.press("slash", *"same")
        await until(pilot, lambda: f"the {FOUND} changed last of {FOUND + 20} found" in flat(app))
        await pilot.press(*"zz")
        await until(pilot, lambda: "No story holds this." in flat(app))


def test_what_is_typed_becomes_phrases() -> None:
    assert phrases_of(' the  "old owl" fox ') == ("the", "old owl", "fox")
    assert phrases_of('"the ow') == ("the ow",)  # while it is typed
    assert phrases_of('  " " \'') == ()


def test_a_place_is_found_through_accents_and_case() -> None:
    text = "Das MÄRCHEN von Robin’s Hut"
    assert place_in(text, ["marchen"]) == (4, 11)
    start, end = place_in(text, ["zzz", "robins"]) or (0, 0)
    assert text[start:end] == "Robin’s"
    assert place_in(text, ["zzz"]) is None


# -- one story -------------------------------------------------------------------------------------------


async def test_enter_opens_the_story_on_its_page(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Owl")
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, StoryScreen) and "An owl sat in the oak" in flat(app)
        )
        assert isinstance(app.focused, Page)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.focused, StoryList))
        await until(pilot, lambda: stories(app).row and stories(app).row.story.title == "The Owl")


async def test_rename_is_seen_on_the_page_too(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "Frog")
        await pilot.press("r")
        await answer(pilot, app, "  The   Frog ")
        await until(pilot, lambda: "Now called “The Frog”." in flat(app) and "The Frog" in titles(app))
        assert shelf.store().story(3).title == "The Frog"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "The Frog" in flat(app))


async def test_remove_and_bring_back_now_and_in_a_later_sitting(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Mouse")
        await pilot.press("d")
        await until(pilot, lambda: titles(app) == ["Frog", "The Owl"])
        assert "Removed “The Mouse”. u brings it back." in flat(app)
        await pilot.press("u")
        await until(pilot, lambda: "The Mouse" in titles(app) and "“The Mouse” is back." in flat(app))
        await pilot.press("delete")
        await until(pilot, lambda: "The Mouse" not in titles(app))
    later = make_app(shelf)
    async with later.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, later)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(later.screen, ChooseScreen) and "The Mouse" in flat(later))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(later.screen, BookshelfScreen) and "The Mouse" in titles(later))
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to bring back." in flat(later))


async def test_the_story_on_the_page_gives_way_to_a_blank_one_when_it_is_removed(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "Frog")
        await pilot.press("d")
        await until(pilot, lambda: "Frog" not in titles(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "A blank page" in screen_text(app))


async def test_the_story_on_the_page_is_open_again_when_it_is_brought_back(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "Frog")
        await pilot.press("d")
        await until(pilot, lambda: "Frog" not in titles(app))
        await pilot.press("u")
        await until(pilot, lambda: "Frog" in titles(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "three acorns" in flat(app))
        assert app.screen.query_one(Page).text == FROG


async def test_a_story_that_is_brought_back_leaves_another_one_on_the_page(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "Frog")
        await pilot.press("d")
        await until(pilot, lambda: titles(app) == ["The Mouse", "The Owl"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await until(pilot, lambda: "sold buttons" in flat(app))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.focused, StoryList))
        await pilot.press("u")
        await until(pilot, lambda: "Frog" in titles(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        assert app.screen.query_one(Page).text == MOUSE


async def test_duplicate_copies_the_whole_tree(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Owl")
        await pilot.press("D")
        await until(pilot, lambda: stories(app).row and stories(app).row.story.title == "The Owl (copy)")
        store = shelf.store()
        assert read_tree(store, 4).nodes == read_tree(store, 1).nodes


async def test_export_by_the_ending_and_never_over_a_file(shelf: World, tmp_path: Path) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Owl")
        await pilot.press("x")
        await answer(pilot, app, str(tmp_path / "owl.doc"))
        await until(pilot, lambda: "End the file's name in .txt, .md, .html, .epub or .json." in flat(app))
        for ending in ("txt", "md", "html", "epub", "json"):
            file = tmp_path / f"owl.{ending}"
            await answer(pilot, app, str(file))
            await until(pilot, lambda: isinstance(app.screen, BookshelfScreen))
            await until(pilot, lambda: "“The Owl” is in" in flat(app))
            assert file.stat().st_size > 50
            await pilot.press("x")
        await answer(pilot, app, str(file))
        await until(pilot, lambda: "exists already and is not overwritten" in flat(app))


async def test_import_puts_the_cursor_on_the_new_story(shelf: World, tmp_path: Path) -> None:
    file = tmp_path / "The Snail.md"
    file.write_text("# The Snail\n\nA snail came first.\n", encoding="utf-8")
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app)
        await pilot.press("i")
        await answer(pilot, app, str(tmp_path / "missing.txt"))
        await until(pilot, lambda: "There is no file" in flat(app))
        await answer(pilot, app, str(file))
        await until(pilot, lambda: "Imported “The Snail”." in flat(app) and "The Snail" in titles(app))
        assert stories(app).row and stories(app).row.story.title == "The Snail"


async def test_w_copies_the_present_text(shelf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Owl")
        await pilot.press("w")
        await until(pilot, lambda: "Copied 17 words." in flat(app))
        assert app.clipboard == OWL


# -- a title from the model --------------------------------------------------------------------------------


async def test_a_suggested_title_stands_in_the_field_to_be_changed(shelf: World) -> None:
    shelf.pieces = (" The", " Mouse", " and", " the", " Stair", "\n")
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Mouse")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert app.screen.query_one(Input).value == "The Mouse and the Stair"
        assert "Suggested by hedgerow-1" in flat(app)
        await pilot.press("end", "backspace", "enter")
        await until(pilot, lambda: "The Mouse and the Stai" in titles(app))
    assert shelf.told[-1][0] == f"{MOUSE}\n\nTitle:"
    assert shelf.store().text(2) == MOUSE  # nothing of it is in the story


async def test_a_title_that_does_not_fit_is_replaced_by_the_storys_own_words(shelf: World) -> None:
    shelf.pieces = (" The", " Fish", "\n")
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "The Mouse")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "Made of words that the story uses most" in flat(app)
        assert app.screen.query_one(Input).value.startswith("The ")
        await pilot.press("escape")
    assert shelf.store().story(2).title == "The Mouse"


# -- learning from them ------------------------------------------------------------------------------------


async def test_ticked_stories_are_put_on_the_librarys_shelf(shelf: World) -> None:
    put: list[Sequence[int]] = []

    def learn(store: StoryStore, ids: Sequence[int]) -> LearnedStories:
        put.append(ids)
        return LearnedStories("My stories", len(ids), len(put) - 1)

    services = shelf.services()
    object.__setattr__(services, "learn_from_stories", learn)
    shelf.services = lambda: services  # type: ignore[method-assign]
    app = make_app(shelf)
    async with app.run_test(size=WIDE) as pilot:
        await to_shelf(pilot, app, "Frog")
        await pilot.press("l")
        await until(pilot, lambda: "1 story is in the collection My stories now." in flat(app))
        assert "Next: tick it in the Library (1), then train (2)." in flat(app)
        await pilot.press("space", "space", "l")
        await until(pilot, lambda: "2 stories are in the collection My stories now (1 in place" in flat(app))
    assert put == [(3,), (3, 2)]


# -- the book ----------------------------------------------------------------------------------------------


async def test_a_book_is_read_page_by_page_and_its_place_is_remembered(world: World) -> None:
    store = world.services().open_store()
    story = store.new_story("A [b]long[/b] tale")
    text = "\n\n".join(f"Sentence {number} of the tale. " * 8 for number in range(60))
    store.add_passage(story.id, "you", text)
    store.close()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app, "A [b]long[/b] tale")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BookScreen) and "Sentence 0" in flat(app))
        assert "A [b]long[/b] tale" in flat(app)
        assert "2,400 words · 11 min to read at 220 words a minute" in flat(app)
        assert "page" in flat(app) and "Storytime" not in flat(app)  # the text alone
        await pilot.press("left")
        assert "Sentence 0 " in flat(app)
        await pilot.press("right", "space")
        await until(pilot, lambda: " 3 of" in flat(app))
        page = flat(app)
        await pilot.press("escape", "b")
        await until(pilot, lambda: flat(app) == page)
        await pilot.press("end")
        await until(pilot, lambda: "Sentence 59" in flat(app))
        await pilot.press("right", "home")
        await until(pilot, lambda: "Sentence 0 " in flat(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: "The book: read a story page by page" in flat(app))
        assert "turn a page back" in flat(app) and "export" not in flat(app)


def test_reading_times_and_dates_in_words() -> None:
    assert [reading_time(words) for words in (1, 220, 221, 13_200, 14_300)] == [
        "1 min",
        "1 min",
        "2 min",
        "1 h 00",
        "1 h 05",
    ]
    assert when(AT_NOON, AT_NOON) == "12:04"
    assert when(AT_NOON - 86_400, AT_NOON) == "2026-02-28"
    assert when(1e300, AT_NOON) == "–"


async def test_the_line_of_keys_shows_export_at_80_columns(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app)
        await until(pilot, lambda: "x Export" in screen_text(app).split("\n")[-1])


async def test_help_and_the_other_screens_work_from_the_bookshelf(shelf: World) -> None:
    app = make_app(shelf)
    async with app.run_test(size=SMALL) as pilot:
        await to_shelf(pilot, app)
        await pilot.press("question_mark")
        await until(pilot, lambda: "The bookshelf: all your stories" in flat(app))
        await pilot.press("escape", "4")
        await until(pilot, lambda: app.current_mode == "runs")
        store = shelf.store()
        store.rename(1, "Renamed elsewhere")
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await pilot.press("escape", "o")
        await until(
            pilot, lambda: isinstance(app.screen, BookshelfScreen) and "Renamed elsewhere" in titles(app)
        )
