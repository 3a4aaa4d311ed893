"""The panel beside the story: what is set there reaches the model, and is kept; what the model sees is shown."""

import dataclasses
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from storytime_tui.stories.steering import Steering, from_json, set_steering, to_json
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.dialogs import ChooseScreen
from storytime_tui.tui.screens.story import StoryScreen
from storytime_tui.tui.screens.story_panel_screen import StoryPanelScreen
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.panel_row import PanelRow
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.story_panel import StoryPanel
from storytime_tui.tui.widgets.view_bar import ViewBar
from tests.tui.conftest import SMALL, flat, make_app, screen_text, type_text, until
from tests.tui.fakes import World
from tests.tui.test_story import LINE, go_to_story, send

WIDE = (120, 40)


async def a_story(pilot: Pilot[Any], app: StorytimeApp) -> None:
    await go_to_story(pilot, app)
    await send(pilot)
    await until(pilot, lambda: "tokens told" in screen_text(app) and not app.desk.busy)


async def fill(pilot: Pilot[Any], app: StorytimeApp, name: str, text: str) -> None:
    app.screen.query_one(f"#steer-{name}").focus()
    await type_text(pilot, text)


async def put(pilot: Pilot[Any], app: StorytimeApp, name: str, text: str) -> None:
    app.screen.query_one(f"#panel-{name}", Input).focus()
    await type_text(pilot, text)


def saved(world: World, story: int = 1) -> Steering:
    return from_json(world.store().story(story).steering)


# -- memory and note ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "120x40"])
async def test_memory_and_note_reach_the_model_and_are_kept(world: World, size: tuple[int, int]) -> None:
    app = make_app(world)
    async with app.run_test(size=size) as pilot:
        await a_story(pilot, app)
        assert world.steered == [("", "", 48)]
        if size == SMALL:
            await pilot.press("escape", "p")
            await until(pilot, lambda: isinstance(app.screen, StoryPanelScreen))
        await fill(pilot, app, "characters", "Pip [/b], a frog")
        await fill(pilot, app, "title", "The Button Shop")
        await fill(pilot, app, "memory", "It rains.")
        await fill(pilot, app, "note", "It grows dark.")
        await pilot.press("tab", "right")  # how deep the note stands
        await until(pilot, lambda: "a paragraph back" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page | Prompt))
        app.screen.query_one(Prompt).focus()
        await pilot.press("enter")
        await until(pilot, lambda: len(world.steered) == 2)
        memory = "Title: The Button Shop\nCharacters: Pip [/b], a frog\n\nIt rains."
        assert world.steered[1] == (memory, "It grows dark.", 128)
        wished = Steering("Pip [/b], a frog", "The Button Shop", "", "It rains.", "It grows dark.", 128)
        await until(pilot, lambda: saved(world) == wished)
    again = make_app(world)
    async with again.run_test(size=WIDE) as pilot:
        await go_to_story(pilot, again)
        assert again.desk.writing.steering == wished
        assert again.screen.query_one("#steer-title", Input).value == "The Button Shop"
        assert again.screen.query_one("#steer-note", TextArea).text == "It grows dark."
        assert "Pip [/b], a frog" in screen_text(again)


