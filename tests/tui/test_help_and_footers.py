"""The help explains the focused part; the lines of keys show what matters; empty places say what to do next."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, TextArea

from storytime_tui.jobs.records import LastRun
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.help_focus import part_in_use
from storytime_tui.tui.palette import fixed_commands
from storytime_tui.tui.screens.help import HelpScreen
from storytime_tui.tui.widgets.edit_page import PassageEditor
from storytime_tui.tui.widgets.find_bar import FindField
from storytime_tui.tui.widgets.key_line import FUNCTIONS, MORE, KeyLine, Shown, fitted_line
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, flat, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import FINISHED, FINISHED_RUN, World, a_run

Go = Callable[[Pilot[Any]], Any]


def keys(*names: str) -> Go:
    """Press these keys."""

    async def go(pilot: Pilot[Any]) -> None:
        for name in names:
            await pilot.press(name)
            await pilot.pause()

    return go


async def told(pilot: Pilot[Any]) -> None:
    """A story with a told passage, and the focus on the page."""
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.focused, Prompt))
    await type_text(pilot, "Once there was a mouse.")
    await pilot.press("enter")
    await until(pilot, lambda: "That will do" in screen_text(pilot.app) and not pilot.app.screen.turns.busy)
    await pilot.press("escape")
    await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "page")


# -- the focused part ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("go", "title", "key"),
    [
        (keys("1"), "You are here: the shelf", "space"),
        (keys("1", "down", "enter"), "You are here: the story", "→"),
        (keys("1", "slash"), "You are here: the search", "↵"),
        (keys("2"), "You are here: the base", "0"),
        (keys("2", "tab"), "You are here: another base", "letters"),
        (keys("2", "tab", "tab"), "You are here: epochs", "letters"),
        (keys("3"), "You are here: your line", "ctrl+j"),
        (keys("3", "escape"), "You are here: the page", "↓"),
        (keys("3", "escape", "p"), "You are here: the model", "↵"),
        (keys("4"), "You are here: the runs", "j k g G ctrl+d ctrl+u"),
        (keys("1", "i"), "You are here: the path", "tab"),
        (keys("2", "o"), "You are here: the options", "↵"),
        (keys("1", "ctrl+p"), "You are here: the commands", "↵"),
        (keys("3", "escape", "comma"), "You are here: the options", "↵"),
    ],
)
async def test_f1_explains_the_part_that_has_the_focus_in_dialogs_too(
    app: StorytimeApp, world: World, go: Go, title: str, key: str
) -> None:
    world.runs = (FINISHED_RUN,)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await go(pilot)
        await pilot.pause()
        below = len(app.screen_stack)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and title in screen_text(app))
        first = app.screen._sections()[0]
        assert first[0] == title and first[1].endswith(".")
        assert any(signs.startswith(key) for signs, _ in first[2]), first[2]
        once = [sign for signs, _ in first[2] for sign in signs.replace("↑↓", "↑ ↓").split()]
        assert len(once) == len(set(once)), first[2]  # no key has two meanings
        await pilot.press("f1")
        await until(pilot, lambda: len(app.screen_stack) == below)


async def test_every_part_that_takes_the_focus_is_explained(app: StorytimeApp, world: World) -> None:
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    world.runs = (FINISHED_RUN,)
    seen = set()
    async with app.run_test(size=(200, 60)) as pilot:
        await shelf_is_open(pilot)
        for go in (
            keys("1"), keys("2"), keys("n"), told, keys("slash"), keys("escape", "o"), keys("escape", "4")
        ):  # fmt: skip
            await go(pilot)
            await pilot.pause()
            for widget in app.screen.query("*"):
                if widget.focusable and widget.display and widget.region.area:
                    app.screen.set_focus(widget)
                    await pilot.pause()
                    part = part_in_use(app.screen)
                    assert part is not None
                    assert part[0] not in ("You are here: this part", "You are here: this field"), widget
                    seen.add((type(app.screen).__name__, widget.id))
            app.screen.set_focus(None)
    assert len(seen) > 35


# -- the lines of keys -----------------------------------------------------------------------------------


def line_of(screen: Screen[Any]) -> KeyLine:
    return screen.query(KeyLine).last()


async def edit(pilot: Pilot[Any]) -> None:
    await told(pilot)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.focused, PassageEditor))


async def find(pilot: Pilot[Any]) -> None:
    await told(pilot)
    await pilot.press("slash")
    await until(pilot, lambda: isinstance(pilot.app.focused, FindField))


@pytest.mark.parametrize(
    "go",
    [
        keys("slash"),
        keys("2", "tab"),
        keys("3"),
        edit,
        find,
        keys("4", "slash"),
        keys("3", "escape", "o", "slash"),
    ],
    ids=["library", "plan", "prompt", "edit", "find", "runs", "bookshelf"],
)
async def test_f1_to_f5_are_in_the_footer_and_work_while_typing_at_80_columns(
    app: StorytimeApp, world: World, go: Go
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await go(pilot)
        await until(pilot, lambda: isinstance(app.focused, Input | TextArea))
        await until(pilot, lambda: "f1 Help" in screen_text(app).split("\n")[-1])
        footer = screen_text(app).split("\n")[-1]
        assert "f2-5 Go to" in footer or all(f"f{n} " in footer for n in range(2, 6)), footer
        mode = "train" if app.current_mode != "train" else "library"
        await pilot.press("f3" if mode == "train" else "f2")
        await until(pilot, lambda: app.current_mode == mode and len(app.screen_stack) == 1)


@pytest.mark.parametrize(
    "go",
    [told, keys("1"), keys("4"), keys("2"), edit, find, keys("3", "escape", "o"), keys("3", "escape", "p")],
)
async def test_keys_without_room_are_in_the_palette_and_the_line_says_so(
    app: StorytimeApp, world: World, go: Go
) -> None:
    """In a usual terminal, and after it was made smaller."""
    world.runs = (FINISHED_RUN,)
    world.last_run = LastRun("hedgerow-1", [*a_run(118), FINISHED])
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await go(pilot)
        await pilot.pause()
        for size in (SMALL, (60, 20)):
            if size != app.size:
                await pilot.resize_terminal(*size)
            line = line_of(app.screen)
            await until(pilot, lambda size=size: app.screen.size == size)
            await until(pilot, lambda line=line, size=size: line._kept and line.size.width <= size[0])
            await pilot.pause()
            kept = {shown.action for shown in line._kept}
            left_out = [
                shown for shown in line._all if shown.action not in kept and shown.key not in FUNCTIONS
            ]
            assert (MORE in line._kept) == bool(left_out)
            signs = {command.key for command in fixed_commands(app, app.screen)}
            for shown in left_out:
                assert shown.sign in signs or shown.word in ("Passage", "Move"), shown
            assert all(shown.sentence for shown in line._all), line._all  # a tooltip for each


def test_all_keys_are_shown_where_they_fit_and_otherwise_the_seldom_ones_give_way() -> None:
    def key(name: str, word: str, action: str) -> Shown:
        return Shown(name, name, word, "", action)

    some = [
        key("a", "Add", "add"),
        key("r", "Remove", "remove"),
        key("n", "Name", "name"),
        key("?", "Help", "help"),
    ]
    assert fitted_line(some, ["name"], 80) == some
    assert [shown.word for shown in fitted_line(some, ["name", "remove"], 26)] == ["Add", "More", "Help"]
    typing = [key("enter", "Send", "send"), *(key(f"f{n}", "Somewhere", f"f{n}") for n in range(1, 6))]
    assert [shown.sign for shown in fitted_line(typing, [], 40)] == ["enter", "f1", "f2-5"]


# -- empty places ----------------------------------------------------------------------------------------


async def nothing_ticked(pilot: Pilot[Any]) -> None:
    await pilot.press("space", "2")


@pytest.mark.parametrize(
    ("go", "words"),
    [
        (keys("slash", *"qqqq"), "Try fewer or shorter words"),
        (nothing_ticked, "nothing is ticked: press 1 for the Library, then space to tick"),
        (keys("3"), "A blank page. Write a first line and press Enter: the model goes on."),
        (keys("4"), "No runs yet. Press 2 to plan one."),
        (keys("3", "escape", "o"), "No stories yet. Escape goes back to write one, i imports a file."),
        (keys("3", "escape", "g"), "There are no branches yet: r tells a passage again and makes one."),
        (keys("3", "escape", "i"), "There is no word to look at yet. Enter goes to your line."),
        (keys("3", "escape", "e"), "There is nothing to edit yet. Enter goes to your line."),
        (keys("o"), "Every word of the files is in one of the stories. Escape goes back to them."),
        (keys("2", "o", "slash", *"qqqq"), "No option has this. Escape shows all."),
        (keys("g", *"qqqq"), "Search all of Gutenberg for “qqqq”"),
    ],
)
async def test_an_empty_place_says_what_to_do_next(app: StorytimeApp, go: Go, words: str) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await go(pilot)
        await until(pilot, lambda: words in " ".join(re.sub("[│╭╰╮╯─]", " ", flat(app)).split()))


async def test_an_empty_shelf_says_how_to_fill_it(world: World) -> None:
    world.collections = ()
    app = make_app(world)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "Press i to add a file" in flat(app) and "g to fetch" in flat(app))


async def test_a_filter_that_leaves_nothing_says_how_to_leave_it(world: World) -> None:
    world.runs = (FINISHED_RUN,)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("4", "slash", *"qqqq")
        await until(pilot, lambda: "No run matches this. Escape shows all." in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: FINISHED_RUN.name in screen_text(app))
        await told(pilot)
        await pilot.press("o", "slash", *"qqqq")
        await until(pilot, lambda: "No story holds this. Escape shows all." in flat(app))


async def test_without_a_model_the_page_and_its_list_say_how_to_get_one(world: World) -> None:
    world.choices = ()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("3")
        await until(pilot, lambda: "no model yet: escape, then m" in screen_text(app))
        await pilot.press("escape", "m")
        await until(pilot, lambda: "There is no model yet: train one (F3)." in flat(app))


async def test_the_empty_columns_beside_a_new_story_say_what_they_are_for(app: StorytimeApp) -> None:
    async with app.run_test(size=(200, 50)) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("3")
        await until(pilot, lambda: "Your stories stand here. Write a line" in flat(app))
        await until(pilot, lambda: "Where a passage is told again (r)" in flat(app))
