"""The command palette: each command once, in groups, one line each; it reaches all that there is."""

import dataclasses

import pytest
from textual.widgets import Input, Static

from storytime_tui.knobs import table
from storytime_tui.settings import Settings
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.palette import GROUPS, HERE, RUNS, SETTINGS, Command, Entries, fixed_commands, search
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.screens.settings import SettingsScreen
from storytime_tui.tui.settings_rows import NO_ROW
from storytime_tui.tui.widgets.command_list import CommandList
from tests.tui.conftest import SMALL, make_app, screen_text, shelf_is_open, type_text, until
from tests.tui.fakes import FINISHED, FINISHED_RUN, World, a_run


def _rows(app: StorytimeApp) -> list[str]:
    """The titles and headings of the list, from the top."""
    rows = app.screen.query_one(CommandList)._rows
    return [row.title if isinstance(row, Command) else f"== {row.name}" for row in rows]


async def _open(pilot, app: StorytimeApp, typed: str = "") -> None:
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, PaletteScreen) and app.screen._gathering.done())
    if typed:
        await type_text(pilot, typed)
        await until(pilot, lambda: app.screen._shown == typed)


@pytest.mark.parametrize("keys", [["1"], ["2"], ["3", "escape"], ["4"], ["3", "escape", "o"]])
async def test_each_command_stands_once_in_its_group_on_one_line(
    app: StorytimeApp, world: World, keys: list[str]
) -> None:
    world.runs = (FINISHED_RUN,)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        await _open(pilot, app)
        rows = _rows(app)
        titles = [row for row in rows if not row.startswith("==")]
        assert sorted(titles) == sorted(set(titles))
        headings = [row.removeprefix("== ") for row in rows if row.startswith("==")]
        assert headings == [name for name in GROUPS if name in headings] and len(headings) >= 6
        shown = screen_text(app).split("\n")[
            4:-4
        ]  # each line has a title at its place, none is a second line
        commands = [row for row in rows if not row.startswith("==")]
        for line in shown:
            words = line.strip(" │\u2595▁▂▃▄▅▆▇█").strip()
            assert not words or any(words.startswith(name[:17]) for name in (*commands, *GROUPS)), line
        assert not any(title == "Up" or title == "Down" for title in titles)


async def test_it_reaches_every_collection_story_run_and_model(world: World) -> None:
    world.runs = tuple(dataclasses.replace(FINISHED_RUN, name=f"run-{n}") for n in range(30))
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await _open(pilot, app)
        entries = {(command.group, command.title) for command in app.screen._entries.commands}
        for collection in app.desk.collections:
            assert ("Collections", collection.title) in entries
            for story in collection.stories:
                assert ("Stories on the shelf", story.title) in entries
        assert {("Runs", run.name) for run in world.runs} <= entries
        assert {("Write with", f"Write with {choice.title}") for choice in world.choices} <= entries


async def test_a_run_is_found_and_shown(world: World) -> None:
    world.runs = tuple(dataclasses.replace(FINISHED_RUN, name=f"run-{n}") for n in range(30))
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await _open(pilot, app, "run-17")
        assert _rows(app) == [f"== {RUNS}", "run-17"]
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "runs")
        await until(pilot, lambda: app.screen._list.run and app.screen._list.run.name == "run-17")


async def test_long_names_of_runs_that_begin_alike_show_their_ends(world: World) -> None:
    names = [f"{'every-tale-of-the-old-hedgerow-' * 2}rate-{n}e-4" for n in range(1, 4)]
    world.runs = tuple(dataclasses.replace(FINISHED_RUN, name=name) for name in names)
    app = make_app(world)
    for size in (SMALL, (60, 20)):
        async with app.run_test(size=size) as pilot:
            await shelf_is_open(pilot)
            await _open(pilot, app, "rate-")
            for n in range(1, 4):
                line = next(line for line in screen_text(app).split("\n") if f"-rate-{n}e-4 " in line)
                assert "every-tale-of-" in line and "…" in line
                assert len(line.split()[1]) >= size[0] - 36, line  # as much of it as fits
        app = make_app(world)


async def test_it_reaches_every_setting_with_its_value(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        commands = [each for each in fixed_commands(app, app.screen) if each.group == SETTINGS]
        offered = {name: knob for name, knob in table(Settings).items() if name not in NO_ROW}
        assert [each.run.args for each in commands] == [(name,) for name in offered]
        assert [each.about.split(" · ")[1] for each in commands] == [k.line for k in offered.values()]
        await _open(pilot, app, "reading speed")
        assert _rows(app)[:2] == [f"== {SETTINGS}", "Set reading speed"]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await until(pilot, lambda: app.screen.query("#knob-about") and "reading speed" in _about(app))


def _about(app: StorytimeApp) -> str:
    return str(app.screen.query_one("#knob-about", Static).content)


async def test_enter_takes_what_is_typed_however_fast(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("ctrl+p", *"runs", "enter")
        await until(pilot, lambda: app.current_mode == "runs")


async def test_a_command_of_the_screen_below_runs_there(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await pilot.press("2", "s")
        world.run.say(*a_run(20))
        await until(pilot, lambda: app.desk.training.view.done == 20)
        await _open(pilot, app, "pause")
        assert "p" in screen_text(app).split("Pause the run")[1].split("\n")[0]  # its key
        await pilot.press("enter")
        await until(pilot, lambda: app.desk.training.view.phase == "paused")
        app.desk.training.stop()
        world.run.say(FINISHED)


async def test_keys_move_over_the_headings_and_close_it(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await _open(pilot, app)
        listed = app.screen.query_one(CommandList)
        assert listed.cursor == 1
        await pilot.press("up")
        assert listed.cursor == 1  # above is only the heading
        seen = []
        for _ in range(listed.count()):
            seen.append(listed.command)
            await pilot.press("down")
        assert None not in seen
        assert len({id(command) for command in seen}) == sum(not row.startswith("==") for row in _rows(app))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: not isinstance(app.screen, PaletteScreen))


async def test_what_is_not_there_says_what_to_do(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        await _open(pilot, app, "qqqzzz")
        await until(pilot, lambda: "Nothing has “qqqzzz”. Delete some letters." in screen_text(app))
        await pilot.press("enter")
        assert app.screen.query_one(Input).value == "qqqzzz"


def test_titles_that_begin_with_the_words_come_first_and_letters_in_order_are_found() -> None:
    commands = [
        Command(HERE, "Remove", "take it away", lambda: None),
        Command(HERE, "Move away", "", lambda: None),
        Command(RUNS, "moss-1", "finished", lambda: None),
        Command(RUNS, "other", "move it", lambda: None),
    ]
    entries = Entries.of(commands)
    assert [c.title for group in search(entries, "move") for c in group.commands] == ["Move away", "Remove"]
    assert [c.title for group in search(entries, "away") for c in group.commands] == ["Move away", "Remove"]
    assert [c.title for group in search(entries, "mss1") for c in group.commands] == ["moss-1"]
    assert search(entries, "xyz") == []


def test_before_anything_is_typed_a_long_group_says_how_many_more_there_are() -> None:
    entries = Entries.of([Command(RUNS, f"run-{n}", "", lambda: None) for n in range(30)])
    (group,) = search(entries, "")
    assert (len(group.commands), group.more) == (5, 25)