async def test_a_panel_that_is_shown_while_one_types_changes_no_letter(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        for name in ("characters", "memory", "note"):
            await fill(pilot, app, name, "Gr")
            field = app.screen.query_one(f"#steer-{name}", Input | TextArea)
            for letter in "ey the mouse":  # each in the field, its message not yet with the steering
                field.insert_text_at_cursor(letter) if isinstance(field, Input) else field.insert(letter)
                app.screen.query_one(StoryPanel).show()
                await pilot.pause()
        wished = Steering(characters="Grey the mouse", memory="Grey the mouse", note="Grey the mouse")
        await until(pilot, lambda: saved(world) == wished)
        assert app.screen.query_one("#steer-characters", Input).value == "Grey the mouse"


async def test_each_story_has_its_own_and_a_new_page_has_none(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        await fill(pilot, app, "tone", "funny")
        await pilot.press("escape", "escape", "n")
        await until(pilot, lambda: "A blank page" in screen_text(app))
        assert app.desk.writing.steering == Steering()
        assert app.screen.query_one("#steer-tone", Input).value == ""
        await until(pilot, lambda: saved(world) == Steering(tone="funny"))
        await fill(pilot, app, "tone", "sad")  # of a blank page: kept with it
        await until(
            pilot, lambda: len(world.store().stories()) == 2 and saved(world, 2) == Steering(tone="sad")
        )
        app.screen.query_one(Prompt).focus()
        await send(pilot, "A second story.")
        await until(pilot, lambda: len(world.steered) == 2 and not app.desk.busy)
        assert world.steered[1] == ("Tone: sad\n", "", 48)
        await pilot.press("escape", "u")
        await until(pilot, lambda: "frog" not in app.screen.query_one(Page).text)
        assert app.desk.writing.steering == Steering(tone="sad")
        assert (saved(world), saved(world, 2)) == (Steering(tone="funny"), Steering(tone="sad"))


async def test_a_memory_that_does_not_fit_is_said_and_told_with(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        await fill(pilot, app, "memory", "word " * 30)
        await until(pilot, lambda: "Too long by 10 tokens: its end is left out" in flat(app))
        app.screen.query_one(Prompt).focus()
        await pilot.press("enter")
        await until(pilot, lambda: len(world.steered) == 2)
        await fill(pilot, app, "memory", "")
        app.screen.query_one("#steer-memory", TextArea).text = "few"
        await until(pilot, lambda: "Too long" not in flat(app))


async def test_of_two_windows_the_last_write_wins(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        other = world.store()
        set_steering(other, 1, Steering(tone="sad"))
        other.add_passage(1, "you", " Theirs.")
        await until(pilot, lambda: "Theirs." in flat(app))  # the story is loaded again
        assert app.desk.writing.steering == Steering(tone="sad")
        await fill(pilot, app, "title", "Ours")
        await until(pilot, lambda: saved(world) == Steering(title="Ours", tone="sad"))
        other.close()


async def test_much_pasted_text_is_cut_and_controls_do_no_harm(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        await fill(pilot, app, "memory", "owl\x1b[2J \x00 " * 100_000)
        await until(pilot, lambda: 0 < len(app.desk.writing.steering.memory) <= 20_000)
        await fill(pilot, app, "title", "x" * 10_000)
        assert len(app.desk.writing.steering.title) <= 500
        await until(pilot, lambda: saved(world) == from_json(to_json(app.desk.writing.steering)))


# -- how it tells ------------------------------------------------------------------------------------------


async def test_preset_length_seed_and_banned_words_are_set_in_place(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        app.screen.query_one("#row-preset").focus()
        await pilot.press("right")
        await until(pilot, lambda: "Unlikely words too: may lose the thread." in screen_text(app))
        await pilot.press("left", "left")
        await until(pilot, lambda: "Likely words: calm, clear, a bit plain." in screen_text(app))
        app.screen.query_one("#row-length").focus()
        await pilot.press("right")
        await put(pilot, app, "seed", "81")
        await put(pilot, app, "banned", "very, all at once")
        app.screen.query_one(Prompt).focus()
        await pilot.press("enter")
        await until(pilot, lambda: len(world.told) == 2 and not app.desk.busy)
        used = world.told[1][1]
        assert (used.temperature, used.max_tokens, used.seed) == (0.4, 400, 81)
        assert used.banned == ("very", "all at once")
        await until(pilot, lambda: "stopped “very” 3 times" in screen_text(app))
        await until(pilot, lambda: "told by hedgerow-1, steady, seed 81" in flat(app))


async def test_a_wrong_value_is_said_and_changes_nothing(app: StorytimeApp) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await a_story(pilot, app)
        await put(pilot, app, "seed", "9" * 19)
        await until(pilot, lambda: "seed is" in screen_text(app))
        assert app.screen.settings.seed < 2**63
        await pilot.press("tab")
        await until(pilot, lambda: "seed is" not in screen_text(app))


async def test_rows_open_what_the_screens_keys_open_and_the_focus_comes_back(
    app: StorytimeApp, world: World
) -> None:
    for size in (SMALL, WIDE):
        app = make_app(world)
        async with app.run_test(size=size) as pilot:
            await go_to_story(pilot, app)
            await pilot.press("escape")
            if size == SMALL:
                await pilot.press("p")
                await until(pilot, lambda app=app: isinstance(app.screen, StoryPanelScreen))
            row = app.screen.query_one("#row-model", PanelRow)
            row.focus()
            for key in ("enter", "m"):
                await pilot.press(key)
                await until(pilot, lambda app=app: isinstance(app.screen, ChooseScreen))
                await pilot.press("escape")
                await until(pilot, lambda app=app, row=row: app.focused is row)


async def test_the_panel_is_walked_and_left_by_the_keyboard(app: StorytimeApp) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await go_to_story(pilot, app)
        prompt = app.focused
        panel = app.screen.query_one(StoryPanel)
        seen = set()
        for _ in range(14):
            await pilot.press("tab")
            assert app.focused is not None and panel in app.focused.ancestors
            seen.add(app.focused.id)
        assert {"row-model", "row-preset", "panel-seed", "steer-memory", "steer-note", "row-depth"} <= seen
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is prompt)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page))
        app.screen.query_one("#steer-note").focus()
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page))
        app.screen.query_one("#row-length").focus()
        await pilot.press("down", "enter")  # from a field to the next one
        await until(pilot, lambda: app.focused is app.screen.query_one("#panel-banned"))
        app.screen.query_one("#row-length").focus()
        await pilot.press("up")
        await until(pilot, lambda: app.focused is app.screen.query_one("#row-sampler"))
        await pilot.press("p")  # hidden: the focus goes back as well
        await until(pilot, lambda: not panel.display and isinstance(app.focused, Page))
        await pilot.press("p")
        await until(pilot, lambda: panel.display)


async def test_the_panel_gives_way_where_there_is_no_room(app: StorytimeApp) -> None:
    async with app.run_test(size=WIDE) as pilot:
        await go_to_story(pilot, app)
        panel = app.screen.query_one(StoryPanel)
        assert panel.display
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: not panel.display)
        await pilot.press("escape", "p")
        await until(pilot, lambda: isinstance(app.screen, StoryPanelScreen))
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: not isinstance(app.screen, StoryPanelScreen) and panel.display)


