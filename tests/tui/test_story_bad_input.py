"""What a story must bear: a megabyte pasted at once, any characters, undo in a hurry, a model that is gone."""

import threading
from contextlib import closing

from storytime_tui.stories.history import undo
from storytime_tui.stories.tree import passages_of
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.prompt import Prompt
from tests.tui.conftest import SMALL, flat, make_app, screen_text, type_text, until
from tests.tui.fakes import World
from tests.tui.test_story import go_to_story, send, told

SIGNS = "日本語の物語 🦉👩‍👩‍👧 e\u0301a\u0308 \u202eabc\u202c עברית و العربية \x1b[31mred\x07 \x00 a\tb \ufeff\u200b ½"


async def test_a_megabyte_is_pasted_at_once_and_told_on(app: StorytimeApp, world: World) -> None:
    pasted = "The owl sang by the mill." + " The owl sang by the mill." * 40_000
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await type_text(pilot, pasted)
        await until(pilot, lambda: len(app.screen.query_one(Prompt).text) == len(pasted))
        await pilot.press("enter")
        await until(pilot, lambda: world.told and not app.desk.busy)
        assert "said the mouse." in flat(app)
        assert len(screen_text(app).splitlines()) == SMALL[1]
    assert world.store().text(1) == pasted + told(world)


async def test_wide_combining_and_control_characters_are_kept_and_command_nothing(
    app: StorytimeApp, world: World
) -> None:
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        with closing(world.store()) as store:
            story = store.new_story("owl")
            store.add_passage(story.id, "you", SIGNS + "\nAnd then.")
        await app.open_story(story)
        await until(pilot, lambda: "日本語の物語" in screen_text(app) and "And then." in screen_text(app))
        assert not set("\x1b\x07\x00\u202e") & set(screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: world.told and not app.desk.busy)
        assert world.store().text(story.id).startswith(SIGNS + "\nAnd then.")


async def test_undo_is_pressed_twenty_times_while_it_streams(app: StorytimeApp, world: World) -> None:
    """Each press is one step, the first that of what streams; nothing of it is deleted."""
    world.folder.mkdir(parents=True, exist_ok=True)
    with closing(world.store()) as store:
        story = store.new_story("owl").id
        for number in range(30):
            store.add_passage(story, "you", f"{number}. ")
    world.gate = threading.Semaphore(0)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "29." in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: world.told)
        world.gate.release(2)
        app.screen.set_focus(app.screen.query_one("#page"))
        await pilot.press(*["u"] * 20)
        await until(pilot, lambda: not app.desk.busy and world.store().text(story).endswith(" 10. "))
        await until(pilot, lambda: " 10." in screen_text(app) and " 11." not in screen_text(app))
        with closing(world.store()) as other:
            assert len(passages_of(other, story)) == 31
            assert undo(other, story).head == 10


async def test_a_story_whose_model_is_gone_opens_and_is_told_on_by_another(world: World) -> None:
    world.folder.mkdir(parents=True)
    with closing(world.store()) as store:
        story = store.new_story("owl").id
        store.add_passage(story, "model", "An owl sat in a tree.", "a-run-that-was-removed", "{}")
    app = make_app(world)
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await until(pilot, lambda: "An owl sat in a tree." in flat(app))
        gone = "a-run-that-was-removed, which told this story, is not here: hedgerow-1 goes on with it."
        await until(pilot, lambda: gone in flat(app))
        await send(pilot, " It sang.")
        await until(pilot, lambda: world.told and not app.desk.busy)
        assert "said the mouse." in flat(app)
    assert world.store().passages(story)[-1].model != "a-run-that-was-removed"


async def test_on_a_full_disk_the_line_stays_in_view_and_goes_on_once_there_is_room(
    app: StorytimeApp, world: World
) -> None:
    line = "It rained on the mill. " * 4_000
    async with app.run_test(size=SMALL) as pilot:
        await go_to_story(pilot, app)
        await send(pilot)
        await until(pilot, lambda: world.told and not app.desk.busy)
        disk = app.desk.store_thread.store()._db
        (pages,) = disk.execute("PRAGMA page_count").fetchone()
        disk.execute(f"PRAGMA max_page_count = {pages}")
        await send(pilot, line)
        await until(pilot, lambda: "The disk is full" in flat(app))
        assert app.screen.query_one(Prompt).text == line
        assert len(world.told) == 1
        disk.execute("PRAGMA max_page_count = 1000000")
        await until(pilot, lambda: len(world.told) == 2 and not app.desk.busy)
        assert "The disk is full" not in flat(app)
    assert world.store().text(1).count("It rained on the mill.") == 4_000
