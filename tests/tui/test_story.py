"""Story: writing a line, the model going on, stopping, undoing, keeping every word."""

import re
import threading
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from storytime_tui.errors import ModelError
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.training.events import Preparing
from storytime_tui.tui import messages
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.ask_path import AskPathScreen
from storytime_tui.tui.settings_rows import knobs_of
from storytime_tui.tui.widgets.choice_list import ChoiceList
from storytime_tui.tui.widgets.knob_list import KnobList
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from storytime_tui.tui.widgets.writing_status import WritingStatus
from tests.tui.conftest import SMALL, flat, make_app, screen_text, type_text, until
from tests.tui.fakes import World

LINE = "Once upon a time there was a mouse"


async def go_to_story(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(app.focused, Prompt) and app.desk.writing.now.model)


async def send(pilot, line: str = LINE) -> None:  # type: ignore[no-untyped-def]
    await type_text(pilot, line)
    await pilot.press("enter")


def told(world: World) -> str:
    return "".join(world.pieces)


async def test_a_line_is_sent_and_the_model_goes_on(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(
            pilot, lambda: "said the mouse." in screen_text(app) and "tokens told" in screen_text(app)
        )
        assert world.told[0][0] == LINE
        assert world.store().text(1) == LINE + told(world)
        assert world.store().story(1).title == LINE
        assert [(p.author, p.model) for p in world.store().passages(1)] == [
            ("you", ""),
            ("model", "hedgerow-1"),
        ]
        assert "28 words" in screen_text(app)
        await pilot.press("enter")  # an empty line: the model just goes on
        await until(pilot, lambda: len(world.told) == 2)
        assert world.told[1][0] == LINE + told(world)


async def test_the_models_words_carry_the_tint(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        page = app.screen.query_one(Page)
        told_colour = page.get_component_rich_style("page--told").color
        row = page.laid.row_at(len(LINE)) + 2  # below the title
        parts = [(each.text, each.style) for each in page.render_line(row - page.top) if each.text.strip()]
        assert parts[0][0].strip() == LINE and parts[0][1].color != told_colour
        assert parts[1][0].startswith(" and the frog") and parts[1][1].color == told_colour
        await pilot.press("escape", "k")
        assert all(each.style.color != told_colour for each in page.render_line(row - page.top))


async def test_keys_are_letters_while_one_types(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press("1", "2", "3", "question_mark", "m", "u", "comma")
        assert app.screen.query_one(Prompt).text == "123?mu,"
        assert app.current_mode == "story"
        await pilot.press("ctrl+j", "x")
        assert app.screen.query_one(Prompt).text == "123?mu,\nx"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page))
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "library")


async def test_escape_stops_and_keeps_the_text(app: StorytimeApp, world: World) -> None:
    world.gate = threading.Semaphore(3)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: world.told)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in screen_text(app))
        kept = world.store().text(1)
        assert (LINE + told(world)).startswith(kept)
        assert kept.splitlines()[0] in " ".join(screen_text(app).split())
        world.gate.release(100)
        await send(pilot, "The end.")
        await until(pilot, lambda: len(world.told) == 2 and "said the mouse." in screen_text(app))
        assert world.told[1][0].startswith(kept)
        assert "The end." in world.told[1][0]


async def test_undo_and_redo_step_through_the_passages(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("escape", "u")
        await until(pilot, lambda: "frog" not in screen_text(app))
        assert LINE in screen_text(app)
        assert "nothing to undo" not in screen_text(app)  # something was
        await pilot.press("u")
        await until(pilot, lambda: "A blank page" in screen_text(app))
        assert "nothing to undo" not in screen_text(app)
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to undo." in screen_text(app))
        await pilot.press("y", "y")
        await until(pilot, lambda: "said the mouse." in screen_text(app))
        assert "nothing to redo" not in screen_text(app)
        await pilot.press("y")
        await until(pilot, lambda: "There is nothing to redo." in screen_text(app))
        assert world.store().text(1) == LINE + told(world)


async def test_undo_while_it_writes_stops_it_first(app: StorytimeApp, world: World) -> None:
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: world.told)
        world.gate.release(2)
        app.screen.query_one(Page).focus()
        await pilot.press("u")
        await until(pilot, lambda: not app.desk.busy)
        await until(pilot, lambda: len(world.store().passages(1)) <= 1)