# -- what the model sees -----------------------------------------------------------------------------------


async def test_the_bar_and_the_rule_show_what_the_model_sees(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await a_story(pilot, app)
        page = app.screen.query_one(Page)
        await until(pilot, lambda: "story 28 of 256 tokens" in screen_text(app))
        assert page.laid.view_begins is None and "sees from here" not in screen_text(app)
        app.screen.query_one(Prompt).focus()
        await send(pilot, "Then.\n\nSo it went on for a while, and on.")
        await until(pilot, lambda: len(world.told) == 2 and not app.desk.busy)
        await until(pilot, lambda: "story 40 of 256 tokens" in screen_text(app))
        await until(pilot, lambda: page.laid.view_begins)
        assert len(page.text[page.laid.view_begins :].split()) == 40
        app.desk.writing.steering = dataclasses.replace(Steering(), note="dusk")
        await pilot.press("escape", "u", "u")  # undone: all is in view again
        await until(pilot, lambda: "story 28 of 256 tokens" in screen_text(app))
        assert page.laid.view_begins is None


async def test_no_model_is_opened_for_the_bar(app: StorytimeApp, world: World) -> None:
    """A large model would take minutes; the bar waits for the first telling."""
    world.choices = world.choices[1:]  # one that is fetched with the first line
    async with app.run_test(size=WIDE) as pilot:
        await go_to_story(pilot, app)
        await fill(pilot, app, "title", LINE)
        await until(pilot, lambda: world.store().stories() and saved(world).title == LINE)
        assert world.opened == [] and app.screen.query_one(ViewBar).seen is None


async def test_the_narrow_panel_is_left_from_any_field_and_keeps_what_was_typed(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        for field, text in (("panel-seed", "12"), ("panel-banned", "moon")):
            await pilot.press("escape", "p")
            await until(pilot, lambda: isinstance(app.screen, StoryPanelScreen))
            app.screen.query_one(f"#{field}").focus()
            await pilot.press(*text, "escape")
            await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        assert (app.screen.settings.seed, app.screen.settings.banned) == (12, ("moon",))  # type: ignore[attr-defined]
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, StoryPanelScreen))
        app.screen.query_one("#panel-seed").focus()
        await pilot.press("f2")
        await until(pilot, lambda: app.current_mode == "library" and len(app.screen_stack) == 1)
