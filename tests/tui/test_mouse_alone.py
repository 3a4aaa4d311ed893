"""The mouse alone is enough, and so is the keyboard: whatever a key does can be clicked, and the other way round."""

import re
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseDown, MouseScrollDown, MouseUp
from textual.pilot import Pilot

import storytime_tui.tui
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.palette import PaletteScreen
from storytime_tui.tui.widgets.help_lines import HelpLines
from storytime_tui.tui.widgets.key_line import KeyLine
from storytime_tui.tui.widgets.story_list import StoryList
from tests.tui.conftest import SMALL, screen_text, shelf_is_open, until
from tests.tui.fakes import FINISHED, World, a_run

TUI = Path(storytime_tui.tui.__file__).parent


async def click(pilot: Pilot[Any], words: str) -> None:
    """Click on words of the screen, as somebody who reads it does; wait until they are there."""
    await until(pilot, lambda: words in screen_text(pilot.app))
    rows = screen_text(pilot.app).split("\n")
    y = next(y for y, row in reversed(list(enumerate(rows))) if words in row)
    await pilot.click(offset=(rows[y].index(words), y))


async def right_click(pilot: Pilot[Any], x: int, y: int) -> None:
    """As a terminal reports it; the pilot's own clicks go past the app."""
    for kind in (MouseDown, MouseUp):
        pilot.app.post_message(kind(None, x, y, 0, 0, 3, False, False, False, x, y))
    await pilot.pause()


async def wheel(pilot: Pilot[Any], x: int, y: int) -> None:
    """Turn the wheel down by one."""
    pilot.app.post_message(MouseScrollDown(None, x, y, 0, 0, 0, False, False, False, x, y))
    await pilot.pause()


async def choose_in_palette(pilot: Pilot[Any], title: str) -> None:
    """Press the right button, and click an entry of the palette."""
    await right_click(pilot, 40, 8)
    await until(pilot, lambda: isinstance(pilot.app.screen, PaletteScreen))
    while f"  {title} " not in screen_text(pilot.app):
        await wheel(pilot, 40, 12)
    await click(pilot, f"  {title} ")


@pytest.mark.parametrize("size", [(60, 20), SMALL])
async def test_every_key_of_every_footer_can_be_clicked(
    app: StorytimeApp, world: World, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=size) as pilot:
        await shelf_is_open(pilot)
        for way, there in (
            ("1", "Hedgerow Tales"),
            ("question_mark", "You are here"),
            ("escape,2", "Base: the model"),
            ("4", "No runs yet"),
            ("3", "Send"),
            ("escape", "↵ Write"),
            ("o", "Bookshelf"),
        ):
            for key in way.split(","):
                await pilot.press(key)
                await pilot.pause()
            await until(pilot, lambda there=there: there in screen_text(app))
            line = app.screen.query_one(KeyLine)
            await until(pilot, lambda line=line: line._kept)
            pressed: list[str] = []
            with monkeypatch.context() as patches:
                patches.setattr(app, "simulate_key", pressed.append)
                x = line._lead
                for key in line._kept:
                    await pilot.click(KeyLine, offset=(x, 0))
                    x += key.width + line._gap
            assert pressed == [key.key for key in line._kept if key.key] and len(pressed) >= 2, there


async def test_an_evening_with_the_mouse_alone(app: StorytimeApp, world: World) -> None:
    """Tick, train, pause, stop, look at the runs, open a story, read the help: only clicks and the wheel."""
    store = world.store()
    store.add_passage(store.new_story("The Pond").id, "you", "A frog sat by the pond.")
    store.close()
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        ticked = len(app.desk.ticks.stories(app.desk.collections))
        await click(pilot, "[x] Hedgerow Tales")
        await until(pilot, lambda: len(app.desk.ticks.stories(app.desk.collections)) != ticked)
        await click(pilot, "[ ] Hedgerow Tales")
        await until(pilot, lambda: len(app.desk.ticks.stories(app.desk.collections)) == ticked)
        await click(pilot, "2 Train")
        await click(pilot, "distilgpt2")
        await click(pilot, "scratch-tiny")
        await click(pilot, "Start training")
        await until(pilot, lambda: world.run.plans)
        assert world.run.plans[0].base == "scratch-tiny"
        world.run.say(*a_run(30))
        await click(pilot, "p Pause")
        await until(pilot, lambda: world.run.control.paused)
        await click(pilot, "x Stop")
        await until(pilot, lambda: world.run.control.stopped)
        world.run.say(FINISHED)
        await until(pilot, lambda: re.search("(Finished|Stopped) after", screen_text(app)))
        await click(pilot, "3 Story")
        await until(pilot, lambda: "Send" in screen_text(app))
        await click(pilot, "esc Commands")
        await choose_in_palette(pilot, "Bookshelf")
        await until(pilot, lambda: "The Pond" in screen_text(app))
        await pilot.click(StoryList, offset=(6, 0))
        await click(pilot, "Open")
        await until(pilot, lambda: "frog sat by the pond." in screen_text(app))
        await click(pilot, "Help")
        await until(pilot, lambda: "You are here" in screen_text(app))
        await wheel(pilot, 40, 12)
        await until(pilot, lambda: app.screen.query_one(HelpLines).scroll_y > 0)
        await click(pilot, "esc Close")
        await until(pilot, lambda: "frog sat by the pond." in screen_text(app))


async def test_the_right_button_and_the_top_line_show_all_commands(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await shelf_is_open(pilot)
        for where, button in (((40, 10), 3), ((3, 0), 1), ((70, 0), 1), ((40, 23), 3)):
            await (right_click(pilot, *where) if button == 3 else pilot.click(offset=where))
            await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
            if button == 3:
                await right_click(pilot, *where)  # closes it
            else:
                await click(pilot, "esc Close")
            await until(pilot, lambda: not isinstance(app.screen, PaletteScreen))
        assert app.current_mode == "library"


# What can be clicked, by its module, with the keys (ids of bindings, or actions) that do the same.
CLICKED = {
    "header": ("app.library", "app.train", "app.story", "app.runs"),  # and the palette, ctrl+p
    "key_line": (),  # its keys
    "knob_list": ("knobs.change",),
    "line_list": ("list.down",),
    "page": ("page.down", "page.up", "story.inspect"),
    "panel_row": ("panel.change", "panel.next"),
    "passage_view": ("passage.right",),
    "run_list": ("runs.sort",),
    "samples": ("train.later",),
    "story_list": ("bookshelf.sort",),
    "tour_line": ("app.leave_tour",),
    "word_panel": ("inspect.choose",),
}


def test_whatever_is_clicked_has_a_key() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in TUI.rglob("*.py")}
    clicked = {name for name, text in sources.items() if re.search(r"def on_(click|mouse_down)\(", text)}
    assert clicked - {"loss_chart"} == set(CLICKED)
    bound = set(re.findall(r'id="([a-z_]+\.[a-z_]+)"', "".join(sources.values())))
    assert {key for keys in CLICKED.values() for key in keys} <= bound
