"""Library: ticking, counting, reading, filtering, going on."""

import dataclasses

import pytest
from textual.widgets import Input

from storytime_tui.corpus.collection import Extract, Story
from storytime_tui.corpus.document import Chapter
from storytime_tui.errors import CorpusError, ModelError
from storytime_tui.jobs.shelves import Copy
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.reading import Reading
from storytime_tui.tui.widgets.shelf_tree import ShelfTree
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, until
from tests.tui.fake_library import SHELF, TALE
from tests.tui.fakes import World

WIDE = (120, 40)


def tree_text(app: StorytimeApp) -> str:
    """What stands in the tree now."""
    return "\n".join(line.split("│")[1] for line in screen_text(app).splitlines() if line.count("│") > 3)


def page(app: StorytimeApp) -> str:
    """What the reading pane holds, as one line."""
    return " ".join(" ".join(app.screen.query_one(Reading).sheet.lines).split())


async def test_a_newcomer_can_go_straight_on(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "644 tokens" in flat(app))
        assert "ticked 10 stories 460 words" in flat(app)
        assert "scratch-small 644 tokens 2 windows about 2 min to train" in flat(app)
        assert "[x] Hedgerow Tales" in screen_text(app)
        assert "[ ] Under the Fir Trees" in screen_text(app)
        await pilot.press("t")
        await until(pilot, lambda: app.current_mode == "train" and "Stories to train on" in screen_text(app))
        assert "Hedgerow Tales · 10 stories" in screen_text(app)


# -- ticks and counts -------------------------------------------------------------------------------------


async def test_space_ticks_a_story_and_the_counts_follow(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "space")
        await until(pilot, lambda: "9 stories" in screen_text(app))
        assert "[-] Hedgerow Tales" in screen_text(app)
        await until(pilot, lambda: "580 tokens" in flat(app))
        await pilot.press("up", "space")
        await until(pilot, lambda: "[x] Hedgerow Tales" in screen_text(app))
        await pilot.press("space")
        await until(pilot, lambda: "nothing ticked" in screen_text(app))
        assert "tokens" not in screen_text(app)