async def test_a_typed_line_outlives_the_app(world: World) -> None:
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await type_text(pilot, "half a thou")
    assert world.store().stories()[0].draft == "half a thou"
    again = make_app(world)
    async with again.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, again)
        assert again.screen.query_one(Prompt).text == "half a thou"
        await pilot.press("g", "h", "t")
        await until(pilot, lambda: world.store().stories()[0].draft == "half a thought")
        await pilot.press("enter")
        await until(pilot, lambda: world.told)
        assert world.told[0][0] == "half a thought"
        assert world.store().stories()[0].draft == ""


async def test_pasted_paragraphs_stay_whole(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot, "One.\n\nTwo.\nThree.")
        await until(pilot, lambda: world.told)
        assert world.told[0][0] == "One.\n\nTwo.\nThree."


async def test_new_open_and_rename(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("escape", "R")
        await until(pilot, lambda: "The story's title" in screen_text(app))
        await pilot.press("ctrl+u")
        await type_text(pilot, "The Mouse")
        await pilot.press("enter")
        await until(pilot, lambda: world.store().story(1).title == "The Mouse")
        await pilot.press("n")
        await until(pilot, lambda: "A blank page" in screen_text(app))
        assert isinstance(app.focused, Prompt)  # letters are a line, not commands
        await pilot.press("escape", "o")
        await until(pilot, lambda: "The Mouse" in screen_text(app) and "1 story" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "said the mouse." in screen_text(app) and "The Mouse" in screen_text(app))


async def test_a_model_that_is_in_no_list_can_be_named(
    app: StorytimeApp, world: World, tmp_path: Path
) -> None:
    (tmp_path / "owl.gguf").write_bytes(b"GGUF")
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press("escape", "m")
        await until(pilot, lambda: isinstance(app.focused, ChoiceList) and app.focused.rows)
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, AskPathScreen))
        await type_text(pilot, str(tmp_path / "owl.gguf"))
        await pilot.press("enter")
        await until(pilot, lambda: world.opened[-1:] == [str(tmp_path / "owl.gguf")])


async def test_another_model_can_be_chosen(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: world.opened == ["hedgerow-1"])
        await pilot.press("escape", "m")
        await until(pilot, lambda: isinstance(app.focused, ChoiceList) and app.focused.rows)
        await pilot.press("down", "enter")
        await until(pilot, lambda: world.opened == ["hedgerow-1", "distilgpt2"])
        assert app.desk.writing.now.model == "distilgpt2"


async def test_a_base_is_not_fetched_before_it_is_asked_for(app: StorytimeApp, world: World) -> None:
    world.choices = world.choices[1:]
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "your first Enter downloads" in screen_text(app))
        assert world.opened == []
        await send(pilot)
        await until(pilot, lambda: world.opened == ["distilgpt2"])


async def test_a_model_that_cannot_be_opened_says_why_and_loses_nothing(
    app: StorytimeApp, world: World
) -> None:
    world.open_error = ModelError("The run hedgerow-1 has no checkpoint yet.")
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "no checkpoint yet" in screen_text(app))
        await send(pilot)
        await until(pilot, lambda: world.store().stories() and world.store().text(1) == LINE)
        await until(pilot, lambda: "no checkpoint yet" in screen_text(app))


async def test_another_model_that_cannot_be_opened_leaves_the_one_that_was_awake(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: world.opened == ["hedgerow-1"])
        world.open_error = ModelError("The Hub cannot be reached.")
        app.desk.writing.choose("distilgpt2")
        app.desk.writing.open()
        await until(pilot, lambda: "cannot be reached" in screen_text(app))
        assert app.desk.writing.now.model == "hedgerow-1"
        world.open_error = None
        await send(pilot)
        await until(pilot, lambda: world.told)


async def test_without_a_model_the_line_stays_in_the_prompt(app: StorytimeApp, world: World) -> None:
    world.choices = ()
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await send(pilot)
        await until(pilot, lambda: "There is no model yet: train one (F3)" in screen_text(app))
        assert app.screen.query_one(Prompt).text == LINE


async def to_settings(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await go_to_story(pilot, app)
    await pilot.press("escape", "comma")
    await until(pilot, lambda: isinstance(app.focused, KnobList) and app.focused.chosen == "preset")
    await pilot.press("down")
    await until(pilot, lambda: app.focused.chosen == "temperature")


async def tell(pilot, world: World) -> SamplerSettings:  # type: ignore[no-untyped-def]
    """Leave the settings, send a line, and return what the model was told with."""
    await pilot.press("escape")
    await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.focused, Prompt))
    await send(pilot)
    await until(pilot, lambda: world.told)
    return world.told[-1][1]


