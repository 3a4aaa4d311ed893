"""Under the bonnet: at any word what else might have come, another one taken, colours, and what training taught."""

import threading
from typing import Any

import pytest

from storytime_tui.errors import ModelError
from storytime_tui.jobs.generate import ModelChoice
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.screens.story_inspect import StoryInspect
from storytime_tui.tui.widgets.choice_list import ChoiceList
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, flat, make_app, screen_text, until
from tests.tui.fake_reading import token_texts
from tests.tui.fakes import World
from tests.tui.test_story import LINE, go_to_story, send, told


async def inspect(pilot: Any, app: StorytimeApp) -> StoryInspect:
    """Write a line, let the model continue, and look under the bonnet."""
    await go_to_story(pilot, app)
    await send(pilot)
    await until(pilot, lambda: "tokens told" in screen_text(app))
    await pilot.press("escape", "i")
    await until(pilot, lambda: "rank" in screen_text(app))
    return app.screen.query_one(StoryInspect)


def pointed(app: StorytimeApp) -> str:
    """The marked word of the page."""
    page = app.screen.query_one(Page)
    return page.text[slice(*page._point)] if page._point is not None else ""


def looks(app: StorytimeApp) -> set[str]:
    """The looks of the page's words."""
    return {span.look for span in app.screen.query_one(Page)._paints.get("inspect", ())}


async def reach(pilot: Any, app: StorytimeApp, word: str) -> None:
    """Walk back to a word."""
    for _ in range(60):
        if pointed(app) == word:
            return
        before = app.screen.query_one(Page)._point
        await pilot.press("left")
        await until(pilot, lambda before=before: app.screen.query_one(Page)._point != before)
    raise AssertionError(f"{word!r} was not reached")