async def test_a_click_ticks_unfolds_and_reads(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.click(ShelfTree, offset=(6, 2))
        await until(pilot, lambda: "9 stories" in screen_text(app))
        await pilot.click(ShelfTree, offset=(12, 11))  # the title of a collection
        await until(pilot, lambda: "Fir Tale 1" in tree_text(app))
        await pilot.click(ShelfTree, offset=(0, 11))  # its mark
        await until(pilot, lambda: "Fir Tale 1" not in tree_text(app))
        await pilot.click(ShelfTree, offset=(12, 3))  # the title of a story
        await until(pilot, lambda: isinstance(app.focused, Reading))
        assert "9 stories" in screen_text(app)


@pytest.mark.parametrize("key", ["right", "enter"])
async def test_the_stories_of_a_collection_opened_at_the_lower_edge_come_into_view(
    app: StorytimeApp, key: str
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        last = tree.count() - 1
        await pilot.resize_terminal(
            80, 24 + last + 1 - tree.size.height
        )  # the last collection is the last line
        await until(pilot, lambda: tree.size.height == last + 1)
        await pilot.press("end", key)
        await until(pilot, lambda: "▾ [ ] Nonsense from the Attic" in tree_text(app))
        assert "Nonsense 1  " in tree_text(app) and tree.cursor == last
        await pilot.press("home", "end", "left", "home", key, key)  # what has room stays where it is
        await until(pilot, lambda: "▾ [x] Hedgerow Tales" in tree_text(app))
        assert tree.top == 0


async def test_the_wheel_moves_the_view_and_not_the_cursor(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        await pilot.press("end", "right", "home")
        await until(pilot, lambda: tree.count() > 20 and tree.cursor == 0)
        for _ in range(3):
            await pilot._post_mouse_events([_scroll_down()], ShelfTree, (5, 5), button=0)
        await until(pilot, lambda: tree.top > 0)
        assert tree.cursor == 0


def _scroll_down() -> type:
    from textual.events import MouseScrollDown

    return MouseScrollDown


async def test_the_numbers_keep_their_places(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        places = []
        for key in ("down", "space", "end", "space", "up", "space"):
            await pilot.press(key)
            await until(pilot, lambda: " tokens" in screen_text(app) and "…" not in counts(app)[1])
            places.append([(line.index(" stor"), line.index(" word")) for line in counts(app)[:1]])
            places[-1] += [(line.index(" tokens"), line.index(" window")) for line in counts(app)[1:2]]
        assert all(place == places[0] for place in places)


def counts(app: StorytimeApp) -> list[str]:
    return screen_text(app).splitlines()[-3:-1]


async def test_a_story_told_twice_is_said_and_learned_once(world: World) -> None:
    world.copies = {
        ("fir-trees", 0): Copy(("hedgerow", 0), 1.0),
        ("fir-trees", 2): Copy(("attic", 3), 0.8),
    }
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        app.screen.go_to("fir-trees", 0)  # type: ignore[attr-defined]
        await until(pilot, lambda: "told again: word for word “The Hedgehog's Umbrella”" in page(app))
        line = next(line for line in tree_text(app).splitlines() if "Fir Tale 1 " in line)
        assert "copy" not in line  # it is not ticked: nothing is used twice
        await pilot.press("space")
        await until(
            pilot,
            lambda: any("Fir Tale 1 " in li and "copy" in li for li in tree_text(app).splitlines()),
        )
        await until(pilot, lambda: "1 duplicate, used once" in screen_text(app))
        await until(pilot, lambda: "11 stories" in screen_text(app) and "644 tokens" in flat(app))
        await pilot.press("down", "down", "space")
        await until(
            pilot, lambda: "708 tokens" in flat(app)
        )  # what it tells again is not ticked: it is learned
        await until(pilot, lambda: "80% the same as “Nonsense 4”" in page(app))


async def test_what_cannot_be_estimated_says_why(world: World) -> None:
    world.estimate_error = ModelError("Nobody can say before it is fetched.")
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "Nobody can say before it is fetched." in screen_text(app))
        assert "460 words" in flat(app)


# -- reading ----------------------------------------------------------------------------------------------


async def test_enter_opens_a_collection_and_reads_a_story(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.focused, Reading))
        await until(
            pilot, lambda: "At the bottom of Primrose Lane, where the hedge is thickest" in screen_text(app)
        )
        assert "Under the Fir Trees" not in screen_text(
            app
        )  # where there is little room, the story has all of it
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, ShelfTree) and "Under the Fir" in screen_text(app))
        await pilot.press("left", "enter")
        await until(pilot, lambda: "The Robin's Coat" in screen_text(app))


async def test_b_shows_what_stood_in_the_file(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "cleaned, as used for training" in screen_text(app))
        await pilot.press("b")
        await until(pilot, lambda: "before cleaning: 00.txt" in screen_text(app))
        assert "    “You never know,”" in app.screen.query_one(Reading).sheet.lines
        await pilot.press("down")
        await until(
            pilot, lambda: "before cleaning: 01.txt" in screen_text(app)
        )  # it holds for the next one, too
        world.before_error = CorpusError("02.txt has gone from your disk.")
        await pilot.press("down")
        await until(pilot, lambda: "02.txt has gone from your disk." in page(app))
        await pilot.press("b")
        await until(pilot, lambda: "cleaned, as used for training" in screen_text(app))
        assert "Primrose Lane" in screen_text(app)