async def find_setting(pilot, app: StorytimeApp, name: str, letters: str = "") -> None:  # type: ignore[no-untyped-def]
    await pilot.press("slash", *(letters or name.replace("_", " ")), "enter")
    await until(pilot, lambda: isinstance(app.focused, KnobList) and app.focused.chosen == name)
    await pilot.press("escape")  # the filter
    await until(pilot, lambda: app.screen.query_one("#filter", Input).value == "")


async def test_settings_are_checked_where_they_are_typed(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_settings(pilot, app)
        await pilot.press("enter", "9")
        await until(pilot, lambda: "temperature is 9.0, but must be from 0 to 5." in flat(app))
        await pilot.press("enter")  # it is not taken
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert "changed" not in screen_text(app)
        await pilot.press("backspace", "1", "enter")
        await until(
            pilot,
            lambda: "Settings · 1 changed" in screen_text(app) and "lively, changed" in screen_text(app),
        )
        await find_setting(pilot, app, "seed")
        assert "0 (new)" in screen_text(app) and "same seed, same story; 0: new each time" in screen_text(app)
        await pilot.press("enter", "7", "enter")
        await until(pilot, lambda: "2 changed" in screen_text(app))
        asked = await tell(pilot, world)
        assert (asked.temperature, asked.seed) == (1.0, 7)
        assert "temperature 1 ·" in screen_text(app)


async def test_whole_sentences_are_toggled(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_settings(pilot, app)
        await find_setting(pilot, app, "finish_sentence")
        assert re.search("whole sentences +━● on", screen_text(app)) and "changed" not in screen_text(app)
        for key, value in (("space", "●━ off"), ("enter", "━● on"), ("left", "●━ off")):
            await pilot.press(key)
            shown = f"whole sentences +{value}"
            await until(pilot, lambda shown=shown: re.search(shown, screen_text(app)))
        assert "Settings · 1 changed" in screen_text(app)
        assert (await tell(pilot, world)).finish_sentence is False


async def test_all_settings_are_reached_and_the_frame_is_complete(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press("escape", "comma")
        await until(pilot, lambda: isinstance(app.focused, KnobList) and app.focused.chosen == "preset")
        await pilot.press("home")
        rows = list(knobs_of(world.services().places()))
        seen = [app.focused.chosen]  # type: ignore[union-attr]
        for _ in range(len(rows) - 1):
            await pilot.press("down")
            await until(pilot, lambda: app.focused.chosen != seen[-1])
            seen.append(app.focused.chosen)
        assert seen == rows and {"theme", "quotes", "threads", "preset", "seed", "runs_folder"} <= set(rows)
        for words in (
            "↵ Change",
            "/ Find",
            "r Reset",
            "a Reset group",
            "p Telling preset",
            "esc Back",
            "╰──",
        ):
            assert words in screen_text(app), words


async def test_the_settings_open_with_few_widgets_whatever_the_number_of_knobs(
    app: StorytimeApp, world: World
) -> None:
    """A widget costs about 5 ms to open."""
    async with app.run_test(size=SMALL) as pilot:
        await to_settings(pilot, app)
        assert len(list(app.screen.walk_children())) <= 8


async def test_what_an_earlier_telling_still_says_is_dropped(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        late = app.desk.writing.now.number - 1
        app.desk.writing._handle([messages.TextTold(late, "TOO LATE", 1, 0.0)])
        app.desk.writing._handle([messages.TellerOpening(late, "TOO LATE")])
        await pilot.pause()
        assert "TOO LATE" not in screen_text(app)


async def test_opening_shows_its_progress(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: world.opened)
        number = app.desk.writing.now.number
        app.desk.writing.thread._opening(number, Preparing("fetching distilgpt2", 120_000_000, 353_000_000))
        await until(pilot, lambda: "fetching distilgpt2 120 of 353 MB" in screen_text(app))


async def test_a_long_story_shows_its_end_and_stays_where_it_is_read(world: World) -> None:
    store = world.store()
    story = store.new_story("Long")
    store.add_passage(story.id, "you", "\n\n".join(f"Line {i}." for i in range(1000)))
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "Line 999." in screen_text(app))
        page = app.screen.query_one(Page)
        page.jump(500)
        await until(pilot, lambda: "Line 999." not in screen_text(app))
        page.append("model", " And more. " * 100)
        await pilot.pause()
        assert page.top == 500
        page.anchor_end()
        page.append("model", " The end.")
        await until(pilot, lambda: "The end." in screen_text(app))


async def test_a_line_sent_while_the_model_writes_goes_when_it_is_done(
    app: StorytimeApp, world: World
) -> None:
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press(*"One day", "enter")
        world.gate.release(2)
        await until(pilot, lambda: app.desk.busy)
        await pilot.press(*"And then", "enter")
        await until(pilot, lambda: "your line is next" in screen_text(app))
        world.gate.release(1000)
        await until(pilot, lambda: len(world.told) == 2)
        assert world.told[1][0].endswith("And then")
        assert app.screen.query_one(Prompt).text == ""


async def test_escape_takes_back_the_wish_but_not_the_line(app: StorytimeApp, world: World) -> None:
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press(*"One day", "enter")
        world.gate.release(2)
        await until(pilot, lambda: app.desk.busy)
        await pilot.press(*"And then", "enter", "escape")
        await until(pilot, lambda: "stopped" in screen_text(app))
        assert len(world.told) == 1
        assert app.screen.query_one(Prompt).text == "And then"


async def test_the_parts_of_an_emoji_stay_together_when_typed(app: StorytimeApp) -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        for sign in family:
            app.post_message(events.Key("unknown", sign))
        await until(pilot, lambda: app.screen.query_one(Prompt).text == family)


async def test_an_earlier_story_goes_on_with_its_own_model(app: StorytimeApp, world: World) -> None:
    store = world.store()
    story = store.new_story("Old")
    store.add_passage(story.id, "model", "Long ago.", "distilgpt2", "{}")
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        assert app.desk.writing.now.model == "distilgpt2"


@pytest.mark.parametrize(
    "parts", [["One day", " a fr", "og came", ".\n\n", "The", " end"], ["", "a", "b", " c "]]
)
def test_words_are_counted_once_however_they_stream(parts: list[str]) -> None:
    status = WritingStatus(SamplerSettings(), id="status")
    status.count(parts[0])
    for part in parts[1:]:
        status.add(part)
    assert status.words == len("".join(parts).split())


async def test_how_it_tells_is_said_where_there_is_room_for_all_of_it(app: StorytimeApp) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        status = app.screen.query_one(WritingStatus)
        assert "temperature 0.6 · a paragraph at once" in screen_text(app)
        status.state = "the model ended the story · 1,210 tokens/s"
        status.show()
        await until(pilot, lambda: "1,210 tokens/s · temperature 0.6\n" in trimmed(screen_text(app)))
        status.state += " · your line is next"
        status.show()
        await until(pilot, lambda: "your line is next\n" in trimmed(screen_text(app)))


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


async def test_a_preset_sets_values_and_what_is_typed_wins(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_settings(pilot, app)
        await find_setting(pilot, app, "banned")
        await pilot.press("enter", *"the end, dragon", "enter")
        await until(pilot, lambda: "Settings · 1 changed" in screen_text(app))
        await find_setting(pilot, app, "repetition_window")
        await pilot.press("enter", *"64", "enter")
        await until(pilot, lambda: "Settings · 2 changed" in screen_text(app))
        await pilot.press("p")
        await until(
            pilot, lambda: "Settings · 2 changed" in screen_text(app) and "wild: Un" in screen_text(app)
        )
        assert "wild: Unlikely words too: may lose the thread." in screen_text(app)
        await find_setting(pilot, app, "presence", "occurred")
        await pilot.press("enter", *"0.7", "enter")
        await until(pilot, lambda: "Settings · 3 changed" in screen_text(app))
        asked = await tell(pilot, world)
        assert (asked.temperature, asked.repetition_window, asked.presence) == (1.25, 256, 0.7)
        assert asked.banned == ("the end", "dragon")
        assert app.desk.preferences.now.preset == "wild"
        assert app.desk.preferences.sampler().temperature == 1.25


async def test_one_setting_or_all_are_reset(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await to_settings(pilot, app)
        await pilot.press("enter", *"1.5", "enter")
        await until(pilot, lambda: "1 changed" in screen_text(app))
        await pilot.press("down", "enter", *"40", "enter")
        await until(pilot, lambda: "2 changed" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: "Settings · 1 changed" in screen_text(app))
        await pilot.press("a")
        await until(
            pilot, lambda: "Settings ─" in screen_text(app) and "hold again for “telling”" in screen_text(app)
        )
        await pilot.press("enter", *"99", "escape")  # what is typed is dropped
        await until(pilot, lambda: isinstance(app.focused, KnobList))
        asked = await tell(pilot, world)
        assert (asked.temperature, asked.top_k) == (0.6, 0)
