"""Find and replace on the Story screen: a bar over the page, and a new branch for what is replaced."""

import threading

import pytest
from textual import events
from textual.widgets import Input

from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.find_bar import FindBar
from storytime_tui.tui.widgets.page import Page
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, flat, make_app, screen_text, type_text, until
from tests.tui.fakes import World
from tests.tui.test_story import go_to_story

WIDE = (120, 40)
STORY = [("you", "The mouse met a Mouse, "), ("model", "and the little mo"), ("you", "use said: mouse-hole!")]


@pytest.fixture
def story(world: World) -> World:
    world.folder.mkdir(parents=True, exist_ok=True)
    store = world.store()
    number = store.new_story("The mouse").id
    for author, text in STORY:
        store.add_passage(number, author, text, "hedgerow-1" if author == "model" else "")  # type: ignore[arg-type]
    store.close()
    return world


def found(app: StorytimeApp) -> list[str]:
    page = app.screen.query_one(Page)
    return [page.text[span.start : span.end] for span in page._paints.get("found", ())]


async def open_bar(pilot, app: StorytimeApp) -> None:  # type: ignore[no-untyped-def]
    await go_to_story(pilot, app)
    await until(pilot, lambda: "mouse-hole" in screen_text(app))
    await pilot.press("escape", "slash")
    await until(pilot, lambda: isinstance(app.focused, Input))


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_words_are_found_while_they_are_typed_and_replaced_as_one_step(
    story: World, size: tuple[int, int]
) -> None:
    app = make_app(story)
    before = "".join(text for _, text in STORY)
    async with app.run_test(size=size) as pilot:
        await open_bar(pilot, app)
        await type_text(pilot, "mouse")
        await until(pilot, lambda: found(app) == ["mouse", "Mouse", "mouse", "mouse"])
        assert "1 of 4" in flat(app) and "any case, parts of words" in flat(app)
        await pilot.press("enter", "down")
        assert "3 of 4" in flat(app)
        await pilot.press("up", "up", "up")
        assert "4 of 4" in flat(app)  # before the first comes the last
        await pilot.press("tab")
        await type_text(pilot, "vole")
        await pilot.press("ctrl+a")
        await until(pilot, lambda: "4 places replaced on a new branch; u undoes it." in flat(app))
        after = before.replace("mouse", "vole").replace("Mouse", "vole")
        assert app.screen.query_one(Page).text == story.store().text(1) == after
        assert [p.text for p in story.store().passages(1)][1:] == ["and the little vole", " said: vole-hole!"]
        assert "not found" in flat(app)
        await pilot.press("escape", "u")
        await until(pilot, lambda: app.screen.query_one(Page).text == before)
        assert [p.text for p in story.store().passages(1)] == [text for _, text in STORY]
        assert not found(app)


async def test_one_place_is_replaced_and_the_next_one_follows(story: World) -> None:
    app = make_app(story)
    async with app.run_test(size=SMALL) as pilot:
        await open_bar(pilot, app)
        await type_text(pilot, "mouse")
        await until(pilot, lambda: len(found(app)) == 4)
        await pilot.press("enter", "tab")
        await type_text(pilot, "Shrew")
        await pilot.press("ctrl+r")
        await until(
            pilot, lambda: story.store().text(1).startswith("The mouse met a Shrew, and the little mouse")
        )
        await until(pilot, lambda: len(found(app)) == 3 and "2 of 3" in flat(app))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "the little Shrew said" in story.store().text(1))


async def test_a_key_waits_for_the_letters_typed_before_it(story: World) -> None:
    app = make_app(story)
    async with app.run_test(size=SMALL) as pilot:
        await open_bar(pilot, app)
        await type_text(pilot, "mous")
        await pilot.press("tab", "shift+tab", "end", "e", "tab")
        for key in [*"vole", "ctrl+a", "x"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))  # all at once
        await until(pilot, lambda: "4 places replaced" in flat(app))
        assert story.store().text(1) == "The vole met a vole, and the little vole said: vole-hole!"


async def test_exact_case_and_whole_words_are_switched(story: World) -> None:
    app = make_app(story)
    async with app.run_test(size=SMALL) as pilot:
        await open_bar(pilot, app)
        await type_text(pilot, "mous")
        await until(pilot, lambda: len(found(app)) == 4)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: len(found(app)) == 3 and "exact case" in flat(app))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "not found" in flat(app) and "whole words" in flat(app))


async def test_the_bar_closes_where_the_story_was_and_opens_with_the_same_words(story: World) -> None:
    app = make_app(story)
    async with app.run_test(size=SMALL) as pilot:
        await open_bar(pilot, app)
        await type_text(pilot, "hole")
        await until(pilot, lambda: found(app) == ["hole"])
        await pilot.press("escape")
        await until(
            pilot, lambda: isinstance(app.focused, Page) and not app.screen.query_one(FindBar).display
        )
        assert not found(app)
        await pilot.press("slash")
        await until(pilot, lambda: found(app) == ["hole"])
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(app.focused, Prompt))


async def test_words_told_meanwhile_are_found_and_replacing_stops_the_model_first(story: World) -> None:
    story.gate = threading.Semaphore(0)
    story.pieces = (" A mouse", " came", " by.")
    app = make_app(story)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "mouse-hole" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: story.told)
        app.screen.query_one(Page).focus()
        await pilot.press("slash")
        await type_text(pilot, "mouse")
        await until(pilot, lambda: len(found(app)) == 4)
        story.gate.release(3)
        await until(pilot, lambda: len(found(app)) == 5)
        await until(pilot, lambda: not app.desk.busy)
        app.screen.query_one(Prompt).focus()
        await pilot.press("enter")
        await until(pilot, lambda: len(story.told) == 2)
        app.screen.query_one("#find-other", Input).focus()
        await type_text(pilot, "vole")
        await pilot.press("ctrl+a")
        await until(pilot, lambda: "5 places replaced" in flat(app))
        assert story.store().text(1).endswith("vole-hole! A vole came by.")


async def test_a_hostile_text_is_found_and_shown_as_text(world: World) -> None:
    store = world.services().open_store()
    store.add_passage(store.new_story("x").id, "you", "a [bold] and [/b] \x1b[2J mouse-hole")
    store.close()
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await open_bar(pilot, app)
        await type_text(pilot, "[/b]")
        await until(pilot, lambda: found(app) == ["[/b]"])
        await pilot.press("tab")
        await type_text(pilot, "[red]")
        await pilot.press("ctrl+a")
        await until(pilot, lambda: "[red]" in world.store().text(1) and "1 place replaced" in flat(app))