async def test_chapters_stand_as_headings_in_the_text(world: World) -> None:
    chapters = (Chapter("I. Down the Lane", 0), Chapter("II. [Up] Again", len(TALE) + 2))
    story = Story("A Long Tale", f"{TALE}\n\n{TALE}", "a.txt", chapters)
    world.collections = (dataclasses.replace(SHELF[0], stories=(story,)),)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "II. [Up] Again" in screen_text(app))
        assert "92 words · 2 chapters" in flat(app)
        lines = [line.split("│")[-2].strip() for line in screen_text(app).splitlines() if line.count("│") > 3]
        place = lines.index("II. [Up] Again")
        assert lines[place - 1] == lines[place + 1] == ""


async def test_a_text_that_has_gone_is_a_sentence_and_the_shelf_is_read_anew(world: World) -> None:
    gone = Story("Gone", Extract(world.folder / "no such", 0, 10), "a.txt", known=SHELF[0].stories[0].facts)
    kept = world.collections
    world.collections = (dataclasses.replace(SHELF[0], stories=(gone, *SHELF[0].stories[1:])),)
    app = make_app(world)
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "has gone from the cache" in page(app))
        await pilot.press("down", "b", "b")
        await until(pilot, lambda: "Primrose Lane" in screen_text(app))
        world.collections = kept  # the next reading of the shelf makes the text again
        app.screen._reader._mended.clear()  # type: ignore[attr-defined]
        await pilot.press("up")
        await until(
            pilot, lambda: "The Hedgehog's Umbrella" in screen_text(app) and "Primrose" in screen_text(app)
        )


async def test_only_the_newest_wish_is_shown(app: StorytimeApp) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "Hedgerow Tales" in page(app))
        shown: list[str] = []
        reading = app.screen.query_one(Reading)
        lay = reading.lay
        reading.lay = lambda sheet, place=0.0: (shown.append(sheet.lines[0]), lay(sheet, place))[1]  # type: ignore
        for _ in range(6):
            app.screen.query_one(ShelfTree).action_move(1)
        await until(pilot, lambda: shown and shown[-1] == "Three Frogs in a Teapot")
        assert shown == ["Three Frogs in a Teapot"]


# -- filtering --------------------------------------------------------------------------------------------