async def test_each_word_shows_what_else_might_have_come(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await until(pilot, lambda: pointed(app) == ".")  # the end of the story was in sight
        await reach(pilot, app, "acorns")
        shown = screen_text(app)
        assert "At “acorns”" in shown and "of 8,192" in shown
        assert "1 buttons" in shown and "40.0%" in shown
        assert "▸ 2 acorns" in shown and "20.0%" in shown
        assert "(byte)" in shown and "0 (end)" in shown
        assert app.screen.query_one(Page).size.height >= 8  # the story is still readable beside it


async def test_the_cursor_goes_by_words_and_rows_and_where_one_clicks(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        page = app.screen.query_one(Page)
        await pilot.press("home")
        await until(pilot, lambda: pointed(app) == "Once")
        await pilot.press("right", "right")
        await until(pilot, lambda: pointed(app) == "a")
        column = page.laid.rows[0].start
        await pilot.press("down")
        await until(pilot, lambda: page._point is not None and page.laid.row_at(page._point[0]) == 1)
        assert column == 0
        await pilot.press("up")
        await until(pilot, lambda: pointed(app) == "a")
        place = page.text.index("thimble")
        row = page.laid.row_at(place)
        margin = (page.room - page.laid.width) // 2
        offset = (
            page.content_offset.x + margin + place - page.laid.rows[row].start + 2,
            page.content_offset.y + row + 2 - page.top,
        )
        await pilot.click(Page, offset=offset)
        await until(pilot, lambda: pointed(app) == "thimble" and isinstance(app.focused, StoryInspect))


async def test_a_line_break_is_a_word_too_and_is_seen(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await reach(pilot, app, "\n\n")
        assert "small hat.¶" in screen_text(app)
        assert "At “␊␊”" in screen_text(app)


async def test_another_word_begins_a_branch_and_the_model_goes_on(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await reach(pilot, app, "acorns")
        await pilot.press("1")
        before = LINE + " and the frog laid down three buttons"
        await until(pilot, lambda: len(world.told) == 2)
        assert world.told[1][0] == before
        await until(pilot, lambda: isinstance(app.focused, Page) and not app.desk.busy)
        passages = world.store().passages(1)
        assert [(each.author, each.writer) for each in passages] == [
            ("you", "you"),
            ("model", "edited"),
            ("model", "model"),
        ]
        await until(pilot, lambda: "tokens told" in screen_text(app))
        await pilot.press("u", "u")  # the model's words, then the other word
        await until(pilot, lambda: world.store().text(1) == LINE + told(world))
        await until(pilot, lambda: "three acorns" in flat(app))


async def test_a_word_of_ones_own_is_cut_and_replaced_from_the_list(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await pilot.press("home", "right")
        await until(pilot, lambda: pointed(app) == "upon")
        await pilot.press("enter", "down", "down")
        await pilot.press("escape")  # leaves the list only
        await until(pilot, lambda: app.screen.query_one(StoryInspect)._row is None)
        assert pointed(app) == "upon"
        await pilot.press("enter", "down", "down", "up", "enter")
        await until(pilot, lambda: len(world.told) == 2)
        assert world.told[1][0] == "Once acorns"
        assert [each.writer for each in world.store().passages(1)][:1] == ["edited"]
        assert world.store().passages(1)[0].author == "you"


async def test_the_end_of_the_story_can_be_taken_and_is_no_word(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await reach(pilot, app, "acorns")
        await pilot.press("9")  # a part of a character: not a word
        await pilot.press("0")
        await until(pilot, lambda: world.store().text(1) == LINE + " and the frog laid down three")
        await until(pilot, lambda: isinstance(app.focused, Page))
        assert len(world.told) == 1  # nothing is told behind an end


async def test_escape_gives_the_page_back_as_it_was(app: StorytimeApp, world: World) -> None:
    world.pieces = tuple(f" word{number}.\n\n" for number in range(60))
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        page = app.screen.query_one(Page)
        await pilot.press("escape")
        page.jump(20)
        await pilot.pause()
        await pilot.press("i")
        await until(pilot, lambda: pointed(app))
        assert page.laid.row_at(page._point[0]) + 2 >= 20  # begins in sight, not at the end
        await pilot.press("home")
        await until(pilot, lambda: page.top == 0)
        await pilot.press("c")
        await until(pilot, lambda: looks(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page) and page.top == 20)
        assert not looks(app) and not pointed(app)
        assert not app.screen.query(StoryInspect)


async def test_words_are_coloured_by_surprise_with_a_legend(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await pilot.press("c")
        await until(pilot, lambda: len(looks(app)) >= 4)
        assert all(look.startswith("surprise--") for look in looks(app))
        assert "less likely" in screen_text(app)
        await pilot.press("c")
        await until(pilot, lambda: not looks(app))
        assert "less likely" not in screen_text(app)


async def test_what_training_taught(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await pilot.press("b")
        await until(pilot, lambda: "would rather have said" in flat(app))
        assert world.opened == ["hedgerow-1", "hedgerow-1 at 0"]
        assert app.desk.writing.now.effective_strength == 1  # the model that tells is the same
        assert looks(app) == {"page--run", "page--base"}
        assert "of these 28 words; most of all: " in flat(app) and "· base " in flat(app)
        assert "times as likely)" in flat(app)
        at = next(
            at for at, line in enumerate(screen_text(app).splitlines()) if " twice as likely · " in line
        )
        one, two = screen_text(app).splitlines()[at : at + 2]
        assert len(one) - len(one.lstrip()) == len(two) - len(two.lstrip())  # the rows begin below each other
        await pilot.press("b")
        await until(pilot, lambda: not looks(app))
        await pilot.press("b")
        await until(pilot, lambda: looks(app))
        assert len(world.opened) == 2  # read once


async def test_a_base_has_none_to_be_compared_with(world: World) -> None:
    world.choices = (ModelChoice("distilgpt2", "distilgpt2", "reads English already"),)
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await pilot.press("b")
        await until(pilot, lambda: "distilgpt2 is no run of yours" in flat(app))
        assert not looks(app)


async def test_a_base_that_is_gone_is_said_and_the_words_stay(app: StorytimeApp, world: World) -> None:
    world.refused = (0.0,)
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        await pilot.press("b")
        await until(pilot, lambda: "hedgerow-1 can be told at strength 1 only." in flat(app))
        assert not looks(app) and "would rather" not in flat(app) and "rank" in screen_text(app)


async def test_a_reading_is_left_with_escape_and_the_model_is_free(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        world.gate = threading.Semaphore(0)
        app.desk.writing.thread.forget("hedgerow-1")  # the next one waits at the gate
        await pilot.press("escape", "i")
        await until(pilot, lambda: "measuring the words 1 of 2" in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, Page) and not app.desk.busy)
        world.gate.release(1000)
        await pilot.press("i")
        await until(pilot, lambda: "rank" in screen_text(app))


async def test_a_failure_is_said_and_closes_it(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        world.open_error = ModelError("The model is gone.")
        app.desk.writing.thread.forget("hedgerow-1")
        await pilot.press("escape", "i")
        await until(pilot, lambda: "The model is gone." in flat(app))
        assert not app.screen.query(StoryInspect) and isinstance(app.focused, Page)


async def test_another_text_and_another_model_close_it(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        panel = await inspect(pilot, app)
        await pilot.press("c", "u")  # undo
        await until(pilot, lambda: not panel.is_attached and "frog" not in screen_text(app))
        assert not looks(app) and isinstance(app.focused, Page)
        await pilot.press("y")
        await until(pilot, lambda: "said the mouse." in screen_text(app))
        await pilot.press("i")
        await until(pilot, lambda: "rank" in screen_text(app))
        panel = app.screen.query_one(StoryInspect)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.focused, ChoiceList) and app.focused.rows)
        await pilot.press("down", "enter")
        await until(pilot, lambda: not panel.is_attached and isinstance(app.focused, Page))


async def test_the_prompt_takes_over_when_it_is_clicked(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        panel = await inspect(pilot, app)
        await pilot.click(Prompt)
        await until(pilot, lambda: not panel.is_attached and isinstance(app.focused, Prompt))
        assert not pointed(app)


async def test_a_blank_page_has_no_word(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await pilot.press("escape", "i")
        await until(pilot, lambda: "There is no word to look at yet." in flat(app))
        assert not app.screen.query(StoryInspect)


async def test_beside_the_page_where_there_is_room(app: StorytimeApp, world: World) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: "tokens told" in screen_text(app))
        page = app.screen.query_one(Page)
        before = page.region, page.laid.width
        await pilot.press("escape", "i")
        await until(pilot, lambda: "rank" in screen_text(app))
        panel = app.screen.query_one(StoryInspect)
        assert panel.region.x >= page.region.right and (page.region, page.laid.width) == before
        rows = [line for line in screen_text(app).splitlines() if "%" in line and "2.0%" not in line[:80]]
        assert len(rows) == 11  # the word and ten likeliest, each in a row of its own
        await pilot.press("p")  # the panel beside the page is hidden, and this with it
        await until(pilot, lambda: not panel.is_attached and isinstance(app.focused, Page))


@pytest.mark.parametrize("place", [0, 3])
async def test_hostile_words_are_data(place: int, app: StorytimeApp, world: World) -> None:
    world.pieces = ("[/b]", " [@click=app.quit]quit", "\x1b[2J", " end.")
    async with app.run_test(size=SMALL) as pilot:
        await inspect(pilot, app)
        for _ in range(len(token_texts("".join(world.pieces))) + place):
            await pilot.press("left")
        await until(pilot, lambda: "At “" in screen_text(app))
        assert "\x1b" not in screen_text(app)