async def test_the_filter_narrows_as_one_types_and_escape_shows_all(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", "w", "r", "e", "n")
        await until(pilot, lambda: "Under the Fir Trees" not in screen_text(app))
        assert "A Button for the Wren" in screen_text(app)
        await until(pilot, lambda: "1 by title ─╯" in screen_text(app))
        assert "esc Show all" in screen_text(app)
        await until(pilot, lambda: "cleaned, as used" in screen_text(app))  # what was sought is shown
        await pilot.press("1", "2", "question_mark")
        assert app.current_mode == "library"
        assert app.screen.query_one("#filter", Input).value == "wren12?"
        await pilot.press("escape")
        await until(pilot, lambda: "Under the Fir Trees" in screen_text(app))
        assert "escape shows all" not in screen_text(app)


async def test_arrows_move_in_the_tree_while_the_filter_is_typed(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", *"fir tale 1")
        tree = app.screen.query_one(ShelfTree)
        await until(pilot, lambda: tree.match_count() == 9)
        await pilot.press("down", "down")
        assert isinstance(app.focused, Input)
        assert tree.leaf is not None
        assert tree.leaf.title == "Fir Tale 11"
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is tree)
        assert tree.leaf.title == "Fir Tale 11"


async def test_leaving_the_filter_keeps_the_story(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        tree = app.screen.query_one(ShelfTree)
        await pilot.press("slash", *"fir tale 17", "enter", "escape")
        await until(pilot, lambda: tree.count() > 20)
        assert tree.leaf is not None
        assert tree.leaf.title == "Fir Tale 17"
        assert "Fir Tale 17" in tree_text(app)
        await until(pilot, lambda: "Fir Tale 17" in page(app))


async def test_where_nothing_is_found_the_page_says_so(app: StorytimeApp) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "Hedgerow Tales" in page(app))
        await pilot.press("slash", *"xyz")
        await until(pilot, lambda: "No story has these words" in page(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Hedgerow Tales" in page(app))


def keys(app: StorytimeApp) -> str:
    """The footer."""
    return screen_text(app).splitlines()[-1].strip()


async def test_the_footer_names_the_keys_that_are_of_use(world: World) -> None:
    mine = dataclasses.replace(SHELF[1], name="mine", title="Mine", bundled=False)
    world.collections = (SHELF[0], mine)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "t Train" in keys(app) and "b File" not in keys(app))
        await pilot.press("down")
        await until(pilot, lambda: "b File" in keys(app))
        assert "d Remove" not in keys(app)  # it came with the program
        app.screen.go_to("mine", None)  # type: ignore[attr-defined]
        wanted = "space Tick ↵ Read / Find i Add g Books t Train r Rename d Remove - Quotes ? Help"
        await until(pilot, lambda: keys(app) == wanted)
        app.screen.go_to("mine", 2)  # type: ignore[attr-defined]
        wanted = "space Tick ↵ Read / Find i Add g Books t Train b File r Rename d Remove ? Help"
        await until(pilot, lambda: keys(app) == wanted)
        await pilot.press("d")
        await until(pilot, lambda: "u Undo" in keys(app) and keys(app).endswith("? Help"))
        await pilot.press("enter")
        await until(pilot, lambda: keys(app).startswith("↑↓ Scroll") and "esc Back" in keys(app))
        await pilot.press("escape", "slash")
        await until(pilot, lambda: " ".join(keys(app).split()).startswith("↑↓ Move ↵ List esc Show all"))
        assert "t Train" not in keys(app)


async def test_under_a_filter_a_collections_tick_is_that_of_the_stories_shown(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", *"fir tale 1", "enter", "home", "space")
        await until(pilot, lambda: "19 stories" in flat(app))
        assert "[-] Under the Fir Trees" in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: "ticked 10 stories" in flat(app))


async def test_a_collection_folds_under_a_filter_too(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("slash", *"fir tale", "enter", "left")
        await until(pilot, lambda: "Fir Tale 1" not in tree_text(app))
        await pilot.press("right")
        await until(pilot, lambda: "Fir Tale 1" in tree_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "The Robin's Coat" in screen_text(app))
        assert "▸ [ ] Under the Fir Trees" in screen_text(app)  # open only for the filter


# -- the shelf --------------------------------------------------------------------------------------------


async def test_a_shelf_that_cannot_be_opened_says_why(app: StorytimeApp, world: World) -> None:
    world.shelf_error = CorpusError("The shelf is locked.")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "The shelf is locked." in screen_text(app))


async def test_an_empty_shelf_says_what_to_do(app: StorytimeApp, world: World) -> None:
    world.collections = ()
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "Press i to add" in screen_text(app))
        await pilot.press("space", "enter", "left", "end", "b", "r", "d", "minus", "t")
        await until(pilot, lambda: "nothing is ticked: press" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "No story is ticked" in screen_text(app))


@pytest.mark.parametrize("size", [SMALL, (60, 20), (200, 50)])
async def test_long_and_wide_titles_are_cut_by_their_cells(world: World, size: tuple[int, int]) -> None:
    titles = ["狐と葡萄の長い長い題名の昔話" * 3, "e\u0301" * 60, "x" * 100_000, "", "\x1b[2J\n\t"]
    stories = tuple(Story(title, TALE, f"{i}.txt") for i, title in enumerate(titles))
    world.collections = (dataclasses.replace(SHELF[0], stories=stories),)
    app = make_app(world)
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        await until(pilot, lambda: "(no title)" in tree_text(app))
        assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {size[0]}
        rows = [line for line in tree_text(app).splitlines() if "[x]" in line]
        assert len(rows) == 6
        assert all(row.rstrip().endswith(" 46") for row in rows[1:])
